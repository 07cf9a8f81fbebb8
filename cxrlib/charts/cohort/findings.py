"""Findings as a tree of bars, one panel a view."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from cxrlib.aliases import NOT_RECORDED
from cxrlib.charts.style import (
    MARGIN,
    PALETTES,
    STILL,
    Theme,
    add_heading,
    label_rows,
    note_empty,
    quote_text,
    start_rows,
)
from cxrlib.cohort import UNKNOWN
from cxrlib.number_text import format_units

INDENT = "\u2003"  # an em space
NOT_APPLICABLE = "Not applicable"
#: Room for a count at the end of the longest bar, as a share of it.
ROOM = 1.35
GAP = 0.03  # between panels, as a share of the width


@dataclass(frozen=True)
class _Row:
    """Hold a row of the tree; without a finding it is only the heading of a type."""

    label: str
    finding: str | None
    kind: str = ""
    genus: str = ""

    @property
    def filter(self) -> str:
        """The finding to filter by, without its unknown parts."""
        parts = (self.finding or "", self.kind, self.genus)
        return "/".join(part for part in parts if part not in ("", UNKNOWN, NOT_APPLICABLE))


def plot_findings(counts: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Plot findings by type and genus or species, one panel per view on a common scale.

    Parameters
    ----------
    counts : DataFrame
        The table of ``summarise(cohort, "finding-view")``: finding, type, genus, view, unit, n.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        As high as its rows need. Bars carry ``("finding", name, "view", name)`` as customdata; a
        type that is not divided further stands for all of that type.
    """
    palette = PALETTES[theme]
    rows = _list_rows(counts)
    figure = start_rows(theme, len(rows))
    if counts.empty or not counts["n"].sum():
        return note_empty(figure)
    views = list(dict.fromkeys(counts["view"]))
    width = (1 + GAP) / len(views)
    for place, view in enumerate(views):
        left, axis = place * width, "" if place == 0 else str(place + 1)
        _add_panel(figure, rows, counts[counts["view"] == view], axis=axis, theme=theme)
        figure.update_layout(
            {
                f"xaxis{axis}": {
                    "domain": [left, min(left + width - GAP, 1)],
                    "range": [0, max(counts["n"].max(), 1) * ROOM],
                    "visible": False,
                    "fixedrange": True,
                    "anchor": "y",
                }
            }
        )
        add_heading(figure, _head(view, counts), x=left, palette=palette)
    label_rows(figure, [row.label for row in rows], palette, is_tree=True)
    return figure.update_layout(
        margin_b=MARGIN["r"], height=figure.layout.height - MARGIN["b"] + MARGIN["r"]
    )


def _head(view: str, counts: pd.DataFrame) -> str:
    """Format a view with its sum; patients with several findings would be counted twice."""
    if counts["unit"].iloc[0] != "image":
        return view
    return f"{view}: {format_units(int(counts.loc[counts['view'] == view, 'n'].sum()), 'image')}"


def _list_rows(counts: pd.DataFrame) -> list[_Row]:
    """Lay out the tree in the table's order: a type, then its genera, indented."""
    found = list(
        dict.fromkeys(zip(counts["finding"], counts["type"], counts["genus"], strict=True))
    )
    rows: list[_Row] = []
    named: set[tuple[str, str]] = set()
    for finding, kind, genus in found:
        of_type = [genera for name, other, genera in found if (name, other) == (finding, kind)]
        if not kind:
            rows.append(_Row(quote_text(finding), finding))
        elif len(of_type) == 1 and genus in (UNKNOWN, NOT_APPLICABLE):
            rows.append(_Row(_format_type(finding, kind), finding, kind, genus))
        else:
            if (finding, kind) not in named:
                rows.append(_Row(f"<b>{_format_type(finding, kind)}</b>", None))
                named.add((finding, kind))
            label = "not recorded" if genus == UNKNOWN else quote_text(genus)
            rows.append(_Row(f"{INDENT}{label}", finding, kind, genus))
    return rows


def _format_type(finding: str, kind: str) -> str:
    """Format a finding and its type, as in "Viral pneumonia"."""
    if kind == UNKNOWN:
        return f"{quote_text(finding)}, type not recorded"
    return f"{quote_text(kind)} {quote_text(finding).lower()}"


def _add_panel(
    figure: go.Figure, rows: Sequence[_Row], counts: pd.DataFrame, *, axis: str, theme: Theme
) -> None:
    """Draw the bars of one view; zeros are written, types that are divided further are not."""
    palette = PALETTES[theme]
    of = {(row["finding"], row["type"], row["genus"]): row for row in counts.to_dict("records")}
    drawn = [
        (place, row, of[row.finding, row.kind, row.genus])
        for place, row in enumerate(rows)
        if row.finding is not None and (row.finding, row.kind, row.genus) in of
    ]
    numbers = [int(cells["n"]) for _, _, cells in drawn]
    figure.add_bar(
        x=numbers,
        y=[place for place, _, _ in drawn],
        xaxis=f"x{axis}",
        orientation="h",
        marker={"color": palette.accent, "line": {"width": 0}},
        customdata=[_click(row, str(cells["view"])) for _, row, cells in drawn],
        hoverinfo="text",
        hovertext=[
            f"<b>{quote_text(row.filter)}</b>, {quote_text(cells['view'])}: "
            f"{format_units(int(cells['n']), str(cells['unit']))}"
            for _, row, cells in drawn
        ],
        text=[f"{number:,}" for number in numbers],
        textposition="outside",
        textfont={"color": [palette.ink if number else palette.quiet for number in numbers]},
        cliponaxis=False,
        **STILL,
    )


def _click(row: _Row, view: str) -> list[str]:
    finding = row.filter or NOT_RECORDED
    return ["finding", finding, "view", view]


def describe_findings(counts: pd.DataFrame, *, n_most: int = 5) -> str:
    """Describe what `plot_findings` shows: its text alternative.

    Returns
    -------
    str
        Plain text.
    """
    counts = counts[counts["n"] > 0]
    if counts.empty:
        return "No bars: no image is left."
    unit = str(counts["unit"].iloc[0])
    n_rows = len(counts[["finding", "type", "genus"]].drop_duplicates())
    views = ", ".join(dict.fromkeys(counts["view"]))
    most = counts.sort_values("n", ascending=False, kind="stable").head(n_most)
    cells = [
        f"{row['row']}: {format_units(int(row['n']), unit)}" for row in most.to_dict("records")
    ]
    return (
        f"Bars of {format_units(n_rows, 'finding')} in panels by view ({views}). "
        f"Most frequent: {'; '.join(cells)}."
    )
