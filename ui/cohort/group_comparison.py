"""Two groups side by side: the selection against the rest, two values, or recorded against not."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from cxrlib.charts.cohort.group_differences import describe_differences, plot_differences
from cxrlib.cohort.cohort import Cohort
from cxrlib.number_text import NOTHING, write_tenths
from cxrlib.selection.filters import FILTERS, list_choices
from cxrlib.selection.selection import Selection
from cxrlib.summary.group_comparison import (
    Comparison,
    compare_groups,
    compare_recorded,
    split_by_column,
    split_by_selection,
)
from cxrlib.summary.missingness import RECORDED_COLUMNS
from cxrlib.summary.table_layout import TableLayout, lay_out_frame
from ui.widgets.chart import show_chart
from ui.widgets.choice import choose_one, reset_choices
from ui.widgets.dense_table import show_dense_table
from ui.widgets.text import show_text

__all__ = ["lay_out_groups", "show_groups"]

RECORDED = "outcome recorded or not"
SELECTION = "filters against the rest"
VALUES = "two values of a column"
KINDS = (RECORDED, VALUES, SELECTION)
TALL = 640  # pixels; a longer table scrolls under its header
NOT_ESTIMABLE = "not estimable"  # begins some of the reasons of a comparison
OUTCOMES = ("survival", "went_icu", "intubated", "RT_PCR_positive")
COLUMNS = tuple(
    name for name, each in FILTERS.items() if each.kind != "range" and name != "without"
)


def show_groups(
    cohort: Cohort,
    filtered: Cohort,
    selection: Selection,
    *,
    unit: str,
    provenance: Sequence[str],
    stem: str,
) -> None:
    """Show two groups side by side, each number with its denominator and its interval.

    Parameters
    ----------
    cohort : Cohort
        Before the filters of the sidebar: the rest is counted in it.
    filtered : Cohort
        After them.
    """
    kind = choose_one("compare", "Compare", KINDS)
    if kind == RECORDED:
        outcomes = {name: RECORDED_COLUMNS[name] for name in OUTCOMES}
        outcome = choose_one("outcome", "Outcome", outcomes, is_menu=True, width=240)
        compared = compare_recorded(filtered, outcome, unit=unit)
    elif kind == SELECTION:
        if selection.is_empty:
            show_text("Choose filters in the sidebar: what they keep is set against the rest.")
            return
        first, second = split_by_selection(cohort, selection)
        names = ("; ".join(selection.describe())[:60], "the rest")
        compared = compare_groups(cohort, first, second, names=names, unit=unit)
    else:
        chosen = _choose_values(filtered)
        if chosen is None:
            show_text("Choose a column with at least two values.")
            return
        name, first_value, second_value = chosen
        masks = split_by_column(filtered, name, first_value, second_value)
        compared = compare_groups(filtered, *masks, names=(first_value, second_value), unit=unit)
    _show_comparison(compared, provenance=provenance, stem=stem)


def _choose_values(cohort: Cohort) -> tuple[str, str, str] | None:
    """Let the reader choose a column and two of its values."""
    words = {name: FILTERS[name].label for name in COLUMNS}
    with st.container(horizontal=True):
        name = choose_one(
            "column",
            "Column",
            words,
            is_menu=True,
            width=220,
            on_change=_follow_column,
            args=(cohort,),
        )
        values = [choice.value for choice in list_choices(cohort, name)]
        if len(values) < 2:
            return None
        first = _choose_value("First", values)
        second = _choose_value("Second", [value for value in values if value != first])
    return name, first, second


def _choose_value(label: str, values: Sequence[str]) -> str:
    """Let the reader choose a value: a link may ask in vain, a choice made before be gone."""
    key = label.lower()
    is_link = key not in st.session_state
    return choose_one(key, label, values, is_menu=True, is_reported=is_link, width=260)


def _follow_column(cohort: Cohort) -> None:
    """Begin with the first two values of another column."""
    values = [choice.value for choice in list_choices(cohort, st.session_state["column"])]
    reset_choices(dict(zip(("first", "second"), values, strict=False)))


def _show_comparison(compared: Comparison, *, provenance: Sequence[str], stem: str) -> None:
    """Show the table and what to know of it."""
    show_text(
        f"{compared.first}: {compared.n_first:,}; {compared.second}: {compared.n_second:,} "
        f"{compared.unit}s.",
        lead="Groups.",
    )
    show_chart(
        partial(plot_differences, compared),
        key="differences",
        alt=describe_differences(compared),
        heading="Differences",
        caption=" ".join(compared.notes),
        numbers=compared.table,
        provenance=provenance,
        stem=stem,
    )
    show_dense_table(
        lay_out_groups(compared),
        key="comparison",
        provenance=[*provenance, *compared.notes],  # on the page they stand below the figure
        file_stem=f"{stem}-groups",
        max_height=TALL,
    )


def lay_out_groups(compared: Comparison) -> TableLayout:
    """Lay out both groups, each number with what it is of, and their difference."""
    table = compared.table
    shown = pd.DataFrame(
        {
            "title": table["title"],
            "value": table["value"],
            "first": [_write_side(row, "first") for _, row in table.iterrows()],
            "second": [_write_side(row, "second") for _, row in table.iterrows()],
            "difference": [_write_difference(row) for _, row in table.iterrows()],
        }
    )
    layout = lay_out_frame(
        shown,
        title=f"{compared.first} and {compared.second}",
        unit=f"Unit: {compared.unit}.",
        titles={
            "title": "Question",
            "value": "Answer",
            "first": compared.first,
            "second": compared.second,
            "difference": "Difference (95 % interval)",
        },
        right=("first", "second", "difference"),
    )
    return replace(layout, numbers=table)


def _write_side(row: pd.Series, side: str) -> str:
    """Write count, denominator and share of a group; a median with what it rests on."""
    n, of, value = row[f"{side}_n"], row[f"{side}_of"], row[side]
    if row["kind"] == "median":
        middle = NOTHING if pd.isna(value) else f"{write_tenths(value)} years"
        return f"{middle}, median of {int(of):,}" if of else NOTHING
    if pd.isna(value):
        return f"{int(n):,} of {int(of):,}"
    return f"{int(n):,} of {int(of):,} ({100 * value:.0f} %)"


def _write_difference(row: pd.Series) -> str:
    """Write the difference with its interval, or why there is none."""
    if pd.isna(row["difference"]):
        return _say_not_estimable(row["reason"])
    is_median = row["kind"] == "median"
    unit = "years" if is_median else "points"
    middle, low, high = (
        _write_signed(row[name] if is_median else _round_points(row[name]))
        for name in ("difference", "low", "high")
    )
    if pd.isna(row["low"]):
        return f"{middle} {unit}; interval {_say_not_estimable(row['reason'])}"
    return f"{middle} {unit} ({low} to {high})"


def _write_signed(number: float) -> str:
    """Write a number with its sign, to one decimal where it is not whole; 0 has none."""
    if pd.isna(number):
        return NOTHING
    text = write_tenths(number)
    return text if text == "0" or text.startswith("−") else f"+{text}"


def _round_points(share: float) -> float:
    """Give a difference of shares in whole percentage points, half of one away from zero."""
    if pd.isna(share):
        return share
    # To a millionth first: 0.285 is 28.499999999999996 points.
    return math.copysign(math.floor(round(100 * abs(share), 6) + 0.5), share)


def _say_not_estimable(reason: str) -> str:
    """Say once that there is no number, with the reason: some reasons begin with these words."""
    return f"{NOT_ESTIMABLE}: {reason.removeprefix(NOT_ESTIMABLE).removeprefix(': ')}"
