"""Settings of a map that a reader can choose: extractor, views and projection method."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import XRAY_VIEWS, Cohort
from cxrlib.maps.inventory import ExtractorState, list_extractor_states
from cxrlib.maps.mapped_cohort import default_settings, explain_no_map, select_for_map
from cxrlib.maps.projection import Projection, ProjectionSettings
from cxrlib.maps.surfaces import SurfaceWish
from cxrlib.storage import Store

#: Views that can be mapped; the paper's are the first three.
VIEWS = (*XRAY_VIEWS, NOT_RECORDED)
#: Projection methods, as they are called on screen.
METHODS: Mapping[str, str] = {"umap": "UMAP", "pca": "PCA"}
#: Root mean square distance of images from their mean on a UMAP of the public collection by the
#: paper's settings, in map units, for which the paper's bandwidth of 1.0 was chosen.
USUAL_RADIUS = 2.3


@dataclass(frozen=True)
class MapChoice:
    """Hold which map is shown.

    Parameters
    ----------
    extractor : str, default ""
        Name or key of an extractor; "" is the one that is shown without a choice.
    settings : ProjectionSettings or None, default None
        None for the cohort's own, `cxrlib.maps.default_settings`.
    """

    extractor: str = ""
    settings: ProjectionSettings | None = None


@dataclass(frozen=True)
class MapExtractor:
    """Hold an extractor by which a cohort can be mapped.

    Parameters
    ----------
    key : str
        Its key where it has embeddings, which names the weights too; else its name.
    name : str
        As in `cxrlib.embedding.extractors.EXTRACTOR_NAMES`.
    title : str
        On screen; no two of a list are the same.
    is_embedded : bool
        Whether every readable X-ray has an embedding.
    is_at_hand : bool
        Whether a job can embed the others: the weights are those on this machine.
    """

    key: str
    name: str
    title: str
    is_embedded: bool
    is_at_hand: bool


def list_map_extractors(cohort: Cohort, store: Store) -> list[MapExtractor]:
    """List the extractors with embeddings of a cohort, or that can embed it here."""
    states = [s for s in list_extractor_states(cohort, store) if s.ready != "weights missing"]
    titles = [state.title for state in states]
    return [_offer(state, is_alone=titles.count(state.title) == 1) for state in states]


def _offer(state: ExtractorState, *, is_alone: bool) -> MapExtractor:
    """Offer an extractor; of several by one name each says which weights it has."""
    title, key = state.title, state.name
    if state.info is not None:
        key = state.info.key
        title += "" if is_alone else f", weights {state.info.weights_sha256[:8]}"
    is_embedded = state.info is not None and state.n_embedded == state.n_images
    return MapExtractor(key, state.name, title, is_embedded, state.is_at_hand)


def explain_unusable(cohort: Cohort, settings: ProjectionSettings) -> str:
    """Explain why a cohort cannot be mapped by some settings, and what would do; "" where it can.

    The default settings are never refused for having too many neighbours: on a small cohort
    the map is made with fewer, and says so (`cxrlib.maps.projection.Projection.remark`).
    """
    if not settings.views:
        return f"A map needs at least one view. Choose from {', '.join(VIEWS)}."
    if reason := explain_no_map(cohort, settings):
        return reason
    if settings.method != "umap" or settings == default_settings(cohort):
        return ""
    n_contents = int(select_for_map(cohort, settings).table["sha256"].nunique())
    if settings.n_neighbors < n_contents:
        return ""
    return (
        f"{settings.n_neighbors:,} neighbours are too many for {n_contents:,} distinct images "
        f"({', '.join(settings.views)}). Choose {n_contents - 1:,} neighbours or fewer, more "
        "views, or PCA, which needs none."
    )


def describe_settings(settings: ProjectionSettings) -> str:
    """Describe how a map is made: "outputs of PA, AP; UMAP, 30 neighbours, ..."."""
    views = ", ".join(settings.views) + ", without a diagnosis too" * (not settings.needs_finding)
    words = f"{settings.features} of {views}; {METHODS[settings.method]}"
    if settings.method == "pca":
        return words
    return (
        f"{words}, {settings.n_neighbors} neighbours, minimum distance {settings.min_dist:g}, "
        f"seed {settings.seed}"
    )


def plan_map(extractor: MapExtractor, settings: ProjectionSettings) -> tuple[str, dict[str, Any]]:
    """Return the kind of job that makes a map, and its parameters but for the cohort's folder.

    What is embedded is only mapped. Where images are missing they are embedded first, if that
    can be done by the very same weights; else those that are there are mapped.
    """
    plain = settings.to_dict()
    if extractor.is_embedded or not extractor.is_at_hand:
        return "map", {"extractor": extractor.key, "settings": plain}
    return "prepare", {"extractor": extractor.name, "settings": plain}


def scale_smoothing(wish: SurfaceWish, projection: Projection) -> SurfaceWish:
    """Turn a smoothing that was chosen, 1.0 being the paper's, into a bandwidth in map units."""
    return replace(wish, bandwidth=wish.bandwidth * smoothing_unit(projection))


def smoothing_unit(projection: Projection) -> float:
    """Return what a smoothing of 1.0 is on a map, in its units.

    One map unit on a UMAP, as in the paper. Principal components have the unit of their features,
    a hundredth or a hundred: there it is the same share of the map's spread.
    """
    if projection.settings.method == "umap":
        return 1.0
    centred = projection.coordinates - projection.coordinates.mean(axis=0, dtype=np.float64)
    radius = float(np.sqrt((centred**2).sum(axis=1).mean()))
    return float(f"{radius / USUAL_RADIUS:.2g}") if radius else 1.0
