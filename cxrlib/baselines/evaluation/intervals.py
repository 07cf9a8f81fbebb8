"""Intervals of scores: the true scores that are compatible with the one found.

A true score is held if the score found lies within t standard errors of it, where the standard
error is that of the *true* score: for an AUROC by Hanley and McNeil's formula, as Newcombe (2006,
method 5) inverts it; for a share as Wilson (1927) does; for a correlation by Fisher's. So an
interval is never empty and never certain: a perfect order has a lower bound. The formulas are of
independent persons. By how much several images of one person change that, the bootstrap over
persons says (the design effect, never below 1).

``benchmarks/simulate_intervals.py`` measures how often they hold the truth; ``docs/intervals.md``
has the table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.scores import RANGES
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

LEVEL = 0.95
"""Share of such intervals that should hold the truth."""

FEWEST_IN_CLASS = 5
"""Persons of either class below which a score of classes has no interval."""
FEWEST_IN_ALL = 10
"""Persons below which a score of a number has no interval."""

# With more resamples dropped than this the rest are no picture of the spread.
_MOST_DROPPED = 0.5
# What the simulation found no interval for that holds the truth often enough.
_NONE = {"r2": "No interval: none that was tried for R² holds the truth often enough."}
_STEPS = 2000
# Variance of an absolute error over its squared mean, of normal errors.
_ABSOLUTE_ERROR = np.pi / 2 - 1
# How many times the score found an unbounded interval may reach.
_FARTHEST = 20.0

Variance = Callable[[Floats], Floats]
"""The variance of an estimate at each of some true scores."""


@dataclass(frozen=True)
class Units:
    """Count what is drawn together, persons or sources, that a score rests on.

    Parameters
    ----------
    n : int
        All of them.
    n_positive, n_negative : int
        Those with an image of the class; both 0 for a number.
    is_class : bool
    unit : str
        What they are: "person" or "source".
    """

    n: int
    n_positive: int = 0
    n_negative: int = 0
    is_class: bool = True
    unit: str = "person"

    @property
    def fewest(self) -> int:
        """Persons of the smaller class; of a number all."""
        return min(self.n_positive, self.n_negative) if self.is_class else self.n

    @property
    def n_independent(self) -> int:
        """Persons that bound what is known of a ranking: twice the smaller class, at most all."""
        return min(2 * self.fewest, self.n) if self.is_class else self.n

    def refuse(self) -> str:
        """Say why a score of them has no interval, or nothing.

        Examples
        --------
        >>> Units(12, 4, 8).refuse()
        'No interval: 4 persons of the smaller class, and it needs 5.'
        """
        needed, where = (
            (FEWEST_IN_CLASS, " of the smaller class") if self.is_class else (FEWEST_IN_ALL, "")
        )
        if self.fewest >= needed:
            return ""
        return f"No interval: {format_units(self.fewest, self.unit)}{where}, and it needs {needed}."


@dataclass(frozen=True, eq=False)
class Estimate:
    """Hold a score with what its interval is made of.

    Parameters
    ----------
    metric : str
    value : float
    resampled : ndarray of float, shape (n_resamples,)
        Its values over resamples of persons; NaN where one has none.
    variance : callable
        Of the estimate, at each true score.
    n_independent : int
        Persons that it rests on, as `Units.n_independent`.
    reason : str
        Why it has no interval; "" where it has.
    """

    metric: str
    value: float
    resampled: Floats
    variance: Variance
    n_independent: int
    reason: str = ""
    __repr__ = short_repr

    def find_interval(self) -> tuple[float, float, str]:
        """Find the ends of the interval, NaN with a reason where there is none."""
        reason = self.reason or _NONE.get(self.metric, "") or refuse_resamples(self.resampled)
        if reason or not len(self.resampled):
            return np.nan, np.nan, reason
        reach = find_reach(self.n_independent)
        least, most = RANGES.get(self.metric, (0.0, 1.0))
        farthest = most if np.isfinite(most) else _FARTHEST * self.value
        low, high = (_find_end(self, reach, end) for end in (least, farthest))
        if farthest != most and high >= farthest:
            return np.nan, np.nan, "No interval: too few persons for an upper end."
        return low, high, ""

    def to_cells(self) -> dict[str, object]:
        """Give the interval as cells of a table: low, high, n_used, n_dropped, reason."""
        low, high, reason = self.find_interval()
        return {"low": low, "high": high, **count_resamples(self.resampled), "reason": reason}


def count_resamples(resampled: Floats) -> dict[str, object]:
    """Count the resamples with a score, and those without."""
    n_used = int(np.isfinite(resampled).sum())
    return {"n_used": n_used, "n_dropped": len(resampled) - n_used}


def refuse_resamples(resampled: Floats) -> str:
    """Say why resamples are no picture of the spread, or nothing."""
    n, n_used = len(resampled), int(np.isfinite(resampled).sum())
    if n_used >= (1 - _MOST_DROPPED) * n:
        return ""
    return f"No interval: only {n_used:,} of {format_units(n, 'resample')} have a score."


def _find_end(estimate: Estimate, reach: float, limit: float) -> float:
    """Find the true score farthest towards a limit that is compatible with the value."""
    scores = np.linspace(limit, estimate.value, _STEPS + 1)
    # Above 0 where the value is too far away for that true score.
    excess = np.abs(estimate.value - scores) - reach * np.sqrt(estimate.variance(scores))
    first = int(np.argmax(excess <= 0))
    if first == 0:
        return float(limit)
    share = excess[first - 1] / (excess[first - 1] - excess[first])
    return float(scores[first - 1] + share * (scores[first] - scores[first - 1]))


def find_reach(n_independent: int) -> float:
    """Find how many standard errors an interval reaches: Student's t of so many persons.

    Examples
    --------
    >>> [round(find_reach(n), 2) for n in (10, 100)]
    [2.26, 1.98]
    """
    from scipy.special import stdtrit

    return float(-stdtrit(max(n_independent, 2) - 1, 0.5 - LEVEL / 2))


# ---- variances


def derive_variance(metric: str, persons: Units, event: str) -> Variance:
    """Derive the variance of a score of independent persons from what it is.

    Parameters
    ----------
    metric : str
        One of `cxrlib.baselines.evaluation.scores.METRICS`, or "concordance".
    persons : Units
    event : {"positive", "negative", ""}
        Which class is the clinical event.

    Returns
    -------
    callable
        Takes true scores, gives variances.
    """
    n, m = persons.n_negative, persons.n_positive
    if metric.endswith("_event") and event == "negative":
        n, m = m, n
    if metric == "auroc":
        return lambda score: _vary_auroc(score, m, n)
    if metric == "concordance":
        # Kendall's tau is twice the concordance less 1; its variance without any order.
        n_all = persons.n
        kendall = 2 * (2 * n_all + 5) / (9 * n_all * max(n_all - 1, 1))
        return lambda score: score * (1 - score) * kendall
    if metric == "correlation":
        return lambda score: (1 - score**2) ** 2 / max(persons.n - 3, 1)
    if metric == "mae":
        return lambda score: _ABSOLUTE_ERROR * score**2 / persons.n
    if metric == "r2":
        return np.zeros_like
    return lambda score: score * (1 - score) / max(m, 1)


def _vary_auroc(score: Floats, n_positive: int, n_negative: int) -> Floats:
    """Vary as Hanley and McNeil (1982), with Newcombe's mean of both classes."""
    others = (n_positive + n_negative) / 2 - 1
    pairs = max(n_positive * n_negative, 1)
    both = (1 - score) / (2 - score) + score / (1 + score)
    return score * (1 - score) * (1 + others * both) / pairs


