"""The head of the cohort page: one sentence and four figures, each with its denominator."""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.cohort import UNKNOWN, Cohort
from cxrlib.number_text import describe_share, name_units
from cxrlib.summary import Summary, summarise
from ui.widgets.text import show_text

__all__ = ["show_head"]


def show_head(cohort: Cohort) -> None:
    """Show who is in the cohort: a sentence, then patients, images, regions and outcomes."""
    summary = summarise(cohort, "region", unit="patient")
    show_text(_describe(cohort, summary))
    figures = "".join(
        f"<div><dt>{escape(title)}</dt><dd>{escape(value)}</dd><dd class='cxr-figure-words'>"
        f"{escape(words)}</dd></div>"
        for title, value, words in _list_figures(cohort, summary)
    )
    st.html(f"<dl class='cxr-figures'>{figures}</dl>")


def _describe(cohort: Cohort, summary: Summary) -> str:
    """Say in a sentence who is counted and how much of their outcome is known."""
    total = summary.totals.iloc[0]
    known, whole = int(total["survival_recorded"]), int(total["n"])
    persons = "" if summary.n_persons is None else f" ({name_units(summary.n_persons, 'person')})"
    return (
        f"{name_units(summary.n_images, 'image')} of {name_units(summary.n_patients, 'patient')}"
        f"{persons} {_name_countries(_count_countries(cohort))}; whether they survived is recorded "
        f"for {known:,} of {name_units(whole, 'patient')}."
    )


def _name_countries(number: int) -> str:
    """Say from how many countries the images are."""
    if not number:
        return "from countries that are not recorded or not known"
    return "from 1 country" if number == 1 else f"from {number:,} countries"


def _count_countries(cohort: Cohort) -> int:
    return int(cohort.table.loc[cohort.table["region"] != UNKNOWN, "country"].nunique())


def _list_figures(cohort: Cohort, summary: Summary) -> Sequence[tuple[str, str, str]]:
    """List title, figure and words of each."""
    total = summary.totals.iloc[0]
    regions = summary.table.loc[summary.table["n_images"] > 0, "row"]
    known = [name for name in regions if name != UNKNOWN]
    blank = int((cohort.table["region"] == UNKNOWN).sum())
    survived = describe_share(int(total["survival_yes"]), int(total["survival_recorded"]))
    return (
        ("Patients", f"{summary.n_patients:,}", f"sex known of {_known_sex(total):,}"),
        ("Images", f"{summary.n_images:,}", _name_views(total)),
        ("Regions", f"{len(known)}", f"{name_units(blank, 'image')} without a country"),
        ("Outcomes recorded", f"{int(total['survival_recorded']):,}", f"survived: {survived}"),
    )


def _known_sex(total: pd.Series) -> int:
    """Count of whom the sex is known, from a row of a summary's table."""
    return int(total["sex_male"]) + int(total["sex_female"])


def _name_views(total: pd.Series) -> str:
    """Name the views with their numbers of images, those that are there."""
    names = {"n_pa": "PA", "n_ap": "AP", "n_ap_supine": "AP Supine", "n_lateral": "lateral"}
    names["n_other_view"] = "other"
    return ", ".join(f"{int(total[key]):,} {name}" for key, name in names.items() if total[key])
