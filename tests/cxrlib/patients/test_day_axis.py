"""The axis of days: proportional inside, cut where a gap is long against the rest."""

from itertools import pairwise

import numpy as np
import pytest

from cxrlib.patients import lay_out_axis
from cxrlib.patients.day_axis import CUT, LEAST_SHARE, MOST_CUTS, find_cuts

ROOM = (100.0, 860.0)


def test_a_year_after_a_week_is_cut() -> None:
    """One far image does not squeeze the others."""
    assert find_cuts([0, 1, 3, 7, 365]) == [(7, 365)]


def test_even_gaps_are_not_cut_however_long() -> None:
    """Months between all images are the course itself."""
    assert find_cuts([0, 90, 180, 270, 360]) == []
    assert find_cuts([-360, -270, -180, -90, 0]) == []


def test_two_days_a_year_apart_are_proportional() -> None:
    """There is nothing to squeeze."""
    assert find_cuts([0, 365]) == []


def test_many_days_with_a_short_pause_are_not_cut() -> None:
    """A pause has to be long against the whole, not only against one day."""
    assert find_cuts([*range(60), 65, 66]) == []


def test_gaps_of_one_kind_go_together() -> None:
    """It would mislead to cut 30 days and draw 29."""
    assert find_cuts([0, 1, 30, 60, 90, 120]) == [(1, 30), (30, 60), (60, 90), (90, 120)]


def test_the_way_from_day_zero_is_cut_where_it_is_longer_than_the_course() -> None:
    """Day 0 without an image stays on the axis, near or far, before or after."""
    assert find_cuts([10, 13, 17, 25]) == []
    assert find_cuts([30, 31, 33]) == [(0, 30)]
    assert find_cuts([-33, -31, -30]) == [(-30, 0)]
    assert find_cuts([12]) == [(0, 12)]


def test_equal_scale_on_all_pieces() -> None:
    """Distances are proportional to days wherever no cut lies between."""
    axis = lay_out_axis([0, 2, 5, 300, 304], *ROOM, most_per_day=90)
    assert len(axis.pieces) == 2
    first = axis.place(5) - axis.place(2)
    assert first == pytest.approx(3 * axis.scale)
    assert axis.place(304) - axis.place(300) == pytest.approx(4 * axis.scale)


@pytest.mark.parametrize("seed", range(30))
def test_any_days_fit_in_order(seed: int) -> None:
    """The axis stays within its room, days ascend, pieces and cuts follow each other."""
    rng = np.random.default_rng(seed)
    n, reach = int(rng.integers(1, 60)), int(rng.choice([3, 30, 400, 30_000]))
    days = sorted({float(day) for day in rng.integers(-reach // 3, reach, n)})
    axis = lay_out_axis(days, *ROOM, most_per_day=120, cut=90)
    places = [axis.place(day) for day in days]
    assert all(left < right for left, right in pairwise(places))
    assert axis.pieces[0].x0 == ROOM[0]
    assert axis.pieces[-1].x1 <= ROOM[1] + 1e-6
    ends = [
        (p.x1, b.x0, b.x1, q.x0)
        for p, b, q in zip(axis.pieces, axis.breaks, axis.pieces[1:], strict=False)
    ]
    assert all(a == b and c == d and c > b for a, b, c, d in ends)
    assert len(axis.breaks) == len(axis.pieces) - 1


def test_what_was_cut_adds_up() -> None:
    """Days on pieces and days in cuts make the whole span."""
    axis = lay_out_axis([0, 1, 2, 100, 101, 400], *ROOM, most_per_day=90)
    drawn = sum(piece.last_day - piece.first_day for piece in axis.pieces)
    assert drawn + sum(cut.days for cut in axis.breaks) == 400


def test_after_cutting_days_are_told_apart() -> None:
    """The nearest days then have their share of what is drawn."""
    days = [0, 1, 2, 3, 100, 365]
    axis = lay_out_axis(days, *ROOM, most_per_day=90)
    drawn = sum(piece.last_day - piece.first_day for piece in axis.pieces)
    assert drawn * LEAST_SHARE <= 1


def test_a_short_course_is_a_short_axis() -> None:
    """Two days in a row are no wider apart than asked for."""
    axis = lay_out_axis([0, 1], *ROOM, most_per_day=120)
    assert axis.place(1) - axis.place(0) == 120


def test_very_many_gaps_still_fit() -> None:
    """Pairs of days, far apart: as many cuts as leave an axis, or none."""
    days = [day for i in range(40) for day in (1000 * i, 1000 * i + 1)]
    axis = lay_out_axis(days, *ROOM, most_per_day=120)
    assert len(axis.breaks) <= MOST_CUTS
    assert axis.pieces[-1].x1 <= ROOM[1] + 1e-6
    assert axis.scale > 0


def test_a_day_in_a_cut_has_no_place() -> None:
    """No image can stand where no day is drawn."""
    axis = lay_out_axis([0, 1, 365], *ROOM, most_per_day=90)
    assert axis.breaks[0].x1 - axis.breaks[0].x0 >= CUT
    with pytest.raises(ValueError, match="not on the axis"):
        axis.place(100)