def scale_variance(variance: Variance, value: float, resampled: Floats) -> Variance:
    """Scale a variance of independent persons by the design effect, which is never below 1."""
    used = resampled[np.isfinite(resampled)]
    alone = float(variance(np.array([value]))[0])
    found = float(used.var(ddof=1)) if len(used) > 1 else 0.0
    effect = max(found / alone, 1.0) if alone > 0 else 1.0
    return lambda score: effect * variance(score)


def add_variances(
    variances: Sequence[Variance], weights: Sequence[float], factor: float = 1.0
) -> Variance:
    """Add the variances of independent parts by their weights, and widen the sum by a factor."""
    return lambda score: np.asarray(
        factor * sum(w**2 * each(score) for w, each in zip(weights, variances, strict=True))
    )


# ---- differences


def subtract_estimates(first: Estimate, second: Estimate) -> dict[str, object]:
    """Subtract one score from another of the same persons, as cells of a table.

    Both variances are taken at the middle of their intervals, which lies off the bounds of what a
    score can be (as Agresti and Caffo 2000 do with shares), and the correlation of both scores
    over the same resamples is taken out, down to the variance of their difference over these.

    Returns
    -------
    dict
        difference, low, high, n_used, n_dropped, reason.
    """
    spread = first.resampled - second.resampled
    cells: dict[str, object] = {
        "difference": first.value - second.value,
        **count_resamples(spread),
        **dict.fromkeys(("low", "high"), np.nan),
    }
    ends = [each.find_interval() for each in (first, second)]
    reason = next((each[2] for each in ends if each[2]), "")
    if not reason and len(spread) and not np.nan_to_num(spread).any():
        reason = "No interval: both score the same in all resamples."
    if reason or not len(spread):
        return {**cells, "reason": reason}
    middles = [(low + high) / 2 for low, high, _ in ends]
    errors = [
        float(np.sqrt(each.variance(np.array([middle]))[0]))
        for each, middle in zip((first, second), middles, strict=True)
    ]
    shared = 2 * _correlate(first.resampled, second.resampled) * errors[0] * errors[1]
    reach = find_reach(min(first.n_independent, second.n_independent))
    # Two models that rise and fall together can do so unequally, which the resamples say.
    least = float(np.nanvar(spread, ddof=1))
    reach *= np.sqrt(max(errors[0] ** 2 + errors[1] ** 2 - shared, least))
    middle = middles[0] - middles[1]
    return {**cells, "low": middle - reach, "high": middle + reach, "reason": ""}


def _correlate(first: Floats, second: Floats) -> float:
    """Correlate scores over resamples; 0 where one of them does not vary."""
    used = np.isfinite(first) & np.isfinite(second)
    if used.sum() < 2 or np.ptp(first[used]) == 0 or np.ptp(second[used]) == 0:
        return 0.0
    return float(np.corrcoef(first[used], second[used])[0, 1])
