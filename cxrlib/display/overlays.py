"""Overlays of an image: lung boxes and the lung mask, laid over it whatever its size now.

Annotations are in the pixels of the image as it was annotated. A file may have been resized
since, so places are given as fractions of the image. A file that was cropped since has other
proportions: then nothing can be laid over it, and a sentence says so.
"""

import functools
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from cxrlib.cohort import (
    BOXES_FILE,
    MASKS_FOLDER,
    Cohort,
    ProblemLog,
    find_lung_masks,
    read_lung_boxes,
)
from cxrlib.errors import ImageError, SelectionError
from cxrlib.images import decode_image, read_image_bytes
from cxrlib.storage import leaves_cohort

OVERLAY_COLOUR = "#F0E442"
"""Yellow of Okabe and Ito: seen on black, grey and white, and neither a state's nor a region's."""
FILL_ALPHA, EDGE_ALPHA = 32, 235  # of 255: the lung stays readable under its mask
MASK_SIDE = 1024  # pixels; masks are smooth, and 4280 pixels a side are served slowly
# Resizing rounds to whole pixels and changes proportions by 0.1 % in the public collection; the
# two images that were cropped after they were annotated differ by 7 and 12 %.
PROPORTION = 0.01
ROUNDING = 1.5  # pixels


@dataclass(frozen=True)
class Box:
    """Hold a named rectangle on an image, in fractions of its width and height.

    Parameters
    ----------
    label : str
        What it marks, as the annotation names it.
    left, top, width, height : float
        From 0 to 1, the origin at the upper left; all within the image.
    """

    label: str
    left: float
    top: float
    width: float
    height: float


def lung_boxes(cohort: Cohort, image_id: str) -> list[Box]:
    """Read the lung boxes of an image; none if it has none or they do not fit.

    Parts outside the image are cut off.

    Raises
    ------
    SelectionError
        If the cohort has no such image.
    """
    row = _find_row(cohort, image_id)
    boxes = [_to_box(box) for box in _boxes_of(cohort, row) if _fits(row, *box[5:])]
    return [box for box in boxes if box.width > 0 and box.height > 0]


def mask_png(cohort: Cohort, image_id: str) -> bytes:
    """Encode the lung mask of an image as an overlay: tinted lungs with an outline.

    Returns
    -------
    bytes
        A PNG with transparency, at most 1024 pixels a side, in the proportions of the image;
        transparent outside the lungs.

    Raises
    ------
    SelectionError
        If the cohort has no such image, or the image has no mask.
    ImageError
        If the mask cannot be read, or was drawn on an image of other proportions.
    """
    row = _find_row(cohort, image_id)
    mask = _read_mask(cohort, row)
    if mask is None:
        raise SelectionError(f"Image {image_id!r} has no lung mask. Show the image without it.")
    height, width = mask.shape
    if not _fits(row, width, height):
        why = _describe_size("its lung mask was", row, width, height)
        raise ImageError(Path(str(row["filename"])), why)
    return _encode(_shrink(mask))


def describe_misfit(cohort: Cohort, image_id: str) -> str:
    """Describe why annotations do not fit an image; "" if they do or there are none.

    Raises
    ------
    SelectionError
        If the cohort has no such image.
    """
    row = _find_row(cohort, image_id)
    for box in _boxes_of(cohort, row):
        if not _fits(row, *box[5:]):
            return f"Lung boxes are not shown: {_describe_size('they were', row, *box[5:])}."
    return ""


# ---- the cohort's rows


#: What overlays need of an image's row; all fifty columns would take ten times as long.
ROW_COLUMNS = ["filename", "width", "height", "has_lung_box", "has_lung_mask"]


def _find_row(cohort: Cohort, image_id: str) -> pd.Series:
    found = np.flatnonzero(cohort.table["image_id"] == image_id)
    if not len(found):
        raise SelectionError(
            f"Cohort {cohort.name!r} has no image {image_id!r}. Give one of its image ids."
        )
    cells = {name: cohort.table[name].iat[found[0]] for name in ROW_COLUMNS}
    return pd.Series(cells, dtype=object)


