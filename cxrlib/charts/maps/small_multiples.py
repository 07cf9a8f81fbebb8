"""Small multiples: one map several times, coloured by a column each."""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cxrlib.charts.maps.colours import (
    describe_scale,
    format_categories,
    missing_ink,
    number_ramp,
    pick_inks,
)
from cxrlib.charts.maps.map_text import describe_colouring
from cxrlib.charts.maps.marks import Layer, colour_axis, draw_marks
from cxrlib.charts.maps.surfaces import frame_surface
from cxrlib.charts.style import (
    PALETTES,
    STATES,
    TEXT_SIZE,
    Parts,
    Theme,
    enlarge,
    make_figure,
    make_note,
    safe_text,
    use_webgl,
)
from cxrlib.errors import SelectionError
from cxrlib.maps import Colouring, count_map, describe_counts

#: More panels than this are too small to compare.
MAX_PANELS = 6
#: In pixels: of a panel, of a line of text, between panels, and the width text is laid out for.
PANEL_HEIGHT, LINE, GAP, WIDTH = 330, 20, 16, 1000
#: Under the last panel, so that its frame is seen.
BELOW = 8
#: Of a letter of 14 pixels; a mark with its gap counts as four letters.
LETTER, MARK_LETTERS = 7.6, 3
#: Of a mark's size on the map; WebGL's are small already.
MARK_SHARE = 0.6


def plot_multiples(
    points: pd.DataFrame,
    colourings: Sequence[Colouring],
    *,
    theme: Theme = "light",
    scale: float = 1.0,
) -> go.Figure:
    """Plot the same map once a colouring, on the same axes: zooming one zooms all.

    The key of each panel stands above it, with counts. Shape is the state in all of them.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`, or a selection of its rows.
    colourings : sequence of Colouring
        One to six, of these points.
    theme : {"light", "dark"}, default "light"
    scale : float, default 1.0
        Of text, marks and height together.

    Returns
    -------
    Figure

    Raises
    ------
    SelectionError
        If there are no colourings or too many.
    """
    if not 1 <= len(colourings) <= MAX_PANELS:
        raise SelectionError(
            f"{len(colourings)} maps do not fit side by side: choose 1 to {MAX_PANELS} columns."
        )
    n_columns = _count_columns(len(colourings))
    keys = [_format_key(each, theme, WIDTH / n_columns) for each in colourings]
    layer: Layer = "scattergl" if use_webgl(len(points) * len(colourings)) else "scatter"
    extent, _ = frame_surface(points[["x", "y"]].to_numpy(dtype=np.float64), None)
    n_rows = math.ceil(len(colourings) / n_columns)
    heads = [
        LINE * max(len(key) for key in keys[row * n_columns : (row + 1) * n_columns]) + GAP
        for row in range(n_rows)
    ]
    height = sum(heads) + n_rows * PANEL_HEIGHT  # without the lower margin
    traces: list[Parts] = []
    layout: Parts = {
        "height": height + BELOW,
        "dragmode": "pan",
        "margin": {"t": 0, "b": BELOW, "l": 8, "r": 8},
        "showlegend": False,
        "uirevision": "multiples",  # while it stays the same the zoom is kept
        "annotations": [],
    }
    for place, (colouring, key) in enumerate(zip(colourings, keys, strict=True)):
        row, column = divmod(place, n_columns)
        top = 1 - (sum(heads[: row + 1]) + row * PANEL_HEIGHT) / height
        low = max(top - PANEL_HEIGHT / height, 0.0)  # rounding may leave it a hair under
        box = (column / n_columns, (column + 0.97) / n_columns, low, top)
        layout |= _lay_out_axes(place, box, extent)
        layout["annotations"].append(_head(key, box))
        drawn = _draw_panel(points, colouring, theme, layer, place)
        traces += drawn
        if colouring.kind == "number":
            layout[_nth("coloraxis", place)] = colour_axis(colouring, theme)
    return enlarge(make_figure(traces, layout, theme), scale)


def describe_multiples(points: pd.DataFrame, colourings: Sequence[Colouring]) -> str:
    """Describe the maps in words: their text alternative."""
    if points.empty:
        return "Empty maps: no image of this selection is on them."
    counts = describe_counts(count_map(points))
    start = f"The same map {len(colourings)} times, of {counts}"
    return " ".join([start, *(describe_colouring(points, each) for each in colourings)])


