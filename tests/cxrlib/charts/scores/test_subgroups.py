"""Scores by sex and age: those with a score on the axis, others below."""

import pandas as pd
import pytest

from cxrlib.charts.scores import describe_subgroups, plot_subgroups
from tests.figures import assert_valid
from tests.score_tables import NAN

ROWS = (
    ("sex", "female", 0.7, 0.5, 0.9, ""),
    ("sex", "not recorded", NAN, NAN, NAN, "0 persons of the smaller class: too few."),
    ("age", "40–59", 1.0, NAN, NAN, "No interval: all resamples agree."),
)
TABLE = pd.DataFrame(ROWS, columns=["grouping", "group", "value", "low", "high", "reason"]).assign(
    metric="auroc", n_images=20, n_persons=15
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_scored_groups_are_drawn_and_others_explained(theme):
    """A point without an interval is said to have none."""
    figure = plot_subgroups(TABLE, theme=theme)
    assert_valid(figure)
    marks = next(trace for trace in figure.data if trace.customdata is not None)
    assert {tuple(data): x for data, x in zip(marks.customdata, marks.x, strict=True)} == {
        ("sex", "female"): 0.7,
        ("age", "40–59"): 1.0,
    }
    texts = [note.text for note in figure.layout.annotations]
    assert any(text.startswith("1.00, no interval") for text in texts)
    assert "sex not recorded" in texts
    assert "20 images, 15 persons: 0 persons of the smaller class: too few." in texts


def test_words_and_an_empty_table():
    """Every group is named."""
    words = describe_subgroups(TABLE)
    assert "female 0.70 (0.50 to 0.90); age 40–59 1.00, no interval" in words
    assert "Not estimable: sex not recorded" in words
    assert_valid(plot_subgroups(TABLE.iloc[:0]))
    assert describe_subgroups(TABLE.iloc[:0])
