"""Countries of the images: circles on a world map, and ordered bars. Counts only."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.style import (
    MARGIN,
    PALETTES,
    REGIONS,
    STILL,
    TEXT_SIZE,
    Palette,
    Theme,
    add_notes,
    chart_template,
    fade,
    join_words,
    label_rows,
    mix,
    note_empty,
    place_labels,
    quote_text,
    region_rim,
    start_rows,
    text_width,
)
from cxrlib.cohort import UNKNOWN
from cxrlib.number_text import format_units
from cxrlib.summary import Outline, load_outlines, place_counts, project

#: What is drawn of the plane of `cxrlib.summary.project`: all land but Antarctica.
EXTENT = (-2.36, 2.62, -1.0, 1.3)
EDGE = 2.0  # pixels beyond the outermost circle
# Pixels that labels are placed for: as narrow as a map beside the sidebar gets. What keeps clear
# of edges and circles there does so on a wider one, where circles stand further apart.
MAP_WIDTH = 500.0
LARGEST, SMALLEST = 40.0, 9.0  # diameters of circles, in pixels
N_LABELS = 8
NO_COUNTRY = "No image has a recorded country that is on the map."
#: A row of a table.
Cells = Mapping[Hashable, Any]
#: Distance of the dots that stand for circles where labels are placed, in pixels.
DOT = 7.0
#: A chart of ordered bars has the name of its level in the table, and in words.
LEVELS = {
    "region": ("region", "regions"),
    "sub_region": ("sub-region", "sub-regions"),
    "country": ("country", "countries"),
}


def plot_world(
    counts: pd.DataFrame, *, theme: Theme = "light", height: int = 500, n_labels: int = N_LABELS
) -> go.Figure:
    """Plot a circle for each country, its area by the count.

    Counts are of published images, not of how common a disease is: no share by country is
    drawn. Small countries have circles too.

    Parameters
    ----------
    counts : DataFrame
        The table of ``summarise(cohort, "country")``: country, sub_region, region, unit, n,
        n_images, n_patients.
    theme : {"light", "dark"}
    height : int, default 500
        In pixels.
    n_labels : int, default 8
        The largest that are named; the others are by pointing at them.

    Returns
    -------
    Figure
        Circles carry ``("country", name)`` as customdata.
    """
    palette = PALETTES[theme]
    figure = go.Figure(layout={"template": chart_template(theme)})
    placed = place_counts(counts).placed
    _add_land(figure, palette, set(placed["country"]))
    sizes = LARGEST * np.sqrt(placed["n"].to_numpy(dtype=float) / max(placed["n"].max(), 1))
    placed = placed.assign(size=np.maximum(sizes, SMALLEST))
    for region, rows in placed.groupby("region", sort=True):
        _add_circles(figure, str(region), rows, theme)
    x_min, x_max, y_min, y_max = _find_extent(placed)
    _add_labels(figure, placed, palette, n_labels, extent=(x_min, x_max, y_min, y_max))
    figure.update_layout(
        height=height,
        dragmode="pan",
        clickmode="event+select",
        margin_b=MARGIN["r"],
        # From the top down: a second line of it, on a narrow screen, has room above the map.
        legend={"itemsizing": "constant", "yref": "container", "y": 1, "yanchor": "top"},
        xaxis={"range": [x_min, x_max], "visible": False},
        yaxis={"range": [y_min, y_max], "visible": False, "scaleanchor": "x"},
    )
    if placed.empty:
        note_empty(figure, NO_COUNTRY, advice="See the table by country.")
    return figure


def _find_extent(placed: pd.DataFrame) -> tuple[float, float, float, float]:
    """Find what is drawn of the plane: more of it where circles would reach beyond the edges.

    Islands of the outer Pacific lie there; where they are counted the map reaches them.
    """
    x_min, x_max, y_min, y_max = EXTENT
    for _ in range(4):  # a wider map makes circles larger against it
        reach = (placed["size"] / 2 + EDGE) * (x_max - x_min) / MAP_WIDTH
        x_min = min([x_min, *(placed["x"] - reach)])
        x_max = max([x_max, *(placed["x"] + reach)])
    return x_min, x_max, y_min, y_max


def _add_land(figure: go.Figure, palette: Palette, counted: set[str]) -> None:
    """Fill the land, countries that are counted a shade stronger."""
    outlines = load_outlines().values()
    for is_counted, share in ((False, 0.45), (True, 0.95)):
        x, y = _join_rings([each for each in outlines if (each.country in counted) == is_counted])
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                fill="toself",
                fillcolor=mix(palette.grid, palette.page, share),
                line={"width": 0.7, "color": palette.page},
                hoverinfo="skip",
                showlegend=False,
                name="countries counted" if is_counted else "other land",
            )
        )


def _join_rings(outlines: Sequence[Outline]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Project all rings and put gaps between them."""
    gap = np.full((1, 2), np.nan)
    rings = [part for each in outlines for ring in each.rings for part in (ring, gap)]
    corners = np.vstack([*rings, gap])
    x, y = project(corners[:, 0], corners[:, 1])
    return x.astype(np.float32), y.astype(np.float32)


