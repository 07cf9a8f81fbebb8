from .flags import FLAGS as FLAGS, list_flags as list_flags
from .ledger import (
    UPSTREAM as UPSTREAM,
    Ledger as Ledger,
    effect_of_leaving_out as effect_of_leaving_out,
    find_flags as find_flags,
    get_rule as get_rule,
    mark_images as mark_images,
    upstream_report as upstream_report,
)
