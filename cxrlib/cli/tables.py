"""The command ``tables``: the cohort page's tables as CSV or JSON."""

import json
from typing import Annotated, Any, Literal

import pandas as pd
import typer

from cxrlib.cli.cohorts import choose_images, describe_cohort, load_named
from cxrlib.cli.messages import reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption, WhereOption
from cxrlib.cohort import Cohort
from cxrlib.reports import csv_with_header, list_provenance
from cxrlib.selection import parse_where
from cxrlib.storage import to_records
from cxrlib.summary import describe_missingness, make_table_one, select_counted, summarise

__all__ = ["register"]

# Spelled out for the help and the types; a test compares them with the library's.
By = Literal[
    "finding", "finding-view", "region", "sub-region", "country", "view", "source", "article"
]
Unit = Literal["image", "patient", "person"]
Kind = Literal["counts", "missing", "one"]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(tables)


def tables(
    data: DataOption = None,
    by: Annotated[By, typer.Option(help="Group by.")] = "region",
    unit: Annotated[Unit, typer.Option(help="Count by.")] = "image",
    form: Annotated[Literal["csv", "json"], typer.Option("--format")] = "csv",
    where: WhereOption = "",
    rows: Annotated[
        Literal["published", "xrays"],
        typer.Option(
            help="Images included. published: as in the paper's tables (frontal, with a diagnosis; "
            "by view also lateral; by source and article all X-rays). xrays: all X-rays."
        ),
    ] = "published",
    kind: Annotated[
        Kind,
        typer.Option(
            "--table",
            help="counts: outcomes, age and sex with denominators; missing: recorded values by "
            "column; one: Table One.",
        ),
    ] = "counts",
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Print a table of the cohort page; the row "Totals" counts each unit once."""
    with reported_errors():
        selection = parse_where(where)
        cohort = choose_images(load_named(data, cache), selection)
        is_published = rows == "published"
        cohort = select_counted(cohort, by) if is_published else cohort.select_xrays()
        table, about = _make_table(cohort, kind, by, unit)
        if form == "json":
            about = _describe(cohort, by, unit, selection.to_where()) | about
            typer.echo(json.dumps(about | {"rows": to_records(table)}, indent=2))
            return
        counted = f"Images included: {'; '.join(step.label for step in cohort.steps)}."
        words = [f"Table: {kind} by {by}. Unit: {unit}.", counted, *about["notes"]]
        lines = [*list_provenance(cohort, filters=selection.describe()), *words]
        typer.echo(csv_with_header(table, lines).decode("utf-8"), nl=False)
        for note in (counted, *about["notes"]):
            typer.echo(visible(note), err=True)


def _make_table(
    cohort: Cohort, kind: Kind, by: str, unit: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Make the table and its notes."""
    if kind == "missing":
        notes = ["Blank means not recorded, not 'no'."]
        return describe_missingness(cohort, by=by, unit=unit), {"notes": notes}
    if kind == "one":
        one = make_table_one(cohort, by, unit=unit)
        return one.table, {"notes": list(one.notes)}
    summary = summarise(cohort, by, unit=unit)
    return summary.to_shown(), {"notes": list(summary.notes)}


def _describe(cohort: Cohort, by: str, unit: str, where: str) -> dict[str, Any]:
    """Describe what a table counts, for JSON."""
    return {
        **describe_cohort(cohort),
        "by": by,
        "unit": unit,
        "where": where,
        "counted": [step.label for step in cohort.steps],
        "n_images": cohort.n_images,
        "n_patients": cohort.n_patients,
        "n_persons": cohort.n_persons,
    }
