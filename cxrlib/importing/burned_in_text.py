"""Find letters that were drawn into an image's pixels, along its upper and lower edge.

Machines write names and dates into pixels with one value, the brightest or the darkest there is.
What is looked for is a line of at least `FEWEST_LETTERS` separate shapes of that one value, of one
height, on one baseline, close together. A side marker ("R", "AP") is shorter, bones and tubes do
not line up so.

What is not found: letters in another shade or blended with the image, letters blurred by lossy
compression, handwriting, letters on a plate that was X-rayed itself, less than five letters,
letters among noise that reaches their shade, and whatever stands in the middle. An image without a
finding is not thereby free of names.

**Measured** on every fourth X-ray of the real collection with 400 pixels a side (197 images, JPEG
and PNG): five are flagged, and all five have words drawn in ("SUPINE, AP"). A name, number or date
drawn into each at the upper or lower edge, black or white, is found in 97 % at letters of 24 or 40
pixels (fonts' sizes, smoothed edges) and in half at 14. Letters that are allowed to differ from the
extreme by 2 or 6 % of the range flag three and six times as many images, and find no more.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

EDGE = 0.25
"""Share of the height that is searched at either edge."""
FEWEST_LETTERS = 5
MOST_SHAPES = 2000
"""At an edge: more are noise that reaches the extreme, in which some would line up by chance."""
LOWEST, HIGHEST = 6, 160
"""Height of a letter, pixels."""

Box = tuple[int, int, int, int]
"""Top, bottom, left and right of a shape, pixels."""


def find_text(pixels: NDArray[np.uint16]) -> bool:
    """Tell whether a line of letters is drawn at an edge of an image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint16
    """
    n_rows = max(1, int(len(pixels) * EDGE))
    extremes = (pixels.max(), pixels.min())
    return any(
        _has_line(_find_shapes(strip == value))
        for strip in (pixels[:n_rows], pixels[-n_rows:])
        for value in extremes
    )


def _find_shapes(marked: NDArray[np.bool_]) -> list[Box]:
    """List the connected shapes that may be letters, from left to right."""
    from scipy import ndimage

    if np.count_nonzero(marked) < FEWEST_LETTERS * LOWEST:
        return []
    labelled, n_shapes = ndimage.label(marked, np.ones((3, 3)))
    if not 0 < n_shapes <= MOST_SHAPES:
        return []
    sizes = np.bincount(labelled.ravel())
    places = ndimage.find_objects(labelled)
    boxes = []
    for number in np.flatnonzero((sizes >= LOWEST) & (sizes <= HIGHEST**2)):
        if number == 0:  # what is not marked
            continue
        rows, columns = places[number - 1]
        height, width = rows.stop - rows.start, columns.stop - columns.start
        filled = sizes[number] / (height * width)
        is_slim = width <= 2 * height and 12 * width >= height
        # A stroke fills its box ("I", "1"); other letters fill a part of theirs.
        is_drawn = filled >= 0.15 and (filled <= 0.85 or 3 * width <= height)
        if LOWEST <= height <= HIGHEST and is_slim and is_drawn:
            boxes.append((rows.start, rows.stop, columns.start, columns.stop))
    return sorted(boxes, key=lambda box: box[2])


def _has_line(boxes: list[Box]) -> bool:
    """Tell whether enough shapes of one height stand on one baseline, close together."""
    by_base: dict[int, list[Box]] = {}
    for box in boxes:
        by_base.setdefault(box[1], []).append(box)
    return any(
        _longest_run(
            sorted((b for near in (base, base + 1) for b in by_base.get(near, [])), key=_left)
        )
        >= FEWEST_LETTERS
        for base in by_base
    )


def _left(box: Box) -> int:
    return box[2]


def _longest_run(line: list[Box]) -> int:
    """Count the letters of the longest run without a wide gap or a change of height."""
    longest = run = min(1, len(line))
    for one, two in pairwise(line):
        heights = one[1] - one[0], two[1] - two[0]
        is_close = -2 <= two[2] - one[3] <= 2 * max(heights)
        # Small letters are some two thirds of a capital.
        run = run + 1 if is_close and min(heights) >= 0.55 * max(heights) else 1
        longest = max(longest, run)
    return longest
