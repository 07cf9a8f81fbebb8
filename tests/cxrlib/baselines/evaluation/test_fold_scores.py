"""Scores of groups over resamples: their mean, what pools them, and what their models share."""

from dataclasses import replace

import numpy as np
import pytest

from cxrlib.baselines.evaluation import CORRECTED, PUBLISHED, compute_score, draw_weights
from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    average_draws,
    draw_scores,
    measure_size,
    pool_draws,
    refuse_pooled,
)
from cxrlib.baselines.evaluation.intervals import Estimate
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.protocols import Protocol


def make_case(
    seed: int, *, n: int = 30, n_seeds: int = 1, protocol: Protocol = CORRECTED, train: float = 1e9
) -> FoldCase:
    """Make a group of persons with two images each, and predictions by chance."""
    rng = np.random.default_rng(seed)
    y = np.repeat(rng.random(n // 2) < 0.5, 2).astype(float)
    values = [rng.normal(size=n) for _ in range(n_seeds)]
    fits = tuple(Fit(value, (value > 0).astype(float), is_converged=True) for value in values)
    persons = np.repeat(np.arange(n // 2), 2)
    return FoldCase(f"group {seed}", y, persons, fits, "classes", "negative", protocol, train)


@pytest.mark.parametrize("protocol", [PUBLISHED, CORRECTED])
def test_draws_are_scores_of_resampled_images(protocol: Protocol) -> None:
    """Each resample's score is that of its images, averaged over seeds."""
    case = make_case(0, n_seeds=3, protocol=protocol)
    draws = draw_scores(case, 40, seed=5)
    weights = draw_weights(case.persons, 40, 5, case.name)
    for place in range(40):
        chosen = np.repeat(np.arange(30), weights[place].astype(int))
        slow = [
            compute_score(
                case.y[chosen],
                (fit.chosen if protocol is PUBLISHED else fit.value)[chosen],
                fit.chosen[chosen],
                "auprc_event",
                event="negative",
            )[0]
            for fit in case.fits
        ]
        assert draws.resampled["auprc_event"][place] == pytest.approx(np.mean(slow))
    assert draws.by_seed["auroc"].shape == (3,)
    assert draw_scores(case, 0, seed=5).by_seed["auroc"].tolist() == draws.by_seed["auroc"].tolist()


def test_the_smaller_class_bounds_what_is_known() -> None:
    """Twice its persons, at most all; all of a number's."""
    case = replace(make_case(1), y=np.array([1.0] * 4 + [0.0] * 26))
    assert case.counts.n_independent == 4
    assert replace(case, kind="number").counts.n_independent == 15
    assert measure_size(case.y, is_class=False) == 30
    assert measure_size(case.y, is_class=True) == pytest.approx(4 * 4 * 26 / 30)


def find_width(estimate: Estimate) -> float:
    """Measure an interval."""
    low, high, reason = estimate.find_interval()
    assert reason == ""
    return high - low


def test_groups_that_train_each_other_are_correlated() -> None:
    """Groups of one size that are all there is double the variance; large training adds nothing."""
    alone = [draw_scores(make_case(seed, n=60), 400, 0) for seed in range(4)]
    each = [replace(draws, size=1.0, train_size=3.0) for draws in alone]
    far = [replace(draws, train_size=1e12) for draws in alone]
    middle = np.array([0.5])
    for combine in (lambda draws: average_draws(draws, "auroc")[0], pool_draws):
        near_estimate, far_estimate = combine(each), combine(far)
        assert near_estimate.value == pytest.approx(far_estimate.value)
        # Variances differ a little between groups, so not exactly twice.
        ratio = near_estimate.variance(middle)[0] / far_estimate.variance(middle)[0]
        assert ratio == pytest.approx(2, rel=0.05)
        assert find_width(near_estimate) > 1.2 * find_width(far_estimate)
    recalls = [average_draws(draws, "recall")[0].variance(middle)[0] for draws in (each, far)]
    assert recalls[0] == recalls[1]


def test_the_widening_is_what_chance_does() -> None:
    """Scores of groups that train each other on noise spread as far as the formula says."""
    rng = np.random.default_rng(0)
    n_groups, n, n_columns = 4, 20, 6
    scores = []
    for _ in range(1500):
        x = rng.normal(size=(n_groups, n, n_columns))
        y = np.tile([1.0, -1.0], n // 2)
        sums = (x * y[:, None]).sum(axis=1)
        rest = sums.sum(axis=0) - sums
        weights = rest / np.linalg.norm(rest, axis=1, keepdims=True)
        scores.append((sums * weights).sum(axis=1) / n)
    alone = np.mean(np.var(scores, axis=0)) / n_groups
    assert np.var(np.mean(scores, axis=1)) / alone == pytest.approx(2, rel=0.15)


def test_one_group_is_not_widened() -> None:
    """Its model learnt from others, which are not in the mean."""
    draws = draw_scores(make_case(3, n=60, train=10.0), 50, 0)
    mean, alone = average_draws([draws], "auroc")[0], draws.estimate("auroc")
    assert mean.find_interval() == pytest.approx(alone.find_interval())


def test_a_group_without_an_interval_leaves_the_mean_without_one() -> None:
    """However well the other groups are known: no part counts as certain."""
    known, few = (draw_scores(make_case(seed, n=n), 50, 0) for seed, n in ((3, 60), (5, 8)))
    mean = average_draws([known, few], "auroc")[0]
    assert np.isfinite(mean.value)
    assert mean.find_interval()[2].startswith("No interval: 1 of 2 groups of the mean")


def test_a_pooled_score_needs_two_groups_and_five_persons_of_each_class() -> None:
    """Fewer are too few whatever they score."""
    known, few = (draw_scores(make_case(seed, n=n), 10, 0) for seed, n in ((3, 60), (5, 8)))
    assert refuse_pooled([known, few]) == ""
    assert refuse_pooled([known]) == "Pairs of 1 group only: a pooled score needs 2."
    assert refuse_pooled([few, few]).endswith("of the smaller class: not estimable below 5.")


def test_pooling_is_over_pairs() -> None:
    """A group counts by its pairs."""
    draws = [draw_scores(make_case(seed), 30, 0) for seed in (4, 5)]
    pooled = pool_draws(draws)
    assert pooled.value == pytest.approx(
        sum(each.pairs[0] for each in draws) / sum(each.pairs[1] for each in draws)
    )
    sums = draws[0].resampled_pairs + draws[1].resampled_pairs
    np.testing.assert_allclose(pooled.resampled, sums[0] / sums[1], atol=1e-6)
    assert pooled.n_independent == sum(each.persons.n_independent for each in draws)
