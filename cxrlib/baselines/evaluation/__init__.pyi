from .calibration import check_calibration as check_calibration
from .evaluation_key import (
    READ_COLUMNS as READ_COLUMNS,
    list_versions as list_versions,
    make_evaluation_key as make_evaluation_key,
)
from .folds import (
    HOLD_OUTS as HOLD_OUTS,
    Labels as Labels,
    make_folds as make_folds,
    name_held_out as name_held_out,
)
from .influence import find_influence as find_influence
from .loco import run_loco as run_loco
from .loco_plan import Kept as Kept, plan_loco as plan_loco, predict_folds as predict_folds
from .loco_result import (
    FOLD_COLUMNS as FOLD_COLUMNS,
    PREDICTION_COLUMNS as PREDICTION_COLUMNS,
    SCORE_COLUMNS as SCORE_COLUMNS,
    LocoResult as LocoResult,
    keep_scored as keep_scored,
)
from .models import (
    MLP_SEEDS as MLP_SEEDS,
    Method as Method,
    choose_method as choose_method,
    one_thread as one_thread,
    refuse_training as refuse_training,
)
from .paired_differences import compare_results as compare_results
from .paper_score_comparison import (
    PAPER_SCORE_COLUMNS as PAPER_SCORE_COLUMNS,
    compare_class_counts as compare_class_counts,
    compare_scores as compare_scores,
    count_score_verdicts as count_score_verdicts,
    describe_score_comparison as describe_score_comparison,
    list_not_run as list_not_run,
)
from .permutation_null import (
    LOWER_IS_BETTER as LOWER_IS_BETTER,
    N_PERMUTATIONS as N_PERMUTATIONS,
    OBSERVED as OBSERVED,
    PERMUTATIONS as PERMUTATIONS,
    Null as Null,
    compute_null as compute_null,
    load_null as load_null,
    make_permutation_null_key as make_permutation_null_key,
)
from .protocol_steps import walk_protocol as walk_protocol
from .protocols import (
    CORRECTED as CORRECTED,
    PROTOCOLS as PROTOCOLS,
    PUBLISHED as PUBLISHED,
    LocoSettings as LocoSettings,
    find_protocol as find_protocol,
)
from .region_shift import (
    Shift as Shift,
    compute_region_shift as compute_region_shift,
    load_shift as load_shift,
    make_region_shift_key as make_region_shift_key,
)
from .resampling import draw_weights as draw_weights
from .score_text import (
    Cells as Cells,
    explain_none as explain_none,
    is_number as is_number,
    name_fold as name_fold,
    name_metric as name_metric,
    read_reason as read_reason,
    say_counts as say_counts,
    write_interval as write_interval,
    write_number as write_number,
    write_score as write_score,
)
from .scores import MEAN as MEAN, POOLED as POOLED, compute_score as compute_score
from .stored_fits import KeptFits as KeptFits
from .subgroups import score_subgroups as score_subgroups
from .worst_predictions import rank_images as rank_images
