"""The map as a figure: what it says, what it carries, and what it must not render."""

import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.maps import (
    HOVER_COLUMN,
    caption_map,
    describe_map,
    format_hover_texts,
    map_html,
    plot_map,
)
from cxrlib.charts.maps.map_text import describe_paths
from cxrlib.charts.style import PALETTES, format_day
from cxrlib.charts.style.template import MAX_SVG_POINTS
from cxrlib.cohort import STATE_TITLES
from cxrlib.maps import (
    SurfaceWish,
    compute_trajectory,
    estimate_density,
    estimate_surface,
    map_points,
)
from cxrlib.maps.trajectories import mark_icu_or_intubated
from cxrlib.storage import ExtractorInfo
from tests.figures import assert_valid, read_json

REASONS = {"bad": "in the ICU", "good": "not in the ICU", "unknown": ""}


def make_map(n_images=90, patients=None):
    """Make a table and places; patient P has six dated days and one image without a day."""
    rng = np.random.default_rng(5)
    states = rng.choice(["bad", "good", "unknown"], n_images)
    states[:7] = ["good", "unknown", "bad", "bad", "bad", "good", "unknown"]
    ids = [f"{row // 3}" for row in range(n_images)]
    ids[:7] = ["P"] * 7
    table = pd.DataFrame(
        {
            "image_id": [f"image-{row}.png" for row in range(n_images)],
            "patient_id": patients or ids,
            "person_id": patients or ids,
            "offset": pd.array([*range(0, 18, 3), None, *range(n_images - 7)], dtype="Float64"),
            "view": "AP Supine",
            "state": states,
            "state_reasons": [REASONS[state] for state in states],
            "state_overlap": False,
            "in_icu": np.where(states == "bad", "yes", "not recorded"),
            "intubation_present": "not recorded",
            "survival": "no",
        }
    )
    table.loc[10, "view"] = None
    places = SimpleNamespace(
        image_ids=tuple(table["image_id"]),
        coordinates=rng.normal(0, 4, (n_images, 2)).astype(np.float32),
    )
    return table, places


@pytest.fixture
def drawn():
    """Give points, density and one trajectory."""
    table, places = make_map()
    points = map_points(table, places)
    density = estimate_density(
        points.loc[mark_icu_or_intubated(points), ["x", "y"]].to_numpy(float)
    )
    return points, density, [compute_trajectory(table, places, "P")]


def traces(figure, **wanted):
    """Return the traces with these properties."""
    return [trace for trace in figure.data if wanted.items() <= flat(trace).items()]


def flat(trace):
    """Return a trace's plain properties; Plotly raises for those a kind of trace lacks."""
    values = trace.to_plotly_json()
    return {name: value for name, value in values.items() if isinstance(value, str)}


def is_arrow(trace):
    """Tell whether a trace is made of arrow heads."""
    return trace.to_plotly_json().get("marker", {}).get("angleref") == "previous"


def texts(figure):
    """Return every text in a figure that Plotly would read as markup."""
    found = [note.text for note in figure.layout.annotations]
    found.append(figure.layout.title.text)
    for trace in figure.data:
        hover = trace.to_plotly_json().get("hovertext")
        found += [trace.name, *np.atleast_1d(hover).tolist()]
    return [text for text in found if text]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_have_their_colour_shape_and_count(drawn, theme):
    """Draw bad as orange diamonds, good as blue circles, unknown hollow, with counts."""
    figure = plot_map(*drawn, theme=theme)
    counts = drawn[0]["state"].value_counts()
    looks = {
        "bad": ("diamond", "#D55E00"),
        "good": ("circle", "#0072B2"),
        "unknown": ("circle", PALETTES[theme].page),
    }
    for state, (symbol, colour) in looks.items():
        (trace,) = traces(figure, name=f"{STATE_TITLES[state]}: {counts[state]}")
        assert (trace.marker.symbol, trace.marker.color) == (symbol, colour)
        assert len(trace.x) == counts[state]


