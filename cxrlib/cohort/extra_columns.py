"""Extra columns: what metadata.csv holds beyond the columns that are known, kept and typed.

Nothing of a file is dropped. A column gets its type from its content, by one rule:

1. "empty": no cell holds anything. Blank, "NA", "N/A", "NaN" and "null" are nothing.
2. "yes/no": every cell is one of yes, no, y, n, true, false, unclear, unknown; or every cell is 0
   or 1, which then mean no and yes. "unclear" and "unknown" are neither.
3. "number": at least 19 of 20 cells are plain decimal numbers; the others are not recorded, and
   each is listed among the problems.
4. "category": at most 10 values, or at most 50 that come twice on average; none longer than 80
   signs.
5. "text": everything else, such as notes and ids.

A name keeps its spelling, on one line and at most 80 signs long; a second column of that name is
called "NAME (2)".
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.plain_numbers import NUMBER_LIMIT, parse_number

EXTRA = "extra:"
"""What the names of extra columns begin with in the cohort's table."""

ExtraKind = Literal["yes/no", "number", "category", "text", "empty"]

MAX_NAME = 80  # signs of a column's name, and of a category
FEW_CATEGORIES = 10
MAX_CATEGORIES = 50
LEAST_NUMBERS = 0.95
"""Share of the cells of a number column that are numbers."""

_NOTHING = frozenset({"", "na", "n/a", "nan", "null"})
_ANSWERS = {
    **dict.fromkeys(("y", "yes", "true"), "yes"),
    **dict.fromkeys(("n", "no", "false"), "no"),
    **dict.fromkeys(("unclear", "unknown"), "unclear"),
}
_DIGITS = {"1": "yes", "0": "no"}
_ANSWER_KINDS = ("yes", "no", "unclear", "not recorded")

