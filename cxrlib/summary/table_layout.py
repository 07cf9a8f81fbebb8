"""Tables to read: titled columns, cells with their denominators, bars.

A layout is made once and written three ways: dense on a page, for paper
(`cxrlib.reports.html_tables`), and its numbers as CSV. Text in it is plain; whoever writes markup
escapes it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cxrlib.number_text import NOTHING
from cxrlib.short_repr import short_repr

Tone = Literal["full", "half", "pale"]
Kind = Literal["row", "group", "total"]

NUMBER_BAR: Tone = "half"
"""The tone of a bar that only repeats a number: it must not read as a yes."""


@dataclass(frozen=True)
class Bar:
    """Hold the small bar of a cell.

    Parameters
    ----------
    parts : tuple of (Tone, float)
        From left to right, in shares of the cell's width: "full" what is recorded as yes, "half"
        as no, "pale" what is not recorded.
    words : str
        What it shows, for those who do not see it and for the pointer.

    Raises
    ------
    ValueError
        If the parts do not fit into the cell.
    """

    parts: tuple[tuple[Tone, float], ...]
    words: str

    def __post_init__(self) -> None:
        shares = [share for _, share in self.parts]
        if not all(0 <= share <= 1 for share in shares) or sum(shares) > 1 + 1e-9:
            raise ValueError(f"Bar {self.parts!r} does not fit: shares from 0 to 1, 1 in all.")


@dataclass(frozen=True)
class Cell:
    """Hold the content of a cell.

    Parameters
    ----------
    text : str
        `NOTHING` where nothing is recorded.
    detail : str
        Quieter, below it: share and interval, or how many it rests on.
    plain : str
        Both on one line, for paper; the text with the detail in brackets unless given.
    bar : Bar, optional
    link : str
        Where the text leads, a web address; "" for nowhere.
    """

    text: str
    detail: str = ""
    plain: str = ""
    bar: Bar | None = None
    link: str = ""

    @property
    def line(self) -> str:
        """The cell on one line."""
        return self.plain or (f"{self.text} ({self.detail})" if self.detail else self.text)


@dataclass(frozen=True)
class Column:
    """Hold a column's header.

    Parameters
    ----------
    title : str
    unit : str
        Below the title: "years", "yes of recorded".
    group : str
        A title over this and its neighbours of the same group.
    is_number : bool
        Numbers stand on the right.
    is_prose : bool
        Sentences: they get the room that the other columns leave, and never less than a
        sentence needs.
    """

    title: str
    unit: str = ""
    group: str = ""
    is_number: bool = True
    is_prose: bool = False


@dataclass(frozen=True)
class Row:
    """Hold a row: its cells, one a column.

    Parameters
    ----------
    cells : tuple of Cell
        Of a "group" only the first, which names the rows below it.
    kind : {"row", "group", "total"}
    in_group : bool
        Whether it belongs to the group named above it.
    """

    cells: tuple[Cell, ...]
    kind: Kind = "row"
    in_group: bool = False


@dataclass(frozen=True, eq=False)
class TableLayout:
    """Hold a table ready to be written.

    Parameters
    ----------
    title : str
        What is counted, by what: "Frontal images by region".
    unit : str
        The unit of analysis in words, which every table names: "Unit: image".
    columns : tuple of Column
        The first names the rows.
    rows : tuple of Row
    notes : tuple of str
        What a reader should know, in sentences.
    numbers : DataFrame
        What is saved as CSV: columns under their own names, numbers not rounded.
    tones : mapping of Tone to str
        What the tones of its bars mean; empty where bars only repeat numbers.

    Raises
    ------
    ValueError
        If a row has not a cell for each column.
    """

    title: str
    unit: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    numbers: pd.DataFrame
    tones: Mapping[Tone, str]
    __repr__ = short_repr

    def __post_init__(self) -> None:
        for row in self.rows:
            n_wanted = 1 if row.kind == "group" else len(self.columns)
            if len(row.cells) != n_wanted:
                raise ValueError(f"A {row.kind} has {len(row.cells)} cells, not {n_wanted}: {row}.")


def lay_out_frame(
    frame: pd.DataFrame,
    *,
    title: str,
    unit: str = "",
    titles: Mapping[str, str] | None = None,
    bars: Sequence[str] = (),
    right: Sequence[str] = (),
    prose: Sequence[str] = (),
    links: Mapping[str, Sequence[str]] | None = None,
    group: str = "",
    notes: Sequence[str] = (),
    numbers: pd.DataFrame | None = None,
) -> TableLayout:
    """Lay out any table, column by column.

    Parameters
    ----------
    frame : DataFrame
        Its index is not shown.
    title, unit : str
    titles : mapping of str to str, optional
        Column to its title; those not named stand under their own names.
    bars : sequence of str
        Columns of numbers, none negative, with a bar each, the largest over the whole cell.
    right : sequence of str
        Columns of text that read as numbers, such as "96 of 121", and stand on the right.
    prose : sequence of str
        Columns of sentences.
    links : mapping of str to sequence of str, optional
        Column to where its cells lead, "" for nowhere.
    group : str
        A column of names that stand in a line of their own above the rows that share them;
        "" for none.
    notes : sequence of str
    numbers : DataFrame, optional
        What is saved as CSV; the frame itself unless given.

    Returns
    -------
    TableLayout

    Examples
    --------
    >>> frame = pd.DataFrame({"view": ["AP", None], "n": [1200, 3]})
    >>> layout = lay_out_frame(frame, title="Images by view", titles={"n": "Images"})
    >>> [[cell.line for cell in row.cells] for row in layout.rows]
    [['AP', '1,200'], ['–', '3']]
    """
    titles, links = titles or {}, links or {}
    shown = frame.drop(columns=group) if group else frame
    names = [str(name) for name in shown.columns]
    numeric = [_is_numeric(shown.iloc[:, i]) for i in range(len(names))]
    columns = tuple(
        Column(
            titles.get(name, name),
            is_number=is_number or name in right,
            is_prose=name in prose,
        )
        for name, is_number in zip(names, numeric, strict=True)
    )
    cells = [
        _link(_make_cells(shown.iloc[:, i], is_number, name in bars), links, name)
        for i, (name, is_number) in enumerate(zip(names, numeric, strict=True))
    ]
    rows = [Row(tuple(each), in_group=bool(group)) for each in zip(*cells, strict=True)]
    if group:
        rows = list(_add_groups(rows, [_format_text(value) for value in frame[group]]))
    saved = frame if numbers is None else numbers
    return TableLayout(title, unit, columns, tuple(rows), tuple(notes), saved, {})


def _add_groups(rows: Sequence[Row], groups: Sequence[str]) -> Iterator[Row]:
    """Put a line with the name of a group above its rows."""
    above = None
    for row, group in zip(rows, groups, strict=True):
        if group != above:
            yield Row((Cell(group),), "group")
        above = group
        yield row


def _link(cells: Sequence[Cell], links: Mapping[str, Sequence[str]], name: str) -> list[Cell]:
    """Add the links of a column's cells."""
    if name not in links:
        return list(cells)
    return [replace(cell, link=link) for cell, link in zip(cells, links[name], strict=True)]


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _make_cells(column: pd.Series, is_number: bool, has_bar: bool) -> list[Cell]:
    """Make the cells of a column: counts have no decimals, other numbers one."""
    if not is_number:
        return [Cell(_format_text(value)) for value in column]
    digits = 0 if pd.api.types.is_integer_dtype(column) else 1
    largest = column.max() if has_bar else None
    return [_make_number(value, digits, largest) for value in column]


def _format_text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return str(value) or NOTHING


def _make_number(value: float, digits: int, largest: float | None) -> Cell:
    if pd.isna(value):
        return Cell(NOTHING)
    text = f"{value:,.{digits}f}".replace("-", "−")
    if largest is None or not largest > 0:
        return Cell(text)
    share = min(max(float(value / largest), 0.0), 1.0)
    return Cell(text, bar=Bar(((NUMBER_BAR, share),), text))
