"""The command ``record``: one patient's record as CSV or JSON, and images that may be shared."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.cohorts import load_named
from cxrlib.cli.messages import EXIT_PARTLY, reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption
from cxrlib.literature import WITHHELD
from cxrlib.reports import (
    ImagePack,
    find_images,
    pack_images,
    record_csv,
    record_json,
    write_export,
)

__all__ = ["register"]


class RecordFormat(StrEnum):
    """Formats of a record."""

    csv = "csv"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(record)


def record(
    patient: Annotated[str, typer.Option("--patient", help="Patient id, as in metadata.csv.")],
    data: DataOption = None,
    form: Annotated[
        RecordFormat, typer.Option("--format", help="csv: one row per image; json: everything.")
    ] = RecordFormat.csv,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: standard output).")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            help="FILE.zip for exact copies of the images whose licence allows passing them on, "
            "with credits; the others are listed.",
        ),
    ] = None,
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Write the record of one patient, with quality flags, licences and sources."""
    with reported_errors("nothing was written"):
        for path, option in ((out, "--out"), (images, "--images")):
            _check_folder(path, option)
        if images is not None and images.suffix.lower() != ".zip":
            raise typer.BadParameter(f"--images {str(images)!r} must end in .zip.")
        cohort = load_named(data, cache)
        written = (record_csv if form is RecordFormat.csv else record_json)(cohort, patient)
        pack = None
        if images is not None:
            pack = pack_images(
                cohort, find_images(cohort, patient), title=f"X-rays of patient {patient}"
            )
        if out is None:
            typer.echo(written.decode("utf-8"), nl=form is RecordFormat.json)
        else:
            write_export(out, written)
        if images is not None and pack is not None:
            write_export(images, pack.data)
            _report(pack, images)


def _check_folder(path: Path | None, option: str) -> None:
    """Refuse a place that cannot be written, before anything is read."""
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(
            f"{option} {str(path)!r}: there is no folder {str(path.parent)!r}."
        )


def _report(pack: ImagePack, images: Path) -> None:
    """Report what was packed and name what was not; code 3 where a file could not be used."""
    contents = pack.contents
    words = f"{pack.n_packed:,} of {len(contents):,} images in {str(images)!r}."
    typer.echo(visible(words), err=True)
    left_out = contents.loc[contents["file"] == "", ["image_id", "left_out"]].to_numpy()
    for image_id, reason in left_out:
        typer.echo(visible(f"Left out: {image_id}: {reason}"), err=True)
    if any(reason not in WITHHELD for _, reason in left_out):
        raise typer.Exit(EXIT_PARTLY)
