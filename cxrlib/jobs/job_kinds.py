"""The kinds of work that a job can be: from a kind and its parameters to a result.

A new kind is a function here and a line in `KINDS`.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.errors import (
    DownloadStoppedError,
    ProjectionError,
    RunStoppedError,
    SelectionError,
    WeightsError,
)
from cxrlib.storage import JSON, EmbeddingStore

if TYPE_CHECKING:
    from cxrlib.cohort import Cohort, RunReport
    from cxrlib.embedding.extractors import Extractor, ExtractorInfo
    from cxrlib.maps import ProjectionSettings
    from cxrlib.storage import Store

__all__ = [
    "EXTRACTION",
    "KINDS",
    "Kind",
    "WorkStoppedError",
    "check_parameters",
    "fill_parameters",
    "load_warm_extractor",
    "run_work",
    "warm_up",
]

Parameters = Mapping[str, tuple[tuple[type, ...], Any]]
Run = Callable[[Mapping[str, JSON], Path, Progress, ShouldStop], dict[str, JSON]]

REQUIRED = object()
MAX_PARAMETERS = 64 << 10  # bytes as JSON
#: A pickled weights file is opened only if the server or worker was started with its hash:
#: what stands in the cache, a job's record for one, must not be able to say "trust this".
TRUST_VARIABLE = "CXR_TRUST_SHA256"


class WorkStoppedError(Exception):
    """Report that work ended before its end, because it was asked to."""


@dataclass(frozen=True)
class Kind:
    """Describe a kind of work.

    Parameters
    ----------
    run : callable
        Takes parameters, the cache's folder, `on_progress(stage, done, total)` and
        `should_stop()`; returns a small dict as JSON can hold it.
    parameters : mapping of str to tuple
        By name: the types a value may have, and its default or `REQUIRED`.
    """

    run: Run
    parameters: Parameters


def check_parameters(kind: str, parameters: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return all parameters of a kind of work, defaults filled in, paths made absolute.

    Two requests for the same work thus have the same parameters, and one job.

    Raises
    ------
    SelectionError
        If there is no such kind, or a parameter is missing, unknown or of a wrong type.
    """
    if kind not in KINDS:
        raise SelectionError(f"Kind of job {kind!r} is not known. Use one of: {', '.join(KINDS)}.")
    return fill_parameters(kind, parameters, KINDS[kind].parameters)


def fill_parameters(
    kind: str, parameters: Mapping[str, JSON], known: Parameters
) -> dict[str, JSON]:
    """Return all parameters that are known, as `check_parameters`; raises SelectionError."""
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise SelectionError(
            f"A job {kind!r} has no parameter {unknown[0]!r}. It takes: {', '.join(known) or '-'}."
        )
    full: dict[str, JSON] = {}
    for name, (types, default) in known.items():
        value = parameters.get(name, default)
        if value is REQUIRED:
            raise SelectionError(f"A job {kind!r} needs the parameter {name!r}. Name it.")
        full[name] = _check_value(kind, name, value, types)
    if "task" in known:
        full |= _check_run(full)
    _check_size(kind, full)
    return full


def _check_run(given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the parameters of a run in one spelling; raises SelectionError."""
    from cxrlib.baselines.runs import check_run_parameters

    return check_run_parameters(given)


def _check_value(kind: str, name: str, value: JSON, types: tuple[type, ...]) -> JSON:
    """Return a parameter as it is kept, or raise SelectionError."""
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join(each.__name__ for each in types)
        raise SelectionError(f"Parameter {name!r} of a job {kind!r} is {value!r}: give {wanted}.")
    if name in ("data", "reference", "weights") and isinstance(value, str):
        if "\x00" in value or not value:
            raise SelectionError(f"Parameter {name!r} of a job {kind!r} is {value!r}: no path.")
        return _check_writable(os.path.realpath(value))
    if name == "settings" and isinstance(value, dict):
        return _check_settings(value)
    return value


def _check_writable(path: str) -> str:
    """Return a path that a record can hold: a name that is no UTF-8 would damage it."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise SelectionError(
            f"The path {path!r} is not written in UTF-8, so no job can name it. Rename the folder, "
            "or give a link to it under another name."
        ) from error
    return path


