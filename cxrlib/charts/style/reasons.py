"""Reasons under a figure: printed with it on paper, and text of its own on a page.

In a figure a line cannot break where a phone ends, so a page lifts them out and shows them below.
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from cxrlib.charts.style.template import Parts

NAME = "reason"  # of the annotations


def note_reasons(
    layout: Parts, title: str, reasons: Sequence[tuple[str, str]], notes: list[Parts], room: float
) -> None:
    """Put reasons into a layout that has room for them at its foot.

    Parameters
    ----------
    layout : dict
        Is changed.
    title : str
        What has no score.
    reasons : sequence of (name, reason)
        Plain text.
    notes : list of dict
        The annotations that print them.
    room : float
        Pixels they take.
    """
    layout["annotations"] = [
        *layout.get("annotations", ()),
        *({**note, "name": NAME} for note in notes),
    ]
    pairs = [list(pair) for pair in reasons]
    layout["meta"] = {"title": title, "reasons": pairs, "room": room}


def read_reasons(figure: go.Figure) -> tuple[str, list[tuple[str, str]], float]:
    """Read title, reasons and their room in pixels; "", none and 0 of a figure without any."""
    meta = figure.layout.meta
    if not isinstance(meta, dict) or "reasons" not in meta:
        return "", [], 0.0
    return str(meta["title"]), [(name, why) for name, why in meta["reasons"]], float(meta["room"])


def lift_reasons(figure: go.Figure) -> go.Figure:
    """Return a figure without its reasons, lower by the room they took."""
    room = read_reasons(figure)[2]
    if not room:
        return figure
    figure = go.Figure(figure)
    figure.layout.annotations = [n for n in figure.layout.annotations if n.name != NAME]
    figure.layout.height -= room
    figure.layout.margin.b -= room
    return figure
