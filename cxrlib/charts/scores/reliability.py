"""What was observed against what was predicted: shares of a class in bins, or numbers."""

from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    POOLED,
    Cells,
    format_score,
    format_score_counts,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.line_chart import (
    MOST_LINES,
    Axes,
    Line,
    Look,
    Mark,
    find_looks,
    find_pooled_look,
    format_bounded,
    make_reference,
    name_all,
    plot_lines,
)
from cxrlib.charts.style import PALETTES, Theme

#: Points of a bent line.
_POINTS = 41


def plot_reliability(
    table: pd.DataFrame,
    bins: pd.DataFrame,
    *,
    event: str = "the class",
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot the share of a class against the probability predicted of it.

    Marks are bins of all test images with their intervals; lines are logistic recalibrations, a
    group each, over the middle 90 % of its predictions.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.fit_recalibration`.
    bins : DataFrame
        Result of `cxrlib.baselines.evaluation.bin_predictions`.
    event : str
        Words of the class that is looked for.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    marks = [_mark_bin(row, event) for row in bins.to_dict("records")]
    lines = [
        make_reference("as predicted", (0, 1), (0, 1), PALETTES[theme]),
        *_make_lines(table, hold_out, theme, marks, is_bent=True),
    ]
    axes = Axes(f"Predicted probability of {event!r}", f"Share of {event!r}")
    return plot_lines(lines, axes, theme=theme)


def _mark_bin(row: Cells, event: str) -> Mark:
    share = format_bounded(row["observed"], row["low"], row["high"])
    words = (
        f"Predicted {format_score(row['predicted'])}\n{share} {event}\n{format_score_counts(row)}"
    )
    return Mark(row["predicted"], row["observed"], words, row["low"], row["high"])


def _make_lines(
    table: pd.DataFrame,
    hold_out: str,
    theme: Theme,
    marks: list[Mark],
    *,
    is_bent: bool,
    points: dict[str, list[Mark]] | None = None,
) -> list[Line]:
    """Make the line of each group, all together last, then groups without one."""
    rows = table.to_dict("records")
    drawn = [str(row["fold"]) for row in rows if is_number(row["slope"]) and row["fold"] != POOLED]
    known = list(dict.fromkeys([*drawn, *(points or {})]))[:MOST_LINES]
    looks = find_looks(known, theme) | {POOLED: find_pooled_look(PALETTES[theme])}
    made: list[Line] = []
    out: list[Line] = []
    for row in rows:
        fold = str(row["fold"])
        own = (points or {}).get(fold, []) if fold != POOLED else marks
        x, y = _trace(row, is_bent=is_bent) if fold in looks else ([], [])
        line = Line(
            _format_entry(row, hold_out),
            looks.get(fold, Look("#000000")),
            x,
            y,
            marks=own if fold in looks else (),
        )
        (made if line.x or line.marks else out).append(line)
    return [*made, *out]


def _trace(row: Cells, *, is_bent: bool) -> tuple[list[float], list[float]]:
    if not is_number(row["slope"]):
        return [], []
    x = np.linspace(row["least"], row["most"], _POINTS)
    at = np.log(np.clip(x, 1e-9, 1 - 1e-9) / np.clip(1 - x, 1e-9, 1)) if is_bent else x
    y = row["intercept"] + row["slope"] * at
    return x.tolist(), (1 / (1 + np.exp(-y)) if is_bent else y).tolist()


def _format_entry(row: Cells, hold_out: str) -> str:
    """Write the entry of a group in the key: its slope, or that there is none."""
    name = name_all(str(row["fold"]), hold_out)
    words = f"slope {_bound(row, 'slope')}" if is_number(row["slope"]) else "not estimable"
    return f"{name}: {words}, {format_score_counts({'n_persons': row['n_persons']})}"


def _bound(row: Cells, which: str) -> str:
    return format_bounded(row[which], row[f"{which}_low"], row[f"{which}_high"])


def describe_reliability(
    table: pd.DataFrame, bins: pd.DataFrame | None = None, *, hold_out: str = "region"
) -> str:
    """Describe what `plot_reliability` or `plot_numbers` shows: its text alternative."""
    parts = [
        f"{name_all(str(row['fold']), hold_out)} slope {_bound(row, 'slope')}, intercept "
        f"{_bound(row, 'intercept')}"
        if is_number(row["slope"])
        else f"{name_all(str(row['fold']), hold_out)} not estimable ({read_reason(row)})"
        for row in table.to_dict("records")
    ]
    marks = [
        f"{format_score(row['predicted'])} predicted, {format_score(row['observed'])} observed"
        for row in ([] if bins is None else bins.to_dict("records"))
    ]
    told = f" In bins of equal size: {'; '.join(marks)}." if marks else ""
    return f"Observed against predicted. {'; '.join(parts)}.{told}"


def plot_numbers(
    predicted: pd.DataFrame,
    table: pd.DataFrame,
    *,
    title: str = "",
    unit: str = "",
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot what was recorded against what was predicted, an image a mark, with regression lines.

    Parameters
    ----------
    predicted : DataFrame
        Result of `cxrlib.baselines.evaluation.compare_numbers`.
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.fit_recalibration`.
    title, unit : str, optional
        Of what is predicted.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    points = {
        str(fold): list(map(partial(_mark_image, str(fold), unit), own.to_dict("records")))
        for fold, own in predicted.groupby("fold", sort=True)
    }
    ends = predicted[["y", "value"]].to_numpy(dtype=float)
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
    room = 0.04 * max(high - low, 1e-9)
    span = (low - room, high + room)
    same = make_reference("as predicted", span, span, PALETTES[theme])
    lines = [same, *_make_lines(table, hold_out, theme, [], is_bent=False, points=points)]
    name = f"{title or 'value'}{f', {unit}' if unit else ''}"
    axes = Axes(f"Predicted {name}", f"Recorded {name}", span, span)
    return plot_lines(lines, axes, theme=theme)


def _mark_image(fold: str, unit: str, row: Cells) -> Mark:
    values = f"predicted {format_score(row['value'])}, recorded {format_score(row['y'])} {unit}"
    return Mark(row["value"], row["y"], f"{row['image_id']}\n{fold}\n{values}")
