"""A map coloured by a column, several of them, and the share behind: what they say and carry."""

import re

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.maps import (
    HOVER_COLUMN,
    caption_map,
    describe_map,
    describe_multiples,
    format_hover_texts,
    plot_map,
    plot_multiples,
)
from cxrlib.charts.maps.colours import (
    CATEGORIES,
    count_key_rows,
    describe_scale,
    format_categories,
    number_ramp,
    pick_inks,
)
from cxrlib.charts.style import PALETTES, contrast
from cxrlib.charts.style.palette import RIM_CONTRAST
from cxrlib.errors import SelectionError
from cxrlib.maps import Colouring, SurfaceWish, colour_points, estimate_surface
from tests.figures import assert_valid

HOSTILE = "<b onmouseover=alert(1)>x</b>"


def make_points(n=120):
    """Make points in two clusters; one image without a view, every fifth without an age."""
    rng = np.random.default_rng(1)
    rows = np.arange(n)
    points = pd.DataFrame(rng.normal(0, 1, (n, 2)), columns=["x", "y"])
    points["x"] += 6 * (rows % 2)
    states = np.array(["bad", "good", "unknown"])[rows % 3]
    points = points.assign(
        image_id=[f"{row}.png" for row in rows],
        patient_id=[f"p{row // 2}" for row in rows],
        person_id=[f"p{row // 2}" for row in rows],
        offset=rows % 7.0,
        view=np.where(rows % 2, "AP", "PA"),
        state=states,
        state_reasons="",
        state_overlap=False,
        in_icu=np.select([states == "bad", states == "good"], ["yes", "no"], "not recorded"),
        intubation_present="not recorded",
        region="Europe",
        age=pd.array(np.where(rows % 5, 20.0 + rows % 50, np.nan), dtype="Float64"),
    )
    points.loc[0, "view"] = None
    points.loc[3, "region"] = "Asia"
    return points


@pytest.fixture
def points():
    """Give them."""
    return make_points()


def read_marks(figure):
    """Give colour, symbol and image of each mark that can be clicked."""
    for trace in figure.data:
        if trace.type.startswith("scatter") and trace.customdata is not None:
            for place, (image, _) in enumerate(trace.customdata):
                colour = trace.marker.color
                one = colour[place] if isinstance(colour, np.ndarray | list | tuple) else colour
                yield image, one, trace.marker.symbol


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colour_is_the_column_and_shape_the_state(points, theme):
    """Give each image its view's colour in its state's shape, hollow where that is unknown."""
    colouring = colour_points(points, "view")
    figure = plot_map(points, None, colouring=colouring, theme=theme)
    assert_valid(figure)
    inks = dict(zip(colouring.names, pick_inks(colouring, theme), strict=True))
    shapes = {"bad": "diamond", "good": "circle", "unknown": "circle-open"}
    seen = {image: (colour, symbol) for image, colour, symbol in read_marks(figure)}
    assert len(seen) == len(points)
    for row in points.itertuples():
        colour, symbol = seen[row.image_id]
        if row.image_id == "0.png":  # without a view
            assert (colour, symbol) == (PALETTES[theme].rims["unknown"], "diamond-open")
            continue
        ink = inks[row.view]
        assert symbol == shapes[row.state]
        assert colour == (ink.rim if row.state == "unknown" else ink.fill)


def test_key_counts_colours_and_shapes(points):
    """Name each view, what has none and each state, with counts; a click hides a view."""
    figure = plot_map(points, None, colouring=colour_points(points, "view"))
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert named == [
        "PA: 59", "AP: 60", "not recorded: 1", "In ICU or intubated: 40",
        "Not in ICU, not intubated: 40", "Not recorded: 40",
    ]  # fmt: skip
    groups = {trace.legendgroup for trace in figure.data if trace.customdata is not None}
    keys = {trace.legendgroup for trace in figure.data if trace.showlegend and trace.legendgroup}
    assert groups == keys
    plain = plot_map(points, None)
    assert figure.layout.margin.t > plain.layout.margin.t
    assert figure.layout.xaxis.range == plain.layout.xaxis.range


