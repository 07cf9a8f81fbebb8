from .flags import FLAGS as FLAGS, list_flags as list_flags
from .ledger import (
    UPSTREAM as UPSTREAM,
    Ledger as Ledger,
    count_without_flagged as count_without_flagged,
    find_flags as find_flags,
    get_rule as get_rule,
    make_maintainer_report as make_maintainer_report,
    mark_images as mark_images,
)
