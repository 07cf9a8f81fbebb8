"""A scale of colours in one line of a map's margin: boxes from low to high, then words."""

import html
import textwrap
from collections.abc import Sequence
from typing import Literal

from cxrlib.charts.style.template import Parts, make_note

#: In pixels.
BOX_WIDTH, BOX_HEIGHT, LEFT, GAP = 14, 12, 8, 8
LABEL_SIZE = 15
#: Letters of a line beside a scale at the bottom: so that it ends within the narrowest map.
LETTERS = 34
LINE = 18  # pixels
Side = Literal["top", "bottom"]


def draw_colour_scale(
    colours: Sequence[str], line: str, *, side: Side = "bottom", up: float
) -> list[Parts]:
    """Draw a box a colour, as shapes.

    Plotly's own colour bar reserves room and cannot stand beside its title in one line.

    Parameters
    ----------
    colours : sequence of str
        From low to high.
    line : str
        Colour of the outlines.
    side : {"top", "bottom"}
        Edge of the plot that `up` is counted from.
    up : float
        From that edge up to the lower side of the boxes, in pixels; negative is below it.
    """
    return [
        {
            "type": "rect",
            "xref": "paper",
            "yref": "paper",
            "xsizemode": "pixel",
            "ysizemode": "pixel",
            "xanchor": 0,
            "yanchor": 1 if side == "top" else 0,
            "x0": LEFT + place * BOX_WIDTH,
            "x1": LEFT + (place + 1) * BOX_WIDTH,
            "y0": up,
            "y1": up + BOX_HEIGHT,
            "fillcolor": colour,
            "line": {"width": 0.75, "color": line},
        }
        for place, colour in enumerate(colours)
    ]


def label_colour_scale(words: str, n_colours: int, *, side: Side = "bottom", up: float) -> Parts:
    """Say beside a scale what it is, as an annotation; the words are text, never markup.

    At the bottom long words go on in lines below, at most three.
    """
    lines = [words]
    if side == "bottom":
        lines = textwrap.wrap(words, LETTERS, max_lines=3, placeholder=" …") or [""]
    return make_note(
        0,
        1 if side == "top" else 0,
        "<br>".join(html.escape(line, quote=False) for line in lines),
        xanchor="left",
        yanchor="middle",
        xshift=LEFT + n_colours * BOX_WIDTH + GAP,
        yshift=up + BOX_HEIGHT / 2 - LINE / 2 * (len(lines) - 1),
        align="left",
        font={"size": LABEL_SIZE},
    )
