"""What the server holds once for all sessions: the cohort, its map, decoded images."""

import functools
import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import CohortError, ImageError
from cxrlib.extractors import ExtractorInfo
from cxrlib.pipeline import MappedCohort, load_map
from cxrlib.projection import ProjectionSettings
from cxrlib.store import Store
from cxrlib.thumbnails import encode_preview
from cxrlib.trajectories import find_story, map_points

ROOT = Path(__file__).resolve().parent.parent
PREVIEW_SIDE = 900  # pixels; sharp in the side panel of a projector


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


def load_current() -> Current:
    """Load the cohort the server was started with, once for as long as it does not change.

    Raises
    ------
    CxrError
        If the cohort cannot be used or has no map yet; the message says what to do.
    """
    cache = Path(os.environ.get("CXR_CACHE") or ROOT / "cache")
    named = os.environ.get("CXR_DATA")
    data = Path(named or cache / "demo")
    if not named and not data.is_dir():
        raise CohortError(
            "The demo cohort is not there yet. Start the dashboard with: make app. It generates "
            "the cohort first."
        )
    parts = (data / "metadata.csv", data / "images", data / "annotations", cache / "maps")
    changed = tuple(part.stat().st_mtime_ns if part.exists() else 0 for part in parts)
    with _LOADING:  # two sessions that come at once wait for one loading
        return _load(str(data), str(cache), os.environ.get("CXR_EXTRACTOR") or "auto", changed)


_LOADING = threading.Lock()


@functools.lru_cache(maxsize=4)
def _load(data: str, cache: str, extractor: str, changed: tuple[int, ...]) -> Current:
    """Load cohort and map; ``changed`` makes an edited cohort or a new map load again."""
    store = Store(Path(cache))
    cohort = load_cohort(Path(data), store=store)
    mapped = load_map(cohort, store, settings=ProjectionSettings(), extractor=extractor)
    points = map_points(mapped.mapped.table, mapped.projection)
    story = find_story(cohort.table, mapped.projection, planted=cohort.planted)
    return Current(mapped, points, story)


@st.cache_data(show_spinner=False, max_entries=128)
def load_preview(path: str, changed: int, sha256: str) -> bytes:
    """Decode an image and encode it anew as PNG: a browser never gets a cohort's own bytes.

    Parameters
    ----------
    path : str
    changed : int
        The file's time of change, so that a changed file is read again.
    sha256 : str
        Of the content that the map was made from.

    Raises
    ------
    ImageError
        If the file cannot be read, or is not the one that stands on the map.
    """
    with Path(path).open("rb") as file:
        now = hashlib.file_digest(file, "sha256").hexdigest()
    if now != sha256:
        raise ImageError(
            Path(path),
            "it was changed after the map was made; stop the server and run make app again",
        )
    return encode_preview(Path(path), side=PREVIEW_SIDE)
