"""Images of a cohort as pictures for the viewer: address, words, overlays."""

import pandas as pd

from cxrlib.charts.style import format_day
from cxrlib.cohort import Cohort
from cxrlib.display import lung_boxes
from ui.images.image_route import image_url
from ui.images.viewer import Picture

__all__ = ["describe_row", "make_picture"]


def make_picture(cohort: Cohort, slug: str, row: pd.Series, *, caption: str = "") -> Picture:
    """Make the picture of an image, its lung boxes and mask with it where there are any.

    Parameters
    ----------
    cohort : Cohort
    slug : str
        The name this server knows the cohort by.
    row : Series
        The image's row of the cohort's table, or of a map's points.
    caption : str
        Shown under the picture where the page does not name it.

    Raises
    ------
    SelectionError, ImageError
        If the cohort has no such image, or no file for it.
    """
    image_id = str(row["image_id"])
    cohort.image_path(image_id)  # raises before anything is asked for that cannot be shown
    words = "Synthetic chest X-ray" if cohort.is_synthetic else "Chest X-ray"
    return Picture(
        url=image_url(slug, image_id, "full"),
        preview_url=image_url(slug, image_id, "thumb"),
        alt=f"{words}: {describe_row(row)}",
        caption=caption,
        width=_pixels(row["width"]),
        height=_pixels(row["height"]),
        boxes=lung_boxes(cohort, image_id),
        mask_url=image_url(slug, image_id, "mask") if row["has_lung_mask"] else None,
        name=f"{slug}/{image_id}/{row['sha256']}",  # a file that changed is another picture
    )


def describe_row(row: pd.Series) -> str:
    """Describe an image in short: patient, day, view."""
    view = "view not recorded" if pd.isna(row["view"]) else row["view"]
    return f"Patient {row['patient_id']}, {describe_day(row['offset'])}, {view}"


def describe_day(offset: object) -> str:
    """Describe an image's day."""
    return format_day(None if pd.isna(offset) else float(offset))  # type: ignore[call-overload, arg-type]


def _pixels(value: object) -> int | None:
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]
