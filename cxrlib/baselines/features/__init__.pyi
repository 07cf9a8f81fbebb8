from .extractor_features import make_set_name as make_set_name
from .feature_files import (
    FeatureTable as FeatureTable,
    check_table as check_table,
    read_feature_file as read_feature_file,
    read_table_bytes as read_table_bytes,
    read_table_file as read_table_file,
)
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
    need_pictures as need_pictures,
    read_shortcut_features as read_shortcut_features,
    spell_set_name as spell_set_name,
)
from .feature_sums import (
    FILE_ENDINGS as FILE_ENDINGS,
    add_features as add_features,
    join_sum as join_sum,
    offer_sum as offer_sum,
    split_sum as split_sum,
)
from .leaks import describe_leaks as describe_leaks, find_leaks as find_leaks
from .shortcuts import (
    COLUMNS as COLUMNS,
    SHORTCUT_TITLES as SHORTCUT_TITLES,
    SHORTCUTS as SHORTCUTS,
    has_other_columns as has_other_columns,
)
from .stored_sets import AddedSet as AddedSet, add_feature_set as add_feature_set