def _check_size(kind: str, parameters: Mapping[str, JSON]) -> None:
    try:
        n_bytes = len(json.dumps(parameters, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise SelectionError(
            f"The parameters of a job {kind!r} cannot be written as JSON ({error}). Give plain "
            "values."
        ) from error
    if n_bytes > MAX_PARAMETERS:
        raise SelectionError(f"The parameters of a job {kind!r} are {n_bytes:,} bytes: too many.")


def _check_settings(given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return all settings of a map, defaults filled in."""
    settings = _to_settings(given)
    return {**asdict(settings), "views": list(settings.views)}


def _to_settings(given: Mapping[str, JSON]) -> "ProjectionSettings":
    """Make the settings of a map from what JSON can hold."""
    from cxrlib.maps import ProjectionSettings

    plain = asdict(ProjectionSettings())
    for name, value in given.items():
        if name not in plain:
            raise SelectionError(
                f"A map has no setting {name!r}. It has: {', '.join(map(str, plain))}."
            )
        wanted = type(plain[name])
        right = isinstance(value, (list, tuple) if wanted is tuple else (wanted,))
        if wanted is float and isinstance(value, int):
            right, value = True, float(value)  # noqa: PLW2901 (1 and 1.0 are one setting)
        if not right or isinstance(value, bool) or (wanted is float and not math.isfinite(value)):
            raise SelectionError(f"Setting {name!r} of a map is {value!r}: give {wanted.__name__}.")
        plain[name] = tuple(map(str, value)) if wanted is tuple else value
    return ProjectionSettings(**plain)


def run_work(
    kind: str,
    parameters: Mapping[str, JSON],
    cache: Path,
    on_progress: Progress,
    should_stop: ShouldStop,
) -> dict[str, JSON]:
    """Do work of a kind; everything that reports progress can be stopped.

    Raises
    ------
    WorkStoppedError
        If it was asked to stop before its end. What was computed so far is in the cache.
    CxrError
        If it cannot be done; the message says why.
    """
    full = check_parameters(kind, parameters)

    def report(stage: str, done: int, total: int) -> None:
        # What only reports (reading a cohort, drawing the demo) is stopped here.
        if should_stop():
            raise WorkStoppedError
        on_progress(stage, done, total)

    try:
        return KINDS[kind].run(full, cache, report, should_stop)
    except (DownloadStoppedError, RunStoppedError) as error:
        raise WorkStoppedError from error


def warm_up() -> None:
    """Import what takes seconds and let UMAP compile itself, which takes 15 s or more."""
    import numpy as np

    from cxrlib.embedding import EmbeddingSet
    from cxrlib.embedding.extractors.texture import TextureExtractor
    from cxrlib.maps import ProjectionSettings, compute_projection

    features = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    names = tuple(map(str, range(len(features))))
    noise = EmbeddingSet(names, names, features, features, TextureExtractor.info)
    compute_projection(noise, ProjectionSettings())


# ---- the kinds


def _embed(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Embed what is missing of a cohort."""
    cohort, store = _load(parameters["data"], cache, on_progress)
    return _embed_cohort(cohort, store, parameters, on_progress, should_stop)[0]


def _map(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Map what is embedded of a cohort."""
    cohort, store = _load(parameters["data"], cache, on_progress)
    info = _find_extractor(store, parameters["extractor"])
    return _map_cohort(cohort, info, store, parameters["settings"], on_progress)


def _prepare(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Embed what is missing of a cohort, then map it."""
    cohort, store = _load(parameters["data"], cache, on_progress)
    done, info = _embed_cohort(cohort, store, parameters, on_progress, should_stop)
    return {**done, **_map_cohort(cohort, info, store, parameters["settings"], on_progress)}


def _demo(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Generate the demo cohort, embed it by texture, map it."""
    from cxrlib.synthetic import generate_demo

    on_progress("Generating radiographs", 0, 0)
    root = generate_demo(cache / "demo", on_progress=on_progress)
    full = {"data": str(root), "extractor": "texture"}
    return _prepare(check_parameters("prepare", full), cache, on_progress, should_stop)


def _seeds(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Draw a map with other seeds, to tell what of it is chance."""
    from cxrlib.embedding import load_embeddings
    from cxrlib.maps import compute_spread, select_for_map

    cohort, store = _load(parameters["data"], cache, on_progress)
    info = _find_extractor(store, parameters["extractor"])
    settings = _to_settings(parameters["settings"])
    embeddings = load_embeddings(select_for_map(cohort, settings), info, store)
    spread = compute_spread(
        embeddings, settings, store, n_seeds=parameters["n_seeds"], on_progress=on_progress
    )
    return {"extractor": info.key, "n_on_map": len(spread.image_ids), "n_seeds": len(spread.seeds)}


def _map_with(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Map what is embedded of a cohort together with a second one."""
    from cxrlib.maps import compute_fitted

    cohort, store = _load(parameters["data"], cache, on_progress)
    reference, _ = _load(parameters["reference"], cache, on_progress)
    info = _find_extractor(store, parameters["extractor"])
    settings = _to_settings(parameters["settings"])
    on_progress("Computing the map of both cohorts", 0, 0)
    projection = compute_fitted(cohort, reference, info, settings, store)
    return {"extractor": info.key, "n_on_map": len(projection.image_ids)}


def _thumbnails(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Make the thumbnails that are missing of a cohort."""
    from cxrlib.display import compute_thumbnails

    cohort, store = _load(parameters["data"], cache, on_progress)
    report = compute_thumbnails(
        cohort,
        store,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if report.n_left:
        raise WorkStoppedError
    return {
        "n_computed": report.n_computed,
        "n_cached": report.n_cached,
        "n_failed": len(report.failed),
    }


def _weights(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Download the weights of an extractor, unless they are here."""
    from cxrlib.embedding.extractors.weights import download_weights

    try:
        path = download_weights(
            parameters["extractor"], on_progress=on_progress, should_stop=should_stop
        )
    except DownloadStoppedError as error:
        raise WorkStoppedError from error
    return {"file": path.name}


def _null(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Permute the labels of a run, and fit its models again."""
    from cxrlib.baselines.runs import make_spec, run_null

    cohort, store = _load(parameters["data"], cache, on_progress)
    spec = make_spec(parameters)
    return run_null(cohort, store, spec, parameters["n"], on_progress, should_stop)


def _shift(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Compare models from outside and from inside each region on the images of a run."""
    from cxrlib.baselines.runs import make_spec, run_shift

    cohort, store = _load(parameters["data"], cache, on_progress)
    return run_shift(cohort, store, make_spec(parameters), on_progress, should_stop)


def _pixels_loco(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Make the run of the network on pixels for one task."""
    from cxrlib.baselines.runs import make_pixel_run, make_spec

    cohort, store = _load(parameters["data"], cache, on_progress)
    return make_pixel_run(cohort, store, make_spec(parameters), on_progress, should_stop)


def _collection(
    parameters: Mapping[str, JSON], cache: Path, on_progress: Progress, should_stop: ShouldStop
) -> dict[str, JSON]:
    """Download the public collection into the cache, unless it is there."""
    from cxrlib.cohort import COLLECTION, fetch_collection

    # The folder is fixed: a record must not be able to say where files are written.
    report = fetch_collection(cache / COLLECTION, on_progress=on_progress, should_stop=should_stop)
    return {"n_xrays": report.n_xrays, "n_xrays_missing": report.n_xrays_missing}


_TEXT, _TEXT_OR_NONE = (str,), (str, type(None))
EXTRACTION: Parameters = {
    "extractor": (_TEXT, REQUIRED),
    "weights": (_TEXT_OR_NONE, None),
    "trust_sha256": (_TEXT_OR_NONE, None),
    "device": (_TEXT, "auto"),
}
_EMBEDDING: Parameters = {"data": (_TEXT, REQUIRED), **EXTRACTION}
_SETTINGS: Parameters = {"settings": ((dict,), {})}
_PIXEL_RUN: Parameters = {
    "data": (_TEXT, REQUIRED),
    "task": (_TEXT, REQUIRED),
    "protocol": (_TEXT, "corrected"),
    "hold_out": (_TEXT, "region"),
    "strict": ((bool,), False),
    "where": (_TEXT, ""),
    "seed": ((int,), 0),
    "resamples": ((int,), 1000),
}
_RUN: Parameters = {**_PIXEL_RUN, "features": (_TEXT, REQUIRED)}

KINDS: dict[str, Kind] = {
    "embed": Kind(_embed, _EMBEDDING),
    "map": Kind(_map, {"data": (_TEXT, REQUIRED), "extractor": (_TEXT, REQUIRED), **_SETTINGS}),
    "map-with": Kind(
        _map_with,
        {
            "data": (_TEXT, REQUIRED),
            "reference": (_TEXT, REQUIRED),
            "extractor": (_TEXT, REQUIRED),
            **_SETTINGS,
        },
    ),
    "prepare": Kind(_prepare, {**_EMBEDDING, **_SETTINGS}),
    "seeds": Kind(
        _seeds,
        {
            "data": (_TEXT, REQUIRED),
            "extractor": (_TEXT, REQUIRED),
            **_SETTINGS,
            "n_seeds": ((int,), 10),
        },
    ),
    "demo": Kind(_demo, {}),
    "thumbnails": Kind(_thumbnails, {"data": (_TEXT, REQUIRED)}),
    "weights": Kind(_weights, {"extractor": (_TEXT, REQUIRED)}),
    "collection": Kind(_collection, {}),
    "null": Kind(_null, {**_RUN, "n": ((int,), 200)}),
    "shift": Kind(_shift, _RUN),
    "pixels-loco": Kind(_pixels_loco, _PIXEL_RUN),
}


# ---- what they share


def _load(data: str, cache: Path, on_progress: Progress) -> tuple["Cohort", "Store"]:
    """Load a cohort and the store of its numbers."""
    from cxrlib.cohort import load_cohort
    from cxrlib.storage import Store

    on_progress("Reading the cohort", 0, 0)
    store = Store(cache)
    return load_cohort(Path(data), store=store, on_progress=on_progress), store


def _embed_cohort(
    cohort: "Cohort",
    store: "Store",
    parameters: Mapping[str, JSON],
    on_progress: Progress,
    should_stop: ShouldStop,
) -> tuple[dict[str, JSON], "ExtractorInfo"]:
    """Embed what is missing; return what was done and by which extractor."""
    from cxrlib.embedding import compute_embeddings

    on_progress("Loading the extractor", 0, 0)
    extractor = load_warm_extractor(parameters, on_progress)
    on_progress("Looking for what is embedded", 0, 0)
    report = compute_embeddings(
        cohort,
        extractor,
        store,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if report.n_left:
        raise WorkStoppedError
    return _count(report, extractor.info), extractor.info


def load_warm_extractor(parameters: Mapping[str, JSON], on_progress: Progress) -> "Extractor":
    """Load an extractor, or take the last one again where it is the same."""
    trust = parameters["trust_sha256"]
    if trust is not None and trust != os.environ.get(TRUST_VARIABLE):
        raise WeightsError(
            f"The job trusts the weights file of SHA-256 {trust!r}, the worker was not told to. "
            "Embed from the command line: python -m cxrlib embed --weights FILE --trust-sha256 "
            "SHA256."
        )
    weights = parameters["weights"]
    if weights is None:
        return _load_known(parameters["extractor"], parameters["device"], on_progress)
    from cxrlib.embedding.extractors import load_extractor

    return load_extractor(
        parameters["extractor"],
        weights=Path(weights),
        trust_sha256=trust,
        device=parameters["device"],
    )


def _load_known(name: str, device: str, on_progress: Progress) -> "Extractor":
    """Load an extractor without weights of one's own; one is kept, as loading costs seconds."""
    from cxrlib.embedding.extractors import find_weights

    path = find_weights(name)
    changed = path.stat().st_mtime_ns if path is not None else 0
    key = (name, device, changed)
    if key not in _loaded:
        from cxrlib.embedding.extractors import load_extractor

        _loaded.clear()
        _loaded[key] = load_extractor(name, device=device, on_progress=on_progress)
    return _loaded[key]


_loaded: dict[tuple[str, str, int], "Extractor"] = {}


def _map_cohort(
    cohort: "Cohort",
    info: "ExtractorInfo",
    store: "Store",
    settings: Mapping[str, JSON],
    on_progress: Progress,
) -> dict[str, JSON]:
    """Map what is embedded; return how many images are on the map."""
    from cxrlib.maps import compute_map

    on_progress("Computing the map", 0, 0)
    mapped = compute_map(cohort, info, store, settings=_to_settings(settings))
    return {"extractor": info.key, "n_on_map": len(mapped.projection.image_ids)}


def _find_extractor(store: "Store", name: str) -> "ExtractorInfo":
    """Find the extractor of a name or key that has embeddings in the store."""
    from cxrlib.embedding.extractors import is_current

    current = filter(is_current, EmbeddingStore(store).list_extractors())
    fitting = [info for info in current if name in (info.key, info.name)]
    fitting = [info for info in fitting if not info.note] or fitting
    if not fitting:
        raise ProjectionError(
            f"Nothing is embedded by extractor {name!r} yet. Embed the cohort first."
        )
    if len(fitting) > 1:
        raise ProjectionError(
            f"The cache holds embeddings by {len(fitting)} different weights of {name!r}. Name "
            f"one: {', '.join(info.key for info in fitting)}."
        )
    return fitting[0]


def _count(report: "RunReport", info: "ExtractorInfo") -> dict[str, JSON]:
    """Count what an embedding run did."""
    missing = int((report.failed["reason"] == "no file").sum())
    return {
        "extractor": info.key,
        "n_computed": report.n_computed,
        "n_cached": report.n_cached,
        "n_without_file": missing,
        "n_failed": len(report.failed) - missing,
        "seconds": round(report.seconds, 1),
    }
