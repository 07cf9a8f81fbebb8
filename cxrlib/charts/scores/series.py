"""Scores of held-out groups as charts read them: series, axes, chance."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation import (
    COHORT,
    MEAN,
    PERSON_PART,
    POOLED,
    Cells,
    format_fold,
    format_metric,
    format_score,
    format_score_counts,
    is_number,
    name_group,
    read_reason,
)
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.score_rows import ScoreAxis

Kind = Literal["features", "published", "shortcut", "control"]

#: How series are told apart: in words and in their mark. No shape is that of a state.
KINDS: Mapping[Kind, tuple[str, Look]] = {
    "features": ("image features", Look("square")),
    "published": ("published protocol", Look("pentagon", tone="quiet", size=13)),
    "shortcut": ("shortcut (does not use the image)", Look("x", tone="ink")),
    "control": ("control", Look("hexagon", tone="quiet", size=13)),
}
#: Rows of a table of scores that are no held-out group, last in this order.
SUMMARIES = (MEAN, POOLED)
#: Lowest and highest of the axis of a metric, chance where it is the same everywhere.
AXES: Mapping[str, tuple[float, float | None, float | None]] = {
    "auroc": (0.0, 1.0, 0.5),
    "auprc": (0.0, 1.0, None),
    "recall": (0.0, 1.0, None),
    "auprc_event": (0.0, 1.0, None),
    "recall_event": (0.0, 1.0, None),
    "concordance": (0.0, 1.0, 0.5),
    "correlation": (-1.0, 1.0, 0.0),
    "r2": (-1.0, 1.0, 0.0),
    "mae": (0.0, None, None),
}
#: An axis without an end of its own reaches this many medians: one cell does not eat it.
MOST_MEDIANS = 2.5


@dataclass(frozen=True, eq=False)
class Series:
    """Hold the scores of one feature set under one protocol, as a chart draws them.

    Parameters
    ----------
    name : str
        As written on the chart, such as "18 outputs".
    scores : DataFrame
        A row a fold and metric: fold (a held-out group, "mean" or "pooled"), metric, value, sd,
        low, high, n_images, n_persons, reason, and where they are known n_folds, n_used and
        n_dropped. A value that is NaN has its reason.
    kind : {"features", "published", "shortcut", "control"}
        What it is; it says the mark.
    key : str
        What a click sends; the name where it is "".
    printed : mapping, optional
        Fold to the number in the paper.
    null : mapping, optional
        Fold to the ends of 95 % of the scores with permuted labels.
    """

    name: str
    scores: pd.DataFrame
    kind: Kind = "features"
    key: str = ""
    printed: Mapping[str, float] = field(default_factory=dict)
    null: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def read_scores(scores: pd.DataFrame, metric: str) -> dict[str, Cells]:
    """Return the rows of a metric in a table of scores by fold."""
    rows = scores[scores["metric"] == metric].to_dict("records")
    return {str(row["fold"]): row for row in rows}


def list_folds(tables: Sequence[Mapping[str, Cells]], hold_out: str = "region") -> list[str]:
    """List the folds of several series in the order of their first appearance, sums last.

    Parts of the persons mean nothing one by one: there the sums come first. A test on one cohort
    has no sum: its own score says all.
    """
    found = dict.fromkeys(fold for table in tables for fold in table)
    groups = [fold for fold in found if fold not in SUMMARIES]
    sums = [fold for fold in SUMMARIES if fold in found]
    group = name_group(hold_out)
    if group == COHORT:
        return groups
    return [*sums, *groups] if group == PERSON_PART else [*groups, *sums]


def find_chance(
    metric: str, folds: pd.DataFrame | None = None, *, event: str = "positive"
) -> dict[str, float]:
    """Find what a score without any knowledge would be in each fold, where that is known.

    Parameters
    ----------
    metric : str
        A key of `cxrlib.baselines.evaluation.score_text.METRIC_NAMES`.
    folds : DataFrame, optional
        With fold, n_positive, n_negative: the share of a class is what AUPRC starts from.
    event : {"positive", "negative", ""}
        Which class the ``_event`` metrics are of.

    Returns
    -------
    dict
        Fold to chance, for "mean" too; empty where chance is the same everywhere, see
        `make_axis`, or none is known.
    """
    if folds is None or metric not in ("auprc", "auprc_event") or not len(folds):
        return {}
    first, second = folds["n_positive"], folds["n_negative"]
    if metric == "auprc_event" and event == "negative":
        first, second = second, first
    known = folds[(first > 0) & (second > 0)]
    shares = first[known.index] / (first + second)[known.index]
    found = {str(fold): float(share) for fold, share in zip(known["fold"], shares, strict=True)}
    if "is_scored" in folds:
        used = [found[str(fold)] for fold in known.loc[known["is_scored"].astype(bool), "fold"]]
    else:
        used = list(found.values())
    return {**found, MEAN: float(np.mean(used))} if used else found


def make_axis(
    metric: str, values: Sequence[float], *, title: str = "", unit: str = ""
) -> ScoreAxis:
    """Make the axis of a metric: the same ends whatever the numbers, where it has ends.

    R² has no lowest value: the axis ends at −1 and what lies below is cut. An error has no
    highest: the axis ends where the numbers do, but not further than 2.5 of their medians.

    Parameters
    ----------
    metric : str
    values : sequence of float
        All that is drawn.
    title : str, optional
        In place of the metric's name.
    unit : str, optional
        Of an error.
    """
    name, (low, high, chance) = format_metric(metric), AXES.get(metric, (0.0, None, None))
    words = title or f"{name[:1].upper()}{name[1:]}"
    if metric == "mae" and not title:
        words = f"{words} ({f'{unit}; ' if unit else ''}lower is better)"
    if high is None:
        known = [value for value in values if math.isfinite(value)]
        furthest = min(max(known), MOST_MEDIANS * float(np.median(known))) if known else 1.0
        return ScoreAxis(words, low, 1.04 * furthest or 1.0)
    ticks = (0.0, 0.25, 0.5, 0.75, 1.0) if low == 0 else (-1.0, -0.5, 0.0, 0.5, 1.0)
    line_name = "" if chance is None else f"chance {chance:g}"
    if metric == "r2":
        line_name = "0: no better than predicting the mean"
    return ScoreAxis(words, low, high, line=chance, line_name=line_name, ticks=ticks)


def describe_cell(
    series: Series,
    fold: str,
    row: Cells,
    metric: str,
    hold_out: str,
    classes: Mapping[str, tuple[int, int]],
    chance: Mapping[str, float],
) -> str:
    """Describe all that is known of a score, in lines."""
    lines = [f"{format_fold(fold, hold_out, row)}, {series.name}"]
    if not is_number(row.get("value")):
        return "\n".join([*lines, f"{format_metric(metric)} not estimable", *_wrap_reason(row)])
    number = f"{format_metric(metric)} {format_score(float(row['value']))}"
    if is_number(row.get("sd")):
        number += f", standard deviation {format_score(float(row['sd']))}"
    lines.append(number)
    if is_number(row.get("low")) and is_number(row.get("high")):
        ends = (format_score(float(row[end])) for end in ("low", "high"))
        lines.append(f"95 % interval {' to '.join(ends)}")
    else:
        lines.append("no interval")
    lines += [
        line
        for line in (format_score_counts(row, classes.get(fold)), _describe_resamples(row))
        if line
    ]
    if fold in chance:
        lines.append(f"chance {format_score(chance[fold])}")
    if fold in series.printed:
        lines.append(f"printed in the paper: {format_score(series.printed[fold])}")
    if fold in series.null:
        ends = (format_score(end) for end in series.null[fold])
        lines.append(f"permuted labels, middle 95 %: {' to '.join(ends)}")
    return "\n".join([*lines, *_wrap_reason(row)])


def _describe_resamples(row: Cells) -> str:
    """Describe how many resamples the interval rests on, where some were dropped."""
    n_dropped, n_used = row.get("n_dropped"), row.get("n_used")
    if not is_number(n_dropped) or not n_dropped or not is_number(n_used):
        return ""
    return f"{int(n_used):,} resamples used, {int(n_dropped):,} dropped"


def _wrap_reason(row: Cells) -> list[str]:
    return textwrap.wrap(read_reason(row), 60)


def list_scores(
    series: Sequence[Series],
    metric: str,
    *,
    folds: pd.DataFrame | None = None,
    chance: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """List the numbers behind a chart of scores, a row a series and fold.

    Parameters
    ----------
    series : sequence of Series
    metric : str
    folds : DataFrame, optional
        With fold, n_positive, n_negative.
    chance : mapping, optional
        Fold to chance.
    """
    classes = read_classes(folds)
    rows = []
    for each in series:
        for fold, row in read_scores(each.scores, metric).items():
            positive, negative = classes.get(fold, (None, None))
            null_low, null_high = each.null.get(fold, (math.nan, math.nan))
            numbers = ("value", "sd", "low", "high", "n_images", "n_persons", "n_used", "n_dropped")
            rows.append(
                {
                    "series": each.name,
                    "kind": each.kind,
                    "fold": fold,
                    "metric": metric,
                    **{name: row.get(name, math.nan) for name in numbers},
                    "n_positive": positive,
                    "n_negative": negative,
                    "chance": (chance or {}).get(fold, _find_everywhere(metric)),
                    "null_low": null_low,
                    "null_high": null_high,
                    "published": each.printed.get(fold, math.nan),
                    "reason": read_reason(row),
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


#: What `list_scores` gives.
COLUMNS = (
    *("series", "kind", "fold", "metric", "value", "sd", "low", "high", "n_images", "n_persons"),
    *("n_used", "n_dropped", "n_positive", "n_negative", "chance", "null_low", "null_high"),
    *("published", "reason"),
)


def _find_everywhere(metric: str) -> float:
    """Find a chance that is the same in all folds."""
    chance = AXES[metric][2] if metric in AXES else None
    return math.nan if chance is None else chance


def read_classes(folds: pd.DataFrame | None) -> dict[str, tuple[int, int]]:
    """Return how many test images of each class a fold has."""
    if folds is None or "n_positive" not in folds:
        return {}
    known = folds.dropna(subset=["n_positive", "n_negative"])
    columns = (known[name] for name in ("fold", "n_positive", "n_negative"))
    return {str(fold): (int(yes), int(no)) for fold, yes, no in zip(*columns, strict=True)}
