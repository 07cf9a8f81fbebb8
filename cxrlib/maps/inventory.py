"""Inventory of extractors, embeddings and maps: which are there, which are missing, cache sizes."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from cxrlib.cohort import Cohort, SelectionStep
from cxrlib.embedding import list_keys
from cxrlib.embedding.extractors import (
    ExtractorInfo,
    describe_extractor,
    find_weights,
    is_current,
    list_extractor_names,
)
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES, weights_folder
from cxrlib.errors import CxrError
from cxrlib.maps.mapped_cohort import default_settings, find_maps, select_for_map
from cxrlib.storage import EmbeddingStore, Store, hash_file

Ready = Literal["ready", "no map", "incomplete", "not computed", "weights missing"]
CACHE_COLUMNS = ("what", "name", "n_files", "n_bytes", "changed")


@dataclass(frozen=True)
class ExtractorState:
    """Hold which embeddings and map of a cohort an extractor has.

    Parameters
    ----------
    name : str
        As in `cxrlib.embedding.extractors.list_extractor_names`.
    info : ExtractorInfo or None
        The extractor behind embeddings in the cache; None where there are none.
    n_embedded : int
        X-rays with a readable file that have an embedding.
    n_images : int
        X-rays with a readable file.
    n_on_map, n_for_map : int
        Images on the map, and images that belong on it.
    ready : str
        "ready", "no map" (all embedded), "incomplete", "not computed" or "weights missing".
    advice : str
        How to get what is missing, or "".
    is_at_hand : bool
        Whether a job would compute by these very weights: false for embeddings made with
        ``--weights FILE``, whose file a job does not know.
    """

    name: str
    info: ExtractorInfo | None
    n_embedded: int
    n_images: int
    n_on_map: int
    n_for_map: int
    ready: Ready
    advice: str = ""
    is_at_hand: bool = True

    @property
    def title(self) -> str:
        """Name the extractor on screen."""
        return (self.info or describe_extractor(self.name)).title


def list_extractor_states(cohort: Cohort, store: Store) -> list[ExtractorState]:
    """List every extractor with what the cache holds of it for a cohort; compute nothing.

    An extractor with embeddings by several weights is listed once for each.
    """
    stored: dict[str, list[ExtractorInfo]] = {}
    for info in filter(is_current, EmbeddingStore(store).list_extractors()):
        stored.setdefault(info.name, []).append(info)
    states = []
    for name in list_extractor_names(usable=True):
        found = [_describe_stored(cohort, store, info) for info in stored.pop(name, [])]
        found = [state for state in found if state.n_embedded]
        states += found or [_describe_absent(cohort, name)]
    # What is left are features from outside: nothing can be computed of them.
    own = [_describe_stored(cohort, store, info) for infos in stored.values() for info in infos]
    return [*states, *(state for state in own if state.n_embedded)]


def _describe_stored(cohort: Cohort, store: Store, info: ExtractorInfo) -> ExtractorState:
    """Describe an extractor of the store."""
    settings = default_settings(cohort)
    usable = cohort.select_xrays()
    if not info.is_outside:
        usable = usable.select_with_file()
    mapped = select_for_map(cohort, settings, info)
    stored = EmbeddingStore(store).read_sha256s(info)
    n_embedded = int(list_keys(usable, info).isin(stored).sum())
    n_on_map = int(list_keys(mapped, info).isin(stored).sum())
    has_map = bool(find_maps(cohort, store, settings=settings, names=(info.key,)))
    ready: Ready = "ready" if has_map else "no map"
    if n_embedded < len(usable.table):
        ready = "incomplete"
    at_hand, advice = ready == "ready" or _is_at_hand(info), ""
    if info.is_outside:  # images without numbers are no gap that could be filled here
        at_hand, ready = False, "ready" if has_map else "no map"
    elif ready == "incomplete" and not at_hand:
        advice = (
            f"Its weights file, SHA-256 {info.weights_sha256[:16]}…, is not in "
            f"{_format_folder(weights_folder())!r}. Continue on the command line: python -m cxrlib "
            f"embed --extractor {info.name} --weights FILE"
        )
    return ExtractorState(
        name=info.name,
        info=info,
        n_embedded=n_embedded,
        n_images=len(usable.table),
        n_on_map=n_on_map if has_map else 0,
        n_for_map=len(mapped.table),
        ready=ready,
        advice=advice,
        is_at_hand=at_hand,
    )


def _is_at_hand(info: ExtractorInfo) -> bool:
    """Tell whether the weights that jobs would use are those behind stored embeddings."""
    if info.name not in WEIGHTS_FILES:
        return True
    path = find_weights(info.name)
    if path is None:
        return False
    with contextlib.suppress(OSError):
        return hash_file(path) == info.weights_sha256
    return False


def _describe_absent(cohort: Cohort, name: str) -> ExtractorState:
    """Describe an extractor without embeddings of this cohort."""
    file = WEIGHTS_FILES.get(name)
    missing = file is not None and find_weights(name) is None
    advice = ""
    if file is not None and missing:
        advice = f"Put {file.describe()} into {_format_folder(weights_folder())!r}."
    return ExtractorState(
        name=name,
        info=None,
        n_embedded=0,
        n_images=cohort.select_xrays().select_with_file().n_images,
        n_on_map=0,
        n_for_map=select_for_map(cohort, default_settings(cohort)).n_images,
        ready="weights missing" if missing else "not computed",
        advice=advice,
    )


def _format_folder(folder: Path) -> str:
    """Format a folder of the user's as ``~/...``: a screen need not show whose home it is."""
    with contextlib.suppress(ValueError):
        return f"~/{folder.relative_to(Path.home()).as_posix()}"
    return str(folder)


