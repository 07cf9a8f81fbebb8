"""Scores as text: names of metrics and groups, numbers, counts, reasons."""

import math
from collections.abc import Hashable, Mapping
from typing import Any, TypeGuard

import numpy as np

from cxrlib.baselines.evaluation.groupings import describe_held_out, format_held_out, name_group
from cxrlib.baselines.evaluation.scores import MEAN, POOLED
from cxrlib.cohort import format_plainly
from cxrlib.number_text import format_units

Cells = Mapping[Hashable, Any]
"""A row of a table of scores, by column."""

METRIC_NAMES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "recall": "recall",
    "auprc_event": "AUPRC of the event",
    "recall_event": "recall of the event",
    "concordance": "concordance",
    "correlation": "correlation",
    "r2": "R²",
    "mae": "mean absolute error",
}


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


def format_metric(metric: str) -> str:
    """Name a metric.

    Examples
    --------
    >>> format_metric("auroc"), format_metric("r2"), format_metric("mae")
    ('AUROC', 'R²', 'mean absolute error')
    """
    return METRIC_NAMES.get(metric, metric)


def format_fold(
    fold: str, hold_out: str, row: Cells | None = None, *, with_sd: bool = False
) -> str:
    """Name a fold as a chart's row does."""
    if fold == POOLED and name_group(hold_out) == "cohort":
        # All pairs are of the one cohort that is tested on.
        words = describe_held_out(hold_out) if ":" in hold_out else "within the cohort tested on"
        return words[0].upper() + words[1:]
    if fold == POOLED:
        return f"Pooled within {format_held_out(None, hold_out)}"
    if fold != MEAN:
        is_cohort = name_group(hold_out) == "cohort"
        return f"cohort {format_plainly(fold)}" if is_cohort else fold or "not recorded"
    n_folds = row.get("n_folds") if row is not None else None
    number = int(n_folds) if is_number(n_folds) and n_folds else None
    return f"Mean{' ± SD' * with_sd} over {format_held_out(number, hold_out)}"


def format_score(value: float) -> str:
    """Write a score to two digits after the point.

    Examples
    --------
    >>> format_score(0.724), format_score(-5.0), format_score(-0.001), format_score(float("nan"))
    ('0.72', '−5.00', '0.00', '–')
    """
    if not math.isfinite(value):
        return "–"
    text = f"{value:.2f}" if abs(value) < 1e4 else f"{value:.2g}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def format_interval(row: Cells, *, with_sd: bool = True) -> str:
    """Write a score with its interval, and the standard deviation of a mean.

    Examples
    --------
    >>> format_interval({"value": 0.72, "low": 0.55, "high": 0.86})
    '0.72 (0.55 to 0.86)'
    >>> format_interval({"value": 0.72, "sd": 0.1, "low": None, "high": None})
    '0.72 ± 0.10'
    """
    words = format_score(float(row["value"]))
    if with_sd and is_number(row.get("sd")):
        words += f" ± {format_score(float(row['sd']))}"
    if is_number(row.get("low")) and is_number(row.get("high")):
        ends = (format_score(float(row[end])) for end in ("low", "high"))
        words += f" ({' to '.join(ends)})"
    return words


def format_score_or_none(row: Cells) -> str:
    """Write a score with its interval, or that there is none where that has a reason.

    Examples
    --------
    >>> format_score_or_none({"value": 0.5, "low": None, "high": None, "reason": "None: ..."})
    '0.50, no interval'
    """
    has_none = not is_number(row.get("low")) and read_reason(row)
    return f"{format_interval(row)}{', no interval' if has_none else ''}"


def format_score_counts(row: Cells, classes: tuple[int, int] | None = None) -> str:
    """Say what a score rests on.

    Examples
    --------
    >>> format_score_counts({"n_images": 46, "n_persons": 38}, (15, 31))
    '15 of 46 images positive, 38 persons'
    >>> format_score_counts({"n_images": 1, "n_persons": None})
    '1 image'
    """
    parts = []
    n_images, n_persons = row.get("n_images"), row.get("n_persons")
    if is_number(n_images):
        images = format_units(int(n_images), "image")
        is_all = classes is not None and sum(classes) == int(n_images)
        parts.append(f"{classes[0]:,} of {images} positive" if classes and is_all else images)
    if is_number(n_persons):
        parts.append(format_units(int(n_persons), "person"))
    return ", ".join(parts)


def describe_missing_score(row: Cells, counts: str) -> str:
    """Say why there is no score, and what there would have been to score.

    Examples
    --------
    >>> describe_missing_score({"n_images": 4, "reason": "2 persons: too few."}, "4 images")
    '4 images: 2 persons: too few.'
    >>> describe_missing_score({"n_images": 4, "reason": "4 images, all ill."}, "0 of 4 positive")
    '4 images, all ill.'
    """
    reason = read_reason(row) or "no score"
    n_images = row.get("n_images")
    is_told = is_number(n_images) and reason.startswith(format_units(int(n_images), "image"))
    return reason if is_told or not counts else f"{counts}: {reason}"
