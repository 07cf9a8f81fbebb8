"""The drawn timeline: shape is view, colour is state, clicks name images, words are text."""

import json

import pandas as pd
import plotly.graph_objects as go
import pytest

from cxrlib.charts.maps.marks import MARKERS
from cxrlib.charts.patients import plot_timeline
from cxrlib.charts.patients.timeline import BADGES, FAINT, FILM, FILM_TEXT
from cxrlib.charts.style import PALETTES, VIEW_SYMBOLS, Theme, contrast, enlarge, mix
from cxrlib.patients import LONG_CHARACTER, NARROW, Timeline, lay_out_timeline
from tests.cxrlib.patients.test_timeline import CASES, rows_of
from tests.figures import assert_valid

PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def lay_out(**columns: object) -> Timeline:
    """Lay out four images: PA and L on day 0, AP Supine on day 7, AP without a day."""
    rows = rows_of(
        [0, 0, 7, None],
        **{
            "view": ["PA", "L", "AP Supine", "AP"],
            "state": ["good", "good", "bad", "unknown"],
            "in_icu": ["no", "not recorded", "yes", "unclear"],
            **columns,
        },
    )
    return lay_out_timeline(rows)


def line_of(figure: go.Figure, timeline: Timeline, line: str) -> dict[str, tuple[str, ...]]:
    """Return the points on a line, by image id: symbol, fill and rim."""
    found: dict[str, tuple[str, ...]] = {}
    for trace in figure.data:
        if trace.customdata is None or set(trace.y) != {timeline.lines[line]}:
            continue
        style = zip(
            trace.customdata,
            trace.marker.symbol,
            trace.marker.color,
            trace.marker.line.color,
            strict=True,
        )
        found |= {ids[0]: tuple(rest) for ids, *rest in style}
    return found


def texts_of(figure: go.Figure) -> list[str]:
    """Return every word in the figure."""
    words = [text for trace in figure.data for text in trace.text or ()]
    return [text.strip() for text in [*words, *(a.text for a in figure.layout.annotations)]]


@pytest.mark.parametrize("days", CASES.values(), ids=list(CASES))
def test_what_day_0_is_fits_on_a_narrow_screen(days: list[float | None]) -> None:
    """Places move together there, words keep their size: no end of the line is cut off."""
    timeline = lay_out_timeline(rows_of(days))
    for trace in plot_timeline(timeline).data:
        if not timeline.clock or f"day 0: {timeline.clock}" not in (trace.text or ()):
            continue
        start = timeline.left + (trace.x[0] - timeline.left) * NARROW
        length = LONG_CHARACTER * len(trace.text[0])
        end = timeline.left + (timeline.width - timeline.left) * NARROW
        low = start if trace.textposition == "middle right" else start - length
        assert timeline.left - 20 <= low <= low + length <= end + 8


def test_shape_is_view_and_colour_is_state() -> None:
    """On the line of states; unknown is hollow."""
    timeline = lay_out()
    palette = PALETTES["light"]
    points = line_of(plot_timeline(timeline), timeline, "state")
    assert points == {
        "0.png": ("square", palette.states["good"], palette.rims["good"]),
        "1.png": ("pentagon", palette.states["good"], palette.rims["good"]),
        "2.png": ("triangle-down", palette.states["bad"], palette.rims["bad"]),
        "3.png": ("triangle-up", palette.page, palette.rims["unknown"]),
    }


def test_shapes_of_views_are_not_those_of_states() -> None:
    """Elsewhere shape means state: none may be mistaken."""
    states = {symbol for symbol, _ in MARKERS.values()}
    assert not states & set(VIEW_SYMBOLS.values())
    assert len(set(VIEW_SYMBOLS.values())) == len(VIEW_SYMBOLS)


def test_dated_facts_are_points_per_image() -> None:
    """Yes is filled, no is hollow; unclear and not recorded are no point at all."""
    timeline = lay_out()
    figure = plot_timeline(timeline)
    points = line_of(figure, timeline, "in_icu")
    ink, page = PALETTES["light"].ink, PALETTES["light"].page
    assert points == {"0.png": ("square", page, ink), "2.png": ("triangle-down", ink, ink)}
    assert texts_of(figure).count("?") == 1


def test_facts_are_never_periods() -> None:
    """No line joins two images on the lines of the ICU and the tube."""
    timeline = lay_out(in_icu="yes", intubation_present="yes")
    levels = {timeline.lines["in_icu"], timeline.lines["intubation_present"]}
    for trace in plot_timeline(timeline).data:
        if trace.mode == "lines":
            along = [
                (x0, x1)
                for x0, x1, y0, y1 in zip(trace.x, trace.x[1:], trace.y, trace.y[1:], strict=False)
                if y0 is not None and y0 == y1 and y0 in levels
            ]
            assert all(x1 - x0 < timeline.marker for x0, x1 in along)


def test_points_and_thumbnails_name_their_image() -> None:
    """A click anywhere on an image chooses it, and Plotly dims nothing after it."""
    timeline = lay_out()
    figure = plot_timeline(timeline)
    clickable = [trace for trace in figure.data if trace.customdata is not None]
    over_tiles = [trace for trace in clickable if trace.marker.opacity == 0]
    assert [ids[0] for ids in over_tiles[0].customdata] == [m.image_id for m in timeline.marks]
    for trace in figure.data:
        if "markers" in (trace.mode or ""):
            assert trace.unselected.marker.opacity == trace.marker.opacity
        if "text" in (trace.mode or ""):
            assert trace.unselected.textfont.color == trace.textfont.color


