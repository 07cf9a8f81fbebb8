"""A reference cohort overlaid on a map: its positions there, never counted among the first's.

The paper drew 1,767 images of the RSNA pneumonia challenge behind its map (Cohen et al. 2020a,
section 5.4), fitted with the cohort's. Here a reference is *placed*: the map stays as it is, and
each reference image goes to the weighted mean of the places of the map's images nearest to it
in the numbers the map was made of. So it can fill the map's own shape only; what is unlike the
cohort still gets a place, and `ReferenceOverlay.share_far` says how much that is. Or it is *fitted
with*, as the paper did: another map, of both cohorts' images, which takes as long as a map does.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet, find_nearest, load_embeddings, weigh_neighbours
from cxrlib.errors import ProjectionError
from cxrlib.maps.mapped_cohort import MappedCohort, select_for_map
from cxrlib.maps.projection import (
    Projection,
    ProjectionSettings,
    compute_projection,
    load_projection,
)
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import ExtractorInfo, Store

N_NEIGHBOURS = 15
FAR = 0.95
"""A reference image is far off beyond the distance of this share of the map's own images."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class ReferenceOverlay:
    """Hold the positions of a second cohort's images on a map.

    Parameters
    ----------
    name : str
        Of the second cohort.
    is_synthetic : bool
        Whether it is made up.
    fingerprint : str
        Of the second cohort.
    places : ndarray of shape (n_images, 2)
        Map units; a content once.
    n_shared : int
        Its images that are on the map already; they are left out.
    n_missing : int
        Its images that the map's extractor has not embedded; they are left out too.
    share_far : float
        Share of `places` further from their nearest images than 95 % of the map's own images
        are from theirs among other persons; NaN where it was fitted with the map.
    k : int
        Neighbours; 0 where it was fitted with the map.
    extractor : str
        Label of the extractor.
    """

    name: str
    is_synthetic: bool
    fingerprint: str
    places: Floats
    n_shared: int
    n_missing: int
    share_far: float
    k: int
    extractor: str
    __repr__ = short_repr

    @property
    def n_images(self) -> int:
        """Count the images drawn."""
        return len(self.places)

    @property
    def is_fitted(self) -> bool:
        """Whether it was fitted with the map, not placed on it."""
        return self.k == 0


@dataclass(frozen=True, eq=False)
class FittedMap:
    """Hold a map of a cohort that was fitted with a second one, and the second one's places.

    Parameters
    ----------
    mapped : MappedCohort
        The first cohort's images only, at their places on the map of both.
    cloud : ReferenceOverlay
        The second's.
    """

    mapped: MappedCohort
    cloud: ReferenceOverlay
    __repr__ = short_repr


def place_reference(
    mapped: MappedCohort, reference: Cohort, store: Store, *, k: int = N_NEIGHBOURS
) -> ReferenceOverlay:
    """Place a second cohort's images on a map that is already there; fit nothing.

    Parameters
    ----------
    mapped : MappedCohort
    reference : Cohort
        Its images of the map's views, with a file and a usable finding, are taken.
    store : Store
        With their embeddings by the map's extractor.
    k : int, default 15

    Raises
    ------
    ProjectionError
        If none of its images can be placed; the message says what to do.
    """
    chosen = select_for_map(reference, mapped.projection.settings, mapped.extractor)
    found = load_embeddings(chosen, mapped.extractor, store)
    own = _take_distinct(mapped.embeddings)
    others = _take_distinct(found, without=set(mapped.embeddings.sha256s))
    if not len(others):
        raise ProjectionError(_explain_nothing(mapped, reference, chosen, found))
    features = mapped.projection.settings.features
    numbers = getattr(mapped.embeddings, features)[own].astype(np.float64)
    rows = pd.Index(mapped.projection.image_ids).get_indexer(
        pd.Index(np.asarray(mapped.embeddings.image_ids, dtype=object)[own])
    )
    on_map = mapped.projection.coordinates[rows].astype(np.float64)
    distances, nearest = find_nearest(getattr(found, features)[others], numbers, k)
    places = np.einsum("nk,nkc->nc", weigh_neighbours(distances), on_map[nearest])
    limit = _find_limit(mapped, own, numbers, distances.shape[1])
    share_far = float((distances[:, -1] > limit).mean())
    return _make_cloud(mapped, chosen, found, places, share_far=share_far, k=distances.shape[1])


# ---- mapped together


def compute_fitted(
    cohort: Cohort,
    reference: Cohort,
    extractor: ExtractorInfo,
    settings: ProjectionSettings,
    store: Store,
) -> Projection:
    """Compute the map of two cohorts' images, or load it; the store keeps it for `load_fitted`.

    Raises
    ------
    ProjectionError
        If the reference adds no image, or there are too few for a map.
    """
    own, found = (
        load_embeddings(select_for_map(each, settings, extractor), extractor, store)
        for each in (cohort, reference)
    )
    joined = _join(own, found)
    if len(joined.image_ids) == len(own.image_ids):
        raise ProjectionError(
            f"{reference.name!r} adds no image to the map of {cohort.name!r}: none of its images "
            f"is embedded by {extractor.label}. Embed them with: python -m cxrlib embed --data "
            f"{str(reference.root)!r} --extractor {extractor.name}"
        )
    return compute_projection(joined, settings, store)


def fit_reference(mapped: MappedCohort, reference: Cohort, store: Store) -> FittedMap:
    """Fit a second cohort with the map, by the map's settings; raises as `compute_fitted`."""
    settings, extractor = mapped.projection.settings, mapped.extractor
    projection = compute_fitted(mapped.cohort, reference, extractor, settings, store)
    return _part(mapped, reference, projection, store)


