from .annotations import (
    BOXES_FILE as BOXES_FILE,
    MASKS_FOLDER as MASKS_FOLDER,
    find_lung_masks as find_lung_masks,
    read_lung_boxes as read_lung_boxes,
)
from .cohort import (
    Cohort as Cohort,
    Keeping as Keeping,
    SelectionStep as SelectionStep,
    count_cohort as count_cohort,
    load_cohort as load_cohort,
)
from .cohort_list import (
    COLLECTION as COLLECTION,
    CohortEntry as CohortEntry,
    find_entry as find_entry,
    join_paths as join_paths,
    list_entries as list_entries,
    split_paths as split_paths,
)
from .extra_columns import (
    EXTRA as EXTRA,
    ExtraColumn as ExtraColumn,
    format_plainly as format_plainly,
    name_extra as name_extra,
    quote_name as quote_name,
    shorten_value as shorten_value,
    split_quoted as split_quoted,
    type_extra as type_extra,
    unquote_name as unquote_name,
)
from .findings import is_usable as is_usable, parse_finding as parse_finding
from .form import (
    METADATA_FILE as METADATA_FILE,
    FormColumn as FormColumn,
    format_form as format_form,
    read_form as read_form,
    write_template as write_template,
)
from .import_notes import IMPORT_FILE as IMPORT_FILE, read_import_notes as read_import_notes
from .input_problems import ProblemLog as ProblemLog
from .joined_cohorts import (
    COHORT_COLUMN as COHORT_COLUMN,
    JoinedCohort as JoinedCohort,
    join_cohorts as join_cohorts,
    list_shared_persons as list_shared_persons,
)
from .label_files import (
    LabelFile as LabelFile,
    attach_labels as attach_labels,
    find_separator as find_separator,
    keep_label_file as keep_label_file,
    load_kept_labels as load_kept_labels,
    read_label_bytes as read_label_bytes,
    read_label_file as read_label_file,
    take_label_table as take_label_table,
)
from .lacks import (
    check_pages as check_pages,
    explain_lack as explain_lack,
    is_lacking as is_lacking,
    list_lacking_columns as list_lacking_columns,
    list_missing_files as list_missing_files,
)
from .metadata import (
    FRONTAL_VIEWS as FRONTAL_VIEWS,
    MAX_DAYS as MAX_DAYS,
    METADATA_COLUMNS as METADATA_COLUMNS,
    PAPER_FRONTAL_VIEWS as PAPER_FRONTAL_VIEWS,
    PAPER_PATIENTS as PAPER_PATIENTS,
    XRAY_VIEWS as XRAY_VIEWS,
    YES_NO_CATEGORIES as YES_NO_CATEGORIES,
    YES_NO_COLUMNS as YES_NO_COLUMNS,
    has_paper_patients as has_paper_patients,
    match_column as match_column,
    read_records as read_records,
)
from .persons import refuse_patient as refuse_patient, sort_naturally as sort_naturally
from .plain_numbers import parse_number as parse_number
from .planted_truth import make_encodable as make_encodable
from .public_collection import (
    COMMIT as COMMIT,
    LICENCE_NOTICE as LICENCE_NOTICE,
    fetch_collection as fetch_collection,
)
from .regions import UNKNOWN as UNKNOWN
from .states import (
    GOOD_REASONS as GOOD_REASONS,
    STATE_TITLES as STATE_TITLES,
    describe_state as describe_state,
)
from .usable_images import (
    RunReport as RunReport,
    count_run as count_run,
    locate_files as locate_files,
)
from .values import (
    Reading as Reading,
    read_column as read_column,
    read_dates as read_dates,
    read_value as read_value,
)
