"""Two groups side by side: points and intervals where the table has them, reasons elsewhere."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.cohort import describe_differences, plot_differences
from cxrlib.cohort import load_cohort
from cxrlib.summary import Comparison, compare_groups
from tests.cohort_factory import make_cohort

NAN = float("nan")
ROWS = [
    ("age", "Age (years)", "median", "median", 20, 20, 50.5, 30, 30, 60.0, -9.5, -12.0, -4.0, ""),
    ("survival", "Survived", "yes", "share", 9, 10, 0.9, 5, 10, 0.5, 0.4, 0.1, 0.7, ""),
    ("view", "View", "<b>PA</b>", "share", 10, 10, 1.0, 0, 10, 0.0, 1.0, NAN, NAN, "no spread"),
    ("rt_pcr", "RT-PCR", "yes", "share", 0, 0, NAN, 0, 4, 0.0, NAN, NAN, NAN, "none recorded"),
    ("sex", "Sex", "male", "share", 5, 10, 0.5, 6, 10, 0.6, -0.1, -0.3, 0.1, ""),
]  # fmt: skip
COLUMNS = (
    *("variable", "title", "value", "kind", "first_n", "first_of", "first"),
    *("second_n", "second_of", "second", "difference", "low", "high", "reason"),
)


def make_comparison(rows=ROWS):
    """Hold a made-up comparison, with a name that has markup."""
    table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(first_persons=1, second_persons=1)
    return Comparison(table, "<i>PA</i>", "rest", 20, 30, "patient", 100, 0, ("note",))


def points(figure):
    """Return (difference, low, high) of each point, by its words."""
    found = {}
    for trace in figure.data:
        low, high = trace.error_x.arrayminus, trace.error_x.array
        for x, down, up, words in zip(trace.x, low, high, trace.hovertext, strict=True):
            found[words.split("</b>")[0].removeprefix("<b>")] = (x, x - down, x + up)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_are_where_the_table_says(theme):
    """Shares in percentage points, medians in years; no point without a difference."""
    found = points(plot_differences(make_comparison(), theme=theme))
    assert found["Age (years)"] == pytest.approx((-9.5, -12, -4))
    assert found["Survived"] == pytest.approx((40, 10, 70))
    assert found["Sex: male"] == pytest.approx((-10, -30, 10))
    assert found["View: &lt;b&gt;PA&lt;/b&gt;"] == pytest.approx((100, 100, 100))
    assert len(found) == 4


def test_zero_is_in_the_middle_and_all_is_within():
    """Axes reach as far on both sides, beyond every interval."""
    figure = plot_differences(make_comparison())
    for axis, furthest in ((figure.layout.xaxis, 12), (figure.layout.xaxis2, 100)):
        assert axis.range[0] == -axis.range[1]
        assert axis.range[1] > furthest


def test_what_cannot_be_trusted_is_hollow_and_what_is_missing_has_its_reason():
    """A point without an interval is hollow; without a difference the reason is written."""
    figure = plot_differences(make_comparison())
    hollow = [len(set(trace.marker.color)) for trace in figure.data]
    assert hollow == [1, 2]
    assert "none recorded" in [note.text for note in figure.layout.annotations]


def test_a_long_name_leaves_room_for_the_differences():
    """Beside the point it is cut; pointing at the point tells it whole."""
    name = "a-hospital-with-a-very-long-name.example.org"
    row = ("source", "Source", name, "share", 9, 20, 0.45, 5, 20, 0.25, 0.2, 0.1, 0.3, "")
    figure = plot_differences(make_comparison([row]))
    assert all(len(text) <= 26 for text in figure.layout.yaxis.ticktext)
    assert figure.layout.margin.l + figure.layout.margin.r < 450
    assert name in figure.data[0].hovertext[0]


def test_both_groups_numbers_stand_beside():
    """Counts with denominators, medians with how many they are of."""
    texts = [note.text for note in plot_differences(make_comparison()).layout.annotations]
    assert "9 of 10 vs 5 of 10" in texts
    assert "50.5 (of 20) vs 60 (of 30)" in texts
    assert "&lt;i&gt;PA&lt;/i&gt; minus rest" in texts


def test_words_name_what_leaves_zero_out():
    """The text alternative counts differences and names the clear ones."""
    words = describe_differences(make_comparison())
    assert "5 numbers, 3 with an interval" in words
    assert "2 exclude zero: Age (years) -9.5 years; Survived +40.0 points" in words
    assert "No interval excludes zero" in describe_differences(make_comparison(ROWS[-1:]))


def test_nothing_to_compare_is_said():
    """An empty comparison is a chart with words."""
    figure = plot_differences(make_comparison([]))
    assert "Widen the filters" in figure.layout.annotations[0].text
    assert describe_differences(make_comparison([]))


def test_a_cohorts_own_comparison_is_drawn(tmp_path):
    """What the library compares has the columns that are drawn."""
    rows = [{"age": 40 + i, "view": "PA" if i % 3 else "AP", "sex": "MF"[i % 2]} for i in range(24)]
    cohort = load_cohort(make_cohort(tmp_path / "cohort", rows))
    compared = compare_groups(cohort, cohort.table["view"] == "PA", n_resamples=50)
    figure = plot_differences(compared)
    known = np.isfinite(compared.table["difference"].to_numpy(dtype=float)).sum()
    assert len(points(figure)) == known
