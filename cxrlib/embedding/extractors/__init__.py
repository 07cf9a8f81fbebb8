"""Extractors: an image in, an embedding and named outputs out.

Importing this package is light; torch and scikit-image are imported when an extractor is
loaded or used. A new extractor is a module here with `describe` and `load`, see
`ExtractorModule`, and a line of `_MODULES`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from cxrlib.aliases import Progress
from cxrlib.embedding.extractors import densenet, texture
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES, find_weights
from cxrlib.errors import SelectionError, WeightsError
from cxrlib.storage import ExtractorInfo

__all__ = [
    "EXTRACTOR_NAMES",
    "Extractor",
    "ExtractorInfo",
    "describe_extractor",
    "find_weights",
    "is_current",
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
"""Names that `load_extractor` takes; the first is the default of the paper."""


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
    """
    known = _MODULES.get(info.name)
    return known is not None and known.describe(info.name).preprocessing == info.preprocessing


def _find_module(name: str) -> ExtractorModule:
    if name not in _MODULES:
        raise SelectionError(
            f"Extractor {name!r} is not known. Choose one of: {', '.join(EXTRACTOR_NAMES)}."
        )
    return _MODULES[name]


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
        One of `EXTRACTOR_NAMES`.
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
    if name not in WEIGHTS_FILES and (weights is not None or trust_sha256 is not None):
        raise WeightsError(
            f"Extractor {name!r} takes no weights file. Leave --weights and --trust-sha256 out, "
            f"or choose one of: {', '.join(WEIGHTS_FILES)}."
        )
    return module.load(
        name, weights=weights, trust_sha256=trust_sha256, device=device, on_progress=on_progress
    )
