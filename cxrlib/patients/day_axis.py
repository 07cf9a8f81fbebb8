"""An axis of days that stays readable: proportional, cut where a gap is long against the rest.

1. Between two cuts, and everywhere if there is none, distances are proportional to days, at one
   scale on the whole axis.
2. Day 0 is on the axis, with or without an image. Where it lies before or after all images, and
   farther from them than they span, the way to it is cut.
3. While the two nearest days would stand nearer than `LEAST_SHARE` of the axis, the longest gap
   is cut, and with it every gap at least half as long; but only a gap that is `MANY_TIMES` the
   shortest and `LONG_SHARE` of the axis at least, and at most `MOST_CUTS` in all.
4. A day is never wider than it needs to be: a short course gives a short axis.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cxrlib.quality.rules.days import FEW_DAYS

#: Of the axis: nearer than that, two days look like one.
LEAST_SHARE = 0.02
#: How much longer than the shortest gap, and what share of the axis, a gap is that may be cut.
MANY_TIMES, LONG_SHARE = 5, 0.1
#: More would leave no axis between them.
MOST_CUTS = 8
#: Least width of a cut, pixels.
CUT = 40.0


@dataclass(frozen=True)
class Piece:
    """Hold a stretch of the axis that is proportional to days."""

    first_day: float
    last_day: float
    x0: float
    x1: float


@dataclass(frozen=True)
class Break:
    """Hold a cut of the axis, between two pieces, and the days it leaves out."""

    x0: float
    x1: float
    days: float


@dataclass(frozen=True)
class DayAxis:
    """Hold the places of days.

    Parameters
    ----------
    pieces, breaks : tuple
        From left to right.
    scale : float
        Pixels a day, within every piece.
    """

    pieces: tuple[Piece, ...]
    breaks: tuple[Break, ...]
    scale: float

    def place(self, day: float) -> float:
        """Return the place of a day on a piece; raises ValueError for one that was cut out."""
        for piece in self.pieces:
            if piece.first_day <= day <= piece.last_day:
                return piece.x0 + (day - piece.first_day) * self.scale
        raise ValueError(f"Day {day!r} is not on the axis: it lies in a cut or beyond the ends.")


def find_cuts(days: Collection[float]) -> list[tuple[float, float]]:
    """Find the gaps that are cut, as their first and last day.

    Parameters
    ----------
    days : collection of float
        Days with an image; day 0 is added.

    Examples
    --------
    >>> find_cuts([0, 1, 2, 365]), find_cuts([0, 21, 60, 90]), find_cuts([200, 201])
    ([(2, 365)], [], [(0, 200)])
    """
    stops = sorted({*days, 0})
    gaps = list(pairwise(stops))
    cut = _cut_off_zero(days, gaps)
    while gaps := [gap for gap in gaps if gap not in cut]:
        lengths = [last - first for first, last in gaps]
        total, shortest, longest = sum(lengths), min(lengths), max(lengths)
        is_readable = shortest >= LEAST_SHARE * total
        if is_readable or longest < max(MANY_TIMES * shortest, LONG_SHARE * total):
            break
        least = max(longest / 2, MANY_TIMES * shortest)
        long = [gap for gap in gaps if gap[1] - gap[0] >= least]
        if len(cut) + len(long) > MOST_CUTS:
            break
        cut += long
    return sorted(cut)


def _cut_off_zero(
    days: Collection[float], gaps: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Cut the way from day 0 to images that are farther from it than they span."""
    low, high = min(days), max(days)
    if low > 0 and low > high - low:
        return [gaps[0]]
    if high < 0 and -high > high - low:
        return [gaps[-1]]
    return []


def lay_out_axis(
    days: Collection[float],
    x0: float,
    x1: float,
    *,
    most_per_day: float,
    cut: float = CUT,
) -> DayAxis:
    """Lay out an axis of days from a place to another, or shorter.

    Parameters
    ----------
    days : collection of float
        Days with an image, one at least.
    x0, x1 : float
        Where the first day stands, and the farthest place of the last.
    most_per_day : float
        The widest a day may be.
    cut : float, default 40
        Wanted width of a cut. All together take what days leave free at their widest; else a
        third of the axis, or what they need at least.

    Returns
    -------
    DayAxis
    """
    cuts = find_cuts(days)
    stops = sorted({*days, 0})
    firsts = [stops[0], *(last for _, last in cuts)]
    lasts = [*(first for first, _ in cuts), stops[-1]]
    n_days = sum(last - first for first, last in zip(firsts, lasts, strict=True))
    room = x1 - x0
    width = 0.0
    if cuts:
        free = max(room - n_days * most_per_day, room / 3) / len(cuts)
        width = min(max(CUT, min(cut, free)), room / len(cuts))
    scale = most_per_day
    if n_days:
        scale = min(most_per_day, (room - width * len(cuts)) / n_days)
    return _chain(list(zip(firsts, lasts, strict=True)), x0, width, scale)


def _chain(
    stretches: Sequence[tuple[float, float]], x: float, width: float, scale: float
) -> DayAxis:
    """Put pieces one after the other, with cuts between."""
    pieces: list[Piece] = []
    breaks: list[Break] = []
    for first, last in stretches:
        if pieces:
            breaks.append(Break(x, x + width, first - pieces[-1].last_day))
            x += width
        end = x + (last - first) * scale
        pieces.append(Piece(first, last, x, end))
        x = end
    return DayAxis(tuple(pieces), tuple(breaks), scale)


def format_axis_day(day: float) -> str:
    """Name a day on an axis; 5 also stands for "a few days".

    Examples
    --------
    >>> format_axis_day(5.0), format_axis_day(-2.5)
    ('5?', '−2.5')
    """
    return f"{day:g}{'?' if day == FEW_DAYS else ''}".replace("-", "−")
