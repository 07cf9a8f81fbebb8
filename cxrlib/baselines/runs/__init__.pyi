from .image_adds import ImageAdds as ImageAdds, compute_image_adds as compute_image_adds
from .reproduction import (
    Reproduction as Reproduction,
    list_published_runs as list_published_runs,
    reproduce_scores as reproduce_scores,
)
from .run_jobs import (
    check_run_parameters as check_run_parameters,
    make_pixel_run as make_pixel_run,
    make_run_parameters as make_run_parameters,
    make_slow_run as make_slow_run,
    make_spec as make_spec,
    run_permutation_null as run_permutation_null,
    run_refit as run_refit,
    run_region_shift as run_region_shift,
)
from .run_log import (
    BOOK as BOOK,
    KEPT as KEPT,
    LONGEST_NOTE as LONGEST_NOTE,
    NOTES as NOTES,
    RunCounts as RunCounts,
    RunEntry as RunEntry,
    count_runs as count_runs,
    keep_run as keep_run,
    list_runs as list_runs,
    write_entry as write_entry,
    write_note as write_note,
)
from .run_record import (
    TABLES as TABLES,
    RunRecord as RunRecord,
    format_record as format_record,
    parse_record as parse_record,
)
from .run_spec import (
    MAX_SEED as MAX_SEED,
    QUERY_NAMES as QUERY_NAMES,
    RunSpec as RunSpec,
    describe_spec as describe_spec,
)
from .run_table import (
    RUN_TABLE_COLUMNS as RUN_TABLE_COLUMNS,
    choose_entry_headline as choose_entry_headline,
    filter_entries as filter_entries,
    find_entry as find_entry,
    name_estimator as name_estimator,
    tabulate_runs as tabulate_runs,
)
from .runs import (
    Run as Run,
    RunComparison as RunComparison,
    compare_runs as compare_runs,
    compare_shortcuts as compare_shortcuts,
    describe_run_count as describe_run_count,
    find_run as find_run,
    make_run as make_run,
)
from .unaltered import Unaltered as Unaltered, compare_unaltered as compare_unaltered
