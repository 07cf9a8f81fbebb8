from .embeddings import (
    EmbeddingSet as EmbeddingSet,
    compute_embeddings as compute_embeddings,
    load_embeddings as load_embeddings,
)
from .feature_space import (
    Features as Features,
    FeatureSpace as FeatureSpace,
    lay_out_feature_space as lay_out_feature_space,
    measure_distances as measure_distances,
)
from .nearest_images import find_nearest as find_nearest, weigh_neighbours as weigh_neighbours
from .pixel_vectors import are_pixels_stored as are_pixels_stored, load_pixels as load_pixels
