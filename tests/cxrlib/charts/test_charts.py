"""The chart template and palette: contrast is measured, not believed."""

import numpy as np
import plotly.graph_objects as go
import pytest

from cxrlib.charts.maps.marks import FADED
from cxrlib.charts.style import (
    PALETTES,
    STATES,
    TEXT_SIZE,
    chart_template,
    contrast,
    fade,
    make_figure,
    mix,
)
from tests.figures import assert_valid, read_json

THEMES = ("light", "dark")


def test_contrast_knows_published_pairs():
    """Give WCAG's own numbers: 21 for black on white, 4.54 for #767676 on white."""
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)
    assert contrast("#123456", "#123456") == 1


def test_mix_and_fade():
    """Mix channel by channel, and write an opacity as Plotly reads it."""
    assert mix("#FFFFFF", "#000000", 0.5) == "#808080"
    assert mix("#D55E00", "#FFFFFF", 1.0) == "#D55E00"
    assert fade("#000000", 0) == "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("part", ["ink", "quiet", "accent"])
def test_text_is_readable(theme, part):
    """Reach 4.5 to 1 for all text on the page."""
    palette = PALETTES[theme]
    assert contrast(getattr(palette, part), palette.page) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", STATES)
def test_markers_stand_out_from_the_page(theme, state):
    """Reach 3 to 1 for markers and their rims on the page."""
    palette = PALETTES[theme]
    assert contrast(palette.states[state], palette.page) >= 3
    assert contrast(palette.rims[state], palette.page) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", ["good", "bad"])
def test_markers_stand_out_from_the_densest_place(theme, state):
    """Reach 3 to 1 for the better of marker and rim where the density peaks.

    Unknown is hollow and filled with the page, so it stands out from its own inside.
    """
    palette = PALETTES[theme]
    best = max(contrast(each[state], palette.density) for each in (palette.states, palette.rims))
    assert best >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_faded_markers_still_stand_out(theme):
    """Reach 3 to 1 for markers that step back behind a chosen path, rim or fill."""
    palette = PALETTES[theme]
    for state in STATES:
        seen = [mix(each[state], palette.page, FADED) for each in (palette.states, palette.rims)]
        assert max(contrast(colour, palette.page) for colour in seen) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_paths_stand_out_from_everything(theme):
    """Reach 4.5 to 1 for ink on the densest place and on the page."""
    palette = PALETTES[theme]
    assert contrast(palette.ink, palette.density) >= 4.5
    assert contrast(palette.ink, palette.page) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_template_speaks_the_look(theme):
    """Set text of 14 pixels or more, clear backgrounds, the title left, no grid."""
    layout = chart_template(theme).layout
    assert TEXT_SIZE >= 14
    assert layout.font.size >= 14
    assert layout.legend.font.size >= 14
    assert layout.hoverlabel.font.size >= 14
    assert layout.font.color == PALETTES[theme].ink
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert (layout.title.x, layout.title.xanchor) == (0, "left")
    assert layout.xaxis.showgrid is False
    assert layout.margin.autoexpand is False


def make_parts():
    """Make the parts of a figure, some of them shared."""
    font = {"size": 15}
    traces = [
        {"type": "scatter", "x": np.arange(3.0), "y": [1, None, 2], "marker": {"size": [4, 5, 6]}},
        {"type": "bar", "x": ["a", "b"], "y": [1, 2], "name": "bars"},
    ]
    notes = [{"text": text, "x": 0, "y": 0, "font": font} for text in ("one", "two")]
    return traces, {"height": 300, "annotations": notes, "yaxis": {"range": [0, 3]}}


@pytest.mark.parametrize("theme", THEMES)
def test_figure_of_parts_equals_the_checked_one(theme):
    """Make what Plotly makes when it checks every property, template included."""
    traces, layout = make_parts()
    figure = make_figure(traces, layout, theme)
    slow = go.Figure(layout={"template": chart_template(theme)})
    for trace in traces:
        slow.add_trace(trace)
    slow.update_layout(layout)
    assert read_json(figure) == read_json(slow)
    assert_valid(figure)
    assert figure.data[1].name == "bars"
    assert figure.layout.yaxis.range == (0, 3)


def test_figure_of_parts_holds_copies():
    """Change one place only: neither the parts, nor another place that shared one, nor an axis."""
    traces, layout = make_parts()
    figure = make_figure(traces, layout, "light")
    figure.layout.annotations[0].font.size = 40
    figure.data[0].marker.size = 7
    figure.layout.template.layout.xaxis.showgrid = True
    assert figure.layout.annotations[1].font.size == 15
    assert layout["annotations"][0]["font"]["size"] == 15
    assert traces[0]["marker"]["size"] == [4, 5, 6]
    assert figure.layout.template.layout.yaxis.showgrid is False
    assert chart_template("light").layout.xaxis.showgrid is False


@pytest.mark.parametrize("change", [{"height": "tall"}, {"nonsense": 1}, {"yaxis_range": "wide"}])
def test_later_changes_are_checked(change):
    """Refuse what Plotly refuses once the figure is made."""
    figure = make_figure(*make_parts(), "light")
    with pytest.raises(ValueError, match=next(iter(change)).split("_")[-1]):
        figure.update_layout(change)
    with pytest.raises(ValueError, match="opacity"):
        figure.data[0].opacity = "much"


@pytest.mark.parametrize("wrong", [{"marker_colour": "red"}, {"marker": {"size": "large"}}])
def test_a_wrong_part_fails_the_check(wrong):
    """Find a wrong name and a wrong value by the check that tests ask for."""
    with pytest.raises(ValueError, match=r"Invalid|Bad"):
        assert_valid(make_figure([{"type": "scatter", **wrong}], {}, "light"))
