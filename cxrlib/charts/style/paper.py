"""A figure as it leaves the program: on white, its words below it, in fonts that are everywhere."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from cxrlib.charts.style.palette import PALETTES
from cxrlib.charts.style.template import TEXT_SIZE

#: Arial and fonts with letters of the same widths: what was measured here fits anywhere, text
#: stays text, and journals take it.
PAPER_FONT = 'Arial, "Liberation Sans", Helvetica, sans-serif'
#: Sizes of the words below a figure, as shares of its own text.
CAPTION_SHARE, ORIGIN_SHARE = 13 / 14, 11 / 14
#: Widths of Arial's letters, in thousandths of the text's size (as Helvetica's, from Adobe's font
#: metrics); all others count as a full square, and bold as this much wider.
WIDTHS = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;[]\\ftI", 333: "()-`r·", 334: "{}", 355: '"',
    389: "*", 469: "^", 500: "Jcksvxyz", 556: "#$0123456789?L_abdeghnopqu–", 584: "+<=>~−",
    611: "FTZ", 667: "&ABEPSVXYK", 722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W",
    1015: "@",
}  # fmt: skip
LETTERS = {letter: width / 1000 for width, letters in WIDTHS.items() for letter in letters}
BOLD = 1.08
#: Room round the words, in pixels, and the height of a line as a share of its text: Plotly's.
EDGE, GAP, LINE = 12.0, 14.0, 1.3


@dataclass(frozen=True)
class Imprint:
    """Hold the words that go with a figure when it leaves its page.

    Parameters
    ----------
    heading : str
        The question the figure answers, or what it shows; "" for none.
    caption : str
        What it is, from how many, how not to read it.
    lines : tuple of str
        Where it comes from, the notice first: `cxrlib.reports.list_provenance`.
    """

    heading: str
    caption: str
    lines: tuple[str, ...]


def put_on_paper(
    figure: go.Figure, imprint: Imprint, *, width: float, height: float | None = None
) -> go.Figure:
    """Return a figure on white with its words below it; the drawing itself keeps its size.

    Parameters
    ----------
    figure : Figure
        Drawn in the light theme. Is not changed; a title of its own is kept above it.
    imprint : Imprint
        Shown as it stands: markup in it is escaped.
    width, height : float
        Of the drawing, in pixels; by default the figure's own height.

    Returns
    -------
    Figure
        Of the same width, higher by the words.
    """
    layout = _replace_fonts(figure.layout.to_plotly_json())
    high = float(height or figure.layout.height or 450)
    size = float(figure.layout.template.layout.font.size or TEXT_SIZE)
    text, room = _format_words(imprint, width - 2 * EDGE, size)
    _shift_up(layout, high, high + room)
    margin = _margins(figure)
    layout |= {
        "width": width,
        "height": high + room,
        "autosize": False,
        "margin": {**margin, "b": margin["b"] + room},
        "paper_bgcolor": PALETTES["light"].page,
    }
    # A title is what Plotly can hang at a height of the whole figure, whatever its margins grow to.
    words = {
        "text": text,
        "font": {"family": PAPER_FONT, "size": size * CAPTION_SHARE, "color": _ink()},
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": (room - GAP) / (high + room),
        "yref": "container",
        "yanchor": "top",
        "automargin": False,
        "pad": {"l": EDGE, "r": 0, "t": 0, "b": 0},
    }
    if own := figure.layout.title.text:
        layout["annotations"] = [*layout.get("annotations", ()), _title(own, margin, size)]
    layout["title"] = words
    traces = [_replace_fonts(trace.to_plotly_json()) for trace in figure.data]
    return go.Figure(traces, layout)


def _ink() -> str:
    return PALETTES["light"].ink


def _format_words(imprint: Imprint, width: float, size: float) -> tuple[str, float]:
    """Return the words as lines of Plotly's markup, and the room they take, in pixels."""
    caption_size, origin_size = size * CAPTION_SHARE, size * ORIGIN_SHARE
    notice, *origin = imprint.lines or ("",)
    lines = [f"<b>{line}</b>" for line in _wrap(imprint.heading, width, caption_size * BOLD)]
    lines += _wrap(imprint.caption, width, caption_size)
    small = [f"<b>{line}</b>" for line in _wrap(notice, width, origin_size * BOLD)]
    small += _wrap(" · ".join(origin), width, origin_size)
    style = f"font-size: {origin_size:g}px; fill: {PALETTES['light'].quiet}"
    lines += [f'<span style="{style}">{line}</span>' for line in small]
    # Plotly sets all lines of a text at the same distance.
    return "<br>".join(lines), 2 * GAP + len(lines) * caption_size * LINE