def test_rare_categories_lie_on_top(points):
    """Draw the frequent region first, what has none before it."""
    points.loc[5, "region"] = "Unknown"
    figure = plot_map(points, None, colouring=colour_points(points, "region"))
    first, *_, last = [trace for trace in figure.data if trace.customdata is not None]
    assert first.customdata[0][0] == "5.png"
    assert last.customdata[0][0] == "3.png"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_have_a_scale(points, theme):
    """Colour numbers on one scale, name its ends and what has none."""
    colouring = colour_points(points, "age")
    figure = plot_map(points, None, colouring=colouring, theme=theme)
    assert_valid(figure)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == colouring.limits
    said = " ".join(note.text.replace("<br>", " ") for note in figure.layout.annotations)
    assert "age, years (96 images; hollow grey: 24 not recorded)" in said
    values = {image: one for image, one, _ in read_marks(figure) if not isinstance(one, str)}
    ages = dict(zip(points["image_id"], points["age"], strict=True))
    assert len(values) == 96
    assert all(ages[image] == value for image, value in values.items())
    texts = [text for trace in figure.data for text in np.atleast_1d(trace.hovertext)]
    assert sum("age, years: not recorded" in str(text) for text in texts) == 24


def test_colours_keep_apart_from_the_page():
    """Reach three to one with each outline, in both themes; ramps end away from the page."""
    keys = tuple(f"rank {place}" for place in range(len(CATEGORIES)))
    regions = ("region Europe", "region Oceania", "other")
    none = np.empty(0, dtype=np.int64)
    for theme in ("light", "dark"):
        page = PALETTES[theme].page
        inks = pick_inks(Colouring("v", "v", "category", none, keys=keys + regions), theme)
        assert min(contrast(ink.rim, page) for ink in inks) >= RIM_CONTRAST
        shades = [contrast(colour, page) for colour in number_ramp(theme)]
        assert shades == sorted(shades)
        assert shades[0] > 2


def test_hostile_names_are_text(points):
    """Escape what stands in a column, wherever it is written."""
    points["view"] = np.where(np.arange(len(points)) % 2, HOSTILE, "PA & <i>")
    colouring = colour_points(points, "view")
    for figure in (
        plot_map(points, None, colouring=colouring),
        plot_multiples(points, [colouring]),
    ):
        assert "<b onmouseover" not in figure.to_json(validate=False).encode().decode(
            "unicode_escape"
        )


def test_long_names_and_paths_are_short():
    """Show the last part of a finding, unless two end alike; cut what is long."""
    none = np.empty(0, dtype=np.int64)
    one = Colouring("f", "f", "category", none, names=("Pneumonia/Viral/SARS", "x" * 99))
    assert format_categories(one)[0] == "SARS: 0"
    assert len(format_categories(one)[1]) < 40
    alike = Colouring("f", "f", "category", none, names=("A/Other", "B/Other"))
    assert format_categories(alike) == ["A/Other: 0", "B/Other: 0"]
    assert count_key_rows(["a" * 20] * 8) > count_key_rows(["a"] * 8) == 1


def test_clipped_scale_says_so():
    """Write the ends of a scale that leaves numbers out."""
    values = np.array([-3.25, 4.0])
    codes = np.zeros(2, dtype=np.int64)
    one = Colouring(
        "d", "day", "number", codes, values, limits=(-3.25, 4.0), is_clipped=(True, False)
    )
    assert describe_scale(one) == "≤ −3.25 to 4: day (2 images)"
    nothing = Colouring("d", "day", "number", np.array([-1]), np.array([np.nan]))
    assert describe_scale(nothing) == "day: no value recorded"


def test_share_is_drawn_in_fixed_bands_and_masked(points):
    """Draw tenths from 0 to 1, and the page over places of low support."""
    surface = estimate_surface(points, SurfaceWish("share"))
    figure = plot_map(points, surface)
    assert_valid(figure)
    share, mask = figure.data[:2]
    assert (share.zmin, share.zmax, share.contours.size) == (0, 1, 0.1)
    assert mask.contours.value == surface.grid.min_support
    assert mask.fillcolor == PALETTES["light"].page
    support = np.asarray(mask.z, dtype=float)
    given = np.asarray(share.z, dtype=float)
    assert np.isfinite(given[support >= surface.grid.min_support]).all()
    said = " ".join(note.text.replace("<br>", " ") for note in figure.layout.annotations)
    assert "Share in ICU or intubated, where recorded (overall 50 %)" in said
    assert not any(trace.showlegend for trace in (share, mask))


