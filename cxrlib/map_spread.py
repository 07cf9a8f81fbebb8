"""Where the same images stand on maps drawn with other seeds: what of a map is chance.

Each map is turned, mirrored, shifted and scaled onto the one that is shown (Procrustes) before
places are compared: none of these means anything on a map.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrlib.projection import Embedded, Projection, ProjectionSettings
from cxrlib.store import Store

__all__ = ["N_SEEDS", "Spread", "align_map", "compute_spread", "load_spread", "spread_key"]

N_SEEDS = 10
Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Spread:
    """Hold a map and where its images stand on maps by other seeds, aligned to it.

    Parameters
    ----------
    image_ids : tuple of str
        In the order of the map.
    shown : ndarray of shape (n_images, 2)
    places : ndarray of shape (n_seeds, n_images, 2)
        In units of the shown map.
    seeds : tuple of int
    """

    image_ids: tuple[str, ...]
    shown: Floats
    places: Floats
    seeds: tuple[int, ...]

    @property
    def typical(self) -> Floats:
        """How far each image stands from its place with another seed, the median over seeds."""
        raise NotImplementedError


def compute_spread(
    embeddings: Embedded,
    settings: ProjectionSettings,
    store: Store,
    *,
    n_seeds: int = N_SEEDS,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Spread:
    """Draw the map with other seeds, or load the maps the store has; keep the result.

    Raises
    ------
    ProjectionError
        If the method has no seed, or the number of seeds is not 2 to 50.
    """
    raise NotImplementedError


def load_spread(
    embeddings: Embedded, settings: ProjectionSettings, store: Store, *, n_seeds: int = N_SEEDS
) -> Spread | None:
    """Load the spread of a map from the store, None where it is not there. Computes nothing."""
    raise NotImplementedError


def spread_key(embeddings: Embedded, settings: ProjectionSettings, n_seeds: int) -> str:
    """Return the name of a spread in the store: all that names the map, and the seeds."""
    raise NotImplementedError


def align_map(places: Floats, onto: Floats) -> Floats:
    """Turn, mirror, shift and scale a map onto another, shapes (n_images, 2)."""
    raise NotImplementedError
