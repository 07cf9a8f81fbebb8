"""Marks of one patient's images along days: shape for view and colour for state, a key, cuts."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from cxrlib.aliases import NOT_RECORDED
from cxrlib.charts.style.palette import STATES, VIEW_SYMBOLS, Palette, mix
from cxrlib.charts.style.template import make_trace
from cxrlib.charts.style.text import safe_text
from cxrlib.cohort import STATE_TITLES
from cxrlib.patients import DayAxis, format_axis_day

OTHER_SYMBOL = "cross"


def find_symbol(view: str) -> str:
    """Return the shape of a view; one shape for all that have none of their own."""
    return VIEW_SYMBOLS.get(view, OTHER_SYMBOL)


def style_marks(
    views: Sequence[str], states: Sequence[str], palette: Palette, *, size: float
) -> dict[str, Any]:
    """Style the marks of images: shape by view, fill and rim by state, a size in pixels."""
    fills = {**palette.states, "unknown": palette.page}
    return {
        "symbol": [find_symbol(view) for view in views],
        "size": size,
        "color": [fills.get(state, palette.page) for state in states],
        "line": {
            "width": 1.5,
            "color": [palette.rims.get(state, palette.rims["unknown"]) for state in states],
        },
    }


def draw_cuts(
    day_axis: DayAxis | None, days: Collection[float], axis: str, palette: Palette
) -> list[dict[str, Any]]:
    """Mark where days are left out between images.

    Parameters
    ----------
    day_axis : DayAxis or None
        None where no image has a day.
    days : collection of float
        Of the images, NaN where not recorded.
    axis : str
        Number of the panel's axes, "" for the first.
    palette : Palette
    """
    if day_axis is None:
        return []
    dated = [day for day in days if not np.isnan(day)]
    low, high = day_axis.place(min(dated)), day_axis.place(max(dated))
    return [
        {
            "type": "rect",
            "xref": f"x{axis}",
            "yref": f"y{axis} domain",
            "x0": cut.x0 + 0.3 * (cut.x1 - cut.x0),
            "x1": cut.x1 - 0.3 * (cut.x1 - cut.x0),
            "y0": 0,
            "y1": 1,
            "fillcolor": mix(palette.quiet, palette.page, 0.15),
            "line": {"width": 0},
            "layer": "below",
        }
        for cut in day_axis.breaks
        if low <= cut.x0 and cut.x1 <= high
    ]


def make_key(
    views: Collection[str], states: Collection[str], palette: Palette, *, size: float
) -> list[dict[str, Any]]:
    """Make traces that stand in a key only: views by their shape, states by their colour.

    Parameters
    ----------
    views : collection of str
        Of the marks; those without a shape of their own come last, in this order.
    states : collection of str
    palette : Palette
    size : float
        Of the marks, pixels.
    """
    known = [view for view in VIEW_SYMBOLS if view in views]
    others = [view for view in dict.fromkeys(views) if view not in VIEW_SYMBOLS]
    key = []
    for view in [*known, *others]:
        name = "view not recorded" if view == NOT_RECORDED else safe_text(view)
        key.append(draw_key_mark(name, find_symbol(view), palette.page, palette.ink, size=size))
    for state in [state for state in reversed(STATES) if state in states]:
        fill = palette.page if state == "unknown" else palette.states[state]
        name = STATE_TITLES[state]
        key.append(draw_key_mark(name, "circle", fill, palette.rims[state], size=size))
    return key


def draw_key_mark(name: str, symbol: str, fill: str, rim: str, *, size: float) -> dict[str, Any]:
    """Draw a mark that stands in a key only."""
    marker = {"symbol": symbol, "size": size, "color": fill, "line": {"width": 1.5, "color": rim}}
    return make_trace("markers", [None], [None], name=name, marker=marker)


def thin_ticks(
    axis: DayAxis, days: Sequence[float], measure: Callable[[str, str], float]
) -> list[tuple[float, str]]:
    """Tick all days; label them as far as labels stand apart, the first and the last first.

    Parameters
    ----------
    axis : DayAxis
    days : sequence of float
        In order.
    measure : callable
        The least distance of two labels on the axis.
    """
    chosen: dict[float, str] = {}
    for day in dict.fromkeys([days[0], days[-1], *days]):
        words = format_axis_day(day)
        words = f"day {words}" if day == days[0] else words
        place = axis.place(day)
        if all(abs(place - at) > measure(words, other) for at, other in chosen.items()):
            chosen[place] = words
    return [(place, chosen.get(place, "")) for place in map(axis.place, days)]
