"""The command line: ``python -m cxrlib demo | info | embed | map | serve``.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done;
1 it could not be done, one line says why; 2 the command was not understood; 3 done, but
images that are there could not be used, each named; 130 interrupted.
"""

import contextlib
import hashlib
import json
import logging
import os
import runpy
import socket
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cxrlib import NOTICE, __version__
from cxrlib.cohort import Cohort, count_cohort, load_cohort
from cxrlib.embeddings import EmbedReport, compute_embeddings
from cxrlib.errors import CxrError, ProjectionError, SelectionError
from cxrlib.extractors import EXTRACTOR_NAMES, ExtractorInfo, find_weights, load_extractor
from cxrlib.pipeline import MappedCohort, compute_map, find_maps, load_map, select_for_map
from cxrlib.progress import ProgressLine
from cxrlib.projection import ProjectionSettings
from cxrlib.store import Store

PRETRAINED = "densenet121-res224-all"
NO_FILE = "no file"  # the reason `compute_embeddings` gives where a row has none
EXIT_ERROR = 1
EXIT_PARTLY = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help=f"Explore chest X-ray cohorts. {NOTICE}",
    epilog="Exit codes: 0 done; 1 not possible, one line says why; 2 not understood; 3 done, but "
    "images that are there could not be used, each named; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="CXR_DATA",
        help="Cohort folder with metadata.csv and images/; the demo cohort where none is named.",
    ),
]
CacheOption = Annotated[
    Path, typer.Option("--cache", envvar="CXR_CACHE", help="Folder of everything computed.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="Text or JSON.")]


def _check_extractor(name: str) -> str:
    """Return an extractor's name, or say which there are."""
    if name not in ("auto", *EXTRACTOR_NAMES):
        raise typer.BadParameter(f"{name!r} is not one of: auto, {', '.join(EXTRACTOR_NAMES)}.")
    return name


ExtractorOption = Annotated[
    str,
    typer.Option(
        "--extractor",
        callback=_check_extractor,
        help="auto (the pretrained network if its weights are here, else texture) or one of: "
        + ", ".join(EXTRACTOR_NAMES),
    ),
]
WeightsOption = Annotated[
    Path | None, typer.Option("--weights", help="Weights file of the network.")
]
TrustOption = Annotated[
    str | None,
    typer.Option(
        "--trust-sha256",
        help="SHA-256 of a pickled weights file you trust: unpickling runs code from the file.",
    ),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option("--device", help="Where the network runs; auto takes the fastest there is."),
]

DEFAULT_CACHE = Path("cache")


@contextlib.contextmanager
def reported_errors(kept: str = "what was computed is kept") -> Iterator[None]:
    """Turn a known error into one line and an exit code; an interruption says what is left."""
    try:
        yield
    except CxrError as error:
        typer.echo(_visible(f"Error: {error}"), err=True)
        raise typer.Exit(EXIT_ERROR) from error
    except KeyboardInterrupt as error:
        typer.echo(f"\nInterrupted; {kept}.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from error


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    seed: Annotated[int | None, typer.Option(help="Another seed makes other patients.")] = None,
    patients: Annotated[int, typer.Option(help="Number of patients.", min=24)] = 250,
) -> None:
    """Generate the synthetic demo cohort."""
    with reported_errors("nothing was written"):
        root = _generate_demo(folder, seed=seed, n_patients=patients)
        typer.echo(str(root))


@app.command()
def info(
    data: DataOption = None, cache: CacheOption = DEFAULT_CACHE, form: FormatOption = Format.text
) -> None:
    """Count what a cohort holds and name what cannot be used."""
    with reported_errors():
        cohort = _load(data, cache)
        counts = count_cohort(cohort)
        _write_result(counts, form, extra={"problems": cohort.problems.to_dict("records")})
        if form is Format.text:
            _tell_problems(cohort)


@app.command()
def embed(
    data: DataOption = None,
    extractor: ExtractorOption = "auto",
    weights: WeightsOption = None,
    trust_sha256: TrustOption = None,
    device: DeviceOption = "auto",
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """Compute the embedding of every X-ray that is not in the cache yet."""
    with reported_errors():
        cohort = _load(data, cache)
        name = _choose_extractor_name(extractor, weights)
        report, used = _embed(cohort, Store(cache), name, weights, trust_sha256, device)
        _write_result(
            {**count_cohort(cohort), **_count_report(report), "extractor": used.name},
            form,
            extra={"failures": report.failed.to_dict("records")},
        )
        _exit_by(report)


@app.command(name="map")
def make_map(
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="FILE.html (interactive) or FILE.parquet.")
    ] = None,
    patient: Annotated[
        list[str] | None, typer.Option("--patient", help="Draw this patient's path; repeatable.")
    ] = None,
    features: Annotated[
        Literal["outputs", "embedding"], typer.Option(help="outputs is the paper's choice.")
    ] = "outputs",
    seed: Annotated[int, typer.Option(help="Seed of the map.", min=0, max=2**32 - 1)] = 0,
    extractor: ExtractorOption = "auto",
    weights: WeightsOption = None,
    trust_sha256: TrustOption = None,
    device: DeviceOption = "auto",
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """Compute the map of a cohort and write it as a page or as a table."""
    with reported_errors():
        _check_out(out)
        cohort = _load(data, cache)
        _check_patients(cohort, patient or [])
        store = Store(cache)
        name = _choose_extractor_name(extractor, weights)
        report, used = _embed(cohort, store, name, weights, trust_sha256, device)
        mapped = _compute_map(cohort, used, store, ProjectionSettings(features=features, seed=seed))
        if out is not None:
            _write_map(mapped, out, patient or [])
        else:
            typer.echo("The map lies in the cache. --out FILE.html writes it as a page.", err=True)
        counts = {
            **count_cohort(cohort),
            **_count_report(report),
            "extractor": used.name,
            "n_on_map": len(mapped.projection.image_ids),
            **({} if out is None else {"out": str(out)}),
        }
        _write_result(counts, form, extra={"failures": report.failed.to_dict("records")})
        _exit_by(report)


@app.command()
def serve(
    data: DataOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    extractor: ExtractorOption = "auto",
    weights: WeightsOption = None,
    trust_sha256: TrustOption = None,
    device: DeviceOption = "auto",
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Embed and map what is missing, then serve the dashboard on this machine."""
    with reported_errors():
        _check_port(port)
        cohort = _load(data, cache)
        store = Store(cache)
        name = _choose_extractor_name(extractor, weights)
        ready = _find_ready(cohort, store, name, weights)
        used = ready
        if used is None:
            _, used = _embed(cohort, store, name, weights, trust_sha256, device)
            _compute_map(cohort, used, store, ProjectionSettings())
    os.environ["CXR_DATA"] = str(cohort.root)
    os.environ["CXR_CACHE"] = str(cache.resolve())
    os.environ["CXR_EXTRACTOR"] = used.key
    typer.echo(f"Serving {cohort.name} on http://localhost:{port} (stop with Ctrl+C)")
    sys.stdout.flush()
    _run_server(port, in_this_process=ready is not None)


def _run_server(port: int, *, in_this_process: bool) -> None:
    """Run Streamlit; in this process where nothing heavy was imported, which saves a second."""
    main_script = Path(__file__).resolve().parent.parent / "app.py"
    os.chdir(main_script.parent)  # Streamlit looks for its settings here
    options = ["run", str(main_script), "--server.port", str(port)]
    if in_this_process:
        sys.argv = ["streamlit", *options]
        runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    else:
        os.execv(sys.executable, [sys.executable, "-m", "streamlit", *options])  # noqa: S606


def _check_out(out: Path | None) -> None:
    """Raise if a map could not be written there, before anything is computed."""
    if out is None:
        return
    if out.suffix not in {".html", ".parquet"}:
        raise typer.BadParameter(f"--out {str(out)!r} must end in .html or .parquet.")
    if not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}.")


def _check_patients(cohort: Cohort, patients: list[str]) -> None:
    """Raise if a patient has no image that can be on the map, before anything is computed."""
    mapped = select_for_map(cohort, ProjectionSettings()).table
    for patient in patients:
        if not (cohort.table["patient_id"] == patient).any():
            raise SelectionError(
                f"Patient {patient!r} is not among the {cohort.table['patient_id'].nunique()} "
                f"patients of {cohort.name!r}. Ids are text, as in metadata.csv."
            )
        if not (mapped["patient_id"] == patient).any():
            raise SelectionError(
                f"Patient {patient!r} has no image on the map: it shows X-rays in PA, AP or AP "
                "Supine view with a file and a usable finding. Choose another."
            )


def _check_port(port: int) -> None:
    """Raise if somebody listens on a port already, before anything is computed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError as error:
            raise SelectionError(
                f"Port {port} cannot be used: {error.strerror}. Choose another: make app PORT=8600 "
                "or serve --port 8600."
            ) from error


def _find_ready(
    cohort: Cohort, store: Store, name: str, weights: Path | None
) -> ExtractorInfo | None:
    """Return the extractor if every image is embedded and mapped: then nothing is to be done."""
    sha256 = _hash_weights(name, weights)
    for info in find_maps(cohort, store, settings=ProjectionSettings(), names=(name,)):
        if sha256 in (None, info.weights_sha256):
            mapped = load_map(cohort, store, settings=ProjectionSettings(), extractor=info.key)
            if mapped.is_complete:
                return info
    return None


def _hash_weights(name: str, weights: Path | None) -> str | None:
    """Hash the weights file that would be used; None where the extractor has none."""
    path = weights or find_weights(name)
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@app.callback(invoke_without_command=True)
def start(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Say what the library logs, as plain lines on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    if version:
        typer.echo(f"cxrlib {__version__}")
        raise typer.Exit


def _load(data: Path | None, cache: Path) -> Cohort:
    """Load the named cohort, or generate and load the demo."""
    store = Store(cache)
    root = data or _generate_demo(cache / "demo", seed=None, n_patients=250)
    return load_cohort(root, store=store, on_progress=ProgressLine())


def _generate_demo(folder: Path, *, seed: int | None, n_patients: int) -> Path:
    """Generate the demo unless it is there; only now import what draws it."""
    from cxrlib.synthetic import generate_demo

    options = {} if seed is None else {"seed": seed}
    return generate_demo(folder, n_patients=n_patients, on_progress=ProgressLine(), **options)


def _choose_extractor_name(extractor: str, weights: Path | None) -> str:
    """Resolve "auto": the pretrained network where its weights are, else texture."""
    if extractor != "auto":
        return extractor
    if weights is not None or find_weights(PRETRAINED) is not None:
        return PRETRAINED
    typer.echo(
        f"The pretrained network's weights are not on this machine, so the texture features "
        f"are used. With the network: --extractor {PRETRAINED} (downloads 28 MB).",
        err=True,
    )
    return "texture"


def _embed(
    cohort: Cohort,
    store: Store,
    name: str,
    weights: Path | None,
    trust_sha256: str | None,
    device: str,
) -> tuple[EmbedReport, ExtractorInfo]:
    """Embed what is missing, with a progress line; name each image that could not be used."""
    line = ProgressLine()
    extractor = load_extractor(
        name, weights=weights, trust_sha256=trust_sha256, device=device, on_progress=line
    )
    report = compute_embeddings(
        cohort,
        extractor,
        store,
        on_progress=lambda done, total, *_: line(f"Embedding with {name}", done, total),
    )
    _tell_failures(report)
    return report, extractor.info


def _tell_failures(report: EmbedReport) -> None:
    """Name each image without an embedding; those without a file share a line."""
    failed = report.failed.to_dict("records")
    missing = [row for row in failed if row["reason"] == NO_FILE]
    if missing:
        names = ", ".join(f"{row['filename']} (row {row['row']})" for row in missing)
        typer.echo(_visible(f"{len(missing)} X-rays have no file: {names}"), err=True)
    for row in failed:
        if row["reason"] != NO_FILE:
            words = f"Not embedded: row {row['row']}, {row['filename']}: {row['reason']}"
            typer.echo(_visible(words), err=True)


def _compute_map(
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


def _write_map(mapped: MappedCohort, out: Path, patients: list[str]) -> None:
    """Write the map as an interactive page or as a table."""
    from cxrlib.report import write_map_page, write_map_table

    if out.suffix == ".html":
        write_map_page(mapped, out, patients=patients)
    else:
        write_map_table(mapped, out)


def _count_report(report: EmbedReport) -> dict[str, int]:
    """Count what an embedding run did: images computed, found in the cache, failed."""
    return {
        "computed": report.n_computed,
        "cached": report.n_cached,
        "failed": len(report.failed),
    }


def _write_result(counts: dict[str, Any], form: Format, *, extra: dict[str, Any]) -> None:
    """Write counts to standard output: lines to read, or JSON with the details as well."""
    if form is Format.json:
        typer.echo(json.dumps({**counts, **extra}, default=str, indent=2))
        return
    width = max(len(name) for name in counts)
    for name, value in counts.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else shown
        typer.echo(f"{name.ljust(width)}  {shown}")


def _tell_problems(cohort: Cohort) -> None:
    """Name what could not be read as it stands, one line each, on standard error."""
    for problem in cohort.problems.astype(object).fillna("").to_dict("records"):
        where = [str(problem["file"])]
        where += [f"row {problem['row']}"] if problem["row"] != "" else []
        value = f" {str(problem['value'])[:80]!r}" if problem["value"] != "" else ""
        where += [f"{problem['column']}{value}"] if problem["column"] else []
        words = f"{', '.join(where)}: {problem['problem']}; {problem['action']}"
        typer.echo(_visible(words), err=True)


def _visible(text: str) -> str:
    """Write control characters as escapes: a file name must not steer the terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _exit_by(report: EmbedReport) -> None:
    """Leave with code 3 where an image that is there could not be used."""
    if not (report.failed["reason"] == NO_FILE).all():
        raise typer.Exit(EXIT_PARTLY)
