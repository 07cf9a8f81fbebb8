from .calibration import check_calibration as check_calibration
from .confusion import confuse as confuse, list_mistakes as list_mistakes
from .curves import CURVE_AXES as CURVE_AXES, CurveKind as CurveKind, trace_curves as trace_curves
from .estimators import (
    DESCRIBED as DESCRIBED,
    ESTIMATORS as ESTIMATORS,
    describe_estimator as describe_estimator,
    is_own as is_own,
    is_slow as is_slow,
    parse_estimator as parse_estimator,
    spell_estimator as spell_estimator,
    title_estimator as title_estimator,
)
from .evaluation_key import (
    READ_COLUMNS as READ_COLUMNS,
    list_versions as list_versions,
    make_evaluation_key as make_evaluation_key,
)
from .event_predictions import (
    list_refused as list_refused,
    read_event_predictions as read_event_predictions,
)
from .folds import Labels as Labels, make_folds as make_folds
from .groupings import (
    COHORT as COHORT,
    GROUP_COLUMNS as GROUP_COLUMNS,
    HOLD_OUTS as HOLD_OUTS,
    PERSON_PART as PERSON_PART,
    describe_grouping as describe_grouping,
    describe_held_out as describe_held_out,
    format_held_out as format_held_out,
    list_groups as list_groups,
    name_group as name_group,
    parse_hold_out as parse_hold_out,
)
from .importance import compute_importance as compute_importance
from .influence import find_influence as find_influence
from .learning_curve import (
    compute_learning_curve as compute_learning_curve,
    count_more_persons as count_more_persons,
    describe_learning_curve as describe_learning_curve,
)
from .loco import run_loco as run_loco
from .loco_plan import (
    Kept as Kept,
    plan_loco as plan_loco,
    predict_dealings as predict_dealings,
    predict_folds as predict_folds,
    take_estimator as take_estimator,
)
from .loco_result import (
    DEALING as DEALING,
    FOLD_COLUMNS as FOLD_COLUMNS,
    PREDICTION_COLUMNS as PREDICTION_COLUMNS,
    SCORE_COLUMNS as SCORE_COLUMNS,
    LocoResult as LocoResult,
    keep_scored as keep_scored,
)
from .models import (
    MLP_SEEDS as MLP_SEEDS,
    NO_PROBABILITY as NO_PROBABILITY,
    Method as Method,
    Model as Model,
    choose_model as choose_model,
    find_method as find_method,
    one_thread as one_thread,
    refuse_training as refuse_training,
)
from .net_benefit import compute_net_benefit as compute_net_benefit
from .paired_differences import (
    DIFFERENCE_COLUMNS as DIFFERENCE_COLUMNS,
    compare_results as compare_results,
)
from .paper_score_comparison import (
    PAPER_SCORE_COLUMNS as PAPER_SCORE_COLUMNS,
    compare_class_counts as compare_class_counts,
    compare_scores as compare_scores,
    count_score_verdicts as count_score_verdicts,
    describe_score_comparison as describe_score_comparison,
    list_not_run as list_not_run,
)
from .penalties import MOST_FOLDS as MOST_FOLDS, PENALTIES as PENALTIES
from .permutation_null import (
    LOWER_IS_BETTER as LOWER_IS_BETTER,
    N_PERMUTATIONS as N_PERMUTATIONS,
    OBSERVED as OBSERVED,
    PERMUTATIONS as PERMUTATIONS,
    WITHIN as WITHIN,
    PermutationNull as PermutationNull,
    Within as Within,
    compute_permutation_null as compute_permutation_null,
    format_p as format_p,
    load_permutation_null as load_permutation_null,
    make_permutation_null_key as make_permutation_null_key,
)
from .protocol_steps import (
    compute_protocol_steps as compute_protocol_steps,
    find_last_model as find_last_model,
)
from .protocols import (
    CORRECTED as CORRECTED,
    PROTOCOLS as PROTOCOLS,
    PUBLISHED as PUBLISHED,
    LocoSettings as LocoSettings,
    find_protocol as find_protocol,
)
from .recalibration import (
    bin_predictions as bin_predictions,
    compare_numbers as compare_numbers,
    fit_recalibration as fit_recalibration,
)
from .region_shift import (
    RegionShift as RegionShift,
    compute_region_shift as compute_region_shift,
    load_region_shift as load_region_shift,
    make_region_shift_key as make_region_shift_key,
    refuse_region_shift as refuse_region_shift,
)
from .resampling import draw_weights as draw_weights
from .score_text import (
    Cells as Cells,
    describe_missing_score as describe_missing_score,
    format_fold as format_fold,
    format_interval as format_interval,
    format_metric as format_metric,
    format_score as format_score,
    format_score_counts as format_score_counts,
    format_score_or_none as format_score_or_none,
    is_number as is_number,
    read_reason as read_reason,
)
from .scores import MEAN as MEAN, POOLED as POOLED, compute_score as compute_score
from .sensitivity import (
    SENSITIVITY_COLUMNS as SENSITIVITY_COLUMNS,
    WITHIN_SOURCE as WITHIN_SOURCE,
    analyse_sensitivity as analyse_sensitivity,
    choose_headline as choose_headline,
    choose_score as choose_score,
    judge_sensitivity as judge_sensitivity,
)
from .shared_images import keep_images as keep_images, keep_shared as keep_shared
from .shortcut_removal import MATCHABLE as MATCHABLE
from .stored_fits import KeptFits as KeptFits
from .stored_refits import (
    REFITS as REFITS,
    Refit as Refit,
    compute_refit as compute_refit,
    load_refit as load_refit,
    make_refit_key as make_refit_key,
)
from .subgroups import score_subgroups as score_subgroups
from .worst_predictions import rank_images as rank_images
