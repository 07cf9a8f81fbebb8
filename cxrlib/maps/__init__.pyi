from .bad_state_definitions import (
    DEFINITIONS as DEFINITIONS,
    SEVERITIES as SEVERITIES,
    MarkedImages as MarkedImages,
    mark_bad as mark_bad,
)
from .colouring import (
    FORMER_COLOURINGS as FORMER_COLOURINGS,
    Colouring as Colouring,
    colour_points as colour_points,
    list_colourings as list_colourings,
)
from .density import (
    DensityGrid as DensityGrid,
    ShareGrid as ShareGrid,
    estimate_density as estimate_density,
    estimate_share as estimate_share,
)
from .faithfulness import (
    StepLengths as StepLengths,
    describe_faithfulness as describe_faithfulness,
    describe_spread as describe_spread,
    describe_steps as describe_steps,
    measure_faithfulness as measure_faithfulness,
    measure_steps as measure_steps,
    measure_typical as measure_typical,
)
from .inventory import (
    ExtractorState as ExtractorState,
    list_cache as list_cache,
    list_extractor_states as list_extractor_states,
    list_flow as list_flow,
    tabulate_flow as tabulate_flow,
)
from .lasso import (
    MOST_IN_ADDRESS as MOST_IN_ADDRESS,
    ChosenImages as ChosenImages,
    chosen_table as chosen_table,
    compare_chosen as compare_chosen,
    describe_chosen as describe_chosen,
    describe_rows as describe_rows,
    find_rows as find_rows,
    format_rows as format_rows,
    read_clicked as read_clicked,
)
from .map_settings import (
    METHODS as METHODS,
    VIEWS as VIEWS,
    MapChoice as MapChoice,
    MapExtractor as MapExtractor,
    describe_settings as describe_settings,
    explain_unusable as explain_unusable,
    list_map_extractors as list_map_extractors,
    plan_map as plan_map,
    scale_smoothing as scale_smoothing,
)
from .map_table import (
    STATE_COLUMNS as STATE_COLUMNS,
    encode_parquet as encode_parquet,
    export_map as export_map,
)
from .mapped_cohort import (
    MappedCohort as MappedCohort,
    compute_map as compute_map,
    default_settings as default_settings,
    explain_no_map as explain_no_map,
    explain_off_map as explain_off_map,
    find_maps as find_maps,
    load_map as load_map,
    select_for_map as select_for_map,
)
from .off_map import (
    Widening as Widening,
    describe_off_map as describe_off_map,
    list_widenings as list_widenings,
)
from .paper_figure import (
    compare_with_paper as compare_with_paper,
    explain_difference as explain_difference,
)
from .projection import (
    ProjectionSettings as ProjectionSettings,
    compute_projection as compute_projection,
)
from .reference_cohort import (
    ReferenceOverlay as ReferenceOverlay,
    compute_fitted as compute_fitted,
    describe_reference as describe_reference,
    fit_reference as fit_reference,
    load_fitted as load_fitted,
    place_reference as place_reference,
)
from .seed_stability import (
    N_SEEDS as N_SEEDS,
    Spread as Spread,
    compute_spread as compute_spread,
    load_spread as load_spread,
)
from .surfaces import (
    Surface as Surface,
    SurfaceWish as SurfaceWish,
    estimate_surface as estimate_surface,
)
from .trajectories import (
    TABLE_COLUMNS as TABLE_COLUMNS,
    MappedImage as MappedImage,
    Stop as Stop,
    Trajectory as Trajectory,
    compute_trajectories as compute_trajectories,
    compute_trajectory as compute_trajectory,
    count_map as count_map,
    describe_counts as describe_counts,
    find_planted_patients as find_planted_patients,
    find_story as find_story,
    list_patients as list_patients,
    map_points as map_points,
)
