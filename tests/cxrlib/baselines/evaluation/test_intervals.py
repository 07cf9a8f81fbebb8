"""Intervals: textbook cases, no certainty, and what has none."""

import numpy as np
import pytest

from cxrlib.baselines.evaluation.intervals import (
    Estimate,
    Units,
    derive_variance,
    find_reach,
    scale_variance,
    subtract_estimates,
)


def make_estimate(
    metric: str, value: float, counts: Units, *, spread: float = 0.0, seed: int = 0
) -> Estimate:
    """Make an estimate whose resamples spread so far around it."""
    resampled = value + spread * np.random.default_rng(seed).standard_normal(500)
    variance = scale_variance(derive_variance(metric, counts, ""), value, resampled)
    return Estimate(metric, value, resampled, variance, counts.n_independent, counts.refuse())


def test_find_interval_of_a_share_is_wilsons() -> None:
    """Recall 8 of 10 positive persons, with Student's t in place of the normal."""
    low, high, reason = make_estimate("recall", 0.8, Units(40, 10, 30)).find_interval()
    t, n, p = find_reach(20), 10, 0.8
    centre = (p + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * np.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-3)
    assert reason == ""


def test_find_interval_of_an_auroc_solves_newcombes_equation() -> None:
    """At either end the value lies t standard errors of Hanley and McNeil away."""
    counts = Units(30, 10, 20)
    ends = make_estimate("auroc", 0.8, counts).find_interval()[:2]
    for theta in ends:
        q1, q2 = theta / (2 - theta), 2 * theta**2 / (1 + theta)
        # Both classes counted as their mean, Newcombe's method 5.
        n = 15
        variance = theta * (1 - theta) + (n - 1) * (q1 + q2 - 2 * theta**2)
        variance /= 10 * 20
        assert abs(0.8 - theta) == pytest.approx(find_reach(20) * np.sqrt(variance), abs=1e-3)


@pytest.mark.parametrize("metric", ["auroc", "auprc", "recall", "concordance"])
def test_find_interval_bounds_a_perfect_score(metric: str) -> None:
    """One is never certain; with more persons the bound rises."""
    lows = []
    for n in (5, 10, 40):
        counts = Units(2 * n, n, n, is_class=metric != "concordance")
        low, high, reason = make_estimate(metric, 1.0, counts).find_interval()
        assert (high, reason) == (1.0, "")
        lows.append(low)
    assert lows == sorted(lows)
    assert 0.2 < lows[0] < 0.8
    assert 0.85 < lows[-1] < 1


def test_find_interval_grows_with_the_images_of_one_person() -> None:
    """Resamples that spread further than independent persons widen it; narrower ones do not."""
    counts = Units(40, 20, 20)
    plain, wide, narrow = (
        make_estimate("auroc", 0.7, counts, spread=spread).find_interval()
        for spread in (0.0, 0.2, 0.001)
    )
    assert wide[0] < plain[0] < plain[1] < wide[1]
    assert narrow == plain


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Units(30, 4, 26), "4 persons of the smaller class, and it needs 5"),
        (Units(9, is_class=False), "9 persons, and it needs 10"),
        (Units(30, 4, 26, unit="source"), "4 sources of the smaller class, and it needs 5"),
    ],
)
def test_refuse_names_what_is_too_few(counts: Units, words: str) -> None:
    """Whatever their scores."""
    metric = "auroc" if counts.is_class else "correlation"
    low, high, reason = make_estimate(metric, 0.6, counts, spread=0.1).find_interval()
    assert np.isnan([low, high]).all()
    assert words in reason
    assert Units(10, 5, 5).refuse() == Units(10, is_class=False).refuse() == ""


def test_find_interval_has_none_for_r2_and_lost_resamples() -> None:
    """What holds the truth too rarely is not shown."""
    counts = Units(30, is_class=False)
    assert "R²" in make_estimate("r2", 0.3, counts, spread=0.1).find_interval()[2]
    lost = make_estimate("correlation", 0.3, counts, spread=0.1)
    lost.resampled[:251] = np.nan
    assert lost.find_interval()[2] == "No interval: only 249 of 500 resamples have a score."


def test_subtract_estimates_is_sharper_where_scores_move_together() -> None:
    """Paired resamples take out what both share; turned round it is the same."""
    counts = Units(60, 30, 30)
    first, same = (make_estimate("auroc", v, counts, spread=0.05) for v in (0.8, 0.7))
    other = make_estimate("auroc", 0.7, counts, spread=0.05, seed=1)
    paired, apart = subtract_estimates(first, same), subtract_estimates(first, other)
    assert paired["difference"] == pytest.approx(0.1)
    assert paired["high"] - paired["low"] < 0.5 * (apart["high"] - apart["low"])
    turned = subtract_estimates(other, first)
    assert (turned["low"], turned["high"]) == pytest.approx((-apart["high"], -apart["low"]))


def test_subtract_estimates_never_counts_a_part_as_certain() -> None:
    """A perfect order against a good one has an interval of some width; few persons have none."""
    counts = Units(20, 10, 10)
    cells = subtract_estimates(
        make_estimate("auroc", 1.0, counts), make_estimate("auroc", 0.9, counts, spread=0.05)
    )
    assert cells["low"] < 0 < cells["high"]
    few = make_estimate("auroc", 1.0, Units(20, 4, 16))
    cells = subtract_estimates(few, make_estimate("auroc", 0.9, counts, spread=0.05))
    assert np.isnan(cells["low"])
    assert "4 persons" in cells["reason"]


def test_subtract_estimates_is_never_narrower_than_the_resamples() -> None:
    """Two scores that move together, one twice as far, differ by chance nevertheless."""
    counts = Units(60, 30, 30)
    moved = np.random.default_rng(0).normal(size=500)
    pair = [
        Estimate("auroc", 0.8, 0.8 + by * moved, lambda score: 0.01 + 0 * score, counts.n)
        for by in (0.04, 0.08)
    ]
    cells = subtract_estimates(*pair)
    assert cells["high"] - cells["low"] > 3.8 * 0.04
