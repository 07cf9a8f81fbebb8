"""Scores by sex and by age group, pooled over pairs within held-out groups."""

from collections.abc import Iterator, Sequence

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    describe_missing_score,
    format_metric,
    format_score_counts,
    format_score_or_none,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.score_rows import ScoreRow, make_mark, plot_score_rows
from cxrlib.charts.scores.series import make_axis
from cxrlib.charts.style import Theme

SCORE = Look("square")


def plot_subgroups(table: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Plot the score of each subgroup with its interval, and below those without a score.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.score_subgroups`: grouping, group, metric,
        value, low, high, n_images, n_persons, reason.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Marks carry the grouping and the group as customdata.
    """
    records = table.to_dict("records")
    scored = [row for row in records if is_number(row["value"])]
    below = [
        ScoreRow(_format_name(row), reason=describe_missing_score(row, format_score_counts(row)))
        for row in records
        if not is_number(row["value"])
    ]
    metric = str(records[0]["metric"]) if records else "auroc"
    axis = make_axis(metric, [float(row["value"]) for row in scored])
    return plot_score_rows(list(_make_rows(scored)), axis, below=below, theme=theme)


def _format_name(row: Cells) -> str:
    """Format the name of a subgroup, with its grouping where the name does not show it.

    Examples
    --------
    >>> _format_name({"grouping": "sex", "group": "female"})
    'female'
    >>> _format_name({"grouping": "age", "group": "40–59"})
    'age 40–59'
    """
    grouping, group = str(row["grouping"]), str(row["group"])
    return group if group in ("female", "male") else f"{grouping} {group}"


def _make_rows(scored: Sequence[Cells]) -> Iterator[ScoreRow]:
    before = None
    for row in scored:
        numbers = (format_score_or_none(row), format_score_counts(row))
        words = "\n".join(filter(None, (_format_name(row), *numbers, read_reason(row))))
        data = (str(row["grouping"]), str(row["group"]))
        mark = make_mark(row, SCORE, words, data)
        is_apart = before is not None and before != row["grouping"]
        yield ScoreRow(_format_name(row), (mark,), numbers, is_apart=is_apart)
        before = row["grouping"]


def describe_subgroups(table: pd.DataFrame) -> str:
    """Describe what `plot_subgroups` shows: its text alternative."""
    records = table.to_dict("records")
    if not records:
        return "There are no subgroups to score."
    parts = [
        f"{_format_name(row)} {format_score_or_none(row)}"
        for row in records
        if is_number(row["value"])
    ]
    out = [_format_name(row) for row in records if not is_number(row["value"])]
    ending = f" Not estimable: {', '.join(out)}." if out else ""
    return (
        f"{format_metric(str(records[0]['metric']))} by sex and age group. "
        f"{'; '.join(parts) or 'No score can be estimated'}.{ending}"
    )
