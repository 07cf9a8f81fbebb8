"""The kinds of work that a job can be: from a kind and its parameters to a result.

A new kind is a function here and a line in `KINDS`.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
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
    from cxrlib.baselines.runs import RunSpec
    from cxrlib.cohort import Cohort, RunReport
    from cxrlib.embedding.extractors import Extractor, ExtractorInfo
    from cxrlib.maps import ProjectionSettings
    from cxrlib.storage import Store

Parameters = Mapping[str, tuple[tuple[type, ...], Any]]
Result = dict[str, JSON]

REQUIRED = object()
MAX_PARAMETERS = 64 << 10  # bytes as JSON
#: A pickled weights file is opened only if the server or worker was started with its hash:
#: what stands in the cache, a job's record for one, must not be able to say "trust this".
TRUST_VARIABLE = "CXR_TRUST_SHA256"


class WorkStoppedError(Exception):
    """Report that work ended before its end, because it was asked to."""


@dataclass(frozen=True)
class Work:
    """Hold what a kind of work is given.

    Parameters
    ----------
    parameters : mapping
        All of them, checked.
    cache : Path
        The cache's folder.
    on_progress, should_stop : callable
        As in `cxrlib.aliases`.
    """

    parameters: Mapping[str, JSON]
    cache: Path
    on_progress: Progress
    should_stop: ShouldStop

    @property
    def store(self) -> "Store":
        """The store of its numbers."""
        from cxrlib.storage import Store

        return Store(self.cache)

    @property
    def settings(self) -> "ProjectionSettings":
        """The settings of its map."""
        return _to_settings(self.parameters["settings"])

    def load(self, name: str = "data") -> "Cohort":
        """Load the cohort whose folder a parameter names."""
        from cxrlib.cohort import load_cohort

        self.on_progress("Reading the cohort", 0, 0)
        root = Path(self.parameters[name])
        return load_cohort(root, store=self.store, on_progress=self.on_progress)

    def load_tested(self) -> "Cohort":
        """Load the cohort of a run: with the one it is tested on and with labels, where named."""
        from cxrlib.cohort import Cohort, attach_labels, join_cohorts, load_kept_labels

        cohort: Cohort = self.load()
        if self.parameters["test_on"]:
            cohort = join_cohorts(cohort, self.load("test_on"), store=self.store)
        if not self.parameters["labels"]:
            return cohort
        return attach_labels(cohort, load_kept_labels(self.parameters["labels"], self.store))

    def take_run(self) -> "tuple[Cohort, Store, RunSpec, Progress, ShouldStop]":
        """Take what every job on a run begins with."""
        from cxrlib.baselines.runs import make_spec

        spec = make_spec(self.parameters)  # refused before anything is loaded
        return self.load_tested(), self.store, spec, self.on_progress, self.should_stop

    def find_extractor(self) -> "ExtractorInfo":
        """Find the extractor that its parameter names, which has embeddings in the store."""
        return _find_extractor(self.store, self.parameters["extractor"])


@dataclass(frozen=True)
class Kind:
    """Describe a kind of work.

    Parameters
    ----------
    run : callable
        Takes the work; returns a small dict as JSON can hold it.
    parameters : mapping of str to tuple
        By name: the types a value may have, and its default or `REQUIRED`.
    """

    run: Callable[[Work], Result]
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
        from cxrlib.baselines.runs import check_run_parameters

        full |= check_run_parameters(full)
    _check_size(kind, full)
    return full


def _check_value(kind: str, name: str, value: JSON, types: tuple[type, ...]) -> JSON:
    """Return a parameter as it is kept, or raise SelectionError."""
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join(each.__name__ for each in types)
        raise SelectionError(f"Parameter {name!r} of a job {kind!r} is {value!r}: give {wanted}.")
    if name == "test_on" and not value:
        return value
    if name in ("data", "test_on", "reference", "weights") and isinstance(value, str):
        if "\x00" in value or not value:
            raise SelectionError(f"Parameter {name!r} of a job {kind!r} is no path: {value!r}.")
        return _check_writable(os.path.realpath(value))
    if name == "settings" and isinstance(value, dict):
        return _to_settings(value).to_dict()
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
            f"The parameters of a job {kind!r} cannot be written as JSON ({error}). Use plain "
            "values."
        ) from error
    if n_bytes > MAX_PARAMETERS:
        raise SelectionError(
            f"The parameters of a job {kind!r} have {n_bytes:,} bytes; {MAX_PARAMETERS:,} are the "
            "limit."
        )


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
        is_flag = isinstance(value, bool) and wanted is not bool
        if not right or is_flag or (wanted is float and not math.isfinite(value)):
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
        return KINDS[kind].run(Work(full, cache, report, should_stop))
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


def _embed(work: Work) -> Result:
    """Embed the images of a cohort that have no embedding."""
    return _embed_cohort(work, work.load())[0]


def _map(work: Work) -> Result:
    """Map the embedded images of a cohort."""
    cohort = work.load()
    return _map_cohort(work, cohort, work.find_extractor())


def _prepare(work: Work) -> Result:
    """Embed a cohort where needed, then map it."""
    cohort = work.load()
    done, info = _embed_cohort(work, cohort)
    return {**done, **_map_cohort(work, cohort, info)}


def _demo(work: Work) -> Result:
    """Generate the demo cohort, embed it by texture, map it."""
    from cxrlib.synthetic import generate_demo

    work.on_progress("Generating radiographs", 0, 0)
    root = generate_demo(work.cache / "demo", on_progress=work.on_progress)
    full = {"data": str(root), "extractor": "texture"}
    return _prepare(replace(work, parameters=check_parameters("prepare", full)))


def _seeds(work: Work) -> Result:
    """Compute a map with other seeds, to see which parts of it persist."""
    from cxrlib.embedding import load_embeddings
    from cxrlib.maps import compute_spread, select_for_map

    cohort, info, settings = work.load(), work.find_extractor(), work.settings
    embeddings = load_embeddings(select_for_map(cohort, settings, info), info, work.store)
    n_seeds = work.parameters["n_seeds"]
    spread = compute_spread(
        embeddings, settings, work.store, n_seeds=n_seeds, on_progress=work.on_progress
    )
    return {"extractor": info.key, "n_on_map": len(spread.image_ids), "n_seeds": len(spread.seeds)}


def _map_with(work: Work) -> Result:
    """Map the embedded images of two cohorts together."""
    from cxrlib.maps import compute_fitted

    cohort, reference, info = work.load(), work.load("reference"), work.find_extractor()
    work.on_progress("Computing the map of both cohorts", 0, 0)
    projection = compute_fitted(cohort, reference, info, work.settings, work.store)
    return {"extractor": info.key, "n_on_map": len(projection.image_ids)}


def _thumbnails(work: Work) -> Result:
    """Make the thumbnails that are missing of a cohort."""
    from cxrlib.display import compute_thumbnails

    report = compute_thumbnails(
        work.load(), work.store, on_progress=work.on_progress, should_stop=work.should_stop
    )
    if report.n_left:
        raise WorkStoppedError
    return {
        "n_computed": report.n_computed,
        "n_cached": report.n_cached,
        "n_failed": len(report.failed),
    }


def _weights(work: Work) -> Result:
    """Download the weights of an extractor, unless they are here."""
    from cxrlib.embedding.extractors.weights import download_weights

    name = work.parameters["extractor"]
    path = download_weights(name, on_progress=work.on_progress, should_stop=work.should_stop)
    return {"file": path.name}


def _null(work: Work) -> Result:
    """Permute the labels of a run, and fit its models again."""
    from cxrlib.baselines.runs import run_permutation_null

    asked = work.parameters
    return run_permutation_null(*work.take_run(), n=asked["n"], within=asked["within"])


def _shift(work: Work) -> Result:
    """Compare models from outside and from inside each region on the images of a run."""
    from cxrlib.baselines.runs import run_region_shift

    return run_region_shift(*work.take_run())


def _slow_loco(work: Work) -> Result:
    """Make a run whose model takes seconds a fit, such as a forest."""
    from cxrlib.baselines.runs import make_slow_run

    return make_slow_run(*work.take_run())


def _refit(work: Work) -> Result:
    """Compute a learning curve or importances: the models of a run are fitted many times."""
    from cxrlib.baselines.runs import run_refit

    return run_refit(*work.take_run(), of=work.parameters["of"])


def _pixels_loco(work: Work) -> Result:
    """Make the run of the network on pixels for one task."""
    from cxrlib.baselines.runs import make_pixel_run

    return make_pixel_run(*work.take_run())


def _collection(work: Work) -> Result:
    """Download the public collection into the cache, unless it is there."""
    from cxrlib.cohort import COLLECTION, fetch_collection

    # The folder is fixed: a record must not be able to say where files are written.
    folder = work.cache / COLLECTION
    report = fetch_collection(folder, on_progress=work.on_progress, should_stop=work.should_stop)
    return {"n_xrays": report.n_xrays, "n_xrays_missing": report.n_xrays_missing}


_TEXT, _TEXT_OR_NONE = (str,), (str, type(None))
_DATA: Parameters = {"data": (_TEXT, REQUIRED)}
EXTRACTION: Parameters = {
    "extractor": (_TEXT, REQUIRED),
    "weights": (_TEXT_OR_NONE, None),
    "trust_sha256": (_TEXT_OR_NONE, None),
    "device": (_TEXT, "auto"),
}
_EMBEDDING: Parameters = {**_DATA, **EXTRACTION}
_SETTINGS: Parameters = {"settings": ((dict,), {})}
_MAP: Parameters = {**_DATA, "extractor": (_TEXT, REQUIRED), **_SETTINGS}
_PIXEL_RUN: Parameters = {
    **_DATA,
    "test_on": (_TEXT, ""),
    "labels": (_TEXT, ""),
    "task": (_TEXT, REQUIRED),
    "protocol": (_TEXT, "corrected"),
    "hold_out": (_TEXT, "region"),
    "strict": ((bool,), False),
    "where": (_TEXT, ""),
    "seed": ((int,), 0),
    "resamples": ((int,), 1000),
    "estimator": (_TEXT, ""),
    "erase": (_TEXT, ""),
    "match": (_TEXT, ""),
}
_RUN: Parameters = {**_PIXEL_RUN, "features": (_TEXT, REQUIRED)}

KINDS: dict[str, Kind] = {
    "embed": Kind(_embed, _EMBEDDING),
    "map": Kind(_map, _MAP),
    "map-with": Kind(_map_with, {**_MAP, "reference": (_TEXT, REQUIRED)}),
    "prepare": Kind(_prepare, {**_EMBEDDING, **_SETTINGS}),
    "seeds": Kind(_seeds, {**_MAP, "n_seeds": ((int,), 10)}),
    "demo": Kind(_demo, {}),
    "thumbnails": Kind(_thumbnails, _DATA),
    "weights": Kind(_weights, {"extractor": (_TEXT, REQUIRED)}),
    "collection": Kind(_collection, {}),
    "null": Kind(_null, {**_RUN, "n": ((int,), 200), "within": (_TEXT, "group")}),
    "shift": Kind(_shift, _RUN),
    "slow-loco": Kind(_slow_loco, _RUN),
    "refit": Kind(_refit, {**_RUN, "of": (_TEXT, REQUIRED)}),
    "pixels-loco": Kind(_pixels_loco, _PIXEL_RUN),
}


# ---- what they share


def _embed_cohort(work: Work, cohort: "Cohort") -> tuple[Result, "ExtractorInfo"]:
    """Embed a cohort where needed; return the counts and the extractor."""
    from cxrlib.embedding import compute_embeddings

    work.on_progress("Loading the extractor", 0, 0)
    extractor = load_warm_extractor(work.parameters, work.on_progress)
    work.on_progress("Looking for what is embedded", 0, 0)
    report = compute_embeddings(
        cohort,
        extractor,
        work.store,
        on_progress=work.on_progress,
        should_stop=work.should_stop,
    )
    if report.n_left:
        raise WorkStoppedError
    return _count(report, extractor.info), extractor.info


def load_warm_extractor(parameters: Mapping[str, JSON], on_progress: Progress) -> "Extractor":
    """Load an extractor, or take the last one again where it is the same."""
    trust = parameters["trust_sha256"]
    if trust is not None and trust != os.environ.get(TRUST_VARIABLE):
        raise WeightsError(
            f"The job trusts the weights file of SHA-256 {trust!r}; the worker does not. "
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


def _map_cohort(work: Work, cohort: "Cohort", info: "ExtractorInfo") -> Result:
    """Map a cohort; return how many images are on the map."""
    from cxrlib.maps import compute_map

    work.on_progress("Computing the map", 0, 0)
    mapped = compute_map(cohort, info, work.store, settings=work.settings)
    return {"extractor": info.key, "n_on_map": len(mapped.projection.image_ids)}


def _find_extractor(store: "Store", name: str) -> "ExtractorInfo":
    """Find the extractor of a name or key that has embeddings in the store."""
    from cxrlib.embedding.extractors import describe_stale, is_current

    stored = EmbeddingStore(store).list_extractors()
    current = filter(is_current, stored)
    fitting = [info for info in current if name in (info.key, info.name)]
    fitting = [info for info in fitting if not info.note] or fitting
    if not fitting:
        stale = [describe_stale(info) for info in stored if name in (info.key, info.name)]
        raise ProjectionError(
            stale[0]
            if stale
            else f"Nothing is embedded by extractor {name!r} yet. Embed the cohort first."
        )
    if len(fitting) > 1:
        raise ProjectionError(
            f"The cache holds embeddings by {len(fitting)} different weights of {name!r}. Name "
            f"one: {', '.join(info.key for info in fitting)}."
        )
    return fitting[0]


def _count(report: "RunReport", info: "ExtractorInfo") -> Result:
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
