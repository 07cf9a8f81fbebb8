"""Resources that all sessions of a server share: its cohorts and their maps."""

import functools
import os
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlib.charts.maps import HOVER_COLUMN, format_hover_texts
from cxrlib.cohort import (
    COLLECTION,
    Cohort,
    CohortEntry,
    find_entry,
    list_entries,
    load_cohort,
    split_paths,
)
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.errors import CohortError
from cxrlib.maps import (
    MapChoice,
    MappedCohort,
    default_settings,
    find_maps,
    find_story,
    list_patients,
    load_map,
    map_points,
)
from cxrlib.storage import Store, find_default_cache

__all__ = [
    "Current",
    "find_cache",
    "find_cohort",
    "list_cohorts",
    "load_current",
    "time_changes",
    "time_computed",
]

#: What a run of the map's page reads of its points. Each filter splits their rows, and each
#: column costs as much as these together: the rest is looked up, an image at a time.
MARK_COLUMNS = (
    "image_id", "patient_id", "person_id", "offset", "view", "state", "state_reasons",
    "state_overlap", "in_icu", "intubation_present", "x", "y",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Current:
    """Hold the cohort in use, its map and the map's points as one table.

    What all sessions ask of them again and again is worked out once.
    """

    mapped: MappedCohort
    points: pd.DataFrame
    story: tuple[str, ...]

    @functools.cached_property
    def marks(self) -> pd.DataFrame:
        """The points as the map draws them: the columns it reads, text as objects."""
        marks = self.points[list(MARK_COLUMNS)]
        texts = [name for name in marks if marks[name].dtype == "str"]
        marks = marks.astype(dict.fromkeys(texts, object))
        return marks.assign(**{HOVER_COLUMN: format_hover_texts(marks)})

    @functools.cached_property
    def patients(self) -> tuple[str, ...]:
        """Patients on the map, those with most dated days first."""
        return tuple(list_patients(self.points))

    def has_image(self, image_id: str) -> bool:
        """Tell whether the cohort has an image, on the map or not."""
        return image_id in self._image_ids

    def find_point(self, image_id: str) -> pd.Series | None:
        """Return an image's row of `points`, None where it is not on the map."""
        row = self._rows.get(image_id)
        return None if row is None else self.points.iloc[row]

    @functools.cached_property
    def _image_ids(self) -> frozenset[str]:
        return frozenset(self.cohort.table["image_id"])

    @functools.cached_property
    def _rows(self) -> dict[str, int]:
        return {image_id: row for row, image_id in enumerate(self.points["image_id"])}

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
    return Path(os.environ.get("CXR_CACHE") or find_default_cache())


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
            "The demo cohort is not generated yet. Generate it on the data page, or start the "
            "dashboard with: make app."
        )
    parts = (entry.path / "metadata.csv", entry.path / "images", entry.path / "annotations")
    with _find_lock(entry.path):  # two sessions that come at once wait for one loading
        return _load_cohort(str(entry.path), str(find_cache()), time_changes(*parts))


def load_current(slug: str, choice: MapChoice | None = None) -> Current:
    """Load a cohort with its map, once for as long as neither changes.

    Parameters
    ----------
    slug : str
    choice : MapChoice, optional
        Which map; by default `default_settings`, by the extractor the server was started with
        where this cohort has a map by it.

    Raises
    ------
    CxrError
        If the cohort cannot be used or has no map yet; the message says what to do.
    """
    cohort = find_cohort(slug)
    cache = find_cache()
    with _find_lock(cohort.root):
        changed = time_computed()
        served = os.environ.get("CXR_EXTRACTOR") or "auto"
        return _load_map(cohort, str(cache), choice or MapChoice(), served, changed)


def time_computed() -> tuple[int, ...]:
    """Give the times of change of maps and embeddings: another one, and both may be others."""
    embeddings = find_cache() / "embeddings"
    # An extractor's description that was mended makes its embeddings be seen again.
    descriptions = sorted(embeddings.glob("*/_extractor.json"))
    return time_changes(find_cache() / "maps", embeddings, *descriptions)


# A lock a cohort: who waits for a large one to be read holds up nobody who looks at another.
_LOCKS: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
_FINDING = threading.Lock()


def _find_lock(path: Path) -> threading.Lock:
    """Return the lock under which a cohort is loaded, whatever way its path is written."""
    with _FINDING:
        return _LOCKS[path.resolve()]


def time_changes(*parts: Path) -> tuple[int, ...]:
    """Give the times of change of files and folders, 0 for one that is not there.

    Part of the key of what is remembered: a change makes it be read again.
    """
    return tuple(part.stat().st_mtime_ns if part.exists() else 0 for part in parts)


@functools.lru_cache(maxsize=8)
def _load_cohort(data: str, cache: str, changed: tuple[int, ...]) -> Cohort:
    """Load a cohort; ``changed`` makes an edited one load again."""
    return load_cohort(Path(data), store=Store(Path(cache)))


@functools.lru_cache(maxsize=8)
def _load_map(
    cohort: Cohort, cache: str, choice: MapChoice, served: str, changed: tuple[int, ...]
) -> Current:
    """Load the map of a cohort; ``changed`` makes a new one show."""
    store, settings = Store(Path(cache)), choice.settings or default_settings(cohort)
    extractor = choice.extractor or served
    if not choice.extractor and extractor != "auto":
        found = find_maps(cohort, store, settings=settings, names=(extractor,))
        extractor = extractor if found else "auto"
    mapped = load_map(cohort, store, settings=settings, extractor=extractor)
    points = map_points(mapped.mapped.table, mapped.projection)
    story = find_story(cohort.table, mapped.projection, planted=cohort.planted)
    return Current(mapped, points, story)
