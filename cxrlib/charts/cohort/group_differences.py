"""The differences of two groups, each with its interval, zero in the middle."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrlib.charts.style import (
    MARGIN,
    PALETTES,
    Palette,
    Theme,
    add_heading,
    add_notes,
    label_rows,
    note_empty,
    quote_text,
    start_rows,
    text_width,
)
from cxrlib.number_text import NOTHING
from cxrlib.summary import Comparison

HEADING = "First vs second"  # over the numbers at the right, where the names are too long
#: Room between the axis and the numbers of both groups, in pixels.
BESIDE = 18
#: What a difference is measured in, by kind of number: factor, axis title, unit in words.
KINDS = {
    "median": (1.0, "years", "years"),
    "share": (100.0, "percentage points", "points"),
}
LEAST_REACH = {"share": 10.0, "median": 5.0}
ROW_HEIGHT = 30  # pixels
# Letters of a row's name: longer ones would leave a narrow page no room for the differences. The
# whole name is told by pointing at its point, and stands in the table below.
LONGEST_NAME = 26
AXIS = 50  # pixels for tick labels and a title
Cells = Mapping[Hashable, Any]


def plot_differences(comparison: Comparison, *, theme: Theme = "light") -> go.Figure:
    """Plot the differences of two groups as points with intervals.

    Medians and shares have axes of their own, the medians above. Without an interval the point is
    hollow; without a difference the reason is in its place.

    Parameters
    ----------
    comparison : Comparison
        Result of `cxrlib.summary.compare_groups`.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        To be shown with the comparison's notes: with many differences some exclude zero by
        chance.
    """
    palette = PALETTES[theme]
    table = comparison.table
    of_kind = {kind: table[table["kind"] == kind].to_dict("records") for kind in KINDS}
    parts = [(kind, rows) for kind, rows in of_kind.items() if rows]
    n_rows = sum(len(rows) for _, rows in parts)
    figure = start_rows(theme, n_rows, row_height=ROW_HEIGHT)
    if not n_rows:
        return note_empty(figure)
    height = n_rows * ROW_HEIGHT + AXIS * len(parts)
    figure.update_layout(height=height + MARGIN["t"] + MARGIN["r"], margin_b=MARGIN["r"])
    widest = max(_number_width(_format_groups(row)) for _, rows in parts for row in rows)
    heading = f"{comparison.first} vs {comparison.second}"
    heading = heading if _number_width(heading) <= widest else HEADING
    _add_heads(figure, comparison, heading, palette)
    figure.update_layout(
        margin_r=BESIDE + MARGIN["r"] + max(widest, _number_width(HEADING)),
    )
    top = 0
    labels = []
    for place, (kind, rows) in enumerate(parts):
        axis = "" if place == 0 else str(place + 1)
        bottom = top + len(rows) * ROW_HEIGHT
        domain = [1 - bottom / height, 1 - top / height]
        _add_panel(figure, rows, kind, axis=axis, domain=domain, palette=palette)
        names = [_format_name(row, most=LONGEST_NAME) for row in rows]
        labels += names
        _label_rows(figure, names, axis, palette)
        top = bottom + AXIS
    label_rows(figure, labels, palette)  # the room of the longest
    # From the left edge, over the names: on a narrow page it would run into the other heading.
    figure.layout.annotations[0].xshift = -figure.layout.margin.l
    _label_rows(figure, labels[: len(parts[0][1])], "", palette)
    return figure


def _number_width(text: str) -> float:
    """Estimate the width of counts in pixels: blanks and brackets are narrower than letters."""
    return 0.85 * text_width(text)


def _add_heads(figure: go.Figure, comparison: Comparison, heading: str, palette: Palette) -> None:
    """Write which group is subtracted, and whose numbers are at the right."""
    first, second = comparison.first, comparison.second
    add_heading(figure, f"{first} minus {second}", x=0, palette=palette)
    add_heading(figure, heading, x=1, palette=palette)
    figure.layout.annotations[-1].xshift = BESIDE


def _label_rows(figure: go.Figure, labels: Sequence[str], axis: str, palette: Palette) -> None:
    figure.update_layout(
        {
            f"yaxis{axis}": {
                "tickvals": list(range(len(labels))),
                "ticktext": list(labels),
                "tickfont": {"color": palette.ink},
                "ticklabelstandoff": 6,
            }
        }
    )


def _format_name(row: Cells, *, most: int | None = None) -> str:
    """Format a row's name: variable and value, in at most so many letters."""
    title, value = str(row["title"]), str(row["value"])
    name = title if row["kind"] == "median" or value == "yes" else f"{title}: {value}"
    if most is not None and len(name) > most:
        name = f"{name[: most - 1]}…"
    return quote_text(name)


