"""A summary of a cohort as a table to read, with denominators and bars.

Every share is given as count, denominator, share and interval; every average with its count, and
not at all where the count is small.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from cxrlib.number_text import (
    FEW,
    NOTHING,
    format_average,
    format_median,
    format_share,
    format_units,
)
from cxrlib.summary.counts import OUTCOME_TITLES, OUTCOMES, TITLES, VIEW_COLUMNS, Summary
from cxrlib.summary.groupings import get_grouping
from cxrlib.summary.table_layout import NUMBER_BAR, Bar, Cell, Column, Row, TableLayout, Tone

PARTS = ("counts", "views", "age", "outcomes", "sex")
"""Groups of columns, in the order of a table."""

TONES: Mapping[Tone, str] = MappingProxyType(
    {"full": "yes, or recorded", "half": "no", "pale": "unclear or not recorded"}
)
"""The meaning of the tones of a summary's bars."""

ONLY_POSITIVE = "negatives not recorded"
"""In place of a share where no is never recorded."""

Counts = dict[Hashable, Any]  # a row of a summary's table
Format = Callable[[Counts], Cell]


def lay_out_summary(summary: Summary, *, title: str, parts: Sequence[str] = PARTS) -> TableLayout:
    """Lay out a summary.

    Parameters
    ----------
    summary : Summary
        Result of `cxrlib.summary.summarise`.
    title : str
        What is counted; the unit is given below it.
    parts : sequence of str
        Which of `PARTS` to show. A saved table holds all of them.

    Returns
    -------
    TableLayout
        Rows without an image are left out; groups of rows are below their common name; the
        totals are last.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    if unknown := set(parts) - set(PARTS):
        raise ValueError(f"There are no parts {sorted(unknown)}. There are {', '.join(PARTS)}.")
    shown = summary.table[summary.table["n_images"] > 0]
    chosen = [
        (column, format_cell)
        for part in PARTS
        if part in parts
        for column, format_cell in _MAKERS[part](summary, shown)
    ]
    formats = [format_cell for _, format_cell in chosen]
    whole = _list_counts(summary.totals)[0]
    total = Row((Cell("Total"), *(each(whole) for each in formats)), "total")
    first = Column(get_grouping(summary.by).title, is_number=False)
    return TableLayout(
        title=title,
        unit=f"Unit: {summary.unit}. {_format_whole(summary)}",
        columns=(first, *(column for column, _ in chosen)),
        rows=(*_make_rows(shown, summary.levels, formats), total),
        notes=summary.notes,
        numbers=summary.to_shown(),
        tones=TONES if set(parts) & {"age", "outcomes", "sex"} else {},
    )


def _format_whole(summary: Summary) -> str:
    """Format the totals in all three units."""
    counts = [format_units(summary.n_images, "image"), format_units(summary.n_patients, "patient")]
    if summary.n_persons is not None:
        counts.append(format_units(summary.n_persons, "person"))
    return ", ".join(counts) + "."


def _list_counts(table: pd.DataFrame) -> list[Counts]:
    """List rows as dicts: ten times as fast as by ``to_dict("records")``, which takes each cell."""
    columns = [table[name].tolist() for name in table.columns]
    return [dict(zip(table.columns, values, strict=True)) for values in zip(*columns, strict=True)]


def _make_rows(
    shown: pd.DataFrame, levels: Sequence[str], formats: Sequence[Format]
) -> Iterator[Row]:
    """Make the rows, with a line above those that share a name."""
    above = ""
    for counts in _list_counts(shown):
        *wider, name = [str(counts[level]) for level in levels if counts[level]]
        group = ", ".join(wider)
        if group != above and group:
            yield Row((Cell(group),), "group")
        above = group
        yield Row((Cell(name), *(each(counts) for each in formats)), in_group=bool(group))


# ---- columns, each with the function that makes its cells

Made = Iterator[tuple[Column, Format]]


def _make_counts(summary: Summary, shown: pd.DataFrame) -> Made:
    names = ["n_images", "n_patients"]
    if summary.n_persons is not None:
        names.append("n_persons")
    for name in names:
        has_bar = name == f"n_{summary.unit}s"
        yield Column(TITLES[name], group="Counts"), _count(name, shown, has_bar=has_bar)


def _make_views(summary: Summary, shown: pd.DataFrame) -> Made:
    for name in (*VIEW_COLUMNS.values(), "n_other_view"):
        # Frontal tables have no lateral images.
        if name in ("n_lateral", "n_other_view") and not summary.totals[name].iloc[0]:
            continue
        view = {column: view for view, column in VIEW_COLUMNS.items()}.get(name, "Other")
        yield Column(view, group="Images by view"), _count(name, shown)


def _make_age(summary: Summary, shown: pd.DataFrame) -> Made:
    def format_cell(counts: Counts) -> Cell:
        known, n = int(counts["age_known"]), int(counts["n"])
        middle, low, high = counts["age_median"], counts["age_q1"], counts["age_q3"]
        plain = format_average(middle, low, high, n_known=known, n_of=n, unit=summary.unit)
        if not known:
            return Cell(NOTHING, bar=_split(counts, 0, 0, n, "recorded"))
        bar = _split(counts, known, 0, n - known, "recorded")
        if known < FEW:
            return Cell(NOTHING, f"{known:,} of {n:,} recorded", plain, bar)
        text = format_median(middle, low, high)
        return Cell(text, f"{known:,} of {n:,} recorded", plain, bar)

    yield Column("Age, years", "median (quartiles)"), format_cell


def _make_outcomes(summary: Summary, shown: pd.DataFrame) -> Made:
    for name in OUTCOMES:
        column = Column(
            OUTCOME_TITLES[name], group=f"Yes, of {summary.unit}s with a recorded answer"
        )
        yield column, _share(f"{name}_yes", f"{name}_no", f"{name}_share", "yes")


def _make_sex(summary: Summary, shown: pd.DataFrame) -> Made:
    yield Column("Male", "where recorded"), _share("sex_male", "sex_female", "male_share", "male")


_MAKERS: dict[str, Callable[[Summary, pd.DataFrame], Made]] = {
    "counts": _make_counts,
    "views": _make_views,
    "age": _make_age,
    "outcomes": _make_outcomes,
    "sex": _make_sex,
}


def _count(name: str, shown: pd.DataFrame, *, has_bar: bool = False) -> Format:
    """Format a count, its bar in proportion to the largest row's."""
    largest = int(shown[name].max()) if len(shown) else 0

    def format_cell(counts: Counts) -> Cell:
        number = int(counts[name])
        if not has_bar or not 0 < number <= largest:  # a total is no bar among its rows
            return Cell(f"{number:,}")
        return Cell(f"{number:,}", bar=Bar(((NUMBER_BAR, number / largest),), f"{number:,}"))

    return format_cell


