"""Where thumbnails hang below an axis of days: near their day, in order, none over another.

All hang in one row where each has room; else in columns, filled in order, of two and then of
`MOST_ROWS`. Where there is not room for all, columns hold more than hang: of each the chosen
images hang, then its first and its last, then the next; the rest are counted below.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count, groupby

import numpy as np

#: Least sides of thumbnails, pixels: in one row, and in columns.
ROW_SIDE, LEAST_SIDE = 72.0, 64.0
#: Largest sides in so many rows: more rows are not to make the timeline much higher.
LARGEST = {1: 128.0, 2: 96.0, 3: 80.0}
MOST_ROWS = max(LARGEST)
GAP = 12.0


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
    room = width + GAP
    for n in count(1):
        columns = _fill(days, n)
        n_dated = sum(days[column[0]] is not None for column in columns)
        side = room / len(columns) - GAP
        if 0 < n_dated < len(columns):
            beside = room - lane_gap
            side = min(beside / len(columns), (beside - lane_width - GAP) / n_dated) - GAP
        # Two columns, of images with a day and of those without, are all that can be.
        if side >= (ROW_SIDE if n == 1 else LEAST_SIDE) or n >= len(days):
            break
    n_rows = min(MOST_ROWS, max(map(len, columns)))
    return Grid(min(side, LARGEST[n_rows]), n_rows, columns, n_dated)


def _fill(days: Sequence[float | None], n: int) -> tuple[tuple[int, ...], ...]:
    """Fill columns of so many one after the other, those without a day apart."""
    parts = [list(part) for _, part in groupby(range(len(days)), lambda i: days[i] is None)]
    return tuple(tuple(part[i : i + n]) for part in parts for i in range(0, len(part), n))


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
        The sum of squared moves is least (isotonic regression).

    Examples
    --------
    >>> spread([0, 1, 50], 10, 0, 100)
    [0.0, 10.0, 50.0]
    """
    from scipy.optimize import isotonic_regression

    if not targets:
        return []
    steps = distance * np.arange(len(targets))
    ascending = isotonic_regression(np.asarray(targets, dtype=np.float64) - steps).x
    places = np.clip(ascending, low, max(low, high - steps[-1])) + steps
    return [float(place) for place in places]
