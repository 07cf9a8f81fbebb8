"""Scores of permuted labels: all are counted, those as good are told apart."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import OBSERVED, PermutationNull
from cxrlib.charts.scores import describe_permutation_null, plot_permutation_null
from tests.figures import assert_valid


def make_null(observed=0.7, values=None, *, metric="auroc", n_wanted=None):
    """Make a null of given permuted scores."""
    values = np.linspace(0.3, 0.75, 200) if values is None else np.asarray(values, dtype=float)
    rows = [(OBSERVED, "pooled", metric, observed)]
    rows += [(k, "pooled", metric, value) for k, value in enumerate(values)]
    table = pd.DataFrame(rows, columns=["permutation", "fold", "metric", "value"])
    return PermutationNull(values=table, n_wanted=n_wanted or len(values), n_done=len(values))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_permutation_is_in_a_bar(theme):
    """Also far ones; those at least as good in a colour of their own."""
    values = [*np.linspace(0.3, 0.75, 197), 0.0, 1.0, float("nan")]
    figure = plot_permutation_null(make_null(values=values), "auroc", theme=theme)
    assert_valid(figure)
    others, good = (sum(trace.y) for trace in figure.data)
    assert good == sum(value >= 0.7 for value in values)
    assert others + good == 199
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "observed 0.70" in texts
    assert f"{good} of 199 at least as good: p = {(1 + good) / 200:.2g}" in texts


def test_the_observed_score_is_within_the_axis():
    """However far from the permuted, and however close these are."""
    for observed, values in ((1.0, [0.5] * 50), (-5.0, np.linspace(-0.1, 0.1, 50)), (0.5, [0.5])):
        figure = plot_permutation_null(make_null(observed, values), "auroc")
        low, high = figure.layout.xaxis.range
        assert low < observed < high
        assert high - low >= 0.1
        assert any(shape.x0 == observed for shape in figure.layout.shapes)


def test_a_low_error_is_as_good():
    """Of errors those at most as high are told apart."""
    values = np.linspace(1, 2, 101)
    figure = plot_permutation_null(make_null(1.1, values, metric="mae"), "mae")
    assert sum(figure.data[1].y) == 11
    assert "at least as low as observed" in [note.text for note in figure.layout.annotations]


def test_what_is_done_so_far_is_said():
    """And what has no score; before all are done nothing of the distribution is shown."""
    unfinished = make_null(n_wanted=1000)
    assert "200 of 1,000 permutations done" in describe_permutation_null(unfinished, "auroc")
    for empty in (unfinished, make_null(float("nan")), make_null(values=[], n_wanted=9)):
        figure = plot_permutation_null(empty, "auroc")
        assert_valid(figure)
        assert not figure.data
        assert figure.layout.annotations[0].text == describe_permutation_null(empty, "auroc")
    assert not plot_permutation_null(make_null(), "auroc", "<b>Asia</b>").data


def test_words_say_where_it_lies():
    """The score, and how many do as well."""
    words = describe_permutation_null(make_null(), "auroc")
    assert "observed 0.70" in words
    assert "200 permutations" in words
