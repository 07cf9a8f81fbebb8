from .extractor_features import make_set_name as make_set_name
from .feature_files import read_feature_file as read_feature_file
from .feature_matrix import (
    FeatureChoice as FeatureChoice,
    Features as Features,
    describe_missing as describe_missing,
    features_from_matrix as features_from_matrix,
    match_features as match_features,
)
from .feature_sets import (
    are_features_at_hand as are_features_at_hand,
    list_feature_sets as list_feature_sets,
    load_features as load_features,
    load_pixel_features as load_pixel_features,
    spell_set_name as spell_set_name,
)
from .leaks import describe_leaks as describe_leaks, find_leaks as find_leaks
from .shortcuts import (
    COLUMNS as COLUMNS,
    SHORTCUTS as SHORTCUTS,
    has_other_columns as has_other_columns,
)
