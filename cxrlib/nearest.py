"""The nearest images in an extractor's numbers, exactly, a block of rows at a time."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_nearest", "weigh_neighbours"]

Floats = NDArray[np.floating]
Places = NDArray[np.intp]

_BLOCK = 2_000_000  # distances at a time: 16 MB


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
    one, two = (np.asarray(table, dtype=np.float64) for table in (numbers, others))
    # The mean goes first: squares of large numbers would leave few digits for the difference.
    mean = two.mean(axis=0)
    near, far = one - mean, two - mean
    of_near, of_far = (near**2).sum(axis=1), (far**2).sum(axis=1)
    doubt = 1e-9 * (of_near[:, None] + of_far.max())  # of rounding, with much to spare
    step = max(_BLOCK // len(two), 1)
    for start in range(0, len(one), step):
        rows = slice(start, start + step)
        squares = near[rows] @ far.T
        squares *= -2  # in place: the table is large
        squares += of_far
        squares += of_near[rows, None]
        if groups is not None:
            squares[groups[rows, None] == groups[None, :]] = np.inf
        elif are_same:
            squares[np.arange(len(squares)), np.arange(start, start + len(squares))] = np.inf
        distances[rows], places[rows] = _take_least(squares, doubt[rows], one[rows], two, k)
    return distances, places


def _take_least(
    squares: Floats, doubt: Floats, one: Floats, two: Floats, k: int
) -> tuple[Floats, Places]:
    """Return the k least distances of each row, rising, and their columns; ties by column.

    What rounding could have put among them is measured anew, pair by pair: equal pairs are then
    equally far, and the same for any order of the rows.
    """
    limit = np.partition(squares, k - 1, axis=1)[:, k - 1 : k]
    rows, columns = np.nonzero(squares <= limit + doubt)
    exact = np.sqrt(((one[rows] - two[columns]) ** 2).sum(axis=1))
    exact[np.isinf(squares[rows, columns])] = np.inf
    order = np.lexsort((columns, exact, rows))
    starts = np.searchsorted(rows, np.arange(len(squares)))
    kept = order[starts[:, None] + np.arange(k)[None, :]]
    return exact[kept], columns[kept]


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
