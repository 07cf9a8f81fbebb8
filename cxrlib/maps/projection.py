"""The map: two coordinates an image, by UMAP as in the paper or by principal components."""

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import ProjectionError
from cxrlib.short_repr import short_repr
from cxrlib.storage import ExtractorInfo, Store

logger = logging.getLogger(__name__)

KIND = "maps"
#: Raised when the same settings give another map: every stored map is then computed anew.
MAP_VERSION = 1
#: Fewer distinct images make no map.
MIN_CONTENTS = 3
#: Packages whose version can change a map.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "umap": ("umap-learn", "pynndescent", "scikit-learn", "numba", "numpy", "scipy"),
    "pca": ("numpy",),
}


@dataclass(frozen=True)
class ProjectionSettings:
    """Hold what a map is made with; the defaults are the paper's (section 5.4, Figure 3).

    Parameters
    ----------
    method : {"umap", "pca"}, default "umap"
        "pca" is fast and linear; it draws the first two principal components.
    features : {"outputs", "embedding"}, default "outputs"
        The named outputs (18 pre-sigmoid values in the paper) or the whole embedding.
    n_neighbors : int, default 30
        Neighbours that UMAP keeps close.
    min_dist : float, default 0.5
        How close UMAP may put two images, in map units.
    n_components : int, default 3
        Components fitted; the first two are drawn.
    seed : int, default 0
        Seed of UMAP. One seed makes it single-threaded and repeatable.
    views : tuple of str, default ("PA", "AP", "AP Supine")
        Views on the map, `cxrlib.aliases.NOT_RECORDED` for images without one. The caller selects
        them; here they are part of the key.
    needs_finding : bool, default True
        Whether images without a diagnosis are left out; selected by the caller likewise.
    """

    method: Literal["umap", "pca"] = "umap"
    features: Literal["outputs", "embedding"] = "outputs"
    n_neighbors: int = 30
    min_dist: float = 0.5
    n_components: int = 3
    seed: int = 0
    views: tuple[str, ...] = ("PA", "AP", "AP Supine")
    needs_finding: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON can hold them.

        What came later is there only where it is not the default: maps and jobs keep their keys.
        """
        plain = {**asdict(self), "views": list(self.views)}
        if self.needs_finding:
            del plain["needs_finding"]
        return plain


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Projection:
    """Hold a map: the place of each image.

    Parameters
    ----------
    image_ids : tuple of str
        In the order of the embeddings it was asked for with.
    coordinates : ndarray of shape (n_images, 2), float32
        In map units, which have no meaning outside this map.
    settings : ProjectionSettings
        As asked for.
    extractor : ExtractorInfo
        Where the features came from.
    key : str
        Name of the map in the store.
    versions : dict
        Package to version, as used.
    effective : dict
        What was really used: ``n_neighbors``, fewer than asked for where images are few, and
        ``n_contents``, the number of distinct images.
    """

    image_ids: tuple[str, ...]
    coordinates: NDArray[np.float32]
    settings: ProjectionSettings
    extractor: ExtractorInfo
    key: str
    versions: dict[str, str]
    effective: dict[str, int]
    __repr__ = short_repr

    @property
    def remark(self) -> str:
        """Describe in a sentence what was used instead of what was asked for; "" where nothing."""
        used = self.effective["n_neighbors"]
        if self.settings.method != "umap" or used == self.settings.n_neighbors:
            return ""
        return (
            f"{used} neighbours were used instead of {self.settings.n_neighbors}: there are only "
            f"{self.effective['n_contents']} distinct images."
        )

    def describe(self) -> str:
        """Describe how the map was made, for captions and exports.

        Only what the method uses is named, with the neighbours really used, and the packages
        that computed it; not the features, whose name an extractor has.

        Returns
        -------
        str
            "first two principal components; numpy 2.4.6", for example; no full stop.
        """
        packages = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        if self.settings.method == "pca":
            return f"first two principal components; {packages}"
        settings, used = self.settings, self.effective["n_neighbors"]
        neighbours = f"{used} neighbours"
        if used != settings.n_neighbors:
            contents = f"{self.effective['n_contents']} distinct images"
            neighbours += f" ({settings.n_neighbors} asked for, but {contents})"
        drawn = "two" if settings.n_components == 2 else f"first two of {settings.n_components}"
        return (
            f"UMAP with {neighbours}, minimum distance {settings.min_dist:g}, "
            f"{drawn} components, seed {settings.seed}; {packages}"
        )


def projection_key(embeddings: EmbeddingSet, settings: ProjectionSettings) -> str:
    """Return the name of a map in the store.

    It depends on the contents of the images (not on their order or names), the extractor, the
    settings that matter to the method, and the versions of the packages that compute it.
    """
    relevant = settings.to_dict()
    if settings.method == "pca":
        for name in ("n_neighbors", "min_dist", "n_components", "seed"):
            del relevant[name]
    parts = {
        "map_version": MAP_VERSION,
        "settings": relevant,
        "extractor": embeddings.info.key,
        "versions": _versions(settings.method),
        "images": sorted(set(embeddings.sha256s)),
    }
    text = json.dumps(parts, sort_keys=True)
    return f"{settings.method}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def load_projection(
    embeddings: EmbeddingSet, settings: ProjectionSettings, store: Store
) -> Projection | None:
    """Load a map from the store, or return None where it is not there. Computes nothing."""
    _check_settings(settings)
    key = projection_key(embeddings, settings)
    table, info = store.read_table(KIND, key), store.read_info(KIND, key)
    if table is None or info is None:
        return None
    problem = _find_damage(table, info, embeddings)
    if problem:
        logger.warning("The stored map %s is damaged (%s): it is computed anew.", key, problem)
        return None
    return _spread(table, embeddings, settings, key, dict(info["effective"]))


def _find_damage(table: pd.DataFrame, info: Mapping[str, Any], embeddings: EmbeddingSet) -> str:
    """Find the fault of a stored map, as a clause, or ""."""
    effective = info.get("effective")
    counts = ("n_neighbors", "n_contents")
    if not isinstance(effective, dict) or any(
        not isinstance(effective.get(name), int) for name in counts
    ):
        return "its settings are missing"
    return find_table_damage(table, ["x", "y"], embeddings)


def find_table_damage(table: pd.DataFrame, columns: Sequence[str], embeddings: EmbeddingSet) -> str:
    """Find the fault of a stored table of positions, a row a content, as a clause, or ""."""
    if not {"image_sha256", *columns} <= set(table.columns):
        return "it lacks columns"
    places = table[list(columns)]
    is_float = all(map(pd.api.types.is_float_dtype, places.dtypes))
    if not is_float or not np.isfinite(places).all(axis=None):
        return "its coordinates are not finite numbers"
    images = table["image_sha256"]
    if images.duplicated().any() or not set(embeddings.sha256s) <= set(images):
        return "images are missing or there twice"
    return ""


def compute_projection(
    embeddings: EmbeddingSet, settings: ProjectionSettings, store: Store | None = None
) -> Projection:
    """Compute a map, or load it where the store has it.

    Each content is placed once, in the order of its hash: neither the order of the rows nor
    copies of an image change the map, and copies share a place. Near means alike to the
    extractor. On a UMAP, distances between groups, their sizes and the axes mean little.

    Parameters
    ----------
    embeddings : EmbeddingSet
        Images with ``sha256s``, ``embedding`` and ``outputs``.
    settings : ProjectionSettings
        Fewer images than neighbours: as many neighbours as there are others; see
        ``Projection.effective``.
    store : Store, optional
        Only coordinates are kept, as Parquet; never the fitted reducer.

    Returns
    -------
    Projection

    Raises
    ------
    ProjectionError
        Where fewer than three images differ, features are not finite or all the same, or a
        setting makes no sense.

    References
    ----------
    Section 5.4 of the paper; McInnes et al. (2018), UMAP.
    """
    _check_settings(settings)
    if store is not None:
        stored = load_projection(embeddings, settings, store)
        if stored is not None:
            return stored
    key = projection_key(embeddings, settings)
    sha256s, features = _distinct_features(embeddings, settings)
    effective = _effective(settings, len(sha256s))
    logger.info("Computing map %s of %d distinct images.", key, len(sha256s))
    if settings.method == "pca":
        coordinates = _fit_pca(features)
    else:
        coordinates = _fit_umap(features, settings, effective)
    if not np.isfinite(coordinates).all():
        raise ProjectionError(
            f"Method {settings.method!r} gave coordinates that are not finite for "
            f"{len(sha256s)} images. Try method 'pca' or other settings."
        )
    table = pd.DataFrame({"image_sha256": sha256s, "x": coordinates[:, 0], "y": coordinates[:, 1]})
    if store is not None:
        store.write_table(KIND, key, table, info=_info(embeddings, settings, effective))
    return _spread(table, embeddings, settings, key, effective)


def _check_settings(settings: ProjectionSettings) -> None:
    """Raise where a setting makes no sense."""
    if settings.method not in PACKAGES:
        raise ProjectionError(f"Method {settings.method!r} is not known: use 'umap' or 'pca'.")
    if settings.features not in ("outputs", "embedding"):
        raise ProjectionError(
            f"Features {settings.features!r} are not known: use 'outputs' or 'embedding'."
        )
    if settings.n_neighbors < 2:
        raise ProjectionError(f"n_neighbors={settings.n_neighbors!r} is too few: use 2 or more.")
    if settings.n_components < 2:
        raise ProjectionError(
            f"n_components={settings.n_components!r} is too few: a map needs 2 or more."
        )
    if not 0 <= settings.min_dist <= 1:  # above UMAP's spread of 1 it cannot be fitted
        raise ProjectionError(f"min_dist={settings.min_dist!r} is not usable: use 0 to 1.")
    if not 0 <= settings.seed < 2**32:
        raise ProjectionError(f"seed={settings.seed!r} is not usable: use 0 to 4294967295.")


def _versions(method: str) -> dict[str, str]:
    """Return the versions of the packages behind a method, without importing them."""
    return {name: version(name) for name in PACKAGES[method]}


def _distinct_features(
    embeddings: EmbeddingSet, settings: ProjectionSettings
) -> tuple[list[str], NDArray[np.float32]]:
    """Return each content once, in the order of its hash, with its features; or raise."""
    features = getattr(embeddings, settings.features)
    bad = ~np.isfinite(features).all(axis=1)
    if bad.any():
        first = embeddings.image_ids[int(bad.argmax())]
        raise ProjectionError(
            f"{int(bad.sum())} of {len(bad)} images have {settings.features} that are not finite, "
            f"the first is {first!r}. Embed them anew or leave them out."
        )
    first_row: dict[str, int] = {}
    for row, sha256 in enumerate(embeddings.sha256s):
        first_row.setdefault(sha256, row)
    if len(first_row) < MIN_CONTENTS:
        raise ProjectionError(
            f"A map needs {MIN_CONTENTS} or more distinct images that can be used; there are "
            f"{len(first_row)}. Widen the selection; the data page and the command info list why "
            "images are left out."
        )
    sha256s = sorted(first_row)
    features = np.asarray(features, np.float32)[[first_row[each] for each in sha256s]]
    if not np.ptp(features, axis=0).any():
        raise ProjectionError(
            f"All {len(sha256s)} images have the same {settings.features} by extractor "
            f"{embeddings.info.name!r}: there is nothing to map. Use another extractor."
        )
    return sha256s, features


def _effective(settings: ProjectionSettings, n_contents: int) -> dict[str, int]:
    """Return what a number of images allows of the neighbours asked for."""
    return {
        "n_neighbors": min(settings.n_neighbors, n_contents - 1),
        "n_contents": n_contents,
    }


def _fit_pca(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first two principal components, shape (n_images, 2), with a fixed sign.

    The sign of a component is arbitrary: its largest loading is made positive.
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    left, scale, loadings = np.linalg.svd(centred, full_matrices=False)
    scores = np.zeros((len(features), 2))
    kept = min(2, len(scale))
    largest = np.abs(loadings[:kept]).argmax(axis=1)
    sign = np.sign(loadings[np.arange(kept), largest])
    scores[:, :kept] = left[:, :kept] * scale[:kept] * sign
    return scores.astype(np.float32)


def _fit_umap(
    features: NDArray[np.float32], settings: ProjectionSettings, effective: Mapping[str, int]
) -> NDArray[np.float32]:
    """Return the first two components of a UMAP, shape (n_images, 2)."""
    with warnings.catch_warnings():
        # Of UMAP's neural variant, which nothing here uses.
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        import umap
    # The spectral start takes one eigenvector a component and one to spare.
    few = len(features) <= settings.n_components + 2
    reducer = umap.UMAP(
        n_neighbors=effective["n_neighbors"],
        min_dist=settings.min_dist,
        n_components=settings.n_components,
        random_state=settings.seed,
        n_jobs=1,  # what a seed makes of it anyhow; said here, it does not warn
        init="random" if few else "spectral",
    )
    with warnings.catch_warnings():
        # Groups without neighbours between them are placed apart, as well as can be; where the
        # spectral start fails, UMAP starts from random places. Neither is a fault.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        warnings.filterwarnings("ignore", message="Spectral initialisation failed")
        return np.asarray(reducer.fit_transform(features)[:, :2], dtype=np.float32)


def _info(
    embeddings: EmbeddingSet, settings: ProjectionSettings, effective: Mapping[str, int]
) -> dict[str, Any]:
    """Return what is kept beside the coordinates, as JSON can hold it."""
    return {
        "settings": settings.to_dict(),
        "effective": dict(effective),
        "extractor": embeddings.info.to_dict(),
        "versions": _versions(settings.method),
        "map_version": MAP_VERSION,
    }


def _spread(
    table: pd.DataFrame,
    embeddings: EmbeddingSet,
    settings: ProjectionSettings,
    key: str,
    effective: dict[str, int],
) -> Projection:
    """Give every image the place of its content, in the order of the embeddings."""
    rows = pd.Index(table["image_sha256"]).get_indexer(pd.Index(list(embeddings.sha256s)))
    coordinates = table[["x", "y"]].to_numpy(dtype=np.float32)[rows]
    return Projection(
        image_ids=tuple(embeddings.image_ids),
        coordinates=coordinates,
        settings=replace(settings, views=tuple(settings.views)),
        extractor=embeddings.info,
        key=key,
        versions=_versions(settings.method),
        effective=effective,
    )
