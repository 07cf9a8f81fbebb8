"""Keep where the reader had zoomed or moved to, over a redraw of the map.

Streamlit draws a chart anew whenever anything in it changes (`st.plotly_chart` hashes the
whole figure into the element's identity), so Plotly's ``uirevision`` finds no earlier chart to
keep the zoom of. A component without a face listens to the chart and sends the range here;
the next figure that differs opens on it.
"""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from ui.widgets.component import load_component, read_sent

__all__ = ["keep_view", "listen_to_view"]

KEY = "map_view"


def keep_view(figure: go.Figure, map_key: str, drawn: Sequence[object]) -> go.Figure:
    """Let a figure that differs from the last one open where the reader was.

    A figure that is the same but for the view keeps the view it was drawn with: Streamlit would
    draw it anew for a zoom that the reader sees already.

    Parameters
    ----------
    figure : Figure
    map_key : str
    drawn : sequence
        All that the figure was drawn from, besides the map: comparing these is quicker than
        comparing figures.
    """
    now = (map_key, *drawn)
    last = st.session_state.get("drawn_map", {})
    view = last["view"] if last.get("drawn") == now else find_view(map_key)
    st.session_state["drawn_map"] = {"drawn": now, "view": view}
    if view is not None:
        x_min, x_max, y_min, y_max = view
        figure.update_layout(xaxis_range=[x_min, x_max], yaxis_range=[y_min, y_max])
    return figure


def find_view(map_key: str) -> tuple[float, float, float, float] | None:
    """Return the range that was sent for a map; None for another map or the whole of it."""
    view = read_sent(KEY, "view")
    if not isinstance(view, Mapping) or view.get("map") != map_key:
        return None
    values = view.get("range")
    if not isinstance(values, list) or len(values) != 4:
        return None
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return None
    x_min, x_max, y_min, y_max = (float(value) for value in values)
    return (x_min, x_max, y_min, y_max) if x_min < x_max and y_min < y_max else None


def listen_to_view(map_key: str, chart_key: str) -> None:
    """Mount the listener; it takes no room and shows nothing."""
    load_component(__file__)(
        key=KEY,
        data={"map": map_key, "chart": chart_key},
        on_view_change=lambda: None,
        height="content",
    )
