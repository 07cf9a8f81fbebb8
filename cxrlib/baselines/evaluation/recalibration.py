"""Reliability: how often the class occurs where so much was predicted, with slope and intercept.

A slope below 1 says that predictions are too extreme, above 1 that they are too timid; with slope
1 an intercept below 0 says that they are too high. Of numbers what was observed is regressed on
what was predicted, of classes the log-odds are (Cox 1958).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.confusion import bound_share
from cxrlib.baselines.evaluation.event_predictions import (
    average_seeds,
    count_all,
    count_independent,
    list_refused,
    read_event_predictions,
    refuse_all,
    refuse_group,
    to_probability,
    weigh_case,
)
from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.resampling import find_percentiles
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

RECALIBRATION_COLUMNS = (
    *("fold", "slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high"),
    *("least", "most", "n_images", "n_persons", "reason"),
)
BIN_COLUMNS = ("bin", "predicted", "observed", "low", "high", "n_images", "n_persons", "reason")
N_BINS = 5
_FEWEST_IN_BIN = 5
_STEPS, _SMALL = 50, 1e-9


@dataclass(frozen=True, eq=False)
class _Part:
    """Hold a group: what was predicted (of classes: log-odds), and its weights by resample."""

    case: FoldCase
    weights: Floats
    __repr__ = short_repr

    @property
    def x(self) -> Floats:
        return self.case.fits[0].value


def fit_recalibration(result: LocoResult) -> pd.DataFrame:
    """Fit slope and intercept of what was observed on what was predicted, by group and in all.

    Parameters
    ----------
    result : LocoResult

    Returns
    -------
    DataFrame
        A row a held-out group, then "pooled", all images together, with
        `RECALIBRATION_COLUMNS`: slope and intercept with 95 % intervals, bootstrap over persons;
        ``least`` and ``most`` bound the middle 90 % of what was predicted (of classes: the
        probability of the class that is looked for). ``reason`` says why there is none.
    """
    parts = _read_parts(result)
    rows = list_refused(result)
    rows += [_fit(part.case.name, [part], refuse_group(part.case)) for part in parts]
    rows.append(_fit(POOLED, parts, refuse_all([part.case for part in parts])))
    return pd.DataFrame(rows, columns=list(RECALIBRATION_COLUMNS))


def _read_parts(result: LocoResult) -> list[_Part]:
    """Read the groups of a run, of classes turned to the class that is looked for."""
    if result.rows.task.kind == "classes":
        cases: Sequence[FoldCase] = read_event_predictions(result).cases
    else:
        cases = [_average(case) for case in read_cases(result).values()]
    return [_Part(case, weigh_case(case, result)) for case in cases]


def _average(case: FoldCase) -> FoldCase:
    value = np.mean([fit.value for fit in case.fits], axis=0)
    return replace(case, fits=(Fit(value, value, is_converged=True),))


def _fit(name: str, parts: Sequence[_Part], reason: str) -> dict[str, object]:
    """Give the row of a group, or of several together."""
    row: dict[str, object] = {
        "fold": name,
        "n_images": sum(len(part.x) for part in parts),
        "n_persons": len({person for part in parts for person in part.case.persons}),
        "reason": reason,
    }
    if reason:
        return row
    x = np.concatenate([part.x for part in parts])
    y = np.concatenate([part.case.y for part in parts])
    weights = np.hstack([part.weights for part in parts])
    cases = [part.case for part in parts]
    units = count_all(cases)
    if np.ptp(x) <= _SMALL * np.abs(x).max():
        return row | {"reason": "The model predicts the same for all images: no slope."}
    fit = _regress_logistic if units.is_class else _regress_linear
    slopes, intercepts = fit(x, y, weights)
    if np.isnan(slopes[0]):
        return row | {"reason": "The predictions part both classes entirely: no finite slope."}
    shown = to_probability(x) if units.is_class else x
    least, most = np.quantile(shown, [0.05, 0.95]).tolist()
    row |= {"slope": slopes[0], "intercept": intercepts[0], "least": least, "most": most}
    for which, drawn in (("slope", slopes[1:]), ("intercept", intercepts[1:])):
        cells = find_percentiles(drawn, count_independent(cases))
        row |= {f"{which}_{end}": cells[end] for end in ("low", "high")}
        row["reason"] = row["reason"] or cells["reason"]
    return row


def _regress_linear(x: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Regress by weighted least squares, for each row of weights; NaN where x is constant."""
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    spread = weights @ x**2 / total - mean_x**2
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = weights @ (x * y) / total - mean_x * mean_y
        slope = np.where(spread > _SMALL * x.var(), shared / spread, np.nan)
    return slope, mean_y - slope * mean_x


