from .contact_sheet import (
    ORDERS as ORDERS,
    PER_PAGE as PER_PAGE,
    SheetPage as SheetPage,
    cut_page as cut_page,
    find_page as find_page,
    order_images as order_images,
)
from .overlays import (
    Box as Box,
    describe_misfit as describe_misfit,
    lung_boxes as lung_boxes,
    mask_png as mask_png,
)
from .thumbnails import (
    FULL_VERSION as FULL_VERSION,
    THUMBNAIL_SIDE as THUMBNAIL_SIDE,
    THUMBNAIL_VERSION as THUMBNAIL_VERSION,
    compute_thumbnails as compute_thumbnails,
    encode_full as encode_full,
    list_thumbnails as list_thumbnails,
    load_thumbnail as load_thumbnail,
    read_thumbnail as read_thumbnail,
)
from .tokens import check as check, choose_expiry as choose_expiry, sign as sign
