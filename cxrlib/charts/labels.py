"""Where labels go beside the points of a path, so that they cover neither it nor each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["place_labels"]

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
    taken: Sequence[tuple[float, float, float, float]] = (),
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
    taken : sequence of tuple of float
        Boxes ``(x_min, x_max, y_min, y_max)`` of labels placed before.

    Returns
    -------
    ndarray of shape (n_labels, 2)
        Offset of each label's centre from its point, in pixels.
    """
    boxes = list(taken)
    offsets = np.zeros((len(points), 2))
    for row, (point, size) in enumerate(zip(points, sizes, strict=True)):
        candidates = _candidates(np.asarray(size, dtype=np.float64))
        costs = [
            gap + _cost(point + offset, size, obstacles, frame, boxes) for gap, offset in candidates
        ]
        offsets[row] = candidates[int(np.argmin(costs))][1]
        boxes.append(_box(point + offsets[row], size))
    return offsets


def _candidates(size: NDArray[np.float64]) -> list[tuple[float, NDArray[np.float64]]]:
    """Return gaps and offsets round a point, the nearest first, starting at the right."""
    angles = np.arange(N_DIRECTIONS) * 2 * np.pi / N_DIRECTIONS
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    candidates = []
    for gap in GAPS:
        for direction in directions:
            # The centre lies where a ray leaves the label's box grown by the gap.
            reach = np.min((size / 2 + gap) / np.maximum(np.abs(direction), 1e-9))
            candidates.append((gap, direction * reach))
    return candidates


def _box(
    centre: NDArray[np.floating], size: NDArray[np.floating]
) -> tuple[float, float, float, float]:
    """Return a label's box as (x_min, x_max, y_min, y_max)."""
    (x, y), (width, height) = centre, size
    return x - width / 2, x + width / 2, y - height / 2, y + height / 2


def _cost(
    centre: NDArray[np.floating],
    size: NDArray[np.floating],
    obstacles: NDArray[np.floating],
    frame: tuple[float, float, float, float],
    boxes: Sequence[tuple[float, float, float, float]],
) -> float:
    """Return what it costs to put a label here, in pixels of gap."""
    x_min, x_max, y_min, y_max = _box(centre, size)
    x, y = obstacles[:, 0], obstacles[:, 1]
    covered = int(((x > x_min - 3) & (x < x_max + 3) & (y > y_min - 3) & (y < y_max + 3)).sum())
    cost = PATH_COST * covered
    for left, right, low, high in boxes:
        width = min(x_max, right) - max(x_min, left)
        height = min(y_max, high) - max(y_min, low)
        cost += LABEL_COST * max(width, 0.0) * max(height, 0.0)
    inside = x_min >= frame[0] and x_max <= frame[1] and y_min >= frame[2] and y_max <= frame[3]
    return cost + (0.0 if inside else FRAME_COST)
