"""The commands ``embed`` and ``map``: compute embeddings, compute and write a map."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.cohorts import choose_images, load_named
from cxrlib.cli.map_options import DrawingOptions, LayoutOptions
from cxrlib.cli.messages import count_report, exit_by, reported_errors, tell_failures, write_result
from cxrlib.cli.options import (
    DEFAULT_CACHE,
    CacheOption,
    DataOption,
    ExtractorOptions,
    Format,
    FormatOption,
    take_groups,
)
from cxrlib.cohort import Cohort, RunReport, count_cohort, refuse_patient
from cxrlib.embedding import compute_embeddings
from cxrlib.embedding.extractors import ExtractorInfo, find_weights, load_extractor
from cxrlib.errors import ProjectionError, SelectionError
from cxrlib.maps import (
    MappedCohort,
    ProjectionSettings,
    ReferenceCloud,
    compute_map,
    find_maps,
    find_rows,
    fit_reference,
    place_reference,
    scale_smoothing,
    select_for_map,
)
from cxrlib.storage import Store
from cxrlib.system import ProgressLine

__all__ = ["choose_extractor_name", "embed_cohort", "map_cohort", "register"]

PRETRAINED = "densenet121-res224-all"
SUFFIXES = (".html", ".svg", ".png", ".parquet")  # that a map is written as


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(take_groups(embed))
    app.command(name="map")(take_groups(make_map))


def embed(
    *,
    data: DataOption = None,
    embedding: ExtractorOptions,
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """Compute the embedding of every X-ray that is not in the cache yet."""
    with reported_errors():
        cohort = load_named(data, cache)
        report, used = embed_cohort(cohort, Store(cache), embedding)
        write_result(
            {**count_cohort(cohort), **count_report(report), "extractor": used.name},
            form,
            extra={"failures": report.failed.to_dict("records")},
        )
        exit_by(report)


def make_map(
    *,
    data: DataOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="FILE.html (interactive), FILE.svg or FILE.png (by a Chrome on this machine), "
            "or FILE.parquet (points, states, outputs, neighbours).",
        ),
    ] = None,
    drawing: DrawingOptions,
    layout: LayoutOptions,
    embedding: ExtractorOptions,
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """Compute the map of a cohort; write it as a page, a figure or a table.

    Filters (--where) choose what is written; the map itself is of all images.
    """
    with reported_errors():
        _check_out(out)
        settings = layout.settings
        _, selection = drawing.wish, drawing.selection  # refused before anything is read
        cohort = load_named(data, cache)
        selected = choose_images(cohort, selection)
        _check_patients(selected, drawing.patient_ids, settings)
        store = Store(cache)
        report, used = embed_cohort(cohort, store, embedding)
        mapped = map_cohort(cohort, used, store, settings)
        if out is not None:
            _write_map(mapped, out, drawing, selected, store)
        else:
            typer.echo("The map lies in the cache. --out FILE.html writes it as a page.", err=True)
        counts = {
            **count_cohort(cohort),
            **count_report(report),
            "extractor": used.name,
            "n_on_map": len(mapped.projection.image_ids),
            **({} if out is None else {"out": str(out)}),
        }
        write_result(counts, form, extra={"failures": report.failed.to_dict("records")})
        exit_by(report)


def _check_out(out: Path | None) -> None:
    """Raise if a map could not be written there, before anything is computed."""
    if out is None:
        return
    if out.suffix not in SUFFIXES:
        raise typer.BadParameter(f"--out {str(out)!r} must end in {' or '.join(SUFFIXES)}.")
    if not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}.")
    if out.suffix in {".svg", ".png"}:
        from cxrlib.charts.style import find_chrome

        find_chrome()


def _check_patients(cohort: Cohort, patients: list[str], settings: ProjectionSettings) -> None:
    """Raise if a patient has no image that can be on the map, before anything is computed."""
    mapped = select_for_map(cohort, settings).table
    for patient in patients:
        if not (cohort.table["patient_id"] == patient).any():
            left = " that the filters leave" if cohort.steps else ""
            known = cohort.table["patient_id"].dropna()
            raise refuse_patient(patient, known, of=f"{cohort.name!r}{left}")
        if not (mapped["patient_id"] == patient).any():
            raise SelectionError(
                f"Patient {patient!r} has no image on the map: it shows X-rays in "
                f"{', '.join(settings.views)} view with a file and a usable finding. Choose "
                "another."
            )


def choose_extractor_name(options: ExtractorOptions) -> str:
    """Resolve "auto": the pretrained network where its weights are, else texture."""
    if options.extractor != "auto":
        return options.extractor
    if options.weights is not None or find_weights(PRETRAINED) is not None:
        return PRETRAINED
    typer.echo(
        f"The pretrained network's weights are not on this machine, so the texture features "
        f"are used. With the network: --extractor {PRETRAINED} (downloads 28 MB).",
        err=True,
    )
    return "texture"


def embed_cohort(
    cohort: Cohort, store: Store, options: ExtractorOptions
) -> tuple[RunReport, ExtractorInfo]:
    """Embed what is missing, with a progress line; name each image that could not be used."""
    line = ProgressLine()
    extractor = load_extractor(
        choose_extractor_name(options),
        weights=options.weights,
        trust_sha256=options.trust_sha256,
        device=options.device,
        on_progress=line,
    )
    report = compute_embeddings(cohort, extractor, store, on_progress=line)
    tell_failures(report)
    return report, extractor.info


def map_cohort(
    cohort: Cohort, extractor: ExtractorInfo, store: Store, settings: ProjectionSettings
) -> MappedCohort:
    """Compute the map or load it, with a word before what takes long: UMAP compiles itself."""
    if select_for_map(cohort, settings).n_images == 0:
        raise ProjectionError(
            f"Cohort {cohort.name!r} has no image for a map: it shows X-rays in "
            f"{', '.join(settings.views)} view with a file and a usable finding."
        )
    if not find_maps(cohort, store, settings=settings, names=(extractor.key,)):
        typer.echo("Computing the map, about half a minute for a thousand images", err=True)
    return compute_map(cohort, extractor, store, settings=settings)


def _write_map(
    mapped: MappedCohort, out: Path, asked: DrawingOptions, selected: Cohort, store: Store
) -> None:
    """Write the map as its file's name says."""
    from cxrlib.reports import MapWish, write_map_figure, write_map_page, write_map_table

    filters = asked.selection.describe()
    mapped, cloud = _put_behind(mapped, asked, store)
    surface = scale_smoothing(asked.wish, mapped.projection)
    if asked.bandwidth is not None:
        surface = replace(surface, bandwidth=asked.bandwidth)
    wish = MapWish(
        patients=asked.patient_ids or None,
        surface=surface,
        colour_by=asked.colour,
        selected=selected if filters else None,
        filters=filters,
        chosen=_choose_rows(mapped, asked.rows),
        reference=cloud,
    )
    write = {".html": write_map_page, ".parquet": write_map_table}.get(out.suffix, write_map_figure)
    write(mapped, out, wish)


def _choose_rows(mapped: MappedCohort, rows: str) -> tuple[str, ...]:
    """Find the images that stand in some rows; raise if none of them is on the map."""
    found = find_rows(mapped.mapped.table, rows, most=None)
    if found.remarks and not found.image_ids:
        raise SelectionError(found.remarks[0])
    for remark in found.remarks:
        typer.echo(remark, err=True)
    return found.image_ids


def _put_behind(
    mapped: MappedCohort, asked: DrawingOptions, store: Store
) -> tuple[MappedCohort, ReferenceCloud | None]:
    """Place a second cohort behind the map, or fit it with: the map is then another one."""
    if asked.reference is None:
        return mapped, None
    reference = load_named(asked.reference, store.root)
    if asked.reference_fit == "placed":
        return mapped, place_reference(mapped, reference, store)
    typer.echo("Computing the map of both cohorts", err=True)
    fitted = fit_reference(mapped, reference, store)
    return fitted.mapped, fitted.cloud
