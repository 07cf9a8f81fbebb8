"""Scores of held-out groups as charts read them: series, names of metrics, axes, chance."""

import math
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard

import numpy as np
import pandas as pd

from cxrlib.charts.score_key import Look
from cxrlib.charts.score_rows import ScoreAxis, write_score
from cxrlib.intervals import name_units

__all__ = [
    "KINDS",
    "SUMMARIES",
    "Cells",
    "Kind",
    "Series",
    "explain_none",
    "find_chance",
    "is_number",
    "list_folds",
    "list_scores",
    "make_axis",
    "name_fold",
    "name_metric",
    "name_units_of",
    "read_classes",
    "read_reason",
    "read_scores",
    "say_cell",
    "say_counts",
    "write_interval",
    "write_number",
]

Kind = Literal["features", "published", "shortcut", "control"]
Cells = Mapping[Hashable, Any]

#: How series are told apart: in words and in their mark. No shape is that of a state.
KINDS: Mapping[Kind, tuple[str, Look]] = {
    "features": ("image features", Look("square")),
    "published": ("protocol as published", Look("pentagon", tone="quiet", size=13)),
    "shortcut": ("shortcut: looks at no image", Look("x", tone="ink")),
    "control": ("control", Look("hexagon", tone="quiet", size=13)),
}
#: Rows of a table of scores that are no held-out group, last in this order.
SUMMARIES = ("mean", "pooled")
#: Name, lowest and highest of the axis, chance where it is the same everywhere.
METRICS: Mapping[str, tuple[str, float, float | None, float | None]] = {
    "auroc": ("AUROC", 0.0, 1.0, 0.5),
    "auprc": ("AUPRC", 0.0, 1.0, None),
    "recall": ("recall", 0.0, 1.0, None),
    "auprc_event": ("AUPRC of the event", 0.0, 1.0, None),
    "recall_event": ("recall of the event", 0.0, 1.0, None),
    "concordance": ("concordance", 0.0, 1.0, 0.5),
    "correlation": ("correlation", -1.0, 1.0, 0.0),
    "r2": ("R²", -1.0, 1.0, 0.0),
    "mae": ("mean absolute error", 0.0, None, None),
}
PLURALS = {"country": "countries"}
#: An axis without an end of its own reaches this many medians: one cell does not eat it.
MOST_MEDIANS = 2.5


@dataclass(frozen=True, eq=False)
class Series:
    """Hold the scores of one feature set under one protocol, as a chart draws them.

    Parameters
    ----------
    name : str
        As it stands on the chart, such as "18 outputs".
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


def read_scores(series: Series, metric: str) -> dict[str, Cells]:
    """Return the rows of a metric by fold."""
    scores = series.scores
    rows = scores[scores["metric"] == metric].to_dict("records")
    return {str(row["fold"]): row for row in rows}


def list_folds(tables: Sequence[Mapping[str, Cells]]) -> list[str]:
    """List the folds of several series in the order of their first appearance, sums last."""
    found = dict.fromkeys(fold for table in tables for fold in table)
    return [
        *(fold for fold in found if fold not in SUMMARIES),
        *(fold for fold in SUMMARIES if fold in found),
    ]


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a cell holds a finite number, of numpy or not.

    Examples
    --------
    >>> is_number(0.5), is_number(float("nan")), is_number(None), is_number("0.5")
    (True, False, False, False)
    """
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))


def read_reason(row: Cells | None) -> str:
    """Return why there is no score, "" where nothing is said.

    Examples
    --------
    >>> read_reason({"reason": "too few"}), read_reason({"reason": float("nan")}), read_reason(None)
    ('too few', '', '')
    """
    reason = row.get("reason") if row is not None else ""
    return reason if isinstance(reason, str) else ""


def name_metric(metric: str) -> str:
    """Name a metric.

    Examples
    --------
    >>> name_metric("auroc"), name_metric("r2"), name_metric("mae")
    ('AUROC', 'R²', 'mean absolute error')
    """
    return METRICS[metric][0] if metric in METRICS else metric


def name_units_of(n: int | None, hold_out: str) -> str:
    """Name held-out groups.

    Examples
    --------
    >>> name_units_of(3, "region"), name_units_of(1, "source"), name_units_of(None, "country")
    ('3 regions', '1 source', 'countries')
    """
    plural = PLURALS.get(hold_out, f"{hold_out}s")
    return plural if n is None else f"{n:,} {hold_out if n == 1 else plural}"


def name_fold(fold: str, hold_out: str, row: Cells | None = None, *, with_sd: bool = False) -> str:
    """Name a fold as a chart's row does."""
    if fold == "pooled":
        return f"Pooled within {name_units_of(None, hold_out)}"
    if fold != "mean":
        return fold or "not recorded"
    n_folds = row.get("n_folds") if row is not None else None
    number = int(n_folds) if is_number(n_folds) and n_folds else None
    return f"Mean{' ± SD' * with_sd} over {name_units_of(number, hold_out)}"


