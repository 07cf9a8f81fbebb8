"""Charts of belief: where points and intervals stand, what lines mean, and nothing overlaps."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.maps import plot_path_share, plot_steps
from cxrlib.charts.style import PALETTES, VIEW_SYMBOLS
from cxrlib.cohort import STATE_TITLES
from cxrlib.embedding import lay_out_feature_space
from cxrlib.maps import StepLengths
from cxrlib.maps.faithfulness import STEP_COLUMNS
from cxrlib.patients import path_shares
from tests.course_tables import make_embeddings, make_table
from tests.figures import assert_valid

THEMES = ("light", "dark")


def make_shares(images, *, patient="p"):
    """Make the shares of one patient from (id, day, view, state), among sixty others a view."""
    rng = np.random.default_rng(0)
    rows = [
        (name, patient, day, view, {"state": state, "source": "s"})
        for name, day, view, state in images
    ]
    for k in range(180):
        cells = {"state": str(rng.choice(["good", "bad"])), "source": f"t{k}"}
        rows.append((f"o{k}", f"q{k}", 1.0, ("PA", "AP", "AP Supine")[k % 3], cells))
    embeddings = make_embeddings([row[0] for row in rows], rng.normal(size=(len(rows), 3)))
    table = make_table(rows)
    return path_shares(table, lay_out_feature_space(table, embeddings), patient)


IMAGES = [
    ("a", 0, "PA", "good"), ("b", 4, "AP", "bad"), ("c", 4, "AP", "unknown"),
    ("d", 10, "PA", "bad"), ("e", None, "PA", "good"), ("f", 6, "L", "good"),
]  # fmt: skip


def find_points(figure, axis="y"):
    """Return (x, y, symbol, fill) of each image with a share."""
    marks = next(t for t in figure.data if t.customdata is not None and t.yaxis == axis)
    columns = (marks.x, marks.y, marks.marker.symbol, marks.marker.color)
    return dict(zip(marks.customdata, zip(*columns, strict=True), strict=True)), marks


@pytest.mark.parametrize("theme", THEMES)
def test_points_and_intervals_are_those_of_the_table(theme):
    """Day, share, interval, view as shape, state as colour."""
    shares = make_shares(IMAGES)
    figure = plot_path_share([shares], theme=theme)
    assert_valid(figure)
    points, marks = find_points(figure)
    table = shares.table.set_index("image_id")
    assert set(points) == set("abcde")
    for place, name in enumerate(marks.customdata):
        row = table.loc[name]
        assert points[name][1] == row["share"]
        assert marks.error_y.array[place] == pytest.approx(row["high"] - row["share"])
        assert marks.error_y.arrayminus[place] == pytest.approx(row["share"] - row["low"])
        assert points[name][2] == VIEW_SYMBOLS[row["view"]]
    palette = PALETTES[theme]
    assert [points[n][3] for n in "abc"] == [
        palette.states["good"], palette.states["bad"], palette.page
    ]  # fmt: skip
    x = {name: point[0] for name, point in points.items()}
    middle = (x["b"] + x["c"]) / 2
    assert (middle - x["a"]) / (x["d"] - x["a"]) == pytest.approx(0.4)
    assert x["b"] < x["c"]
    assert x["e"] > x["d"]


def test_a_dashed_line_a_view_with_its_name():
    """At the share of all images of that view; names do not touch each other."""
    shares = make_shares(IMAGES)
    figure = plot_path_share([shares])
    there = shares.table[shares.table["reason"] == ""]
    wanted = dict(zip(there["view"], there["overall"], strict=True))
    lines = [t.y[0] for t in figure.data if t.mode == "lines"]
    assert sorted(lines) == sorted(wanted.values())
    names = [n for n in figure.layout.annotations if n.text.endswith(" %")]
    assert {n.text for n in names} == {f"{v} {100 * s:.0f} %" for v, s in wanted.items()}
    heights = sorted(n.y for n in names)
    assert np.diff(heights).min() > 0.1


def test_what_is_not_estimable_is_a_dash_with_its_reason():
    """At the foot, named in the key; without any of it the key does not name it."""
    figure = plot_path_share([make_shares(IMAGES)])
    gone = next(t for t in figure.data if t.customdata is not None and "f" in t.customdata)
    assert gone.y == (0,)
    assert "not estimable" in gone.hovertext[0]
    keys = [t.name for t in figure.data if t.showlegend is not False]
    assert keys == ["PA", "AP", *STATE_TITLES.values(), "Not estimable"]
    whole = plot_path_share([make_shares(IMAGES[:2])])
    assert "Not estimable" not in [t.name for t in whole.data]


def test_a_panel_a_patient_and_words_for_none():
    """Height grows with the panels; panels do not overlap; nobody chosen is said."""
    shares = make_shares(IMAGES)
    one, three = plot_path_share([shares]), plot_path_share([shares] * 3)
    assert three.layout.height > one.layout.height + 2 * 200
    domains = [three.layout[name].domain for name in ("yaxis", "yaxis2", "yaxis3")]
    for upper, lower in pairwise(domains):
        assert upper[0] > lower[1]
    assert domains[-1][0] > 0
    nobody = plot_path_share([])
    assert_valid(nobody)
    assert "Select a patient" in nobody.layout.annotations[0].text


@pytest.mark.parametrize(
    "days", [[None], [None] * 12, [3.0], [3.0] * 9, [-400.0, 0.0, 1.0, 380.0], list(range(60))]
)
def test_hard_courses(days):
    """No day, one day, offsets a year apart, sixty days: places in the frame and in order."""
    images = [(f"i{k:02d}", day, "PA", "good") for k, day in enumerate(days)]
    figure = plot_path_share([make_shares(images)])
    assert_valid(figure)
    points, _ = find_points(figure)
    low, high = figure.layout.xaxis.range
    x = [points[name][0] for name, *_ in images]
    assert x == sorted(x)
    assert len(set(x)) == len(x)
    assert low < min(x) <= max(x) < high


def test_markup_stays_text():
    """A patient's id, a view and the reasons come from files."""
    images = [("a", 1, "<b>PA</b>", "good"), ("b", 1, "<i>AP</i>", "bad")]
    figure = plot_path_share([make_shares(images, patient="<b>x</b>")])
    text = str(figure.to_plotly_json())
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "&lt;b&gt;PA&lt;/b&gt;" in text
    for tag in ("<b>x", "<b>PA", "<i>AP"):
        assert tag not in text


