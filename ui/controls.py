"""Widgets shared by pages; each keeps its value in the address."""

from collections.abc import Callable, Sequence

import streamlit as st

from ui.text import show_alert

MAX_PATIENTS = 8  # more paths than this are a tangle


def report_unknown(key: str, is_known: Callable[[str], bool]) -> None:
    """Say which values of the address this page cannot use: Streamlit drops them silently.

    Call it before the widget that is bound to the key.
    """
    unknown = [value for value in st.query_params.get_all(key) if value and not is_known(value)]
    if unknown:
        names = ", ".join(repr(value[:60]) for value in unknown)
        show_alert(
            f"The address asks for {key} {names}, which this page does not have. "
            "Choose below, or check the address."
        )


def choose_patients(options: Sequence[str], story: Sequence[str]) -> list[str]:
    """Let the reader choose whose paths are drawn; open on the story."""
    known = set(options)
    return st.multiselect(
        "Paths of patients",
        options,
        default=[patient for patient in story if patient in known][:MAX_PATIENTS],
        key="patient",
        bind="query-params",
        persist_state="session",
        max_selections=MAX_PATIENTS,
        placeholder="Choose patients by id",
        help="Patients with most dated days on the map stand first.",
    )
