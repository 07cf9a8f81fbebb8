"""What a command says: results on standard output, errors and names on standard error."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import typer

from cxrlib.cli.options import Format
from cxrlib.cohort.cohort import Cohort
from cxrlib.cohort.usable_images import RunReport
from cxrlib.errors import CxrError

__all__ = [
    "count_report",
    "exit_by",
    "reported_errors",
    "tell_failures",
    "tell_problems",
    "visible",
    "write_result",
]

NO_FILE = "no file"  # the reason `compute_embeddings` gives where a row has none
EXIT_ERROR = 1
EXIT_PARTLY = 3
EXIT_INTERRUPTED = 130


@contextlib.contextmanager
def reported_errors(kept: str = "what was computed is kept") -> Iterator[None]:
    """Turn a known error into one line and an exit code; an interruption says what is left."""
    try:
        yield
    except CxrError as error:
        typer.echo(visible(f"Error: {error}"), err=True)
        raise typer.Exit(EXIT_ERROR) from error
    except KeyboardInterrupt as error:
        typer.echo(f"\nInterrupted; {kept}.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from error


def write_result(counts: dict[str, Any], form: Format, *, extra: dict[str, Any]) -> None:
    """Write counts to standard output: lines to read, or JSON with the details as well."""
    if form is Format.json:
        typer.echo(json.dumps({**counts, **extra}, default=str, indent=2))
        return
    width = max(len(name) for name in counts)
    for name, value in counts.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else shown
        typer.echo(f"{name.ljust(width)}  {shown}")


def tell_failures(report: RunReport) -> None:
    """Name each image without an embedding; those without a file share a line."""
    failed = report.failed.to_dict("records")
    missing = [row for row in failed if row["reason"] == NO_FILE]
    if missing:
        names = ", ".join(f"{row['filename']} (row {row['row']})" for row in missing)
        typer.echo(visible(f"{len(missing)} X-rays have no file: {names}"), err=True)
    for row in failed:
        if row["reason"] != NO_FILE:
            words = f"Not embedded: row {row['row']}, {row['filename']}: {row['reason']}"
            typer.echo(visible(words), err=True)


def tell_problems(cohort: Cohort) -> None:
    """Name what could not be read as it stands, one line each, on standard error."""
    for problem in cohort.problems.astype(object).fillna("").to_dict("records"):
        where = [str(problem["file"])]
        where += [f"row {problem['row']}"] if problem["row"] != "" else []
        value = f" {str(problem['value'])[:80]!r}" if problem["value"] != "" else ""
        where += [f"{problem['column']}{value}"] if problem["column"] else []
        words = f"{', '.join(where)}: {problem['problem']}; {problem['action']}"
        typer.echo(visible(words), err=True)


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
    """Write control characters as escapes: a file name must not steer the terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
