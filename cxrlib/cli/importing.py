"""The commands ``import`` and ``join``: write a cohort from another, or from several."""

from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.messages import EXIT_PARTLY, print_result, reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, Format, FormatOption
from cxrlib.errors import CohortError
from cxrlib.importing import (
    DicomOptions,
    Importer,
    ImportReport,
    NamedMapping,
    describe_import,
    describe_join,
    find_recipe,
    import_dicom,
    list_recipes,
    make_record,
    preview_dicom,
    read_mapping,
    suggest_mapping,
    write_joined,
)
from cxrlib.storage import Store, write_whole
from cxrlib.system import ProgressLine, describe_write_error

__all__ = ["register"]

DICOM = "dicom"
DICOM_OPTIONS = {"assume-chest": "assume_chest", "keep-raw": "keep_raw"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("import")(import_cohort)
    app.command()(join)


def import_cohort(
    source: Annotated[Path, typer.Argument(help="Folder of the source.")],
    target: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="New folder to write.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Mapping file (TOML); see docs/import.md.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Named recipe; --recipe list prints their names."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="Option of the mapping or recipe; repeatable."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="With --recipe dicom: file of the key that ids are made with, made where there is "
            "none; outside of source and target.",
        ),
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option(
            "--suggest",
            help="Propose a mapping and say why: printed, or written to the new file of --mapping.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Write nothing: print what each column becomes, and values not understood by row.",
        ),
    ] = False,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy/--link",
            help="Copy images; or make images/ a link to the source's folder. DICOM is neither "
            "linked nor copied.",
        ),
    ] = False,
    form: FormatOption = Format.text,
) -> None:
    """Write a cohort in our form from another. Run the same command again to resume."""
    if recipe == "list":
        for name in list_recipes():
            typer.echo(f"{name}: {find_recipe(name).mapping.title}")
        typer.echo(f"{DICOM}: DICOM films in folders at any depth, de-identified")
        return
    with reported_errors("run the same command again to resume"):
        if suggest:
            _suggest(source, mapping)
            return
        if target is None and not dry_run:
            raise typer.BadParameter("name the new folder: SOURCE DIR.", param_hint="'DIR'")
        if recipe == DICOM:
            _import_dicom(source, None if dry_run else target, key, option or [], form)
            return
        if key is not None:
            raise CohortError(f"--key belongs to --recipe {DICOM}: other imports make no ids.")
        importer = Importer(source, _choose_mapping(source, mapping, recipe), option or [])
        if dry_run:
            report = importer.run_dry(ProgressLine())
        else:
            report = importer.run(Path(str(target)), copy=copy, on_progress=ProgressLine())
        _print(report, form)
    if not report.is_complete:
        raise typer.Exit(EXIT_PARTLY)


def _choose_mapping(source: Path, mapping: Path | None, recipe: str | None) -> NamedMapping:
    if (mapping is None) == (recipe is None):
        fitting = suggest_mapping(source).recipes if mapping is None else []
        fit = " ".join(
            f"The recipe {name!r} fits this source: --recipe {name}." for name in fitting
        )
        raise CohortError(
            "Say how the source is read: --mapping FILE.toml or --recipe NAME, one of both. "
            f"{fit or '--suggest proposes a mapping.'}"
        )
    return find_recipe(recipe) if recipe is not None else read_mapping(Path(str(mapping)))


def _import_dicom(
    source: Path, target: Path | None, key: Path | None, options: list[str], form: Format
) -> None:
    """Import a folder of DICOM films, or tell what would be imported where there is no target."""
    unknown = [each for each in options if each not in DICOM_OPTIONS]
    if unknown:
        raise CohortError(
            f"The recipe {DICOM} has no option {unknown[0]!r}. It has "
            f"{' and '.join(DICOM_OPTIONS)}."
        )
    chosen = DicomOptions(**{DICOM_OPTIONS[each]: True for each in options})
    progress = ProgressLine()
    if target is None:
        done = preview_dicom(source, options=chosen, on_progress=progress)
    else:
        done = import_dicom(source, target, key_file=key, options=chosen, on_progress=progress)
    if form is Format.json:
        print_result(done.record, form, extra={})
    else:
        for line in done.describe().splitlines():
            typer.echo(visible(line))
    for each in done.failed:  # the paths can name patients: they are for the screen alone
        typer.echo(visible(f"{each.path}: {each.reason}"), err=True)
    if done.failed:
        raise typer.Exit(EXIT_PARTLY)


def _suggest(source: Path, out: Path | None) -> None:
    """Print a proposal, or write it to a file that is not there yet."""
    found = suggest_mapping(source)
    for name in found.recipes:
        typer.echo(f"The recipe {name!r} fits this source as it is: --recipe {name}", err=True)
    if out is None:
        typer.echo(found.text, nl=False)
        return
    if out.exists():
        raise CohortError(f"{str(out)!r} is there already. Name a new file for the proposal.")
    try:
        write_whole(out, found.text.encode("utf-8", "replace"))
    except OSError as error:
        raise CohortError(
            f"{str(out)!r} cannot be written: {describe_write_error(error)}."
        ) from error
    typer.echo(
        visible(f"Wrote {out}. Read and mend it, then import with --mapping {out}."), err=True
    )


def _print(report: ImportReport, form: Format) -> None:
    if form is Format.json:
        print_result(make_record(report), form, extra={})
        return
    for line in describe_import(report):
        typer.echo(visible(line))


def join(
    folders: Annotated[
        list[Path], typer.Argument(metavar="A B [C ...] DIR", help="Cohorts, then the new folder.")
    ],
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Write several cohorts as one: ids made distinct, persons of more than one named."""
    *roots, target = folders
    if len(roots) < 2:
        raise typer.BadParameter("name two cohorts and the new folder: A B DIR.")
    with reported_errors("run the same command again to resume"):
        store = Store(cache)
        report = write_joined(roots, target, store=store, on_progress=ProgressLine())
        for line in describe_join(report):
            typer.echo(visible(line))
