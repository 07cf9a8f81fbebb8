"""Images that leave the program: scaled copies in figures, unmodified files in an archive.

Both ask each image's licence first (`cxrlib.licences`), and both name what they leave out.
"""

from dataclasses import dataclass

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.store import Store

__all__ = ["ImagePack", "pack_images", "pictures_for_export"]

PICTURE_SIDE = 256  # pixels


@dataclass(frozen=True)
class ImagePack:
    """Hold an archive of images and what is in it.

    Parameters
    ----------
    data : bytes
        A ZIP file: images/, CREDITS.csv, README.txt.
    contents : DataFrame
        Its CREDITS.csv: image_id, file (its name in the archive, "" where it is left out),
        left_out (why), credit and licence columns; a row an image asked for.
    """

    data: bytes
    contents: pd.DataFrame


def pictures_for_export(
    cohort: Cohort, store: Store, rows: pd.DataFrame, *, side: int = PICTURE_SIDE
) -> dict[str, str]:
    """Return scaled pictures (``data:`` addresses) of images whose licence lets these go out."""
    raise NotImplementedError


def pack_images(cohort: Cohort, rows: pd.DataFrame, *, title: str = "") -> ImagePack:
    """Pack the unmodified files of images whose licence lets these go out into a ZIP file."""
    raise NotImplementedError
