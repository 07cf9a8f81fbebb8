"""Charts of courses: where points stand, what scales mean, and that nothing overlaps."""

from itertools import pairwise

import numpy as np
import pytest

from cxrlib.charts.patients import (
    describe_points,
    describe_scale,
    plot_course,
    plot_similar_patients,
)
from cxrlib.charts.style import PALETTES, VIEW_SYMBOLS, text_width
from cxrlib.patients import estimate_noise, output_course
from tests.course_tables import find_similar, make_embeddings, make_table
from tests.cxrlib.patients.test_output_courses import make_days
from tests.cxrlib.patients.test_similar_patients import make_cohort
from tests.figures import assert_valid

THEMES = ("light", "dark")


def make_course(images, values=None, names=("one", "two"), *, label="Test measures"):
    """Make the course of one patient from (id, day, view) and perhaps further cells."""
    table = make_table([(name, "p", day, view, *rest) for name, day, view, *rest in images])
    if values is None:
        values = np.arange(len(names) * len(images)).reshape(len(images), -1)
    embeddings = make_embeddings([image[0] for image in images], values, names, label=label)
    return output_course(table, embeddings, names)


@pytest.fixture(scope="module")
def noise():
    """Give the spread within a day of a hundred persons."""
    return estimate_noise(*make_days(100, 2))


def find_points(figure):
    """Return (x, y, symbol, colour) of each image in the first panel."""
    marks = next(trace for trace in figure.data if trace.customdata is not None)
    columns = (marks.x, marks.y, marks.marker.symbol, marks.marker.color)
    return dict(zip(marks.customdata, zip(*columns, strict=True), strict=True))


IMAGES = [
    ("a", 1, "AP", {"state": "good"}),
    ("b", 3, "PA", {"state": "bad"}),
    ("c", 5, "AP", {"state": "unknown"}),
    ("d", 5, "AP"),
    ("e", None, "L"),
    ("f", 9, None),
]


@pytest.mark.parametrize("theme", THEMES)
def test_points_are_at_their_day_and_value(theme):
    """Shape by view, colour by state, days proportional, no day beyond all days."""
    figure = plot_course(make_course(IMAGES), theme=theme)
    assert_valid(figure)
    points = find_points(figure)
    x = {name: point[0] for name, point in points.items()}
    assert (x["b"] - x["a"]) / (x["f"] - x["a"]) == pytest.approx(2 / 8)
    assert x["e"] > x["f"]
    assert [points[name][1] for name in "abc"] == [0, 2, 4]
    assert [points[name][2] for name in "abef"] == [
        VIEW_SYMBOLS["AP"], VIEW_SYMBOLS["PA"], VIEW_SYMBOLS["L"], "cross"
    ]  # fmt: skip
    palette = PALETTES[theme]
    assert [points[name][3] for name in "abc"] == [
        palette.states["good"], palette.states["bad"], palette.page
    ]  # fmt: skip


def test_lines_join_one_view_through_the_mean_of_a_day():
    """No line leads to another view, to an image without a day or without a view."""
    figure = plot_course(make_course(IMAGES))
    line = next(trace for trace in figure.data if trace.mode == "lines")
    runs, run = [], []
    for x, y in zip(line.x, line.y, strict=True):
        if x is None:
            runs.append(run)
            run = []
        else:
            run.append(y)
    # AP: day 1, then the mean of both images of day 5; PA alone; L without a day.
    assert sorted(map(tuple, runs), key=len) == [(), (2,), (0, 5)]


def test_the_key_names_what_is_there():
    """Views and states, in words; nothing that is not on the chart."""
    names = [t.name for t in plot_course(make_course(IMAGES)).data if t.showlegend is not False]
    assert names == [
        "PA", "AP", "L", "view not recorded", "In ICU or intubated", "Not in ICU, not intubated",
        "Not recorded",
    ]  # fmt: skip


def test_values_are_never_stretched_beyond_the_spread_of_a_day(noise):
    """A change that is small against a day looks small."""
    course = make_course(
        [("a", 1, "PA"), ("b", 5, "PA")], [[0, 0], [0.01, 100]], ("output 0", "output 1")
    )
    figure = plot_course(course, noise)
    low, high = figure.layout.yaxis.range
    assert high - low > noise.find("output 0")["p90"]
    low, high = figure.layout.yaxis2.range
    assert low < 0
    assert high > 100


