"""Two groups side by side: the selection against the rest, two values, or recorded against not."""

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
from ui.widgets.chart import show_chart
from ui.widgets.choice import choose_one, reset_choices
from ui.widgets.dense_table import show_dense_table
from ui.widgets.group_table import lay_out_groups
from ui.widgets.text import show_text

__all__ = ["show_groups"]

RECORDED = "outcome recorded or not"
SELECTION = "filters against the rest"
VALUES = "two values of a column"
KINDS = (RECORDED, VALUES, SELECTION)
TALL = 640  # pixels; a longer table scrolls under its header
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
