"""The cohort page's tables: by region, view, finding, source; Table One; what is missing."""

from collections.abc import Callable, Sequence

import streamlit as st

from cxrlib.bibliography import PAPERS, cite_articles, cite_collection
from cxrlib.cohort import Cohort
from cxrlib.groups import GROUPINGS
from cxrlib.missingness import describe_missingness
from cxrlib.statistics import summarise
from cxrlib.summary_layout import lay_out_summary
from cxrlib.table_layout import lay_out_frame
from cxrlib.table_one import make_table_one
from ui.address import report_unknown
from ui.figure import Saving
from ui.tables import show_dense_table

__all__ = ["show_missing", "show_table_one", "show_tables"]

TABLES = ("region", "sub-region", "country", "view", "finding", "finding-view", "source", "article")
TALL = 640  # pixels; a longer table scrolls under its header


def choose_table(key: str, *, names: Sequence[str] = TABLES, label: str = "By") -> str:
    """Let the reader choose what a table is by."""
    report_unknown(key, set(names).__contains__)
    chosen = st.segmented_control(
        label,
        names,
        default=names[0],
        required=True,
        key=key,
        bind="query-params",
        persist_state="session",
        width="content",
    )
    return str(chosen)


def show_tables(
    cohort: Cohort, with_lateral: Cohort, *, unit: str, provenance: Sequence[str], stem: str
) -> None:
    """Show one of the tables.

    Parameters
    ----------
    cohort : Cohort
        The images counted.
    with_lateral : Cohort
        The same with lateral images, for the table by view.
    """
    by = choose_table("by")
    summary = summarise(with_lateral if by == "view" else cohort, by, unit=unit)
    title = f"X-rays by {GROUPINGS[by].title.lower()}"
    if by == "article":
        more = [Saving("Articles (BibTeX)", f"{stem}-articles.bib", "text/plain", _cite(cohort))]
    else:
        more = []
    show_dense_table(
        lay_out_summary(summary, title=title),
        key=f"table_{by}",
        provenance=provenance,
        file_stem=f"{stem}-{by}",
        max_height=TALL,
        more=more,
    )


def _cite(cohort: Cohort) -> Callable[[], str]:
    """Cite the papers, the collection and the articles of the images counted."""
    return lambda: "\n\n".join([*PAPERS.values(), cite_collection(), cite_articles(cohort.table)])


def show_table_one(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show a Table One, whole and by region or view, with what is missing and no p-values."""
    by = choose_table("one_by", names=("region", "view"), label="Table One by")
    table = make_table_one(cohort, by, unit=unit)
    layout = lay_out_frame(
        table.to_wide(), title=f"Table One by {by}", unit=f"Unit: {unit}.", notes=table.notes
    )
    show_dense_table(
        layout,
        key="table_one",
        provenance=provenance,
        file_stem=f"{stem}-table-one",
        max_height=TALL,
    )


def show_missing(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show what is recorded of how many, column by column."""
    table = describe_missingness(cohort, unit=unit)
    shown = table[["title", "n", "n_recorded", "n_unclear", "n_not_recorded"]]
    layout = lay_out_frame(
        shown,
        title="What is recorded, and what is not",
        unit=f"Unit: {unit}.",
        titles={
            "title": "Column",
            "n": "Counted",
            "n_recorded": "Recorded",
            "n_unclear": "Unclear",
            "n_not_recorded": "Not recorded",
        },
        bars=("n_recorded", "n_not_recorded"),
        notes=("A blank is not a no. What is not recorded is not missing at random.",),
    )
    show_dense_table(
        layout, key="missing", provenance=provenance, file_stem=f"{stem}-missing", max_height=TALL
    )
