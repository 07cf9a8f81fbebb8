"""Protocol steps: from the published to the corrected score, one change a row."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    format_fold,
    format_interval,
    format_metric,
    format_score,
    format_score_counts,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.score_rows import ScoreMark, ScoreRow, make_mark, plot_score_rows
from cxrlib.charts.scores.series import SUMMARIES, make_axis
from cxrlib.charts.style import Theme

NUMBER = Look("square")
GROUP = Look("line-ns", tone="quiet", size=16)
#: Letters of a line of what changed.
LETTERS = 32


def choose_fold(steps: pd.DataFrame) -> str:
    """Choose the score that can be followed furthest: the mean where the last step has one.

    Parameters
    ----------
    steps : DataFrame
        Result of `cxrlib.baselines.evaluation.compute_protocol_steps`.

    Returns
    -------
    str
        "mean" or "pooled".
    """
    last = steps[steps["step"] == steps["step"].max()]
    means = last.loc[last["fold"] == "mean", "value"]
    return "mean" if means.notna().any() else "pooled"


def plot_protocol_steps(
    steps: pd.DataFrame,
    *,
    fold: str | None = None,
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot a score after each change of the protocol, the published at the top.

    Parameters
    ----------
    steps : DataFrame
        Result of `cxrlib.baselines.evaluation.compute_protocol_steps`: step, words, fold,
        metric, value, low, high, n_images, n_persons, change, reason.
    fold : str, optional
        Which score is followed: "mean", "pooled" or a held-out group; `choose_fold` by default.
        With the mean every group is a thin mark.
    hold_out : str, default "region"
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Marks carry the fold and the number of the step as customdata.
    """
    fold = fold or choose_fold(steps)
    table = steps.to_dict("records")
    metric = _find_metric(table, fold)
    rows, path = [], []
    for number, words in _list_steps(table):
        here = [row for row in table if row["step"] == number and row["metric"] == metric]
        own = next((row for row in here if row["fold"] == fold), None)
        marks = _list_groups(here) if fold == "mean" else []
        if own is None or not is_number(own["value"]):
            rows.append(ScoreRow(words, reason=read_reason(own) or "no score"))
            continue
        path.append((float(own["value"]), len(rows)))
        said = _describe_step(own, words, hold_out)
        marks.append(make_mark(own, NUMBER, said, (str(own["fold"]), str(own["step"]))))
        numbers = (format_interval(own, with_sd=False), _describe_change(own))
        rows.append(ScoreRow(words, tuple(marks), tuple(filter(None, numbers))))
    values = [float(row["value"]) for row in table if is_number(row["value"])]
    key = [(format_fold(fold, hold_out), NUMBER)]
    if fold == "mean":
        key.append((f"each {hold_out}", GROUP))
    return plot_score_rows(
        rows,
        make_axis(metric, values),
        key=key,
        path=path,
        name_letters=LETTERS,
        theme=theme,
    )


def _find_metric(table: Sequence[Cells], fold: str) -> str:
    """Find what is followed: the pooled score may be another than that of the groups."""
    return next((str(row["metric"]) for row in table if row["fold"] == fold), "auroc")


def _list_steps(table: Sequence[Cells]) -> list[tuple[int, str]]:
    """List the steps with what changed, numbered."""
    words = {int(row["step"]): str(row["words"]) for row in table}
    return [(number, words[number]) for number in sorted(words)]


def _list_groups(here: Sequence[Cells]) -> list[ScoreMark]:
    """Mark each held-out group of a step."""
    return [
        ScoreMark(
            float(row["value"]),
            GROUP,
            f"{row['fold']}\n{format_metric(str(row['metric']))} {format_interval(row)}\n"
            f"{format_score_counts(row)}",
            data=(str(row["fold"]), str(row["step"])),
        )
        for row in here
        if row["fold"] not in SUMMARIES and is_number(row["value"])
    ]


def _describe_step(row: Cells, words: str, hold_out: str) -> str:
    """Describe a step in lines: what changed, the score, its counts, by how much it moved."""
    name, metric = format_fold(str(row["fold"]), hold_out), format_metric(str(row["metric"]))
    lines = [
        words,
        f"{name}: {metric} {format_interval(row)}",
        format_score_counts(row),
        _describe_change(row),
    ]
    return "\n".join(filter(None, lines))


def _describe_change(row: Cells) -> str:
    """Describe how far a step moved the score.

    Examples
    --------
    >>> _describe_change({"change": -0.09}), _describe_change({"change": 0.0})
    ('−0.09 from this change', 'unchanged')
    """
    if not is_number(row.get("change")):
        return ""
    number = format_score(float(row["change"]))
    if number == "0.00":
        return "unchanged"
    return f"{'' if number.startswith('−') else '+'}{number} from this change"


def describe_protocol_steps(
    steps: pd.DataFrame, *, fold: str | None = None, hold_out: str = "region"
) -> str:
    """Describe what `plot_protocol_steps` shows: its text alternative.

    Returns
    -------
    str
        Plain text: every step with its score and what it changed.
    """
    fold = fold or choose_fold(steps)
    table = [row for row in steps.to_dict("records") if row["fold"] == fold]
    if not table:
        return "No step from the published to the corrected protocol has this score."
    metric = format_metric(_find_metric(table, fold))
    parts = []
    for row in table:
        if is_number(row["value"]):
            change = _describe_change(row)
            number = format_interval(row, with_sd=False)
            parts.append(f"{row['words']}: {number}{f', {change}' if change else ''}")
        else:
            parts.append(f"{row['words']}: not estimable ({read_reason(row) or 'no score'})")
    name = format_fold(fold, hold_out)
    return (
        f"{metric} from the published to the corrected protocol, {name[:1].lower()}{name[1:]}, in "
        f"{len(parts)} steps. {'; '.join(parts)}."
    )