def _fits(row: pd.Series, width: float, height: float) -> bool:
    """Tell whether an annotated size has the proportions of the file, rounding allowed for."""
    if pd.isna(row["width"]) or pd.isna(row["height"]):
        return True  # images were not inspected: there is nothing to compare with
    wide, high = float(row["width"]), float(row["height"])
    expected = wide * height / width
    return abs(expected - high) <= max(ROUNDING, ROUNDING * height / width, PROPORTION * high)


def _describe_size(what: str, row: pd.Series, width: float, height: float) -> str:
    return (
        f"{what} drawn on an image of {width:.0f} x {height:.0f} pixels, and the file has "
        f"{row['width']} x {row['height']}, so it was cropped since"
    )


# ---- boxes

_Row = tuple[str, float, float, float, float, float, float]


def _boxes_of(cohort: Cohort, row: pd.Series) -> Iterable[_Row]:
    """Return side, left, top, width, height, annotated width, annotated height of each box."""
    if not row["has_lung_box"]:
        return ()
    table = cohort.table
    names = tuple(table.loc[table["has_lung_box"], "filename"])
    changed = _changed(cohort.root / BOXES_FILE)
    return _load_boxes(cohort.root, names, changed).get(row["filename"], ())


@functools.lru_cache(maxsize=4)
def _load_boxes(root: Path, names: tuple[str, ...], changed: int) -> dict[str, list[_Row]]:
    """Read all boxes of a cohort once; ``changed`` makes an edited file read again."""
    boxes: dict[str, list[_Row]] = {}
    # What is wrong with the file stands in the cohort's problems already.
    for filename, *box in read_lung_boxes(root, names, ProblemLog()).itertuples(
        index=False, name=None
    ):
        boxes.setdefault(filename, []).append(tuple(box))
    return boxes


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _to_box(box: _Row) -> Box:
    side, left, top, width, height, image_width, image_height = box
    x = np.clip([left / image_width, (left + width) / image_width], 0, 1)
    y = np.clip([top / image_height, (top + height) / image_height], 0, 1)
    return Box(side, float(x[0]), float(y[0]), float(x[1] - x[0]), float(y[1] - y[0]))


# ---- masks


def _read_mask(cohort: Cohort, row: pd.Series) -> NDArray[np.bool_] | None:
    """Read a mask as True on the lungs; None if there is none."""
    # The column knows more than a selection's rows: a mask that two images of the whole cohort
    # could own is nobody's.
    if not row["has_lung_mask"]:
        return None
    table = cohort.table
    names = tuple(table.loc[table["has_lung_mask"], "filename"])
    changed = _changed(cohort.root / MASKS_FOLDER)
    file = _locate_masks(cohort.root, names, changed).get(row["filename"])
    if file is None:
        return None
    path = cohort.root / file
    if leaves_cohort(cohort.root, path):  # looked at again: it may have changed since
        raise ImageError(path, "the file is a link that leaves the folder")
    pixels = decode_image(read_image_bytes(path), path)
    return pixels > np.iinfo(pixels.dtype).max // 2


@functools.lru_cache(maxsize=4)
def _locate_masks(root: Path, names: tuple[str, ...], changed: int) -> dict[str, str]:
    """List the masks of a cohort once; ``changed`` makes an edited folder be listed again."""
    return find_lung_masks(root, names, ProblemLog())


def _shrink(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Resize to at most `MASK_SIDE` pixels a side; a pixel is lung if half of it was."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    scale = min(1.0, MASK_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BOX)) >= 128


def _encode(mask: NDArray[np.bool_]) -> bytes:
    """Encode as RGBA: a faint fill and a firm edge of two thousandths of the longer side."""
    inner = mask
    for _ in range(max(1, round(max(mask.shape) / 500))):
        inner = _erode(inner)
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[mask, :3] = tuple(bytes.fromhex(OVERLAY_COLOUR[1:]))
    pixels[..., 3] = np.where(inner, FILL_ALPHA, np.where(mask, EDGE_ALPHA, 0))
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="PNG", compress_level=6)
    return target.getvalue()


def _erode(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take one pixel off each side; beyond the border counts as lung: no edge is drawn there."""
    padded = np.pad(mask, 1, constant_values=True)
    across = padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & across & padded[:-2, 1:-1] & padded[2:, 1:-1]
