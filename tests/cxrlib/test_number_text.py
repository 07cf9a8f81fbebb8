"""Wilson's interval against scipy's, and the words in which numbers are written."""

import numpy as np
import pytest
from scipy.stats import binomtest

from cxrlib.number_text import (
    compute_wilson,
    format_average,
    format_median,
    format_share,
    format_tenths,
)


def test_wilson_is_scipys() -> None:
    """It is what scipy gives, for every count up to 30 and another level."""
    for n in range(1, 31):
        low, high = compute_wilson(np.arange(n + 1), np.full(n + 1, n), level=0.9)
        for k in range(n + 1):
            truth = binomtest(k, n).proportion_ci(0.9, method="wilson")
            assert low[k] == pytest.approx(truth.low, abs=1e-12)
            assert high[k] == pytest.approx(truth.high, abs=1e-12)


def test_wilson_stays_within_bounds_and_knows_nothing_of_nothing() -> None:
    """None and all touch the ends exactly; without a denominator there is no interval."""
    low, high = compute_wilson(np.array([0, 7, 0]), np.array([7, 7, 0]))
    assert low[0] == 0.0
    assert high[1] == 1.0
    assert 0 < high[0] < 1
    assert np.isnan([low[2], high[2]]).all()


def test_wilson_ends_exactly_whatever_the_number() -> None:
    """Rounding leaves no 1e-17 where none or all say yes: a bar at 0 would get a width."""
    n = np.arange(1, 2000)
    assert (compute_wilson(np.zeros_like(n), n)[0] == 0).all()
    assert (compute_wilson(n, n)[1] == 1).all()


def test_an_average_of_few_is_a_count() -> None:
    """Nine known ages give no average, ten do; none give a dash."""
    words = {"n_of": 53, "unit": "patient"}
    assert format_average(50, 40, 60, n_known=9, **words) == "9 of 53 patients"
    assert format_average(50, 40, 60, n_known=10, **words) == "50 (40-60), 10 of 53 patients"
    assert format_average(50, 40, 60, n_known=0, **words) == "–"


def test_a_share_states_its_denominator() -> None:
    """The example of the design stands as it was drawn."""
    assert format_share(96, 121) == "96 of 121 (79 %, 71-86)"
    assert format_share(1200, 2400).startswith("1,200 of 2,400 (50 %")


@pytest.mark.parametrize(
    ("value", "words"), [(58.5, "58.5"), (40.25, "40.3"), (70, "70"), (0, "0"), (99.96, "100")]
)
def test_medians_keep_their_half_years(value: float, words: str) -> None:
    """Whole years alone would write 58.5 as 58: a reader who counts again finds another number."""
    assert format_median(value, value, value) == f"{words} ({words}-{words})"


@pytest.mark.parametrize(
    ("value", "words"),
    [(58.5, "58.5"), (0.25, "0.3"), (-0.25, "−0.3"), (-0.04, "0"), (1200, "1200"), (2.05, "2.1")],
)
def test_halves_are_rounded_away_from_zero(value: float, words: str) -> None:
    """Rounding to even would write 0.25 as 0.2 and 2.05 as 2.0; nothing is no minus zero."""
    assert format_tenths(value) == words
