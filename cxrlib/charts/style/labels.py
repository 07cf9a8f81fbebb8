"""Where labels go beside the points of a path, so that they cover neither it nor each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Gaps between a point and the near edge of its label, in pixels, in order of preference.
GAPS = (11.0, 24.0, 40.0, 60.0, 84.0)
N_DIRECTIONS = 16
#: Costs, in pixels of extra gap that would be taken instead: covering a square pixel of another
#: label, a dot of a path (one each 8 pixels), and leaving the frame.
LABEL_COST, PATH_COST, FRAME_COST = 2.0, 6.0, 1000.0


def place_labels(
    points: NDArray[np.floating],
    sizes: NDArray[np.floating],
    *,
    obstacles: NDArray[np.floating],
    frame: tuple[float, float, float, float],
    narrowest: float = 1.0,
) -> NDArray[np.float64]:
    """Place one label a point, one after the other, each where it costs least.

    Parameters
    ----------
    points : ndarray of shape (n_labels, 2)
        What the labels belong to, in pixels.
    sizes : ndarray of shape (n_labels, 2)
        Width and height of each label, in pixels.
    obstacles : ndarray of shape (n_obstacles, 2)
        Dots along paths that should stay uncovered, in pixels.
    frame : tuple of float
        ``(x_min, x_max, y_min, y_max)`` to stay in, in pixels.
    narrowest : float, default 1
        Share of this size that the narrowest screen shows, where labels stay in the frame too.

    Returns
    -------
    ndarray of shape (n_labels, 2)
        Offset of each label's centre from its point, in pixels.
    """
    boxes: list[tuple[float, float, float, float]] = []
    offsets = np.zeros((len(points), 2))
    for row, (point, size) in enumerate(zip(points, sizes, strict=True)):
        gaps, candidates = _candidates(np.asarray(size, dtype=np.float64))
        outside = [
            _leaves_frame(share * np.array(point) + candidates, size, share * np.array(frame))
            for share in (1.0, narrowest)
        ]
        costs = gaps + _costs(point + candidates, size, obstacles, boxes)
        costs += FRAME_COST * np.logical_or(*outside)
        offsets[row] = candidates[int(np.argmin(costs))]
        boxes.append(_box(point + offsets[row], size))
    return offsets


def _candidates(size: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gaps (n,) and offsets (n, 2) round a point, the nearest first, from the right."""
    angles = np.arange(N_DIRECTIONS) * 2 * np.pi / N_DIRECTIONS
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    gaps = np.repeat(GAPS, N_DIRECTIONS)
    # The centre lies where a ray leaves the label's box grown by the gap.
    grown = size / 2 + np.array(GAPS)[:, np.newaxis, np.newaxis]
    reach = np.min(grown / np.maximum(np.abs(directions), 1e-9), axis=-1, keepdims=True)
    return gaps, (directions * reach).reshape(-1, 2)


def _box(
    centre: NDArray[np.floating], size: NDArray[np.floating]
) -> tuple[float, float, float, float]:
    """Return a label's box as (x_min, x_max, y_min, y_max)."""
    (x, y), (width, height) = centre, size
    return x - width / 2, x + width / 2, y - height / 2, y + height / 2


def _costs(
    centres: NDArray[np.floating],
    size: NDArray[np.floating],
    obstacles: NDArray[np.floating],
    boxes: Sequence[tuple[float, float, float, float]],
) -> NDArray[np.float64]:
    """Return what it costs to put a label at each centre, shape (n,), in pixels of gap."""
    x_min, y_min = (centres - np.asarray(size) / 2).T
    x_max, y_max = (centres + np.asarray(size) / 2).T
    # Rows are centres, columns are obstacles.
    x, y = obstacles[:, 0], obstacles[:, 1]
    covered = (x > x_min[:, np.newaxis] - 3) & (x < x_max[:, np.newaxis] + 3)
    covered &= (y > y_min[:, np.newaxis] - 3) & (y < y_max[:, np.newaxis] + 3)
    costs = PATH_COST * covered.sum(axis=1)
    for left, right, low, high in boxes:
        width = np.minimum(x_max, right) - np.maximum(x_min, left)
        height = np.minimum(y_max, high) - np.maximum(y_min, low)
        costs += LABEL_COST * np.maximum(width, 0.0) * np.maximum(height, 0.0)
    return costs


def _leaves_frame(
    centres: NDArray[np.floating], size: NDArray[np.floating], frame: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell at which centres a label is not wholly inside the frame."""
    half = np.asarray(size) / 2
    is_beyond = (centres - half < frame[::2]) | (centres + half > frame[1::2])
    return is_beyond[:, 0] | is_beyond[:, 1]