def _add_circles(figure: go.Figure, region: str, rows: pd.DataFrame, theme: Theme) -> None:
    """Draw the countries of a region, smaller ones over larger ones."""
    rows = rows.sort_values("n", ascending=False, kind="stable")
    figure.add_trace(
        go.Scatter(
            x=rows["x"].to_list(),
            y=rows["y"].to_list(),
            mode="markers",
            name=quote_text(region),
            marker={
                "size": rows["size"].to_list(),
                "color": fade(REGIONS.get(region, REGIONS[UNKNOWN]), 0.75),
                "opacity": 1,
                "line": {"width": 1.5, "color": region_rim(region, theme)},
            },
            customdata=[["country", country] for country in rows["country"]],
            hoverinfo="text",
            hovertext=[_hover(row, "country", "sub_region") for row in rows.to_dict("records")],
            **STILL,
        )
    )


def _hover(row: Cells, level: str, within: str = "") -> str:
    """Describe a row."""
    place = f" ({quote_text(row[within])})" if within and row.get(within) else ""
    return f"<b>{quote_text(row[level])}</b>{place}: {_counts(row)}"


def _counts(row: Cells) -> str:
    """Format how many are counted, with their images or patients."""
    if not row.get("is_one", True):
        # Added up: a patient may have images in two of the places.
        return format_units(int(row["n"]), str(row["unit"]))
    n = {unit: int(row[f"n_{unit}s"]) for unit in ("image", "patient")}
    if row["unit"] == "image":
        return f"{format_units(n['image'], 'image')} of {format_units(n['patient'], 'patient')}"
    counted = format_units(int(row["n"]), str(row["unit"]))
    return f"{counted} with {format_units(n['image'], 'image')}"


def _add_labels(
    figure: go.Figure,
    placed: pd.DataFrame,
    palette: Palette,
    n_labels: int,
    *,
    extent: tuple[float, float, float, float],
) -> None:
    """Label the largest where the label covers neither circles nor other labels."""
    x_min, x_max, y_min, y_max = extent
    scale = MAP_WIDTH / (x_max - x_min)
    named = placed.head(n_labels)
    if named.empty:
        return
    texts = [f"{quote_text(row.country)} {row.n:,}" for row in named.itertuples()]
    boxes = np.array([(text_width(text) + 6, TEXT_SIZE + 5) for text in texts])
    points = placed[["x", "y"]].to_numpy() * scale
    shifts = place_labels(
        points[: len(named)],
        boxes,
        obstacles=_fill_circles(points, placed["size"].to_numpy() / 2),
        frame=(x_min * scale, x_max * scale, y_min * scale, y_max * scale),
    )
    line = {"showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": palette.quiet}
    notes = [
        {
            **line,
            "x": row["x"],
            "y": row["y"],
            "text": text,
            "standoff": row["size"] / 2 + 1,
            "ax": float(across),
            "ay": -float(up),  # down, on a screen
        }
        for row, text, (across, up) in zip(named.to_dict("records"), texts, shifts, strict=True)
    ]
    add_notes(figure, notes)


