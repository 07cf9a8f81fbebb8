"""Tables for paper: whole, in order, harmless."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from cxrlib.reports import make_publication_html
from cxrlib.summary import Cell, Column, Row, TableLayout

HOSTILE = "<img src=x onerror=alert(1)> **b** {{x}} [l](http://evil.example) &amp; $\\u"


class Reader(HTMLParser):
    """Reads tags with their attributes, and the text of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag, attrs) -> None:
        """Keep a tag; start a row or a cell."""
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data) -> None:
        """Add text to the cell it is in."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def read(page: str) -> tuple[Reader, list[list[str]]]:
    """Parse a page; give the texts of its rows."""
    reader = Reader()
    reader.feed(page)
    return reader, [[" ".join(cell.split()) for cell in row] for row in reader.rows]


TWO = (Column("Name", is_number=False), Column("n"))


def make(rows, columns=TWO, **parts) -> TableLayout:
    """Make a layout of two columns."""
    whole = {"title": "Title", "unit": "Unit: image.", "notes": ("Note.",), **parts}
    return TableLayout(columns=tuple(columns), rows=rows, numbers=pd.DataFrame(), tones={}, **whole)


def test_hostile_text_is_text_everywhere() -> None:
    """Markup in a title, a header, a cell, a group, a note or a line of origin is shown."""
    columns = (Column(HOSTILE, HOSTILE, is_number=False), Column(HOSTILE, HOSTILE, HOSTILE))
    rows = (
        Row((Cell(HOSTILE),), "group"),
        Row((Cell(HOSTILE), Cell(HOSTILE, HOSTILE)), in_group=True),
        Row((Cell(HOSTILE), Cell(HOSTILE)), "total"),
    )
    layout = make(rows, columns, title=HOSTILE, unit=HOSTILE, notes=(HOSTILE,))
    page = make_publication_html(layout, [HOSTILE])
    reader, found = read(page)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"img", "script", "a", "link", "iframe", "strong", "em"}
    assert not [a for _, attrs in reader.tags for a in attrs if a.startswith("on")]
    texts = [cell for row in found for cell in row]
    shown = "onerror=alert(1)> **b** {{x}} [l](http://evil.example) &amp;"
    assert sum(text.count(shown) for text in texts) == 15


def test_rows_stay_in_their_order() -> None:
    """Two groups of one name, rows without a group between and after them."""
    rows = (
        Row((Cell("first"), Cell("1"))),
        Row((Cell("Group"),), "group"),
        Row((Cell("a"), Cell("2")), in_group=True),
        Row((Cell("alone"), Cell("3"))),
        Row((Cell("Group"),), "group"),
        Row((Cell("a"), Cell("4")), in_group=True),
        Row((Cell("last"), Cell("5"))),
        Row((Cell("Total"), Cell("15")), "total"),
    )
    _, found = read(make_publication_html(make(rows), []))
    numbers = [row[1] for row in found if len(row) == 2 and row[1].isdigit()]
    assert numbers == ["1", "2", "3", "4", "5", "15"]
    groups = [row[0].strip("\N{ZERO WIDTH SPACE}") for row in found if len(row) == 1]
    assert groups.count("Group") == 2


def test_a_page_says_where_it_comes_from() -> None:
    """Notes and origin stand below; nothing is fetched, nothing runs."""
    page = make_publication_html(
        make((Row((Cell("a"), Cell("1 of 2", "50 %, 9-91"))),)), ["Notice.", "Cohort: x"]
    )
    reader, found = read(page)
    texts = [cell for row in found for cell in row]
    assert "1 of 2 (50 %, 9-91)" in texts
    assert texts[-3:] == ["Note.", "Notice.", "Cohort: x"]
    assert "default-src 'none'" in next(a["content"] for t, a in reader.tags if "content" in a)
    assert not [a for _, attrs in reader.tags for a in attrs if a in ("src", "href")]
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("rows", [(), (Row((Cell("Total"), Cell("0")), "total"),)])
def test_a_table_of_nothing_is_a_page(rows) -> None:
    """Header and notes stand there all the same."""
    assert "Unit: image." in make_publication_html(make(rows), [])
