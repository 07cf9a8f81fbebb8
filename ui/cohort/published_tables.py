"""The papers' tables beside the same numbers of this cohort."""

import calendar
import re

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.literature import PUBLISHED, PublishedTable, find_table
from cxrlib.number_text import format_units
from cxrlib.summary import (
    TableLayout,
    compare_published,
    count_published,
    describe_comparison,
    format_number,
    lay_out_frame,
    list_unpublished_rows,
)
from ui.cohort.part import Part
from ui.widgets.choice import choose_one
from ui.widgets.dense_table import show_dense_table
from ui.widgets.details import show_details
from ui.widgets.text import show_quiet, show_text

__all__ = ["lay_out_comparison", "show_papers"]

MOST_BEYOND = 8  # rows that are listed
TALL = 640  # pixels; a longer table scrolls under its header
VERDICT_TEXT = (
    "Agrees: equal at the paper's decimals. Difference: not equal though both count equally many. "
    "Different cohort: all others."
)
SHOWN = {
    "title": "Row",
    "column": "Number",
    "paper": "Paper",
    "ours": "Here",
    "counts_paper": "Counted in paper",
    "counts_ours": "Counted here",
    "verdict": "Verdict",
    "explanation": "Why",
}


def show_papers(cohort: Cohort, part: Part) -> None:
    """Show one of the papers' tables beside the same numbers of this cohort.

    Parameters
    ----------
    cohort : Cohort
        As filtered; each table makes its own selection of views and findings on top.
    part : Part
        The unit is the table's own.
    """
    places = {name: _format_place(table) for name, table in PUBLISHED.items()}
    name = choose_one("table", "Table of the papers", places, is_menu=True, width=360)
    published = find_table(name)
    compared = compare_published(cohort, name)
    show_text(describe_comparison(compared), lead=f"{published.title}.")
    if cohort.is_synthetic:
        show_quiet("This cohort is synthetic: its numbers cannot agree with the papers'.")
    show_details(
        "The same images are counted as in the paper, by the same unit, whatever is chosen at the "
        "top of the page. The filters apply.",
        (
            f"Counted in the paper: {published.selection}. Data as of {published.as_of}.",
            *published.notes,
            *published.column_notes.values(),
            _describe_beyond(cohort, published),
        ),
    )
    show_dense_table(
        lay_out_comparison(compared, published),
        key=f"papers-{name}",
        **part.saved_as(name),
        max_height=TALL,
    )


def _describe_beyond(cohort: Cohort, published: PublishedTable) -> str:
    """List the rows that only this cohort has; "" for none, and empty rows are passed over."""
    ours = count_published(cohort, published.name)
    rows = list_unpublished_rows(published, ours[ours["value"].fillna(0) != 0])
    if not rows:
        return ""
    named = ", ".join(f"“{row}”" for row in rows[:MOST_BEYOND])
    rest = len(rows) - MOST_BEYOND
    more = f" and {rest:,} more" if rest > 0 else ""
    return f"Not in the paper, so not compared: {format_units(len(rows), 'row')}, {named}{more}."


def _format_place(table: PublishedTable) -> str:
    """Format where a table is, readable in an address too.

    Examples
    --------
    >>> _format_place(find_table("early-table-1"))
    'Table 1 of March 2020'
    """
    found = re.match(r"(?P<what>.+?) \((?P<year>\d{4})-(?P<month>\d\d)", table.place)
    if found is None:
        return table.place
    return f"{found['what']} of {calendar.month_name[int(found['month'])]} {found['year']}"


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
        counts_paper=_format_counts(compared["n_paper"]),
        counts_ours=_format_counts(compared["n_ours"]),
        **{
            side: [
                format_number(value, int(decimals))
                for value, decimals in zip(compared[side], compared["decimals"], strict=True)
            ]
            for side in ("paper", "ours")
        },
    )
    # The name of a row with many numbers is a line above them.
    is_many = compared["column"].nunique() > 1
    return lay_out_frame(
        both[list(SHOWN)],
        title=f"{published.place} compared with this cohort",
        unit=f"Unit: {published.unit}.",
        titles=SHOWN,
        right=("paper", "ours", "counts_paper", "counts_ours"),
        prose=("explanation",),
        group="title" if is_many else "",
        notes=(VERDICT_TEXT,),
        numbers=compared,
    )


def _format_counts(counts: pd.Series) -> list[str]:
    return ["–" if pd.isna(value) else str(value) for value in counts]
