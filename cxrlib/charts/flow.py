"""The way from all rows of a cohort to the images that a page shows, as bars."""

import itertools
from collections.abc import Sequence

import plotly.graph_objects as go

from cxrlib.charts.palette import PALETTES, Theme
from cxrlib.charts.template import TEXT_SIZE, Parts, make_figure
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
    total = max(steps[0].n_images, 1)
    places = list(range(len(steps)))
    kept = [step.n_images for step in steps]
    gone = [0, *(a - b for a, b in itertools.pairwise(kept))]
    hover = [_hover(step, n) for step, n in zip(steps, gone, strict=True)]
    bars = {
        "type": "bar",
        "y": places,
        "orientation": "h",
        "width": 0.56,
        "hoverinfo": "text",
        "hovertext": hover,
    }
    solid = {"color": palette.accent, "line": {"width": 0}}
    hatched = {
        "color": palette.page,
        "line": {"width": 1, "color": palette.quiet},
        "pattern": {"shape": "/", "fgcolor": palette.quiet, "size": 6, "solidity": 0.25},
    }
    traces = [{**bars, "x": kept, "marker": solid}, {**bars, "x": gone, "marker": hatched}]
    notes = [
        note
        for place, step, n in zip(places, steps, gone, strict=True)
        for note in (
            _note(0, place, -10, _wrap(step.label)),
            _note(step.n_images + n, place, 10, _words(step)),
        )
    ]
    layout = {
        "barmode": "stack",
        "showlegend": False,
        "height": ROW_HEIGHT * len(steps) + 16,
        "margin": {"l": 190, "r": 8, "t": 8, "b": 8},
        "xaxis": {"visible": False, "range": [0, 1.75 * total], "fixedrange": True},
        "yaxis": {"visible": False, "range": [len(steps) - 0.5, -0.5], "fixedrange": True},
        "font": {"size": TEXT_SIZE},
        "annotations": notes,
    }
    return make_figure(traces, layout, theme)


def _note(x: float, y: float, shift: int, text: str) -> Parts:
    """Write beside a bar: to its left where the shift, in pixels, is negative."""
    is_left = shift < 0
    return {
        "x": x,
        "y": y,
        "xanchor": "right" if is_left else "left",
        "xshift": shift,
        "align": "right" if is_left else "left",
        "text": text,
    }


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
