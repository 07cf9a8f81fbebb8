"""The head of the cohort page: one sentence and four figures, each with its denominator."""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.cohort import UNKNOWN, Cohort
from cxrlib.number_text import format_share, format_units
from cxrlib.summary import VIEW_COLUMNS, Summary, summarise
from ui.widgets.text import show_quiet, show_text

__all__ = ["show_head"]


def show_head(cohort: Cohort, filtered: Cohort) -> None:
    """Show who is in the cohort: a sentence, then patients, images, regions and outcomes.

    Parameters
    ----------
    cohort : Cohort
        The images included.
    filtered : Cohort
        All X-rays that pass the filters, which the sidebar counts.
    """
    summary = summarise(cohort, "region", unit="patient")
    show_text(_describe(cohort, summary))
    n_out = filtered.n_images - cohort.n_images
    if n_out:
        show_quiet(
            f"Not included: {n_out:,} of {format_units(filtered.n_images, 'X-ray')}, as they are "
            "not frontal or have no diagnosis."
        )
    figures = "".join(
        f"<div><dt>{escape(title)}</dt><dd>{escape(value)}</dd><dd class='cxr-figure-words'>"
        f"{escape(text)}</dd></div>"
        for title, value, text in _list_figures(cohort, summary)
    )
    st.html(f"<dl class='cxr-figures'>{figures}</dl>")


def _describe(cohort: Cohort, summary: Summary) -> str:
    """Describe in two sentences who is included and how often survival is recorded."""
    known = int(summary.totals["survival_recorded"].iloc[0])
    persons = "" if summary.n_persons is None else f" ({format_units(summary.n_persons, 'person')})"
    return (
        f"{format_units(summary.n_images, 'image')} of "
        f"{format_units(summary.n_patients, 'patient')}"
        f"{persons} {_format_countries(cohort)}. Survival is recorded for {known:,} of "
        f"{format_units(summary.n_total, 'patient')}."
    )


def _format_countries(cohort: Cohort) -> str:
    """Format the number of countries: "from 3 countries"."""
    known = cohort.table.loc[cohort.table["region"] != UNKNOWN, "country"]
    n_countries = known.nunique()
    if not n_countries:
        return "with no country recorded"
    return "from 1 country" if n_countries == 1 else f"from {n_countries:,} countries"


def _list_figures(cohort: Cohort, summary: Summary) -> Sequence[tuple[str, str, str]]:
    """List title, figure and explanation of each."""
    total = summary.totals.iloc[0]
    regions = summary.table.loc[summary.table["n_images"] > 0, "row"]
    blank = int((cohort.table["region"] == UNKNOWN).sum())
    n_sex, n_known = int(total["sex_male"] + total["sex_female"]), int(total["survival_recorded"])
    survived = format_share(int(total["survival_yes"]), n_known)
    return (
        ("Patients", f"{summary.n_patients:,}", f"sex recorded for {n_sex:,}"),
        ("Images", f"{summary.n_images:,}", _format_views(total)),
        ("Regions", f"{(regions != UNKNOWN).sum()}", f"{format_units(blank, 'image')} without one"),
        ("Survival recorded", f"{n_known:,}", f"survived: {survived}"),
    )


def _format_views(total: pd.Series) -> str:
    """Format the numbers of images by view, for the views that occur."""
    columns = {**VIEW_COLUMNS, "other": "n_other_view"}
    counts = {view: int(total[column]) for view, column in columns.items()}
    titles = {"L": "lateral", "AP Supine": "AP supine"}
    return ", ".join(f"{n:,} {titles.get(view, view)}" for view, n in counts.items() if n)
