"""The commands ``features add``, ``list`` and ``remove``: feature sets of one's own."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.cohorts import load_named
from cxrlib.cli.messages import print_result, reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption, Format, FormatOption
from cxrlib.embedding import list_own_sets, remove_own_set
from cxrlib.number_text import format_units
from cxrlib.storage import Store

__all__ = ["register"]

commands = typer.Typer(
    help="Feature sets of your own: numbers for images, made elsewhere, stored by name.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(commands, name="features")


@commands.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(
            help="FILE.parquet or FILE.csv with a column image_id and one column of numbers per "
            "feature, or FILE.npy with its image ids, one a line, in FILE.ids.txt."
        ),
    ],
    name: Annotated[
        str, typer.Option(help="Name of the set, as in loco --features NAME, map --extractor NAME.")
    ],
    ids: Annotated[
        Path | None, typer.Option(help="Text file with the image ids of FILE.npy, one a line.")
    ] = None,
    data: DataOption = None,
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """Store the features of a file by name, for baselines, maps and the dashboard."""
    with reported_errors("nothing was stored"):
        # Imported here: it brings what --help need not wait for.
        from cxrlib.baselines.features import add_feature_set, read_table_file

        table = read_table_file(file, ids=ids)
        added = add_feature_set(table, name, load_named(data, cache), Store(cache))
        for note in added.notes:
            typer.echo(visible(note), err=True)
        counts = {
            "name": added.own.name,
            "columns": len(added.own.columns),
            "rows": added.own.n_images,
            "usable rows": added.own.n_usable,
            "images of the cohort": added.n_matched,
            "without a picture": added.n_without_picture,
            "sha256": added.own.sha256,
        }
        print_result(counts, form, extra={"notes": list(added.notes)})


@commands.command(name="list")
def list_sets(cache: CacheOption = DEFAULT_CACHE, form: FormatOption = Format.text) -> None:
    """List the stored feature sets of a cache."""
    with reported_errors():
        found = list_own_sets(Store(cache))
        if form is Format.json:
            print_result({"n": len(found)}, form, extra={"sets": [asdict(own) for own in found]})
            return
        for own in found:
            words = f"{format_units(own.n_images, 'row')}, {own.origin[0]}"
            typer.echo(visible(f"{own.name}: {own.title}; {words}"))
        if not found:
            typer.echo("No stored feature sets. Add one: features add FILE --name NAME", err=True)


@commands.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of the set.")],
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Remove a stored feature set; runs made of it stay in the run log."""
    with reported_errors("nothing was removed"):
        own = remove_own_set(Store(cache), name)
        typer.echo(f"Removed {own.name} ({format_units(own.n_images, 'row')}).", err=True)
