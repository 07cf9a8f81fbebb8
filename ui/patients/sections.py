"""Which part of the patients page is shown below the pair; only that part is computed."""

import streamlit as st

from ui.widgets import choice

__all__ = ["PARTS", "choose_part"]

#: Label by key. In the address stands the label; links made before have the key there.
PARTS = {
    "outputs over time": "Measurements over time",
    "where it leads": "Map and similar patients",
    "notes and flags": "Clinical notes and data quality",
    "record": "Data and download",
}


def choose_part() -> str:
    """Let the reader choose a part of the page, by its key."""
    if (asked := st.query_params.get("part")) in PARTS:
        choice.forget_asked("part")
        st.session_state["part"] = asked
    return choice.choose_one("part", "Part", PARTS, label_visibility="collapsed")
