"""Ends of a range that belong to it, and ends that do not: ``days<=7``, ``0<days<8``.

A range is held by the smallest and the largest number in it. "Below 7" is then "up to the largest
number below 7", which is exact; where it is written or said, the short number stands again.
"""

import math
import re

from cxrlib.cohort import parse_number

_NUMBER = r"-?[0-9][0-9.eE+-]*"
_CHAIN = re.compile(rf"\s*({_NUMBER})\s*(<=?)\s*([A-Za-z_ -]+?)\s*(<=?)\s*({_NUMBER})\s*")
_SINGLE = re.compile(rf"\s*([A-Za-z_ -]+?)\s*(<=?|>=?)\s*({_NUMBER})\s*")


def exclude_low(end: float) -> float:
    """Return the smallest number above an end; an open end stays open."""
    return end if math.isinf(end) else math.nextafter(end, math.inf)


def exclude_high(end: float) -> float:
    """Return the largest number below an end; an open end stays open."""
    return end if math.isinf(end) else math.nextafter(end, -math.inf)


def read_comparison(text: str) -> tuple[str, float, float] | None:
    """Read a range that is written with signs of comparison.

    Returns
    -------
    name : str
    low, high : float
        The smallest and the largest number in it, infinite where it is open. None for other text.

    Examples
    --------
    >>> read_comparison("1<=days<=7"), read_comparison("days>=1"), read_comparison("view=PA")
    (('days', 1.0, 7.0), ('days', 1.0, inf), None)
    """
    chain, single = _CHAIN.fullmatch(text), _SINGLE.fullmatch(text)
    if chain is not None:
        least, first, name, second, most = chain.groups()
        low, high = _read_end(least, first, is_low=True), _read_end(most, second, is_low=False)
    elif single is not None:
        name, sign, number = single.groups()
        is_low = sign.startswith(">")
        end = _read_end(number, sign, is_low=is_low)
        low, high = (end, math.inf) if is_low else (-math.inf, end)
    else:
        return None
    return None if low is None or high is None else (name.strip().casefold(), low, high)


def _read_end(text: str, sign: str, *, is_low: bool) -> float | None:
    """Read an end, moved into the range where it does not belong to it; None if it is no number."""
    number = parse_number(text)
    if number is None or sign.endswith("="):
        return number
    return exclude_low(number) if is_low else exclude_high(number)


def split_low(low: float) -> tuple[float, bool]:
    """Return the number to write for a lower end, and whether it belongs to the range.

    Examples
    --------
    >>> split_low(1.0), split_low(exclude_low(0.0))
    ((1.0, True), (0.0, False))
    """
    return _split(low, math.nextafter(low, -math.inf))


def split_high(high: float) -> tuple[float, bool]:
    """Return the number to write for an upper end, and whether it belongs to the range.

    Examples
    --------
    >>> split_high(7.0), split_high(exclude_high(8.0))
    ((7.0, True), (8.0, False))
    """
    return _split(high, math.nextafter(high, math.inf))


def _split(end: float, beyond: float) -> tuple[float, bool]:
    """Choose the shorter number of an end and the next beyond it."""
    return (beyond, False) if len(repr(beyond)) < len(repr(end)) else (end, True)