def make_steps(n=3, *, seeds=True):
    """Make steps of two patients."""
    rows = []
    for k in range(n):
        low, high = (0.1 * k, 0.1 * k + 0.5) if seeds else (np.nan, np.nan)
        patient = "p" if k < 2 else "<b>q</b>"
        rows.append((patient, -1.0 + k, float(k), "bad", 1.0 + k, 0.5, 0.3, 0.4, low, high))
    table = pd.DataFrame(rows, columns=list(STEP_COLUMNS))
    return StepLengths(table, 3.3, 1.1, 10 if seeds else 0)


@pytest.mark.parametrize("theme", THEMES)
def test_steps_stand_in_rows_under_their_patient(theme):
    """Both lengths and the seeds' range at the row of their name."""
    figure = plot_steps(make_steps(), theme=theme)
    assert_valid(figure)
    labels = figure.layout.yaxis.ticktext
    assert labels == (
        "<b>Patient p</b>", "day −1 to 0", "day 0 to 1", "<b>Patient &lt;b&gt;q&lt;/b&gt;</b>",
        "day 1 to 2",
    )  # fmt: skip
    seeds, on_map, in_numbers = figure.data
    assert on_map.y == in_numbers.y == (1, 2, 4)
    assert on_map.x == (0.3, 0.3, 0.3)
    assert in_numbers.x == (0.4, 0.4, 0.4)
    assert seeds.x[3:5] == pytest.approx((0.1, 0.6))
    assert seeds.y[6:8] == (4, 4)
    assert seeds.name == "map, 10 other seeds"
    assert figure.layout.xaxis.range[1] >= 1.1


def test_steps_without_seeds_and_no_step():
    """No bar without a range; words in place of an empty chart."""
    figure = plot_steps(make_steps(seeds=False))
    assert [trace.name for trace in figure.data] == ["on the map", "in feature space"]
    nothing = plot_steps(make_steps(0))
    assert_valid(nothing)
    assert "No step to measure" in nothing.layout.annotations[0].text
