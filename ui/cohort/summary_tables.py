"""The cohort page's tables: by region, view, finding, source; Table One; what is missing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from cxrlib.charts.cohort import describe_findings, describe_missing, plot_findings, plot_missing
from cxrlib.cohort import Cohort
from cxrlib.literature import PAPERS, cite_articles, cite_collection
from cxrlib.number_text import name_units
from cxrlib.summary import (
    GROUPINGS,
    VIEW_COLUMNS,
    TableLayout,
    describe_missingness,
    lay_out_frame,
    lay_out_summary,
    list_articles,
    make_table_one,
    summarise,
)
from ui.widgets.chart import show_chart
from ui.widgets.choice import choose_one
from ui.widgets.dense_table import show_dense_table
from ui.widgets.saving import Saving, offer_saving

__all__ = ["show_missing", "show_table_one", "show_tables"]

TABLES = ("region", "sub-region", "country", "view", "finding", "finding-view", "source", "article")
WORDS = {"finding-view": "finding and view"}  # where the library's name is no word
TALL = 640  # pixels; a longer table scrolls under its header


def choose_table(key: str, *, names: Sequence[str] = TABLES, label: str = "By") -> str:
    """Let the reader choose what a table is by."""
    return choose_one(key, label, {name: WORDS.get(name, name) for name in names})


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
    if by == "article":
        _show_articles(cohort, provenance=provenance, stem=stem)
        return
    summary = summarise(with_lateral if by == "view" else cohort, by, unit=unit)
    if by == "finding-view":
        show_chart(
            partial(plot_findings, summary.table),
            key="findings",
            alt=describe_findings(summary.table),
            heading="Findings by view",
            caption=f"Unit: {unit}. {name_units(summary.n_total, unit)} in all.",
            numbers=summary.to_shown(),
            provenance=provenance,
            stem=stem,
            filters=True,
        )
    show_dense_table(
        lay_out_summary(summary, title=f"X-rays by {GROUPINGS[by].title.lower()}"),
        key=f"table_{by}",
        provenance=provenance,
        file_stem=f"{stem}-{by}",
        max_height=TALL,
    )


def _show_articles(cohort: Cohort, *, provenance: Sequence[str], stem: str) -> None:
    """Show the articles that images are from, with link and licences, and cite them."""
    show_dense_table(
        lay_out_articles(list_articles(cohort)),
        key="table_article",
        provenance=provenance,
        file_stem=f"{stem}-article",
        max_height=TALL,
    )
    bibliography = Saving("Cite them (BibTeX)", f"{stem}-articles.bib", "text/plain", _cite(cohort))
    offer_saving(bibliography, key="table_article_cite")


def lay_out_articles(articles: pd.DataFrame) -> TableLayout:
    """Lay out articles; the name of each leads to it where it has an address."""
    counts = ["n_images", "n_patients", "n_persons", *VIEW_COLUMNS.values(), "n_other_view"]
    shown = [column for column in counts if column in counts[:2] or articles[column].any()]
    views = {column: view for view, column in VIEW_COLUMNS.items()} | {"n_other_view": "Other"}
    units = {"n_images": "Images", "n_patients": "Patients", "n_persons": "Persons"}
    layout = lay_out_frame(
        articles[["article", "source", "licence", *shown]],
        title="X-rays by article",
        unit="Units: images, patients, persons; under a view its images.",
        titles={"article": "Article", "source": "Source", "licence": "Licence", **units, **views},
        links={"article": articles["link"].tolist()},
    )
    return replace(layout, numbers=articles)


def _cite(cohort: Cohort) -> Callable[[], str]:
    """Cite the papers, the collection and the articles of the images counted."""
    return lambda: "\n\n".join([*PAPERS.values(), cite_collection(), cite_articles(cohort.table)])


def show_table_one(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show a Table One, whole and by region or view, with what is missing and no p-values."""
    by = choose_table("one_by", names=("region", "view"), label="Table One by")
    table = make_table_one(cohort, by, unit=unit)
    wide = table.to_wide()
    layout = lay_out_frame(
        wide,
        title=f"Table One by {by}",
        unit=f"Unit: {unit}.",
        notes=table.notes,
        right=list(wide.columns[3:]),
    )
    show_dense_table(
        layout,
        key="table_one",
        provenance=provenance,
        file_stem=f"{stem}-table-one",
        max_height=TALL,
    )


def show_missing(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show what is recorded of how many: by region or source as shades, then column by column."""
    by = choose_table("missing_by", names=("region", "source", "view"), label="Recorded, by")
    shares = describe_missingness(cohort, by=by, unit=unit)
    show_chart(
        partial(plot_missing, shares),
        key=f"missing_{by}",
        alt=describe_missing(shares),
        heading=f"Share recorded, by {by}",
        caption=f"Unit: {unit}. The largest groups are shown; a blank is not a no, and what is "
        "not recorded is not missing at random.",
        numbers=shares,
        provenance=provenance,
        stem=stem,
    )
    table = describe_missingness(cohort, unit=unit)
    layout = lay_out_frame(
        table[["title", "n", "n_recorded", "n_unclear", "n_not_recorded"]],
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
    )
    show_dense_table(
        layout, key="missing", provenance=provenance, file_stem=f"{stem}-missing", max_height=TALL
    )
