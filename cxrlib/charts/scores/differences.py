"""Differences of two numbers in each held-out group, about zero."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    describe_missing_score,
    format_fold,
    format_score,
    format_score_counts,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.score_rows import (
    ScoreAxis,
    ScoreMark,
    ScoreRow,
    make_mark,
    plot_score_rows,
)
from cxrlib.charts.scores.series import SUMMARIES
from cxrlib.charts.style import Theme

GAP = Look("square")
REPEAT = Look("line-ns", tone="quiet", size=14)
#: The axis reaches at least so far from zero.
LEAST_REACH = 0.2


@dataclass(frozen=True)
class Gap:
    """Hold what a difference is of.

    Parameters
    ----------
    first, second : str
        Columns of the table; the difference is the first minus the second.
    title : str
        Of the axis.
    zero : str
        Written over the line at zero.
    most : float
        The axis reaches no further from zero: 1 of shares and scores.
    pooled : str, optional
        What the pooled row is called; by default as a pooled score.
    """

    first: str
    second: str
    title: str
    zero: str
    most: float = 1.0
    pooled: str = ""


def plot_gaps(
    rows: Sequence[Cells],
    gap: Gap,
    *,
    hold_out: str,
    repeats: dict[str, list[float]] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Plot differences with intervals as points about zero, and below them those refused.

    Parameters
    ----------
    rows : sequence of mapping
        fold, the two columns of the gap, difference, low, high, n_images, n_persons, reason.
    gap : Gap
    hold_out : str
    repeats : dict, optional
        Fold to the differences of single repeats.
    theme : {"light", "dark"}
    """
    drawn = [row for row in rows if is_number(row["difference"])]
    below = [
        ScoreRow(_format_name(row, gap, hold_out), reason=_describe_reason(row))
        for row in rows
        if row not in drawn
    ]
    made = [
        _make_row(row, gap, hold_out, (repeats or {}).get(str(row["fold"]), [])) for row in drawn
    ]
    reach = _find_reach(drawn, gap)
    axis = ScoreAxis(gap.title, -reach, reach, line=0.0, line_name=gap.zero)
    key = [("a repeat", REPEAT)] if any(len(row.marks) > 1 for row in made) else []
    return plot_score_rows(made, axis, below=below, key=key, theme=theme)


def _format_name(row: Cells, gap: Gap, hold_out: str) -> str:
    if row["fold"] == "pooled" and gap.pooled:
        return gap.pooled
    return format_fold(str(row["fold"]), hold_out)


def _describe_reason(row: Cells) -> str:
    return describe_missing_score(row, "" if row["fold"] in SUMMARIES else format_score_counts(row))


def _find_reach(rows: Sequence[Cells], gap: Gap) -> float:
    """Find how far the axis reaches from zero: to all intervals, but not beyond its most."""
    ends = [
        abs(float(row[name]))
        for row in rows
        for name in ("difference", "low", "high")
        if is_number(row[name])
    ]
    return min(max(*ends, LEAST_REACH) * 1.06, gap.most) if ends else LEAST_REACH


def _make_row(row: Cells, gap: Gap, hold_out: str, repeats: Sequence[float]) -> ScoreRow:
    fold, name = str(row["fold"]), _format_name(row, gap, hold_out)
    numbers = (_format_gap(row), _describe_sides(row, gap), format_score_counts(row))
    words = "\n".join(filter(None, (name, *numbers, read_reason(row))))
    marks = [
        ScoreMark(each, REPEAT, f"{name}, a repeat: {_format_change(each)}", data=(fold,))
        for each in repeats
        if math.isfinite(each)
    ]
    own = make_mark(row, GAP, words, (fold,), value="difference")
    return ScoreRow(name, (*marks, own), numbers, is_apart=fold == "pooled")


def _format_gap(row: Cells) -> str:
    number = _format_change(float(row["difference"]))
    if not (is_number(row["low"]) and is_number(row["high"])):
        return f"{number}, no interval"
    return f"{number} ({_format_change(float(row['low']))} to {_format_change(float(row['high']))})"


def _format_change(value: float) -> str:
    """Format a difference with its sign.

    Examples
    --------
    >>> _format_change(0.05), _format_change(-0.05), _format_change(0.0)
    ('+0.05', '−0.05', '0.00')
    """
    number = format_score(value)
    return number if number.startswith("−") or number == "0.00" else f"+{number}"


def _describe_sides(row: Cells, gap: Gap) -> str:
    sides = (f"{format_score(float(row[side]))} {side}" for side in (gap.first, gap.second))
    return ", ".join(sides)


def describe_gaps(rows: Sequence[Cells], gap: Gap, *, hold_out: str) -> str:
    """Describe differences, each with its interval, and what is not estimable."""
    parts, out = [], []
    for row in rows:
        name = _format_name(row, gap, hold_out)
        if is_number(row["difference"]):
            parts.append(f"{name} {_format_gap(row)}, {_describe_sides(row, gap)}")
        else:
            out.append(name)
    ending = f" Not estimable: {', '.join(out)}." if out else ""
    return f"{gap.title}. {'; '.join(parts) or 'No difference can be estimated'}.{ending}"
