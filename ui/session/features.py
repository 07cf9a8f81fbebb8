"""An extractor's numbers of all X-rays of a cohort, on the map or not, once for all sessions."""

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

__all__ = ["load_all_embeddings", "load_feature_space"]


def load_all_embeddings(cohort: Cohort, info: ExtractorInfo) -> EmbeddingSet:
    """Load the embeddings of every view, until others are computed."""
    return _load_embeddings(cohort, info.key, time_changes(find_cache() / "embeddings"))


@lru_cache(maxsize=8)
def _load_embeddings(cohort: Cohort, key: str, changed: tuple[int, ...]) -> EmbeddingSet:
    store = Store(find_cache())
    info = next(each for each in EmbeddingStore(store).list_extractors() if each.key == key)
    return load_embeddings(cohort, info, store)


def load_feature_space(
    cohort: Cohort, info: ExtractorInfo, features: Features = "outputs"
) -> FeatureSpace:
    """Load the space in which images of every view are near or far."""
    return _lay_out_space(cohort, load_all_embeddings(cohort, info), features)


@lru_cache(maxsize=8)
def _lay_out_space(cohort: Cohort, embeddings: EmbeddingSet, features: Features) -> FeatureSpace:
    return lay_out_feature_space(cohort.table, embeddings, features=features)
