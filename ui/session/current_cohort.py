"""The cohort that a session looks at: chosen in the sidebar, kept in the address."""

import contextlib
from collections.abc import Sequence

import streamlit as st

from cxrlib.cohort import CohortEntry, find_entry
from ui.session.resources import list_cohorts
from ui.widgets.address import report_unknown
from ui.widgets.choice import BOUND

__all__ = ["choose_cohort", "cohort_parameters", "current_entry", "is_cohort_new"]

CHANGED = "cohort_changed"  # in the session's state
NAMED = "cohort_in_address"  # in the session's state: whether the last run found it there
KEY = "cohort"  # of the widget, of the session's state and of the address


def choose_cohort() -> CohortEntry:
    """Let the reader choose a cohort by its slug; without a choice to make, show nothing."""
    entries = list_cohorts()
    slugs = [entry.slug for entry in entries]
    report_unknown(KEY, slugs.__contains__)
    if len(entries) > 1:
        st.selectbox(
            "Cohort",
            slugs,
            # A default is not written to the address, and a link must say its cohort: another
            # server may open on another.
            index=None if _is_in_address(slugs) else 0,
            required=True,
            key=KEY,
            on_change=_start_afresh,
            help="Cohorts of this server, including the synthetic demo.",
            **BOUND,
        )
    return current_entry()


def cohort_parameters() -> dict[str, str]:
    """Return the address parameters of the cohort: none where there is no choice."""
    return {KEY: current_entry().slug} if len(list_cohorts()) > 1 else {}


def _is_in_address(slugs: Sequence[str]) -> bool:
    """Tell whether the address names a cohort; put it there where it does not.

    Where the browser's Back has led to an address without one, the first is asked for: then,
    once, the widget has it for its default.
    """
    was_named = st.session_state.get(NAMED, False)
    st.session_state[NAMED] = st.query_params.get(KEY) in slugs
    if st.session_state[NAMED]:
        return True
    if was_named:
        return False
    st.session_state[KEY] = current_entry().slug
    with contextlib.suppress(st.errors.StreamlitAPIException):  # bound: Streamlit writes it
        st.query_params[KEY] = st.session_state[KEY]
    return True


def current_entry() -> CohortEntry:
    """Return the cohort this session looks at: the first one until another is chosen."""
    entries = list_cohorts()
    chosen = st.session_state.get(KEY)
    known = {entry.slug for entry in entries}
    return find_entry(entries, chosen) if chosen in known else entries[0]


def _start_afresh() -> None:
    """Remember that the cohort has changed: patients and images are those of one cohort.

    Filters stay as far as the other cohort has their values; those that it lacks are named.
    """
    st.session_state[CHANGED] = True


def is_cohort_new() -> bool:
    """Tell, once, whether the reader has just changed the cohort.

    A page then sets its own choices anew: deleting what a widget is bound to does nothing, since
    it comes back from the address.
    """
    return bool(st.session_state.pop(CHANGED, False))