# On screen a name is text within Markdown, within a chart's labels and within HTML: what means
# something there is written as a sign that looks alike, or as a space.
_PLAIN = str.maketrans(
    {"<": "‹", ">": "›", "[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "`": "'", '"': "'"}
    | dict.fromkeys("_*\\~$&#!^", " ")
)


@dataclass(frozen=True)
class ExtraColumn:
    """Hold what is known of an extra column.

    Parameters
    ----------
    name : str
        As in the file; one line, distinct.
    kind : {"yes/no", "number", "category", "text", "empty"}
    n_values : int
        Rows with a value; "unclear" is none.
    values : tuple of (str, int)
        Values with their rows, the most frequent first; () for numbers and text.
    file : str
        Where it comes from.
    note : str
        What must be said wherever it is used, in sentences; "".
    """

    name: str
    kind: ExtraKind
    n_values: int
    values: tuple[tuple[str, int], ...] = ()
    file: str = "metadata.csv"
    note: str = ""

    @property
    def column(self) -> str:
        """Name of the column in the cohort's table."""
        return f"{EXTRA}{self.name}"

    def describe(self) -> str:
        """Describe type and content in a few words.

        Examples
        --------
        >>> ExtraColumn("stage", "category", 12, (("mild", 9), ("severe", 3))).describe()
        'category: mild 9, severe 3'
        """
        rows = f"{self.n_values:,} row{'' if self.n_values == 1 else 's'}"
        if not self.values:
            return f"{self.kind}: {rows} with a value"
        shown = ", ".join(f"{format_plainly(value)} {n:,}" for value, n in self.values[:6])
        rest = len(self.values) - 6
        return f"{self.kind}: {shown}" + (f" and {rest} more" if rest > 0 else "")


def format_plainly(name: str, longest: int = 60) -> str:
    """Write a name of the cohort so that nothing in it is markup, for titles on screen.

    Examples
    --------
    >>> format_plainly("icu_los [days]"), format_plainly("<b>x</b>")
    ('icu los (days)', '‹b›x‹/b›')
    """
    plain = " ".join(name.translate(_PLAIN).split()) or "(no name)"
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def shorten_value(value: str, longest: int = 60) -> str:
    """Shorten a value so that two that differ stay two.

    Examples
    --------
    >>> shorten_value("Ward 3")
    'Ward 3'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if line == value and len(line) <= longest:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{line[: longest - 8]}… {digest}"


# ---- names


def name_extra(name: str, taken: Collection[str]) -> str:
    """Name an extra column: its own name on one line, made distinct by a number.

    Parameters
    ----------
    name : str
        As the header has it.
    taken : collection of str
        Names that are given away.
    """
    printable = "".join(sign if sign.isprintable() else " " for sign in name)
    line = " ".join(printable.split()) or "column"
    line = line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + "…"
    found, number = line, 2
    while found in taken:
        found = f"{line} ({number})"
        number += 1
    return found


# ---- types


def type_extra(
    names: Sequence[str],
    text: pd.DataFrame,
    rows: Sequence[int],
    problems: ProblemLog,
    *,
    file: str = "metadata.csv",
) -> tuple[pd.DataFrame, tuple[ExtraColumn, ...]]:
    """Type columns of text by their content; see the module for the rule.

    Parameters
    ----------
    names : sequence of str
        Distinct, one a column of `text`.
    text : DataFrame of str
        Cells, blanks as "".
    rows : sequence of int
        Number of each row in the file, for problems.
    problems : ProblemLog
        Takes a line for each cell of a number column that is no number.
    file : str

    Returns
    -------
    table : DataFrame
        On the index of `text`, columns "extra:NAME": categories of answers for yes/no, Float64
        for numbers, text else; missing where nothing is recorded.
    columns : tuple of ExtraColumn
    """
    typed, columns = {}, []
    for place, name in enumerate(names):
        cells = text.iloc[:, place].map(_clean).astype(object)
        kind = find_kind(cells)
        typed[f"{EXTRA}{name}"] = _type(cells, kind, name, rows, problems, file)
        columns.append(_count(name, kind, typed[f"{EXTRA}{name}"], file))
    return pd.DataFrame(typed, index=text.index), tuple(columns)


def _clean(cell: str) -> str:
    cell = cell.strip()
    return "" if cell.casefold() in _NOTHING else cell


def find_kind(cells: pd.Series) -> ExtraKind:
    """Find the type of a column of text by its content, blanks being "".

    Examples
    --------
    >>> find_kind(pd.Series(["1", "0", ""])), find_kind(pd.Series(["1", "2", "0.5"]))
    ('yes/no', 'number')
    """
    there = cells[cells != ""]
    if there.empty:
        return "empty"
    words = set(there.str.casefold())
    if words <= _ANSWERS.keys() or words <= _DIGITS.keys():
        return "yes/no"
    if there.map(parse_number).notna().mean() >= LEAST_NUMBERS:
        return "number"
    n_values = there.nunique()
    is_few = n_values <= FEW_CATEGORIES or n_values <= min(MAX_CATEGORIES, len(there) / 2)
    return "category" if is_few and there.str.len().max() <= MAX_NAME else "text"


def _type(
    cells: pd.Series,
    kind: ExtraKind,
    name: str,
    rows: Sequence[int],
    problems: ProblemLog,
    file: str,
) -> pd.Series:
    if kind == "yes/no":
        answers = cells.str.casefold().map(_ANSWERS | _DIGITS).fillna("not recorded")
        return pd.Series(pd.Categorical(answers, categories=_ANSWER_KINDS), index=cells.index)
    if kind == "number":
        return _type_numbers(cells, name, rows, problems, file)
    return cells.where(cells != "").astype("str")


def _type_numbers(
    cells: pd.Series, name: str, rows: Sequence[int], problems: ProblemLog, file: str
) -> pd.Series:
    numbers = [parse_number(cell) for cell in cells]
    for i, (row, cell, number) in enumerate(zip(rows, cells, numbers, strict=True)):
        if number is not None and abs(number) <= NUMBER_LIMIT:
            continue
        numbers[i] = None
        if cell:
            problem = "not a number" if number is None else "not a number of a usable size"
            action = "read as not recorded"
            problems.add(file, problem, action, row=row, column=name, value=cell)
    return pd.Series(pd.array(numbers, dtype="Float64"), index=cells.index)


def _count(name: str, kind: ExtraKind, typed: pd.Series, file: str) -> ExtraColumn:
    if kind == "number":
        return ExtraColumn(name, kind, int(typed.notna().sum()), file=file)
    words = typed.astype(object).dropna()
    words = words[~words.isin(["not recorded", "unclear"])] if kind == "yes/no" else words
    counts = sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0]))
    values = tuple((str(value), n) for value, n in counts) if kind != "text" else ()
    return ExtraColumn(name, kind, len(words), values, file)


# ---- names within one line


def quote_name(name: str) -> str:
    """Write a name for a line in which , ; : = and quotes part things.

    Examples
    --------
    >>> quote_name("site"), quote_name('a;"b" c')
    ('site', '"a;""b"" c"')
    """
    is_plain = name and not re.search(r"""[,;:="']""", name) and name == name.strip()
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def split_quoted(text: str, sign: str) -> list[str]:
    """Split a line at a sign outside of double quotes; the quotes stay.

    Examples
    --------
    >>> split_quoted('a;"b;c"', ";")
    ['a', '"b;c"']
    """
    parts, is_quoted = [""], False
    for each in text:
        is_quoted ^= each == '"'
        if each == sign and not is_quoted:
            parts.append("")
        else:
            parts[-1] += each
    return parts


def unquote_name(text: str) -> str | None:
    """Read a name that `quote_name` wrote; None where its quotes do not match.

    Examples
    --------
    >>> unquote_name('"a;""b"" c"'), unquote_name(" site ")
    ('a;"b" c', 'site')
    """
    text = text.strip()
    if '"' not in text:
        return text or None
    match = re.fullmatch(r'"((?:[^"]|"")*)"', text)
    return match[1].replace('""', '"') if match else None
