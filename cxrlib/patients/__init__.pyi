from .day_axis import (
    DayAxis as DayAxis,
    format_axis_day as format_axis_day,
    lay_out_axis as lay_out_axis,
)
from .neighbour_states import (
    NEAREST as NEAREST,
    PathShares as PathShares,
    describe_image_share as describe_image_share,
    describe_path_shares as describe_path_shares,
    path_shares as path_shares,
    tabulate_shares as tabulate_shares,
)
from .output_courses import (
    Noise as Noise,
    OutputCourse as OutputCourse,
    choose_outputs as choose_outputs,
    compare_outputs as compare_outputs,
    course_table as course_table,
    describe_course as describe_course,
    estimate_noise as estimate_noise,
    format_value as format_value,
    output_course as output_course,
)
from .patient_facts import (
    MEASURES as MEASURES,
    UNDATED as UNDATED,
    describe_doubt as describe_doubt,
    lab_table as lab_table,
    list_undated_facts as list_undated_facts,
)
from .patient_list import (
    choose_opening_patient as choose_opening_patient,
    select_patients as select_patients,
    suggest_patients_of_paper as suggest_patients_of_paper,
    summarise_patients as summarise_patients,
)
from .prior_pairs import (
    SIDES as SIDES,
    Pair as Pair,
    PairFacts as PairFacts,
    choose_pair as choose_pair,
    compare_pair as compare_pair,
    describe_pair as describe_pair,
    find_sides as find_sides,
    pair_image as pair_image,
)
from .similar_patients import (
    SimilarPatients as SimilarPatients,
    describe_similar_patients as describe_similar_patients,
    find_similar_patients as find_similar_patients,
    list_notes as list_notes,
)
from .thumbnail_layout import GAP as GAP
from .timeline import (
    CHARACTER as CHARACTER,
    LONG_CHARACTER as LONG_CHARACTER,
    NARROW as NARROW,
    TEXT_LINE as TEXT_LINE,
    Mark as Mark,
    Tile as Tile,
    Timeline as Timeline,
    describe_mark as describe_mark,
    describe_timeline as describe_timeline,
    find_clock as find_clock,
    lay_out_timeline as lay_out_timeline,
    timeline_table as timeline_table,
)