def _share(yes: str, no: str, share: str, word: str) -> Format:
    """Format a share of the recorded answers; the bar also shows what is not recorded."""

    def format_cell(counts: Counts) -> Cell:
        n_yes, n_no, n = int(counts[yes]), int(counts[no]), int(counts["n"])
        plain = format_share(n_yes, n_yes + n_no)
        bar = _split(counts, n_yes, n_no, n - n_yes - n_no, word)
        if n_yes and math.isnan(counts[share]):  # only yes is ever recorded
            return Cell(f"{n_yes:,}", ONLY_POSITIVE, f"{n_yes:,}, {ONLY_POSITIVE}", bar)
        text, _, detail = plain.removesuffix(")").partition(" (")
        return Cell(text, detail, plain, bar)

    return format_cell


def _split(counts: Counts, n_full: int, n_half: int, n_pale: int, word: str) -> Bar | None:
    """Make a bar of what is recorded and what is not; None for nothing."""
    n = n_full + n_half + n_pale
    if not n:
        return None
    rest = f", {n_half:,} not" if n_half else ""
    words = f"{n_full:,} {word}{rest}, {n_pale:,} not recorded or unclear, of {n:,}"
    return Bar((("full", n_full / n), ("half", n_half / n), ("pale", n_pale / n)), words)
