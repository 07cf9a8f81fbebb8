"""Dense tables as HTML, and what their menu saves."""

import re

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from cxrlib.charts.style import PALETTES
from cxrlib.summary import Bar, Cell, Column, Row, TableLayout
from ui.widgets.dense_table import STYLE, list_savings, make_table

HOSTILE = "<img src=x onerror=alert(1)>' onclick='x"
COLUMNS = (
    Column("Region", is_number=False),
    Column("Images", group="Counts"),
    Column("Patients", group="Counts"),
    Column("Age, years", "median"),
)


def make(**parts) -> TableLayout:
    """Make a layout with each kind of row."""
    bar = Bar((("full", 0.5), ("half", 0.0), ("pale", 0.5)), "1 yes, 1 not recorded")
    whole = {
        "title": "Title",
        "unit": "Unit: image.",
        "columns": COLUMNS,
        "rows": (
            Row((Cell("Group"),), "group"),
            Row((Cell("a"), Cell("1", bar=bar), Cell("–"), Cell("56", "44-68")), in_group=True),
            Row((Cell("Total"), Cell("1"), Cell("2"), Cell("3")), "total"),
        ),
        "notes": ("Note.",),
        "numbers": pd.DataFrame({"region": ["=1+1"], "n": [1]}),
        "tones": {"full": "yes"},
        **parts,
    }
    return TableLayout(**whole)


def test_headers_cover_their_columns() -> None:
    """Each line of the header fills the width, counting what reaches down into it."""
    page = make_table(make(), PALETTES["light"])
    head = re.search(r"<thead>(.*)</thead>", page)[1]
    upper, lower = (re.findall(r"<th([^>]*)>", line) for line in head.split("</tr>")[:2])
    assert [("rowspan" in th, "colspan='2'" in th) for th in upper] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert len(lower) == 2
    assert page.count("<tr") == 5
    plain = make_table(make(columns=(*[Column("x")] * 4,)), PALETTES["light"])
    assert "rowspan" not in plain


def test_hostile_text_is_text() -> None:
    """Markup and quotes from files end no attribute and start no tag."""
    bar = Bar((("full", 1.0),), HOSTILE)
    columns = tuple(Column(HOSTILE, HOSTILE, HOSTILE) for _ in range(2))
    rows = (
        Row((Cell(HOSTILE),), "group"),
        Row((Cell(HOSTILE), Cell(HOSTILE, HOSTILE, bar=bar))),
    )
    layout = make(title=HOSTILE, unit=HOSTILE, columns=columns, rows=rows, tones={"full": HOSTILE})
    page = make_table(layout, PALETTES["light"])
    assert "<img" not in page
    assert "onclick='" not in page


def test_only_web_addresses_are_links() -> None:
    """An address of the web leads out of the page; a script does not, and no quote ends it."""
    columns = (Column("Article", is_number=False), Column("Why", is_number=False, is_prose=True))
    links = ("https://x.org/?a='><img src=x onerror=alert(1)>", "javascript:alert(1)")
    rows = tuple(Row((Cell("name", link=link), Cell("Because.", link=link))) for link in links)
    page = make_table(make(columns=columns, rows=rows), PALETTES["light"])
    assert page.count("<a href='https://x.org") == page.count("<a ") == 2
    assert page.count("rel='noopener noreferrer'") == 2
    assert "<img" not in page
    assert "javascript" not in page
    assert "cxr-prose" in page


def test_a_wide_table_can_be_scrolled_by_keyboard() -> None:
    """What scrolls takes the focus and has a name."""
    page = make_table(make(), PALETTES["light"])
    assert re.search(r"class='cxr-table-room' role='region' tabindex='0' aria-label='Title'", page)


def test_the_shade_below_lies_on_the_names_as_well() -> None:
    """Names that stay in place have an opaque ground: the shade is a layer over them."""
    style = STYLE.read_text()
    shade = re.search(r"\.cxr-table-room::after \{(.*?)\}", style, re.S)[1]
    assert "position: sticky" in shade
    assert "left: 0" in shade
    assert int(re.search(r"z-index: (\d)", shade)[1]) >= 1
    name = re.search(r"animation: ([\w-]+)", shade)[1]
    assert f"@keyframes {name} " in style


def test_bars_are_said_too() -> None:
    """What is seen in a bar is in words for who does not see it; empty parts are not drawn."""
    page = make_table(make(), PALETTES["dark"])
    assert "aria-label='1 yes, 1 not recorded'" in page
    assert page.count("width: 50.0%") == 2
    assert PALETTES["dark"].accent in page


def test_both_files_say_where_they_come_from() -> None:
    """CSV and HTML carry notice, title, unit and notes; the CSV holds the numbers."""
    csv, html = list_savings(make(), ["The notice.", "Cohort: x"], "regions")
    assert (csv.file, html.file) == ("regions.csv", "regions.html")
    text = csv.make().decode()
    for line in ("The notice.", "Cohort: x", "Title", "Unit: image.", "Note."):
        assert f"# {line}\n" in text
        assert line in html.make()
    assert text.endswith("region,n\n'=1+1,1\n")


def show_two() -> None:
    """Show two tables, as a script."""
    from tests.ui.widgets.test_dense_table import make
    from ui.widgets.dense_table import show_dense_table

    for key in ("one", "two"):
        show_dense_table(make(), key=key, provenance=["n"], file_stem=key, max_height=200)


def test_two_tables_stand_on_one_page() -> None:
    """Each has its own menu."""
    page = AppTest.from_function(show_two).run()
    assert not page.exception


@pytest.mark.parametrize("rows", [()])
def test_a_table_without_rows_has_its_header(rows) -> None:
    """Nothing is left: what was looked for stands there."""
    assert "Age, years" in make_table(make(rows=rows), PALETTES["light"])
