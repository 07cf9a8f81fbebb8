"""Figures in one Plotly template a theme, so that all charts speak one language."""

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cxrlib.charts.style.palette import PALETTES, STATES, Theme

#: A trace or a layout as plain parts, as Plotly's JSON has them.
Parts = dict[str, Any]
#: Of a trace that neither the key nor the mouse is to find.
SILENT: Parts = {"hoverinfo": "skip", "showlegend": False}

#: Fonts that are on the machine: nothing is fetched.
FONT = '"Source Sans", system-ui, "Segoe UI", "Liberation Sans", sans-serif'
#: Smallest text, in pixels: readable at four metres on a projector.
TEXT_SIZE = 14
#: The same on all charts, in pixels, so that figures on a page line up: a line of legend above,
#: a line of scale or axis below. A chart with tick labels at the left widens ``l``.
MARGIN = {"l": 8, "r": 8, "t": 44, "b": 44, "autoexpand": False}

#: More marks than this are drawn by WebGL: each mark of an SVG is an element of the page.
MAX_SVG_POINTS = 2000


def use_webgl(n_points: int) -> bool:
    """Tell whether so many marks are drawn by WebGL (``scattergl``), not as SVG.

    Plotly draws WebGL above all SVG of the axes, so what lies over the marks, paths and their
    arrows, goes the same way. In a figure saved as SVG such marks are a picture.

    Examples
    --------
    >>> use_webgl(851), use_webgl(50_000)
    (False, True)
    """
    return n_points > MAX_SVG_POINTS


def chart_template(theme: Theme) -> go.layout.Template:
    """Return the template of a theme.

    Backgrounds are transparent, titles stand left in sentence case, and no grid is drawn: a
    chart that values are read off switches its horizontal grid on.

    Parameters
    ----------
    theme : {"light", "dark"}
        The page's theme.
    """
    return go.layout.Template(layout=template_layout(theme))


def make_figure(traces: Sequence[Parts], layout: Parts, theme: Theme) -> go.Figure:
    """Make a figure at once, in the template of a theme, without having its parts checked.

    Plotly checks each property that it is given, and those before it again at each
    ``add_trace``, ``add_annotation`` or ``update_layout``: two thirds of what a chart costs. A
    chart that writes its parts itself can do without, if its tests ask for the check
    (`tests.figures.assert_valid`): no one else finds a wrong name before the reader does.

    Parameters
    ----------
    traces : sequence of dict
        Each with its ``type``; groups as nested dicts, so ``{"marker": {"size": 9}}`` and not
        ``marker_size``, and no None for what is not set.
    layout : dict
        Likewise; a title is ``{"text": ...}``. Its own template, if any, is replaced.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Holds copies. Whatever is changed in it later is checked as ever.
    """
    template = {"layout": template_layout(theme)}
    figure = go.Figure(
        data=[_copy(trace) for trace in traces],
        layout=_copy({**layout, "template": template}),
        _validate=False,
    )
    for part in (figure, figure.layout, *figure.data):
        part._validate = True
    return figure


def _copy(part: Any) -> Any:  # noqa: ANN401 (whatever Plotly takes)
    """Copy the groups of a part, so that no two places of a figure share one and its changes."""
    if isinstance(part, dict):
        return {name: _copy(each) for name, each in part.items()}
    if isinstance(part, list | tuple) and part and isinstance(part[0], dict):
        return [_copy(each) for each in part]
    return part


def make_trace(mode: str, x: object, y: object, *, layer: str = "scatter", **look: object) -> Parts:
    """Make a trace of marks, lines or text, such as ``"markers+text"``."""
    return {"type": layer, "mode": mode, "x": x, "y": y, **look}


def make_note(x: float, y: float, text: str, **style: object) -> Parts:
    """Make an annotation at a place of the whole figure, from 0 to 1."""
    return {"x": x, "y": y, "xref": "paper", "yref": "paper", "text": text, **style}


def template_layout(theme: Theme) -> Parts:
    """Write the layout of a theme's template, as plain parts."""
    palette = PALETTES[theme]
    text = {"family": FONT, "size": TEXT_SIZE, "color": palette.ink}
    axis = {
        "showgrid": False,
        "zeroline": False,
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "tickcolor": palette.grid,
        "tickfont": {**text, "color": palette.quiet},
        "title": {"font": {**text, "color": palette.quiet}, "standoff": 8},
        "automargin": False,
    }
    return {
        "font": text,
        "title": {
            "font": {**text, "size": 18},
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 10},
        },
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "margin": MARGIN,
        "colorway": [palette.states[state] for state in reversed(STATES)],
        "xaxis": axis,
        "yaxis": axis,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.01,
            "yanchor": "bottom",
            "font": {**text, "size": 15},
            "itemsizing": "trace",
            "bgcolor": "rgba(0, 0, 0, 0)",
        },
        "hoverlabel": {
            "font": text,
            "bgcolor": palette.page,
            "bordercolor": palette.quiet,
            "align": "left",
        },
        "hovermode": "closest",
        "modebar": {
            "bgcolor": "rgba(0, 0, 0, 0)",
            "color": palette.quiet,
            "activecolor": palette.accent,
        },
        "annotationdefaults": {"font": text, "showarrow": False},
    }


def make_empty(words: str, theme: Theme, *, height: int) -> go.Figure:
    """Make a figure that says in words why nothing is drawn.

    Parameters
    ----------
    words : str
        Plain text: markup in it is escaped.
    theme : {"light", "dark"}
    height : int
        In pixels: that of the figure with something in it keeps the page from jumping.
    """
    font = {"color": PALETTES[theme].quiet}
    note = make_note(0.5, 0.5, html.escape(words, quote=False), font=font)
    nothing = {"visible": False}
    layout = {"height": height, "xaxis": nothing, "yaxis": nothing, "annotations": [note]}
    return make_figure([], layout, theme)
