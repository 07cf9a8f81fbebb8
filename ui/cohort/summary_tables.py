"""The cohort page's tables: by region, view, finding or source; Table One; missing data."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from cxrlib.charts.cohort import describe_findings, describe_missing, plot_findings, plot_missing
from cxrlib.cohort import Cohort
from cxrlib.literature import PAPERS, cite_articles, cite_collection
from cxrlib.number_text import format_units
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
from ui.cohort.part import Part
from ui.widgets.chart import show_chart
from ui.widgets.choice import choose_one
from ui.widgets.dense_table import show_dense_table
from ui.widgets.saving import Saving, offer_saving

__all__ = ["show_missing", "show_table_one", "show_tables"]

TABLES = ("region", "sub-region", "country", "view", "finding", "finding-view", "source", "article")
LABELS = {"finding-view": "finding and view"}  # where it is not the library's name
TALL = 640  # pixels; a longer table scrolls under its header


def choose_table(key: str, *, names: Sequence[str] = TABLES, label: str = "By") -> str:
    """Let the reader choose the grouping of a table."""
    return choose_one(key, label, {name: LABELS.get(name, name) for name in names})


def show_tables(cohort: Cohort, with_lateral: Cohort, part: Part) -> None:
    """Show one of the tables.

    Parameters
    ----------
    cohort : Cohort
        The images included.
    with_lateral : Cohort
        The same with lateral images, for the table by view.
    part : Part
    """
    by = choose_table("by")
    if by == "article":
        _show_articles(cohort, part)
        return
    summary = summarise(with_lateral if by == "view" else cohort, by, unit=part.unit)
    if by == "finding-view":
        show_chart(
            partial(plot_findings, summary.table),
            key="findings",
            alt=describe_findings(summary.table),
            heading="Findings by view",
            caption=f"{format_units(summary.n_total, part.unit)} in total.",
            numbers=summary.to_shown(),
            filters=True,
            **part.saved_as("findings"),
        )
    layout = lay_out_summary(summary, title=f"X-rays by {GROUPINGS[by].title.lower()}")
    _show_table(layout, part, key=f"table_{by}", name=by)


def _show_table(layout: TableLayout, part: Part, *, key: str, name: str) -> None:
    """Show a table that scrolls under its header where it is long."""
    show_dense_table(layout, key=key, max_height=TALL, **part.saved_as(name))


def _show_articles(cohort: Cohort, part: Part) -> None:
    """Show the articles of the images, with links and licences, and offer their citations."""
    layout = lay_out_articles(list_articles(cohort))
    _show_table(layout, part, key="table_article", name="article")
    bibliography = Saving(
        "Cite the articles (BibTeX)",
        f"{part.stem}-articles.bib",
        "text/plain",
        lambda: "\n\n".join([*PAPERS.values(), cite_collection(), cite_articles(cohort.table)]),
    )
    offer_saving(bibliography, key="table_article_cite")


def lay_out_articles(articles: pd.DataFrame) -> TableLayout:
    """Lay out articles; each name is a link where the article has an address."""
    counts = ["n_images", "n_patients", "n_persons", *VIEW_COLUMNS.values(), "n_other_view"]
    shown = [column for column in counts if column in counts[:2] or articles[column].any()]
    views = {column: view for view, column in VIEW_COLUMNS.items()} | {"n_other_view": "Other"}
    units = {"n_images": "Images", "n_patients": "Patients", "n_persons": "Persons"}
    return lay_out_frame(
        articles[["article", "source", "licence", *shown]],
        title="X-rays by article",
        unit="Counts of images, patients and persons; images by view.",
        titles={"article": "Article", "source": "Source", "licence": "Licence", **units, **views},
        links={"article": articles["link"].tolist()},
        numbers=articles,
    )


def show_table_one(cohort: Cohort, part: Part) -> None:
    """Show a Table One, overall and by region or view, with missing data and no p-values."""
    by = choose_table("one_by", names=("region", "view"), label="Table One by")
    table = make_table_one(cohort, by, unit=part.unit)
    wide = table.to_wide()
    layout = lay_out_frame(
        wide,
        title=f"Table One by {by}",
        unit=f"Unit: {part.unit}.",
        notes=table.notes,
        right=list(wide.columns[3:]),
    )
    _show_table(layout, part, key="table_one", name="table-one")


def show_missing(cohort: Cohort, part: Part) -> None:
    """Show the share recorded by region, source or view as a heat map, then column by column."""
    by = choose_table("missing_by", names=("region", "source", "view"), label="Recorded, by")
    shares = describe_missingness(cohort, by=by, unit=part.unit)
    show_chart(
        partial(plot_missing, shares),
        key=f"missing_{by}",
        alt=describe_missing(shares),
        heading=f"Share recorded, by {by}",
        caption=f"Percentage of {part.unit}s with a recorded value, largest groups. A blank is not "
        "a no, and data are not missing at random.",
        numbers=shares,
        **part.saved_as(f"missing_{by}"),
    )
    table = describe_missingness(cohort, unit=part.unit)
    layout = lay_out_frame(
        table[["title", "n", "n_recorded", "n_unclear", "n_not_recorded"]],
        title="Recorded and missing data",
        unit=f"Unit: {part.unit}.",
        titles={
            "title": "Column",
            "n": "Total",
            "n_recorded": "Recorded",
            "n_unclear": "Unclear",
            "n_not_recorded": "Not recorded",
        },
        bars=("n_recorded", "n_not_recorded"),
    )
    _show_table(layout, part, key="missing", name="missing")
