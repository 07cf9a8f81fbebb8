from .figure_parts import (
    make_benefit_part as make_benefit_part,
    make_confusion_part as make_confusion_part,
    make_curve_part as make_curve_part,
    make_refit_part as make_refit_part,
    make_reliability_part as make_reliability_part,
)
from .html_tables import make_publication_html as make_publication_html
from .image_export import (
    ImagePack as ImagePack,
    describe_pictures as describe_pictures,
    pack_images as pack_images,
    pictures_for_export as pictures_for_export,
    placeholders as placeholders,
    plan_pack as plan_pack,
)
from .map_export import (
    MapDrawing as MapDrawing,
    MapWish as MapWish,
    describe_overlay as describe_overlay,
    describe_rings as describe_rings,
    describe_story as describe_story,
    map_page as map_page,
    points_table as points_table,
    stops_table as stops_table,
    write_map_figure as write_map_figure,
    write_map_page as write_map_page,
    write_map_table as write_map_table,
)
from .patient_record import (
    TITLES as TITLES,
    find_images as find_images,
    record_csv as record_csv,
    record_json as record_json,
    record_table as record_table,
)
from .provenance import (
    csv_with_header as csv_with_header,
    list_provenance as list_provenance,
    write_export as write_export,
)
from .report_part import ReportPart as ReportPart
from .reporting_checklists import AUTHOR as AUTHOR, answer_items as answer_items
from .run_documents import (
    format_document as format_document,
    make_comparison_document as make_comparison_document,
    make_runs_document as make_runs_document,
)
from .run_manifest import make_manifest as make_manifest
from .run_page_sections import (
    describe_shift_model as describe_shift_model,
    gather_checks as gather_checks,
    gather_parts as gather_parts,
    make_calibration_part as make_calibration_part,
    make_influence_part as make_influence_part,
    make_null_part as make_null_part,
    make_shift_part as make_shift_part,
    make_steps_part as make_steps_part,
    make_subgroups_part as make_subgroups_part,
)
from .run_report import (
    make_run_document as make_run_document,
    make_run_report as make_run_report,
    pack_report as pack_report,
)
from .run_series import (
    list_series as list_series,
    list_shortcuts as list_shortcuts,
    make_series as make_series,
)
