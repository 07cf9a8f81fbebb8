"""From a row of the source to the cells of one of our rows: a mapping made into functions."""

import re
from collections.abc import Callable, Iterator, Mapping as Dict, Sequence
from datetime import datetime
from functools import lru_cache

from cxrlib.cohort import parse_number
from cxrlib.importing.mapping import BRACES, Cell, Mapping

Row = Sequence[str]
"""The cells of a row of the joined tables."""
Take = Callable[[Row], str]


def make_taker(cell: Cell, header: Dict[str, int]) -> Take:
    """Make the function that gives what a cell of ours is made of; days are left as dates.

    Parameters
    ----------
    cell : Cell
    header : mapping of str to int
        Place of each column in a row; one that is not there (of an optional cell) is blank.
    """
    if cell.constant:
        return lambda row: cell.constant
    if cell.given:
        given = _at(cell.given, header)
        return lambda row: cell.then if given(row) else cell.otherwise
    if cell.labels:
        return _make_label_taker(cell, header)
    if cell.kept and not cell.combine:
        return _at(cell.kept[0], header)
    return _make_changer(cell, header)


def _make_changer(cell: Cell, header: Dict[str, int]) -> Take:
    """Make the function that takes a cell, the first of several or all of them, and changes it."""
    change = _make_change(cell, header)
    if cell.text:
        fill = make_filler(cell.text, header)
        return lambda row: change(fill(row), row)
    parts = [_at(name, header) for name in cell.from_]

    def list_found(row: Row) -> Iterator[str]:
        return (found for found in (change(part(row), row) for part in parts) if found)

    if cell.combine:
        return lambda row: cell.join.join(list_found(row))
    return lambda row: next(list_found(row), "")


def _at(name: str, header: Dict[str, int]) -> Take:
    place = header.get(name)
    return (lambda row: "") if place is None else lambda row: row[place]


def make_filler(text: str, header: Dict[str, int]) -> Take:
    """Make the function that fills the braces of a text; blank where one of the cells is."""
    pieces: list[tuple[str, Take, int | None]] = []
    end = 0
    for match in BRACES.finditer(text):
        longest = int(match[2]) if match[2] else None
        pieces.append((text[end : match.start()], _at(match[1], header), longest))
        end = match.end()
    tail = text[end:]

    def fill(row: Row) -> str:
        cells = [take(row)[:longest] for _, take, longest in pieces]
        if not all(cells):
            return ""
        pairs = zip(pieces, cells, strict=True)
        return "".join(before + cell for (before, _, _), cell in pairs) + tail

    return fill


def _make_label_taker(cell: Cell, header: Dict[str, int]) -> Take:
    names = cell.labels if isinstance(cell.labels, dict) else {name: name for name in cell.labels}
    labels = [(_at(column, header), name) for column, name in names.items()]
    positive = set(cell.positive)

    def take(row: Row) -> str:
        found = (name for at, name in labels if at(row) in positive)
        return cell.join.join(dict.fromkeys(found))

    return take


def _make_change(cell: Cell, header: Dict[str, int]) -> Callable[[str, Row], str]:
    """Make the function that changes a cell: a part of it, other values, another unit."""
    steps: list[Callable[[str, Row], str]] = []
    if cell.match:
        find = re.compile(cell.match).search
        steps.append(lambda text, _: _take_group(find(text)))
    if cell.each:
        every = re.compile(cell.each)
        steps.append(lambda text, _: cell.join.join(split_cell(every, text, cell.values)))
    elif cell.values:
        steps.append(lambda text, _: cell.values.get(text, text))
    if cell.factor != 1 or cell.plus:
        steps.append(lambda text, _: _compute(text, lambda x: x * cell.factor + cell.plus))
    if cell.minus:
        other = _at(cell.minus, header)
        steps.append(lambda text, row: _subtract(text, other(row)))

    def change(text: str, row: Row) -> str:
        for step in steps:
            if text:
                text = step(text, row).strip()
        return text

    return change


def _take_group(match: re.Match[str] | None) -> str:
    if match is None:
        return ""
    return (match[1] if match.re.groups else match[0]) or ""


def split_cell(every: re.Pattern[str], text: str, values: Dict[str, str]) -> list[str]:
    """List the parts of a cell, each once, by other names where they are given.

    Examples
    --------
    >>> split_cell(re.compile("[^|]+"), "Edema|Mass|Edema", {"Mass": "Tumour"})
    ['Edema', 'Tumour']
    """
    parts = (_take_group(match).strip() for match in every.finditer(text))
    return [each for each in dict.fromkeys(values.get(part, part) for part in parts) if each]


def _compute(text: str, function: Callable[[float], float]) -> str:
    """Compute with a number; what is none stays, to be named."""
    number = parse_number(text)
    return text if number is None else f"{function(number):.10g}"


def _subtract(text: str, other: str) -> str:
    number = parse_number(other)
    return "" if number is None else _compute(text, lambda x: x - number)


@lru_cache(maxsize=65536)
def read_day(text: str, form: str) -> int | None:
    """Read a date in a form of `datetime.strptime` as a number of days; None if it is none."""
    try:
        return datetime.strptime(text.removesuffix(".0"), form).toordinal()
    except ValueError:
        return None


class RowMaker:
    """Make our rows of those of the source.

    Parameters
    ----------
    mapping : Mapping
    header : mapping of str to int
        Place of each column of the joined tables in a row.
    """

    def __init__(self, mapping: Mapping, header: Dict[str, int]) -> None:
        self.columns = tuple(mapping.columns)
        self._takers = [make_taker(cell, header) for cell in mapping.columns.values()]
        self._patient = make_taker(mapping.columns["patientid"], header)
        self._days = [
            (place, cell.days_since_first)
            for place, cell in enumerate(mapping.columns.values())
            if cell.days_since_first
        ]
        self._first: dict[tuple[int, str], int] = {}

    @property
    def needs_dates(self) -> bool:
        """Whether `see_dates` must see every row before the first is made."""
        return bool(self._days)

    def see_dates(self, row: Row) -> None:
        """Remember the first date of each patient."""
        patient = self._patient(row)
        for place, form in self._days:
            day = read_day(self._takers[place](row), form)
            if day is not None and patient:
                key = (place, patient)
                self._first[key] = min(day, self._first.get(key, day))

    def make(self, row: Row) -> list[str]:
        """Make the cells of our columns, in the order of `columns`."""
        cells = [take(row) for take in self._takers]
        patient = self._patient(row)
        for place, form in self._days:
            day = read_day(cells[place], form)
            if day is not None:  # what is no date stays, to be named
                first = self._first.get((place, patient))
                cells[place] = "" if first is None else str(day - first)
        return cells
