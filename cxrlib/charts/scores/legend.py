"""The key above charts of scores, drawn in pixels, and how their marks look."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxrlib.charts.style import Palette, Parts, mix, text_width

#: The narrowest figure that texts are laid out for, and its edges, in pixels.
NARROW, EDGE = 700, 8
#: Pixels of a line of the key, and of a mark in it with what is around it.
KEY, KEY_MARK = 26, 44
#: Width of a tile of a ramp.
TILE = 7
#: Outlines of the key's marks, pixels right and up from their middle.
OUTLINES: Mapping[str, Sequence[tuple[float, float]]] = {
    "square": ((-5.5, -5.5), (5.5, -5.5), (5.5, 5.5), (-5.5, 5.5)),
    "pentagon": ((0, 6.5), (6.2, 2), (3.8, -5.3), (-3.8, -5.3), (-6.2, 2)),
    "hexagon": ((0, 6.5), (5.6, 3.2), (5.6, -3.2), (0, -6.5), (-5.6, -3.2), (-5.6, 3.2)),
    "x": (
        *((-6, -3.2), (-3.2, -6), (0, -2.8), (3.2, -6), (6, -3.2), (2.8, 0)),
        *((6, 3.2), (3.2, 6), (0, 2.8), (-3.2, 6), (-6, 3.2), (-2.8, 0)),
    ),
    "band": ((-8, -7), (8, -7), (8, 7), (-8, 7)),
    "line": ((0, -8), (0, 8)),
    "line-ns": ((0, -8), (0, 8)),
    "ramp": ((-3.5, -7), (3.5, -7), (3.5, 7), (-3.5, 7)),
    "hatch": ((-8, -7), (8, -7), (8, 7), (-8, 7)),
    "triangle": ((-6, 0), (4, 5.5), (4, -5.5)),
}
#: Where texts hang that are placed in pixels from the plot's upper left corner.
AT_CORNER: Parts = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "paper"}
#: The lines of a hatched one, besides its frame.
HATCHES = (((-8, -3), (4, 7)), ((-4, -7), (8, 3)))


@dataclass(frozen=True)
class Look:
    """Hold how a kind of mark looks; `tone` names a colour of the palette."""

    symbol: str
    tone: str = "accent"
    is_open: bool = False
    size: float = 11


def measure_key(entries: Sequence[tuple[str, Look]]) -> int:
    """Return the height of a key on the narrowest figure, in pixels."""
    return KEY * (1 + max((line for _, line in _lay_out_key(entries)), default=-1))


def _lay_out_key(entries: Sequence[tuple[str, Look]]) -> list[tuple[float, int]]:
    """Place the entries on lines of the narrowest figure: pixels from the left, and the line."""
    places: list[tuple[float, int]] = []
    x, line = float(EDGE), 0
    for name, _ in entries:
        width = KEY_MARK + text_width(name)
        if places and x + width > NARROW:
            x, line = float(EDGE), line + 1
        places.append((x, line))
        x += width
    return places


def draw_key(
    entries: Sequence[tuple[str, Look]], above: float, left: int, palette: Palette
) -> tuple[list[Parts], list[Parts]]:
    """Draw the key in pixels from the plot's upper left corner; returns shapes and annotations.

    Plotly's own would get no more room than the plot between names and numbers.
    """
    shapes: list[Parts] = []
    notes: list[Parts] = []
    for (name, look), (x, line) in zip(entries, _lay_out_key(entries), strict=True):
        up = above - KEY * (line + 0.5)
        shapes += _draw_mark(look, x - left + 8, up, palette)
        place = {"xshift": x - left + 20, "yanchor": "middle", "yshift": up}
        notes.append({**AT_CORNER, **place, "text": html.escape(name, quote=False)})
    return shapes, notes


def _draw_mark(look: Look, x: float, y: float, palette: Palette) -> list[Parts]:
    """Draw a mark of the key about a place in pixels; a ramp is three tiles."""
    ink = str(getattr(palette, look.tone))
    is_line = look.is_open or look.symbol in ("line", "line-ns", "hatch")
    fills = {
        "band": [band_ink(palette)],
        "ramp": [mix(ink, palette.page, opacity) for opacity in (0.2, 0.5, 0.8)],
    }.get(look.symbol, [palette.page if is_line else ink])
    shared = {
        "type": "path",
        "xsizemode": "pixel",
        "ysizemode": "pixel",
        "xref": "paper",
        "yref": "paper",
        "xanchor": 0,
        "yanchor": 1,
        "line": {"color": ink, "width": 1.5 * is_line},
    }
    middle = (len(fills) - 1) / 2
    return [
        {
            **shared,
            "path": _format_path(look.symbol, x + TILE * (at - middle), y),
            "fillcolor": fill,
        }
        for at, fill in enumerate(fills)
    ]


def _format_path(symbol: str, x: float, y: float) -> str:
    """Format the outline of a mark of the key, in pixels."""
    parts = [OUTLINES[symbol], *HATCHES] if symbol == "hatch" else [OUTLINES[symbol]]
    lines = ("L".join(f"{x + right:.1f},{y + up:.1f}" for right, up in part) for part in parts)
    return "".join(f"M{line}Z" for line in lines)


def band_ink(palette: Palette) -> str:
    """Return the colour of bands behind marks."""
    return mix(palette.quiet, palette.page, 0.25)


def wrap_name(text: str, letters: int, most: int) -> list[str]:
    """Break a name into at most so many lines, an address at its dots.

    What does not fit is left out of the middle of a line: names often differ at their end.

    Examples
    --------
    >>> wrap_name("journal.example.org", 12, 2), wrap_name("hospital-number-17.org", 14, 1)
    (['journal.', 'example.org'], ['hospita…17.org'])
    """
    lines = _fill_lines(re.findall(r"[^ ./_-]*[ ./_-]*", text), letters, most)
    tail = (letters - 1) // 2
    return [
        line if len(line) <= letters else f"{line[: letters - 1 - tail]}…{line[-tail:]}"
        for line in lines
    ]


def wrap_words(text: str, letters: int, most: int) -> list[str]:
    """Break a text at its blanks into at most so many lines; what does not fit is cut."""
    lines = _fill_lines(re.findall(r"\S*\s*", text), letters, most)
    return [ln if len(ln) <= letters else f"{ln[: letters - 1].rstrip()}…" for ln in lines]


def _fill_lines(pieces: Sequence[str], letters: int, most: int) -> list[str]:
    """Join pieces to lines; what is over is all in the last one."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and len((lines[-1] + piece).rstrip()) > letters:
            lines.append("")
        lines[-1] += piece
    if len(lines) > most:
        lines = [*lines[: most - 1], "".join(lines[most - 1 :])]
    return [line.strip() for line in lines]