def _add_panel(
    figure: go.Figure,
    rows: Sequence[Cells],
    kind: str,
    *,
    axis: str,
    domain: list[float],
    palette: Palette,
) -> None:
    """Draw the rows of one kind on an axis that reaches as far on both sides."""
    factor, title, _ = KINDS[kind]
    reach = _find_reach(rows, kind)
    figure.update_layout(
        {
            f"xaxis{axis}": {
                "domain": [0, 1],
                "range": [-reach, reach],
                "anchor": f"y{axis}",
                "title_text": f"Difference ({title})",
                "showgrid": True,
                "ticks": "outside",
                "tickangle": 0,
                "nticks": 4,  # on a narrow page more would run together
                "fixedrange": True,
            },
            f"yaxis{axis}": {
                "domain": domain,
                "range": [len(rows) - 0.5, -0.5],
                "anchor": f"x{axis}",
                "fixedrange": True,
                "ticks": "",
            },
        }
    )
    figure.add_shape(
        type="line", x0=0, x1=0, y0=-0.5, y1=len(rows) - 0.5, xref=f"x{axis}", yref=f"y{axis}",
        line={"color": palette.ink, "width": 1.5},
    )  # fmt: skip
    _add_points(figure, rows, factor, axis=axis, palette=palette)
    yref = f"y{axis}"
    beside = {"xref": "paper", "x": 1, "xshift": BESIDE, "xanchor": "left", "yref": yref}
    inside = {"xref": f"x{axis}", "x": 0, "xanchor": "left", "xshift": 8, "yref": yref}
    notes: list[dict[str, object]] = []
    for place, row in enumerate(rows):
        notes.append({**beside, "y": place, "text": _format_groups(row)})
        if not np.isfinite(row["difference"]):
            why = quote_text(row["reason"] or "not estimable")
            notes.append({**inside, "y": place, "text": why, "font": {"color": palette.quiet}})
    add_notes(figure, notes)


def _find_reach(rows: Sequence[Cells], kind: str) -> float:
    """Find how far the axis reaches from zero to hold all points and intervals."""
    factor = KINDS[kind][0]
    names = ("difference", "low", "high")
    ends = [abs(float(row[name])) for row in rows for name in names]
    furthest = factor * max((end for end in ends if np.isfinite(end)), default=0.0)
    return max(furthest, LEAST_REACH[kind]) * 1.06


def _add_points(
    figure: go.Figure, rows: Sequence[Cells], factor: float, *, axis: str, palette: Palette
) -> None:
    """Draw points, hollow where there is no interval or it is not to be trusted."""
    drawn = [(place, row) for place, row in enumerate(rows) if np.isfinite(row["difference"])]
    ends = {
        name: [
            abs(float(row[name]) - float(row["difference"])) * factor
            if np.isfinite(row[name])
            else 0.0
            for _, row in drawn
        ]
        for name in ("low", "high")
    }
    figure.add_scatter(
        x=[float(row["difference"]) * factor for _, row in drawn],
        y=[place for place, _ in drawn],
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        mode="markers",
        marker={
            "size": 10,
            "color": [palette.page if row["reason"] else palette.accent for _, row in drawn],
            "line": {"width": 2, "color": palette.accent},
            "opacity": 1,
        },
        error_x={
            "type": "data",
            "array": ends["high"],
            "arrayminus": ends["low"],
            "color": palette.accent,
            "thickness": 2,
            "width": 0,
        },
        hoverinfo="text",
        hovertext=[_describe_difference(row) for _, row in drawn],
    )


def _format_groups(row: Cells) -> str:
    """Format the numbers of both groups: median and count, or count and denominator."""
    if row["kind"] == "median":
        sides = [
            f"{f'{float(row[side]):.4g}' if np.isfinite(row[side]) else NOTHING} "
            f"(of {int(row[f'{side}_of']):,})"
            for side in ("first", "second")
        ]
    else:
        sides = [
            f"{int(row[f'{side}_n']):,} of {int(row[f'{side}_of']):,}"
            for side in ("first", "second")
        ]
    return " vs ".join(sides)


def _describe_difference(row: Cells) -> str:
    """Describe a difference."""
    factor, _, unit = KINDS[str(row["kind"])]
    number = f"{float(row['difference']) * factor:+.1f} {unit}"
    if np.isfinite(row["low"]) and np.isfinite(row["high"]):
        ends = (f"{float(row[name]) * factor:+.1f}" for name in ("low", "high"))
        number += f", 95 % interval {' to '.join(ends)}"
    number = number.replace("-", "−")
    reason = f" ({quote_text(row['reason'])})" if row["reason"] else ""
    return f"<b>{_format_name(row)}</b>: {number}{reason}. {_format_groups(row)}"


def describe_differences(comparison: Comparison) -> str:
    """Describe what `plot_differences` shows: its text alternative.

    Returns
    -------
    str
        Plain text: the number of differences, and each whose interval excludes zero.
    """
    table = comparison.table
    clear = table[(table["low"] > 0) | (table["high"] < 0)]
    has_interval = table["low"].notna() & table["high"].notna()
    names = f"{comparison.first} ({comparison.n_first:,}) and {comparison.second}"
    start = (
        f"Differences between {names} ({comparison.n_second:,}) in {len(table)} numbers, "
        f"{int(has_interval.sum())} with an interval."
    )
    if clear.empty:
        return f"{start} No interval excludes zero."
    rows = [_format_difference(row) for row in clear.to_dict("records")]
    return f"{start} {len(rows)} exclude zero: {'; '.join(rows)}."


def _format_difference(row: Cells) -> str:
    """Format a difference without markup."""
    factor, _, unit = KINDS[str(row["kind"])]
    value = f" {row['value']}" if row["kind"] == "share" and row["value"] != "yes" else ""
    return f"{row['title']}{value} {float(row['difference']) * factor:+.1f} {unit}"
