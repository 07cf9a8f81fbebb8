"""Compare two groups: filtered images and the rest, two values, or recorded and not recorded."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from cxrlib.charts.cohort import describe_differences, plot_differences
from cxrlib.cohort import Cohort
from cxrlib.selection import FILTERS, Selection, list_choices
from cxrlib.summary import (
    RECORDED_COLUMNS,
    Comparison,
    compare_groups,
    compare_recorded,
    split_by_column,
    split_by_selection,
)
from ui.cohort.part import Part
from ui.widgets.chart import show_chart
from ui.widgets.choice import choose_one, reset_choices
from ui.widgets.dense_table import show_dense_table
from ui.widgets.group_table import lay_out_groups
from ui.widgets.text import show_text

__all__ = ["show_groups"]

RECORDED = "outcome recorded or not"
VALUES = "two values of a column"
SELECTION = "filtered images vs the rest"
KINDS = (RECORDED, VALUES, SELECTION)
TALL = 640  # pixels; a longer table scrolls under its header
OUTCOMES = ("survival", "went_icu", "intubated", "RT_PCR_positive")
COLUMNS = {
    name: each.label for name, each in FILTERS.items() if each.kind != "range" and name != "without"
}


def show_groups(cohort: Cohort, filtered: Cohort, selection: Selection, part: Part) -> None:
    """Show two groups side by side, each number with its denominator and its interval.

    Parameters
    ----------
    cohort : Cohort
        Before the filters of the sidebar: it includes the rest.
    filtered : Cohort
        After them.
    selection : Selection
        The filters.
    part : Part
    """
    kind = choose_one("compare", "Compare", KINDS)
    if kind == SELECTION:
        compared = _compare_selection(cohort, selection, part.unit)
    elif kind == VALUES:
        compared = _compare_values(filtered, part.unit)
    else:
        outcomes = {name: RECORDED_COLUMNS[name] for name in OUTCOMES}
        outcome = choose_one("outcome", "Outcome", outcomes, is_menu=True, width=240)
        compared = compare_recorded(filtered, outcome, unit=part.unit)
    if compared is not None:
        _show_comparison(compared, part)


def _compare_selection(cohort: Cohort, selection: Selection, unit: str) -> Comparison | None:
    """Compare the filtered images with the rest; None without a filter."""
    if selection.is_empty:
        show_text("Choose filters in the sidebar to compare the filtered images with the rest.")
        return None
    names = ("; ".join(selection.describe())[:60], "the rest")
    return compare_groups(cohort, *split_by_selection(cohort, selection), names=names, unit=unit)


def _compare_values(cohort: Cohort, unit: str) -> Comparison | None:
    """Compare two values of a column that the reader chooses; None where it has fewer."""
    with st.container(horizontal=True):
        name = choose_one(
            "column",
            "Column",
            COLUMNS,
            is_menu=True,
            width=220,
            on_change=_follow_column,
            args=(cohort,),
        )
        values = [choice.value for choice in list_choices(cohort, name)]
        if len(values) < 2:
            show_text("Choose a column with at least two values.")
            return None
        first = _choose_value("First", values)
        second = _choose_value("Second", [value for value in values if value != first])
    masks = split_by_column(cohort, name, first, second)
    return compare_groups(cohort, *masks, names=(first, second), unit=unit)


def _choose_value(label: str, values: Sequence[str]) -> str:
    """Let the reader choose a value; only a link's unknown value is reported."""
    key = label.lower()
    is_link = key not in st.session_state
    return choose_one(key, label, values, is_menu=True, is_reported=is_link, width=260)


def _follow_column(cohort: Cohort) -> None:
    """Begin with the first two values of another column."""
    values = [choice.value for choice in list_choices(cohort, st.session_state["column"])]
    reset_choices(dict(zip(("first", "second"), values, strict=False)))


def _show_comparison(compared: Comparison, part: Part) -> None:
    """Show the differences as a chart and a table."""
    show_chart(
        partial(plot_differences, compared),
        key="differences",
        alt=describe_differences(compared),
        heading="Differences",
        caption=f"{compared.notes[0]}\n{' '.join(compared.notes[1:])}",
        numbers=compared.table,
        **part.saved_as("differences"),
    )
    show_dense_table(
        lay_out_groups(compared),
        key="comparison",
        **part.saved_as("groups", *compared.notes),  # on the page they are below the figure
        max_height=TALL,
    )
