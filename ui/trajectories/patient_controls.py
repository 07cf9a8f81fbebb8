"""The controls of the map: whose paths are drawn, and how large."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cxrlib.maps import explain_off_map
from ui.session.current_cohort import current_entry, is_cohort_new
from ui.session.resources import Current
from ui.widgets.address import report_unknown
from ui.widgets.choice import choose_many, choose_whether, forget_asked
from ui.widgets.text import show_alert

__all__ = [
    "MAX_PATIENTS",
    "choose_large",
    "choose_patients",
    "follow_cohort",
    "report_address",
    "style_controls",
]

MAX_PATIENTS = 5  # more paths than this are a tangle
LEFT = "left_patients"  # in the session's state: what a switch of cohort left in the address
STYLE = Path(__file__).with_name("map.css")


def style_controls() -> None:
    """Align the controls in a line."""
    st.html(STYLE)


def follow_cohort(options: Sequence[str], story: Sequence[str]) -> None:
    """Open on the story again after the reader has changed the cohort.

    Call it before what is read from the address: the patients and the image there are still
    those of the other cohort. The browser puts the new cohort beside them, and Back leads there.
    """
    asked = (current_entry().slug, st.query_params.get_all("patient"))
    if is_cohort_new():
        st.session_state[LEFT] = asked if asked[1] else None
        st.session_state["patient"] = _opening(options, story)
        st.query_params.pop("image", None)
        _follow_choice()
    elif st.session_state.get(LEFT) == asked != (asked[0], st.session_state.get("patient")):
        forget_asked("patient")


def _opening(options: Sequence[str], story: Sequence[str]) -> list[str]:
    known = set(options)
    return [patient for patient in story if patient in known][:MAX_PATIENTS]


def report_address(current: Current) -> None:
    """Report which image the address asks for and this page, or its map, does not have."""
    report_unknown("image", current.has_image)
    asked = st.query_params.get("image", "")
    if current.has_image(asked) and current.find_point(asked) is None:
        why = explain_off_map(current.cohort, asked, current.mapped.projection.settings)
        show_alert(f"Image {asked[:60]!r} of the address is not on the map: {why}.")


def choose_patients(options: Sequence[str], story: Sequence[str]) -> list[str]:
    """Let the reader choose whose paths are drawn; open on the story."""
    return choose_many(
        "patient",
        "Show patients",
        options,
        default=_opening(options, story),
        max_selections=MAX_PATIENTS,
        select_all=False,
        on_change=_follow_choice,
        placeholder="Select patients by ID",
        width=240,
        help="Patients with the most dated days on the map come first.",
    )


def _follow_choice() -> None:
    """Show an image of the chosen patients after the choice has changed."""
    st.session_state.pop("shown_image", None)


def choose_large() -> bool:
    """Let the reader draw the map large, for a projector."""
    return choose_whether("large", "Presentation size")