def test_every_image_can_be_clicked_once(drawn):
    """Carry image and patient id on each mark of the background."""
    points, density, _ = drawn
    figure = plot_map(points, density)
    found = [tuple(pair) for trace in traces(figure, mode="markers") for pair in trace.customdata]
    expected = zip(points["image_id"], points["patient_id"], strict=True)
    assert sorted(found) == sorted(expected)


def test_hover_speaks_in_sentences(drawn):
    """Say patient, day, view and state; a blank is said, not shown as nan."""
    points, density, ways = drawn
    spoken = " | ".join(texts(plot_map(points, density, ways)))
    assert "Patient P, day 6, AP Supine<br><b>In ICU</b>" in spoken
    assert "Patient P, day not recorded, AP Supine<br>ICU and intubation not recorded" in spoken
    assert "view not recorded" in spoken
    assert "nan" not in spoken.lower()
    assert "<NA>" not in spoken


def test_path_goes_from_day_to_day(drawn):
    """Draw the line through all dated stops, arrows coloured by the state they lead to."""
    points, density, (way,) = drawn
    figure = plot_map(points, density, [way])
    line = traces(figure, mode="lines")[-1]
    assert list(line.x) == [stop.x for stop in way.stops]
    assert line.line.color == PALETTES["light"].ink
    arrows = next(trace for trace in figure.data if is_arrow(trace))
    assert arrows.type == "scatter", "WebGL has no angleref"
    assert list(arrows.marker.symbol) == ["circle", *["arrow"] * 5]
    states = PALETTES["light"].states
    assert list(arrows.marker.color[1:]) == [states[step.state] for step in way.steps]


def test_days_and_patient_are_written(drawn):
    """Write each dated day beside the path, the first with the patient; none for no day."""
    figure = plot_map(*drawn)
    written = [note.text for note in figure.layout.annotations if "day" in note.text]
    assert written == [
        "<b>P</b>, day 0", "day 3", "day 6", "day 9", "day 12", "day 15",
    ]  # fmt: skip


def test_chosen_patients_come_forward(drawn):
    """Fade the others when some are chosen, draw the chosen one's images fully."""
    points, density, ways = drawn
    plain, chosen = plot_map(points, density), plot_map(points, density, ways)
    assert plain.data[1].marker.opacity == 1
    assert chosen.data[1].marker.opacity < 1
    own = [
        trace for trace in traces(chosen, mode="markers") if np.array_equal(trace.marker.opacity, 1)
    ]
    assert {pair[1] for trace in own for pair in trace.customdata} == {"P"}
    assert sum(len(trace.x) for trace in own) == 7


def test_several_patients_differ_in_more_than_place():
    """Give the second path another dash and slanted labels."""
    table, places = make_map()
    ways = [compute_trajectory(table, places, each) for each in ("P", "5")]
    figure = plot_map(map_points(table, places), None, ways)
    dashes = {trace.line.dash for trace in traces(figure, mode="lines") if trace.line.dash}
    assert len(dashes) == 2
    assert any(note.text.startswith("<i>") for note in figure.layout.annotations)


def test_one_day_is_labelled_and_has_no_arrow():
    """Mark a patient with a single dated image without a line or an arrow."""
    table, places = make_map()
    table.loc[table["patient_id"] == "5", "offset"] = [4.0, None, None]
    way = compute_trajectory(table, places, "5")
    figure = plot_map(map_points(table, places), None, [way])
    assert not [trace for trace in figure.data if is_arrow(trace)]
    assert [note.text for note in figure.layout.annotations] == ["<b>5</b>, day 4"]


def test_patient_without_any_day_is_still_marked():
    """Mark images without a day; write no label and draw no path."""
    table, places = make_map()
    table.loc[table["patient_id"] == "5", "offset"] = None
    way = compute_trajectory(table, places, "5")
    figure = plot_map(map_points(table, places), None, [way])
    assert "Loosen" not in " ".join(texts(figure))
    assert "no image with a recorded day; 3 images without a day" in describe_map(
        map_points(table, places), None, [way]
    )


