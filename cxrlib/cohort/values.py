"""Cells as hospitals and collections write them, read in the form of this project.

A cell is understood where people can mean one thing only: "045Y" is 45 years, "ja" is yes, "CR" an
X-ray. What could mean two things is not understood: "1,234" (a thousand or one), "W" (a woman or
white), "portable" of a view. The words are in `tables/words.csv`. Whoever reads cells lists each
understanding once, and each cell that is not understood by its row.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from cxrlib.cohort.form import FOLDER, find_type
from cxrlib.cohort.plain_numbers import parse_number
from cxrlib.literature import read_rows


class Reading(NamedTuple):
    """Hold what a cell was read as.

    Parameters
    ----------
    value : str or None
        The cell in our form, "" where nothing is recorded; None if it is not understood.
    rule : str
        Why, in words; "" where the cell already was in our form.
    """

    value: str | None
    rule: str = ""


NOT_UNDERSTOOD = Reading(None)


def read_value(column: str, cell: str) -> Reading:
    """Read a cell of one of our columns.

    Parameters
    ----------
    column : str
        Of the form; a cell of text stays, and so does one of a column that is not known.
    cell : str

    Examples
    --------
    >>> read_value("age", "045Y"), read_value("modality", "dx").value
    (Reading(value='45', rule='age of DICOM'), 'X-ray')
    >>> read_value("survival", "ja"), read_value("temperature", "1,234")
    (Reading(value='yes', rule='word'), Reading(value=None, rule=''))
    """
    cell = cell.strip()
    kind = find_type(column)
    if not cell or kind == "text":
        return Reading(cell)
    folded = " ".join(cell.casefold().split())
    words = read_words(column if kind == "word" else kind)
    if kind == "number" and parse_number(cell) is not None:
        return Reading(cell)
    if folded in words:
        return words[folded]
    return _read_number(column, cell) if kind == "number" else _fold_further(words, folded)


def read_column(column: str, cells: Iterable[str]) -> dict[str, Reading]:
    """Read the cells of a column, each distinct one once; some are told by the others.

    A sex of "W" is a woman where the column has no "F": it is German then.

    Examples
    --------
    >>> read_column("sex", ["m", "w"])["w"].value, read_column("sex", ["F", "w"])["w"].value
    ('F', None)
    """
    found = {cell: read_value(column, cell) for cell in dict.fromkeys(cells)}
    if column == "sex" and not any(cell.casefold() in ("f", "female") for cell in found):
        german = {cell: Reading("F", "W beside M: German") for cell in found if cell in ("w", "W")}
        found |= german
    return found


@cache
def read_words(kind: str) -> dict[str, Reading]:
    """Map the words of a kind of column, in lower case, to what they mean."""
    found: dict[str, Reading] = {}
    for row in read_rows("words", FOLDER):
        if row["kind"] in (kind, "nothing"):
            rule = "word" if row["value"] else "not recorded"
            found |= dict.fromkeys(_split(row["plain"]), Reading(row["value"]))
            found |= dict.fromkeys(_split(row["others"]), Reading(row["value"], rule))
    return found


def _split(words: str) -> list[str]:
    return [word for word in words.split("; ") if word]


def _fold_further(words: dict[str, Reading], folded: str) -> Reading:
    """Look a word up once more with signs between its parts taken for spaces."""
    plain = " ".join(re.split(r"[\s_/()-]+", folded)).strip()
    found = words.get(plain, NOT_UNDERSTOOD)
    return found if found.value is None else Reading(found.value, found.rule or "word")


# ---- numbers

_N = r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+))"
_UNITS = {
    "age": r"(?:years?(?: old)?|yrs?|y\.?o\.?|y/o|y|a|jahre?)",
    "offset": r"(?:days?|d|tage?)",
    "temperature": r"(?:°? ?c|degrees? c(?:elsius)?)",
    "pO2_saturation": r"%",
}
_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 365.25 / 7, "d": 365.25}
_IN_DECADE = {"early": 2, "low": 2, "mid": 5, "": 5, "late": 8, "high": 8}


def _read_number(column: str, cell: str) -> Reading:
    """Read a number with a unit, a bound, a range or words, by the first rule that fits."""
    text = " ".join(cell.casefold().replace("−", "-").split())
    text = re.sub(r"^(?:approx\.?|approximately|about|ca\.?|circa|~) ?", "", text)
    plain = re.sub(rf"(?<=[\d+.,s]) ?{_UNITS.get(column, '')}$", "", text)
    tries = [(text, rule) for rule in _COLUMN_RULES.get(column, ())]
    for words, (pattern, name, read) in (*tries, *((plain, rule) for rule in _RULES)):
        match = re.fullmatch(pattern, words)
        number = read(match) if match else None
        if number is not None:
            return Reading(f"{number:.10g}", name)
    return NOT_UNDERSTOOD


def _parse(text: str) -> float | None:
    """Read a number with a decimal comma or point; "1,234" could be a thousand: it is none."""
    return (
        None if re.fullmatch(r"[+-]?\d{1,3},\d{3}", text) else parse_number(text.replace(",", "."))
    )


def _take(match: re.Match[str]) -> float | None:
    return _parse(match[1])


def _middle(match: re.Match[str]) -> float | None:
    low, high = _parse(match[1]), _parse(match[2])
    return None if low is None or high is None or low > high else (low + high) / 2


def _in_decade(match: re.Match[str]) -> float:
    return int(match[2]) + _IN_DECADE[match[1] or ""]


def _per_year(match: re.Match[str]) -> float | None:
    number = _parse(match[1])
    return None if number is None else number / _PER_YEAR[match[2][0]]


def _from_fahrenheit(match: re.Match[str]) -> float | None:
    number = _parse(match[1])
    return None if number is None else (number - 32) / 1.8


Rule = tuple[str, str, Callable[[re.Match[str]], float | None]]
_RULES: tuple[Rule, ...] = (
    (_N, "the number in it", _take),
    (rf"(?:>=?|≥|over|above|at least) ?{_N}", "a lower bound: the bound itself", _take),
    (rf"{_N} ?(?:\+|or more|and above)", "a lower bound: the bound itself", _take),
    (rf"(?:<=?|≤|under|below|at most) ?{_N}", "an upper bound: the bound itself", _take),
    (rf"{_N} ?(?:-|–|to) ?{_N}", "a range: its middle", _middle),
    (
        r"(?:in (?:his|her|their|the) )?(?:(early|low|mid|late|high)[ -])?(\d{1,2}0) ?['’]?s",
        "a decade: early is 2, mid 5, late 8",
        _in_decade,
    ),
)
_COLUMN_RULES: dict[str, tuple[Rule, ...]] = {
    "age": (
        (r"(\d{3})([dwmy])", "age of DICOM", _per_year),
        (rf"{_N} ?(months?|mo|weeks?|wks?|days?)(?: old)?", "in years", _per_year),
    ),
    "offset": ((rf"(?:day|tag|d) ?{_N}", "a day: its number", _take),),
    "temperature": ((rf"{_N} ?°? ?f(?:ahrenheit)?", "from Fahrenheit", _from_fahrenheit),),
}


# ---- dates

_DATE = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[ T].*)?")


def read_dates(cells: Sequence[str]) -> list[date | None]:
    """Read a column of dates in figures; which part is the day follows from the whole column.

    A year in front says it all (2020-03-05). Else the day is first where points part it
    (5.3.2020), or where some cell of the column has a first part above 12 and none a second one;
    the month likewise. A column in which neither is so is not understood, but for cells whose day
    and month are the same.

    Parameters
    ----------
    cells : sequence of str

    Returns
    -------
    list of date or None
        None where blank, no date, or not to be told.

    Examples
    --------
    >>> read_dates(["13/03/2020", "04/03/2020"])
    [datetime.date(2020, 3, 13), datetime.date(2020, 3, 4)]
    >>> read_dates(["04/03/2020"]), read_dates(["4.3.2020", "2020-03-04"])[0]
    ([None], datetime.date(2020, 3, 4))
    """
    parts = [_DATE.fullmatch(cell.strip()) for cell in cells]
    open_parts = [(int(m[1]), int(m[2])) for m in parts if m and len(m[1]) <= 2 and "." not in m[0]]
    first_is_day = any(first > 12 for first, _ in open_parts)
    second_is_day = any(second > 12 for _, second in open_parts)
    is_day_first = first_is_day if first_is_day != second_is_day else None
    return [_read_date(match, is_day_first) for match in parts]


def _read_date(match: re.Match[str] | None, is_day_first: bool | None) -> date | None:
    if match is None:
        return None
    first, second, third = int(match[1]), int(match[2]), int(match[3])
    if len(match[1]) == 4:
        return _make_date(first, second, third)
    year = third if len(match[3]) == 4 else 2000 + third if len(match[3]) == 2 else 0
    if "." in match[0].split(" ")[0] or is_day_first:
        return _make_date(year, second, first)
    if is_day_first is False or first == second:
        return _make_date(year, first, second)
    return None


def _make_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
