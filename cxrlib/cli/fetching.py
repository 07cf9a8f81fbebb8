"""The command ``fetch``: the public collection, or a network's weights, onto this machine."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.messages import reported_errors, write_result
from cxrlib.cli.options import Format, FormatOption
from cxrlib.cohort import COMMIT, LICENCE_NOTICE, fetch_collection
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES, download_weights
from cxrlib.errors import SelectionError
from cxrlib.literature import PAPER_COMMIT
from cxrlib.system import ProgressLine

__all__ = ["register"]

DEFAULT_FOLDER = Path("covid-chestxray-dataset")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(fetch)


def fetch(
    folder: Annotated[
        Path | None,
        typer.Argument(help=f"New or empty folder; {DEFAULT_FOLDER} unless only weights are."),
    ] = None,
    commit: Annotated[
        str,
        typer.Option(
            help="State of the collection; the default is its last. The paper's tables count "
            f"{PAPER_COMMIT}."
        ),
    ] = COMMIT,
    weights: Annotated[
        str | None,
        typer.Option(help=f"Fetch official weights: one of {', '.join(WEIGHTS_FILES)}."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="The notice about licences was read; do not ask.")
    ] = False,
    form: FormatOption = Format.text,
) -> None:
    """Download the public collection, or weights. Run it again to go on after a break."""
    with reported_errors("the same command goes on from there, if the server can"):
        result: dict[str, object] = {}
        if weights is not None:
            path = download_weights(weights, on_progress=ProgressLine())
            result["weights"] = str(path)
        if folder is not None or weights is None:
            _tell_licences(yes)
            fetched = fetch_collection(
                folder or DEFAULT_FOLDER, commit=commit, on_progress=ProgressLine()
            )
            result |= asdict(fetched)
        write_result(result, form, extra={})


def _tell_licences(yes: bool) -> None:
    """Show what may be done with the images, and wait for a yes."""
    typer.echo(LICENCE_NOTICE, err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise SelectionError("Nobody is there to be asked. Read the notice above and add --yes.")
    if not typer.confirm("Download it?", err=True):
        raise SelectionError("Nothing was downloaded.")