def find_chance(
    metric: str, folds: pd.DataFrame | None = None, *, event: str = "positive"
) -> dict[str, float]:
    """Find what a score without any knowledge would be in each fold, where that is known.

    Parameters
    ----------
    metric : str
        A key of `METRICS`.
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
    return {**found, "mean": float(np.mean(used))} if used else found


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
    name, low, high, chance = METRICS.get(metric, (metric, 0.0, None, None))
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
        line_name = "0: no better than the mean"
    return ScoreAxis(words, low, high, line=chance, line_name=line_name, ticks=ticks)


def write_interval(row: Cells, *, with_sd: bool = True) -> str:
    """Write a score with its interval, and the standard deviation of a mean.

    Examples
    --------
    >>> write_interval({"value": 0.72, "low": 0.55, "high": 0.86})
    '0.72 (0.55 to 0.86)'
    >>> write_interval({"value": 0.72, "sd": 0.1, "low": None, "high": None})
    '0.72 ± 0.10'
    """
    words = write_score(float(row["value"]))
    if with_sd and is_number(row.get("sd")):
        words += f" ± {write_score(float(row['sd']))}"
    if is_number(row.get("low")) and is_number(row.get("high")):
        ends = (write_score(float(row[end])) for end in ("low", "high"))
        words += f" ({' to '.join(ends)})"
    return words


def write_number(row: Cells) -> str:
    """Write a score with its interval, or that there is none where that has a reason.

    Examples
    --------
    >>> write_number({"value": 0.5, "low": None, "high": None, "reason": "No interval: ..."})
    '0.50, no interval'
    """
    has_none = not is_number(row.get("low")) and read_reason(row)
    return f"{write_interval(row)}{', no interval' if has_none else ''}"


def say_counts(row: Cells, classes: tuple[int, int] | None = None) -> str:
    """Say what a score rests on.

    Examples
    --------
    >>> say_counts({"n_images": 46, "n_persons": 38}, (15, 31))
    '15 of 46 images positive, 38 persons'
    >>> say_counts({"n_images": 1, "n_persons": None})
    '1 image'
    """
    parts = []
    n_images, n_persons = row.get("n_images"), row.get("n_persons")
    if is_number(n_images):
        images = name_units(int(n_images), "image")
        is_all = classes is not None and sum(classes) == int(n_images)
        parts.append(f"{classes[0]:,} of {images} positive" if classes and is_all else images)
    if is_number(n_persons):
        parts.append(name_units(int(n_persons), "person"))
    return ", ".join(parts)


def explain_none(row: Cells, counts: str) -> str:
    """Say why there is no score, and what there would have been to score.

    Examples
    --------
    >>> explain_none({"n_images": 4, "reason": "2 persons: too few."}, "4 images")
    '4 images: 2 persons: too few.'
    >>> explain_none({"n_images": 4, "reason": "4 images, all ill."}, "0 of 4 images positive")
    '4 images, all ill.'
    """
    reason = read_reason(row) or "no score"
    n_images = row.get("n_images")
    is_told = is_number(n_images) and reason.startswith(name_units(int(n_images), "image"))
    return reason if is_told or not counts else f"{counts}: {reason}"


def say_cell(
    series: Series,
    fold: str,
    row: Cells,
    metric: str,
    *,
    hold_out: str = "region",
    classes: tuple[int, int] | None = None,
    chance: float | None = None,
) -> str:
    """Say all that is known of a score, in lines."""
    lines = [f"{name_fold(fold, hold_out, row)}, {series.name}"]
    if not is_number(row.get("value")):
        return "\n".join([*lines, f"{name_metric(metric)} not estimable", *_wrap_reason(row)])
    number = f"{name_metric(metric)} {write_score(float(row['value']))}"
    if is_number(row.get("sd")):
        number += f", standard deviation {write_score(float(row['sd']))}"
    lines.append(number)
    if is_number(row.get("low")) and is_number(row.get("high")):
        ends = (write_score(float(row[end])) for end in ("low", "high"))
        lines.append(f"95 % interval {' to '.join(ends)}")
    else:
        lines.append("no interval")
    lines += [line for line in (say_counts(row, classes), _say_resamples(row)) if line]
    if chance is not None:
        lines.append(f"chance {write_score(chance)}")
    if fold in series.printed:
        lines.append(f"in the paper {write_score(series.printed[fold])}")
    if fold in series.null:
        ends = (write_score(end) for end in series.null[fold])
        lines.append(f"95 % of permuted labels: {' to '.join(ends)}")
    return "\n".join([*lines, *_wrap_reason(row)])


def _say_resamples(row: Cells) -> str:
    """Say how many resamples the interval rests on, where some were dropped."""
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
        for fold, row in read_scores(each, metric).items():
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
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else list(COLUMNS))


#: What `list_scores` gives.
COLUMNS = (
    *("series", "kind", "fold", "metric", "value", "sd", "low", "high", "n_images", "n_persons"),
    *("n_used", "n_dropped", "n_positive", "n_negative", "chance", "null_low", "null_high"),
    *("published", "reason"),
)


def _find_everywhere(metric: str) -> float:
    """Find a chance that is the same in all folds."""
    chance = METRICS[metric][3] if metric in METRICS else None
    return math.nan if chance is None else chance


def read_classes(folds: pd.DataFrame | None) -> dict[str, tuple[int, int]]:
    """Return how many test images of each class a fold has."""
    if folds is None or "n_positive" not in folds:
        return {}
    known = folds.dropna(subset=["n_positive", "n_negative"])
    columns = (known[name] for name in ("fold", "n_positive", "n_negative"))
    return {str(fold): (int(yes), int(no)) for fold, yes, no in zip(*columns, strict=True)}
