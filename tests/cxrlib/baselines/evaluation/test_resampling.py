"""Resampling of persons: all images of one move together, and few persons are honest."""

import numpy as np
import pytest

from cxrlib.baselines.evaluation import compute_score, draw_weights
from cxrlib.baselines.evaluation.resampling import find_interval, find_tail, resample_persons


def test_images_of_a_person_are_drawn_together() -> None:
    """Each resample holds as many persons as there are, each with all of their images."""
    persons = np.array(["b", "a", "b", "c", "a", "b"])
    weights = draw_weights(persons, 200, seed=3)
    for name in "abc":
        mine = weights[:, persons == name]
        assert (mine == mine[:, :1]).all()
    firsts = [int(np.flatnonzero(persons == name)[0]) for name in "abc"]
    assert (weights[:, firsts].sum(axis=1) == 3).all()
    assert weights.mean() == pytest.approx(1, abs=0.1)


def test_draws_depend_on_seed_and_group_only() -> None:
    """Names of persons do not matter; another seed or group draws otherwise."""
    codes = np.array([0, 1, 1, 2, 3])
    first = draw_weights(codes, 50, seed=1, name="Asia")
    np.testing.assert_array_equal(first, draw_weights(codes + 7, 50, seed=1, name="Asia"))
    assert (first != draw_weights(codes, 50, seed=2, name="Asia")).any()
    assert (first != draw_weights(codes, 50, seed=1, name="Europe")).any()
    # The first draws stay the same when more are asked for.
    np.testing.assert_array_equal(first, draw_weights(codes, 80, seed=1, name="Asia")[:50])
    assert resample_persons(codes, 0, seed=1).shape == (0, 4)


def test_intervals_leave_out_the_tails() -> None:
    """Plain percentiles where nothing is said of persons; wider ones for few."""
    scores = np.arange(1001) / 1000
    assert find_interval(scores)[:3] == (pytest.approx(0.025), pytest.approx(0.975), 1001)
    widths = [np.ptp(find_interval(scores, n_independent=n)[:2]) for n in (2, 5, 20, 1000)]
    assert widths == sorted(widths, reverse=True)
    assert find_tail(10**6) == pytest.approx(0.025, rel=1e-3)


def test_why_there_is_no_interval() -> None:
    """Too many resamples without a score, or none that differs, is said."""
    scores = np.full(100, np.nan)
    scores[:49] = np.linspace(0, 1, 49)
    low, high, n_used, reason = find_interval(scores)
    assert np.isnan([low, high]).all()
    assert (n_used, reason) == (49, "No interval: only 49 of 100 resamples have a score.")
    scores[:50] = np.linspace(0, 1, 50)
    assert find_interval(scores)[3] == ""
    low, high, n_used, reason = find_interval(np.full(100, 0.5))
    assert np.isnan([low, high]).all()
    assert "all resamples give one score" in reason
    assert find_interval(np.empty(0))[2:] == (0, "")


# Numbers of persons by class; and how many samples may miss: of 400 with nominal 5 % fewer than
# 34 do in all but one of a thousand runs. The seed is fixed, so this never varies.
@pytest.mark.parametrize(("n_positive", "n_negative"), [(5, 5), (5, 20), (12, 12), (14, 55)])
def test_intervals_cover_at_the_nominal_rate(n_positive: int, n_negative: int) -> None:
    """Of values that say nothing 95 % of the intervals hold an AUROC of 0.5, or a few more."""
    rng = np.random.default_rng([n_positive, n_negative])
    y = np.repeat([1.0, 0.0], [n_positive, n_negative])
    persons = np.arange(len(y))
    n_missed = 0
    for seed in range(400):
        value = rng.normal(size=len(y))
        weights = draw_weights(persons, 500, seed)
        scores = compute_score(y, value, value > 0, "auroc", weights=weights)
        low, high, _, _ = find_interval(scores, n_independent=2 * min(n_positive, n_negative))
        n_missed += not low <= 0.5 <= high
    assert 2 <= n_missed < 34, n_missed


@pytest.mark.parametrize("n", [2, 3, 5, 40])
def test_tails_are_those_of_student(n: int) -> None:
    """Written out with other functions; one person is taken as two."""
    from scipy.stats import norm, t

    wanted = norm.cdf(np.sqrt(n / (n - 1)) * t.ppf(0.025, df=n - 1))
    assert find_tail(n) == pytest.approx(wanted)
    assert find_tail(1) == find_tail(2)