@pytest.mark.parametrize("part", ["p90", "median"])
def test_scale_is_as_long_as_the_spread(noise, part):
    """In the units of the axis, the pale part for 9 of 10, the dark one for the median."""
    course = make_course([("a", 1, "PA"), ("b", 5, "PA")], names=("output 0", "output 1"))
    lines = [t for t in plot_course(course, noise).data if t.mode == "lines" and t.hovertext]
    lengths = [line.y[1] - line.y[0] for line in lines if line.yaxis == "y"]
    assert any(length == pytest.approx(noise.find("output 0")[part]) for length in lengths)


def test_without_an_estimate_there_is_no_scale_but_a_reason():
    """Few pairs: no bar is drawn."""
    few = estimate_noise(*make_days(3, 2))
    course = make_course([("a", 1, "PA"), ("b", 5, "PA")], names=("output 0", "output 1"))
    figure = plot_course(course, few)
    assert_valid(figure)
    assert not [trace for trace in figure.data if trace.mode == "lines" and trace.hovertext]
    texts = [note.text for note in figure.layout.annotations]
    assert "Same-day repeats: not estimable" in texts


def test_words_say_what_the_scale_rests_on(noise):
    """Pairs and persons; nothing where no output is chosen."""
    found = noise.find("output 0")
    words = describe_scale(make_course(IMAGES, names=("output 0",)), noise)
    assert f"({found['n_pairs']} pairs of {found['n_persons']} persons)" in words
    assert describe_scale(make_course(IMAGES, names=()), noise) == ""


def test_the_extractor_and_what_outputs_are_not_stand_on_the_chart(noise):
    """Markup in a name stays text."""
    course = make_course([("a", 1, "<b>PA</b>")], names=("output 0",), label="<i>Net</i>")
    figure = plot_course(course)
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "Outputs of &lt;i&gt;Net&lt;/i&gt;, not probabilities of disease." in texts
    assert "<i>" not in texts
    assert any(trace.name == "&lt;b&gt;PA&lt;/b&gt;" for trace in figure.data)


def test_chosen_images_have_a_ring_and_left_out_ones_are_faint():
    """The pair in the viewer, and the filters."""
    figure = plot_course(make_course(IMAGES), selected=("b",), kept={"a", "b"})
    marks = next(trace for trace in figure.data if trace.customdata is not None)
    ring = next(trace for trace in figure.data if trace.marker.symbol == "circle-open")
    points = find_points(figure)
    assert (ring.x[0], ring.y[0]) == points["b"][:2]
    opacity = dict(zip(marks.customdata, marks.marker.opacity, strict=True))
    assert opacity["a"] == opacity["b"] == 1
    assert opacity["c"] < 0.5


@pytest.mark.parametrize(
    "images",
    [
        [("a", 3, "PA")],
        [("a", None, "PA")],
        [("a", None, "PA"), ("b", None, "L")],
        [("a", 0, "PA"), ("b", 365, "PA"), ("c", 366, "PA")],
        [("a", -40, "L"), ("b", -39.5, "L")],
        [(f"i{k}", k % 50, "AP") for k in range(200)],
        [(f"i{k}", None, "AP") for k in range(200)],
    ],
    ids=["one", "undated", "two undated", "a year", "negative", "200", "200 undated"],
)
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 7])
def test_any_patient_can_be_drawn(images, n_outputs, noise):
    """All points within their panel, day labels apart, panels apart."""
    names = tuple(f"output {k}" for k in range(n_outputs))
    figure = plot_course(make_course(images, names=names))
    assert_valid(figure)
    axes = [figure.layout["xaxis" + (str(k + 1) if k else "")] for k in range(n_outputs)]
    low, high = axes[0].range
    assert all(low <= point[0] <= high for point in find_points(figure).values())
    labels = [
        (place, text)
        for place, text in zip(axes[0].tickvals, axes[0].ticktext, strict=True)
        if text
    ]
    # At 640 pixels a panel of two is 260 wide.
    scale = (260 if n_outputs > 1 else 570) / (high - low)
    for (place, text), (following, other) in pairwise(labels):
        needed = (text_width(text) + text_width(other)) / 2
        assert (following - place) * scale > needed
    domains = [figure.layout["yaxis" + (str(k + 1) if k else "")].domain for k in range(n_outputs)]
    for (bottom, _), (_, top) in zip(domains, domains[2:], strict=False):
        assert bottom > top
    assert min(bottom for bottom, _ in domains) >= 0


