"""The nearest images in an extractor's numbers, exactly, a block of rows at a time."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_nearest", "weigh_neighbours"]

Floats = NDArray[np.floating]
Places = NDArray[np.intp]

_BLOCK = 8_000_000  # distances at a time: 64 MB


def find_nearest(
    numbers: Floats,
    others: Floats,
    k: int,
    *,
    are_same: bool = False,
    groups: Places | None = None,
) -> tuple[Floats, Places]:
    """Find the k nearest rows of one table for each row of another.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows, n_columns)
    others : ndarray of shape (n_others, n_columns)
        Ties go by their order: sort them by something of their own.
    k : int
        Fewer are found where there are fewer.
    are_same : bool, default False
        Both are one table, and no row is a neighbour of itself; a copy of it is.
    groups : ndarray of int, shape (n_others,), optional
        Of one table: no row is a neighbour of one of its own group. Where there are fewer than k
        others, the distances end in infinities.

    Returns
    -------
    distances : ndarray of shape (n_rows, k), float64
        Euclidean, rising.
    places : ndarray of shape (n_rows, k), int
        Rows of `others`.
    """
    k = max(min(k, len(others) - (are_same or groups is not None)), 0)
    distances, places = np.zeros((len(numbers), k)), np.zeros((len(numbers), k), dtype=np.intp)
    if not k or not len(numbers):
        return distances, places
    # The mean goes first: squares of large numbers would leave few digits for the difference.
    mean = others.mean(axis=0, dtype=np.float64)
    one, two = numbers - mean, others - mean
    of_one, of_two = (one**2).sum(axis=1), (two**2).sum(axis=1)
    step = max(_BLOCK // len(others), 1)
    for start in range(0, len(one), step):
        rows = slice(start, start + step)
        scale = of_one[rows, None] + of_two[None, :]
        squares = scale - 2 * (one[rows] @ two.T)
        # Rounding leaves some 1e-16 of the squares: equal numbers shall be nought apart.
        squares[squares < 1e-12 * scale] = 0
        if groups is not None:
            squares[groups[rows, None] == groups[None, :]] = np.inf
        elif are_same:
            squares[np.arange(len(squares)), np.arange(start, start + len(squares))] = np.inf
        found = _take_least(squares, k)
        places[rows] = found
        distances[rows] = np.sqrt(np.take_along_axis(squares, found, axis=1))
    return distances, places


def _take_least(values: Floats, k: int) -> Places:
    """Return the columns of the k least values of each row, rising; ties by column."""
    limit = np.partition(values, k - 1, axis=1)[:, k - 1 : k]
    rows, columns = np.nonzero(values <= limit)
    order = np.lexsort((columns, values[rows, columns], rows))
    starts = np.searchsorted(rows, np.arange(len(values)))
    return columns[order][starts[:, None] + np.arange(k)[None, :]]


def weigh_neighbours(distances: Floats) -> Floats:
    """Give each row of distances weights that sum to 1: 1 / distance.

    Where some are nought, only these count, alike.

    Examples
    --------
    >>> weigh_neighbours(np.array([[1.0, 3.0], [0.0, 3.0]])).round(2).tolist()
    [[0.75, 0.25], [1.0, 0.0]]
    """
    touching = distances == 0
    with np.errstate(divide="ignore"):
        weights = np.where(touching.any(axis=1, keepdims=True), touching, 1 / distances)
    return weights / weights.sum(axis=1, keepdims=True)