def _wrap(text: str, width: float, size: float) -> list[str]:
    """Break a text into escaped lines that fit a width in pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _measure(longer) * size <= width:
            lines[-1] = longer
            continue
        first, *rest = _cut(word, width / size)
        lines = [*lines, first, *rest] if lines[-1] else [first, *rest]
    return [_escape(line) for line in lines if line]


def _escape(text: str) -> str:
    return html.escape(keep_printable(text), quote=False)


def _cut(word: str, width: float) -> list[str]:
    """Cut a word into pieces of a width, as a share of the text's size."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and _measure(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _measure(text: str) -> float:
    """Return the width of a text in Arial, as a share of its size."""
    return sum(LETTERS.get(letter, 1.0) for letter in text)


def _margins(figure: go.Figure) -> dict[str, Any]:
    """Return a figure's margins, from its layout, its template or Plotly's defaults."""
    margin: dict[str, Any] = {"l": 80, "r": 80, "t": 100, "b": 80}
    for source in (figure.layout.template.layout.margin, figure.layout.margin):
        margin |= source.to_plotly_json()
    return margin


def _title(text: str, margin: Mapping[str, Any], size: float) -> dict[str, Any]:
    """Return a figure's own title as an annotation, at the place the template gives it."""
    return {
        "text": text,
        "font": {"family": PAPER_FONT, "size": size * 18 / 14, "color": _ink()},
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "yshift": margin["t"] - 10,
        "showarrow": False,
    }


def _shift_up(layout: dict[str, Any], before: float, after: float) -> None:
    """Keep what hangs at a share of the figure's height where it was, when that grows below."""
    for part in _containers(layout):
        part["y"] = 1 - (1 - float(part["y"])) * before / after


def _containers(part: object) -> Iterator[dict[str, Any]]:
    """Find the parts of a layout that are placed by shares of the whole figure's height."""
    if isinstance(part, list | tuple):
        for each in part:
            yield from _containers(each)
    elif isinstance(part, dict):
        if part.get("yref") == "container" and "y" in part:
            yield part
        for name, each in part.items():
            if name != "template":
                yield from _containers(each)


def _replace_fonts(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a figure with every font family that of paper, and printable text."""
    return {
        name: PAPER_FONT if name == "family" else _replace_inside(each)
        for name, each in part.items()
    }


def _replace_inside(part: object) -> object:
    if isinstance(part, Mapping):
        return _replace_fonts(part)
    if isinstance(part, str):
        return keep_printable(part)
    return [_replace_inside(each) for each in part] if isinstance(part, list | tuple) else part


def keep_printable(text: str) -> str:
    """Put a space for each sign that XML, and so an SVG, has no place for, and a few more."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)


def label_svg(svg: str, *, title: str, description: str) -> str:
    """Give an SVG its title and its text alternative, for those who do not see it.

    Parameters
    ----------
    svg : str
        A document as Plotly writes it: its first tag is the ``svg``.
    title, description : str
        Plain text; escaped here.
    """
    words = f"<title>{_escape(title)}</title><desc>{_escape(description)}</desc>"
    end = svg.index(">", svg.index("<svg"))
    return f'{svg[:end]} role="img"{svg[end]}{words}{svg[end + 1 :]}'