def _fill_circles(centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return dots over circles, for labels to keep clear of."""
    steps = np.arange(-LARGEST / 2, LARGEST / 2 + DOT, DOT)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    reach = np.hypot(grid[:, 0], grid[:, 1])
    dots = [
        centre + grid[reach <= radius + 2] for centre, radius in zip(centres, radii, strict=True)
    ]
    return np.vstack([*dots, centres])


def describe_world(counts: pd.DataFrame, *, n_most: int = 5) -> str:
    """Describe what `plot_world` shows: its text alternative.

    Returns
    -------
    str
        Plain text.
    """
    placed = place_counts(counts).placed
    if placed.empty:
        return f"An empty world map. {NO_COUNTRY}"
    unit = str(placed["unit"].iloc[0])
    most = [f"{row.country} {row.n:,}" for row in placed.head(n_most).itertuples()]
    n_countries = len(placed)
    countries = "country" if n_countries == 1 else "countries"
    sentences = [
        f"A world map with circles for {n_countries} {countries}, sized by the number of {unit}s.",
        f"Most are from {join_words(most)}.",
        describe_unplaced(counts),
    ]
    return " ".join(filter(None, sentences))


def describe_unplaced(counts: pd.DataFrame) -> str:
    """Describe how many `plot_world` does not draw; "" where it draws all.

    Examples
    --------
    >>> counts = pd.DataFrame({"country": ["Italy", "Unknown"], "n": [3, 1], "unit": "patient"})
    >>> describe_unplaced(counts)
    'Not on the map: 1 patient without a recorded or known country.'
    """
    unplaced = place_counts(counts).unplaced
    if unplaced.empty:
        return ""
    n_unplaced = format_units(int(unplaced["n"].sum()), str(unplaced["unit"].iloc[0]))
    return f"Not on the map: {n_unplaced} without a recorded or known country."


# ---- ordered bars


def plot_places(
    counts: pd.DataFrame,
    *,
    level: str = "region",
    theme: Theme = "light",
    n_most: int | None = None,
) -> go.Figure:
    """Plot places as bars, the largest first, what is not recorded last.

    Parameters
    ----------
    counts : DataFrame
        The table of ``summarise`` by region, sub-region or country.
    level : {"region", "sub_region", "country"}, default "region"
        The table's column that is named; bars carry ``(level, name)`` as customdata.
    theme : {"light", "dark"}
    n_most : int, optional
        How many have a bar of their own; the others are added up in one. By default all.

    Returns
    -------
    Figure
        As high as its rows need.
    """
    palette = PALETTES[theme]
    rows = _order(counts, level, n_most)
    figure = start_rows(theme, len(rows))
    if rows.empty:
        return note_empty(figure)
    regions = [str(region) for region in rows["region"]]
    figure.add_bar(
        x=rows["n"].to_list(),
        y=list(range(len(rows))),
        orientation="h",
        marker={
            "color": [REGIONS.get(region, palette.page) for region in regions],
            "line": {
                "width": 1.5,
                "color": [
                    palette.quiet if region in (UNKNOWN, "") else region_rim(region, theme)
                    for region in regions
                ],
            },
            # Not by colour alone: what is not recorded, and what is added up, is hatched.
            "pattern": {
                "shape": ["/" if region in (UNKNOWN, "") else "" for region in regions],
                "fgcolor": palette.quiet,
                "bgcolor": palette.page,
                "size": 6,
                "solidity": 0.2,
                "fillmode": "replace",
            },
        },
        customdata=[
            [level, name] if is_one else []
            for name, is_one in zip(rows[level], rows["is_one"], strict=True)
        ],
        hoverinfo="text",
        hovertext=[_hover(row, level) for row in rows.to_dict("records")],
        text=[_counts(row) for row in rows.to_dict("records")],
        textposition="outside",
        textfont={"color": palette.ink},
        cliponaxis=False,
        **STILL,
    )
    label_rows(figure, [quote_text(name) for name in rows[level]], palette)
    # The words of the longest bar stand beyond it, whatever the width of the page.
    beyond = max(text_width(_counts(row)) for row in rows.to_dict("records"))
    figure.update_layout(
        margin={"t": MARGIN["r"], "b": MARGIN["r"], "r": MARGIN["r"] + 6 + round(beyond)},
        height=figure.layout.height - MARGIN["t"] - MARGIN["b"] + 2 * MARGIN["r"],
        xaxis={"range": [0, rows["n"].max()], "visible": False, "fixedrange": True},
    )
    return figure


def _order(counts: pd.DataFrame, level: str, n_most: int | None) -> pd.DataFrame:
    """Put the largest first, what is not recorded last, the others in one row before it."""
    counts = counts[counts["n"] > 0].sort_values("n", ascending=False, kind="stable")
    counts = counts.assign(is_one=True)
    is_known = counts["region"] != UNKNOWN
    known, rest = counts[is_known], counts[~is_known]
    if n_most is None or len(known) <= n_most:
        return pd.concat([known, rest], ignore_index=True)
    others = known.iloc[n_most:]
    numbers = {name: others[name].sum() for name in ("n", "n_images", "n_patients")}
    name = f"{len(others)} other {LEVELS[level][len(others) != 1]}"
    unit = str(others["unit"].iloc[0])
    row = pd.DataFrame([{level: name, "region": "", "unit": unit, **numbers, "is_one": False}])
    return pd.concat([known.iloc[:n_most], row, rest], ignore_index=True)


def describe_places(counts: pd.DataFrame, *, level: str = "region") -> str:
    """Describe what `plot_places` shows: its text alternative.

    Returns
    -------
    str
        Plain text.
    """
    rows = _order(counts, level, None)
    if rows.empty:
        return "No bars: no image is left."
    bars = [f"{row[level]}: {_counts(row)}" for row in rows.to_dict("records")]
    return f"Bars by {LEVELS[level][0]}, the largest first. {'; '.join(bars)}."
