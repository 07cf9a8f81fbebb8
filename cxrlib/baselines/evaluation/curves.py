"""ROC and precision-recall curves of a run, by held-out group and within groups together.

Curves of groups are those of scikit-learn. The curve within groups together averages them at the
same false-positive rate (of the other: the same recall), each by its pairs of images (its images
of the class). So no image is compared with one of another group, and the area under the ROC is
the run's pooled AUROC.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.confusion import confuse
from cxrlib.baselines.evaluation.event_predictions import (
    count_all,
    count_independent,
    list_refused,
    read_event_predictions,
    refuse_all,
    refuse_group,
    weigh_case,
    widen_all,
)
from cxrlib.baselines.evaluation.fold_scores import FoldCase, draw_scores
from cxrlib.baselines.evaluation.intervals import (
    Estimate,
    Variance,
    add_variances,
    derive_variance,
    scale_variance,
)
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.short_repr import short_repr

CurveKind = Literal["roc", "precision-recall"]
CURVE_AXES: dict[CurveKind, tuple[str, str]] = {
    "roc": ("false_positive_rate", "sensitivity"),
    "precision-recall": ("sensitivity", "precision"),
}
"""What a curve is drawn over and of; sensitivity is also called recall."""
CURVE_PARTS = ("curve", "band", "decision", "area")
CURVE_COLUMNS = ("fold", "part", "x", "y", "low", "high", "n_images", "n_persons", "reason")

_NEXT = 1e-9  # beside a place, where a curve jumps at it
_GRID = np.linspace(0, 1, 41)
_FEWEST_BESIDE = 2  # persons of the other class, beside a place of the ROC with an interval


@dataclass(frozen=True, eq=False)
class _Counts:
    """Hold what is called the class as the threshold falls, by resample, everybody first.

    Parameters
    ----------
    positive, negative : ndarray of float, shape (1 + n_resamples, n_thresholds)
    """

    positive: Floats
    negative: Floats
    __repr__ = short_repr


def trace_curves(result: LocoResult, kind: CurveKind = "roc") -> pd.DataFrame:
    """Trace the ROC or the precision-recall curve of each held-out group and within all.

    Decision values rank the images, also where a protocol scores predicted classes. The class is
    the clinical event where the task has one.

    Parameters
    ----------
    result : LocoResult
        Of a task of classes.
    kind : {"roc", "precision-recall"}

    Returns
    -------
    DataFrame
        By group, then "pooled": ``part`` "curve", its corners; "band", its 95 % interval at 41
        places, each by itself; "decision", the model's own class decision, of all groups
        counted together; and "area" under it in ``y``. ``x`` and ``y`` are the two of
        `CURVE_AXES`. A group with fewer than five persons of either class has one row, of its
        "area", with the ``reason``.

    Raises
    ------
    SelectionError
        If the task predicts a number.
    """
    predicted = read_event_predictions(result)
    decisions = confuse(result).set_index("fold")
    rows = [_start(refused["fold"], "area") | refused for refused in list_refused(result)]
    weights = [weigh_case(case, result) for case in predicted.cases]
    groups = [
        (case, _accumulate(case, own)) for case, own in zip(predicted.cases, weights, strict=True)
    ]
    for case, counts in groups:
        rows += _trace(result, case.name, [(case, counts)], kind, refuse_group(case), decisions)
    # A group of one class has no pairs, as it has none in the pooled score.
    both = [(case, counts) for case, counts in groups if case.counts.fewest]
    reason = refuse_all([case for case, _ in both])
    rows += _trace(result, POOLED, both, kind, reason, decisions)
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def _start(name: object, part: str, **cells: object) -> dict[str, object]:
    empty = dict.fromkeys(("x", "y", "low", "high"), np.nan)
    counts = {"n_images": 0, "n_persons": 0, "reason": ""}
    return {"fold": name, "part": part, **empty, **counts, **cells}


def _accumulate(case: FoldCase, weights: Floats) -> _Counts:
    """Count what is called the class at each threshold, from none to all."""
    value = case.fits[0].value
    order = np.argsort(-value, kind="stable")
    ends = np.flatnonzero(np.diff(value[order], append=-np.inf))
    sums = [np.cumsum((weights * (case.y == label))[:, order], axis=1)[:, ends] for label in (1, 0)]
    return _Counts(*(np.insert(each, 0, 0.0, axis=1) for each in sums))


def _trace(
    result: LocoResult,
    name: str,
    groups: Sequence[tuple[FoldCase, _Counts]],
    kind: CurveKind,
    reason: str,
    decisions: pd.DataFrame,
) -> Iterator[dict[str, object]]:
    """Give the rows of one group, or of several together."""
    cases = [case for case, _ in groups]
    counts: dict[str, object] = {
        "n_images": sum(len(case.y) for case in cases),
        "n_persons": len({person for case in cases for person in case.persons}),
    }
    if reason:
        yield _start(name, "area", **counts, reason=reason)
        return
    curves = [_Curve(case, each, kind) for case, each in groups]
    x = np.unique(np.concatenate([curve.corners for curve in curves]))
    if kind != "roc":  # before the first find there is no recall, whatever the precision
        x = x[x > 0]
    sides = (x - _NEXT, x + _NEXT) if kind == "roc" else (x - _NEXT, x - _NEXT)
    together = np.stack([_average(curves, side)[0][0] for side in sides], axis=1)
    if kind != "roc":
        yield _start(name, "curve", x=0.0, y=together[0, 0], **counts)
    for place, both in zip(x, together, strict=True):
        for y in dict.fromkeys(both.tolist()):
            yield _start(name, "curve", x=place, y=y, **counts)
    widening = widen_all(cases)
    grid = _GRID if kind == "roc" else _GRID[1:]
    shares, weights = _average(curves, grid + (_NEXT if kind == "roc" else -_NEXT))
    inside = _find_inside(cases, grid, kind)
    for place, drawn in enumerate(shares.T):
        variances = [curve.vary(grid[place]) for curve in curves]
        estimate = _estimate(cases, drawn, variances, weights, widening)
        low, high, _ = (
            estimate.find_interval() if inside[place] and len(drawn) > 1 else (np.nan, np.nan, "")
        )
        yield _start(name, "band", x=grid[place], y=drawn[0], low=low, high=high, **counts)
    yield _read_decision(name, kind, decisions, counts)
    area = _measure_area(result, curves, weights, widening, kind)
    yield _start(name, "area", y=area.value, **counts) | (
        {end: area.to_cells()[end] for end in ("low", "high", "reason")}
        if len(area.resampled)
        else {}
    )


def _find_inside(cases: Sequence[FoldCase], grid: Floats, kind: CurveKind) -> np.ndarray:
    """Find the places with an interval: some persons at least from either end of the axis.

    Nearer the threshold is that of a person or two, and so is the curve.
    """
    units = count_all(cases)
    n = units.n_negative if kind == "roc" else units.n_positive
    step = (_FEWEST_BESIDE if kind == "roc" else 1) / max(n, 1)
    return np.asarray((grid >= step) & (grid <= 1 - step))


class _Curve:
    """Read the curve of a group at any place, in every resample at once."""

    def __init__(self, case: FoldCase, counts: _Counts, kind: CurveKind) -> None:
        self.case, self.kind = case, kind
        positive, negative = counts.positive, counts.negative
        self.total = positive[:, -1] * (negative[:, -1] if kind == "roc" else 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = positive / positive[:, -1:]
            if kind == "roc":
                self._x, self._y = negative / negative[:, -1:], found
            else:
                self._x, self._y = found[:, 1:], (positive / (positive + negative))[:, 1:]

    @property
    def corners(self) -> Floats:
        """Where it turns."""
        return self._x[0]

    def read(self, places: Floats) -> Floats:
        """Give its height at places, by resample; 0 where a resample lacks a class."""
        heights = np.zeros((len(self._x), len(places)))
        for row in np.flatnonzero(self.total > 0).tolist():
            heights[row] = self._read_row(row, places)
        return heights

    def _read_row(self, row: int, places: Floats) -> Floats:
        x, y = self._x[row], self._y[row]
        if self.kind == "roc":
            return np.interp(places, x, y)
        return np.asarray(y[np.minimum(np.searchsorted(x, places), len(x) - 1)])

    def vary(self, place: float) -> Variance:
        """Give the variance of its height at a place, of independent persons."""
        counts = self.case.counts
        n = counts.n_positive
        if self.kind == "roc":
            # The place is estimated too: of a curve along the diagonal it varies as the height.
            both = 1 / max(n, 1) + 1 / max(counts.n_negative, 1)
            return lambda share: share * (1 - share) * both
        # So many were called the class where this share of it was found.
        height = float(self._read_row(0, np.array([place - _NEXT]))[0])
        called = max(n * place / height if height > 0 else 1.0, 1.0)
        return lambda share: share * (1 - share) / called


def _average(curves: Sequence[_Curve], places: Floats) -> tuple[Floats, Floats]:
    """Average curves at places, each by its weight: by resample; and weights of everybody."""
    totals = np.stack([curve.total for curve in curves])
    heights = np.stack([curve.read(places) for curve in curves])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (totals[:, :, None] * heights).sum(axis=0) / totals.sum(axis=0)[:, None]
    return shares, totals[:, 0] / totals[:, 0].sum()


def _estimate(
    cases: Sequence[FoldCase],
    drawn: Floats,
    variances: Sequence[Variance],
    weights: Floats,
    widening: float,
    metric: str = "recall",
) -> Estimate:
    """Make an estimate of everybody's value and its resamples."""
    value, resampled = float(drawn[0]), drawn[1:]
    alone = scale_variance(add_variances(variances, weights.tolist()), value, resampled)
    variance = add_variances([alone], [1.0], widening)
    few = count_all(cases).refuse()
    return Estimate(metric, value, resampled, variance, count_independent(cases), few)


