"""The command ``quality``: the quality ledger as CSV, JSON or a report for the maintainers."""

import json
from typing import Annotated, Any, Literal

import pandas as pd
import typer

from cxrlib.cli.cohorts import choose_images, describe_cohort, load_named
from cxrlib.cli.messages import reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption, WhereOption
from cxrlib.cohort import Cohort
from cxrlib.number_text import format_units
from cxrlib.quality import (
    UPSTREAM,
    Ledger,
    count_without_flagged,
    find_flags,
    get_rule,
    make_maintainer_report,
    mark_images,
)
from cxrlib.quality.rules import SEVERITIES
from cxrlib.reports import csv_with_header, list_provenance
from cxrlib.selection import Selection, parse_where
from cxrlib.storage import to_records

__all__ = ["register"]


LedgerTable = Literal["flags", "rules", "effect"]
TABLE_WORDS: dict[LedgerTable, str] = {
    "flags": "one row per flag; unit: flag",
    "rules": "one row per rule; units: flags, images and patients",
    "effect": "one row per rule, what is left without its images; units: images and patients",
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(quality)


def quality(
    data: DataOption = None,
    form: Annotated[
        Literal["csv", "json", "markdown"],
        typer.Option(
            "--format",
            help="csv, json, or markdown: a report for the dataset maintainers, errors and "
            "warnings grouped by rule.",
        ),
    ] = "csv",
    table: Annotated[
        LedgerTable,
        typer.Option(
            help="flags: one row per flag; rules: counts by rule; effect: counts that are left "
            "without a rule's images."
        ),
    ] = "flags",
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; repeatable.")] = None,
    where: WhereOption = "",
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Print the quality ledger: doubtful X-rays and records, and what to do about them."""
    with reported_errors():
        names = [get_rule(_to_name(name)).name for name in rule or []]
        whole, selection = load_named(data, cache), parse_where(where)
        selected = choose_images(whole, selection)
        found = find_flags(whole)
        ledger = found.keep(selected.table["image_id"]).choose(names)
        if form == "markdown":
            report = make_maintainer_report(selected, ledger, rules=names or UPSTREAM)
            typer.echo(report, nl=False)
        else:
            rows = _make_table(table, whole, selected, ledger, names)
            if form == "json":
                _print_json(rows, {**_describe(selected, where), "unchecked": ledger.unchecked})
            else:
                _print_csv(rows, table, selected, selection, ledger)
        _print_counts(ledger)


def _to_name(text: str) -> str:
    """Read a rule's name, with "-" for spaces as in ``without=``."""
    return text.replace("-", " ").strip().casefold()


def _make_table(
    table: LedgerTable, whole: Cohort, selected: Cohort, ledger: Ledger, names: list[str]
) -> pd.DataFrame:
    """Make the requested table."""
    if table == "rules":
        return ledger.count()
    if table == "effect":
        marks = mark_images(whole).set_axis(whole.table["image_id"])
        return count_without_flagged(selected, names, flags=marks)
    return ledger.table


def _describe(cohort: Cohort, where: str) -> dict[str, Any]:
    """Describe the images of the ledger, for JSON."""
    return {
        **describe_cohort(cohort),
        "where": where,
        "n_images": int(cohort.table["is_xray"].sum()),
        "n_patients": cohort.n_patients,
    }


def _print_json(rows: pd.DataFrame, about: dict[str, Any]) -> None:
    """Print a table with a description of its images to standard output."""
    typer.echo(json.dumps({**about, "rows": to_records(rows)}, indent=2))


def _print_csv(
    rows: pd.DataFrame, table: LedgerTable, cohort: Cohort, selection: Selection, ledger: Ledger
) -> None:
    """Print a table to standard output, under lines that say where it comes from."""
    n_images = int(cohort.table["is_xray"].sum())
    lines = [
        *list_provenance(cohort, filters=selection.describe()),
        f"Quality ledger, {TABLE_WORDS[table]}. Of {format_units(n_images, 'X-ray')}.",
        *_describe_unchecked(ledger),
    ]
    typer.echo(csv_with_header(rows, lines).decode("utf-8"), nl=False)


def _describe_unchecked(ledger: Ledger) -> list[str]:
    """Describe the rules that could not be checked."""
    return [f"Not checked (images were not inspected): {name}" for name in ledger.unchecked]


def _print_counts(ledger: Ledger) -> None:
    """Print counts of flags and the rules that could not be checked to standard error."""
    counts = ledger.table["severity"].value_counts()
    words = ", ".join(f"{counts.get(name, 0):,} {name}s" for name in SEVERITIES)
    n_rules = ledger.table["rule"].nunique()
    typer.echo(
        f"{words}, from {n_rules} of {len(ledger.rules)} rules. Flags remove nothing; to exclude "
        "images: --where 'without=RULE'",
        err=True,
    )
    for line in _describe_unchecked(ledger):
        typer.echo(visible(line), err=True)
