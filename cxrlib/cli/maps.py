"""The commands ``embed`` and ``map``: compute embeddings, compute and write a map."""

from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.cohorts import choose_images, load_named
from cxrlib.cli.map_options import DrawingOptions, LayoutOptions
from cxrlib.cli.messages import count_report, exit_by, print_failures, print_result, reported_errors
from cxrlib.cli.options import (
    DEFAULT_CACHE,
    CacheOption,
    DataOption,
    ExtractorOptions,
    Format,
    FormatOption,
    check_extractor,
    take_groups,
)
from cxrlib.cohort import Cohort, RunReport, count_cohort
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.maps import MappedCohort
from cxrlib.notebook import (
    PRETRAINED,
    CohortMap,
    check_patients,
    choose_extractor,
    embed_images,
    explain_map_file,
    map_images,
)
from cxrlib.storage import Store

__all__ = ["choose_extractor_name", "embed_cohort", "register"]


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
        check_extractor(embedding.extractor, cache)
        cohort = load_named(data, cache)
        report, used = embed_cohort(cohort, Store(cache), embedding)
        print_result(
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

    Filters (--where) choose what is shown; the map itself is computed from all images.
    """
    with reported_errors():
        check_extractor(embedding.extractor, cache)
        if out is not None and (problem := explain_map_file(out)):
            raise typer.BadParameter(f"--out {problem}")
        _, selection = drawing.wish, drawing.selection  # refused before anything is read
        cohort = load_named(data, cache)
        settings = layout.find_settings(cohort)
        check_patients(choose_images(cohort, selection), drawing.patient_ids, settings)
        store = Store(cache)
        report, used = embed_cohort(cohort, store, embedding)
        mapped = map_images(cohort, used, store, settings)
        if out is not None:
            _save_map(mapped, out, drawing, store)
        else:
            typer.echo("The map is in the cache. To write it as a page: --out FILE.html", err=True)
        counts = {
            **count_cohort(cohort),
            **count_report(report),
            "extractor": used.name,
            "n_on_map": len(mapped.projection.image_ids),
            **({} if out is None else {"out": str(out)}),
        }
        print_result(counts, form, extra={"failures": report.failed.to_dict("records")})
        exit_by(report)


def choose_extractor_name(options: ExtractorOptions) -> str:
    """Resolve "auto": the pretrained network where its weights are, else texture."""
    name = choose_extractor(options.extractor, weights=options.weights)
    if options.extractor == "auto" and name != PRETRAINED:
        typer.echo(
            "Weights of the pretrained network are not on this machine, so simple texture is used. "
            f"For the network: --extractor {PRETRAINED} (downloads 28 MB).",
            err=True,
        )
    return name


def embed_cohort(
    cohort: Cohort, store: Store, options: ExtractorOptions
) -> tuple[RunReport, ExtractorInfo]:
    """Embed what is missing, with a progress line; print each image that could not be used."""
    report, used = embed_images(
        cohort,
        store,
        choose_extractor_name(options),
        weights=options.weights,
        trust_sha256=options.trust_sha256,
        device=options.device,
    )
    print_failures(report)
    return report, used


def _save_map(mapped: MappedCohort, out: Path, asked: DrawingOptions, store: Store) -> None:
    """Write the map in the format that its file's name asks for."""
    reference = asked.reference
    CohortMap(mapped, store).save(
        out,
        patients=asked.patient_ids or None,
        state=asked.state,
        surface=asked.surface,
        within=asked.within,
        bandwidth=asked.bandwidth,
        colour=asked.colour,
        rows=asked.rows,
        where=asked.where,
        reference=None if reference is None else load_named(reference, store.root),
        reference_fit=asked.reference_fit,
    )