def _regress_logistic(x: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Regress the log-odds of y by Newton's method, for each row of weights.

    NaN where the classes do not overlap: the slope is then infinite.
    """
    centre, scale = float(x.mean()), float(x.std())
    z = (x - centre) / scale
    slope, intercept = np.zeros(len(weights)), np.zeros(len(weights))
    step = np.full((2, len(weights)), np.inf)
    for _ in range(_STEPS):
        p = to_probability(np.clip(slope[:, None] * z + intercept[:, None], -500, 500))
        off, spread = weights * (y - p), weights * p * (1 - p)
        a, b, c = spread.sum(axis=1), spread @ z, spread @ z**2
        first, second = off.sum(axis=1), off @ z
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.stack([c * first - b * second, a * second - b * first]) / (a * c - b**2)
        # Far from the optimum a whole step can overshoot.
        step = np.clip(np.nan_to_num(step), -2, 2)
        intercept, slope = intercept + step[0], slope + step[1]
        if np.abs(step).max() < _SMALL:
            break
    is_bad = _find_parted(z, y, weights) | (np.abs(step).max(axis=0) > 1e-6)
    slope = np.where(is_bad, np.nan, slope) / scale
    return slope, np.where(is_bad, np.nan, intercept) - slope * centre


def _find_parted(z: Floats, y: Floats, weights: Floats) -> np.ndarray:
    """Find the rows of weights in which a threshold parts both classes."""
    held = weights > 0
    ends = {
        (label, end): end(np.where(held & (y == label), z, -fill), axis=1)
        for label in (0, 1)
        for end, fill in ((np.max, np.inf), (np.min, -np.inf))
    }
    up = ends[0, np.max] <= ends[1, np.min]
    return np.asarray(up | (ends[1, np.max] <= ends[0, np.min]))


def bin_predictions(result: LocoResult, n_bins: int = N_BINS) -> pd.DataFrame:
    """Set the share of the class beside the probability predicted of it, in bins of equal size.

    All test images together, in bins as scikit-learn's ``calibration_curve`` makes them with
    ``strategy="quantile"``.

    Parameters
    ----------
    result : LocoResult
        Of a task of classes.
    n_bins : int, default 5

    Returns
    -------
    DataFrame
        A row a bin with `BIN_COLUMNS`: mean probability, share of the class and its 95 %
        interval by persons, which a bin of fewer than five persons does not have.

    Raises
    ------
    SelectionError
        If the task predicts a number.
    """
    cases = read_event_predictions(result).cases
    if not cases:
        return pd.DataFrame(columns=list(BIN_COLUMNS))
    p = np.concatenate([to_probability(case.fits[0].value) for case in cases])
    y = np.concatenate([case.y for case in cases])
    persons = np.concatenate([case.persons for case in cases])
    weights = np.hstack([weigh_case(case, result) for case in cases])
    edges = np.quantile(p, np.linspace(0, 1, n_bins + 1))
    bins = np.searchsorted(edges[1:-1], p)
    rows = [
        _judge_bin(place, p[bins == place], y[bins == place], persons[bins == place], drawn)
        for place in np.unique(bins).tolist()
        for drawn in [weights[:, bins == place]]
    ]
    return pd.DataFrame(rows, columns=list(BIN_COLUMNS))


def _judge_bin(
    place: int, p: Floats, y: Floats, persons: np.ndarray, weights: Floats
) -> dict[str, object]:
    n = len(set(persons))
    reason = ""
    if n < _FEWEST_IN_BIN:
        reason = f"No interval: {format_units(n, 'person')}, and it needs {_FEWEST_IN_BIN}."
    observed, low, high = bound_share(weights @ y, weights.sum(axis=1), n, n, reason)
    means = {"predicted": float(p.mean()), "observed": observed, "low": low, "high": high}
    return {"bin": place + 1, **means, "n_images": len(p), "n_persons": n, "reason": reason}


def compare_numbers(result: LocoResult) -> pd.DataFrame:
    """Set what was predicted of each test image beside what was recorded, of a number.

    Returns
    -------
    DataFrame
        image_id, person_id, fold, y (recorded), value (predicted, the mean over seeds).

    Raises
    ------
    SelectionError
        If the task is of classes.
    """
    task = result.rows.task
    if task.kind != "number":
        raise SelectionError(
            f"Task {task.title!r} is of classes, and this figure is of numbers. Look at the "
            "calibration instead."
        )
    return average_seeds(result)
