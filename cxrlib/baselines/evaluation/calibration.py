"""Calibration in the large: mean prediction against mean outcome.

A model trained where an outcome is common predicts too much of it where it is rare. In a
collection from publications shares of outcomes are those of who published, so this tells how far
a prediction is from being a risk there, not how it would be on a ward.
"""

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.loco_result import LocoResult, take_first_dealing
from cxrlib.baselines.evaluation.models import NO_PROBABILITY
from cxrlib.baselines.evaluation.protocols import CORRECTED, describe_too_few
from cxrlib.baselines.evaluation.resampling import count_persons, find_student, weigh_images
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.number_text import format_units

CALIBRATION_COLUMNS = (
    *("fold", "predicted", "observed", "difference", "low", "high"),
    *("n_images", "n_persons", "n_used", "n_dropped", "reason"),
)


def check_calibration(result: LocoResult) -> pd.DataFrame:
    """Compare the mean prediction with the mean label, in each held-out group and over all.

    Of classes the prediction is the model's probability of the positive class, whatever ranks
    the images under the protocol; of a number it is the number.

    Parameters
    ----------
    result : LocoResult

    Returns
    -------
    DataFrame
        A row a held-out group, then "pooled" over the images of those that have an answer, with
        `CALIBRATION_COLUMNS`: ``predicted`` and ``observed`` means over images, ``difference``
        (predicted less observed) with its 95 % interval over persons. With fewer than five
        persons (of the smaller class) it is refused and ``reason`` says so.
    """
    rows, parts = [], []
    predictions = take_first_dealing(result.predictions)
    for fold in result.folds.to_dict("records"):
        tested = predictions[predictions["fold"] == fold["fold"]]
        row: dict[str, object] = {
            "fold": fold["fold"],
            "n_images": fold["n_images"],
            "n_persons": fold["n_persons"],
        }
        reason = _refuse(result, tested) if fold["is_tested"] else str(fold["reason"])
        if reason:
            rows.append(_finish(row, reason=reason))
            continue
        drawn = _sum_up(result, tested, str(fold["fold"]))
        parts.append((tested, drawn))
        rows.append(row | _judge(drawn, int(fold["n_persons"])))
    return pd.DataFrame([*rows, _pool(result, parts)], columns=list(CALIBRATION_COLUMNS))


def _pool(result: LocoResult, parts: list[tuple[pd.DataFrame, Floats]]) -> dict[str, object]:
    """Give the row of all groups that have an answer."""
    tested = pd.concat([tested for tested, _ in parts]) if parts else result.predictions.iloc[:0]
    row: dict[str, object] = {
        "fold": POOLED,
        "n_images": tested["image_id"].nunique(),
        "n_persons": tested["person_id"].nunique(),
    }
    if len(parts) < CORRECTED.fewest_folds:
        answered = f"{format_units(len(parts), 'group')} with an estimate"
        return _finish(row, reason=f"{answered}: pooling needs {CORRECTED.fewest_folds}.")
    drawn = np.sum([drawn for _, drawn in parts], axis=0)
    return row | _judge(drawn, int(tested["person_id"].nunique()))


def _refuse(result: LocoResult, tested: pd.DataFrame) -> str:
    """Say why a group has too few, or nothing."""
    is_class = result.rows.task.kind == "classes"
    if NO_PROBABILITY in result.notes:
        return NO_PROBABILITY
    y, persons = (tested[name].to_numpy() for name in ("y", "person_id"))
    return describe_too_few(count_persons(y, persons, is_class=is_class).fewest, is_class=is_class)


def _sum_up(result: LocoResult, tested: pd.DataFrame, name: str) -> Floats:
    """Sum predictions, labels and images: with everybody first, then by resample."""
    settings = result.settings
    value = tested["value"].to_numpy(dtype=float)
    is_class = result.rows.task.kind == "classes"
    predicted = np.exp(-np.logaddexp(0.0, -value)) if is_class else value
    persons = tested["person_id"].to_numpy(dtype=object).astype(str)
    weights = weigh_images(persons, settings.n_resamples, settings.seed, name)
    # With several seeds an image is there once for each: all three sums alike.
    observed = tested["y"].to_numpy(dtype=float)
    return np.stack([weights @ predicted, weights @ observed, weights.sum(axis=1)])


def _judge(sums: Floats, n_persons: int) -> dict[str, object]:
    """Give the means, their difference and its interval."""
    predicted, observed = sums[:2] / sums[2]
    drawn = (predicted - observed)[1:]
    return {
        "predicted": float(predicted[0]),
        "observed": float(observed[0]),
        "difference": float(predicted[0] - observed[0]),
        **find_student(float(predicted[0] - observed[0]), drawn, n_persons),
    }


def _finish(row: dict[str, object], *, reason: str) -> dict[str, object]:
    """Finish a row that has no answer."""
    empty = dict.fromkeys(("predicted", "observed", "difference", "low", "high"), np.nan)
    return row | empty | {"n_used": 0, "n_dropped": 0, "reason": reason}
