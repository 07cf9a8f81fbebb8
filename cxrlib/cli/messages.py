"""Print results of a command to standard output, its errors and problems to standard error."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import typer

from cxrlib.cli.options import Format
from cxrlib.cohort import METADATA_FILE, Cohort, RunReport, list_lacking_columns
from cxrlib.errors import CxrError
from cxrlib.number_text import format_units

__all__ = [
    "count_report",
    "exit_by",
    "print_failures",
    "print_lacks",
    "print_missing",
    "print_problems",
    "print_result",
    "reported_errors",
    "visible",
]

NO_FILE = "no file"  # a status of a file, and the reason of `compute_embeddings`
EXIT_ERROR = 1
EXIT_PARTLY = 3
EXIT_INTERRUPTED = 130


@contextlib.contextmanager
def reported_errors(kept: str = "computed results are kept") -> Iterator[None]:
    """Turn a known error into one line and an exit code; an interruption says what is kept."""
    try:
        yield
    except CxrError as error:
        typer.echo(visible(f"Error: {error}"), err=True)
        raise typer.Exit(EXIT_ERROR) from error
    except KeyboardInterrupt as error:
        typer.echo(f"\nInterrupted; {kept}.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from error


def print_result(counts: dict[str, Any], form: Format, *, extra: dict[str, Any]) -> None:
    """Print counts to standard output: lines to read, or JSON with the details as well."""
    if form is Format.json:
        typer.echo(json.dumps({**counts, **extra}, default=str, indent=2))
        return
    width = max(len(name) for name in counts)
    for name, value in counts.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else shown
        typer.echo(f"{name.ljust(width)}  {shown}")


def print_failures(report: RunReport) -> None:
    """Print how many X-rays have no file, and each other image without an embedding."""
    print_missing(int((report.failed["reason"] == NO_FILE).sum()))
    for row in report.failed[report.failed["reason"] != NO_FILE].to_dict("records"):
        words = f"Not embedded: row {row['row']}, {row['filename']}: {row['reason']}"
        typer.echo(visible(words), err=True)


def print_missing(n_images: int) -> None:
    """Print how many X-rays have no file, and how to list them: a collection can lack thousands."""
    if n_images:
        words = f"{format_units(n_images, 'X-ray')} without a file."
        typer.echo(f"{words} To list them: python -m cxrlib quality --rule no-file", err=True)


def print_readings(cohort: Cohort) -> None:
    """Print the values that were read by a rule, one line each."""
    for reading in cohort.readings.to_dict("records"):
        rows = format_units(int(reading["n_rows"]), "row")
        read_as = str(reading["read_as"]) or "not recorded"
        words = f"{reading['column']} {reading['value']!r} read as {read_as}"
        typer.echo(visible(f"{words} ({reading['rule']}), {rows}"))


def print_problems(cohort: Cohort) -> None:
    """Print the problems of a cohort's files, one line each; X-rays without a file are counted."""
    is_missing = cohort.table["is_xray"] & (cohort.table["file_status"] == NO_FILE)
    print_missing(int(is_missing.sum()))
    problems = cohort.problems
    is_told = problems["row"].isna() | problems["row"].isin(cohort.table.loc[is_missing, "row"])
    is_told &= (problems["file"] == METADATA_FILE) & (problems["column"] == "filename")
    for problem in problems[~is_told].astype(object).fillna("").to_dict("records"):
        where = [str(problem["file"])]
        where += [f"row {problem['row']}"] if problem["row"] != "" else []
        value = f" {str(problem['value'])[:80]!r}" if problem["value"] != "" else ""
        where += [f"{problem['column']}{value}"] if problem["column"] else []
        words = f"{', '.join(where)}: {problem['problem']}; {problem['action']}"
        typer.echo(visible(words), err=True)


def print_lacks(cohort: Cohort) -> None:
    """Print what the pages cannot show for want of a column, one line each; optional ones by name.

    They go to standard error, as the problems do.
    """
    lacks = list_lacking_columns(cohort)
    told = lacks[lacks["need"] != "optional"]
    for name, lack, without in told[["column", "lack", "without"]].itertuples(index=False):
        typer.echo(f"Column {name} ({lack}): {without}.", err=True)
    others = lacks.loc[lacks["need"] == "optional", "column"]
    if len(others):
        words = f"{format_units(len(others), 'optional column')} without a value"
        typer.echo(f"{words}: {', '.join(others)}.", err=True)


def count_report(report: RunReport) -> dict[str, int]:
    """Count what an embedding run did: images computed, found in the cache, failed."""
    return {
        "computed": report.n_computed,
        "cached": report.n_cached,
        "failed": len(report.failed),
    }


def exit_by(report: RunReport) -> None:
    """Leave with code 3 where an image that is there could not be used."""
    if not (report.failed["reason"] == NO_FILE).all():
        raise typer.Exit(EXIT_PARTLY)


def visible(text: str) -> str:
    """Escape control characters: a file name must not control the terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
