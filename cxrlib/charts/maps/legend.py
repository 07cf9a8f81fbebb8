"""The legend of a map that is coloured by a column: the meaning of each colour and shape."""

from typing import NamedTuple

import pandas as pd

from cxrlib.charts.maps.colours import (
    count_key_rows,
    describe_scale,
    format_categories,
    missing_ink,
    number_ramp,
    pick_inks,
)
from cxrlib.charts.maps.marks import MARKERS, colour_axis
from cxrlib.charts.style import (
    BOX_HEIGHT,
    PALETTES,
    STATES,
    Palette,
    Parts,
    Theme,
    draw_colour_scale,
    label_colour_scale,
    make_trace,
    template_layout,
)
from cxrlib.cohort import STATE_TITLES
from cxrlib.maps import Colouring

#: A line of the key, in pixels, and where the text of its first line stands.
LINE, FIRST = 26, 12
#: Lines kept for the states: one on a page, three on a phone, whose map leaves room below.
STATE_LINES = 2


class Key(NamedTuple):
    """Hold the parts of a key: traces without points, shapes, annotations, layout."""

    traces: list[Parts]
    shapes: list[Parts]
    notes: list[Parts]
    layout: Parts


def count_rows_of_key(colouring: Colouring | None) -> int:
    """Count the lines that are kept for the key above the map."""
    if colouring is None or colouring.kind == "state":
        return STATE_LINES
    if colouring.kind == "number":
        return STATE_LINES + 1
    return STATE_LINES + count_key_rows(_format_colours(colouring))


def _format_colours(colouring: Colouring) -> list[str]:
    """Format the meaning of each colour, with counts; blanks last."""
    missing = [f"not recorded: {colouring.n_missing:,}"] if colouring.n_missing else []
    return [*format_categories(colouring), *missing]


def draw_key(
    points: pd.DataFrame,
    colouring: Colouring,
    theme: Theme,
    *,
    top: float,
    above: float,
    height: float,
) -> Key:
    """Draw the key of colours, and under it the key of shapes.

    Parameters
    ----------
    points : DataFrame
        What is drawn, for the counts of states.
    colouring : Colouring
        By a category or a number.
    theme : {"light", "dark"}
    top, above, height : float
        Of the figure's upper margin, of what is above the key in it, and of the figure, in pixels.
    """
    palette = PALETTES[theme]
    down = above + (count_rows_of_key(colouring) - STATE_LINES) * LINE
    # The colours' key hangs where the states' does; the shapes' has a place of its own.
    hung = {**template_layout(theme)["legend"], "yref": "container", "yanchor": "top"}
    still = {"itemclick": False, "itemdoubleclick": False}
    # A trace group a colour, so that a click hides all shapes of it; no more room for that.
    layout: Parts = {
        "legend": {"tracegroupgap": 0},
        "legend3": {**hung, **still, "y": 1 - down / height},
    }
    shapes_key = _draw_shapes(points, palette)
    if colouring.kind == "category":
        return Key([*_draw_colours(colouring, theme), *shapes_key], [], [], layout)
    ramp = number_ramp(theme)
    up = top - above - FIRST - BOX_HEIGHT
    layout["coloraxis"] = colour_axis(colouring, theme)
    return Key(
        shapes_key,
        draw_colour_scale(ramp, palette.quiet, side="top", up=up),
        [label_colour_scale(describe_scale(colouring), len(ramp), side="top", up=up)],
        layout,
    )


def _empty_trace(name: str, marker: Parts, **more: object) -> Parts:
    """Describe a trace that stands in the key only."""
    shown: Parts = {"hoverinfo": "skip", "showlegend": True, **more}
    return make_trace("markers", [None], [None], name=name, marker=marker, **shown)


def _draw_colours(colouring: Colouring, theme: Theme) -> list[Parts]:
    """Name each colour; a click on it hides its marks of all shapes."""
    inks = pick_inks(colouring, theme)
    markers: list[Parts] = [
        {"symbol": "square", "size": 11, "color": ink.fill, "line": {"width": 1, "color": ink.rim}}
        for ink in inks
    ]
    codes = list(range(len(inks)))
    if colouring.n_missing:
        codes.append(-1)
        grey = missing_ink(PALETTES[theme])
        markers.append({"symbol": "square-open", "size": 10, "color": grey, "line": {"width": 2}})
    return [
        _empty_trace(name, marker, legendgroup=f"colour {code}")
        for name, marker, code in zip(_format_colours(colouring), markers, codes, strict=True)
    ]


def _draw_shapes(points: pd.DataFrame, palette: Palette) -> list[Parts]:
    """Name the shape of each state, with its count, in no colour."""
    counts = points["state"].value_counts()
    traces = []
    for state in reversed(STATES):
        symbol, size = MARKERS[state]
        hollow = state == "unknown"
        marker = {
            "symbol": f"{symbol}-open" if hollow else symbol,
            "size": size,
            "color": palette.quiet,
            "line": {"width": 2 if hollow else 0.8},
        }
        name = f"{STATE_TITLES[state]}: {int(counts.get(state, 0)):,}"
        traces.append(_empty_trace(name, marker, legend="legend3"))
    return traces
