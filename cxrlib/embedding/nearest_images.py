"""The nearest images in an extractor's numbers, exactly, a block of rows at a time."""

import numpy as np
from numpy.typing import NDArray

from cxrlib.aliases import Floats

Places = NDArray[np.intp]

_BLOCK = 2_000_000  # distances at a time: 16 MB
_GROUPS = 512  # of columns, of which the least are compared first
_MEASURED_BLOCK = 4_000_000  # numbers of pairs that are measured anew at a time: 32 MB


def find_nearest(
    numbers: Floats,
    others: Floats,
    k: int,
    *,
    are_same: bool = False,
    groups: tuple[Places, Places] | None = None,
) -> tuple[Floats, Places]:
    """Find the k nearest rows of one table for each row of another.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows, n_columns)
    others : ndarray of shape (n_others, n_columns)
        Ties go by their order: sort them by something of their own. Where both tables are in
        single precision half the memory is taken; what is found is the same.
    k : int
        Fewer are found where there are fewer.
    are_same : bool, default False
        Both are one table, and no row is a neighbour of itself; a copy of it is.
    groups : tuple of ndarray of int, shapes (n_rows,) and (n_others,), optional
        The group of each row of both tables: none is a neighbour of one of its own group. Where
        there are fewer than k others, the distances end in infinities.

    Returns
    -------
    distances : ndarray of shape (n_rows, k), float64
        Euclidean, rising.
    places : ndarray of shape (n_rows, k), int
        Rows of `others`.
    """
    k = max(min(k, len(others) - are_same), 0)
    distances, places = np.zeros((len(numbers), k)), np.zeros((len(numbers), k), dtype=np.intp)
    if not k or not len(numbers):
        return distances, places
    is_single = numbers.dtype == others.dtype == np.float32
    kind = np.float32 if is_single else np.float64
    # The mean goes first: squares of large numbers would leave few digits for the difference.
    mean = others.mean(axis=0, dtype=np.float64)
    near, far = _centre(numbers, mean, kind), _centre(others, mean, kind)
    of_near, of_far = (near**2).sum(axis=1), (far**2).sum(axis=1)
    # Squares of distances less a row's own square: it changes no order, and one product does it.
    one = np.column_stack([-2 * near, np.ones(len(near), dtype=kind)])
    two = np.column_stack([far, of_far]).T
    # What rounding may have done, with much to spare.
    doubt = 4 * np.sqrt(near.shape[1]) * np.finfo(kind).eps if is_single else 1e-9
    step = max(_BLOCK // len(others), 1)
    for start in range(0, len(numbers), step):
        rows = slice(start, start + step)
        squares = one[rows] @ two
        if groups is not None:
            squares[groups[0][rows, None] == groups[1][None, :]] = np.inf
        elif are_same:
            squares[np.arange(len(squares)), np.arange(start, start + len(squares))] = np.inf
        off = doubt * (of_near[rows, None] + of_far.max())
        distances[rows], places[rows] = _take_least(squares, off, numbers[rows], others, k)
    return distances, places


def _centre(table: Floats, mean: Floats, kind: type[np.floating]) -> Floats:
    """Take the mean away, a block at a time: in double precision, whatever is kept."""
    centred: Floats = np.empty(table.shape, dtype=kind)
    step = max(_BLOCK // max(table.shape[1], 1), 1)
    for start in range(0, len(table), step):
        np.subtract(table[start : start + step], mean, out=centred[start : start + step])
    return centred


def _take_least(
    squares: Floats, doubt: Floats, one: Floats, two: Floats, k: int
) -> tuple[Floats, Places]:
    """Return the k least distances of each row, rising, and their columns; ties by column.

    What rounding could have put among them is measured anew, pair by pair: equal pairs are then
    equally far, and the same for any order of the rows.
    """
    limit = _bound_least(squares, k)
    rows, columns = np.nonzero(squares <= limit + doubt)
    exact = _measure_pairs(one, two, rows, columns)
    exact[np.isinf(squares[rows, columns])] = np.inf
    order = np.lexsort((columns, exact, rows))
    starts = np.searchsorted(rows, np.arange(len(squares)))
    kept = order[starts[:, None] + np.arange(k)[None, :]]
    return exact[kept], columns[kept]


def _bound_least(squares: Floats, k: int) -> Floats:
    """Bound the k-th least of each row from above, shape (n_rows, 1): it is, or is less.

    The least of each of many groups of columns are that many of the row: the k-th least of them
    is found many times faster than that of a long row.
    """
    n_groups = max(4 * k, _GROUPS)
    n_deep = squares.shape[1] // n_groups
    if n_deep > 1:
        deep = squares[:, : n_groups * n_deep].reshape(len(squares), n_deep, n_groups)
        squares = deep.min(axis=1)
    return np.partition(squares, k - 1, axis=1)[:, k - 1 : k]


def _measure_pairs(one: Floats, two: Floats, rows: Places, columns: Places) -> Floats:
    """Measure pairs of rows in double precision: there can be many where much is alike."""
    found = np.empty(len(rows))
    step = max(_MEASURED_BLOCK // max(two.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        apart = one[rows[part]].astype(np.float64) - two[columns[part]]
        found[part] = np.sqrt((apart**2).sum(axis=1))
    return found


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
