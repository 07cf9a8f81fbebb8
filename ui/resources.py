"""What the server holds once for all sessions: its cohorts, their maps, decoded images."""

import functools
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlib.catalogue import COLLECTION, CohortEntry, find_entry, list_entries, split_paths
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import CohortError
from cxrlib.extractors import ExtractorInfo
from cxrlib.pipeline import MappedCohort, find_maps, load_map
from cxrlib.projection import ProjectionSettings
from cxrlib.store import Store
from cxrlib.trajectories import find_story, map_points

__all__ = [
    "Current",
    "find_cache",
    "find_cohort",
    "list_cohorts",
    "load_current",
]

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Current:
    """Hold the cohort in use, its map and the map's points as one table."""

    mapped: MappedCohort
    points: pd.DataFrame
    story: tuple[str, ...]

    @property
    def cohort(self) -> Cohort:
        """Every row of the cohort, on the map or not."""
        return self.mapped.cohort

    @property
    def extractor(self) -> ExtractorInfo:
        """The extractor behind the map."""
        return self.mapped.extractor


def find_cache() -> Path:
    """Find the folder of everything computed."""
    return Path(os.environ.get("CXR_CACHE") or ROOT / "cache")


def list_cohorts() -> tuple[CohortEntry, ...]:
    """List the cohorts the server was started with, the one to open on first; and the demo.

    The public collection is among them as soon as it was fetched from the data page.
    """
    named = split_paths(os.environ.get("CXR_DATA", ""))
    fetched = find_cache() / COLLECTION
    if (fetched / "metadata.csv").is_file():
        named = [*named, *([find_cache() / "demo"] if not named else []), fetched]
    return _list_cohorts(tuple(named), find_cache() / "demo")


@functools.lru_cache(maxsize=8)
def _list_cohorts(named: tuple[Path, ...], demo: Path) -> tuple[CohortEntry, ...]:
    """List them once: a page asks eight times, and each time every link would be followed."""
    return list_entries(named, demo)


def find_cohort(slug: str) -> Cohort:
    """Load a cohort by its slug, once for as long as its files do not change.

    Raises
    ------
    SelectionError
        If the server has no cohort of that name.
    CohortError
        If the cohort cannot be used; the message says what to do.
    """
    entry = find_entry(list_cohorts(), slug)
    if entry.is_demo and not entry.path.is_dir():
        raise CohortError(
            "The demo cohort is not on this machine yet. Generate it on the data page, or start "
            "the dashboard with: make app."
        )
    parts = (entry.path / "metadata.csv", entry.path / "images", entry.path / "annotations")
    with _LOADING:  # two sessions that come at once wait for one loading
        return _load_cohort(str(entry.path), str(find_cache()), _time_changes(parts))


def load_current(slug: str) -> Current:
    """Load a cohort with its map, once for as long as neither changes.

    The map is by the extractor the server was started with, where this cohort has one.

    Raises
    ------
    CxrError
        If the cohort cannot be used or has no map yet; the message says what to do.
    """
    cohort = find_cohort(slug)
    cache = find_cache()
    with _LOADING:
        changed = _time_changes((cache / "maps", cache / "embeddings"))
        return _load_map(cohort, str(cache), os.environ.get("CXR_EXTRACTOR") or "auto", changed)


# Reentrant, since loading a map loads its cohort.
_LOADING = threading.RLock()


def _time_changes(parts: tuple[Path, ...]) -> tuple[int, ...]:
    """Give the times of change of files and folders, 0 for one that is not there."""
    return tuple(part.stat().st_mtime_ns if part.exists() else 0 for part in parts)


@functools.lru_cache(maxsize=8)
def _load_cohort(data: str, cache: str, changed: tuple[int, ...]) -> Cohort:
    """Load a cohort; ``changed`` makes an edited one load again."""
    return load_cohort(Path(data), store=Store(Path(cache)))


@functools.lru_cache(maxsize=8)
def _load_map(cohort: Cohort, cache: str, extractor: str, changed: tuple[int, ...]) -> Current:
    """Load the map of a cohort; ``changed`` makes a new one show."""
    store, settings = Store(Path(cache)), ProjectionSettings()
    if extractor != "auto" and not find_maps(cohort, store, settings=settings, names=(extractor,)):
        extractor = "auto"
    mapped = load_map(cohort, store, settings=settings, extractor=extractor)
    points = map_points(mapped.mapped.table, mapped.projection)
    story = find_story(cohort.table, mapped.projection, planted=cohort.planted)
    return Current(mapped, points, story)