def test_words_say_the_share_and_the_colours(points):
    """Tell in caption and description what is seen, from how many, and how not to read it."""
    surface = estimate_surface(points, SurfaceWish("share", view="AP"))
    colouring = colour_points(points, "view")
    said = describe_map(points, surface, colouring=colouring)
    assert "PA 59, median in the" in said
    assert "AP 60, median in the" in said
    assert "1 not recorded" in said
    assert re.search(r"is 20 of 40 \(50 %\) overall, highest \(\d+ %\) in the", said)
    caption = caption_map(
        points, cohort="Demo", extractor="texture", surface=surface, colouring=colouring
    )
    for words in ("fewer than 10", "not a risk", "view AP", "Colour: view; shape: state"):
        assert words in caption
    gone = estimate_surface(points.assign(in_icu="no"), SurfaceWish())
    assert "none of 120" in describe_map(points, gone)
    assert "none of 120" in caption_map(points, cohort="D", extractor="t", surface=gone)
    assert "<" not in said
    number = describe_map(points, None, colouring=colour_points(points, "age"))
    assert "age, years: 96 images, median" in number


def test_share_given_nowhere_is_said(points):
    """Draw nothing and say so where no place has enough images."""
    few = points.iloc[:4]
    surface = estimate_surface(few, SurfaceWish("share"))
    assert plot_map(few, surface).data[0].type == "scatter"
    assert "shown nowhere" in describe_map(few, surface)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("n_panels", [1, 2, 3, 4, 5, 6])
def test_multiples_share_their_axes(points, theme, n_panels):
    """Draw every image in every panel, on the same axes, inside the figure."""
    names = ["state", "view", "age", "region", "several ids", "view"][:n_panels]
    colourings = [colour_points(points, by) for by in names]
    figure = plot_multiples(points, colourings, theme=theme)
    assert_valid(figure)
    drawn = {}
    for trace in figure.data:
        drawn.setdefault(trace.xaxis or "x", []).extend(trace.customdata[:, 0])
    assert len(drawn) == n_panels
    assert all(sorted(images) == sorted(points["image_id"]) for images in drawn.values())
    layout = figure.layout.to_plotly_json()
    axes = [axis for name, axis in layout.items() if name.startswith("xaxis")]
    assert len(axes) == n_panels
    assert sum(axis.get("matches") == "x" for axis in axes) == n_panels - 1
    assert len(figure.layout.annotations) == n_panels


def test_multiples_in_words(points):
    """Describe each panel; refuse none and too many."""
    colourings = [colour_points(points, by) for by in ("view", "age")]
    said = describe_multiples(points, colourings)
    assert "The same map 2 times" in said
    assert "Colour is view" in said
    assert "Colour is age, years" in said
    for wrong in ([], colourings * 4):
        with pytest.raises(SelectionError, match="choose 1 to 6"):
            plot_multiples(points, wrong)
    assert plot_multiples(points.iloc[:0], [colour_points(points.iloc[:0])]).data is not None


def test_very_many_images_have_a_short_hover(points, monkeypatch):
    """Say patient and state by one template a trace; ids with markup are not put into it."""
    monkeypatch.setattr("cxrlib.charts.maps.marks.MAX_HOVER_TEXTS", 100)
    for colouring in (None, colour_points(points, "view"), colour_points(points, "age")):
        figure = plot_map(points, None, colouring=colouring)
        assert_valid(figure)
        marks = [trace for trace in figure.data if trace.customdata is not None]
        assert all(trace.hovertext is None for trace in marks)
        assert all("Patient %{customdata[1]}" in trace.hovertemplate for trace in marks)
    points["patient_id"] = HOSTILE
    (trace, *_) = [t for t in plot_map(points, None).data if t.customdata is not None]
    assert "customdata" not in trace.hovertemplate


def test_known_hover_texts_are_used(points):
    """Take the sentences that the table holds, and add the value to them."""
    known = points.assign(**{HOVER_COLUMN: format_hover_texts(points)})
    colouring = colour_points(points, "view")
    first, second = (plot_map(each, None, colouring=colouring) for each in (points, known))
    assert first == second


@pytest.mark.parametrize("longest", [80, 3])
def test_very_many_ids_stay_what_they_are(points, monkeypatch, longest):
    """Carry the same ids whether they are held as a block or, where one is long, one by one."""
    plain = plot_map(points, None)
    monkeypatch.setattr("cxrlib.charts.maps.marks.MAX_HOVER_TEXTS", 100)
    monkeypatch.setattr("cxrlib.charts.maps.marks.MAX_ID_LENGTH", longest)
    many = plot_map(points, None)
    for before, after in zip(plain.data, many.data, strict=True):
        assert after.customdata.tolist() == before.customdata.tolist()
