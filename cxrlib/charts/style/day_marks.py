"""Marks of one patient's images along days: shape for view and colour for state, a key, cuts."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from cxrlib.charts.style.palette import VIEW_SYMBOLS, Palette, mix
from cxrlib.charts.style.template import make_trace
from cxrlib.patients import DayAxis

OTHER_SYMBOL = "cross"
#: A name, its symbol, the colour it is filled with and that of its rim.
KeyEntry = tuple[str, str, str, str]


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


def make_key(entries: Sequence[KeyEntry], *, size: float) -> list[dict[str, Any]]:
    """Make traces that stand in a key only.

    Parameters
    ----------
    entries : sequence of KeyEntry
    size : float
        Of the marks, pixels.
    """
    return [
        make_trace(
            "markers",
            [None],
            [None],
            name=name,
            marker={
                "symbol": symbol,
                "size": size,
                "color": fill,
                "line": {"width": 1.5, "color": rim},
            },
        )
        for name, symbol, fill, rim in entries
    ]
