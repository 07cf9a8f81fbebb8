"""A table of two groups: counts with denominators, and the difference."""

import math

import pandas as pd

from cxrlib.number_text import NOTHING, format_tenths
from cxrlib.summary import Comparison, TableLayout, lay_out_frame

__all__ = ["lay_out_groups"]

NOT_ESTIMABLE = "not estimable"  # begins some of the reasons of a comparison


def lay_out_groups(compared: Comparison) -> TableLayout:
    """Lay out both groups, each number with its denominator, and their difference."""
    table = compared.table
    shown = pd.DataFrame(
        {
            "title": table["title"],
            "value": table["value"],
            "first": [_format_side(row, "first") for _, row in table.iterrows()],
            "second": [_format_side(row, "second") for _, row in table.iterrows()],
            "difference": [_format_difference(row) for _, row in table.iterrows()],
        }
    )
    return lay_out_frame(
        shown,
        title=f"{compared.first} vs {compared.second}",
        unit=f"Unit: {compared.unit}.",
        titles={
            "title": "Variable",
            "value": "Value",
            "first": compared.first,
            "second": compared.second,
            "difference": "Difference (95 % interval)",
        },
        right=("first", "second", "difference"),
        numbers=table,
    )


def _format_side(row: pd.Series, side: str) -> str:
    """Format count, denominator and share of a group; a median with its count."""
    n, of, value = row[f"{side}_n"], row[f"{side}_of"], row[side]
    if row["kind"] == "median":
        middle = NOTHING if pd.isna(value) else f"{format_tenths(value)} years"
        return f"{middle}, median of {int(of):,}" if of else NOTHING
    if pd.isna(value):
        return f"{int(n):,} of {int(of):,}"
    return f"{int(n):,} of {int(of):,} ({100 * value:.0f} %)"


def _format_difference(row: pd.Series) -> str:
    """Format the difference with its interval, or why there is none."""
    if pd.isna(row["difference"]):
        return _describe_reason(row["reason"])
    is_median = row["kind"] == "median"
    unit = "years" if is_median else "points"
    middle, low, high = (
        _format_signed(row[name] if is_median else _round_points(row[name]))
        for name in ("difference", "low", "high")
    )
    if pd.isna(row["low"]):
        return f"{middle} {unit}; interval {_describe_reason(row['reason'])}"
    return f"{middle} {unit} ({low} to {high})"


def _format_signed(number: float) -> str:
    """Format a number with its sign, to one decimal where it is not whole; 0 has none."""
    if pd.isna(number):
        return NOTHING
    text = format_tenths(number)
    return text if text == "0" or text.startswith("−") else f"+{text}"


def _round_points(share: float) -> float:
    """Round a difference of shares to whole percentage points, halves away from zero."""
    if pd.isna(share):
        return share
    # To a millionth first: 0.285 is 28.499999999999996 points.
    return math.copysign(math.floor(round(100 * abs(share), 6) + 0.5), share)


def _describe_reason(reason: str) -> str:
    """Describe why there is no number; some reasons already begin with the words."""
    return f"{NOT_ESTIMABLE}: {reason.removeprefix(NOT_ESTIMABLE).removeprefix(': ')}"
