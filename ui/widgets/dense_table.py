"""Dense tables with small bars inside cells, each with a menu that saves it.

Prefer these where a page is about the table; `ui.widgets.table.show_table` where a reader sorts
and searches.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from cxrlib.charts.style import PALETTES, Palette
from cxrlib.number_text import NOTHING
from cxrlib.reports import csv_with_header, make_publication_html
from cxrlib.summary import Bar, Cell, Column, Row, TableLayout
from ui.widgets.details import show_details
from ui.widgets.saving import Saving, offer_saving

__all__ = ["list_savings", "make_table", "show_dense_table"]

STYLE = Path(__file__).with_suffix(".css")


def show_dense_table(
    layout: TableLayout,
    *,
    key: str,
    provenance: Sequence[str],
    file_stem: str,
    max_height: int | None = None,
) -> None:
    """Show a table with its unit, its notes and a menu that saves it.

    Parameters
    ----------
    layout : TableLayout
    key : str
    provenance : sequence of str
        `cxrlib.reports.list_provenance`, with the filters; written into saved files.
    file_stem : str
        The start of file names: "regions-2026-01-31".
    max_height : int, optional
        Pixels; a longer table scrolls under its header.
    """
    palette = PALETTES[st.context.theme.type or "light"]
    st.html(STYLE)
    st.html(make_table(layout, palette, max_height=max_height))
    # As below a figure: the menu keeps its place, whatever the length of the notes.
    notes, menu = st.columns([5, 1], gap="small")
    with notes:
        show_details("", layout.notes)
    with (
        menu,
        st.popover(
            "Save", key=f"{key}_menu", type="tertiary", icon=":material/download:", width="content"
        ),
    ):
        for row, saving in enumerate(list_savings(layout, provenance, file_stem)):
            offer_saving(saving, key=f"{key}_save_{row}")


def list_savings(layout: TableLayout, provenance: Sequence[str], file_stem: str) -> list[Saving]:
    """List the files a table can be saved as; each is made on request."""
    lines = [*provenance, *filter(None, (layout.title, layout.unit)), *layout.notes]
    return [
        Saving(
            "Table (CSV)",
            f"{file_stem}.csv",
            "text/csv",
            lambda: csv_with_header(layout.numbers, lines),
        ),
        Saving(
            "For paper (HTML)",
            f"{file_stem}.html",
            "text/html",
            lambda: make_publication_html(layout, provenance),
        ),
    ]


# ---- as HTML; every text is escaped


def make_table(layout: TableLayout, palette: Palette, *, max_height: int | None = None) -> str:
    """Make a table as HTML.

    Parameters
    ----------
    layout : TableLayout
    palette : Palette
        Of the page's theme.
    max_height : int, optional
    """
    height = f"max-height: {int(max_height)}px;" if max_height else ""
    title, unit = escape(layout.title), escape(layout.unit)
    n_columns = len(layout.columns)
    body = "".join(_make_row(row, layout.columns, n_columns) for row in layout.rows)
    return (
        f"<div class='cxr-table' style='--bar: {palette.accent}; --cxr-page: {palette.page}'>"
        f"<div class='cxr-table-words'><strong>{title}</strong><span>{unit}</span>"
        f"{_make_key(layout)}</div>"
        f"<div class='cxr-table-room' role='region' tabindex='0' aria-label='{title}' "
        f"style='{height}'><table aria-label='{title}. {unit}'>"
        f"<thead>{_make_head(layout.columns)}</thead><tbody>{body}</tbody></table></div></div>"
    )


def _make_key(layout: TableLayout) -> str:
    """Make the key of the bars' tones."""
    parts = (
        f"<span><i class='cxr-bar'><b class='cxr-{escape(tone)}' style='width: 100%'></b></i>"
        f"{escape(words)}</span>"
        for tone, words in layout.tones.items()
    )
    return f"<span class='cxr-table-key'>{''.join(parts)}</span>" if layout.tones else ""


def _make_head(columns: Sequence[Column]) -> str:
    """Make one or two lines of headers, the upper one over neighbours of a group."""
    if not any(column.group for column in columns):
        return f"<tr>{''.join(_make_title(column) for column in columns)}</tr>"
    upper, lower = "", ""
    for i, column in enumerate(columns):
        if not column.group:
            upper += _make_title(column, " rowspan='2'")
            continue
        lower += _make_title(column)
        if i == 0 or columns[i - 1].group != column.group:
            width = _count_neighbours(columns[i:])
            upper += f"<th scope='colgroup' colspan='{width}'>{escape(column.group)}</th>"
    return f"<tr>{upper}</tr><tr>{lower}</tr>"


def _count_neighbours(columns: Sequence[Column]) -> int:
    """Count the columns at the start that are of one group."""
    for width, column in enumerate(columns):
        if column.group != columns[0].group:
            return width
    return len(columns)


def _make_title(column: Column, more: str = "") -> str:
    kind = _find_kind(column)
    unit = f"<small>{escape(column.unit)}</small>" if column.unit else ""
    return f"<th scope='col' class='cxr-{kind}'{more}>{escape(column.title)}{unit}</th>"


def _make_row(row: Row, columns: Sequence[Column], n_columns: int) -> str:
    if row.kind == "group":
        name = escape(row.cells[0].line)
        return f"<tr class='cxr-group'><th scope='rowgroup' colspan='{n_columns}'>{name}</th></tr>"
    first, *others = zip(row.cells, columns, strict=True)
    cells = "".join(_make_cell(cell, column) for cell, column in others)
    marks = " ".join(filter(None, [f"cxr-{row.kind}", "cxr-within" if row.in_group else ""]))
    name = _make_link(first[0].line, first[0].link)
    return f"<tr class='{marks}'><th scope='row'>{name}</th>{cells}</tr>"


def _find_kind(column: Column) -> str:
    if column.is_prose:
        return "prose"
    return "number" if column.is_number else "name"


def _make_cell(cell: Cell, column: Column) -> str:
    blank = " cxr-blank" if cell.text == NOTHING else ""
    detail = f"<small>{escape(cell.detail)}</small>" if cell.detail else ""
    bar = _make_bar(cell.bar) if cell.bar else ""
    text = _make_link(cell.text, cell.link)
    return f"<td class='cxr-{_find_kind(column)}{blank}'><span>{text}</span>{bar}{detail}</td>"


def _make_link(text: str, link: str) -> str:
    """Make a text that links to a web address, if it has one."""
    if not link.startswith(("https://", "http://")):
        return escape(text)
    return f"<a href='{escape(link)}' target='_blank' rel='noopener noreferrer'>{escape(text)}</a>"


def _make_bar(bar: Bar) -> str:
    parts = "".join(
        f"<b class='cxr-{escape(tone)}' style='width: {100 * share:.1f}%'></b>"
        for tone, share in bar.parts
        if share > 0
    )
    words = escape(bar.words)
    return f"<i class='cxr-bar' role='img' aria-label='{words}' title='{words}'>{parts}</i>"
