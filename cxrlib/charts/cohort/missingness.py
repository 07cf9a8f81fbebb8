"""The share recorded of each column by group, as a heat map."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cxrlib.charts.style import (
    MARGIN,
    PALETTES,
    TEXT_SIZE,
    Palette,
    Theme,
    contrast,
    label_rows,
    mix,
    note_empty,
    quote_text,
    start_rows,
)
from cxrlib.number_text import format_units

CELL_HEIGHT = 30  # pixels
#: Room for a line of a column's name, in pixels.
LINE = 20
#: More groups than this have slanted names, in degrees.
MOST_LEVEL, SLANT = 8, -35
N_SHADES = 20
#: Names longer than this would reach over the next ones.
LONGEST_HEAD = 16
Cells = Mapping[Hashable, Any]


def _describe_cell(row: Cells) -> str:
    """Describe one cell."""
    n, n_recorded = int(row["n"]), int(row["n_recorded"])
    share = f" ({100 * n_recorded / n:.0f} %)" if n else ""
    unclear = f", {int(row['n_unclear']):,} unclear" if row["n_unclear"] else ""
    return (
        f"<b>{quote_text(row['title'])}</b>, {quote_text(row['group'])}: recorded for "
        f"{n_recorded:,} of {format_units(n, str(row['unit']))}{share}{unclear}"
    )


def plot_missing(table: pd.DataFrame, *, n_groups: int = 10, theme: Theme = "light") -> go.Figure:
    """Plot the share recorded of each column in each group as a heat map.

    Parameters
    ----------
    table : DataFrame
        From ``describe_missingness(cohort, by=...)``: group, column, title, unit, n, n_recorded,
        n_unclear, n_not_recorded.
    n_groups : int, default 10
        The largest groups are shown.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Darker cells on a light page have more recorded; each gives its percentage, narrow ones
        without the sign. A share of nothing is an en dash.
    """
    palette = PALETTES[theme]
    groups = _list_largest(table, n_groups)
    columns = table.drop_duplicates("column")
    figure = start_rows(theme, len(columns), row_height=CELL_HEIGHT)
    if not groups:
        return note_empty(figure)
    cells = table.set_index(["column", "group"])[["n", "n_recorded"]]
    wanted = pd.MultiIndex.from_product([columns["column"], groups])
    numbers = cells.reindex(wanted, fill_value=0).to_numpy(dtype=float)
    shape = (len(columns), len(groups))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (numbers[:, 1] / numbers[:, 0]).reshape(shape)
    texts = {(row["column"], row["group"]): _describe_cell(row) for row in table.to_dict("records")}
    figure.add_heatmap(
        x=list(range(len(groups))),
        y=list(range(len(columns))),
        z=[[None if np.isnan(share) else float(share) for share in row] for row in shares],
        zmin=0,
        zmax=1,
        colorscale=_list_shades(palette),
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="text",
        hovertext=[
            [texts.get((column, group), "") for group in groups] for column in columns["column"]
        ],
    )
    _add_shares(figure, shares, palette)
    titles = [quote_text(title) for title in columns["title"]]
    label_rows(figure, titles, palette)
    heads = [_head(group, table) for group in groups]
    is_slanted = len(groups) > MOST_LEVEL
    top = MARGIN["t"] + LINE
    if is_slanted:
        top += LINE * 3
        figure.update_layout(margin_r=LINE * 5)
    figure.update_layout(
        xaxis={
            "side": "top",
            "tickvals": list(range(len(groups))),
            "ticktext": heads,
            "tickangle": SLANT if is_slanted else 0,
            "range": [-0.5, len(groups) - 0.5],
            "fixedrange": True,
            "ticks": "",
            "ticklabeloverflow": "allow",
            "tickfont": {"color": palette.ink},
        },
        margin={"t": top, "b": MARGIN["r"]},
    )
    room = figure.layout.margin.t + figure.layout.margin.b
    return figure.update_layout(height=room + CELL_HEIGHT * len(columns))


def _list_largest(table: pd.DataFrame, n_groups: int) -> list[str]:
    """List the largest groups, in the table's order."""
    sizes = table.groupby("group", sort=False)["n"].max()
    largest = set(sizes.sort_values(ascending=False, kind="stable").head(n_groups).index)
    return [str(group) for group in sizes.index if group in largest]


def _head(group: str, table: pd.DataFrame) -> str:
    """Format a group's name over its column, with its size."""
    n = int(table.loc[table["group"] == group, "n"].max())
    name = group if len(group) <= LONGEST_HEAD else f"{group[: LONGEST_HEAD - 1]}…"
    return f"{quote_text(name)}<br>{n:,}"


def _shade(share: float, palette: Palette) -> str:
    """Return the colour of a share."""
    return mix(palette.accent, palette.page, 0.06 + 0.94 * share)


def _list_shades(palette: Palette) -> list[list[object]]:
    return [[i / N_SHADES, _shade(i / N_SHADES, palette)] for i in range(N_SHADES + 1)]


def _add_shares(figure: go.Figure, shares: np.ndarray, palette: Palette) -> None:
    """Write each share into its cell, readable on its colour."""
    places = [(row, column) for row in range(shares.shape[0]) for column in range(shares.shape[1])]
    values = [float(shares[place]) for place in places]
    figure.add_scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        mode="text",
        text=[
            "–"
            if np.isnan(value)
            else _format_short(value, with_unit=shares.shape[1] <= MOST_LEVEL)
            for value in values
        ],
        textfont={
            "size": TEXT_SIZE,
            "color": [
                palette.ink if np.isnan(value) else choose_ink(_shade(value, palette))
                for value in values
            ],
        },
        hoverinfo="skip",
    )


def choose_ink(under: str) -> str:
    """Choose black or white for text over a shade: one of them always reaches 4.5 to 1."""
    return max("#000000", "#FFFFFF", key=lambda colour: contrast(colour, under))


def _format_share(share: float) -> str:
    """Format a percentage; only none is 0 and only all is 100.

    Examples
    --------
    >>> [_format_share(share) for share in (0, 0.001, 0.5, 0.999, 1)]
    ['0 %', 'under 1 %', '50 %', 'over 99 %', '100 %']
    """
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def _format_short(share: float, *, with_unit: bool) -> str:
    """Format a percentage within a cell; a narrow one has no room for the unit."""
    words = _format_share(share).replace("under ", "&lt;").replace("over ", "&gt;")
    return words if with_unit else words.removesuffix(" %")


def describe_missing(table: pd.DataFrame, *, n_most: int = 5) -> str:
    """Describe what `plot_missing` shows: its text alternative.

    Returns
    -------
    str
        Plain text.
    """
    if table.empty or not table["n"].sum():
        return "An empty table: no image is left."
    sums = table.groupby(["column", "title"], sort=False)[["n", "n_recorded"]].sum().reset_index()
    sums["share"] = sums["n_recorded"] / sums["n"]
    least = sums.sort_values("share", kind="stable").head(n_most)
    parts = [f"{row['title']} {_format_share(row['share'])}" for row in least.to_dict("records")]
    n_groups = table["group"].nunique()
    return (
        f"A heat map of the share recorded, {format_units(len(sums), 'column')} by "
        f"{format_units(n_groups, 'group')}. Least recorded: {', '.join(parts)}."
    )
