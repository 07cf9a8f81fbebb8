"""Extractors: an image in, an embedding and named outputs out.

Importing this package is light; torch and scikit-image are imported when an extractor is
loaded or used. A new extractor is a module here with `describe` and `load`, see
`ExtractorModule`, and a line of `_MODULES`; or the same in another package, named by the
entry-point group "cxrlib.extractors", see `cxrlib.embedding.extractors.plugins`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from cxrlib.aliases import Progress
from cxrlib.embedding.extractors import densenet, texture
from cxrlib.embedding.extractors.plugins import Plugin, find_plugins
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES, find_weights
from cxrlib.errors import SelectionError, WeightsError
from cxrlib.storage import ExtractorInfo

__all__ = [
    "EXTRACTOR_NAMES",
    "Extractor",
    "ExtractorInfo",
    "describe_extractor",
    "describe_stale",
    "find_weights",
    "is_current",
    "list_extractor_names",
    "list_plugin_problems",
    "load_extractor",
]


class Extractor(Protocol):
    """What every extractor can do."""

    @property
    def info(self) -> ExtractorInfo:
        """Say what it is and what it gives."""

    @property
    def works_in_prepare(self) -> bool:
        """Tell whether nearly all the work is in `prepare`, that is in the workers."""

    @property
    def device(self) -> str:
        """Name the device that `compute` runs on: "cpu", "cuda" or "mps"."""

    @property
    def prepare(self) -> Callable[[np.ndarray], np.ndarray]:
        """Give the function from pixels to one item of a batch; worker processes call it."""

    def check_prepared(self, item: np.ndarray) -> str:
        """Return why an item must not be computed on, as a clause, or ""."""

    def compute(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute embedding (n_images, n_features) and outputs (n_images, n_outputs)."""


class ExtractorModule(Protocol):
    """What a module of this package brings for each name that it stands for."""

    def describe(self, name: str) -> ExtractorInfo:
        """Say what the extractor gives without loading it; its weights stay blank."""

    def load(
        self,
        name: str,
        *,
        weights: Path | None,
        trust_sha256: str | None,
        device: str,
        on_progress: Progress | None,
    ) -> Extractor:
        """Load it; parameters and errors are those of `load_extractor`."""


# The one place where an extractor is named; all else follows: commands, pages, feature sets.
_MODULES: dict[str, ExtractorModule] = {
    **dict.fromkeys(WEIGHTS_FILES, densenet),
    densenet.UNTRAINED: densenet,
    "texture": texture,
}

EXTRACTOR_NAMES: tuple[str, ...] = tuple(_MODULES)
"""Names of the library's own extractors; the first is the default of the paper."""


def list_extractor_names(*, usable: bool = False) -> tuple[str, ...]:
    """List the names that `load_extractor` takes: the library's own, then other packages'.

    Parameters
    ----------
    usable : bool, default False
        Leave out those of other packages that are broken; they are imported for that.
    """
    names = (*EXTRACTOR_NAMES, *find_plugins(EXTRACTOR_NAMES).points)
    return tuple(name for name in names if not _find_problem(name)) if usable else names


def list_plugin_problems() -> tuple[str, ...]:
    """List what is wrong with extractors of other packages, a sentence each."""
    plugins = find_plugins(EXTRACTOR_NAMES)
    return (*plugins.problems, *filter(None, map(_find_problem, plugins.points)))


def _find_problem(name: str) -> str:
    """Say what is wrong with an extractor, or nothing."""
    try:
        describe_extractor(name)
    except SelectionError as error:
        return str(error)
    return ""


def describe_extractor(name: str) -> ExtractorInfo:
    """Describe an extractor without loading it, its weights left blank.

    Raises
    ------
    SelectionError
        When there is no such extractor.
    """
    return _find_module(name).describe(name)


def is_current(info: ExtractorInfo) -> bool:
    """Tell whether this version of the library would make the same numbers again.

    Numbers of an older preprocessing stay in the store; they are not to be shown as today's.
    Numbers from outside are what they are.
    """
    return not describe_stale(info)


def describe_stale(info: ExtractorInfo) -> str:
    """Say why stored numbers are not today's, and what to compute again; "" where they are."""
    names = list_extractor_names()
    if info.is_outside:
        return ""
    if info.name not in names:
        return (
            f"Embeddings by extractor {info.name[:60]!r} are not shown: no installed package "
            "brings it. Install its package again, or delete them from the cache."
        )
    try:
        known = describe_extractor(info.name)
    except SelectionError as error:  # broken: whether they are today's nobody can say
        return f"Embeddings by extractor {info.name!r} are not shown. {error}"
    is_same = known.preprocessing == info.preprocessing
    if info.name not in _MODULES:  # of another package, which may have forgotten its version
        is_same &= (known.n_features, known.output_names) == (info.n_features, info.output_names)
    if is_same:
        return ""
    versions = f"version {info.preprocessing!r}, the installed one is {known.preprocessing!r}"
    return (
        f"Embeddings by {info.title} are of {versions}: they are not shown. Embed the cohort and "
        f"compute its maps again: python -m cxrlib map --data DIR --extractor {info.name}"
    )


def _find_module(name: str) -> ExtractorModule:
    if name in _MODULES:
        return _MODULES[name]
    plugins = find_plugins(EXTRACTOR_NAMES)
    if name in plugins.points:
        return Plugin(plugins.points[name])
    refused = [each for each in plugins.problems if f"Extractor {name!r} " in each]
    raise SelectionError(
        f"Extractor {name[:60]!r} is not known. {''.join(f'{each} ' for each in refused)}Choose "
        f"one of: {', '.join(list_extractor_names())}."
    )


def load_extractor(
    name: str,
    *,
    weights: Path | None = None,
    trust_sha256: str | None = None,
    device: str = "auto",
    on_progress: Progress | None = None,
) -> Extractor:
    """Load an extractor by name, downloading its weights if they are not here.

    Parameters
    ----------
    name : str
        One of `list_extractor_names`.
    weights : Path, optional
        Weights file; by default the one in torchxrayvision's own folder.
    trust_sha256 : str, optional
        SHA-256 of a pickled weights file you trust: unpickling runs code from the file.
    device : {"auto", "cpu", "cuda", "mps"}
        Where the network runs, from now on; "auto" takes the fastest there is. Texture runs
        on the CPU only.
    on_progress : callable, optional
        Called during a download with what is done, bytes so far and bytes in all.

    Returns
    -------
    Extractor

    Raises
    ------
    SelectionError
        When there is no such extractor or device.
    WeightsError
        When the weights are missing, not trusted, damaged or of another network.
    """
    module = _find_module(name)
    takes_weights = name in WEIGHTS_FILES or name not in _MODULES
    if not takes_weights and (weights is not None or trust_sha256 is not None):
        raise WeightsError(
            f"Extractor {name!r} takes no weights file. Leave --weights and --trust-sha256 out, "
            f"or choose one of: {', '.join(WEIGHTS_FILES)}."
        )
    return module.load(
        name, weights=weights, trust_sha256=trust_sha256, device=device, on_progress=on_progress
    )
