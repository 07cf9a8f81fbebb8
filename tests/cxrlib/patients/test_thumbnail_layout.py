"""Where thumbnails hang: apart, in order, near their day."""

from itertools import pairwise

import numpy as np
import pytest

from cxrlib.patients import GAP
from cxrlib.patients.thumbnail_layout import LARGEST, LEAST_SIDE, Grid, choose_grid, hang, spread

WIDTH = 776.0


def grid_of(days: list[float | None]) -> Grid:
    """Choose a grid as a page does."""
    return choose_grid(days, WIDTH, lane_gap=36, lane_width=128)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 22, 60, 200, 2000])
@pytest.mark.parametrize("n_undated", [0, 1, 7, 120])
@pytest.mark.parametrize("kind", ["own days", "one day", "pairs"])
def test_every_image_is_in_one_column_and_all_fit(n: int, n_undated: int, kind: str) -> None:
    """Columns hold each image once, in order, and are no wider than there is room."""
    step = {"own days": 1, "one day": 0, "pairs": 0.5}[kind]
    days = [float(int(i * step)) for i in range(n)] + [None] * n_undated
    grid = grid_of(days)
    assert [i for column in grid.columns for i in column] == list(range(len(days)))
    n_lane = len(grid.columns) - grid.n_dated
    lane = max(n_lane * (grid.side + GAP) - GAP, 128) + 36 if n_lane else 0
    assert grid.n_dated * (grid.side + GAP) - GAP + lane <= WIDTH + 1e-6
    assert LEAST_SIDE <= grid.side <= LARGEST[1]
    assert all((days[column[0]] is None) == (days[column[-1]] is None) for column in grid.columns)


def test_few_hang_in_a_row_and_shrink_before_they_stack() -> None:
    """Five are larger than nine; both are one row."""
    five, nine = grid_of([1.0, 2, 3, 4, 5]), grid_of([float(i) for i in range(9)])
    assert five.n_rows == nine.n_rows == 1
    assert five.side > nine.side


def test_one_day_stays_in_one_column_where_there_is_room() -> None:
    """Ten images on five days are five pairs."""
    grid = grid_of([float(i // 2) for i in range(10)])
    assert grid.columns == tuple((2 * i, 2 * i + 1) for i in range(5))


def test_no_image_is_left_out_where_there_is_room() -> None:
    """Days of unlike numbers of images fill the columns in order, if nothing else helps."""
    counts = {0: 1, 1: 3, 2: 3, 3: 2, 4: 1, 5: 2, 6: 2, 7: 2, 9: 1, 10: 2, 12: 1, 13: 1, 14: 1}
    days: list[float | None] = [float(day) for day, n in counts.items() for _ in range(n)]
    for width in (600.0, 634.0, 776.0):
        grid = choose_grid(days, width)
        assert max(map(len, grid.columns)) <= grid.n_rows == 3


def test_chosen_images_hang_before_others() -> None:
    """The pair in the viewer is to be found on the timeline; then both ends of the column."""
    assert hang(range(20), 3, ()) == (0, 1, 19)
    assert hang(range(20), 3, {7, 12}) == (0, 7, 12)
    assert hang(range(20), 3, {3, 4, 5, 6}) == (3, 4, 5)


@pytest.mark.parametrize("seed", range(20))
def test_spread_is_the_nearest_arrangement(seed: int) -> None:
    """Judged by a slow search: no small move of any block of neighbours comes nearer."""
    rng = np.random.default_rng(seed)
    targets = np.sort(rng.uniform(0, 500, rng.integers(1, 9)))
    places = np.array(spread(targets.tolist(), 60, 0, 500))
    assert all(right - left >= 60 - 1e-9 for left, right in pairwise(places))
    assert places[0] >= -1e-9
    assert places[-1] <= 500 + 1e-9
    cost = ((places - targets) ** 2).sum()
    for start in range(len(places)):
        for end in range(start + 1, len(places) + 1):
            for move in (-0.5, 0.5):
                moved = places.copy()
                moved[start:end] += move
                fits = (np.diff(moved) >= 60 - 1e-9).all() and 0 <= moved[0] <= moved[-1] <= 500
                assert not fits or ((moved - targets) ** 2).sum() >= cost - 1e-9


def test_spread_leaves_alone_what_is_apart() -> None:
    """Thumbnails hang at their day where they can."""
    assert spread([10, 100, 300], 60, 0, 500) == [10, 100, 300]
    assert spread([], 60, 0, 500) == []