def test_day_with_two_images_hangs_them_on_their_mean(drawn):
    """Join the images of one day to their mean by threads."""
    table, places = make_map()
    table.loc[3, "offset"] = 6.0
    way = compute_trajectory(table, places, "P")
    figure = plot_map(map_points(table, places), None, [way])
    (threads,) = [trace for trace in traces(figure, mode="lines") if None in trace.x]
    assert list(threads.x).count(None) == 2


@pytest.fixture
def mixed():
    """Give points and the way of patient P, whose day 6 has a bad and a good image."""
    table, places = make_map()
    table.loc[5, "offset"] = 6.0
    for row, state in ((2, "bad"), (5, "good")):
        table.loc[row, ["state", "state_reasons"]] = state, REASONS[state]
    return map_points(table, places), compute_trajectory(table, places, "P")


def test_mixed_day_says_how_many_images_are_bad(mixed):
    """Say "in ICU (1 of 2 images)" at the day's mean, at its images and in the description."""
    points, way = mixed
    spoken = texts(plot_map(points, None, [way]))
    assert any(
        text.startswith(
            "Patient P, day 6<br>in ICU (1 of 2 images); the path goes through the mean"
        )
        for text in spoken
    )
    of_images = [text for text in spoken if "The day counts as: in ICU (1 of 2 images)" in text]
    assert {("<b>Not in ICU" in text, "<b>In ICU</b>" in text) for text in of_images} == {
        (True, False), (False, True),
    }  # fmt: skip
    assert "day 6, in ICU (1 of 2 images), " in describe_map(points, None, [way])


def test_unknown_says_what_is_not_recorded(drawn):
    """Say in the hover what is not recorded."""
    spoken = " | ".join(texts(plot_map(*drawn)))
    assert "ICU and intubation not recorded" in spoken


def test_several_paths_have_a_key_and_name_their_ends():
    """Show each path's dash with its patient above the map, and name first and last days."""
    table, places = make_map()
    ways = [compute_trajectory(table, places, each) for each in ("P", "5")]
    figure = plot_map(map_points(table, places), None, ways)
    keys = traces(figure, legend="legend2")
    assert [(key.name, key.line.dash) for key in keys] == [
        ("Patient P", "solid"), ("Patient 5", "dash"),
    ]  # fmt: skip
    assert all(key.showlegend for key in keys)
    written = [note.text for note in figure.layout.annotations]
    assert "<b>P</b>, day 15" in written
    assert (figure.layout.legend.yref, figure.layout.legend.yanchor) == ("container", "top")
    assert (figure.layout.legend2.yref, figure.layout.legend2.yanchor) == ("container", "top")
    assert figure.layout.legend.y < figure.layout.legend2.y, "states below the paths"
    assert figure.layout.margin.t > plot_map(map_points(table, places), None).layout.margin.t


def test_marks_at_one_place_do_not_hide_each_other(drawn):
    """Draw a mark over another smaller, also over one of another path."""
    points, _, (way,) = drawn
    sizes = np.concatenate(
        [
            trace.marker.size
            for trace in plot_map(points, None, [way, replace(way, patient_id="twin")]).data
            if trace.mode == "markers"
            and trace.marker.opacity == 1
            and trace.customdata is not None
        ]
    )
    assert sizes.tolist() == [13] * 7 + [9] * 7


def make_blob(centre, spread=0.3, n=60):
    """Make points over a square of 10 map units, with a dense place."""
    rng = np.random.default_rng(3)
    places = np.vstack([rng.uniform(0, 10, (200, 2)), rng.normal(centre, spread, (n, 2))])
    table, _ = make_map(len(places))
    found = SimpleNamespace(image_ids=tuple(table["image_id"]), coordinates=places)
    return map_points(table, found), places[200:]


