"""Plain decimal numbers as a cell of a table has them."""

import math
import re

NUMBER_LIMIT = 1e9
"""Largest size of a number in a record: beyond it is a slip of the pen, or sums overflow."""

# Plain decimals only: float() would also take "nan", "1_000" and Arabic digits.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def parse_number(cell: str) -> float | None:
    """Read a plain decimal number, or None for anything else.

    Examples
    --------
    >>> parse_number(" 38.5 "), parse_number("38,5"), parse_number("nan")
    (38.5, None, None)
    """
    cell = cell.strip()
    if not NUMBER.fullmatch(cell):
        return None
    number = float(cell)
    return number if math.isfinite(number) else None
