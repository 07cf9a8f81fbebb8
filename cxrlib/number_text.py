"""Shares with their intervals, and the text form of a cohort's numbers.

A number is written as count, denominator, share and interval, "96 of 121 (79 %, 71-86)": who
reads it can see how much it rests on. What is not recorded is an en dash, never a 0.
"""

import math

import numpy as np

__all__ = [
    "FEW",
    "NOTHING",
    "compute_wilson",
    "format_average",
    "format_median",
    "format_share",
    "format_tenths",
    "format_units",
]

NOTHING = "–"
"""Shown where nothing is recorded."""

FEW = 10
"""An average of fewer than this is not shown, only the count."""


def compute_wilson(
    n_yes: np.ndarray | int, n_of: np.ndarray | int, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Compute Wilson's interval of shares.

    Unlike the plain one it stays within 0 and 1 and does not collapse at either end. It takes
    what it counts as independent, which the images of one patient are not.

    Parameters
    ----------
    n_yes, n_of : ndarray of int, or int
        Counts and their denominators.
    level : float, default 0.95
        Share of such intervals that hold the truth.

    Returns
    -------
    low, high : ndarray of float
        NaN where the denominator is 0.

    References
    ----------
    Wilson 1927, Probable inference, the law of succession, and statistical inference.

    Examples
    --------
    >>> low, high = compute_wilson(96, 121)
    >>> print(low.round(3), high.round(3))
    0.713 0.856
    """
    from statsmodels.stats.proportion import proportion_confint

    yes, of = np.asarray(n_yes, dtype=float), np.asarray(n_of, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = proportion_confint(yes, of, alpha=1 - level, method="wilson")
    # Exact at the ends, where rounding would leave 1e-17.
    low = np.where((yes == 0) & (of > 0), 0.0, low)
    high = np.where((yes == of) & (of > 0), 1.0, high)
    return low, high


def format_share(n_yes: int, n_of: int) -> str:
    """Format a count with its denominator, share and Wilson interval.

    Examples
    --------
    >>> format_share(96, 121), format_share(0, 4), format_share(0, 0)
    ('96 of 121 (79 %, 71-86)', '0 of 4 (0 %, 0-49)', '–')
    """
    if n_of == 0:
        return NOTHING
    low, high = compute_wilson(n_yes, n_of)
    share = 100 * n_yes / n_of
    return f"{n_yes:,} of {n_of:,} ({share:.0f} %, {100 * float(low):.0f}-{100 * float(high):.0f})"


def format_average(
    middle: float, low: float, high: float, *, n_known: int, n_of: int, unit: str = "patient"
) -> str:
    """Format a median with its quartiles, or only the counts where it would rest on few.

    Examples
    --------
    >>> format_average(56, 44.5, 68, n_known=45, n_of=53)
    '56 (44.5-68), 45 of 53 patients'
    >>> format_average(61, 60, 70, n_known=6, n_of=53)
    '6 of 53 patients'
    """
    if n_known == 0:
        return NOTHING
    counts = f"{n_known:,} of {format_units(n_of, unit)}"
    if n_known < FEW:
        return counts
    return f"{format_median(middle, low, high)}, {counts}"


def format_median(middle: float, low: float, high: float) -> str:
    """Format a median with its quartiles, to one decimal where they are not whole.

    Examples
    --------
    >>> format_median(58.5, 44, 70.25)
    '58.5 (44-70.3)'
    """
    return f"{format_tenths(middle)} ({format_tenths(low)}-{format_tenths(high)})"


def format_tenths(value: float) -> str:
    """Format a number to one decimal where it is not whole, half of one away from zero.

    Examples
    --------
    >>> format_tenths(58.5), format_tenths(44.0), format_tenths(40.25), format_tenths(-0.25)
    ('58.5', '44', '40.3', '−0.3')
    """
    # Rounding to even would write 40.25 as 40.2.
    tenths = math.floor(10 * abs(value) + 0.5)
    return f"{'−' if value < 0 and tenths else ''}{tenths / 10:.10g}"


def format_units(number: int, unit: str) -> str:
    """Format a count with its unit.

    Examples
    --------
    >>> format_units(1, "image"), format_units(1200, "person")
    ('1 image', '1,200 persons')
    """
    return f"{number:,} {unit if number == 1 else unit + 's'}"
