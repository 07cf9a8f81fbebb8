"""An extractor's numbers of all X-rays of a cohort, on the map or not."""

from dataclasses import dataclass
from functools import lru_cache

from cxrlib.cohort import Cohort
from cxrlib.embedding import (
    EmbeddingSet,
    Features,
    FeatureSpace,
    lay_out_feature_space,
    load_embeddings,
)
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.storage import EmbeddingStore, Store
from ui.session.resources import find_cache, time_changes

__all__ = ["Numbers", "load_numbers"]


@dataclass(frozen=True, eq=False)  # known by what it is, for caches
class Numbers:
    """Hold an extractor's numbers of all X-rays of a cohort, of every view."""

    embeddings: EmbeddingSet
    space: FeatureSpace


def load_numbers(cohort: Cohort, info: ExtractorInfo, features: Features = "outputs") -> Numbers:
    """Load the numbers once for all sessions, until others are computed."""
    return _load_numbers(cohort, info.key, features, time_changes(find_cache() / "embeddings"))


@lru_cache(maxsize=8)
def _load_numbers(
    cohort: Cohort, key: str, features: Features, changed: tuple[int, ...]
) -> Numbers:
    store = Store(find_cache())
    info = next(each for each in EmbeddingStore(store).list_extractors() if each.key == key)
    embeddings = load_embeddings(cohort, info, store)
    return Numbers(embeddings, lay_out_feature_space(cohort.table, embeddings, features=features))
