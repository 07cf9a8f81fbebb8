"""Beside the published numbers: the papers' tables, ours, and what their difference means."""

import calendar
import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.literature import PUBLISHED, PublishedTable, find_table
from cxrlib.number_text import name_units
from cxrlib.summary import (
    TableLayout,
    compare_published,
    count_published,
    describe_comparison,
    format_number,
    lay_out_frame,
    list_unpublished_rows,
)
from ui.widgets.choice import choose_one
from ui.widgets.dense_table import show_dense_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["lay_out_comparison", "show_papers"]

MONTHS = tuple(calendar.month_name)
MOST_BEYOND = 8  # rows that are named
TALL = 640  # pixels; a longer table scrolls under its header
VERDICT_WORDS = (
    "Agrees: equal at the decimals the paper prints. Difference: not equal, though the paper's "
    "counts are ours too. Different cohort: everything else."
)
SHOWN = {
    "title": "Row",
    "column": "Number",
    "paper": "Paper",
    "ours": "Here",
    "counts_paper": "Counted, paper",
    "counts_ours": "Counted, here",
    "verdict": "Verdict",
    "explanation": "Why",
}


def show_papers(cohort: Cohort, *, provenance: Sequence[str], file_stem: str) -> None:
    """Show one of the papers' tables beside the same numbers of this cohort.

    Parameters
    ----------
    cohort : Cohort
        As filtered; each table makes its own selection of views and findings on top.
    """
    name = _choose_published()
    published = find_table(name)
    compared = compare_published(cohort, name)
    show_text(f"{published.title}, by unit {published.unit}.", lead=f"{published.place}.")
    if cohort.is_synthetic:
        show_quiet("This cohort is synthetic: its numbers cannot agree with the papers'.")
    show_text(describe_comparison(compared))
    show_quiet(
        f"Counted in the paper: {published.selection}. Data as of {published.as_of}. Here the same "
        "images and unit are counted, whatever is chosen at the top of the page; the filters hold."
    )
    for note in (*published.notes, *published.column_notes.values()):
        show_quiet(note)
    if beyond := _name_beyond(cohort, published):
        show_quiet(beyond)
    show_dense_table(
        lay_out_comparison(compared, published),
        key=f"papers-{name}",
        provenance=provenance,
        file_stem=f"{file_stem}-{name}",
        max_height=TALL,
    )


def _name_beyond(cohort: Cohort, published: PublishedTable) -> str:
    """Name the rows that only this cohort has; "" for none.

    Of an empty row, which grouping by views makes, there is nothing to say.
    """
    ours = count_published(cohort, published.name)
    rows = list_unpublished_rows(published, ours[ours["value"].fillna(0) != 0])
    if not rows:
        return ""
    named = ", ".join(f"“{row}”" for row in rows[:MOST_BEYOND])
    rest = len(rows) - MOST_BEYOND
    more = f" and {rest:,} more" if rest > 0 else ""
    return f"Not in the paper, and so not compared: {name_units(len(rows), 'row')}, {named}{more}."


def _choose_published() -> str:
    """Let the reader choose a table of the papers, by the words for where it stands."""
    words = {name: _name_place(table) for name, table in PUBLISHED.items()}
    return choose_one("table", "Table of the papers", words, is_menu=True, width=360)


def _name_place(table: PublishedTable) -> str:
    """Say where a table stands, in words that read well in an address too.

    Examples
    --------
    >>> _name_place(find_table("early-table-1"))
    'Table 1 of March 2020'
    """
    found = re.match(r"(?P<what>.+?) \((?P<year>\d{4})-(?P<month>\d\d)", table.place)
    if found is None:
        return table.place
    return f"{found['what']} of {MONTHS[int(found['month'])]} {found['year']}"


def lay_out_comparison(compared: pd.DataFrame, published: PublishedTable) -> TableLayout:
    """Lay out numbers as the paper prints them, with what was counted on both sides."""
    titles = {
        column.name: ", ".join(
            [column.title]
            if column.title.lower().endswith(column.unit)
            else [column.title, column.unit]
        )
        for column in published.columns
    }
    both = compared.assign(
        column=[titles.get(column, column) for column in compared["column"]],
        counts_paper=_write_counts(compared["n_paper"]),
        counts_ours=_write_counts(compared["n_ours"]),
        **{
            side: [
                format_number(value, int(decimals))
                for value, decimals in zip(compared[side], compared["decimals"], strict=True)
            ]
            for side in ("paper", "ours")
        },
    )
    # A row of many numbers stands above them; a row of one stands beside it.
    is_many = compared["column"].nunique() > 1
    layout = lay_out_frame(
        both[list(SHOWN)],
        title=f"{published.place} and here",
        unit=f"Unit: {published.unit}.",
        titles=SHOWN,
        right=("paper", "ours", "counts_paper", "counts_ours"),
        prose=("explanation",),
        group="title" if is_many else "",
        notes=(VERDICT_WORDS,),
    )
    return replace(layout, numbers=compared)


def _write_counts(counts: pd.Series) -> list[str]:
    return ["–" if pd.isna(value) else str(value) for value in counts]
