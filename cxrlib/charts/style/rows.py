"""Charts whose rows have names at the left: what bars, heat tables and intervals share.

What can be clicked carries its filter as ``customdata``: names and values by turns, such as
``("region", "Asia")`` or ``("finding", "Tuberculosis", "view", "PA")``; `read_click` reads it.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from cxrlib.charts.style.palette import Palette, Theme, mix
from cxrlib.charts.style.template import MARGIN, TEXT_SIZE, Parts, chart_template
from cxrlib.charts.style.text import safe_text
from cxrlib.selection import FILTERS

ROW_HEIGHT = 28  # pixels
#: Mean width of a letter as a share of its height, and how much wider bold ones are.
LETTER_SHARE, BOLD = 0.54, 1.08
#: Plotly dims what is not selected, which would read as a meaning.
STILL: Parts = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}


def start_rows(theme: Theme, n_rows: int, *, row_height: float = ROW_HEIGHT) -> go.Figure:
    """Return a figure with room for rows, the first at the top, that cannot be dragged."""
    n_rows = max(n_rows, 3)  # room for words where there is nothing to show
    figure = go.Figure(layout={"template": chart_template(theme)})
    figure.update_layout(
        height=round(MARGIN["t"] + MARGIN["b"] + row_height * n_rows),
        showlegend=False,
        dragmode=False,
        clickmode="event+select",
        bargap=0.28,
        yaxis={"range": [n_rows - 0.5, -0.5], "fixedrange": True, "ticks": "", "tickvals": []},
    )
    return figure


def label_rows(
    figure: go.Figure, labels: Sequence[str], palette: Palette, *, is_tree: bool = False
) -> None:
    """Write the rows' names and make room for them; labels are marked up already.

    The names of a tree begin at the left edge, so that its indents are seen; others end at the
    bars.
    """
    room = max((text_width(label) for label in labels), default=0)
    if is_tree:
        figure.update_layout(margin_l=MARGIN["l"] + round(room) + 12)
        left = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": -round(room) - 12}
        add_notes(figure, [{**left, "y": place, "text": text} for place, text in enumerate(labels)])
        return
    figure.update_layout(
        margin_l=MARGIN["l"] + round(room) + 12,
        yaxis={
            "tickvals": list(range(len(labels))),
            "ticktext": list(labels),
            "tickfont": {"color": palette.ink},
            "ticklabelstandoff": 6,
        },
    )


def add_notes(figure: go.Figure, notes: Sequence[Mapping[str, object]]) -> None:
    """Add annotations at once: one by one, Plotly checks all those before again."""
    figure.update_layout(annotations=[*figure.layout.annotations, *notes])


def text_width(text: str, size: float = TEXT_SIZE) -> float:
    """Estimate the width of a text in pixels; a tag takes none, an entity that of a letter."""
    n_letters, inside = 0, ""
    for letter in text:
        if inside:
            inside = "" if letter == {"<": ">", "&": ";"}[inside] else inside
        elif letter in "<&":
            inside, n_letters = letter, n_letters + (letter == "&")
        else:
            n_letters += 1
    return n_letters * size * LETTER_SHARE * (BOLD if "<b>" in text else 1)


def add_heading(figure: go.Figure, text: str, *, x: float, palette: Palette) -> None:
    """Write what a panel shows above it; `x` is its left end, as a share of the figure."""
    figure.add_annotation(
        x=x,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        yshift=6,
        text=safe_text(text),
        font={"size": TEXT_SIZE + 1, "color": palette.ink},
    )


def pale_marker(palette: Palette) -> dict[str, object]:
    """Return the bar of what is not recorded: pale, hatched, with an outline."""
    return {
        "color": mix(palette.quiet, palette.page, 0.12),
        "line": {"width": 1, "color": palette.quiet},
        "pattern": {"shape": "/", "fgcolor": palette.quiet, "size": 6, "solidity": 0.2},
    }


def note_empty(
    figure: go.Figure,
    text: str = "No image of this selection is left.",
    *,
    advice: str = "Widen the filters.",
) -> go.Figure:
    """Show in place of a chart that there is nothing to draw, and what to do."""
    figure.add_annotation(
        x=0.5, y=0.5, xref="paper", yref="paper", text=f"{text}<br>{advice}", font_size=18
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def quote_text(value: object) -> str:
    """Return a name as Plotly shows it as it stands, "not recorded" for a blank one."""
    return safe_text(None if value is None or value == "" else str(value))


def join_words(parts: Sequence[str]) -> str:
    """Join parts of a sentence.

    Examples
    --------
    >>> join_words(["Italy 143", "Spain 72", "Malta 8"])
    'Italy 143, Spain 72 and Malta 8'
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def read_click(customdata: object) -> Mapping[str, str]:
    """Read which filter a clicked mark stands for; nothing where it stands for none.

    Parameters
    ----------
    customdata : object
        What the browser sent: anything at all.

    Examples
    --------
    >>> read_click(["country", "Italy"])
    {'country': 'Italy'}
    >>> read_click("country"), read_click(["password", "Italy"])
    ({}, {})
    """
    if not isinstance(customdata, Sequence) or isinstance(customdata, str):
        return {}
    names, values = customdata[::2], customdata[1::2]
    return {
        name: value
        for name, value in zip(names, values, strict=False)
        if isinstance(name, str) and isinstance(value, str) and name in FILTERS
    }
