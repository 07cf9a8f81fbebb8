"""Lines over a continuous axis, a line a held-out group: colour, dash and symbol tell them apart.

The key stands below the axis, an entry a line, so that it has room on a phone too. A group that is
not estimable has an entry without a line.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    POOLED,
    Cells,
    format_fold,
    format_interval,
    format_score_counts,
    is_number,
)
from cxrlib.charts.style import (
    PALETTES,
    REGIONS,
    Palette,
    Parts,
    Theme,
    fade,
    make_empty,
    make_figure,
    mix,
    outline,
)

#: Pixels: of the plot, left, right and above it, of ticks and title, of a line of the key and
#: what is around an entry.
PLOT, LEFT, RIGHT, TOP, AXIS, KEY_LINE, KEY_PAD = 340, 46, 16, 38, 56, 18, 4
#: Letters of a line of the key that a phone has room for.
KEY_LETTERS = 44
SYMBOLS = ("diamond", "triangle-up", "pentagon", "star", "hexagon", "x", "cross", "bowtie")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "10px,2px,2px,2px", "4px")
#: Groups that have a line; of more the first are drawn and all are in the numbers.
MOST_LINES = len(SYMBOLS)


@dataclass(frozen=True)
class Look:
    """Hold how a line looks."""

    colour: str
    dash: str = "solid"
    symbol: str = ""
    width: float = 2.0


@dataclass(frozen=True)
class Mark:
    """Hold a point on a chart; an end of its interval that is NaN is not drawn."""

    x: float
    y: float
    words: str
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Line:
    """Hold a line with its marks and the band of its interval.

    Parameters
    ----------
    name : str
        Of the key; plain text.
    look : Look
    x, y : sequence of float
        Its corners; none of a line that is not estimable.
    marks : sequence of Mark
    band : sequence of (x, low, high)
    is_stepped : bool
        Whether it goes up or down first, then right.
    is_reference : bool
        Whether it only serves to compare others with, such as chance.
    """

    name: str
    look: Look
    x: Sequence[float] = ()
    y: Sequence[float] = ()
    marks: Sequence[Mark] = ()
    band: Sequence[tuple[float, float, float]] = ()
    is_stepped: bool = False
    is_reference: bool = False


@dataclass(frozen=True)
class Axes:
    """Hold the titles and ranges of both axes."""

    x_title: str
    y_title: str
    x_range: tuple[float, float] = (-0.02, 1.02)
    y_range: tuple[float, float] = (-0.02, 1.02)


def make_reference(name: str, x: Sequence[float], y: Sequence[float], palette: Palette) -> Line:
    """Make a thin dotted line to compare others with."""
    return Line(name, Look(palette.quiet, "dot", width=1.5), x, y, is_reference=True)


def find_looks(folds: Sequence[str], theme: Theme) -> dict[str, Look]:
    """Find the look of each held-out group: a region has its own colour, others are in turn."""
    spare = [colour for name, colour in REGIONS.items() if name != "Unknown"]
    looks = {}
    for place, fold in enumerate(folds[:MOST_LINES]):
        colour = outline(REGIONS.get(fold, spare[place % len(spare)]), theme)
        looks[fold] = Look(colour, DASHES[place], SYMBOLS[place])
    return looks


def find_pooled_look(palette: Palette) -> Look:
    """Find the look of all groups together."""
    return Look(palette.ink, "solid", "square", 3.0)


def format_bounded(value: float, low: float, high: float) -> str:
    """Write a number with its interval, or that it has none.

    Examples
    --------
    >>> format_bounded(0.5, 0.3, 0.7), format_bounded(0.5, math.nan, math.nan)
    ('0.50 (0.30 to 0.70)', '0.50, no interval')
    """
    words = format_interval({"value": value, "low": low, "high": high})
    return words if is_number(low) and is_number(high) else f"{words}, no interval"


def format_key(name: str, row: Cells) -> str:
    """Write the entry of a line: its score, or that there is none, and the persons.

    Examples
    --------
    >>> format_key("Asia", {"value": 0.5, "low": 0.3, "high": 0.7, "n_persons": 24})
    'Asia: 0.50 (0.30 to 0.70), 24 persons'
    >>> format_key("Asia", {"value": float("nan"), "n_persons": 8})
    'Asia: not estimable, 8 persons'
    """
    words = format_interval(row) if is_number(row.get("value")) else "not estimable"
    if is_number(row.get("value")) and not is_number(row.get("low")):
        words += ", no interval"
    return f"{name}: {words}, {format_score_counts({'n_persons': row.get('n_persons')})}"


def name_all(fold: str, hold_out: str) -> str:
    """Name a group, or all images together where they are not compared within groups."""
    return "All together" if fold == POOLED else format_fold(fold, hold_out)


def plot_lines(lines: Sequence[Line], axes: Axes, *, theme: Theme = "light") -> go.Figure:
    """Plot lines with a key below the axis; its height depends on the key alone."""
    palette = PALETTES[theme]
    shown = [line for line in lines if len(line.x) or line.marks]
    if all(line.is_reference for line in shown):
        words = "Not estimable: too few persons of a class in every group."
        return make_empty(words, theme, height=TOP + PLOT + AXIS)
    keys = [_break(line.name) for line in lines]
    room = sum(KEY_LINE * (1 + key.count("<br>")) + KEY_PAD for key in keys) + KEY_PAD
    traces: list[Parts] = []
    for line in shown:
        if line.band:
            traces += _draw_band(line, palette)
    for line in shown:
        traces += _draw_line(line, palette)
    traces += [
        _draw_key(line, key, palette, is_shown=line in shown)
        for line, key in zip(lines, keys, strict=True)
    ]
    layout: Parts = {
        "height": TOP + PLOT + AXIS + room,
        "margin": {"l": LEFT, "r": RIGHT, "t": TOP, "b": AXIS + room, "autoexpand": False},
        "dragmode": False,
        "xaxis": _make_axis(axes.x_title, axes.x_range, palette),
        "yaxis": _make_axis("", axes.y_range, palette),
        "annotations": [_draw_title(axes.y_title)],
        "legend": {
            "orientation": "v",
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "font": {"size": 14},
            "traceorder": "normal",
            "itemdoubleclick": False,
        },
    }
    return make_figure(traces, layout, theme)


def _break(name: str) -> str:
    """Break an entry of the key after its name where it is too long for a phone."""
    parts = name.rsplit(": ", 1) if len(name) > KEY_LETTERS else [name]
    # An address of a source can be longer still.
    cut = [p if len(p) <= KEY_LETTERS + 4 else f"{p[: KEY_LETTERS + 3]}…" for p in parts]
    return "<br>".join(html.escape(part, quote=False) for part in cut)


def _make_axis(title: str, ends: tuple[float, float], palette: Palette) -> Parts:
    return {
        **({"title": {"text": html.escape(title, quote=False), "standoff": 8}} if title else {}),
        "range": list(ends),
        "ticks": "outside",
        "nticks": 7,
        "showgrid": True,
        "gridcolor": mix(palette.grid, palette.page, 0.6),
        "fixedrange": True,
    }


def _draw_title(title: str) -> Parts:
    """Write the title of the upright axis over it, where it is read without turning the head."""
    place = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": 8 - LEFT, "y": 1}
    place |= {"yref": "paper", "yanchor": "bottom", "yshift": 10}
    return {**place, "text": html.escape(title, quote=False)}


def _draw_band(line: Line, palette: Palette) -> list[Parts]:
    """Draw the band of a line, in pieces where it has gaps."""
    x, low, high = np.array(line.band, dtype=float).T
    is_there = np.isfinite(low) & np.isfinite(high)
    pieces = np.split(np.arange(len(x)), np.flatnonzero(np.diff(is_there.astype(int))) + 1)
    colour = line.look.colour if line.look.colour != palette.ink else palette.quiet
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [*x[piece].tolist(), *x[piece][::-1].tolist()],
            "y": [*high[piece].tolist(), *low[piece][::-1].tolist()],
            "fill": "toself",
            "fillcolor": fade(colour, 0.16),
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": False,
            "legendgroup": line.name,
        }
        for piece in pieces
        if len(piece) > 1 and is_there[piece[0]]
    ]


def _draw_line(line: Line, palette: Palette) -> list[Parts]:
    shared: Parts = {"type": "scatter", "legendgroup": line.name, "showlegend": False}
    traces: list[Parts] = []
    if len(line.x):
        traces.append(
            {
                **shared,
                "mode": "lines",
                "x": list(line.x),
                "y": list(line.y),
                "line": {
                    "color": line.look.colour,
                    "width": line.look.width,
                    "dash": line.look.dash,
                    "shape": "vh" if line.is_stepped else "linear",
                },
                "hoverinfo": "skip",
            }
        )
    if line.marks:
        traces.append({**shared, **_draw_marks(line, palette)})
    return traces


def _draw_marks(line: Line, palette: Palette) -> Parts:
    """Draw the marks of a line with their intervals."""
    y = [mark.y for mark in line.marks]
    ends = [(mark.high - mark.y, mark.y - mark.low) for mark in line.marks]
    trace: Parts = {
        "mode": "markers",
        "x": [mark.x for mark in line.marks],
        "y": y,
        "marker": {
            "symbol": line.look.symbol or "square",
            "size": 11 if len(y) < 40 else 8,
            "color": line.look.colour,
            "line": {"width": 1, "color": palette.page},
        },
        "hoverinfo": "text",
        "hovertext": [
            html.escape(mark.words, quote=False).replace("\n", "<br>") for mark in line.marks
        ],
    }
    if any(math.isfinite(up) and math.isfinite(down) for up, down in ends):
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [up if math.isfinite(up) else 0 for up, _ in ends],
            "arrayminus": [down if math.isfinite(down) else 0 for _, down in ends],
            "color": line.look.colour,
            "thickness": 1.5,
            "width": 0,
        }
    return trace


def _draw_key(line: Line, text: str, palette: Palette, *, is_shown: bool) -> Parts:
    """Draw the entry of a line in the key; of one that is not estimable, text alone."""
    trace: Parts = {
        "type": "scatter",
        "x": [None],
        "y": [None],
        "name": text if is_shown else f'<span style="color: {palette.quiet}">{text}</span>',
        "legendgroup": line.name,
        "showlegend": True,
        "hoverinfo": "skip",
    }
    if not is_shown:
        return {**trace, "mode": "lines", "line": {"width": 0, "color": palette.page}}
    mode = "+".join(
        [*(["lines"] if len(line.x) else []), *(["markers"] if line.look.symbol else [])]
    )
    look = line.look
    return {
        **trace,
        "mode": mode or "lines",
        "line": {"color": look.colour, "width": look.width, "dash": look.dash},
        "marker": {"symbol": look.symbol or "square", "size": 10, "color": look.colour},
    }
