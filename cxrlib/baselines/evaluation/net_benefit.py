"""Net benefit: what acting on a prediction is worth beside acting on all images, and on none.

At a threshold t a false alarm weighs t / (1 - t) of a find (vickers2006). Shares in a
collection are those of what was published, and net benefit depends on them: it is none of a ward.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.confusion import bound_share
from cxrlib.baselines.evaluation.event_predictions import (
    count_all,
    count_independent,
    list_refused,
    read_event_predictions,
    refuse_all,
    refuse_group,
    to_probability,
    weigh_case,
    widen_all,
)
from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.errors import SelectionError

BENEFIT_COLUMNS = (
    *("fold", "threshold", "model", "low", "high", "treat_all", "treat_none"),
    *("n_images", "n_persons", "reason"),
)
Ends = tuple[float, float, float]
THRESHOLDS = tuple(np.round(np.arange(0.02, 0.82, 0.02), 2).tolist())
"""Thresholds of a curve, as probabilities; further up a false alarm weighs more than four finds."""


def compute_net_benefit(
    result: LocoResult, thresholds: Sequence[float] = THRESHOLDS
) -> pd.DataFrame:
    """Compute the net benefit of the model, of treating all and of treating none.

    Parameters
    ----------
    result : LocoResult
        Of a task of classes.
    thresholds : sequence of float
        On the predicted probability of the class that is looked for, from 0 to below 1.

    Returns
    -------
    DataFrame
        A row a group and threshold, "pooled" (all test images together) last, with
        `BENEFIT_COLUMNS`: per image, with 95 % intervals by persons. A group with
        fewer than five persons of either class has one row, with the ``reason``.

    Raises
    ------
    SelectionError
        If the task predicts a number, or a threshold is none.
    """
    for threshold in thresholds:
        if not 0 <= threshold < 1:
            raise SelectionError(
                f"Threshold {threshold!r} has no net benefit. Give numbers from 0 to below 1."
            )
    predicted = read_event_predictions(result)
    rows = list_refused(result)
    weights = {case.name: weigh_case(case, result) for case in predicted.cases}
    for case in predicted.cases:
        rows += _weigh(case.name, [case], weights, refuse_group(case), thresholds)
    rows += _weigh(POOLED, predicted.cases, weights, refuse_all(predicted.cases), thresholds)
    return pd.DataFrame(rows, columns=list(BENEFIT_COLUMNS))


def _weigh(
    name: str,
    cases: Sequence[FoldCase],
    weights: dict[str, Floats],
    reason: str,
    thresholds: Sequence[float],
) -> list[dict[str, object]]:
    """Give the rows of a group, or of several together."""
    row: dict[str, object] = {
        "fold": name,
        "n_images": sum(len(case.y) for case in cases),
        "n_persons": len({person for case in cases for person in case.persons}),
        "treat_none": 0.0,
        "reason": reason,
    }
    if reason:
        return [row]
    y = np.concatenate([case.y for case in cases])
    p = np.concatenate([to_probability(case.fits[0].value) for case in cases])
    drawn = np.hstack([weights[case.name] for case in cases])
    total, share = drawn.sum(axis=1), float(y.mean())
    n_persons, n_independent, widening = (
        count_all(cases).n,
        count_independent(cases),
        widen_all(cases),
    )
    rows = []
    for threshold in thresholds:
        odds, called = threshold / (1 - threshold), p > threshold
        finds, alarms = (
            bound_share(drawn @ (called * of), total, n_persons, n_independent, widening=widening)
            for of in (y, 1 - y)
        )
        low, high = _subtract(finds, alarms, odds)
        found = {
            "threshold": threshold,
            "model": finds[0] - odds * alarms[0],
            "low": low,
            "high": high,
            "treat_all": share - (1 - share) * odds,
        }
        rows.append(row | found)
    return rows


def _subtract(finds: Ends, alarms: Ends, odds: float) -> tuple[float, float]:
    """Bound what finds are worth less false alarms, from the intervals of both shares.

    Newcombe's method for a sum of shares of the same images (zou2008), which rule each other out.
    """
    (a, a_low, a_high), (b, b_low, b_high) = finds, alarms
    apart = (1 - a) * (1 - b)
    # No image is both a find and a false alarm: the more of one the fewer of the other.
    against = 2 * np.sqrt(a * b / apart) if apart > 0 else 2.0
    reaches = [
        np.sqrt(of_a**2 + of_b**2 + against * of_a * of_b)
        for of_a, of_b in ((a - a_low, odds * (b_high - b)), (a_high - a, odds * (b - b_low)))
    ]
    middle = a - odds * b
    return middle - float(reaches[0]), middle + float(reaches[1])
