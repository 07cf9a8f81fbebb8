from .articles import list_articles as list_articles
from .counts import (
    VIEW_COLUMNS as VIEW_COLUMNS,
    Summary as Summary,
    select_counted as select_counted,
    select_published as select_published,
    summarise as summarise,
)
from .distributions import (
    list_ages as list_ages,
    list_image_sizes as list_image_sizes,
    list_offsets as list_offsets,
)
from .geography import (
    Outline as Outline,
    load_outlines as load_outlines,
    place_counts as place_counts,
    project as project,
)
from .group_comparison import (
    Comparison as Comparison,
    compare_groups as compare_groups,
    compare_numbers as compare_numbers,
    compare_recorded as compare_recorded,
    split_by_column as split_by_column,
    split_by_selection as split_by_selection,
)
from .groupings import GROUPINGS as GROUPINGS
from .missingness import (
    RECORDED_COLUMNS as RECORDED_COLUMNS,
    describe_missingness as describe_missingness,
)
from .paper_comparison import (
    VERDICTS as VERDICTS,
    compare_published as compare_published,
    describe_comparison as describe_comparison,
    format_number as format_number,
    list_unpublished_rows as list_unpublished_rows,
)
from .paper_counts import count_published as count_published
from .summary_layout import lay_out_summary as lay_out_summary
from .table_layout import (
    Bar as Bar,
    Cell as Cell,
    Column as Column,
    Row as Row,
    TableLayout as TableLayout,
    lay_out_frame as lay_out_frame,
)
from .table_one import make_table_one as make_table_one
from .units import UNITS as UNITS
