"""The background of a map: bands of a density, or of a share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxrlib.charts.style import (
    BOX_HEIGHT,
    LINE,
    TEXT_SIZE,
    Palette,
    Parts,
    draw_colour_scale,
    fade,
    label_colour_scale,
    mix,
)
from cxrlib.maps import DensityGrid, ShareGrid

#: Bands of the density, the lowest of them clear.
N_BANDS = 8
#: Bands of a share, 10 percentage points each: the same colour means the same on every map.
N_SHARES = 10
#: How much of the hue the lowest share has; clear is where there is none.
FAINTEST = 0.1
#: Room round the outermost images, as a share of the map's span: at least, and at most where
#: the surface reaches further.
MARGIN_SHARE, MAX_MARGIN_SHARE = 0.06, 0.15
#: From the map to its scale, in pixels.
DROP = 18
Extent = tuple[float, float, float, float]


def frame_surface(
    places: NDArray[np.float64], grid: DensityGrid | ShareGrid | None
) -> tuple[Extent, float]:
    """Return what the map shows and the lowest level of its density.

    The extent, (x_min, x_max, y_min, y_max), takes in all points and the whole lowest band if
    the margin for it stays small. Where it would not, the level rises to what the density
    reaches outside, so that no band is cut off at the edge. A share is given where images are
    near, and may be cut.

    Parameters
    ----------
    places : ndarray of shape (n_images, 2)
        In map units.
    grid : DensityGrid, ShareGrid or None
    """
    if not len(places):
        return (0.0, 1.0, 0.0, 1.0), 0.0
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.maximum(high - low, 1.0)
    frame_low, frame_high = low - MARGIN_SHARE * span, high + MARGIN_SHARE * span
    widest_low, widest_high = low - MAX_MARGIN_SHARE * span, high + MAX_MARGIN_SHARE * span
    level, drawn = 0.0, None
    if isinstance(grid, DensityGrid):
        level = _lowest_level(grid, widest_low, widest_high)
        drawn = grid.density >= level
    elif grid is not None:
        drawn = grid.is_supported
    if grid is not None and drawn is not None and drawn.any():
        rows, columns = np.nonzero(drawn)
        band_x, band_y = grid.x[columns], grid.y[rows]
        step = np.array([grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]])
        band_low = np.array([band_x.min(), band_y.min()]) - step
        band_high = np.array([band_x.max(), band_y.max()]) + step
        frame_low = np.minimum(frame_low, np.maximum(band_low, widest_low))
        frame_high = np.maximum(frame_high, np.minimum(band_high, widest_high))
    (x_min, y_min), (x_max, y_max) = frame_low, frame_high
    return (float(x_min), float(x_max), float(y_min), float(y_max)), level


def _lowest_level(
    density: DensityGrid, low: NDArray[np.float64], high: NDArray[np.float64]
) -> float:
    """Return the lowest level whose band ends between two corners; an eighth of the peak if so."""
    # One cell further in: lines between grid points reach beyond the last point above a level.
    inside_x = (density.x > low[0] + density.x[1] - density.x[0]) & (
        density.x < high[0] - density.x[1] + density.x[0]
    )
    inside_y = (density.y > low[1] + density.y[1] - density.y[0]) & (
        density.y < high[1] - density.y[1] + density.y[0]
    )
    outside = density.density[~np.outer(inside_y, inside_x)]
    peak = float(density.density.max())
    reached = float(outside.max()) * 1.001 if outside.size else 0.0
    # A peak outside the frame leaves only a tip to draw.
    return min(max(peak / N_BANDS, reached), 0.95 * peak)


def draw_surface(
    grid: DensityGrid | ShareGrid, palette: Palette, words: str, level: float = 0.0
) -> list[Parts]:
    """Draw a surface as traces, the lowest first.

    Parameters
    ----------
    grid : DensityGrid or ShareGrid
    palette : Palette
    words : str
        What it is.
    level : float
        Of a density: nothing is drawn under it (`frame_surface`).
    """
    if isinstance(grid, DensityGrid):
        return [_draw_density(grid, palette, words, level)]
    return _draw_share(grid, palette, words)


class Scale(NamedTuple):
    """Hold a scale: its boxes as shapes, its words as an annotation, pixels of more lines."""

    boxes: list[Parts]
    words: Parts
    deeper: int


def scale_surface(grid: DensityGrid | ShareGrid, palette: Palette, words: str) -> Scale:
    """Draw the scale under the map, with its label."""
    if isinstance(grid, DensityGrid):
        colours = [colour for _, colour in _band_colours(palette)]
    else:
        colours = _share_colours(palette)
    up = -DROP - BOX_HEIGHT
    named = label_colour_scale(words, len(colours), up=up)
    boxes = draw_colour_scale(colours, palette.density, up=up)
    return Scale(boxes, named, LINE * str(named["text"]).count("<br>"))


def _draw_density(density: DensityGrid, palette: Palette, words: str, level: float) -> Parts:
    """Draw the density as bands of one hue, clear under a level, with thin lines between."""
    values = density.images_per_area.astype(np.float32)
    peak = float(values.max())
    level *= density.n_points  # as the values: images a unit of area
    step = (peak - level) / (N_BANDS - 1)
    return {
        "type": "contour",
        "x": density.x,
        "y": density.y,
        "z": values,
        "contours": {"start": level, "end": peak - step / 2, "size": step, "coloring": "fill"},
        "colorscale": _band_colours(palette),
        "line": {"width": 0.75, "color": palette.density, "smoothing": 1},
        "hoverinfo": "skip",
        "showscale": False,
        "name": words,
    }


def _band_colours(palette: Palette) -> list[tuple[float, str]]:
    """Return the colour of each band, from clear at zero to the full hue at the peak.

    Plotly fills each band over all those below it, so clear colours would add up: all but the
    lowest are given as they are seen over the page.
    """
    shares = np.arange(N_BANDS) / (N_BANDS - 1)
    seen = [mix(palette.density, palette.page, share) for share in shares]
    seen[0] = fade(palette.density, 0)
    return [(float(share), colour) for share, colour in zip(shares, seen, strict=True)]


def _draw_share(grid: ShareGrid, palette: Palette, words: str) -> list[Parts]:
    """Draw a share as bands of 10 percentage points, within a dotted line round its support."""
    if not grid.is_supported.any():
        return []
    # A little beyond its support, so that the mask below cuts it along a smooth line.
    near = grid.support >= grid.min_support / 2
    rows, columns = (_span(np.any(near, axis=axis)) for axis in (1, 0))
    common = {
        "type": "contour",
        "x": grid.x[columns],
        "y": grid.y[rows],
        "hoverinfo": "skip",
        "showscale": False,
        "showlegend": False,
    }
    values = np.where(near, grid.unmasked, np.nan)[rows, columns]
    return [
        {
            **common,
            "z": values.astype(np.float32),
            "zmin": 0,
            "zmax": 1,
            "contours": {
                "start": 1 / N_SHARES,
                "end": 1 - 1 / N_SHARES,
                "size": 1 / N_SHARES,
                "coloring": "fill",
                "showlabels": True,
                "labelformat": ".0%",
                "labelfont": {"size": TEXT_SIZE, "color": palette.quiet},
            },
            "colorscale": _spread(_share_colours(palette)),
            "line": {"width": 0.75, "color": palette.quiet, "smoothing": 1},
            "name": words,
        },
        {
            **common,
            "z": grid.support[rows, columns].astype(np.float32),
            # Plotly fills where the constraint does not hold.
            "contours": {"type": "constraint", "operation": ">", "value": grid.min_support},
            "fillcolor": palette.page,
            "line": {"width": 1.5, "color": palette.quiet, "dash": "dot"},
            "name": f"fewer than {grid.min_support:g} images near",
        },
    ]


def _span(is_there: NDArray[np.bool_]) -> slice:
    """Return the places from the first to the last that is there, and one more on each side."""
    (places,) = np.nonzero(is_there)
    return slice(max(int(places[0]) - 1, 0), int(places[-1]) + 2)


def _share_colours(palette: Palette) -> list[str]:
    """Return the colour of each band of a share; the lowest is faint, not clear."""
    return [
        mix(palette.density, palette.page, FAINTEST + (1 - FAINTEST) * place / (N_SHARES - 1))
        for place in range(N_SHARES)
    ]


def _spread(colours: Sequence[str]) -> list[tuple[float, str]]:
    """Lay the colours of bands out from 0 to 1: Plotly takes them from there, evenly."""
    return [(place / (len(colours) - 1), colour) for place, colour in enumerate(colours)]
