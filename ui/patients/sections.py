"""Which part of the patients page stands below the pair; only that part is computed."""

import streamlit as st

from ui.widgets.address import report_unknown

__all__ = ["PARTS", "choose_part"]

# The words are the values: what stands in the address is what stands on the screen.
PARTS = ("outputs over time", "where it leads", "notes and flags", "record")


def choose_part() -> str:
    """Let the reader choose a part of the page."""
    report_unknown("part", PARTS.__contains__)
    return str(
        st.segmented_control(
            "Part",
            PARTS,
            default=PARTS[0],
            required=True,
            key="part",
            bind="query-params",
            persist_state="session",
            label_visibility="collapsed",
        )
    )
