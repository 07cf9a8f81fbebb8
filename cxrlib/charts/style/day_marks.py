"""Marks of one patient's images along days: a shape for the view, a key."""

from collections.abc import Sequence
from typing import Any

from cxrlib.charts.style.palette import VIEW_SYMBOLS

__all__ = ["OTHER_SYMBOL", "KeyEntry", "find_symbol", "make_key"]

OTHER_SYMBOL = "cross"
#: A name, its symbol, the colour it is filled with and that of its rim.
KeyEntry = tuple[str, str, str, str]


def find_symbol(view: str) -> str:
    """Return the shape of a view; one shape for all that have none of their own."""
    return VIEW_SYMBOLS.get(view, OTHER_SYMBOL)


def make_key(entries: Sequence[KeyEntry], *, size: float) -> list[dict[str, Any]]:
    """Make traces that stand in a key only.

    Parameters
    ----------
    entries : sequence of KeyEntry
    size : float
        Of the marks, pixels.
    """
    return [
        {
            "type": "scatter",
            "x": [None],
            "y": [None],
            "mode": "markers",
            "name": name,
            "marker": {
                "symbol": symbol,
                "size": size,
                "color": fill,
                "line": {"width": 1.5, "color": rim},
            },
        }
        for name, symbol, fill, rim in entries
    ]
