from .baselines import (
    LocoRun as LocoRun,
    check_report_path as check_report_path,
    compare_runs as compare_runs,
    evaluate_loco as evaluate_loco,
    tabulate_runs as tabulate_runs,
)
from .cohorts import (
    DEMO_PATIENTS as DEMO_PATIENTS,
    load_cohort as load_cohort,
    load_demo as load_demo,
    make_demo as make_demo,
    select_images as select_images,
)
from .extraction import (
    PRETRAINED as PRETRAINED,
    choose_extractor as choose_extractor,
    embed as embed,
    embed_images as embed_images,
)
from .maps import (
    CohortMap as CohortMap,
    check_patients as check_patients,
    explain_map_file as explain_map_file,
    fit_map as fit_map,
    map_images as map_images,
)
from .own_features import store_features as store_features
from .surface_text import SurfaceKind as SurfaceKind, read_surface as read_surface
from .tables import check_quality as check_quality, compare_groups as compare_groups
