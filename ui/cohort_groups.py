"""Two groups side by side: the selection against the rest, two values, or recorded against not."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cxrlib.charts.differences import describe_differences, plot_differences
from cxrlib.cohort import Cohort
from cxrlib.comparison import (
    Comparison,
    compare_groups,
    compare_recorded,
    split_by_column,
    split_by_selection,
)
from cxrlib.filters import FILTERS, list_choices
from cxrlib.intervals import NOTHING
from cxrlib.missingness import RECORDED_COLUMNS
from cxrlib.selection import Selection
from ui.cohort_charts import show_chart
from ui.table import show_table
from ui.text import show_text

__all__ = ["show_groups"]

RECORDED = "outcome recorded or not"
SELECTION = "filters against the rest"
VALUES = "two values of a column"
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
    kind = st.segmented_control(
        "Compare",
        (RECORDED, VALUES, SELECTION),
        default=RECORDED,
        required=True,
        key="compare",
        persist_state="session",
        width="content",
    )
    if kind == RECORDED:
        outcome = st.selectbox(
            "Outcome", OUTCOMES, key="outcome", width=240, format_func=RECORDED_COLUMNS.__getitem__
        )
        compared = compare_recorded(filtered, str(outcome), unit=unit)
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
    with st.container(horizontal=True):
        name = str(st.selectbox("Column", COLUMNS, key="compare_column", width=220))
        values = [choice.value for choice in list_choices(cohort, name)]
        if len(values) < 2:
            return None
        first = str(st.selectbox("First", values, key=f"first_{name}", width=260))
        others = [value for value in values if value != first]
        second = str(st.selectbox("Second", others, key=f"second_{name}", width=260))
    return name, first, second


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
    table = compared.table
    shown = pd.DataFrame(
        {
            "Variable": table["title"],
            "Value": table["value"],
            compared.first: [_write_side(row, "first") for _, row in table.iterrows()],
            f"{compared.second} ": [_write_side(row, "second") for _, row in table.iterrows()],
            "Difference": [_write_difference(row) for _, row in table.iterrows()],
        }
    )
    show_table(
        shown,
        key="comparison",
        provenance=[*provenance, *compared.notes],
        file_stem=f"{stem}-groups",
        numbers=table,
        height=560,
    )


def _write_side(row: pd.Series, side: str) -> str:
    """Write count, denominator and share of a group; a median with what it rests on."""
    n, of, value = row[f"{side}_n"], row[f"{side}_of"], row[side]
    if row["kind"] == "median":
        middle = NOTHING if pd.isna(value) else f"{value:.0f} years"
        return f"{middle}, median of {int(of):,}" if of else NOTHING
    if pd.isna(value):
        return f"{int(n):,} of {int(of):,}"
    return f"{int(n):,} of {int(of):,} ({100 * value:.0f} %)"


def _write_difference(row: pd.Series) -> str:
    """Write the difference with its interval, or why there is none."""
    if pd.isna(row["difference"]):
        return _say_not_estimable(row["reason"])
    scale, unit = (1, "years") if row["kind"] == "median" else (100, "points")
    middle = f"{scale * row['difference']:+.0f} {unit}"
    if pd.isna(row["low"]):
        return f"{middle}; interval {_say_not_estimable(row['reason'])}"
    return f"{middle} ({scale * row['low']:+.0f} to {scale * row['high']:+.0f})"


def _say_not_estimable(reason: str) -> str:
    """Say once that there is no number, with the reason: some reasons begin with these words."""
    return f"{NOT_ESTIMABLE}: {reason.removeprefix(NOT_ESTIMABLE).removeprefix(': ')}"
