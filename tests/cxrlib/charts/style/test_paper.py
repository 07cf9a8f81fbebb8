"""A figure on paper: the drawing stays, the words fit below it, nothing in them acts."""

import html
import re
from xml.etree import ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import ImageFont

from cxrlib.charts.style import Imprint, chart_template, put_on_paper
from cxrlib.charts.style.paper import EDGE, PAPER_FONT, _measure, label_svg

LINES = ("For research and teaching.", "Cohort: x; fingerprint " + "0a" * 32, "Filters: none")
IMPRINT = Imprint("Where?", "What it is, from how many, and how not to read it. " * 8, LINES)


def make_figure(**layout):
    """Make a figure with a legend that hangs from the figure's top."""
    figure = go.Figure(
        go.Scatter(x=np.arange(3.0), y=np.arange(3.0), name="a", hovertext=["1", "2", "3"]),
        layout={"template": chart_template("light"), "height": 620},
    )
    legend = {"yref": "container", "y": 0.9, "yanchor": "top", "font": {"family": "Comic Sans"}}
    return figure.update_layout(showlegend=True, legend=legend, **layout)


def words_of(figure):
    """Give the lines of words below a figure as plain text, each with its size in pixels."""
    lines = []
    for line in figure.layout.title.text.split("<br>"):
        own = re.search("font-size: ([0-9.]+)px", line)
        size = float(own[1]) if own else figure.layout.title.font.size
        lines.append((html.unescape(re.sub("</?(b|span)[^>]*>", "", line)), size))
    return lines


def test_the_drawing_stays_as_it_was():
    """What grows is below: the plot's own height and the legend's distance from the top stay."""
    before = make_figure(margin={"t": 90, "b": 50})
    after = put_on_paper(before, IMPRINT, width=800).layout
    assert after.height > 620
    assert after.height - after.margin.t - after.margin.b == pytest.approx(620 - 90 - 50)
    assert (1 - after.legend.y) * after.height == pytest.approx((1 - 0.9) * 620)
    top = (1 - after.title.y) * after.height
    assert 620 < top < 640  # the words begin under the drawing
    assert before.layout.height == 620
    assert before.layout.title.text is None


def test_a_seen_height_goes_before_the_figures_own():
    """A figure is as high as it stood on the screen."""
    low, high = (put_on_paper(make_figure(), IMPRINT, width=800, height=h) for h in (400, 700))
    assert high.layout.height - low.layout.height == pytest.approx(300)


@pytest.mark.parametrize("width", [300, 800, 1600])
def test_no_line_is_wider_than_the_figure_and_nothing_is_lost(width):
    """Each line fits, a word without end is cut, and all letters are there."""
    imprint = Imprint("W" * 300, IMPRINT.caption, (*LINES, "漢字" * 80))
    figure = put_on_paper(make_figure(), imprint, width=width)
    lines = words_of(figure)
    for line, size in lines:
        assert _measure(line) * size <= (width - 2 * EDGE) * 1.0001
    given = "".join([imprint.heading, imprint.caption, imprint.lines[0], *imprint.lines[1:]])
    kept = "".join(line for line, _ in lines).replace("·", "")
    assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", given)
    room = figure.layout.height - 620
    assert len(lines) * 13 * 1.3 < room < len(lines) * 13 * 1.3 + 40


def test_letters_are_as_wide_as_measured():
    """The table of widths agrees with a font of Arial's widths, where one is installed."""
    try:
        font = ImageFont.truetype("LiberationSans-Regular.ttf", 1000)
    except OSError:
        pytest.skip("Liberation Sans is not installed.")
    for letter in map(chr, range(32, 127)):
        assert _measure(letter) * 1000 == pytest.approx(font.getlength(letter), abs=3), letter
    for letter in "·–−":
        assert _measure(letter) * 1000 >= font.getlength(letter) - 30, letter


def test_large_figures_have_large_words():
    """Words grow with the text of the figure."""
    template = chart_template("light")
    template.layout.font.size = 28
    large = put_on_paper(make_figure(template=template), IMPRINT, width=800)
    assert large.layout.title.font.size == 26


def test_every_font_is_one_of_paper():
    """No font of the screen is left, in the template or in a trace."""
    figure = make_figure()
    figure.data[0].textfont = {"family": "Comic Sans"}
    figure.add_annotation(text="x", font={"family": "Comic Sans"})
    written = put_on_paper(figure, IMPRINT, width=800).to_json()
    assert "Comic Sans" not in written
    assert "Source Sans" not in written
    families = re.findall(r'"family":("(?:[^"\\]|\\.)*")', written)
    assert set(families) == {'"' + PAPER_FONT.replace('"', '\\"') + '"'}


def test_a_title_of_its_own_stays_on_top():
    """A figure's title becomes a note in its place; the words take none of it away."""
    figure = put_on_paper(make_figure(title_text="Ages"), IMPRINT, width=800)
    assert [note.text for note in figure.layout.annotations] == ["Ages"]
    assert "Ages" not in figure.layout.title.text


def test_words_are_text():
    """Markup in a name is shown, control characters are not."""
    hostile = Imprint("<b>a</b>", '<a href="javascript:x">c</a>\x00', ("n<br>", "&lt;\x08"))
    figure = make_figure()
    figure.data[0].name = "id\x08"
    figure = put_on_paper(figure, hostile, width=800)
    text = figure.layout.title.text
    assert "<a" not in text
    assert "&lt;b&gt;a&lt;/b&gt;" in text
    assert "&amp;lt;" in text
    assert "\\u0008" not in figure.to_json()
    assert "\\u0000" not in figure.to_json()


def test_a_figure_without_words_is_a_figure():
    """Nothing to say leaves a figure with a narrow edge."""
    figure = put_on_paper(make_figure(), Imprint("", "", ()), width=800)
    assert figure.layout.title.text == ""
    assert figure.layout.height < 660


def test_an_svg_is_named():
    """Title and description are the first children, and text whatever is in them."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1"><rect/></svg>'
    named = label_svg(svg, title="</title><script>", description="a & b\x08\ud800")
    root = ET.fromstring(named.encode())  # noqa: S314
    assert root.get("role") == "img"
    assert [child.tag.split("}")[1] for child in root] == ["title", "desc", "rect"]
    assert root[0].text == "</title><script>"
    assert root[1].text == "a & b  "