def list_flow(cohort: Cohort) -> list[SelectionStep]:
    """List the steps from all rows to the images a map can show, each with what it left out."""
    whole = SelectionStep("rows of metadata.csv", cohort.n_images, cohort.n_patients, {})
    return [whole, *select_for_map(cohort, default_settings(cohort)).steps]


def tabulate_flow(steps: Sequence[SelectionStep]) -> pd.DataFrame:
    """Tabulate the steps of a selection.

    Returns
    -------
    DataFrame
        step, n_images and n_patients (left), left_out (images, by reason, in words).
    """
    return pd.DataFrame(
        {
            "step": [step.label for step in steps],
            "n_images": [step.n_images for step in steps],
            "n_patients": [step.n_patients for step in steps],
            "left_out": [
                "; ".join(f"{n:,} {why}" for why, n in step.removed.items()) for step in steps
            ],
        }
    )


def list_cache(store: Store) -> pd.DataFrame:
    """List the contents of the cache: one row a folder, embeddings and maps one row each.

    Returns
    -------
    DataFrame
        what (folder), name (within it, in words where the file says them, or ""), n_files,
        n_bytes, changed (UTC, of the newest file). Files that vanish meanwhile are left out.
    """
    titles = {info.key: info.title for info in EmbeddingStore(store).list_extractors()}
    rows = []
    for folder in _list(store.root):
        if not folder.is_dir() or folder.is_symlink():
            continue
        if folder.name in ("embeddings", "feature-sets", "maps"):
            for entry in _list(folder):
                row = _measure(entry, what=folder.name)
                name = _describe_map(store, entry.name) if folder.name == "maps" else ""
                rows.append({**row, "name": name or titles.get(entry.name, entry.name)})
        else:
            rows.append({**_measure(folder, what=folder.name), "name": ""})
    table = pd.DataFrame(rows, columns=list(CACHE_COLUMNS))
    table["changed"] = pd.to_datetime(table["changed"], unit="s", utc=True)
    kept = table[table["n_files"] > 0]
    return kept.sort_values(["what", "name"]).reset_index(drop=True)


def _describe_map(store: Store, file_name: str) -> str:
    """Describe a map from the settings stored with it; "" where they cannot be read."""
    try:
        info = store.read_info("maps", Path(file_name).stem)
        if info is None:
            return ""
        extractor = ExtractorInfo.from_dict(info["extractor"])
        settings, effective = info["settings"], info["effective"]
        return (
            f"{str(settings['method']).upper()} of the {settings['features']} of "
            f"{extractor.title}, {int(effective['n_contents']):,} images, seed {settings['seed']}"
        )
    except (CxrError, KeyError, TypeError, ValueError):  # a file of another version
        return ""


def _measure(entry: Path, *, what: str) -> dict[str, object]:
    """Count files and bytes of a file or folder."""
    stats = list(_walk(entry))
    return {
        "what": what,
        "name": entry.name,
        "n_files": len(stats),
        "n_bytes": sum(each.st_size for each in stats),
        "changed": max((each.st_mtime for each in stats), default=float("nan")),
    }


def _walk(entry: Path) -> Iterator[os.stat_result]:
    """Give the stat of a file, or of each file below a folder; links are not followed."""
    below = [Path(folder, name) for folder, _, names in os.walk(entry) for name in names]
    for path in [] if entry.is_symlink() else below or [entry]:
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield found


def _list(folder: Path) -> list[Path]:
    """List a folder; one that is gone is empty."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []
