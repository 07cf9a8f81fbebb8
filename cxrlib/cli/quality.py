"""The command ``quality``: the quality ledger as CSV, JSON or a report for the maintainers."""

import json
from enum import StrEnum
from typing import Annotated, Any

import pandas as pd
import typer

from cxrlib.cli.cohorts import choose_images, describe_cohort, load_named
from cxrlib.cli.messages import reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption, WhereOption
from cxrlib.cohort import Cohort
from cxrlib.number_text import name_units
from cxrlib.quality import (
    UPSTREAM,
    Ledger,
    effect_of_leaving_out,
    find_flags,
    get_rule,
    mark_images,
    upstream_report,
)
from cxrlib.quality.rules import SEVERITIES
from cxrlib.reports import csv_with_header, list_provenance
from cxrlib.selection import Selection, parse_where
from cxrlib.storage import to_records

__all__ = ["register"]


class LedgerFormat(StrEnum):
    """How the ledger is written."""

    csv = "csv"
    json = "json"
    markdown = "markdown"


class LedgerTable(StrEnum):
    """What is written."""

    flags = "flags"
    rules = "rules"
    effect = "effect"


TABLE_WORDS = {
    LedgerTable.flags: "a row a flag; unit: flag",
    LedgerTable.rules: "a row a rule; units: flags, images and patients",
    LedgerTable.effect: "a row a rule, what leaving its images out would leave; units: images and "
    "patients",
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(quality)


def quality(
    data: DataOption = None,
    form: Annotated[
        LedgerFormat,
        typer.Option(
            "--format",
            help="csv, json, or markdown: a report for those who keep the collection, errors and "
            "warnings grouped by rule.",
        ),
    ] = LedgerFormat.csv,
    table: Annotated[
        LedgerTable,
        typer.Option(
            help="flags: one row a flag; rules: counts by rule; effect: what leaving a rule's "
            "images out would leave."
        ),
    ] = LedgerTable.flags,
    rule: Annotated[
        list[str] | None, typer.Option(help="Only this rule; repeat it for several.")
    ] = None,
    where: WhereOption = "",
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Print the quality ledger: what is doubtful about the X-rays, and what to do."""
    with reported_errors():
        names = [get_rule(_to_name(name)).name for name in rule or []]
        whole, selection = load_named(data, cache), parse_where(where)
        selected = choose_images(whole, selection)
        found = find_flags(whole)
        ledger = found.keep(selected.table["image_id"]).choose(names)
        if form is LedgerFormat.markdown:
            report = upstream_report(selected, ledger, rules=names or UPSTREAM)
            typer.echo(report, nl=False)
        else:
            rows = _make_table(table, whole, selected, ledger, names)
            if form is LedgerFormat.json:
                _write_json(rows, {**_describe(selected, where), "unchecked": ledger.unchecked})
            else:
                _write_csv(rows, table, selected, selection, ledger)
        _tell(ledger)


def _to_name(text: str) -> str:
    """Read a rule's name, with "-" for spaces as in ``without=``."""
    return text.replace("-", " ").strip().casefold()


def _make_table(
    table: LedgerTable, whole: Cohort, selected: Cohort, ledger: Ledger, names: list[str]
) -> pd.DataFrame:
    """Make the table that was asked for."""
    if table is LedgerTable.rules:
        return ledger.count()
    if table is LedgerTable.effect:
        marks = mark_images(whole).set_axis(whole.table["image_id"])
        return effect_of_leaving_out(selected, names, flags=marks)
    return ledger.table


def _describe(cohort: Cohort, where: str) -> dict[str, Any]:
    """Say what the ledger is of."""
    return {
        **describe_cohort(cohort),
        "where": where,
        "n_images": int(cohort.table["is_xray"].sum()),
        "n_patients": cohort.n_patients,
    }


def _write_json(rows: pd.DataFrame, about: dict[str, Any]) -> None:
    """Write a table and what it is of to standard output."""
    typer.echo(json.dumps({**about, "rows": to_records(rows)}, indent=2))


def _write_csv(
    rows: pd.DataFrame, table: LedgerTable, cohort: Cohort, selection: Selection, ledger: Ledger
) -> None:
    """Write a table to standard output, under lines that say where it comes from."""
    n_images = int(cohort.table["is_xray"].sum())
    lines = [
        *list_provenance(cohort, filters=selection.describe()),
        f"Quality ledger, {TABLE_WORDS[table]}. Of {name_units(n_images, 'X-ray')}.",
        *(f"Not judged, as the images were not inspected: {name}" for name in ledger.unchecked),
    ]
    typer.echo(csv_with_header(rows, lines).decode("utf-8"), nl=False)


def _tell(ledger: Ledger) -> None:
    """Count on standard error, and name what could not be judged."""
    counts = ledger.table["severity"].value_counts()
    words = ", ".join(f"{counts.get(name, 0):,} {name}s" for name in SEVERITIES)
    n_rules = ledger.table["rule"].nunique()
    typer.echo(
        f"{words}, by {n_rules} of {len(ledger.rules)} rules. A flag removes nothing: leave "
        "images out by --where 'without=RULE'.",
        err=True,
    )
    for name in ledger.unchecked:
        typer.echo(visible(f"Not judged, as the images were not inspected: {name}"), err=True)
