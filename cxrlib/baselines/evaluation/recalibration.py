"""Reliability: how often the class occurs where so much was predicted, with slope and intercept.

A slope below 1 says that predictions are too extreme, above 1 that they are too timid; with slope
1 an intercept below 0 says that they are too high. Of numbers what was observed is regressed on
what was predicted, of classes the log-odds are (cox1958).
"""

from collections.abc import Sequence
from dataclasses import replace

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
    widen_all,
)
from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.intervals import find_reach
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

RECALIBRATION_COLUMNS = (
    *("fold", "slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high"),
    *("least", "most", "n_images", "n_persons", "reason"),
)
BIN_COLUMNS = ("bin", "predicted", "observed", "low", "high", "n_images", "n_persons", "reason")
N_BINS = 5
NEARLY_PARTED = 0.9
"""AUROC from which on a group whose persons have several images gets no slope: its interval held
the truth in 85 of 100 simulations (docs/intervals.md)."""
_TOO_NARROW = (
    "The predictions part both classes almost entirely (AUROC {:.2f}) and persons have several "
    "images: an interval of the slope would be too narrow."
)
_FEWEST_IN_BIN = 5
_SMALL = 1e-9


def fit_recalibration(result: LocoResult) -> pd.DataFrame:
    """Fit slope and intercept of what was observed on what was predicted, by group and in all.

    Parameters
    ----------
    result : LocoResult

    Returns
    -------
    DataFrame
        A row a held-out group, then "pooled", all images together, with
        `RECALIBRATION_COLUMNS`: slope and intercept with 95 % intervals, clustered by person;
        ``least`` and ``most`` bound the middle 90 % of what was predicted (of classes: the
        probability of the class that is looked for). ``reason`` says why there is none.
    """
    cases = _read_cases(result)
    rows = list_refused(result)
    rows += [_fit(case.name, [case], refuse_group(case)) for case in cases]
    rows.append(_fit(POOLED, cases, refuse_all(cases)))
    return pd.DataFrame(rows, columns=list(RECALIBRATION_COLUMNS))


def _read_cases(result: LocoResult) -> Sequence[FoldCase]:
    """Read the groups of a run, of classes turned to the class that is looked for."""
    if result.rows.task.kind == "classes":
        return read_event_predictions(result).cases
    return [_average(case) for case in read_cases(result).values()]


def _average(case: FoldCase) -> FoldCase:
    """Average the seeds of a group."""
    value = np.mean([fit.value for fit in case.fits], axis=0)
    return replace(case, fits=(Fit(value, value, is_converged=True),))


def _fit(name: str, cases: Sequence[FoldCase], reason: str) -> dict[str, object]:
    """Give the row of a group, or of several together."""
    row: dict[str, object] = {
        "fold": name,
        "n_images": sum(len(case.y) for case in cases),
        "n_persons": len({person for case in cases for person in case.persons}),
        "reason": reason,
    }
    if reason:
        return row
    x = np.concatenate([case.fits[0].value for case in cases])
    y = np.concatenate([case.y for case in cases])
    units = count_all(cases)
    if np.ptp(x) <= _SMALL * np.abs(x).max():
        return row | {"reason": "The model predicts the same for all images: no slope."}
    if units.is_class and _are_parted(x, y):
        return row | {"reason": "The predictions part both classes entirely: no finite slope."}
    persons = np.concatenate([case.persons for case in cases])
    if len(cases) == 1 and units.is_class and len(set(persons)) < len(x):
        auroc = _rank(x, y)
        if auroc >= NEARLY_PARTED:
            return row | {"reason": _TOO_NARROW.format(auroc)}
    estimates, errors = _regress(x, y, persons, is_class=units.is_class)
    shown = to_probability(x) if units.is_class else x
    least, most = np.quantile(shown, [0.05, 0.95]).tolist()
    reach = find_reach(count_independent(cases)) * np.sqrt(widen_all(cases))
    row |= {"least": least, "most": most}
    for which, value, error in zip(("intercept", "slope"), estimates, errors, strict=True):
        ends = {f"{which}_low": value - reach * error, f"{which}_high": value + reach * error}
        row |= {which: value} | ends
    return row


def _rank(x: Floats, y: Floats) -> float:
    """Give the AUROC of predictions, whichever class they rank higher."""
    from sklearn.metrics import roc_auc_score

    auroc = float(roc_auc_score(y, x))
    return max(auroc, 1 - auroc)


def _are_parted(x: Floats, y: Floats) -> bool:
    """Tell whether a threshold parts both classes: the slope is then infinite."""
    ill, well = x[y == 1], x[y == 0]
    return bool(well.max() <= ill.min() or ill.max() <= well.min())


def _regress(
    x: Floats, y: Floats, persons: np.ndarray, *, is_class: bool
) -> tuple[list[float], list[float]]:
    """Regress y (of classes: its log-odds) on x: intercept and slope, and their errors.

    The error is that of independent images, or the cluster-robust one over persons where that is
    larger: images of one person resemble each other (liang1986), each person's residuals taken as
    if the person had been left out (bell2002), without which few persons seem too certain.
    """
    from sklearn.linear_model import LinearRegression, LogisticRegression

    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    fitted = (model if is_class else LinearRegression()).fit(x[:, None], y)
    intercept, slope = float(np.ravel(fitted.intercept_)[0]), float(np.ravel(fitted.coef_)[0])
    design = np.column_stack([np.ones(len(x)), x])
    expected = intercept + slope * x
    if is_class:
        expected = to_probability(expected)
        spread = expected * (1 - expected)
    else:
        spread = np.ones(len(x))
    inverse = np.linalg.inv((design * spread[:, None]).T @ design)
    alone = inverse if is_class else inverse * ((y - expected) ** 2).sum() / (len(x) - 2)
    pulls = []
    for places in pd.Series(range(len(x))).groupby(persons).indices.values():
        own = design[places]
        leverage = (spread[places, None] * own) @ inverse @ own.T
        left = np.linalg.pinv(np.eye(len(places)) - leverage) @ (y - expected)[places]
        pulls.append(own.T @ left)
    n = len(pulls)
    clustered = inverse @ (np.transpose(pulls) @ pulls * (n - 1) / n) @ inverse
    errors = np.sqrt(np.maximum(np.diag(alone), np.diag(clustered)))
    return [intercept, slope], errors.tolist()


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
