"""Differences of two numbers in each held-out group, about zero."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    explain_none,
    is_number,
    name_fold,
    read_reason,
    say_counts,
    write_score,
)
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.score_rows import ScoreAxis, ScoreMark, ScoreRow, plot_score_rows
from cxrlib.charts.scores.series import SUMMARIES
from cxrlib.charts.style import Theme

__all__ = ["Gap", "describe_gaps", "plot_gaps"]

GAP = Look("square")
REPEAT = Look("line-ns", tone="quiet", size=14)
#: The axis reaches at least so far from zero.
LEAST_REACH = 0.2


@dataclass(frozen=True)
class Gap:
    """Say what a difference is of.

    Parameters
    ----------
    first, second : str
        Columns of the table; the difference is the first less the second.
    title : str
        Of the axis.
    zero : str
        Over the line at zero.
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
    """Plot differences with intervals as points about zero; those refused stand below.

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
        ScoreRow(_name(row, gap, hold_out), reason=_explain(row))
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


def _name(row: Cells, gap: Gap, hold_out: str) -> str:
    if row["fold"] == "pooled" and gap.pooled:
        return gap.pooled
    return name_fold(str(row["fold"]), hold_out)


def _explain(row: Cells) -> str:
    return explain_none(row, "" if row["fold"] in SUMMARIES else say_counts(row))


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
    fold, name = str(row["fold"]), _name(row, gap, hold_out)
    low, high = (float(row[end]) if is_number(row[end]) else math.nan for end in ("low", "high"))
    numbers = (_write_gap(row), _say_sides(row, gap), say_counts(row))
    words = "\n".join(filter(None, (name, *numbers, read_reason(row))))
    marks = [
        ScoreMark(each, REPEAT, f"{name}, a repeat: {_sign(each)}", data=(fold,))
        for each in repeats
        if math.isfinite(each)
    ]
    own = ScoreMark(float(row["difference"]), GAP, words, low=low, high=high, data=(fold,))
    return ScoreRow(name, (*marks, own), numbers, is_apart=fold == "pooled")


def _write_gap(row: Cells) -> str:
    number = _sign(float(row["difference"]))
    if not (is_number(row["low"]) and is_number(row["high"])):
        return f"{number}, no interval"
    return f"{number} ({_sign(float(row['low']))} to {_sign(float(row['high']))})"


def _sign(value: float) -> str:
    """Write a difference with its sign.

    Examples
    --------
    >>> _sign(0.05), _sign(-0.05), _sign(0.0)
    ('+0.05', '−0.05', '0.00')
    """
    number = write_score(value)
    return number if number.startswith("−") or number == "0.00" else f"+{number}"


def _say_sides(row: Cells, gap: Gap) -> str:
    sides = (f"{write_score(float(row[side]))} {side}" for side in (gap.first, gap.second))
    return ", ".join(sides)


def describe_gaps(rows: Sequence[Cells], gap: Gap, *, hold_out: str) -> str:
    """Say differences in words, each with its interval, and what was refused."""
    parts, out = [], []
    for row in rows:
        name = _name(row, gap, hold_out)
        if is_number(row["difference"]):
            parts.append(f"{name} {_write_gap(row)}, {_say_sides(row, gap)}")
        else:
            out.append(name)
    ending = f" Not estimable: {', '.join(out)}." if out else ""
    return f"{gap.title}. {'; '.join(parts) or 'No difference can be estimated'}.{ending}"
