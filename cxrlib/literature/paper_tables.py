"""The numbers that the papers print of their cohort, as they print them.

Tables 1, 3, 4 and 7 and the counts in the text of Cohen et al. 2020b (Prospective Predictions)
and Table 1 of Cohen et al. 2020 (the first announcement). Each is a file in its printed shape:
what a row is called in a cohort's table, what the paper calls it, then the numbers as printed,
"6/5" being six yes and five no. How many decimals are printed says how exactly a number can be
compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from cxrlib.errors import SelectionError
from cxrlib.literature.csv_tables import read_rows

_ABOUT = read_rows("tables")

PAPER_COMMIT = _ABOUT[0]["commit"]
"""The collection's state of 18 September 2020, which the tables of 2020-12 count."""

TOTALS = "Totals"
"""The row that counts the whole table."""


@dataclass(frozen=True)
class PublishedColumn:
    """Name a column of numbers.

    Parameters
    ----------
    name : str
        Its name in comparisons.
    title : str
        Its title in words.
    unit : str
        What the numbers are: "images", "patients", "years", "share", or "count" where the
        row says what.
    whole : tuple of (int or None, int or None), optional
        Images and patients that the column parts, where a number says how large its row
        is. None where a number is taken from its row.
    """

    name: str
    title: str
    unit: str
    whole: tuple[int | None, int | None] | None = None


@dataclass(frozen=True)
class PublishedCell:
    """Hold one printed number.

    Parameters
    ----------
    row, column : str
    value : float
    decimals : int
        As printed.
    n_images, n_patients : int or None
        The size of what it was taken from; None where the paper does not say.
    """

    row: str
    column: str
    value: float
    decimals: int
    n_images: int | None
    n_patients: int | None


@dataclass(frozen=True)
class PublishedTable:
    """Hold one table of a paper.

    Parameters
    ----------
    name : str
        Its name here: "table-1".
    reference : str
        Key of the paper in docs/references.md.
    place : str
        Where it stands: "Table 1 (2020-12)".
    title : str
        What it counts, in our words.
    by : str
        The grouping that the command ``tables`` has for it; "" for none.
    unit : str
        "image" or "patient": what the shares and means of a row are taken over.
    selection : str
        Which rows of the collection were counted, in words.
    as_of : str
        The date of the collection's state, in words.
    commit : str or None
        That state, where it is known.
    columns : tuple of PublishedColumn
    row_titles : mapping of str to str
        The paper's name of each row, by ours.
    cells : tuple of PublishedCell
        Row by row, as in the paper.
    notes : tuple of str
        What a reader of the whole table should know.
    column_notes, row_notes : mapping of str to str
        The same of one column, of one row.
    cell_notes : mapping of (str, str) to str
        The same of one number, by row and column.
    """

    name: str
    reference: str
    place: str
    title: str
    by: str
    unit: str
    selection: str
    as_of: str
    commit: str | None
    columns: tuple[PublishedColumn, ...]
    row_titles: Mapping[str, str]
    cells: tuple[PublishedCell, ...]
    notes: tuple[str, ...] = ()
    column_notes: Mapping[str, str] = field(default_factory=dict)
    row_notes: Mapping[str, str] = field(default_factory=dict)
    cell_notes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def find_column(self, name: str) -> PublishedColumn:
        """Find a column by its name; raises KeyError where there is none."""
        return {column.name: column for column in self.columns}[name]


# ---- from files to tables

# What a printed cell can become: one number, or with "6/5" one of yes and one of no, and
# where the row of totals prints one number instead, that of the recorded.
Printed = Sequence[PublishedColumn]


def _read_columns(table: str) -> Mapping[str, Printed]:
    """Read what the cells of a table's printed columns become, by the printed columns' titles."""
    printed: dict[str, list[PublishedColumn]] = {}
    for row in read_rows("columns"):
        if row["table"] == table:
            n_images, n_patients = (
                int(row[size]) if row[size] else None for size in ("of images", "of patients")
            )
            whole = (n_images, n_patients) if n_images else None
            column = PublishedColumn(row["name"], row["title"], row["unit"], whole)
            printed.setdefault(row["printed column"], []).append(column)
    return printed


def _read_cell(text: str, printed: Printed) -> Iterator[tuple[PublishedColumn, str]]:
    """Pair the numbers of a printed cell with their columns."""
    if len(printed) == 1:
        yield printed[0], text
    elif "/" in text:
        yield from zip(printed, text.split("/"), strict=False)
    else:
        yield printed[-1], text


def _read_row(row: Mapping[str, str], columns: Mapping[str, Printed]) -> Iterator[PublishedCell]:
    """Turn a line into cells; the row's own size is what its columns of a whole print."""
    numbers = [
        pair for title, printed in columns.items() for pair in _read_cell(row[title], printed)
    ]
    size = {column.name: int(text) for column, text in numbers if column.whole}
    own = (size.get("n_images"), size.get("n_patients"))
    for column, text in numbers:
        n_images, n_patients = column.whole or own
        decimals = len(text.partition(".")[2])
        yield PublishedCell(row["row"], column.name, float(text), decimals, n_images, n_patients)


def _read_table(about: Mapping[str, str]) -> PublishedTable:
    """Read a table; a note of no row and no column is of the whole table."""
    columns, rows = _read_columns(about["name"]), read_rows(about["name"])
    notes = [note for note in read_rows("notes") if note["table"] == about["name"]]
    return PublishedTable(
        **{**about, "commit": about["commit"] or None},  # type: ignore[arg-type]
        columns=tuple(column for printed in columns.values() for column in printed),
        row_titles=MappingProxyType({row["row"]: row["printed row"] for row in rows}),
        cells=tuple(cell for row in rows for cell in _read_row(row, columns)),
        notes=tuple(n["note"] for n in notes if not n["row"] and not n["column"]),
        column_notes={n["column"]: n["note"] for n in notes if n["column"] and not n["row"]},
        row_notes={n["row"]: n["note"] for n in notes if n["row"] and not n["column"]},
        cell_notes={(n["row"], n["column"]): n["note"] for n in notes if n["row"] and n["column"]},
    )


PUBLISHED: Mapping[str, PublishedTable] = MappingProxyType(
    {about["name"]: _read_table(about) for about in _ABOUT}
)
"""The papers' tables by name, in the papers' order."""


def find_table(name: str) -> PublishedTable:
    """Find a published table by its name.

    Raises
    ------
    SelectionError
        If there is no such table.

    Examples
    --------
    >>> find_table("table-3").place
    'Table 3 (2020-12)'
    """
    if name not in PUBLISHED:
        raise SelectionError(
            f"No published table is called {name!r}. There are {', '.join(PUBLISHED)}."
        )
    return PUBLISHED[name]
