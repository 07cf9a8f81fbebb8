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
from .own_features import (
    OwnSet as OwnSet,
    check_set_name as check_set_name,
    clean_columns as clean_columns,
    find_own_set as find_own_set,
    list_keys as list_keys,
    list_own_sets as list_own_sets,
    read_own_numbers as read_own_numbers,
    remove_own_set as remove_own_set,
    store_own_set as store_own_set,
)
from .pixel_vectors import are_pixels_stored as are_pixels_stored, load_pixels as load_pixels
