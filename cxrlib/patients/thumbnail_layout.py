"""Where thumbnails hang below an axis of days: near their day, in order, none over another.

1. All in one row, each near its day, as large as fits, down to `ROW_SIDE`.
2. Else in columns below each other, at most `MOST_ROWS` high: images of one day first.
3. Where there are still too many columns for `LEAST_SIDE`, the nearest days share one; where
   that leaves images out although there is room, all columns are filled in order.
4. Of a column that is too full chosen images hang, then its first and its last, then the next;
   the rest are counted below.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["GAP", "Grid", "choose_grid", "hang", "spread"]

#: Least sides of thumbnails, pixels: in one row, and in columns.
ROW_SIDE, LEAST_SIDE = 72.0, 64.0
#: Largest sides in so many rows: more rows are not to make the timeline much higher.
LARGEST = {1: 128.0, 2: 96.0, 3: 80.0}
MOST_ROWS = max(LARGEST)
GAP = 12.0
#: To look for the nearest of more would take long; none of these has room anyway.
MANY_COLUMNS = 250


@dataclass(frozen=True)
class Grid:
    """Hold what hangs where, in columns from left to right.

    Parameters
    ----------
    side : float
    n_rows : int
    columns : tuple of tuple of int
        Numbers of the images in each column, shown or not.
    n_dated : int
        How many of the columns, from the left, hold images with a day.
    """

    side: float
    n_rows: int
    columns: tuple[tuple[int, ...], ...]
    n_dated: int


def choose_grid(
    days: Sequence[float | None], width: float, *, lane_gap: float = 0.0, lane_width: float = 0.0
) -> Grid:
    """Choose how large thumbnails are and which share a column.

    Parameters
    ----------
    days : sequence of float or None
        Of each image, in order; those without a day last.
    width : float
        Room for all, pixels.
    lane_gap, lane_width : float
        Room between images with a day and those without, and the least for the latter.
    """

    def fit(columns: Sequence[tuple[int, ...]]) -> float:
        """Return the side at which so many columns fit."""
        n_dated = sum(days[column[0]] is not None for column in columns)
        if not 0 < n_dated < len(columns):
            return (width + GAP) / len(columns) - GAP
        room = width + GAP - lane_gap
        beside = (room - lane_width - GAP) / n_dated - GAP
        return min(room / len(columns) - GAP, beside)

    columns: list[tuple[int, ...]] = [(i,) for i in range(len(days))]
    n_rows = 1
    if fit(columns) < ROW_SIDE:
        for n_rows in range(2, MOST_ROWS + 1):
            columns = _group(days, n_rows)
            if fit(columns) >= LEAST_SIDE:
                break
        while len(columns) > MANY_COLUMNS:
            columns = _halve(columns, days)
        while fit(columns) < LEAST_SIDE and len(columns) > 2:
            columns = _join_nearest(columns, days, n_rows)
        even = _fill(days, n_rows)
        if max(map(len, columns)) > n_rows and fit(even) >= LEAST_SIDE:
            columns = even
    n_dated = sum(days[column[0]] is not None for column in columns)
    n_used = min(n_rows, max(len(column) for column in columns))
    return Grid(min(fit(columns), LARGEST[n_rows]), n_used, tuple(columns), n_dated)


def _group(days: Sequence[float | None], n_rows: int) -> list[tuple[int, ...]]:
    """Put images of one day into columns, full ones first."""
    columns: list[tuple[int, ...]] = []
    for i, day in enumerate(days):
        if columns and len(columns[-1]) < n_rows and days[columns[-1][0]] == day:
            columns[-1] += (i,)
        else:
            columns.append((i,))
    return columns


def _fill(days: Sequence[float | None], n_rows: int) -> list[tuple[int, ...]]:
    """Fill columns one after the other, whatever their days."""
    filled: list[tuple[int, ...]] = []
    for _, group in groupby(range(len(days)), key=lambda i: days[i] is None):
        part = list(group)
        filled += [tuple(part[i : i + n_rows]) for i in range(0, len(part), n_rows)]
    return filled


def _halve(
    columns: Sequence[tuple[int, ...]], days: Sequence[float | None]
) -> list[tuple[int, ...]]:
    """Join neighbours two by two, those with a day apart from those without."""
    halved: list[tuple[int, ...]] = []
    for _, group in groupby(columns, key=lambda column: days[column[0]] is None):
        part = list(group)
        halved += [sum(part[i : i + 2], ()) for i in range(0, len(part), 2)]
    return halved


def _join_nearest(
    columns: Sequence[tuple[int, ...]], days: Sequence[float | None], n_rows: int
) -> list[tuple[int, ...]]:
    """Join two neighbours: such as fit in one column first, then near ones, then short ones."""

    def cost(pair: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[float, float, int]:
        left, right = pair
        first, last = days[left[0]], days[right[-1]]
        n = len(left) + len(right)
        if (first is None) != (last is None):  # never a day with none
            return np.inf, 0.0, n
        span = 0.0 if first is None or last is None else last - first
        return max(0, n - n_rows), span, n

    costs = [cost(pair) for pair in pairwise(columns)]
    at = min(range(len(costs)), key=costs.__getitem__)
    return [*columns[:at], columns[at] + columns[at + 1], *columns[at + 2 :]]


def hang(column: Sequence[int], n_rows: int, chosen: Collection[int]) -> tuple[int, ...]:
    """Return which images of a column hang, in order.

    Examples
    --------
    >>> hang([4, 5, 6], 3, ()), hang([4, 5, 6, 7, 8], 3, ()), hang([4, 5, 6, 7, 8], 3, (6, 7))
    ((4, 5, 6), (4, 5, 8), (4, 6, 7))
    """
    wanted = [*(i for i in column if i in chosen), column[0], column[-1], *column]
    return tuple(sorted(list(dict.fromkeys(wanted))[:n_rows]))


def spread(targets: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Move places as little as possible so that neighbours keep a distance, in order.

    Parameters
    ----------
    targets : sequence of float
        Wanted places, ascending.
    distance : float
    low, high : float
        Least and greatest place; the last ones pass `high` where there is not room for all.

    Returns
    -------
    list of float
        The sum of squared moves is least (isotonic regression, by pooling neighbours).

    Examples
    --------
    >>> spread([0, 1, 50], 10, 0, 100)
    [0.0, 10.0, 50.0]
    """
    steps = distance * np.arange(len(targets))
    pooled = _pool(np.asarray(targets, dtype=np.float64) - steps)
    highest = max(low, high - (steps[-1] if len(targets) else 0.0))
    return [float(place) for place in np.clip(pooled, low, highest) + steps]


def _pool(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest ascending values, by pooling neighbours that descend."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, n = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, m = blocks.pop()
            mean, n = (before * m + mean * n) / (m + n), m + n
        blocks.append((mean, n))
    return np.repeat([mean for mean, _ in blocks], [n for _, n in blocks])
