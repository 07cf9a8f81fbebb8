"""The command line: ``python -m cxrlib demo | info | tables | quality | embed | map | ...``.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done;
1 not possible, one line says why; 2 wrong usage; 3 done, but something is missing,
an image file that could not be used, a column that pages need or a score that could not be given,
each is named; 130 interrupted.
"""

import logging
import sys
from typing import Annotated

import typer

from cxrlib import NOTICE, __version__
from cxrlib.cli import (
    cohorts,
    features,
    fetching,
    importing,
    jobs,
    loco,
    maps,
    quality,
    record,
    runs,
    serving,
    tables,
)

__all__ = ["app"]

app = typer.Typer(
    help=f"Explore chest X-ray cohorts. {NOTICE}",
    epilog="Exit codes: 0 done; 1 not possible, one line says why; 2 wrong usage; 3 done, but "
    "an image file could not be used, a column is missing or no score given, each is named; 130 "
    "interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def start(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print what the library logs as plain lines on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    if version:
        typer.echo(f"cxrlib {__version__}")
        raise typer.Exit


_COMMANDS = (
    *(cohorts, importing, tables, quality, record, maps, features, loco, runs, serving, jobs),
    fetching,
)
for commands in _COMMANDS:
    commands.register(app)