def load_fitted(mapped: MappedCohort, reference: Cohort, store: Store) -> FittedMap | None:
    """Load the map of both from the store; None where it is not there. Computes nothing."""
    settings = mapped.projection.settings
    chosen = select_for_map(reference, settings, mapped.extractor)
    found = load_embeddings(chosen, mapped.extractor, store)
    projection = load_projection(_join(mapped.embeddings, found), settings, store)
    return None if projection is None else _part(mapped, reference, projection, store)


def _join(own: EmbeddingSet, found: EmbeddingSet) -> EmbeddingSet:
    """Put the reference's contents that are not there yet after the cohort's images."""
    rows = _take_distinct(found, without=set(own.sha256s))
    sha256s = tuple(found.sha256s[row] for row in rows)
    return EmbeddingSet(
        # Named by content: another cohort may use the same ids.
        image_ids=(*own.image_ids, *(f"reference {sha256}" for sha256 in sha256s)),
        sha256s=(*own.sha256s, *sha256s),
        embedding=np.concatenate([own.embedding, found.embedding[rows]]),
        outputs=np.concatenate([own.outputs, found.outputs[rows]]),
        info=own.info,
    )


def _part(
    mapped: MappedCohort, reference: Cohort, projection: Projection, store: Store
) -> FittedMap:
    """Part the map of both into the cohort's and the reference's places."""
    chosen = select_for_map(reference, projection.settings, mapped.extractor)
    found = load_embeddings(chosen, mapped.extractor, store)
    n_own = len(mapped.embeddings.image_ids)
    own = replace(
        projection,
        image_ids=projection.image_ids[:n_own],
        coordinates=projection.coordinates[:n_own],
    )
    cloud = _make_cloud(mapped, chosen, found, projection.coordinates[n_own:].astype(np.float64))
    return FittedMap(replace(mapped, projection=own), cloud)


# ---- parts of both


def _count_left_out(mapped: MappedCohort, chosen: Cohort, found: EmbeddingSet) -> tuple[int, int]:
    """Count a reference's images without an embedding, and those on the map already."""
    shared = set(found.sha256s) & set(mapped.embeddings.sha256s)
    return chosen.n_images - len(found.image_ids), len(shared)


def _make_cloud(
    mapped: MappedCohort,
    chosen: Cohort,
    found: EmbeddingSet,
    places: Floats,
    *,
    share_far: float = float("nan"),
    k: int = 0,
) -> ReferenceOverlay:
    """Describe the chosen images of a reference at their places."""
    n_missing, n_shared = _count_left_out(mapped, chosen, found)
    return ReferenceOverlay(
        chosen.name,
        chosen.is_synthetic,
        chosen.fingerprint,
        places,
        n_shared,
        n_missing,
        share_far,
        k,
        mapped.extractor.label,
    )


def _find_limit(mapped: MappedCohort, own: NDArray[np.intp], numbers: Floats, k: int) -> float:
    """Return the distance beyond which an image is far off, measured among other persons."""
    table = mapped.mapped.table.set_index("image_id")
    table = table.loc[np.asarray(mapped.embeddings.image_ids, dtype=object)[own]]
    persons = pd.factorize(table["person_id"].fillna(table["patient_id"]))[0]
    among = find_nearest(numbers, numbers, k, groups=(persons, persons))[0][:, -1:]
    among = among[np.isfinite(among)]
    return float(np.quantile(among, FAR)) if among.size else np.inf


def _take_distinct(embeddings: EmbeddingSet, without: set[str] | None = None) -> NDArray[np.intp]:
    """Return the row of each content, by its hash: neither names nor order of rows matter."""
    rows = {sha256: row for row, sha256 in reversed(list(enumerate(embeddings.sha256s)))}
    kept = sorted(rows.keys() - (without or set()))
    return np.array([rows[sha256] for sha256 in kept], dtype=np.intp)


def _explain_nothing(
    mapped: MappedCohort, reference: Cohort, chosen: Cohort, found: EmbeddingSet
) -> str:
    """Explain why a cohort has no image that could be projected."""
    n_missing, n_shared = _count_left_out(mapped, chosen, found)
    if n_missing:
        return (
            f"{format_units(n_missing, 'image')} of {reference.name!r} could be shown on the map, "
            f"but none is embedded by {mapped.extractor.label}. Embed them with: python -m cxrlib "
            f"embed --data {str(reference.root)!r} --extractor {mapped.extractor.name}"
        )
    if n_shared:
        return f"All images of {reference.name!r} are on the map already: choose another cohort."
    return (
        f"{reference.name!r} has no X-ray for this map, which shows views "
        f"{', '.join(mapped.projection.settings.views)} with a file and a diagnosis."
    )


def describe_reference(cloud: ReferenceOverlay) -> str:
    """Describe a reference cohort, how its positions were found and how not to read them."""
    is_named = "synthetic" in cloud.name.lower() or not cloud.is_synthetic
    name = cloud.name if is_named else f"{cloud.name} (synthetic)"
    words = f"Grey crosses: {format_units(cloud.n_images, 'image')} of {name}, never counted, "
    if cloud.is_fitted:
        words += "mapped together: positions and density differ from those of the cohort alone."
    else:
        words += (
            f"each projected to the weighted mean of its {cloud.k} nearest images, so only to "
            f"where the map already has images. {100 * cloud.share_far:.0f} % are farther from "
            f"their nearest than {100 * FAR:.0f} % of the map's own images (other persons): "
            "their positions mean little."
        )
    left = []
    if cloud.n_missing:
        left.append(f"{format_units(cloud.n_missing, 'image')} not embedded by {cloud.extractor}")
    if cloud.n_shared:
        left.append(f"{format_units(cloud.n_shared, 'image')} already on the map")
    return f"{words} Left out: {' and '.join(left)}." if left else words
