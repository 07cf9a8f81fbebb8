"""The paper's Figure 3 beside the map: its three patients, and how the two maps differ."""

import functools
from collections.abc import Sequence

import streamlit as st

from cxrlib.cohort import PAPER_PATIENTS, has_paper_patients
from cxrlib.maps import compare_with_paper, explain_difference
from cxrlib.summary import TableLayout, lay_out_frame
from ui.session.resources import Current
from ui.widgets.dense_table import show_dense_table
from ui.widgets.origin import saved_today
from ui.widgets.text import show_text

__all__ = ["offer_paper_patients", "show_paper_difference"]


def offer_paper_patients(current: Current, patients: Sequence[str]) -> None:
    """Offer to draw the paths of the paper's three patients, where they are on the map.

    Parameters
    ----------
    current : Current
    patients : sequence of str
        Whose paths are drawn now.
    """
    if not _is_paper_map(current):
        return
    st.button(
        "Example patients of the paper",
        key="paper_patients",
        on_click=_choose_paper_patients,
        disabled=list(patients) == list(PAPER_PATIENTS),
        help=f"Show the paths of patients {', '.join(PAPER_PATIENTS)}, as in the paper's Figure 3.",
    )


def _choose_paper_patients() -> None:
    st.session_state["patient"] = list(PAPER_PATIENTS)
    st.session_state.pop("shown_image", None)


def show_paper_difference(current: Current, *, density: str, origin: Sequence[str]) -> None:
    """Show how this map differs from the paper's and why; nothing for another cohort.

    Parameters
    ----------
    current : Current
    density : str
        The background: "density of images taken in ICU or while intubated, bandwidth 1.0".
    origin : sequence of str
        Where the map comes from, `cxrlib.reports.list_provenance`.
    """
    if not _is_paper_map(current):
        return
    with st.expander("How this map differs from the paper's Figure 3"):
        for sentence in explain_difference(current.mapped):
            show_text(sentence)
        show_dense_table(
            _lay_out(current, density),
            key="map_paper",
            **saved_today("map-and-figure-3", origin),
        )


@functools.lru_cache(maxsize=8)
def _is_paper_map(current: Current) -> bool:
    return has_paper_patients(current.points)


@functools.lru_cache(maxsize=8)
def _lay_out(current: Current, density: str) -> TableLayout:
    """Lay out the comparison; its sentences take several lines."""
    table = compare_with_paper(current.mapped, density=density)
    names = [str(name) for name in table]
    titles = dict(zip(names, ("", "The paper's Figure 3", "This map"), strict=True))
    return lay_out_frame(table, title="Line by line", titles=titles)
