"""Scores of held-out groups over resamples of their persons, their mean and what pools them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.protocols import Protocol
from cxrlib.baselines.evaluation.resampling import count_independent, weigh_images
from cxrlib.baselines.evaluation.scores import compute_score, is_constant, list_metrics, sum_pairs
from cxrlib.short_repr import short_repr

RANKING_METRICS = ("auroc", "auprc", "auprc_event", "correlation")
"""Scores that look at the order of images only, which chance resemblance makes better."""


@dataclass(frozen=True, eq=False)
class FoldCase:
    """Hold what the scores of a group are made of.

    Parameters
    ----------
    name : str
        Of the group.
    y : ndarray of float, shape (n_images,)
    persons : ndarray, shape (n_images,)
        Codes or names.
    fits : tuple of Fit
        One of each seed.
    kind : {"classes", "number"}
    event : {"positive", "negative", ""}
        Which class is the clinical event.
    protocol : Protocol
    train_size : float
        As `measure_size`, of the training images.
    """

    name: str
    y: np.ndarray
    persons: np.ndarray
    fits: tuple[Fit, ...]
    kind: str
    event: str
    protocol: Protocol
    train_size: float
    __repr__ = short_repr

    def rank(self, fit: Fit) -> np.ndarray:
        """Choose what ranks the images."""
        return fit.chosen if self.protocol.ranking == "class" else fit.value

    def score(self, fit: Fit, metric: str, weights: np.ndarray) -> np.ndarray:
        """Compute a score of each resample."""
        event = self.event or "positive"
        scores = compute_score(
            self.y, self.rank(fit), fit.chosen, metric, event=event, weights=weights
        )
        if metric == "correlation" and self.protocol.counts_constant and is_constant(fit.chosen):
            return np.zeros(len(scores))
        return scores

    @property
    def n_independent(self) -> int:
        """Number of persons that a score rests on."""
        return count_independent(self.y, self.persons, is_class=self.kind == "classes")


@dataclass(frozen=True, eq=False)
class FoldDraws:
    """Hold the scores of a group.

    Parameters
    ----------
    by_seed : mapping of str to ndarray of float, shape (n_seeds,)
        By metric, of its images as they are.
    resampled : mapping of str to ndarray of float, shape (n_resamples,)
        By metric, averaged over seeds; NaN where a resample has no score.
    pairs : ndarray of float, shape (2,)
        Pairs ranked rightly, and all pairs, of its images as they are.
    resampled_pairs : ndarray of float, shape (2, n_resamples)
    n_independent : int
        As `FoldCase.n_independent`.
    size, train_size : float
        As `measure_size`, of its images and of those its model was trained on.
    """

    by_seed: Mapping[str, np.ndarray]
    resampled: Mapping[str, np.ndarray]
    pairs: np.ndarray
    resampled_pairs: np.ndarray
    n_independent: int
    size: float
    train_size: float
    __repr__ = short_repr


def draw_scores(case: FoldCase, n: int, seed: int) -> FoldDraws:
    """Score the images of a group, and those of each of n resamples of its persons.

    Parameters
    ----------
    case : FoldCase
    n : int
    seed : int

    Returns
    -------
    FoldDraws
    """
    weights = weigh_images(case.persons, n, seed, case.name)
    metrics = list_metrics(case.kind, case.event)
    scores = {
        metric: np.array([case.score(fit, metric, weights) for fit in case.fits])
        for metric in metrics
    }
    is_class = case.kind == "classes"
    pairs = np.mean(
        [sum_pairs(case.y, case.rank(fit), weights, is_class=is_class) for fit in case.fits], axis=0
    )
    return FoldDraws(
        by_seed={metric: scores[metric][:, 0] for metric in metrics},
        resampled={metric: scores[metric][:, 1:].mean(axis=0) for metric in metrics},
        pairs=pairs[:, 0],
        resampled_pairs=pairs[:, 1:],
        n_independent=case.n_independent,
        size=measure_size(case.y, is_class=is_class),
        train_size=case.train_size,
    )


def measure_size(y: np.ndarray, *, is_class: bool) -> float:
    """Measure how much labels can tell: their number, of classes as if both were as many.

    Examples
    --------
    >>> measure_size(np.array([0, 0, 1, 1]), is_class=True)
    4.0
    >>> measure_size(np.array([0, 0, 0, 1]), is_class=True)
    3.0
    """
    if not is_class:
        return float(len(y))
    return float(4 * (y == 1).sum() * (y == 0).sum() / max(len(y), 1))


def average_draws(draws: Sequence[FoldDraws], metric: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Average a score over groups.

    Returns
    -------
    values : ndarray of float
        What the mean and the standard deviation are of: every group and seed.
    resampled : ndarray of float, shape (n_resamples,)
        Means; NaN where any group has no score.
    n_independent : int
        Of all groups together.
    """
    values = np.concatenate([each.by_seed[metric] for each in draws])
    parts = np.array([each.resampled[metric] for each in draws]) / len(draws)
    resampled = parts.sum(axis=0)
    if metric in RANKING_METRICS:
        resampled = widen(resampled, float(values.mean()), parts, draws)
    return values, resampled, sum(each.n_independent for each in draws)


def pool_draws(draws: Sequence[FoldDraws]) -> tuple[float, np.ndarray, int]:
    """Pool the pairs within groups; pairs of images of two groups do not count.

    Returns
    -------
    value : float
        Share of pairs ranked rightly.
    resampled : ndarray of float, shape (n_resamples,)
        NaN where a resample has no pair.
    n_independent : int
        Of all groups together.
    """
    concordant, pairs = np.sum([each.pairs for each in draws], axis=0)
    sums = np.sum([each.resampled_pairs for each in draws], axis=0)
    value = float(concordant / pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = sums[0] / sums[1]
    # What each group adds to the difference from the value as it is.
    parts = np.array([each.resampled_pairs[0] - value * each.resampled_pairs[1] for each in draws])
    parts /= pairs
    resampled = widen(resampled, value, parts, draws)
    return value, resampled, sum(each.n_independent for each in draws)


def widen(
    resampled: np.ndarray, value: float, parts: np.ndarray, draws: Sequence[FoldDraws]
) -> np.ndarray:
    """Widen the spread of what combines groups by what their models have in common.

    The model of one group is trained on the others: where two groups resemble each other by
    chance, both score well. With features that say nothing the scores of two groups of n and m
    images, whose models learnt from N and M, are correlated by sqrt(n m / (N M)), which doubles
    the variance of a mean over groups of one size. Where there is something to learn they are
    correlated less, and the interval is too wide rather than too narrow.

    Parameters
    ----------
    resampled : ndarray of float, shape (n_resamples,)
    value : float
        Of the images as they are.
    parts : ndarray of float, shape (n_groups, n_resamples)
        What each group adds.
    draws : sequence of FoldDraws

    Returns
    -------
    ndarray of float, shape (n_resamples,)
    """
    used = np.isfinite(parts).all(axis=0)
    if used.sum() < 2:
        return resampled
    spread = parts[:, used].std(axis=1)
    alone = (spread**2).sum()
    reach = spread * np.sqrt([each.size / max(each.train_size, each.size) for each in draws])
    together = alone + reach.sum() ** 2 - (reach**2).sum()
    factor = np.sqrt(together / alone) if alone > 0 else 1.0
    return value + factor * (resampled - value)