@pytest.mark.parametrize("centre", [(5, 5), (5, 0), (0, 10), (10, 3)])
@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 2.0, 3.0])
def test_no_band_of_the_density_is_cut(centre, bandwidth):
    """Keep the density under its lowest level all along the edge and beyond, at little cost."""
    points, dense = make_blob(centre)
    density = estimate_density(dense, bandwidth=bandwidth)
    figure = plot_map(points, density)
    contour = figure.data[0]
    (x_min, x_max), (y_min, y_max) = figure.layout.xaxis.range, figure.layout.yaxis.range
    out_x = (density.x <= x_min) | (density.x >= x_max)
    out_y = (density.y <= y_min) | (density.y >= y_max)
    outside = np.asarray(contour.z)[out_y[:, np.newaxis] | out_x]
    assert contour.contours.start >= 0.999 * np.asarray(contour.z).max() / 8
    assert outside.max(initial=0) < contour.contours.start
    assert points["x"].between(x_min, x_max).all()
    assert points["y"].between(y_min, y_max).all()
    spans = np.ptp(points[["x", "y"]].to_numpy(), axis=0)
    assert np.all(np.array([x_max - x_min, y_max - y_min]) <= 1.301 * spans)


def test_density_in_the_middle_costs_no_room():
    """Keep the range of a map without a density where the density lies well inside."""
    points, dense = make_blob((5, 5))
    figure = plot_map(points, estimate_density(dense, bandwidth=0.3))
    assert figure.layout.xaxis.range == plot_map(points, None).layout.xaxis.range


def test_whole_map_is_kept_for_autoscaling(drawn):
    """Let autoscaling return to the whole map, whatever lies beyond it."""
    whole = plot_map(*drawn)
    for axis in ("xaxis", "yaxis"):
        back = whole.layout[axis].autorangeoptions
        assert (back.minallowed, back.maxallowed) == whole.layout[axis].range


def test_larger_map_keeps_its_places(drawn):
    """Grow text, marks, lines and height together; leave data as it is.

    Labels find new places: the page does not grow.
    """
    points, density, ways = drawn
    plain, large = (plot_map(points, density, ways, scale=scale) for scale in (1.0, 1.5))
    assert large.layout.height == 930
    assert large.layout.template.layout.font.size == 21
    assert large.layout.margin.t == 1.5 * plain.layout.margin.t
    assert large.layout.template.layout.margin.autoexpand is False
    assert (large.layout.xaxis.range, large.layout.legend.y) == (
        plain.layout.xaxis.range, plain.layout.legend.y,
    )  # fmt: skip
    for before, after in zip(plain.layout.annotations, large.layout.annotations, strict=True):
        assert after.font.size == 1.5 * before.font.size
        assert (after.ax is None) == (before.ax is None)
    for before, after in zip(plain.data, large.data, strict=True):
        np.testing.assert_array_equal(before.x, after.x)
        if before.type == "contour":
            assert after.contours == before.contours
        elif before.mode == "markers":
            np.testing.assert_allclose(after.marker.size, 1.5 * np.array(before.marker.size))
        else:
            assert after.line.width == 1.5 * before.line.width


def test_scale_that_is_no_scale_is_refused(drawn):
    """Refuse zero, naming it."""
    with pytest.raises(ValueError, match="Scale 0"):
        plot_map(*drawn, scale=0)


HOSTILE = '<a href="https://example.org">x</a><b>bold</b>%{x}&amp;'


def test_hostile_ids_are_text(drawn):
    """Show markup in ids as it stands, in marks, labels, hover and the export."""
    patients = [HOSTILE] * 7 + ["other"] * 83
    table, places = make_map(patients=patients)
    way = compute_trajectory(table, places, HOSTILE)
    figure = plot_map(map_points(table, places), None, [way])
    for text in texts(figure):
        assert "<a" not in text
        assert "bold</b>" not in text
    assert not any(trace.hovertemplate for trace in figure.data), "%{x} would be filled in"
    page = map_html(figure, caption=HOSTILE, notice=HOSTILE, description=HOSTILE, title=HOSTILE)
    assert "<a href" not in page.replace(r"\u003c", "(lt)").split("plotly.js v")[0]
    assert "<b>bold" not in page


