"""Problems of a cohort's files, collected line by line instead of raised; and what was read how."""

import pandas as pd

PROBLEM_COLUMNS = ("file", "row", "column", "value", "problem", "action")
READING_COLUMNS = ("file", "column", "value", "read_as", "rule", "n_rows")
LONGEST_VALUE = 80  # characters of a bad value that are shown


class ProblemLog:
    """Collect the problems of a cohort's files and what was done about them."""

    def __init__(self) -> None:
        self._lines: list[dict[str, object]] = []
        self._readings: list[tuple[str, str, str, str, str, int]] = []

    def add(
        self,
        file: str,
        problem: str,
        action: str,
        *,
        row: int | None = None,
        column: str = "",
        value: str = "",
    ) -> None:
        """Add one line.

        Parameters
        ----------
        file : str
            Path within the cohort's folder.
        problem, action : str
            What is wrong, and what is done about it, as clauses.
        row : int, optional
            Record number as a spreadsheet counts, the header being row 1.
        column, value : str
            The cell; a long value is shortened, what cannot be printed is written as an
            escape.
        """
        self._lines.append(
            {
                "file": file,
                "row": row,
                "column": _shorten(column),
                "value": _shorten(value),
                "problem": problem,
                "action": action,
            }
        )

    def add_reading(
        self, file: str, column: str, value: str, *, read_as: str, rule: str, n_rows: int
    ) -> None:
        """Add a value that was understood although it is not in our form; once, with its rows."""
        self._readings.append((file, _shorten(column), _shorten(value), read_as, rule, n_rows))

    def tabulate_readings(self) -> pd.DataFrame:
        """Return what was understood, in the order of adding.

        Returns
        -------
        DataFrame
            Columns file, column, value, read_as ("" for not recorded), rule and n_rows.
        """
        table = pd.DataFrame(self._readings, columns=list(READING_COLUMNS))
        return table.astype(dict.fromkeys(READING_COLUMNS[:-1], "str") | {"n_rows": "int64"})

    def to_table(self) -> pd.DataFrame:
        """Return the lines by file and row, problems of whole files first.

        Returns
        -------
        DataFrame
            Columns file, row (Int64, missing for a whole file), column, value, problem and
            action.
        """
        table = pd.DataFrame(self._lines, columns=list(PROBLEM_COLUMNS)).astype("str")
        table["row"] = pd.Series([line["row"] for line in self._lines], dtype="Int64")
        return table.sort_values(
            ["file", "row"], kind="stable", na_position="first", ignore_index=True
        )


def _shorten(text: str) -> str:
    """Make a cell's text fit one line of a report: nothing in it steers a terminal."""
    # Half a surrogate pair (JSON's \ud800, a file name that is no UTF-8) has no encoding.
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:LONGEST_VALUE])
    if len(text) > LONGEST_VALUE or len(shown) > LONGEST_VALUE:
        return shown[: LONGEST_VALUE - 1] + "…"
    return shown