def test_pictures_hang_on_black_and_the_rest_say_why() -> None:
    """An address a picture; a licence, a missing file or nothing at all in words."""
    rows = rows_of(
        [1, 2, 3, 4],
        file_status=["ok", "no file", "ok", "ok"],
        file_reason=["", "there is no file", "", ""],
    )
    timeline = lay_out_timeline(rows)
    figure = plot_timeline(
        timeline, pictures={"0.png": PICTURE}, left_out={"2.png": "no licence: not shown"}
    )
    assert [image.source for image in figure.layout.images] == [PICTURE]
    assert sum(shape.fillcolor == FILM for shape in figure.layout.shapes) == 4
    words = [text.replace("<br>", " ") for text in texts_of(figure)]
    assert {"there is no file", "no licence: not shown", "not shown"} <= set(words)


def test_the_pair_is_framed_and_named() -> None:
    """The prior first; one alone is the current one; "left" would name a side of the body."""
    timeline = lay_out()
    figure = plot_timeline(timeline, selected=("2.png", "0.png"))
    framed = [s for s in figure.layout.shapes if s.line.color == PALETTES["light"].accent]
    assert len(framed) == 2
    places = {a.text: a.x for a in figure.layout.annotations if a.text in BADGES}
    assert places["prior"] > places["current"]
    alone = texts_of(plot_timeline(timeline, selected=("1.png",)))
    assert "current" in alone
    assert "prior" not in alone
    assert not {"prior", "current"} & set(texts_of(plot_timeline(timeline, selected=("no.png",))))
    told = plot_timeline(timeline, selected=("2.png", "0.png"), badges=("first", "second"))
    assert {"first", "second"} <= set(texts_of(told))
    assert "prior" not in texts_of(told)


def test_what_filters_leave_out_is_faint() -> None:
    """By colour, since Plotly resets opacities on a click."""
    rows = rows_of([1, 2], state="bad")
    figure = plot_timeline(
        timeline := lay_out_timeline(rows, kept={"0.png"}),
        pictures=dict.fromkeys(["0.png", "1.png"], PICTURE),
    )
    points = line_of(figure, timeline, "state")
    palette = PALETTES["light"]
    assert points["1.png"][1] == mix(palette.states["bad"], palette.page, FAINT)
    assert [image.opacity for image in figure.layout.images] == [1, FAINT]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_are_readable(theme: Theme) -> None:
    """4.5 to 1 for every colour of words, on the page and on black."""
    figure = plot_timeline(lay_out(), theme=theme)
    inks = {t.textfont.color for t in figure.data if t.mode in ("text", "markers+text")}
    assert all(contrast(ink, PALETTES[theme].page) >= 4.5 for ink in inks)
    assert contrast(FILM_TEXT, FILM) >= 4.5


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_case_is_drawn(name: str, theme: Theme) -> None:
    """Hard cases give a figure as high as was said, whose words are 14 pixels at least."""
    timeline = lay_out_timeline(rows_of(CASES[name]))
    figure = plot_timeline(timeline, theme=theme, selected=("0.png",))
    assert figure.layout.height == timeline.height
    sizes = [trace.textfont.size for trace in figure.data if "text" in (trace.mode or "")]
    sizes += [annotation.font.size for annotation in figure.layout.annotations]
    assert min(sizes) >= 14
    assert len(figure.data) < 40


def test_more_images_than_room_are_counted() -> None:
    """The number stands below the column, and is said below."""
    timeline = lay_out_timeline(rows_of(CASES["two hundred days"]))
    words = texts_of(plot_timeline(timeline))
    hidden = [len(column.hidden) for column in timeline.columns if column.hidden]
    assert sum(hidden) > 100
    assert (
        sorted(f"+{n}" for n in hidden)
        == sorted(t for t in words if t.startswith("+"))[: len(hidden)]
    )


def test_markup_of_a_record_is_text() -> None:
    """Neither a view nor a reason nor an id is read as markup."""
    rows = rows_of(
        [1],
        image_id="<img src=x>.png",
        view="<b>",
        file_status="no file",
        file_reason="<a href=x>",
    )
    content = json.dumps(plot_timeline(lay_out_timeline(rows)).to_plotly_json(), default=list)
    assert "<img" not in content.replace('"<img src=x>.png"', "")  # customdata is no text
    assert "<b>" not in content
    assert "<a href" not in content


def test_on_a_projector_all_of_it_grows() -> None:
    """Twice the size is twice the height and the words, at the same places."""
    timeline = lay_out()
    figure = plot_timeline(timeline)
    large = enlarge(figure, 2)
    assert large.layout.height == 2 * timeline.height
    assert large.layout.yaxis.range == figure.layout.yaxis.range


def test_a_lone_image_needs_no_bracket_and_no_lane() -> None:
    """One image on one day, and nothing that suggests more."""
    words = texts_of(plot_timeline(lay_out_timeline(rows_of([0]))))
    assert "Day not recorded" not in words
    assert "day 0" in words
    assert pd.Series(words).str.contains("symptom onset or admission").any()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", CASES)
def test_all_parts_are_plotlys(name: str, theme: Theme) -> None:
    """The figure is made without having its parts checked: here they are."""
    timeline = lay_out_timeline(rows_of(CASES[name]))
    first = timeline.marks[0].image_id
    assert_valid(plot_timeline(timeline, theme=theme, pictures={first: PICTURE}, selected=[first]))
