"""Tables for paper: a page of HTML by great-tables that opens anywhere and pastes into a document.

great-tables is imported only when such a page is asked for. Everything on it is escaped here,
and it fetches nothing.
"""

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from cxrlib.errors import ReportError
from cxrlib.number_text import NOTHING
from cxrlib.summary import Column, Row, TableLayout
from cxrlib.system import require_package

if TYPE_CHECKING:
    from great_tables import GT
    from great_tables._text import Html

FONTS = ["Arial", "Liberation Sans", "Helvetica", "sans-serif"]
#: What scripts and other hosts could do on the page: nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
TABLE_ID = "table"


def make_publication_html(layout: TableLayout, lines: Sequence[str]) -> str:
    """Make a page of a table for paper.

    Parameters
    ----------
    layout : TableLayout
        Its bars are left out: a cell says the same in numbers.
    lines : sequence of str
        Where it comes from, the notice first: `cxrlib.reports.list_provenance`. Stand
        below it.

    Returns
    -------
    str
        A whole page of HTML without scripts.
    """
    table = _make_table(layout, lines).as_raw_html(make_page=False)
    return _PAGE.format(policy=html.escape(POLICY), title=html.escape(layout.title), table=table)


def _make_table(layout: TableLayout, lines: Sequence[str]) -> "GT":
    """Make the table, header and notes included."""
    require_package("great_tables", "Tables for paper", ReportError)
    from great_tables import GT, html as as_html, loc, style

    def text(plain: str) -> "Html":
        return as_html(_escape(plain))

    names = [f"c{i}" for i in range(len(layout.columns))]
    body, totals = _make_body(layout.rows, names)
    has_groups = any(row.kind == "group" for row in layout.rows)
    table = GT(
        body if has_groups else body.drop(columns="group"),
        id=TABLE_ID,
        rowname_col=names[0],
        groupname_col="group" if has_groups else None,
    )
    table = table.tab_header(text(layout.title), text(layout.unit) if layout.unit else None)
    table = table.tab_stubhead(as_html(_format_label(layout.columns[0])))
    labels = zip(names[1:], layout.columns[1:], strict=True)
    table = table.cols_label({name: as_html(_format_label(column)) for name, column in labels})
    for group, members in _list_spanners(layout.columns, names):
        table = table.tab_spanner(text(group), columns=members, id=f"over-{members[0]}")
    numbers = [n for n, c in zip(names, layout.columns, strict=True) if c.is_number and n != "c0"]
    texts = [name for name in names if name not in numbers]
    table = table.cols_align("left", texts).cols_align("right", numbers)
    table = table.fmt(_format_number, columns=numbers).fmt(_format_text, columns=texts)
    if totals:
        bold, rule = style.text(weight="bold"), style.borders("top", "#525B69", weight="1px")
        table = table.tab_style([bold, rule], [loc.body(rows=totals), loc.stub(rows=totals)])
    for note in (*layout.notes, *lines):
        table = table.tab_source_note(text(note))
    return table.tab_options(
        table_font_names=FONTS,
        table_font_size="13px",
        heading_align="left",
        heading_title_font_weight="600",
        data_row_padding="4px",
        row_group_font_weight="600",
        source_notes_font_size="11px",
        stub_border_style="none",
    )


def _escape(plain: str) -> str:
    """Escape a text, its braces too: great-tables takes what is in two of them for units."""
    return html.escape(plain).replace("{", "&#123;").replace("}", "&#125;")


def _format_number(value: object) -> str:
    """Format a number of a table so that it breaks before its brackets or after them only."""
    parts = re.split(r" (?=\()|(?<=\),) ", str(value))
    return " ".join(f"<span class='whole'>{_escape(part)}</span>" for part in parts)


def _format_text(value: object) -> str:
    return _escape(str(value))


def _make_body(rows: Sequence[Row], names: Sequence[str]) -> tuple[pd.DataFrame, list[int]]:
    """Format cells on one line each, the group of each row, and which rows are totals."""
    found: list[dict[str, str]] = []
    totals: list[int] = []
    seen: set[str] = set()
    group, was_in = "", True
    for row in rows:
        if row.kind == "group":
            group = _make_unique(row.cells[0].line, seen)
            was_in = True
            continue
        if was_in and not row.in_group:
            group = _make_unique("", seen)
        was_in = row.in_group
        if row.kind == "total":
            totals.append(len(found))
        lines = dict(zip(names, (cell.line or NOTHING for cell in row.cells), strict=True))
        found.append({"group": group, **lines})
    return pd.DataFrame(found, columns=["group", *names], dtype=object), totals


def _make_unique(group: str, seen: set[str]) -> str:
    """Tell groups of one name apart by invisible signs: great-tables would gather their rows."""
    while group in seen:
        group += "\N{ZERO WIDTH SPACE}"
    seen.add(group)
    return group


def _format_label(column: Column) -> str:
    """Format a column's title with its unit below."""
    unit = f"<br><span class='unit'>{_escape(column.unit)}</span>" if column.unit else ""
    return _escape(column.title) + unit


def _list_spanners(columns: Sequence[Column], names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """List the titles over neighbouring columns."""
    found: list[tuple[str, list[str]]] = []
    before = ""
    for name, column in zip(names, columns, strict=True):
        if column.group and column.group == before:
            found[-1][1].append(name)
        elif column.group:
            found.append((column.group, [name]))
        before = column.group
    return found


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ margin: 1.5rem; background: #fff; }}
table {{ font-variant-numeric: tabular-nums; }}
.whole {{ white-space: nowrap; }}
.unit {{ font-weight: normal; font-size: 85%; color: #525B69; }}
</style>
</head>
<body>
{table}
</body>
</html>
"""
