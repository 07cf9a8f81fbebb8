"""The cohort page's choices: images included, unit of analysis, and part of the page."""

import functools

import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.number_text import format_units
from cxrlib.summary import UNITS, select_counted
from ui.widgets.choice import choose_one, choose_part
from ui.widgets.text import show_alert

__all__ = [
    "SCOPES",
    "SECTIONS",
    "choose_scope",
    "choose_section",
    "choose_unit",
    "load_scope",
    "offer_all_xrays",
]

SECTIONS = ("overview", "tables", "ages", "missing", "groups", "images", "quality", "papers")
# Each is its own label: the address holds what is on the screen.
SCOPES = ("frontal, with a diagnosis", "all X-rays")


def choose_section() -> str:
    """Let the reader choose a part of the page; only that part is computed."""
    return choose_part("section", "Section", SECTIONS)


def choose_unit() -> str:
    """Let the reader choose the unit of analysis; every table names it."""
    return choose_one(
        "unit",
        "Count by",
        {unit: f"{unit}s" for unit in UNITS},
        default="patient",
        help="Patients are ids as recorded. Persons are ids merged where they share a nearly "
        "identical image. Counts of images give more weight to people with many images.",
    )


def choose_scope() -> str:
    """Let the reader choose which X-rays are included, on top of the sidebar's filters."""
    return choose_one(
        "images",
        "Images included",
        SCOPES,
        help="The papers count frontal X-rays (PA, AP, AP supine) with a diagnosis, that is a "
        "finding other than todo and Unknown. Their table by view also counts lateral X-rays. In "
        "other cohorts AP erect is frontal too.",
    )


def offer_all_xrays(filtered: Cohort) -> None:
    """Show that no image is included though some pass the filters, and offer all X-rays.

    Parameters
    ----------
    filtered : Cohort
        X-rays that pass the filters; none of them is frontal with a diagnosis.
    """
    show_alert(
        f"No image is included: {format_units(filtered.n_images, 'X-ray')} of "
        f"{format_units(filtered.n_patients, 'patient')} pass the filters, but none is "
        f"frontal ({', '.join(filtered.frontal_views)}) with a diagnosis. Count all X-rays, or "
        "change the filters."
    )
    st.button(
        "Count all X-rays",
        key="count_all_xrays",
        on_click=st.session_state.update,
        args=({"images": SCOPES[1]},),
    )


@functools.lru_cache(maxsize=32)
def load_scope(cohort: Cohort, scope: str, *, with_lateral: bool = False) -> Cohort:
    """Select once for all sessions: tables are remembered with their cohort."""
    if scope == SCOPES[1]:
        return cohort.select_xrays()
    return select_counted(cohort, "view" if with_lateral else "region")
