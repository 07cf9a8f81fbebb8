"""Report pages: text is text, figures bring one Plotly, numbers read as numbers."""

import html
import re

import pandas as pd
import plotly.graph_objects as go

from cxrlib.reports.html_page import PageFigure, PageTable, Section, make_report_html

HOSTILE = '<script>alert(1)</script> "quoted" & {braces}'


def write(*sections: Section) -> str:
    """Write a page."""
    return make_report_html(
        sections, title=HOSTILE, subtitle="Of a test", notice="Not for use.", origin=["Here"]
    )


def test_all_texts_are_escaped() -> None:
    """No text of any place becomes markup."""
    table = pd.DataFrame({HOSTILE: [HOSTILE], "n": [1]})
    section = Section(
        HOSTILE,
        (HOSTILE,),
        (HOSTILE,),
        (PageFigure(go.Figure(), HOSTILE, HOSTILE),),
        (PageTable(table, HOSTILE),),
        HOSTILE,
    )
    page = write(section)
    assert "<script>alert(1)" not in page
    # Title and heading twice, paragraph, point, caption, label, table's caption, head, cell, code.
    assert page.count(html.escape(HOSTILE)) == 12


def test_plotly_comes_once_whatever_the_figures() -> None:
    """Four megabytes are enough; each figure has a place of its own."""
    figures = [PageFigure(go.Figure(go.Scatter(y=[1, n])), f"Number {n}") for n in range(2)]
    page = write(Section("One", figures=tuple(figures)), Section("Two", figures=(figures[0],)))
    assert page.count("plotly.js v") == 1
    assert re.findall(r'id="(figure-\d)"', page) == ["figure-0", "figure-1", "figure-2"]
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert captions == [
        "Number 0. Not for use.",
        "Number 1. Not for use.",
        "Number 0. Not for use.",
    ]
    assert "plotly.js v" not in write(Section("None"))


def test_figures_given_are_not_changed() -> None:
    """A figure that goes onto a page as well stays as it is on screen."""
    figure = go.Figure(layout={"margin": {"r": 5}, "height": 300})
    write(Section("One", figures=(PageFigure(figure),)))
    assert (figure.layout.margin.r, figure.layout.autosize) == (5, None)


def test_numbers_have_the_decimals_of_their_column() -> None:
    """Counts have none, scores two, and what is missing is a dash."""
    table = pd.DataFrame(
        {
            "images": [1200, 3],
            "score": [1.0, -0.125],
            "share": [-0.001, None],
            "some": [1.0, None],
            "words": ["", None],
            "kept": [True, False],
        }
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", write(Section("A", tables=(PageTable(table),))))
    assert cells[:5] == ["1,200", "1.00", "0.00", "1", "–"]
    assert cells[5] == "yes"
    assert cells[6:11] == ["3", "−0.12", "–", "–", "–"]


def test_an_empty_table_is_its_heading() -> None:
    """No rows are no error."""
    page = write(Section("A", tables=(PageTable(pd.DataFrame({"a": [], "b": []})),)))
    assert "<th scope='col' class=n>a</th>" in page


def test_contents_lead_to_the_sections() -> None:
    """Each section has an anchor that the list at the top names."""
    page = write(Section("First"), Section("Second"))
    assert re.findall(r'href="#(part-\d)">(\w+)<', page) == [
        ("part-1", "First"),
        ("part-2", "Second"),
    ]
    assert re.findall(r'<section id="(part-\d)">', page) == ["part-1", "part-2"]