def _measure_area(
    result: LocoResult,
    curves: Sequence[_Curve],
    weights: Floats,
    widening: float,
    kind: CurveKind,
) -> Estimate:
    """Measure the area under a curve: the AUROC or the average precision."""
    metric = "auroc" if kind == "roc" else "auprc"
    settings = result.settings
    cases = [curve.case for curve in curves]
    draws = [draw_scores(case, settings.n_resamples, settings.seed) for case in cases]
    values = np.stack([np.append(each.by_seed[metric], each.resampled[metric]) for each in draws])
    totals = np.stack([curve.total for curve in curves])
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.nansum(totals * values, axis=0) / np.sum(totals * np.isfinite(values), axis=0)
    variances = [derive_variance(metric, case.counts, "") for case in cases]
    return _estimate(cases, drawn, variances, weights, widening, metric)


def _read_decision(
    name: str, kind: CurveKind, decisions: pd.DataFrame, counts: dict[str, object]
) -> dict[str, object]:
    """Give the point of the model's own class decision."""
    cells = decisions.loc[name]
    x, y = CURVE_AXES[kind]
    place = 1 - cells["specificity"] if kind == "roc" else cells[x]
    ends = {"y": cells[y], "low": cells[f"{y}_low"], "high": cells[f"{y}_high"]}
    return _start(name, "decision", x=place, **ends, **counts)
