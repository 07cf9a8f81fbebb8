"""A chart under its heading, with its numbers to save; marks that carry filters set them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from cxrlib.charts.style import read_click
from ui.widgets.figure import show_figure
from ui.widgets.text import show_quiet

__all__ = ["show_chart"]


def show_chart(
    draw: Callable[..., go.Figure],
    *,
    key: str,
    heading: str,
    filters: bool = False,
    **shown: Any,  # noqa: ANN401 (whatever `show_figure` takes)
) -> None:
    """Show a chart in the page's theme, with its caption and the menu that saves it.

    Parameters
    ----------
    draw : callable
        Draws it as ``draw(theme=...)``.
    filters : bool
        Whether marks carry filters, names and values in turn, as customdata: a click sets them.
    shown
        Caption, numbers and more, of `show_figure`.
    """
    st.subheader(heading, anchor=False)
    if filters:  # not in the caption: that goes with the figure to paper
        show_quiet("Click to filter; click again to clear.")
        shown |= {"on_select": partial(_filter_by_click, key), "selection_mode": "points"}
    show_figure(draw, key=key, heading=heading, **shown)


def _filter_by_click(key: str) -> None:
    """Set the filters of the clicked mark; a click beside the marks changes nothing."""
    chosen = st.session_state[key].selection.points
    if chosen:
        _toggle_filters(read_click(chosen[0].get("customdata")))


def _toggle_filters(filters: Mapping[str, str]) -> None:
    """Set filters to one value each; clear them where all have it already."""
    are_set = all(list(st.session_state.get(name, ())) == [filters[name]] for name in filters)
    for name, value in filters.items():
        st.session_state[name] = [] if are_set else [value]
