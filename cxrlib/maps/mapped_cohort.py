"""From a cohort to its map: which images, which features, what the cache holds."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet, load_embeddings
from cxrlib.embedding.extractors import ExtractorInfo, is_current
from cxrlib.errors import ProjectionError, SelectionError
from cxrlib.maps.projection import (
    MIN_CONTENTS,
    Projection,
    ProjectionSettings,
    compute_projection,
    load_projection,
)
from cxrlib.storage import EmbeddingStore, Store

# Why a file cannot be on a map, by its status.
FILE_WORDS = {
    "no file": "it has no file",
    "unreadable": "its file is unreadable",
    "outside": "its file is outside the cohort's folder",
}
# Where several maps are in the cache, the first of these is shown unless another is named.
PREFERENCE = ("densenet121-res224-all", "texture")


@dataclass(frozen=True)
class MappedCohort:
    """Hold a cohort with the map of its images.

    Parameters
    ----------
    cohort : Cohort
        Every row of the metadata.
    mapped : Cohort
        The rows on the map, with the steps of the selection that led there.
    embeddings : EmbeddingSet
        Embedding and outputs of those rows.
    projection : Projection
        Their places on the map, shape (n_images, 2).
    """

    cohort: Cohort
    mapped: Cohort
    embeddings: EmbeddingSet
    projection: Projection

    def __repr__(self) -> str:
        return (
            f"MappedCohort({self.cohort.name!r}, {self.mapped.n_images} of "
            f"{self.cohort.n_images} images, {self.extractor.key!r})"
        )

    @property
    def extractor(self) -> ExtractorInfo:
        """The extractor behind every number of the map."""
        return self.embeddings.info

    @property
    def is_complete(self) -> bool:
        """Whether every image that belongs on the map is on it."""
        settings = self.projection.settings
        whole = select_for_map(self.cohort, settings, self.extractor)
        return whole.n_images == self.mapped.n_images


def default_settings(cohort: Cohort) -> ProjectionSettings:
    """Give the settings of a cohort's map where no others are chosen.

    Those of the paper's Figure 3, of all views that count as frontal in this cohort: the paper's
    own in its collection, AP Erect too in others that have such images.
    """
    return ProjectionSettings(views=cohort.frontal_views)


def select_for_map(
    cohort: Cohort, settings: ProjectionSettings, extractor: ExtractorInfo | None = None
) -> Cohort:
    """Keep the X-rays with a readable file, a usable finding and a view of the settings.

    The paper's Figure 3 takes PA, AP and AP Supine images (section 5.4). By features from outside
    an image without a file has a place too.
    """
    xrays = cohort.select_xrays()
    if extractor is None or not extractor.is_outside:
        xrays = xrays.select_with_file()
    seen = xrays.select_views(settings.views)
    return seen.select_usable_finding() if settings.needs_finding else seen


def explain_no_map(cohort: Cohort, settings: ProjectionSettings | None = None) -> str:
    """Explain why a cohort cannot be mapped, however it is embedded; "" where it can.

    Copies of an image share a place: what counts is how many images differ.
    """
    settings = settings or default_settings(cohort)
    n_contents = int(select_for_map(cohort, settings).table["sha256"].nunique())
    if n_contents >= MIN_CONTENTS:
        return ""
    what = "a readable file, a diagnosis and" if settings.needs_finding else "a readable file and"
    return (
        f"This cohort cannot be mapped. A map needs {MIN_CONTENTS} or more distinct X-rays with "
        f"{what} one of the views {', '.join(settings.views)}; "
        f"there {'is' if n_contents == 1 else 'are'} {n_contents}."
    )


def explain_off_map(
    cohort: Cohort, image_id: str, settings: ProjectionSettings | None = None
) -> str:
    """Explain why an image of a cohort is not on its map, as the end of a sentence.

    Raises
    ------
    SelectionError
        If the cohort has no such image.
    """
    row = cohort.table["image_id"] == image_id
    if not row.any():
        raise SelectionError(f"There is no image {image_id!r} in cohort {cohort.name!r}.")
    alone = replace(cohort, table=cohort.table[row].reset_index(drop=True))
    for step in select_for_map(alone, settings or default_settings(cohort)).steps:
        if step.removed:
            reason = next(iter(step.removed))
            noun, _, value = reason.partition(" ")  # "view L"
            return FILE_WORDS.get(reason, f"its {noun} is {value}")
    return "it was not embedded by the map's extractor"


def compute_map(
    cohort: Cohort, extractor: ExtractorInfo, store: Store, *, settings: ProjectionSettings
) -> MappedCohort:
    """Compute the map of a cohort whose images are embedded, or load it from the cache.

    Raises
    ------
    ProjectionError
        If too few images of the selection are embedded.
    """
    return _map(cohort, extractor, store, settings, compute_projection)


def load_map(
    cohort: Cohort, store: Store, *, settings: ProjectionSettings, extractor: str = "auto"
) -> MappedCohort:
    """Load a map from the cache; compute nothing.

    Parameters
    ----------
    extractor : str, default "auto"
        An extractor's name, or its key, which names the weights as well. "auto" takes the
        pretrained network's map if there is one, else the texture extractor's; an untrained
        control only when named.

    Raises
    ------
    ProjectionError
        If the cache holds no such map, or maps by several weights of that name; the message
        says what to do.
    """
    names = PREFERENCE if extractor == "auto" else (extractor,)
    found = find_maps(cohort, store, settings=settings, names=names)
    for name in names:
        fitting = [info for info in found if name in (info.key, info.name)]
        # Weights that are not the published ones carry a note; without it they are the known.
        fitting = [info for info in fitting if not info.note] or fitting
        if len(fitting) > 1:
            raise ProjectionError(
                f"The cache has maps by {len(fitting)} different weights of {name!r}. "
                f"Name one: {', '.join(info.key for info in fitting)}."
            )
        if fitting:
            return _map(cohort, fitting[0], store, settings, load_projection)
    wanted = "no map" if extractor == "auto" else f"no map by extractor {extractor!r}"
    raise ProjectionError(
        f"The cache {str(store.root)!r} has {wanted} of cohort {cohort.name!r} as it is now. "
        f"Make it with: python -m cxrlib map --data {str(cohort.root)!r} "
        f"--cache {str(store.root)!r}"
        + ("" if extractor == "auto" else f" --extractor {extractor}")
    )


def find_maps(
    cohort: Cohort,
    store: Store,
    *,
    settings: ProjectionSettings,
    names: Collection[str] | None = None,
) -> list[ExtractorInfo]:
    """List the extractors whose map of this very cohort is in the cache.

    Extractors of an older preprocessing are left out.

    Parameters
    ----------
    names : collection of str, optional
        Names or keys to look at; the embeddings of others are then not read.
    """
    found = []
    for info in filter(is_current, EmbeddingStore(store).list_extractors()):
        if names is not None and info.name not in names and info.key not in names:
            continue
        embeddings = load_embeddings(select_for_map(cohort, settings, info), info, store)
        if embeddings.image_ids and load_projection(embeddings, settings, store) is not None:
            found.append(info)
    return found


def _map(
    cohort: Cohort,
    extractor: ExtractorInfo,
    store: Store,
    settings: ProjectionSettings,
    project: Callable[[EmbeddingSet, ProjectionSettings, Store], Projection | None],
) -> MappedCohort:
    """Put cohort, embeddings and projection side by side, all on the same images."""
    mapped = select_for_map(cohort, settings, extractor)
    embeddings = load_embeddings(mapped, extractor, store)
    projection = project(embeddings, settings, store)
    if projection is None:
        raise SelectionError(f"No map by extractor {extractor.name!r} is in the cache.")
    on_map = mapped.table["image_id"].isin(projection.image_ids)
    mapped = mapped.select(on_map, f"embedded by {extractor.label}")
    return MappedCohort(cohort, mapped, embeddings, projection)
