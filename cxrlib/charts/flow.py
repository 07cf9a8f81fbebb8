"""The way from all rows of a cohort to the images that a page shows, as bars."""

import itertools
from collections.abc import Sequence

import plotly.graph_objects as go

from cxrlib.charts.palette import PALETTES, Theme
from cxrlib.charts.template import TEXT_SIZE, chart_template
from cxrlib.charts.words import count_words
from cxrlib.cohort import SelectionStep

__all__ = ["describe_flow", "plot_flow"]

ROW_HEIGHT = 46  # pixels
MAX_REASONS = 3


def plot_flow(steps: Sequence[SelectionStep], *, theme: Theme = "light") -> go.Figure:
    """Plot each step as a bar of the images it left, with what went and why beside it.

    Parameters
    ----------
    steps : sequence of SelectionStep
        The first is the whole; each next one is part of the one before.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Bars in images, from top to bottom.
    """
    palette = PALETTES[theme]
    figure = go.Figure(layout={"template": chart_template(theme)})
    total = max(steps[0].n_images, 1)
    places = list(range(len(steps)))
    kept = [step.n_images for step in steps]
    gone = [0, *(a - b for a, b in itertools.pairwise(kept))]
    hover = [_hover(step, n) for step, n in zip(steps, gone, strict=True)]
    bars = {"y": places, "orientation": "h", "width": 0.56, "hoverinfo": "text", "hovertext": hover}
    figure.add_bar(x=kept, marker={"color": palette.accent, "line": {"width": 0}}, **bars)
    figure.add_bar(
        x=gone,
        marker={
            "color": palette.page,
            "line": {"width": 1, "color": palette.quiet},
            "pattern": {"shape": "/", "fgcolor": palette.quiet, "size": 6, "solidity": 0.25},
        },
        **bars,
    )
    for place, step, n in zip(places, steps, gone, strict=True):
        figure.add_annotation(
            x=0, y=place, xanchor="right", xshift=-10, align="right", text=_wrap(step.label)
        )
        figure.add_annotation(
            x=step.n_images + n, y=place, xanchor="left", xshift=10, align="left", text=_words(step)
        )
    figure.update_layout(
        barmode="stack",
        showlegend=False,
        height=ROW_HEIGHT * len(steps) + 16,
        margin={"l": 190, "r": 8, "t": 8, "b": 8},
        xaxis={"visible": False, "range": [0, 1.75 * total], "fixedrange": True},
        yaxis={"visible": False, "range": [len(steps) - 0.5, -0.5], "fixedrange": True},
        font={"size": TEXT_SIZE},
    )
    return figure


def describe_flow(steps: Sequence[SelectionStep]) -> str:
    """Say in words what `plot_flow` shows.

    Examples
    --------
    >>> describe_flow([SelectionStep("rows", 10, 4, {}),
    ...                SelectionStep("X-rays", 8, 3, {"modality CT": 2})])
    'rows: 10 images of 4 patients. X-rays: 8 images of 3 patients; left out 2 modality CT.'
    """
    return " ".join(
        f"{step.label}: {_count(step)}{f'; left out {out}' if (out := _reasons(step)) else ''}."
        for step in steps
    )


def _count(step: SelectionStep) -> str:
    return f"{count_words(step.n_images, 'image')} of {count_words(step.n_patients, 'patient')}"


def _words(step: SelectionStep) -> str:
    """Label a bar: counts, and below it what went."""
    out = _reasons(step)
    return _escape(_count(step)) + (f"<br>{_escape(f'out: {out}')}" if out else "")


def _reasons(step: SelectionStep) -> str:
    """List the commonest reasons, the rest as a number."""
    items = sorted(step.removed.items(), key=lambda item: -item[1])
    told = [f"{n:,} {why[:40]}" for why, n in items[:MAX_REASONS]]
    rest = sum(n for _, n in items[MAX_REASONS:])
    return ", ".join([*told, *([f"{rest:,} for other reasons"] if rest else [])])


def _hover(step: SelectionStep, n_gone: int) -> str:
    every = "<br>".join(_escape(f"{n:,} {why[:80]}") for why, n in step.removed.items())
    return _escape(f"{step.label}: {_count(step)}") + (
        f"<br>{n_gone:,} left out:<br>{every}" if n_gone else ""
    )


def _wrap(label: str) -> str:
    """Break a long label in two."""
    words, lines = label.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 24 and len(lines) < 2:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(_escape(line) for line in lines)


def _escape(text: str) -> str:
    """Keep Plotly from reading markup in a cohort's words."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
