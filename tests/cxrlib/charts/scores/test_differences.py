"""Differences about zero: of models from inside and outside, of predictions and what there is."""

import pandas as pd
import pytest

from cxrlib.charts.scores import (
    describe_calibration,
    describe_region_shift,
    plot_calibration,
    plot_region_shift,
)
from tests.figures import assert_valid
from tests.score_tables import NAN

ROWS = (
    ("Asia", 0.6, 0.7, 0.1, -0.05, 0.25, ""),
    ("<b>Europe</b>", 0.7, 0.6, -0.1, NAN, NAN, "No interval: all resamples agree."),
    ("Oceania", NAN, NAN, NAN, NAN, NAN, "2 persons: <i>too few</i>."),
    ("pooled", 0.65, 0.65, 0.0, -0.1, 0.1, ""),
)


def make_table(first, second, metric=None):
    """Make a table of differences: the second less the first."""
    rows = [
        {
            "fold": fold,
            first: a,
            second: b,
            "difference": gap,
            "low": low,
            "high": high,
            "n_images": 20,
            "n_persons": 15,
            "reason": reason,
            **({"metric": metric} if metric else {}),
        }
        for fold, a, b, gap, low, high, reason in ROWS
    ]
    return pd.DataFrame(rows)


def find_marks(figure):
    """Return x by fold of the squares."""
    trace = next(t for t in figure.data if t.marker.symbol == "square")
    return {data[0]: x for x, data in zip(trace.x, trace.customdata, strict=True)}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_differences_stand_about_zero(theme):
    """Both sides as far; numbers of both models beside, refused ones below with the reason."""
    repeats = pd.DataFrame(
        {"fold": ["Asia"] * 3, "repeat": range(3), "outside": [0.6] * 3, "inside": [0.7, 0.8, NAN]}
    )
    figure = plot_region_shift(make_table("outside", "inside", "auroc"), repeats, theme=theme)
    assert_valid(figure)
    assert find_marks(figure) == {"Asia": 0.1, "<b>Europe</b>": -0.1, "pooled": 0.0}
    low, high = figure.layout.xaxis.range
    assert low == -high
    assert high > 0.25
    texts = [note.text for note in figure.layout.annotations]
    assert any(
        text.startswith("+0.10 (−0.05 to +0.25)") and "0.70 inside, 0.60 outside" in text
        for text in texts
    )
    assert any(text.startswith("−0.10, no interval") for text in texts)
    assert "20 images, 15 persons: 2 persons: &lt;i&gt;too few&lt;/i&gt;." in texts
    assert "&lt;b&gt;Europe&lt;/b&gt;" in texts
    single = next(t for t in figure.data if t.marker.symbol == "line-ns")
    assert list(single.x) == pytest.approx([0.1, 0.2])
    assert "a repeat" in texts


def test_calibration_names_both_means():
    """Shares of classes, or units of a number; all groups together at the foot."""
    table = make_table("observed", "predicted")
    figure = plot_calibration(table)
    assert_valid(figure)
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "0.70 predicted, 0.60 observed" in texts
    assert "All regions together" in texts
    assert "share of positives" in figure.layout.xaxis.title.text
    table[["difference", "low", "high"]] *= 30
    figure = plot_calibration(table, unit="points")
    assert figure.layout.xaxis.range[1] > 7
    assert "points" in figure.layout.xaxis.title.text


def test_words_say_differences_and_what_was_refused():
    """With intervals and both sides."""
    words = describe_region_shift(make_table("outside", "inside", "auroc"))
    assert "AUROC, trained inside minus outside the region" in words
    assert "Asia +0.10 (−0.05 to +0.25), 0.70 inside, 0.60 outside" in words
    assert words.endswith("Not estimable: Oceania.")
    assert "0.70 predicted" in describe_calibration(make_table("observed", "predicted"))


def test_nothing_to_compare_is_an_empty_chart():
    """All refused, or no row at all."""
    table = make_table("outside", "inside", "auroc")
    for few in (table[table["fold"] == "Oceania"], table.iloc[:0]):
        figure = plot_region_shift(few)
        assert_valid(figure)
        assert not figure.data
        assert "No difference can be estimated" in describe_region_shift(few)
