"""Net benefit: what acting on a prediction is worth beside acting on all images, and on none.

At a threshold t a false alarm weighs t / (1 - t) of a find (vickers2006). Shares in a
collection are those of what was published, and net benefit depends on them: it is none of a ward.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.event_predictions import (
    count_independent,
    list_refused,
    read_event_predictions,
    refuse_all,
    refuse_group,
    to_probability,
    weigh_case,
)
from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.baselines.evaluation.resampling import find_percentiles
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.errors import SelectionError

BENEFIT_COLUMNS = (
    *("fold", "threshold", "model", "low", "high", "treat_all", "treat_none"),
    *("n_images", "n_persons", "reason"),
)
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
        `BENEFIT_COLUMNS`: per image, with 95 % intervals, bootstrap over persons. A group with
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
    n_independent = count_independent(cases)
    rows = []
    for threshold in thresholds:
        odds, called = threshold / (1 - threshold), p > threshold
        benefit = (drawn @ (called * y) - odds * (drawn @ (called * (1 - y)))) / total
        cells = find_percentiles(benefit[1:], n_independent)
        found = {
            "threshold": threshold,
            "model": float(benefit[0]),
            "treat_all": share - (1 - share) * odds,
        }
        rows.append(row | found | {each: cells[each] for each in ("low", "high", "reason")})
    return rows