def test_script_in_an_id_cannot_leave_the_data(tmp_path):
    """Keep an id that closes a script element inside the figure's data."""
    table, places = make_map(patients=["</script><script>alert(1)</script>"] * 90)
    figure = plot_map(map_points(table, places), None)
    page = map_html(figure, caption="", notice="")
    assert "<script>alert(1)" not in page


def test_long_ids_are_cut():
    """Cut an id of a thousand letters in labels and hover."""
    table, places = make_map(patients=["x" * 1000] * 90)
    way = compute_trajectory(table, places, "x" * 1000)
    figure = plot_map(map_points(table, places), None, [way])
    assert max(len(text) for text in texts(figure)) < 250


def test_map_keeps_its_shape_and_zoom(drawn):
    """Give both axes one scale, a fixed height, no tick labels, and keep the zoom."""
    layout = plot_map(*drawn, uirevision="abc").layout
    assert (layout.height, layout.uirevision) == (620, "abc")
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    assert layout.xaxis.showticklabels is layout.yaxis.showticklabels is False


def test_density_lies_under_the_marks_and_is_named(drawn):
    """Draw the density first, clear at zero, and say what it is of."""
    figure = plot_map(*drawn, density_label="images in the ICU")
    assert figure.data[0].type == "contour"
    assert figure.data[0].colorscale[0][1].endswith(", 0)")
    assert any("density of images in the ICU" in text for text in texts(figure))
    assert plot_map(drawn[0], None).data[0].type == "scatter"


def test_density_bands_do_not_add_up(drawn):
    """Give each band but the lowest a solid colour: Plotly fills bands over each other."""
    contour = plot_map(*drawn).data[0]
    colours = [colour for _, colour in contour.colorscale]
    assert colours[0].startswith("rgba(")
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in colours[1:])
    assert colours[-1] == PALETTES["light"].density
    levels = (contour.contours.end - contour.contours.start) / contour.contours.size
    assert int(levels) + 2 == len(colours), "one colour a band"


def test_selected_image_is_ringed(drawn):
    """Ring the selected image at its place; an image that is not shown is not ringed."""
    points, density, _ = drawn
    figure = plot_map(points, density, selected_image_id="image-8.png")
    ring = figure.data[-1]
    assert (ring.x[0], ring.y[0]) == (points["x"][8], points["y"][8])
    assert len(plot_map(points, density, selected_image_id="gone").data) == len(figure.data) - 1


def test_empty_selection_says_what_to_do():
    """Say on an empty map that the filters must be widened."""
    table, places = make_map()
    points = map_points(table.iloc[:0], places)
    figure = plot_map(points, None)
    assert "Widen the filters" in " ".join(texts(figure))
    beside = plot_map(points, None, backdrop=map_points(table, places))
    assert "Widen the filters" in " ".join(texts(beside))
    assert "empty map" in describe_map(points, None)


def test_what_filters_leave_out_stays_faint_and_keeps_the_map_in_place(drawn):
    """Draw it once, without a click; the extent is that of all images."""
    points, _, _ = drawn
    kept, gone = points.iloc[:20], points.iloc[20:]
    figure = plot_map(kept, None, backdrop=gone)
    (trace,) = traces(figure, name="filtered out")
    assert len(trace.x) == len(gone)
    assert trace.customdata is None
    assert trace.hoverinfo == "skip"
    whole = plot_map(points, None)
    assert figure.layout.xaxis.range == whole.layout.xaxis.range
    assert not traces(plot_map(points, None, backdrop=gone.iloc[:0]), hoverinfo="skip")


