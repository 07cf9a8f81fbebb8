"""The map as a figure: what it says, what it carries, and what it must not render."""

import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.document import map_html
from cxrlib.charts.palette import PALETTES
from cxrlib.charts.trajectories import MAX_SVG_POINTS, plot_map
from cxrlib.charts.words import caption_map, day_words, describe_map
from cxrlib.density import estimate_density
from cxrlib.trajectories import compute_trajectory, map_points, select_bad_points

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
    density = estimate_density(select_bad_points(points))
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
        (trace,) = traces(figure, name=f"{state}: {counts[state]} images")
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
    assert "Patient P, day 6, AP Supine<br><b>bad</b>: in the ICU" in spoken
    assert "Patient P, day not recorded, AP Supine<br>state unknown" in spoken
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
        "<b>Patient P</b>, day 0", "day 3", "day 6", "day 9", "day 12", "day 15",
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
    assert [note.text for note in figure.layout.annotations] == ["<b>Patient 5</b>, day 4"]


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
    (threads,) = traces(figure, mode="lines+markers")
    assert list(threads.x).count(None) == 2


HOSTILE = '<a href="https://example.org">x</a><b>bold</b>%{x}&amp;'


def test_hostile_ids_are_text(drawn):
    """Show markup in ids as it stands, in marks, labels, hover and the export."""
    patients = [HOSTILE] * 7 + ["other"] * 83
    table, places = make_map(patients=patients)
    way = compute_trajectory(table, places, HOSTILE)
    figure = plot_map(map_points(table, places), None, [way], title=HOSTILE)
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
    assert max(len(text) for text in texts(figure)) < 200


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
    """Say on an empty map that a filter must be loosened."""
    table, places = make_map()
    points = map_points(table.iloc[:0], places)
    figure = plot_map(points, None)
    assert "Loosen a filter" in " ".join(texts(figure))
    assert "empty map" in describe_map(points, None)


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
        moved = np.subtract(step.end, step.start)
        np.testing.assert_allclose(towards * step.length, moved, atol=1e-9)


def test_description_says_the_map_in_words(drawn):
    """Tell counts, the density's peak and each path, without markup."""
    said = describe_map(*drawn)
    assert "90 images of" in said
    assert re.search(r"is highest in the [a-z ]+ of the map", said)
    assert re.search(r"Patient P \(survival: no\): day 0, good, [a-z ]+; day 3, unknown", said)
    assert "1 image without a day" in said
    assert "<" not in said


def test_caption_says_how_not_to_read_it(drawn):
    """Name cohort, counts, extractor, method and the caveats."""
    caption = caption_map(drawn[0], cohort="Demo (synthetic)", extractor="texture", bandwidth=1.0)
    for words in ("Demo (synthetic): 90 images", "UMAP", "texture", "no unit", "bandwidth 1 map"):
        assert words in caption


@pytest.mark.parametrize(
    ("offset", "words"),
    [(0, "day 0"), (12.0, "day 12"), (2.5, "day 2.5"), (-3, "day −3"), (pd.NA, "day not recorded")],
)
def test_days_are_said(offset, words):
    """Say whole days without decimals, negative ones with a minus, blanks in words."""
    assert day_words(offset) == words


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
    for words in ("line one\nline two", "Not for diagnosis.", "2026-01-02", 'aria-label="A map."'):
        assert words in page