def test_no_numbers_are_said():
    """An extractor that has none of the patient's images."""
    table = make_table([("a", "p", 1, "PA"), ("b", "p", 2, "PA")])
    course = output_course(table, make_embeddings(["z"], [[1]]))
    figure = plot_course(course)
    assert_valid(figure)
    assert "has no values for these 2 images" in figure.layout.annotations[0].text


# ---- near courses


@pytest.mark.parametrize("theme", THEMES)
def test_near_persons_are_at_their_distance(theme):
    """The nearest as points with their id, the others as lines, random ones above."""
    courses = find_similar(*make_cohort(40, 4), "p0", n_nearest=5)
    figure = plot_similar_patients(courses, theme=theme)
    assert_valid(figure)
    points = next(trace for trace in figure.data if trace.customdata is not None)
    found = dict(zip(points.customdata, points.x, strict=True))
    assert found == dict(zip(courses.table["person_id"], courses.table["distance"], strict=True))
    rest = next(trace for trace in figure.data if len(trace.x) == courses.n_persons - 5)
    assert min(rest.x) >= max(points.x)
    spans = [trace.x for trace in figure.data if trace.mode == "lines"]
    assert spans[0] == (courses.reference.low, courses.reference.high)
    assert spans[1] == (courses.reference.best_low, courses.reference.best_high)
    assert figure.layout.xaxis.range[1] > max(courses.distances.max(), courses.reference.high)
    names = [note.text for note in figure.layout.annotations]
    assert f"Nearest of {courses.n_persons} random patients" in names


def test_hollow_points_share_a_source():
    """And the words below say so."""
    table, embeddings = make_cohort(40, 4)
    table.loc[table["patient_id"].isin(["p0", "p7"]), "source"] = "site"
    courses = find_similar(table, embeddings, "p0", n_nearest=99)
    figure = plot_similar_patients(courses)
    points = next(trace for trace in figure.data if trace.customdata is not None)
    colours = dict(zip(points.customdata, points.marker.color, strict=True))
    hollow = [name for name, colour in colours.items() if colour == PALETTES["light"].page]
    assert hollow == ["p7"]
    assert "Hollow: same article or site." in describe_points(courses)


def test_names_of_persons_do_not_overlap_at_360_pixels():
    """Names are left out where there is no room."""
    table, embeddings = make_cohort(60, 4, seed=2, spread=1.0)
    courses = find_similar(table, embeddings, "p0", n_nearest=20)
    figure = plot_similar_patients(courses)
    ids = {"patient " + courses.table["person_id"][0], *courses.table["person_id"]}
    names = [note for note in figure.layout.annotations if note.text in ids]
    scale = (360 - 26) / figure.layout.xaxis.range[1]
    ends = [
        (n.x * scale - text_width(n.text) / 2, n.x * scale + text_width(n.text) / 2) for n in names
    ]
    assert len(names) > 1
    assert all(left[1] <= right[0] for left, right in pairwise(ends))


def test_reasons_stand_in_place_of_a_chart_or_a_reference():
    """Nobody near; few to draw from."""
    table, embeddings = make_cohort(8, 4)
    courses = find_similar(table, embeddings, "p0")
    few = plot_similar_patients(courses)
    assert_valid(few)
    assert not [trace for trace in few.data if trace.mode == "lines"]
    assert "Whether this is close is not estimable" in describe_points(courses)
    alone = find_similar(table[table["patient_id"] == "p0"], embeddings, "p0")
    assert describe_points(alone) == ""
    others = find_similar(*make_cohort(12, 4), "p0", n_nearest=10)
    assert others.n_persons == 11
    assert describe_points(others).endswith("Thin line: 1 more.")
    nobody = plot_similar_patients(alone)
    assert_valid(nobody)
    assert "no other patient" in nobody.layout.annotations[0].text.replace("<br>", " ")
