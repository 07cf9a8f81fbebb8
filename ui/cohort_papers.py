"""Beside the published numbers: the papers' tables, ours, and what their difference means."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.published import compare_published, describe_comparison, format_number
from cxrlib.published_tables import PUBLISHED, PublishedTable, find_table
from ui.address import report_unknown
from ui.table import show_table
from ui.text import show_quiet, show_text

__all__ = ["show_papers"]

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
    names = tuple(PUBLISHED)
    report_unknown("table", names.__contains__)
    name = st.selectbox(
        "Table of the papers",
        names,
        key="table",
        bind="query-params",
        persist_state="session",
        width=360,
    )
    published = find_table(str(name))
    compared = compare_published(cohort, str(name))
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
    show_table(
        _to_words(compared, published),
        key=f"papers-{name}",
        provenance=provenance,
        file_stem=f"{file_stem}-{name}",
        numbers=compared,
        height=560,
        column_config={"Why": st.column_config.TextColumn(width="large")},
    )
    show_quiet(
        "Agrees: equal at the decimals the paper prints. Difference: not equal, though the paper's "
        "counts are ours too. Different cohort: everything else."
    )


def _to_words(compared: pd.DataFrame, published: PublishedTable) -> pd.DataFrame:
    """Write numbers as the paper prints them, with what was counted on both sides."""
    titles = {
        column.name: ", ".join(
            [column.title] if column.title.lower() == column.unit else [column.title, column.unit]
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
    return both[list(SHOWN)].rename(columns=SHOWN)


def _write_counts(counts: pd.Series) -> list[str]:
    return ["–" if pd.isna(value) else str(value) for value in counts]
