"""Scores of held-out groups over resamples of their persons, their mean and what pools them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.intervals import (
    Estimate,
    Units,
    Variance,
    add_variances,
    derive_variance,
    scale_variance,
)
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.protocols import Protocol, describe_too_few
from cxrlib.baselines.evaluation.resampling import count_persons, draw_weights, weigh_images
from cxrlib.baselines.evaluation.scores import (
    POOLED_METRICS,
    compute_score,
    is_constant,
    list_metrics,
    sum_pairs,
)
from cxrlib.short_repr import short_repr

RANKING_METRICS = ("auroc", "auprc", "auprc_event", "correlation")
"""Scores that look at the order of images only, which chance resemblance makes better."""

FEWEST_POOLED = 2
"""Groups below which pairs are not pooled."""


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
    unit : str
        What `persons` are, where it is not persons that are drawn together.
    everyone : ndarray, optional
        The persons of all groups, where a resample draws them once for all: where they are dealt
        into groups several times.
    dealings : tuple of FoldCase
        The groups of the same name in further dealings.
    """

    name: str
    y: np.ndarray
    persons: np.ndarray
    fits: tuple[Fit, ...]
    kind: str
    event: str
    protocol: Protocol
    train_size: float
    unit: str = "person"
    everyone: np.ndarray | None = None
    dealings: tuple["FoldCase", ...] = ()
    __repr__ = short_repr

    def weigh(self, n: int, seed: int, *, by_person: bool = False) -> Floats:
        """Weigh the images once (or each person), and below as n resamples of persons draw them."""
        codes, names = pd.factorize(self.persons)
        if self.everyone is None:
            weights = weigh_images(self.persons, n, seed, self.name)
        else:
            drawn = draw_weights(self.everyone, n, seed)
            places = np.searchsorted(self.everyone, names)[codes]
            weights = np.vstack([np.ones((1, len(codes))), drawn[:, places]])
        return weights / np.bincount(codes)[codes] if by_person else weights

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
    def counts(self) -> Units:
        """The persons that a score rests on."""
        is_class = self.kind == "classes"
        return count_persons(self.y, self.persons, is_class=is_class, unit=self.unit)


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
    persons : Units
    event : {"positive", "negative", ""}
    size, train_size : float
        As `measure_size`, of its images and of those its model was trained on.
    is_repeated : bool
        Whether it averages several dealings of the persons, who are drawn once for all groups.
    """

    by_seed: Mapping[str, np.ndarray]
    resampled: Mapping[str, np.ndarray]
    pairs: np.ndarray
    resampled_pairs: np.ndarray
    persons: Units
    event: str
    size: float
    train_size: float
    is_repeated: bool = False
    __repr__ = short_repr

    def estimate(self, metric: str) -> Estimate:
        """Give a score of the group, with what its interval is made of."""
        value, resampled = float(self.by_seed[metric].mean()), self.resampled[metric]
        variance = scale_variance(self.vary(metric), value, resampled)
        few = self.persons.refuse()
        return Estimate(metric, value, resampled, variance, self.persons.n_independent, few)

    def vary(self, metric: str) -> Variance:
        """Give the variance of a score of independent persons."""
        return derive_variance(metric, self.persons, self.event)


def draw_scores(case: FoldCase, n: int, seed: int, *, weighs_persons: bool = False) -> FoldDraws:
    """Score the images of a group, and those of each of n resamples of its persons.

    Parameters
    ----------
    case : FoldCase
    n : int
    seed : int
    weighs_persons : bool
        Whether a person counts once, divided over the images.

    Returns
    -------
    FoldDraws
    """
    first, *others = [
        weigh_scores(each, each.weigh(n, seed, by_person=weighs_persons))
        for each in (case, *case.dealings)
    ]
    return average_dealings(first, others) if others else first


def weigh_scores(case: FoldCase, weights: Floats) -> FoldDraws:
    """Score the images of a group under several weights: the first as they are, then resamples.

    Parameters
    ----------
    case : FoldCase
    weights : ndarray of float, shape (1 + n_resamples, n_images)
    """
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
        persons=case.counts,
        event=case.event,
        size=measure_size(case.y, is_class=is_class),
        train_size=case.train_size,
    )


def average_dealings(first: FoldDraws, others: Sequence[FoldDraws]) -> FoldDraws:
    """Average the scores of a group over dealings of the persons; counts are of the first.

    A dealing in which a resample, or the group, has no score does not count in its mean.
    """
    draws = [first, *others]
    by_seed = {}
    for metric in first.by_seed:
        found = np.concatenate([each.by_seed[metric] for each in draws])
        by_seed[metric] = found[np.isfinite(found)] if np.isfinite(found).any() else found[:1]
    resampled = {
        metric: pd.DataFrame([each.resampled[metric] for each in draws]).mean().to_numpy()
        for metric in first.resampled
    }
    return replace(
        first,
        by_seed=by_seed,
        resampled=resampled,
        pairs=np.mean([each.pairs for each in draws], axis=0),
        resampled_pairs=np.mean([each.resampled_pairs for each in draws], axis=0),
        is_repeated=True,
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


def average_draws(draws: Sequence[FoldDraws], metric: str) -> tuple[Estimate, np.ndarray]:
    """Average a score over groups.

    Returns
    -------
    estimate : Estimate
        The mean, without an interval where a group has none: none counts as certain.
    values : ndarray of float
        What the mean and the standard deviation are of: every group and seed.
    """
    values = np.concatenate([each.by_seed[metric] for each in draws])
    parts = [each.estimate(metric) for each in draws]
    resampled = np.mean([each.resampled for each in parts], axis=0)
    weights = [1 / len(draws)] * len(draws)
    variances = [each.variance for each in parts]
    factor = find_widening(draws, weights, variances) if metric in RANKING_METRICS else 1.0
    variance = add_variances(variances, weights)
    if draws[0].is_repeated:
        # Who is in several groups varies them together: only the mean shows it.
        variance = scale_variance(variance, float(values.mean()), resampled)
    few = [each for each in parts if each.reason]
    reason = next((why for each in parts if (why := each.find_interval()[2])), "")
    if few:
        unit = draws[0].persons.unit
        reason = (
            f"No interval: {len(few)} of {len(parts)} groups of the mean have too few {unit}s for "
            "one."
        )
    return (
        Estimate(
            metric,
            float(values.mean()),
            resampled,
            add_variances([variance], [1.0], factor),
            sum(each.n_independent for each in parts),
            reason,
        ),
        values,
    )


def pool_draws(draws: Sequence[FoldDraws]) -> Estimate:
    """Pool the pairs within groups; pairs of images of two groups do not count.

    Returns
    -------
    Estimate
        The share of pairs ranked rightly.
    """
    metric = POOLED_METRICS["classes" if draws[0].persons.is_class else "number"]
    concordant, pairs = np.sum([each.pairs for each in draws], axis=0)
    sums = np.sum([each.resampled_pairs for each in draws], axis=0)
    value = float(concordant / pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = sums[0] / sums[1]
    weights = [float(each.pairs[1] / pairs) for each in draws]
    variances = [each.vary(metric) for each in draws]
    alone = scale_variance(add_variances(variances, weights), value, resampled)
    factor = find_widening(draws, weights, variances)
    return Estimate(
        metric,
        value,
        resampled,
        add_variances([alone], [1.0], factor),
        sum(each.persons.n_independent for each in draws),
        count_pooled(draws).refuse(),
    )


def refuse_pooled(draws: Sequence[FoldDraws]) -> str:
    """Say why what is pooled over groups rests on too little, or nothing."""
    if len(draws) < FEWEST_POOLED:
        return f"Pairs of {len(draws)} group only: a pooled score needs {FEWEST_POOLED}."
    persons = count_pooled(draws)
    return describe_too_few(persons.fewest, is_class=persons.is_class)


def count_pooled(draws: Sequence[FoldDraws]) -> Units:
    """Count the persons of all groups together."""
    counts = [(each.persons.n, each.persons.n_positive, each.persons.n_negative) for each in draws]
    n, n_positive, n_negative = np.sum(counts, axis=0).tolist()
    first = draws[0].persons
    return Units(n, n_positive, n_negative, first.is_class, first.unit)


def find_widening(
    draws: Sequence[FoldDraws], weights: Sequence[float], variances: Sequence[Variance]
) -> float:
    """Find by how much what groups have in common multiplies the variance of their combination.

    The model of one group is trained on the others: where two groups resemble each other by
    chance, both score well. With features that say nothing the scores of two groups of n and m
    images, whose models learnt from N and M, are correlated by sqrt(n m / (N M)), which doubles
    the variance of a mean over groups of one size. Where there is something to learn they are
    correlated less, and the interval is too wide rather than too narrow.

    Parameters
    ----------
    draws : sequence of FoldDraws
    weights : sequence of float
        Of each group in the combination.
    variances : sequence of callable
        Of each group.
    """
    middle = np.array([0.5])
    spread = np.array(
        [w * np.sqrt(each(middle)[0]) for w, each in zip(weights, variances, strict=True)]
    )
    alone = float((spread**2).sum())
    reach = spread * np.sqrt([each.size / max(each.train_size, each.size) for each in draws])
    together = alone + float(reach.sum() ** 2 - (reach**2).sum())
    return together / alone if alone > 0 else 1.0
