from .calibration import (
    describe_calibration as describe_calibration,
    plot_calibration as plot_calibration,
)
from .forest import describe_forest as describe_forest, plot_forest as plot_forest
from .heat_table import (
    describe_score_table as describe_score_table,
    plot_score_table as plot_score_table,
)
from .permutation_null import describe_null as describe_null, plot_null as plot_null
from .protocol_steps import (
    describe_score_steps as describe_score_steps,
    plot_score_steps as plot_score_steps,
)
from .region_shift import describe_shift as describe_shift, plot_shift as plot_shift
from .series import (
    Kind as Kind,
    Series as Series,
    find_chance as find_chance,
    list_scores as list_scores,
    make_axis as make_axis,
    read_scores as read_scores,
)
from .subgroups import describe_subgroups as describe_subgroups, plot_subgroups as plot_subgroups
