"""The mark of an uploaded X-ray on the map."""

from typing import Any

import plotly.graph_objects as go

from cxrlib.charts.style import FONT, PALETTES, SILENT, TEXT_SIZE, Theme, make_trace
from cxrlib.uploads import Placed

SIZE = 18  # pixels; larger than any image's mark
LABEL = "your X-ray"


def mark_upload(figure: go.Figure, placed: Placed, *, theme: Theme = "light") -> go.Figure:
    """Mark an upload and its neighbours on a map; change the figure, and return it.

    A star in the colour of text: none of the states has that shape or that colour. Neighbours are
    joined to it by thin lines. Nothing of it can be clicked or says a state.

    Parameters
    ----------
    figure : Figure
        Of `cxrlib.charts.maps.plot_map`, of the same map.
    placed : Placed
    theme : {"light", "dark"}, default "light"
    """
    palette = PALETTES[theme]
    near = placed.neighbours
    gap = [None] * len(near)
    lines = make_trace(
        "lines",
        _weave([placed.x] * len(near), near["x"].tolist(), gap),
        _weave([placed.y] * len(near), near["y"].tolist(), gap),
        line={"color": palette.ink, "width": 0.7},
        opacity=0.6,
        **SILENT,
    )
    note = " (unlike this cohort)" if placed.is_far else ""
    line = {"color": palette.page, "width": 1.5}
    mark = make_trace(
        "markers",
        [placed.x],
        [placed.y],
        marker={"symbol": "star", "size": SIZE, "color": palette.ink, "line": line},
        hovertemplate=f"{LABEL}{note}<extra></extra>",
        showlegend=False,
    )
    figure.add_traces([lines, mark])
    figure.add_annotation(
        x=placed.x,
        y=placed.y,
        text=LABEL + note,
        showarrow=False,
        yshift=SIZE,
        font={"family": FONT, "size": TEXT_SIZE, "color": palette.ink},
        bgcolor=palette.page,
        opacity=0.9,
    )
    return figure


def _weave(*columns: list[Any]) -> list[Any]:
    """Take a value of each in turn."""
    return [value for row in zip(*columns, strict=True) for value in row]
