"""Seed stability: positions of the same images on maps computed with other seeds.

Each map is turned, mirrored, shifted and scaled onto the one that is shown (Procrustes) before
places are compared: none of these means anything on a map.
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats, Progress
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import ProjectionError
from cxrlib.maps.projection import (
    Projection,
    ProjectionSettings,
    compute_projection,
    find_table_damage,
    load_projection,
    projection_key,
)
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

KIND = "spreads"
#: Raised when maps are aligned otherwise: every stored spread is then computed anew.
SPREAD_VERSION = 1
N_SEEDS = 10
SEEDS = (2, 50)  # fewest and most


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Spread:
    """Hold a map and the positions of its images on maps by other seeds, aligned to it.

    Parameters
    ----------
    image_ids : tuple of str
        In the order of the map.
    shown : ndarray of shape (n_images, 2)
    places : ndarray of shape (n_seeds, n_images, 2)
        In units of the shown map.
    seeds : tuple of int
        The other seeds.
    """

    image_ids: tuple[str, ...]
    shown: Floats
    places: Floats
    seeds: tuple[int, ...]
    __repr__ = short_repr

    @cached_property
    def typical(self) -> Floats:
        """Displacement of each image with another seed, the median over seeds.

        In map units, shape (n_images,).
        """
        apart = np.linalg.norm(self.places - self.shown, axis=2)
        return np.asarray(np.median(apart, axis=0))


def compute_spread(
    embeddings: EmbeddingSet,
    settings: ProjectionSettings,
    store: Store,
    *,
    n_seeds: int = N_SEEDS,
    on_progress: Progress | None = None,
) -> Spread:
    """Draw the map with other seeds, or load the maps the store has; keep the result.

    Each map is kept as it is drawn, so that what was stopped goes on where it stopped.

    Parameters
    ----------
    embeddings : EmbeddingSet
        What the map is made from.
    settings : ProjectionSettings
        Of the shown map; the other seeds are those that follow its own.
    store : Store
    n_seeds : int, default 10
    on_progress : callable, optional
        Called before each map with a stage, the number of maps drawn and of all; what it raises
        stops the work.

    Raises
    ------
    ProjectionError
        If the method has no seed, the number of seeds is not 2 to 50, or no map can be drawn.
    """
    _check(settings, n_seeds)
    stored = load_spread(embeddings, settings, store, n_seeds=n_seeds)
    if stored is not None:
        return stored
    report = on_progress or (lambda stage, done, total: None)
    report("Computing maps", 0, n_seeds + 1)
    shown = compute_projection(embeddings, settings, store)
    seeds = _list_seeds(settings, n_seeds)
    drawn = []
    for done, seed in enumerate(seeds, start=1):
        report("Computing maps", done, n_seeds + 1)
        drawn.append(compute_projection(embeddings, replace(settings, seed=seed), store))
    report("Computing maps", n_seeds + 1, n_seeds + 1)
    table = _tabulate(embeddings, shown, drawn)
    key = spread_key(embeddings, settings, n_seeds)
    info = {"map": shown.key, "settings": asdict(settings), "seeds": list(seeds)}
    store.write_table(KIND, key, table, info=info)
    return _spread(table, shown, embeddings, seeds)


def load_spread(
    embeddings: EmbeddingSet, settings: ProjectionSettings, store: Store, *, n_seeds: int = N_SEEDS
) -> Spread | None:
    """Load the spread of a map from the store, None where it is not there. Computes nothing.

    Raises
    ------
    ProjectionError
        If the method has no seed, or the number of seeds is not 2 to 50.
    """
    _check(settings, n_seeds)
    key = spread_key(embeddings, settings, n_seeds)
    table = store.read_table(KIND, key)
    if table is None:
        return None
    shown = load_projection(embeddings, settings, store)
    if shown is None:
        return None
    seeds = _list_seeds(settings, n_seeds)
    problem = _find_damage(table, embeddings, shown, seeds)
    if problem:
        logger.warning("The stored spread %s cannot be used (%s): compute it anew.", key, problem)
        return None
    return _spread(table, shown, embeddings, seeds)


def spread_key(embeddings: EmbeddingSet, settings: ProjectionSettings, n_seeds: int) -> str:
    """Return the name of a spread in the store: all that names the map, and the seeds."""
    parts = [SPREAD_VERSION, projection_key(embeddings, settings), n_seeds]
    return f"spread-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"


def align_map(places: Floats, onto: Floats) -> Floats:
    """Turn, mirror, shift and scale a map onto another, shapes (n_images, 2).

    It is scaled to the other's size, not to what fits best: a map that has nothing in common with
    the other would be shrunk to its middle, and so look near.

    Returns
    -------
    ndarray of shape (n_images, 2), float64

    References
    ----------
    Schönemann (1966), A generalized solution of the orthogonal Procrustes problem.
    """
    first, second = (np.asarray(each, dtype=np.float64) for each in (places, onto))
    middle = second.mean(axis=0)
    first, second = first - first.mean(axis=0), second - middle
    size, wanted = np.linalg.norm(first), np.linalg.norm(second)
    left, _, right = np.linalg.svd(first.T @ second)
    scale = wanted / size if size > 0 else 0.0
    return first @ (left @ right) * scale + middle


def _check(settings: ProjectionSettings, n_seeds: int) -> None:
    """Raise where there is nothing to compute."""
    if settings.method != "umap":
        raise ProjectionError(
            f"A map by method {settings.method!r} has no seed: it is deterministic. Choose a map "
            "by 'umap'."
        )
    low, high = SEEDS
    if not low <= n_seeds <= high:
        raise ProjectionError(f"n_seeds={n_seeds!r} is not usable: use {low} to {high}.")


def _list_seeds(settings: ProjectionSettings, n_seeds: int) -> tuple[int, ...]:
    """List the seeds that follow the map's own."""
    return tuple((settings.seed + step) % 2**32 for step in range(1, n_seeds + 1))


