"""Resampling of persons: all images of one move together, and few persons are honest."""

import numpy as np
import pytest

from cxrlib.baselines.evaluation import draw_weights
from cxrlib.baselines.evaluation.resampling import (
    count_persons,
    find_percentiles,
    find_tail,
    resample_persons,
)


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


def test_find_percentiles_is_wider_for_few_persons() -> None:
    """Plain percentiles where persons are many; wider ones for few."""
    scores = np.arange(1001) / 1000
    cells = [find_percentiles(scores, n) for n in (2, 5, 20, 10**6)]
    widths = [each["high"] - each["low"] for each in cells]
    assert widths == sorted(widths, reverse=True)
    assert (cells[-1]["low"], cells[-1]["high"]) == pytest.approx((0.025, 0.975), abs=1e-3)
    assert (cells[0]["n_used"], cells[0]["n_dropped"], cells[0]["reason"]) == (1001, 0, "")


def test_find_percentiles_says_why_there_is_no_interval() -> None:
    """Too many resamples without a value, or none that differs."""
    scores = np.full(100, np.nan)
    scores[:49] = np.linspace(0, 1, 49)
    cells = find_percentiles(scores, 20)
    assert np.isnan([cells["low"], cells["high"]]).all()
    assert cells["reason"] == "No interval: only 49 of 100 resamples have a score."
    assert (cells["n_used"], cells["n_dropped"]) == (49, 51)
    scores[:50] = np.linspace(0, 1, 50)
    assert find_percentiles(scores, 20)["reason"] == ""
    assert "all resamples give one value" in find_percentiles(np.full(100, 0.5), 20)["reason"]
    assert find_percentiles(np.empty(0), 20)["reason"] == ""


@pytest.mark.parametrize("n", [2, 3, 5, 40])
def test_tails_are_those_of_student(n: int) -> None:
    """Written out with other functions; one person is taken as two."""
    from scipy.stats import norm, t

    wanted = norm.cdf(np.sqrt(n / (n - 1)) * t.ppf(0.025, df=n - 1))
    assert find_tail(n) == pytest.approx(wanted)
    assert find_tail(1) == find_tail(2)


def test_count_persons_counts_who_has_an_image_of_each_class() -> None:
    """A person with images of both classes is in both; a number has no classes."""
    y, persons = np.array([1.0, 1, 0, 0, 0]), np.array(["a", "b", "b", "c", "c"])
    counts = count_persons(y, persons, is_class=True)
    assert (counts.n, counts.n_positive, counts.n_negative, counts.fewest) == (3, 2, 2, 2)
    assert counts.n_independent == 3
    assert count_persons(y, persons, is_class=False).n_independent == 3
