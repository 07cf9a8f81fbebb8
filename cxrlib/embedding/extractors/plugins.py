"""Extractors that other packages bring, by the entry-point group ``cxrlib.extractors``.

Whoever installs a package trusts it as they trust this one: its code runs here. What goes wrong in
it is told in a sentence and takes nothing else down. docs/own-extractor.md has a worked example.
"""

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np

from cxrlib.aliases import Progress
from cxrlib.errors import CxrError, SelectionError
from cxrlib.storage import ExtractorInfo

logger = logging.getLogger(__name__)

GROUP = "cxrlib.extractors"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
DEVICES = ("cpu", "cuda", "mps")
_RESERVED = ("auto", "outside")
# What another package's code can raise; leaving the program is not for it to decide.
ANYTHING = (Exception, SystemExit)
_PARTS = ("info", "works_in_prepare", "device", "prepare", "check_prepared", "compute")


@dataclass(frozen=True)
class Plugins:
    """Hold what other packages bring.

    Parameters
    ----------
    points : dict of str to EntryPoint
        By the extractor's name.
    problems : tuple of str
        Those that cannot be had, a sentence each.
    """

    points: dict[str, EntryPoint]
    problems: tuple[str, ...]


@functools.cache  # every installed package is looked at
def find_plugins(taken: tuple[str, ...]) -> Plugins:
    """Find the extractors that installed packages name; none is imported yet.

    Parameters
    ----------
    taken : tuple of str
        Names of the library's own extractors, which no package can replace.
    """
    points: dict[str, EntryPoint] = {}
    problems = []
    there = {(each.name, each.value): each for each in entry_points(group=GROUP)}
    for _, point in sorted(there.items()):  # one package may be found in two places
        if problem := _refuse_name(point, taken, points):
            problems.append(problem)
        else:
            points[point.name] = point
    return Plugins(points, tuple(problems))


def _refuse_name(point: EntryPoint, taken: tuple[str, ...], points: dict[str, EntryPoint]) -> str:
    """Say why an extractor cannot have its name, or nothing."""
    whose = f"Extractor {point.name[:60]!r} of {_name_package(point)}"
    if not NAME.fullmatch(point.name):
        return (
            f"{whose} is left out: a name has up to 60 letters, digits, '.', '_' and '-', a letter "
            "or digit first."
        )
    if point.name in taken or point.name in _RESERVED:
        return f"{whose} is left out: this program has one of that name. Rename the entry point."
    if point.name in points:
        other = _name_package(points[point.name])
        return f"{whose} is left out: {other} brings one of that name too."
    return ""


def _name_package(point: EntryPoint) -> str:
    """Name the package of an entry point."""
    dist = point.dist
    return f"package {dist.name!r}" if dist is not None else f"module {point.module!r}"


def fail(point: EntryPoint, what: str, error: object) -> SelectionError:
    """Make the sentence on an extractor that does not do what it should."""
    kind = f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
    words = " ".join(f"{kind}{error}".split())[:200]
    return SelectionError(
        f"Extractor {point.name!r} of {_name_package(point)} {what} ({words}). Mend or uninstall "
        "the package; the other extractors are not affected."
    )


class Plugin:
    """Stand for an extractor of another package, as `ExtractorModule` asks."""

    def __init__(self, point: EntryPoint) -> None:
        self._point = point

    def describe(self, name: str) -> ExtractorInfo:
        """Say what the extractor gives; raises SelectionError where it is broken."""
        return _describe(self._point)

    def load(
        self,
        name: str,
        *,
        weights: Path | None,
        trust_sha256: str | None,
        device: str,
        on_progress: Progress | None,
    ) -> "GuardedExtractor":
        """Load it; raises SelectionError where it is broken."""
        described = _describe(self._point)
        module = _import(self._point)
        try:
            loaded = module.load(
                name,
                weights=weights,
                trust_sha256=trust_sha256,
                device=device,
                on_progress=on_progress,
            )
        except CxrError:
            raise
        except ANYTHING as error:
            raise fail(self._point, "cannot be loaded", error) from error
        return GuardedExtractor(self._point, loaded, described)


