"""Widgets shared by pages; each keeps its value in the address."""

from collections.abc import Sequence

import streamlit as st

from ui.text import plain

MAX_PATIENTS = 8  # more paths than this are a tangle


def choose_patients(options: Sequence[str], story: Sequence[str]) -> list[str]:
    """Let the reader choose whose paths are drawn; open on the story.

    An id in the address that this map does not have is reported: Streamlit drops it silently.
    """
    asked = st.query_params.get_all("patient")
    unknown = [patient for patient in asked if patient and patient not in set(options)]
    if unknown:
        st.session_state["unknown_patients"] = unknown
    chosen = st.multiselect(
        "Paths of patients",
        options,
        default=[patient for patient in story if patient in set(options)],
        key="patient",
        bind="query-params",
        persist_state="session",
        max_selections=MAX_PATIENTS,
        placeholder="Choose patients by id",
        help="Patients with at least two dated images on the map stand first.",
    )
    missing = st.session_state.pop("unknown_patients", [])
    if missing:
        names = plain(", ".join(repr(patient[:60]) for patient in missing))
        st.warning(
            f"The address names {names}, which this map does not have. "
            "Choose from the list, or check the address.",
            icon=":material/link_off:",
        )
    return chosen
