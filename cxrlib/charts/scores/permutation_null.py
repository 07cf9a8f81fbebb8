"""Permutation null: a histogram of the scores of permuted labels, with the observed score."""

import html
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation import (
    LOWER_IS_BETTER,
    OBSERVED,
    PermutationNull,
    format_fold,
    format_metric,
    format_p,
    format_score,
)
from cxrlib.charts.scores.legend import Look, draw_key, measure_key
from cxrlib.charts.style import (
    PALETTES,
    STILL,
    TEXT_SIZE,
    Palette,
    Parts,
    Theme,
    make_empty,
    make_figure,
    mix,
)
from cxrlib.number_text import format_units

#: Pixels: of the plot, of a line above, left and right of it, of ticks and title.
PLOT, LINE, LEFT, RIGHT, AXIS, EDGE = 190, 22, 58, 16, 64, 8
N_BINS = 24
#: Least width of all bars together, so that scores that hardly differ do not look apart.
LEAST_SPAN = 0.1
#: Shares of the permuted below and above which they are counted in the outermost bars.
TAILS = (0.01, 0.99)


def plot_permutation_null(
    null: PermutationNull,
    metric: str,
    fold: str = "pooled",
    *,
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot the scores of permuted labels; those at least as good as the observed in full colour.

    Parameters
    ----------
    null : PermutationNull
        Before all are done the figure says how many are, and shows none: who looks stops early.
    metric : str
    fold : str, default "pooled"
        "pooled", "mean" or a held-out group.
    hold_out : str, default "region"
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Of one height. A few far scores are counted in the outermost bars.
    """
    palette = PALETTES[theme]
    values, observed = _read_values(null, metric, fold)
    if not null.is_complete or not len(values) or not np.isfinite(observed):
        words = describe_permutation_null(null, metric, fold, hold_out=hold_out)
        return make_empty(words, theme, height=EDGE + 26 + 2 * LINE + PLOT + AXIS)
    edges = _choose_edges(values, observed)
    is_good = _find_good(values, observed, metric)
    entries = [
        ("permuted labels", Look("band")),
        (
            f"at least as {'low' if metric in LOWER_IS_BETTER else 'high'} as observed",
            Look("square"),
        ),
    ]
    top = EDGE + measure_key(entries) + 2 * LINE
    shapes, notes = draw_key(entries, top - EDGE, LEFT, palette)
    traces = [
        _draw_bars(values[~is_good], edges, mix(palette.quiet, palette.page, 0.25), "", metric),
        _draw_bars(values[is_good], edges, palette.accent, ", at least as good", metric),
    ]
    layout = _lay_out(top, edges, _format_title(metric, fold, hold_out))
    layout["shapes"] = [*shapes, _draw_observed(observed, palette)]
    row = _find_row(null, metric, fold)
    words = _describe_p(row)
    layout["annotations"] = [*notes, *_draw_observed_texts(observed, words, edges, palette)]
    return make_figure(traces, layout, theme)


def _lay_out(top: float, edges: Floats, title: str) -> Parts:
    return {
        "height": top + PLOT + AXIS,
        "margin": {"l": LEFT, "r": RIGHT, "t": top, "b": AXIS, "autoexpand": False},
        "barmode": "stack",
        "dragmode": False,
        "showlegend": False,
        "xaxis": {
            "title": {"text": title, "standoff": 8},
            "range": [edges[0], edges[-1]],
            "ticks": "outside",
            "nticks": 6,
            "fixedrange": True,
        },
        "yaxis": {
            "title": {"text": "Permutations", "standoff": 8},
            "showgrid": True,
            "nticks": 4,
            "rangemode": "tozero",
            "fixedrange": True,
        },
    }


def _read_values(null: PermutationNull, metric: str, fold: str) -> tuple[Floats, float]:
    """Return the scores of permuted labels, and the observed one, NaN where there is none."""
    table = null.values
    own = table[(table["fold"] == fold) & (table["metric"] == metric)]
    is_observed = own["permutation"] == OBSERVED
    values = own.loc[~is_observed, "value"].to_numpy(dtype=np.float64)
    observed = own.loc[is_observed, "value"].to_numpy(dtype=np.float64)
    return values[np.isfinite(values)], float(observed[0]) if len(observed) else float("nan")


def _find_good(values: Floats, observed: float, metric: str) -> NDArray[np.bool_]:
    """Find the permuted scores at least as good as the observed."""
    sign = -1 if metric in LOWER_IS_BETTER else 1
    return np.asarray(sign * values >= sign * observed - 1e-9)


def _choose_edges(values: Floats, observed: float) -> Floats:
    """Choose edges of bars that hold the observed score and nearly all permuted ones."""
    low, high = np.quantile(values, TAILS)
    low, high = min(low, observed), max(high, observed)
    room = max(0.04 * (high - low), (LEAST_SPAN - (high - low)) / 2)
    return np.linspace(low - room, high + room, N_BINS + 1)


def _draw_bars(values: Floats, edges: Floats, colour: str, words: str, metric: str) -> Parts:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    middles = (edges[:-1] + edges[1:]) / 2
    is_there = counts > 0
    name = format_metric(metric)
    said = [
        f"{name} {format_score(low)} to {format_score(high)}: {format_units(int(n), 'permutation')}"
        f"{words}"
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    ]
    return {
        "type": "bar",
        "x": middles[is_there].tolist(),
        "y": counts[is_there].tolist(),
        "width": float(0.92 * (edges[1] - edges[0])),
        "marker": {"color": colour, "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": said,
        **STILL,
    }


def _draw_observed(observed: float, palette: Palette) -> Parts:
    ends = {"x0": observed, "x1": observed, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", **ends, "line": {"color": palette.ink, "width": 2.5}}


def _draw_observed_texts(
    observed: float, words: str, edges: Floats, palette: Palette
) -> list[Parts]:
    """Write the score and p over its line, on the side that has room."""
    is_left = observed < (edges[0] + edges[-1]) / 2
    shared = {"x": observed, "y": 1, "yref": "paper", "yanchor": "bottom"}
    shared |= {"xanchor": "left" if is_left else "right", "xshift": -6 if is_left else 6}
    quiet = {"color": palette.quiet, "size": TEXT_SIZE}
    return [
        {**shared, "text": f"<b>observed {format_score(observed)}</b>", "yshift": LINE},
        {**shared, "text": words, "yshift": 0, "font": quiet},
    ]


def _describe_p(row: dict[Any, Any]) -> str:
    counts = f"{int(row['n_at_least']):,} of {int(row['n']):,}"
    return f"{counts} at least as good: {format_p(row)}"


def _find_row(null: PermutationNull, metric: str, fold: str) -> dict[Any, Any]:
    table = null.table
    found = table[(table["fold"] == fold) & (table["metric"] == metric)]
    return found.to_dict("records")[0] if len(found) else {}


def _format_title(metric: str, fold: str, hold_out: str) -> str:
    name, where = format_metric(metric), format_fold(fold, hold_out)
    where = f"{where[:1].lower()}{where[1:]}" if fold in ("mean", "pooled") else where
    words = f"{name[:1].upper()}{name[1:]}, {where}"
    return html.escape(words, quote=False)


def describe_permutation_null(
    null: PermutationNull, metric: str, fold: str = "pooled", *, hold_out: str = "region"
) -> str:
    """Describe what `plot_permutation_null` shows: its text alternative."""
    words = null.describe(fold, metric)
    values, observed = _read_values(null, metric, fold)
    if not null.is_complete or not len(values) or not np.isfinite(observed):
        return words
    return (
        f"A histogram of {format_metric(metric)} with permuted labels, "
        f"{format_fold(fold, hold_out)}; observed {format_score(observed)}. {words}"
    )
