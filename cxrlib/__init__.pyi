from .notebook import (
    CohortMap as CohortMap,
    LocoRun as LocoRun,
    check_quality as check_quality,
    compare_groups as compare_groups,
    compare_runs as compare_runs,
    embed as embed,
    evaluate_loco as evaluate_loco,
    fit_map as fit_map,
    load_cohort as load_cohort,
    load_demo as load_demo,
    select_images as select_images,
    store_features as store_features,
    tabulate_runs as tabulate_runs,
)
from .notice import NOTICE as NOTICE
from .summary import (
    describe_missingness as describe_missingness,
    make_table_one as make_table_one,
    summarise as summarise,
)

__version__: str