def _count_columns(n_panels: int) -> int:
    """Count the panels of a row: two of four stand better than three and one."""
    return {1: 1, 2: 2, 4: 2}.get(n_panels, 3)


def _nth(name: str, place: int) -> str:
    """Name the axis of a panel as Plotly does: xaxis, xaxis2, xaxis3."""
    return name if place == 0 else f"{name}{place + 1}"


def _lay_out_axes(
    place: int, box: tuple[float, float, float, float], extent: tuple[float, float, float, float]
) -> Parts:
    """Lay a panel's axes out: one scale for both, the same in all panels, no ticks."""
    plain = {"showticklabels": False, "ticks": "", "showline": True, "mirror": True}
    left, right, low, high = box
    x: Parts = {"domain": [left, right], "range": list(extent[:2]), "anchor": _nth("y", place)}
    y: Parts = {"domain": [low, high], "range": list(extent[2:]), "anchor": _nth("x", place)}
    # The other panels follow the first.
    y |= {"scaleanchor": "x", "scaleratio": 1} if not place else {"matches": "y"}
    x |= {"matches": "x"} if place else {}
    return {_nth("xaxis", place): {**plain, **x}, _nth("yaxis", place): {**plain, **y}}


def _head(lines: Sequence[str], box: tuple[float, float, float, float]) -> Parts:
    """Put the lines of a key above its panel."""
    place = {"xanchor": "left", "yanchor": "bottom", "align": "left"}
    return make_note(box[0], box[3], "<br>".join(lines), font={"size": TEXT_SIZE}, **place)


def _draw_panel(
    points: pd.DataFrame, colouring: Colouring, theme: Theme, layer: Layer, place: int
) -> list[Parts]:
    """Draw the marks of a panel, smaller than on the map."""
    traces = draw_marks(points, colouring, theme, layer)
    for trace in traces:
        marker = trace["marker"]
        marker["size"] *= MARK_SHARE if layer == "scatter" else 1.0
        if marker.get("coloraxis"):
            marker["coloraxis"] = _nth("coloraxis", place)
        trace |= {"xaxis": _nth("x", place), "yaxis": _nth("y", place)}
    return traces


def _format_key(colouring: Colouring, theme: Theme, width: float) -> list[str]:
    """Make the title of a panel and the meaning of its colours, in lines that fit."""
    palette = PALETTES[theme]
    title = f"<b>{safe_text(colouring.label)}</b>"
    if colouring.kind == "number":
        ramp = "".join(_mark("■", colour) for colour in number_ramp(theme))
        words = [safe_text(word) for word in describe_scale(colouring, short=True).split(" ")]
        return [title, *_wrap([(ramp, 14), *((word, len(word) + 1) for word in words)], width, "")]
    if colouring.kind == "state":
        colours = [palette.rims[s] if s == "unknown" else palette.states[s] for s in STATES[::-1]]
        marks = [*zip("◆●○", colours, strict=True)]
    else:
        marks = [("■", ink.rim) for ink in pick_inks(colouring, theme)]
    names = format_categories(colouring)
    items = [
        (f"{_mark(mark, colour)} {name}", len(name) + MARK_LETTERS)
        for (mark, colour), name in zip(marks, names, strict=True)
    ]
    if colouring.n_missing:
        name = f"not recorded: {colouring.n_missing:,}"
        items.append((f"{_mark('□', missing_ink(palette))} {name}", len(name) + MARK_LETTERS))
    return [title, *_wrap(items, width, "  ")]


def _mark(sign: str, colour: str) -> str:
    return f'<span style="color:{colour}">{sign}</span>'


def _wrap(items: Sequence[tuple[str, int]], width: float, gap: str) -> list[str]:
    """Set items, each with its length in letters, into lines that fit a width."""
    room, used, line = width / LETTER, 0, 0
    placed = []
    for text, n_letters in items:
        if used and used + n_letters > room:
            used, line = 0, line + 1
        used += n_letters
        placed.append((line, text))
    joint = gap or " "
    return [joint.join(text for _, text in each) for _, each in groupby(placed, lambda p: p[0])]