@functools.lru_cache(maxsize=64)
def _import(point: EntryPoint) -> Any:  # noqa: ANN401 (whatever the package brings)
    """Import what an entry point names."""
    try:
        return point.load()
    except ANYTHING as error:
        raise fail(point, "cannot be imported", error) from error


@functools.lru_cache(maxsize=64)
def _describe(point: EntryPoint) -> ExtractorInfo:
    """Describe an extractor, and check that it is described."""
    module = _import(point)
    try:
        info = module.describe(point.name)
    except ANYTHING as error:
        raise fail(point, "cannot be described", error) from error
    if not isinstance(info, ExtractorInfo):
        raise fail(point, "is not described by an ExtractorInfo", type(info).__name__)
    if info.name != point.name:
        raise fail(point, "describes itself by another name", info.name)
    if info.is_outside or not info.preprocessing:
        raise fail(point, "has no version of its preprocessing", repr(info.preprocessing))
    try:
        ExtractorInfo.from_dict(info.to_dict())
    except (ValueError, TypeError, KeyError) as error:
        raise fail(point, "is described by what cannot be stored", error) from error
    return info


class GuardedExtractor:
    """Compute by another package's extractor; what it raises becomes a sentence.

    Parameters
    ----------
    point : EntryPoint
    loaded : object
        What the package's `load` gave.
    described : ExtractorInfo
        What its `describe` said.
    """

    def __init__(self, point: EntryPoint, loaded: Any, described: ExtractorInfo) -> None:  # noqa: ANN401
        missing = [name for name in _PARTS if not hasattr(loaded, name)]
        if missing:
            raise fail(point, "lacks a part of an extractor", ", ".join(missing))
        if not isinstance(loaded.info, ExtractorInfo):
            raise fail(point, "has no ExtractorInfo as its info", type(loaded.info).__name__)
        self.info: ExtractorInfo = loaded.info
        ours = (self.info.name, self.info.preprocessing, self.info.n_features)
        said = (described.name, described.preprocessing, described.n_features)
        if ours != said or self.info.output_names != described.output_names:
            raise fail(point, "is loaded as another than it is described", f"{ours} and {said}")
        if loaded.device not in DEVICES:
            raise fail(point, f"runs on none of {', '.join(DEVICES)}", repr(loaded.device))
        self._point, self._loaded = point, loaded
        self.works_in_prepare = bool(loaded.works_in_prepare)
        self.device: str = loaded.device
        # As it is: worker processes call it, to which only a function of a module can be sent.
        self.prepare: Callable[[np.ndarray], np.ndarray] = loaded.prepare
        try:
            ForkingPickler.dumps(self.prepare)
        except ANYTHING as error:
            raise fail(point, "has a `prepare` that is no function of a module", error) from error
        self._shape: tuple[int, ...] | None = None

    def check_prepared(self, item: np.ndarray) -> str:
        """Return why an item must not be computed on, as a clause, or ""."""
        if not isinstance(item, np.ndarray):
            return f"it was prepared as {type(item).__name__}, not as an array"
        self._shape = self._shape or item.shape
        if item.shape != self._shape:
            return f"it was prepared with the shape {item.shape}, others with {self._shape}"
        try:
            return str(self._loaded.check_prepared(item))
        except ANYTHING as error:
            raise fail(self._point, "failed on an image", error) from error

    def compute(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute embedding and outputs of a batch, of the shapes that were described."""
        try:
            embedding, outputs = self._loaded.compute(batch)
            found = tuple(np.asarray(each, dtype=np.float32) for each in (embedding, outputs))
        except ANYTHING as error:
            raise fail(self._point, "failed on a batch of images", error) from error
        right = ((len(batch), self.info.n_features), (len(batch), len(self.info.output_names)))
        if tuple(each.shape for each in found) != right:
            shapes = tuple(each.shape for each in found)
            raise fail(self._point, "gives other shapes than described", f"{shapes}, not {right}")
        return found[0], found[1]
