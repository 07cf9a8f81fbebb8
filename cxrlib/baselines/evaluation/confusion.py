"""What a threshold on the predicted probability finds and misses, in images and in persons."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.event_predictions import (
    count_all,
    count_independent,
    read_event_predictions,
    refuse_all,
    refuse_group,
    to_probability,
    weigh_case,
    widen_all,
)
from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.intervals import Estimate, add_variances, scale_variance
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.baselines.evaluation.worst_predictions import rank_images
from cxrlib.errors import SelectionError

CELLS = ("found", "missed", "false_alarms", "passed")
"""Images of the class that was called it, and not; images of the other that were, and not."""
RATES = ("sensitivity", "specificity", "precision")
CONFUSION_COLUMNS = (
    *("fold", "threshold", "n_images", "n_persons"),
    *CELLS,
    *(f"{cell}_persons" for cell in CELLS),
    *(f"{rate}{end}" for rate in RATES for end in ("", "_low", "_high")),
    "reason",
)


def confuse(result: LocoResult, threshold: float | None = None) -> pd.DataFrame:
    """Count what is found and missed of the class that is looked for, by group and in all.

    Parameters
    ----------
    result : LocoResult
        Of a task of classes.
    threshold : float, optional
        An image is called that class if its predicted probability is above; by default the
        model's own decision, which for most models is 0.5. The probability is uncalibrated.

    Returns
    -------
    DataFrame
        A row a tested group, then "pooled", all of them together, with `CONFUSION_COLUMNS`:
        images and persons in each cell of the table (a person with images in two is in both),
        and rates with their 95 % intervals, by persons. Below five persons of either class the
        counts stand alone and ``reason`` says so.

    Raises
    ------
    SelectionError
        If the task predicts a number, or the threshold is not between 0 and 1.
    """
    _check_threshold(threshold)
    predicted = read_event_predictions(result)
    cases = predicted.cases
    called = [_call(case, threshold) for case in cases]
    weights = [weigh_case(case, result) for case in cases]
    rows = [
        _judge(case.name, [case], [own], [drawn], threshold, refuse_group(case))
        for case, own, drawn in zip(cases, called, weights, strict=True)
    ]
    rows.append(_judge(POOLED, cases, called, weights, threshold, refuse_all(cases)))
    return pd.DataFrame(rows, columns=list(CONFUSION_COLUMNS))


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise SelectionError(
            f"Threshold {threshold!r} is no probability. Give a number from 0 to 1."
        )


def _call(case: FoldCase, threshold: float | None) -> Floats:
    """Say which images are called the class."""
    fit = case.fits[0]
    if threshold is None:
        return fit.chosen
    return (to_probability(fit.value) > threshold).astype(float)


def _judge(
    name: str,
    cases: Sequence[FoldCase],
    called: Sequence[Floats],
    weights: Sequence[Floats],
    threshold: float | None,
    reason: str,
) -> dict[str, object]:
    """Give the row of one group or of all."""
    row: dict[str, object] = {"fold": name, "threshold": np.nan if threshold is None else threshold}
    masks = [
        {
            "found": (case.y == 1) & (own == 1),
            "missed": (case.y == 1) & (own == 0),
            "false_alarms": (case.y == 0) & (own == 1),
            "passed": (case.y == 0) & (own == 0),
        }
        for case, own in zip(cases, called, strict=True)
    ]
    persons = {
        cell: {p for case, each in zip(cases, masks, strict=True) for p in case.persons[each[cell]]}
        for cell in CELLS
    }
    row |= {"n_images": sum(len(case.y) for case in cases)}
    row |= {"n_persons": len(set().union(*persons.values()))}
    row |= {cell: int(sum(each[cell].sum() for each in masks)) for cell in CELLS}
    row |= {f"{cell}_persons": len(persons[cell]) for cell in CELLS}
    sums = {
        cell: np.sum([w @ each[cell] for w, each in zip(weights, masks, strict=True)], axis=0)
        if cases
        else np.zeros(1)
        for cell in CELLS
    }
    units = count_all(cases)
    n_called = len(persons["found"] | persons["false_alarms"])
    parts = {
        "sensitivity": ("found", "missed", units.n_positive),
        "specificity": ("passed", "false_alarms", units.n_negative),
        "precision": ("found", "false_alarms", n_called),
    }
    widening = 1.0 if reason else widen_all(cases)
    for rate, (right, wrong, n) in parts.items():
        bounded = bound_share(
            *(sums[right], sums[right] + sums[wrong], n, count_independent(cases), reason),
            widening=widening,
        )
        row |= dict(zip((rate, f"{rate}_low", f"{rate}_high"), bounded, strict=True))
    return row | {"reason": reason}


def bound_share(
    part: Floats,
    whole: Floats,
    n_persons: int,
    n_independent: int,
    reason: str = "",
    *,
    widening: float = 1.0,
) -> tuple[float, float, float]:
    """Bound a share: it, and the ends of its interval, as Wilson by so many persons.

    Parameters
    ----------
    part, whole : ndarray of float, shape (1 + n_resamples,)
        With everybody first, then by resample.
    n_persons : int
        That the share is of.
    n_independent : int
        Persons of all.
    reason : str
        Why there is no interval; "" where there is one.
    widening : float
        Of the variance, as `widen_all` finds it.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(whole > 0, part / whole, np.nan)
    value, resampled = float(shares[0]), shares[1:]
    if np.isnan(value):
        return np.nan, np.nan, np.nan
    variance = scale_variance(lambda p: p * (1 - p) / max(n_persons, 1), value, resampled)
    variance = add_variances([variance], [1.0], widening)
    estimate = Estimate("recall", value, resampled, variance, min(n_independent, n_persons), reason)
    low, high, _ = estimate.find_interval() if len(resampled) else (np.nan, np.nan, "")
    return value, low, high


def list_mistakes(
    result: LocoResult, threshold: float = 0.5, cell: str = "missed", fold: str | None = None
) -> pd.DataFrame:
    """List the images that a threshold gets wrong, the farthest from it first.

    Parameters
    ----------
    result : LocoResult
        Of a task of classes.
    threshold : float, default 0.5
        On the predicted probability of the class that is looked for.
    cell : {"missed", "false_alarms"}
    fold : str, optional
        A held-out group; by default all.

    Returns
    -------
    DataFrame
        As `cxrlib.baselines.evaluation.rank_images`, with ``predicted`` the probability of the
        class that is looked for.

    Raises
    ------
    SelectionError
        If the task predicts a number, the threshold is no probability, there is no such cell, or
        nothing was predicted of the group.
    """
    _check_threshold(threshold)
    if cell not in ("missed", "false_alarms"):
        raise SelectionError(f"There is no list {cell[:60]!r}. There are missed, false_alarms.")
    read_event_predictions(result)  # refuses a number
    table = rank_images(result, fold)
    y = table["image_id"].map(result.rows.table.set_index("image_id")["y"])
    is_event = y == float(result.rows.task.event != "negative")
    if result.rows.task.event == "negative":
        table["predicted"] = 1 - table["predicted"]
    is_called = table["predicted"] > threshold
    kept = is_event & ~is_called if cell == "missed" else ~is_event & is_called
    return table[kept].reset_index(drop=True)