def test_many_points_use_webgl_for_paths_too():
    """Switch all marks and paths to WebGL at once: SVG would lie under it."""
    table, places = make_map(MAX_SVG_POINTS + 1)
    way = compute_trajectory(table, places, "P")
    figure = plot_map(map_points(table, places), None, [way], selected_image_id="image-1.png")
    assert {trace.type for trace in figure.data} == {"scattergl"}
    heads = next(
        trace
        for trace in figure.data
        if trace.to_plotly_json().get("marker", {}).get("symbol") == "arrow"
    )
    for step, angle in zip(way.steps, heads.marker.angle, strict=True):
        towards = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
        moved = (step.head.x - step.tail.x, step.head.y - step.tail.y)
        np.testing.assert_allclose(towards * step.length, moved, atol=1e-9)


def test_description_says_the_map_in_words(drawn):
    """Tell counts, the density's peak and each path, without markup."""
    said = describe_map(*drawn)
    assert "90 images of" in said
    assert re.search(r"is highest in the [a-z ]+ of the map", said)
    assert re.search(
        r"Patient P \(died\): day 0, not in ICU; intubation not recorded, [a-z ]+; day 3, ICU and",
        said,
    )
    assert "1 image without a day" in said
    assert "<" not in said


def test_caption_says_how_not_to_read_it(drawn):
    """Name cohort, counts, extractor, method and the caveats."""
    surface = estimate_surface(drawn[0], SurfaceWish())
    caption = caption_map(drawn[0], cohort="Demo (synthetic)", extractor="texture", surface=surface)
    for words in ("Demo (synthetic): 90 images", "UMAP", "texture", "no unit", "bandwidth 1 map"):
        assert words in caption


@pytest.mark.parametrize(
    ("name", "note", "features", "words"),
    [
        ("texture", "no AI model", "outputs", "similar brightness in six lung zones are close"),
        ("texture", "no AI model", "embedding", "similar texture are close"),
        ("densenet121-res224-all", "", "outputs", "similar network outputs are close together."),
        ("densenet121-untrained", "untrained control", "outputs", "this network is untrained"),
    ],
)
def test_caption_says_what_near_means(drawn, name, note, features, words):
    """Say what images near each other share, by the kind of extractor."""
    info = ExtractorInfo(name, "Label", "", "v1", 2, ("a",), note)
    caption = caption_map(drawn[0], cohort="Demo", extractor=info, features=features)
    assert words in caption
    assert info.title in caption


@pytest.mark.parametrize(
    ("offset", "words"),
    [(0, "day 0"), (12.0, "day 12"), (2.5, "day 2.5"), (-3, "day −3"), (pd.NA, "day not recorded")],
)
def test_days_are_said(offset, words):
    """Say whole days without decimals, negative ones with a minus, blanks in words."""
    assert format_day(offset) == words


def test_html_holds_everything_and_asks_for_nothing(drawn):
    """Make one page with script, caption, notice and date, and forbid the network."""
    page = map_html(
        plot_map(*drawn),
        caption="line one\nline two",
        notice="Not for diagnosis.",
        description="A map.",
        theme="dark",
        today=date(2026, 1, 2),
    )
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    for words in ("line one", "line two", "2026-01-02", 'aria-label="A map."'):
        assert page.count(words) == 1
    assert page.count("Not for diagnosis.") == 2, "at the top and at the end"


def test_html_tells_paths_and_their_days(drawn):
    """Show the story as paragraphs and the stops as a table, escaped; a date is said once."""
    stops = pd.DataFrame(
        {"Patient": ["<b>", "P"], "first_day": [-2.0, 12.5], "Step": [np.nan, 1], "Images": [1, 2]}
    )
    page = map_html(
        plot_map(*drawn),
        caption="About.\nMade on 2026-01-02",
        notice="Not for diagnosis.",
        today=date(2026, 1, 2),
        stops=stops,
        story=["Patient <i>P</i> got worse."],
    )
    assert "<p>Patient &lt;i&gt;P&lt;/i&gt; got worse.</p>" in page
    first = "<tr><td>&lt;b&gt;</td><td class=n>−2.0</td><td class=n>–</td><td class=n>1</td></tr>"
    assert first in page
    assert "<td class=n>12.5</td>" in page
    assert "<th scope='col' class=n>First day</th>" in page
    assert page.count("2026-01-02") == 1
    assert "day by day" not in map_html(plot_map(*drawn), caption="", notice="")


