"""The command ``fetch``: download the public collection or a network's weights."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.messages import print_result, reported_errors
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
        typer.Argument(help=f"New or empty folder; default {DEFAULT_FOLDER}, none for weights."),
    ] = None,
    commit: Annotated[
        str,
        typer.Option(
            help="Commit of the collection; the default is its last. The paper's tables count "
            f"{PAPER_COMMIT}."
        ),
    ] = COMMIT,
    weights: Annotated[
        str | None,
        typer.Option(help=f"Download official weights: one of {', '.join(WEIGHTS_FILES)}."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Accept the notice about licences without being asked.")
    ] = False,
    form: FormatOption = Format.text,
) -> None:
    """Download the public collection or weights. Run the same command again to resume."""
    with reported_errors("run the same command again to resume, if the server allows it"):
        result: dict[str, object] = {}
        if weights is not None:
            path = download_weights(weights, on_progress=ProgressLine())
            result["weights"] = str(path)
        if folder is not None or weights is None:
            _confirm_licences(yes)
            fetched = fetch_collection(
                folder or DEFAULT_FOLDER, commit=commit, on_progress=ProgressLine()
            )
            result |= asdict(fetched)
        print_result(result, form, extra={})


def _confirm_licences(yes: bool) -> None:
    """Print what may be done with the images, and wait for a yes."""
    typer.echo(LICENCE_NOTICE, err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise SelectionError("This terminal cannot ask. Read the notice above and add --yes.")
    if not typer.confirm("Download it?", err=True):
        raise SelectionError("Nothing was downloaded.")
