from .filters import (
    FILTERS as FILTERS,
    LAST as LAST,
    find_reasons as find_reasons,
    format_plain_number as format_plain_number,
    get_filter as get_filter,
    list_choices as list_choices,
    list_levels as list_levels,
    list_numbers as list_numbers,
)
from .range_ends import (
    exclude_high as exclude_high,
    exclude_low as exclude_low,
    read_comparison as read_comparison,
    split_high as split_high,
    split_low as split_low,
)
from .selection import (
    OPEN_ENDS as OPEN_ENDS,
    Loosening as Loosening,
    Selection as Selection,
    check_selection as check_selection,
    explain_out as explain_out,
    find_all_reasons as find_all_reasons,
    find_loosening as find_loosening,
    parse_where as parse_where,
    select as select,
)