def test_html_leaves_the_figure_as_it_is(drawn):
    """Let the page's figure follow the window without changing the one that was given."""
    figure = plot_map(*drawn)
    page = map_html(figure, caption="", notice="")
    assert figure.layout.height == 620
    assert '"height":620' not in page.split("plotly.js v")[-1]
    assert "clamp(620px" in page


def test_paths_are_described_one_by_one(drawn):
    """Give a sentence a patient, those of the text alternative."""
    points, density, ways = drawn
    (said,) = describe_paths(points, ways)
    assert describe_map(points, density, ways).endswith(said)


@pytest.mark.parametrize("n_images", [90, MAX_SVG_POINTS + 1])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_drawn_is_valid(n_images, theme):
    """Give Plotly nothing it would refuse or change, whatever is on the map."""
    table, places = make_map(n_images)
    points = map_points(table, places)
    density = estimate_density(
        points.loc[mark_icu_or_intubated(points), ["x", "y"]].to_numpy(float)
    )
    ways = [compute_trajectory(table, places, patient) for patient in ("P", "12", "20")]
    ways[2] = replace(ways[2], stops=(), steps=())
    ring = {"selected_image_id": "image-3.png"}
    assert_valid(plot_map(points[::2], density, ways, theme=theme, backdrop=points[1::2], **ring))
    assert_valid(plot_map(points, None, theme=theme, scale=1.5))
    assert_valid(plot_map(points[:0], None, theme=theme, backdrop=points))


def test_hover_texts_are_taken_from_the_table(drawn):
    """Draw the same figure from texts that were written before, row by row."""
    points, density, ways = drawn
    known = points.assign(**{HOVER_COLUMN: format_hover_texts(points)})[::-1][:40]
    written = plot_map(points[::-1][:40], density, ways)
    assert read_json(plot_map(known, density, ways)) == read_json(written)


@pytest.mark.parametrize("n_images", [90, MAX_SVG_POINTS + 1])
def test_each_part_of_a_path_knows_its_days(n_images):
    """Give each point of a path its day, rising, those without one last; and each label."""
    table, places = make_map(n_images)
    points = map_points(table, places)
    ways = [compute_trajectory(table, places, patient) for patient in ("P", "12")]
    figure = plot_map(points, None, ways)
    parts = [t for t in figure.data if t.meta and t.meta["role"] == "path"]
    assert sum(t.meta["role"] == "images" for t in figure.data if t.meta) == 3
    stops = {(stop.x, stop.y): stop.day for way in ways for stop in way.stops}
    for trace in parts:
        days = trace.meta["days"]
        assert len(days) == len(trace.x)
        known = [day for day in days if day is not None]
        assert known == sorted(known)
        assert days[: len(known)] == known
        for x, y, day in zip(trace.x, trace.y, days, strict=True):
            assert stops.get((x, y), day) == day
    # What is drawn for the paths alone, and nothing else, is a part of one.
    alone = plot_map(points, None).data
    assert len(parts) == len(figure.data) - len(alone)
    labels = [note for note in figure.layout.annotations if note.name]
    assert sorted(note.name for note in labels) == sorted(
        f"day {stop.day:g}" for way in ways for stop in way.stops
    )


def test_labels_of_a_large_map_stay_on_half_a_laptops_page(drawn):
    """All grows but the page: in 540 pixels no label of the path is cut."""
    figure = plot_map(*drawn, scale=1.5)
    low, high = figure.layout.xaxis.range
    bottom, top = figure.layout.yaxis.range
    margin = figure.layout.margin
    room = figure.layout.height - margin.t - margin.b
    unit = min(540 / (high - low), room / (top - bottom))
    for note in figure.layout.annotations:
        if note.showarrow:
            place = (note.x - (low + high) / 2) * unit + note.ax
            words = re.sub("<[^>]*>", "", note.text)
            assert abs(place) + len(words) * note.font.size * 0.25 <= 270