def _tabulate(embeddings: EmbeddingSet, shown: Projection, drawn: list[Projection]) -> pd.DataFrame:
    """Align maps, each content once and in the order of its hash: copies have no weight."""
    sha256s, rows = np.unique(np.array(embeddings.sha256s, dtype=object), return_index=True)
    onto = shown.coordinates[rows]
    columns = {"image_sha256": sha256s, "x": onto[:, 0], "y": onto[:, 1]}
    for each in drawn:
        aligned = align_map(each.coordinates[rows], onto).astype(np.float32)
        seed = each.settings.seed
        columns |= {f"x_{seed}": aligned[:, 0], f"y_{seed}": aligned[:, 1]}
    return pd.DataFrame(columns)


def _find_damage(
    table: pd.DataFrame, embeddings: EmbeddingSet, shown: Projection, seeds: tuple[int, ...]
) -> str:
    """Find the fault of a stored spread, as a clause, or ""."""
    names = ["x", "y", *(f"{axis}_{seed}" for seed in seeds for axis in "xy")]
    if fault := find_table_damage(table, names, embeddings):
        return fault
    rows = pd.Index(table["image_sha256"]).get_indexer(pd.Index(list(embeddings.sha256s)))
    if not np.array_equal(table[["x", "y"]].to_numpy(dtype=np.float32)[rows], shown.coordinates):
        return "it is aligned to another map"
    return ""


def _spread(
    table: pd.DataFrame, shown: Projection, embeddings: EmbeddingSet, seeds: tuple[int, ...]
) -> Spread:
    """Give every image the places of its content, in the order of the map."""
    rows = pd.Index(table["image_sha256"]).get_indexer(pd.Index(list(embeddings.sha256s)))
    places = [table[[f"x_{seed}", f"y_{seed}"]].to_numpy(dtype=np.float64)[rows] for seed in seeds]
    return Spread(
        image_ids=shown.image_ids,
        shown=np.asarray(shown.coordinates, dtype=np.float64),
        places=np.stack(places),
        seeds=seeds,
    )
