"""The appearance of image files: format, colours, and what may have been drawn into them.

Cheap measures on small copies, made once for each content and kept in the store. They hint;
a person decides. What each one finds, and misses, was looked at on the real collection.

**Greys.** Distinct grey levels of the first channel, and the share of pixels that are nearly
black or nearly white. A radiograph has a hundred levels and more; a copy with a small palette
has a handful, and in a thresholded picture nearly all pixels are extremes. Images of 16 bits are
stretched first, as detectors often fill 12 of them.

**Coloured.** Share of pixels whose channels differ by more than 40 of 255. Some pixels: arrows
or labels in colour. Most pixels: a tinted screenshot.

**Upright.** Correlation of the signature (see `cxrlib.cohort.persons`) with a drawn chest: bright
middle and belly, dark lungs, dark corners. Frontal radiographs correlate positively; with
black and white swapped they correlate as much negatively.

**Letters.** Small bright or dark parts on another ground that stand in a row, at least three of
one height: the longest row's length. A side marker ("L") is no row. **Marks** are small, flat,
white or black parts away from the edges, where no side marker stands: arrow heads, numbers,
but also electrodes. Thin lines and faint letters are missed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from cxrlib.aliases import Progress
from cxrlib.cohort.image_measures import Measure, measure_images
from cxrlib.cohort.near_duplicates import SIDE as SIGNATURE_SIDE
from cxrlib.cohort.persons import compute_signature
from cxrlib.images import decode_described, read_image_bytes, to_eight_bits

if TYPE_CHECKING:
    from cxrlib.storage import Store

APPEARANCE = "appearance"
VERSION = "looks-512-v4"
"""Raised when a measure changes."""
APPEARANCE_COLUMNS = {
    "format": "str",
    "mode": "str",
    "n_greys": "int64",
    "extremes": "float64",
    "coloured": "float64",
    "upright": "float64",
    "n_letters": "int64",
    "n_marks": "int64",
}
LOOK_SIDE = 512
"""Longer side of the copy that is looked at, pixels."""
STROKE = 9
"""Widest stroke of a letter, pixels of the copy."""
CONTRAST = 80
"""Least difference of a letter to its ground, of 255."""
LETTER_HEIGHTS = (5, 32)
"""Heights of letters, pixels of the copy."""
MOST_PARTS = 3000
"""A picture that falls apart into more is noise: no row of letters is looked for."""


class Appearance(NamedTuple):
    """Hold the measures of one image: see the module.

    Parameters
    ----------
    format, mode : str
        As Pillow names them: "JPEG", "RGB".
    n_greys : int
        Distinct levels, of 256.
    extremes : float
        Share of pixels within 8 of 255 of black or white.
    coloured : float
        Share of pixels.
    upright : float
        In [-1, 1].
    n_letters, n_marks : int
    """

    format: str
    mode: str
    n_greys: int
    extremes: float
    coloured: float
    upright: float
    n_letters: int
    n_marks: int


def measure_appearance(data: bytes, path: Path) -> Appearance:
    """Measure one image.

    Parameters
    ----------
    data : bytes
        Of the file.
    path : Path
        For messages.

    Raises
    ------
    ImageError
        If the image cannot be decoded.
    """
    pixels, kind, mode, coloured = decode_described(data, path, side=LOOK_SIDE)
    upright = _correlate(compute_signature(pixels))
    greys = to_eight_bits(pixels)
    levels = np.bincount(greys.ravel(), minlength=256)
    extremes = float((levels[:9].sum() + levels[-9:].sum()) / levels.sum())
    copy = _shrink(greys)
    parts = [_find_parts(copy), _find_parts(255 - copy)]  # bright ones, dark ones
    letters = max(map(_count_letters, parts))
    marks = max(_count_marks(each, copy.shape) for each in parts)
    n_greys = int((levels > 0).sum())
    return Appearance(kind, mode, n_greys, extremes, coloured, upright, letters, marks)


def _shrink(pixels: np.ndarray) -> np.ndarray:
    """Scale to at most LOOK_SIDE pixels a side."""
    height, width = pixels.shape
    scale = LOOK_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


# ---- black and white


def _draw_chest() -> np.ndarray:
    """Draw what all frontal radiographs share, shape (64, 64), mean 0, length 1."""
    y, x = np.mgrid[0:1:64j, 0:1:64j]
    chest = np.full((SIGNATURE_SIDE, SIGNATURE_SIDE), 0.55)
    for middle in (0.28, 0.72):
        lung = ((x - middle) / 0.16) ** 2 + ((y - 0.45) / 0.3) ** 2
        chest -= 0.5 * np.exp(-(lung**2))
    chest += 0.35 * np.exp(-(((x - 0.52) / 0.1) ** 2))
    chest += 0.25 / (1 + np.exp(-(y - 0.75) / 0.05))
    edge = np.maximum(np.abs(x - 0.5) - 0.42, 0) + np.maximum(0.1 - y, 0)
    chest -= 4 * edge
    chest -= chest.mean()
    return np.asarray(chest / np.linalg.norm(chest))


_CHEST = _draw_chest()


def _correlate(signature: bytes) -> float:
    """Correlate a signature with the drawn chest; 0 without contrast."""
    if not signature:
        return 0.0
    cells = np.frombuffer(signature, np.uint8).astype(float)
    cells -= cells.mean()
    return float(cells @ _CHEST.ravel() / np.linalg.norm(cells))


# ---- letters and marks


class _Parts(NamedTuple):
    """Hold small bright parts: box (pixels), share of the box filled, mean value; one each."""

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray
    width: np.ndarray
    area: np.ndarray
    mean: np.ndarray

    def choose(self, keep: np.ndarray) -> "_Parts":
        """Keep some of the parts."""
        return _Parts(*(values[keep] for values in self))


def _slide(values: np.ndarray, pick: Callable[..., np.ndarray]) -> np.ndarray:
    """Take the least or greatest of STROKE neighbours along the first axis; edges repeat."""
    half, n = STROKE // 2, len(values)
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    # Doubling: of 2, of 4, of 8 neighbours, then the ninth. Ten times scipy's pace.
    reach = 1
    best = padded
    while 2 * reach <= STROKE:
        best = pick(best[:-reach], best[reach:])
        reach *= 2
    return np.asarray(pick(best[:n], best[STROKE - reach : STROKE - reach + n]))


def _open(copy: np.ndarray) -> np.ndarray:
    """Remove parts that are brighter than their ground and narrower than STROKE pixels."""
    opened = copy
    for pick in (np.minimum, np.maximum):
        for _ in range(2):  # rows, then columns
            opened = _slide(opened, pick).T
    return opened


def _find_parts(copy: np.ndarray) -> _Parts:
    """Find small bright parts."""
    from scipy import ndimage

    strokes = copy - np.minimum(_open(copy), copy) > CONTRAST
    labels, n_parts = ndimage.label(strokes, structure=np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    sides = np.array(
        [(b[0].start, b[1].start, b[0].stop - b[0].start, b[1].stop - b[1].start) for b in boxes]
    ).reshape(-1, 4)
    inside = labels[strokes]
    area = np.bincount(inside, minlength=n_parts + 1)[1:]
    total = np.bincount(inside, weights=copy[strokes], minlength=n_parts + 1)[1:]
    top, left, height, width = sides.T
    return _Parts(top, left, height, width, area, total / np.maximum(area, 1))


def _count_letters(parts: _Parts) -> int:
    """Count the letters of the longest row."""
    if len(parts.top) > MOST_PARTS:
        return 0
    low, high = LETTER_HEIGHTS
    filled = parts.area / (parts.height * parts.width)
    fits = (parts.height >= low) & (parts.height <= high) & (parts.width <= 1.6 * parts.height)
    letters = parts.choose(fits & (filled >= 0.2) & (filled <= 0.95))
    return _longest_row(letters.choose(np.argsort(letters.left, kind="stable")))


def _longest_row(parts: _Parts) -> int:
    """Count the parts of the longest row: the next one close by, of like height, on one line."""
    bottom, right = parts.top + parts.height, parts.left + parts.width
    longest = np.ones(len(bottom), int)
    for i in range(1, len(bottom)):
        tall = np.maximum(parts.height[i], parts.height[:i])
        gap = parts.left[i] - right[:i]
        near = (gap > -1) & (gap < 0.9 * tall) & (np.abs(bottom[i] - bottom[:i]) <= 0.25 * tall)
        near &= np.minimum(parts.height[i], parts.height[:i]) >= 0.65 * tall
        longest[i] += longest[:i][near].max(initial=0)
    return int(longest.max(initial=0))


def _count_marks(parts: _Parts, shape: tuple[int, ...]) -> int:
    """Count flat, nearly white parts away from the edges of an image of (height, width)."""
    rows, columns = parts.top / shape[0], parts.left / shape[1]
    middle = (rows >= 0.15) & (rows <= 0.85) & (columns >= 0.12) & (columns <= 0.88)
    size = (np.minimum(parts.height, parts.width) >= 4) & (
        np.maximum(parts.height, parts.width) <= 40
    )
    filled = parts.area / (parts.height * parts.width)
    return int((middle & size & (parts.mean >= 240) & (parts.area >= 20) & (filled >= 0.3)).sum())


# ---- all images of a cohort


def inspect_appearance(
    images: Mapping[str, Path],
    *,
    store: "Store | None" = None,
    on_progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure each image once; known ones come from the store.

    See `cxrlib.cohort.image_measures.measure_images` for the parameters.

    Returns
    -------
    DataFrame
        Columns `APPEARANCE_COLUMNS`, indexed by sha256; images that cannot be decoded are
        not in it.
    """
    return measure_images(_MEASURE, images, store=store, on_progress=on_progress)[0]


_MEASURE = Measure(
    kind=APPEARANCE,
    version=VERSION,
    stage="Looking at images",
    columns=APPEARANCE_COLUMNS,
    measure=lambda path: measure_appearance(read_image_bytes(path), path),
)
