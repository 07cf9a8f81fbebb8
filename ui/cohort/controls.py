"""The cohort page's choices: what is counted, of which images, and which part of the page."""

import functools

import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.number_text import name_units
from cxrlib.summary import UNITS, select_published
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
# The words are the values: what stands in the address is what stands on the screen.
SCOPES = ("frontal, usable finding", "all X-rays")
UNIT_WORDS = {"image": "images", "patient": "patients", "person": "persons"}


def choose_section() -> str:
    """Let the reader choose a part of the page; only that part is computed."""
    return choose_part("section", "Section", SECTIONS)


def choose_unit() -> str:
    """Let the reader choose the unit of analysis; every table names it."""
    return choose_one(
        "unit",
        "Counted",
        {unit: UNIT_WORDS[unit] for unit in UNITS},
        default="patient",
        help="Patients are ids as recorded, persons are ids merged over near-identical images. "
        "Someone with many images weighs more in counts of images.",
    )


def choose_scope() -> str:
    """Let the reader choose which X-rays are counted, before the filters in the sidebar."""
    return choose_one(
        "images",
        "Of which images",
        SCOPES,
        help="The papers count frontal X-rays (PA, AP, AP Supine) whose finding is neither "
        "todo nor Unknown; their table by view counts lateral ones too.",
    )


def offer_all_xrays(filtered: Cohort) -> None:
    """Say that the choice of images leaves none, though the filters do; offer the wider one.

    Parameters
    ----------
    filtered : Cohort
        X-rays that the filters leave; none of them is frontal with a usable finding.
    """
    show_alert(
        f"No image is left to count: {name_units(filtered.n_images, 'X-ray')} of "
        f"{name_units(filtered.n_patients, 'patient')} pass the filters, but none is frontal (PA, "
        "AP, AP Supine) with a finding other than todo and Unknown. Count all X-rays, or change "
        "the filters."
    )
    st.button("Count all X-rays", key="count_all_xrays", on_click=_choose_all)


def _choose_all() -> None:
    """Count all X-rays."""
    st.session_state["images"] = SCOPES[1]


@functools.lru_cache(maxsize=32)
def load_scope(cohort: Cohort, scope: str, *, with_lateral: bool = False) -> Cohort:
    """Select once for all sessions: tables are remembered with the cohort they are of."""
    if scope == SCOPES[1]:
        return cohort.select_xrays()
    return select_published(cohort, "view" if with_lateral else "region")
