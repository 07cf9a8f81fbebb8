from .calibration import (
    describe_calibration as describe_calibration,
    plot_calibration as plot_calibration,
)
from .confusion import (
    describe_confusion as describe_confusion,
    plot_confusion as plot_confusion,
)
from .curves import describe_curves as describe_curves, plot_curves as plot_curves
from .forest import describe_forest as describe_forest, plot_forest as plot_forest
from .heat_table import (
    describe_score_table as describe_score_table,
    plot_score_table as plot_score_table,
)
from .importance import (
    describe_importance as describe_importance,
    plot_importance as plot_importance,
)
from .learning_curve import (
    describe_learning_curve_figure as describe_learning_curve_figure,
    plot_learning_curve as plot_learning_curve,
)
from .net_benefit import (
    describe_net_benefit as describe_net_benefit,
    plot_net_benefit as plot_net_benefit,
)
from .permutation_null import (
    describe_permutation_null as describe_permutation_null,
    plot_permutation_null as plot_permutation_null,
)
from .protocol_steps import (
    describe_protocol_steps as describe_protocol_steps,
    plot_protocol_steps as plot_protocol_steps,
)
from .region_shift import (
    describe_region_shift as describe_region_shift,
    plot_region_shift as plot_region_shift,
)
from .reliability import (
    describe_reliability as describe_reliability,
    plot_numbers as plot_numbers,
    plot_reliability as plot_reliability,
)
from .series import (
    Kind as Kind,
    Series as Series,
    find_chance as find_chance,
    list_scores as list_scores,
    make_axis as make_axis,
    read_scores as read_scores,
)
from .subgroups import describe_subgroups as describe_subgroups, plot_subgroups as plot_subgroups
