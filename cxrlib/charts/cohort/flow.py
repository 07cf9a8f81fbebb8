"""From all rows of a cohort to the images shown, step by step, as bars."""

import itertools
import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go

from cxrlib.charts.style import PALETTES, TEXT_SIZE, Parts, Theme, make_figure
from cxrlib.cohort import SelectionStep
from cxrlib.number_text import format_units

LINE, BAR, GAP, EDGE = 20, 14, 12, 8  # pixels
LONGEST = 50  # signs of a line
MAX_REASONS = 3


def plot_flow(steps: Sequence[SelectionStep], *, theme: Theme = "light") -> go.Figure:
    """Plot each step as a bar of the images kept, with those left out and why.

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
    total = max(steps[0].n_images, 1)
    kept = [step.n_images for step in steps]
    gone = [0, *(a - b for a, b in itertools.pairwise(kept))]
    texts = [_format_lines(step) for step in steps]
    heights = [LINE * len(lines) + BAR + GAP for lines in texts]
    # In pixels from the top, as the axis is: words stand over their bar whatever the width.
    tops = [0, *itertools.accumulate(heights)]
    bars = {
        "type": "bar",
        "y": [top - GAP - BAR / 2 for top in tops[1:]],
        "orientation": "h",
        "width": BAR,
        "hoverinfo": "text",
        "hovertext": [_hover(step, n) for step, n in zip(steps, gone, strict=True)],
    }
    solid = {"color": palette.accent, "line": {"width": 0}}
    hatched = {
        "color": palette.page,
        "line": {"width": 1, "color": palette.quiet},
        "pattern": {"shape": "/", "fgcolor": palette.quiet, "size": 6, "solidity": 0.25},
    }
    traces = [{**bars, "x": kept, "marker": solid}, {**bars, "x": gone, "marker": hatched}]
    layout = {
        "barmode": "stack",
        "showlegend": False,
        "height": tops[-1] + 2 * EDGE,
        "margin": {"l": EDGE, "r": EDGE, "t": EDGE, "b": EDGE},
        "xaxis": {"visible": False, "range": [0, 1.01 * total], "fixedrange": True},
        "yaxis": {"visible": False, "range": [tops[-1], 0], "fixedrange": True},
        "font": {"size": TEXT_SIZE},
        "annotations": [_note(top, lines) for top, lines in zip(tops[:-1], texts, strict=True)],
    }
    return make_figure(traces, layout, theme)


def _note(top: float, lines: Sequence[str]) -> Parts:
    """Write above a bar, from its left end on."""
    return {
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "top",
        "align": "left",
        "borderpad": 0,
        "text": "<br>".join(map(_escape, lines)),
    }


def describe_flow(steps: Sequence[SelectionStep]) -> str:
    """Describe what `plot_flow` shows.

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
    return f"{format_units(step.n_images, 'image')} of {format_units(step.n_patients, 'patient')}"


def _format_lines(step: SelectionStep) -> list[str]:
    """Format what a step kept and left out, in lines that fit a telephone."""
    out = _reasons(step)
    lines = textwrap.wrap(f"{step.label}: {_count(step)}", LONGEST)
    return [*lines, *(textwrap.wrap(f"left out: {out}", LONGEST) if out else [])]


def _reasons(step: SelectionStep) -> str:
    """Format the most frequent reasons, the rest as a number."""
    items = sorted(step.removed.items(), key=lambda item: -item[1])
    listed = [f"{n:,} {why[:40]}" for why, n in items[:MAX_REASONS]]
    rest = sum(n for _, n in items[MAX_REASONS:])
    return ", ".join([*listed, *([f"{rest:,} for other reasons"] if rest else [])])


def _hover(step: SelectionStep, n_gone: int) -> str:
    every = "<br>".join(_escape(f"{n:,} {why[:80]}") for why, n in step.removed.items())
    return _escape(f"{step.label}: {_count(step)}") + (
        f"<br>{n_gone:,} left out:<br>{every}" if n_gone else ""
    )


def _escape(text: str) -> str:
    """Keep Plotly from reading markup in a cohort's words."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
