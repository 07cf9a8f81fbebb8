"""Everything of a figure that is measured in pixels, larger: for a projector."""

from collections.abc import Mapping

import plotly.graph_objects as go

#: Properties in pixels, of traces and of the layout. Contours have a ``size`` too, in the units
#: of the density: they are passed over.
PIXEL_KEYS = frozenset(
    {
        "arrowwidth", "ax", "ay", "borderpad", "height", "itemwidth", "size", "standoff",
        "tracegroupgap", "width", "xshift", "yshift",
    }
)  # fmt: skip
PIXEL_GROUPS = frozenset({"margin", "pad"})
PIXEL_CORNERS = frozenset({"x0", "x1", "y0", "y1"})


def enlarge(figure: go.Figure, scale: float) -> go.Figure:
    """Return a figure with text, marks, lines and height grown by a factor.

    What is measured in data units or in shares of the figure stays, so all of it keeps its
    place, and labels that were placed apart stay apart.

    Parameters
    ----------
    figure : Figure
        Is not changed.
    scale : float
        1.5 turns text of 14 pixels into 21.

    Raises
    ------
    ValueError
        Unless the scale is positive.
    """
    if not scale > 0:
        raise ValueError(f"Scale {scale!r} is not usable: give a positive number such as 1.5.")
    if scale == 1:
        return figure
    # `Figure.to_dict` would turn the arrays into base64.
    return go.Figure(
        [_grow(trace.to_plotly_json(), scale) for trace in figure.data],
        _grow(figure.layout.to_plotly_json(), scale),
    )


def _grow(value: object, scale: float) -> object:
    """Return a part of a figure with its pixels multiplied."""
    if isinstance(value, list | tuple):
        return [_grow(each, scale) for each in value]
    if not isinstance(value, Mapping):
        return value
    in_pixels = value.get("xsizemode") == "pixel"
    grown: dict[str, object] = {}
    for name, part in value.items():
        if name in PIXEL_KEYS or (in_pixels and name in PIXEL_CORNERS):
            grown[name] = _times(part, scale)
        elif name in PIXEL_GROUPS and isinstance(part, Mapping):
            grown[name] = {side: _times(room, scale) for side, room in part.items()}
        else:
            grown[name] = part if name == "contours" else _grow(part, scale)
    return grown


def _times(value: object, scale: float) -> object:
    """Multiply a number or each of several; a switch such as ``autoexpand`` stays."""
    if isinstance(value, list | tuple):
        return [_times(each, scale) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value * scale
    return value
