"""The map of a cohort: images by state, the density behind them, patients' ways across it."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.labels import place_labels
from cxrlib.charts.palette import PALETTES, STATES, Palette, Theme, fade, mix
from cxrlib.charts.scale import enlarge
from cxrlib.charts.template import (
    FONT,
    MARGIN,
    TITLE_HEIGHT,
    Parts,
    make_figure,
    template_layout,
    use_webgl,
)
from cxrlib.charts.words import (
    DENSITY_LABEL,
    count_words,
    day_state_words,
    day_words,
    safe_text,
    state_words,
)
from cxrlib.density import DensityGrid
from cxrlib.trajectories import MappedImage, Stop, Trajectory

__all__ = ["HOVER_COLUMN", "plot_map", "write_hover_texts"]

Layer = Literal["scatter", "scattergl"]
MARKERS = {"bad": ("diamond", 9.0), "good": ("circle", 9.0), "unknown": ("circle", 7.0)}
#: Opacity of images that step back behind a chosen path; their contrast stays above 3 to 1.
FADED = 0.75
#: Opacity of images that filters leave out: there, and no more.
BACKDROP_OPACITY = 0.4
#: Where a table of points keeps its `write_hover_texts`, if it was asked for them before.
HOVER_COLUMN = "hover_text"
#: Bands of the density, the lowest of them clear.
N_BANDS = 8
#: Room round the outermost images, as a share of the map's span: at least, and at most where
#: the density reaches further.
MARGIN_SHARE, MAX_MARGIN_SHARE = 0.06, 0.15
#: Sizes of a chosen patient's marks, in pixels, by how many lie at the same place already: the
#: later and smaller ones leave a rim of the earlier.
MARK_SIZES = (13.0, 9.0, 6.0)
#: Marks nearer than this hide each other, in pixels.
SAME_PLACE = 7.0
#: Paths are told apart by their label first, their dashes second.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
#: Width that labels are placed for, in pixels; on a wider figure they have more room.
LABEL_WIDTH = 800.0
LABEL_SIZE = 15
#: A line of the paths' key, and the sample of a path in it, in pixels.
KEY_HEIGHT, KEY_LINE = 26, 52


def plot_map(
    points: pd.DataFrame,
    density: DensityGrid | None,
    trajectories: Sequence[Trajectory] = (),
    *,
    theme: Theme = "light",
    selected_image_id: str | None = None,
    title: str | None = None,
    density_label: str = DENSITY_LABEL,
    height: int = 620,
    uirevision: str = "map",
    scale: float = 1.0,
    view: tuple[float, float, float, float] | None = None,
    backdrop: pd.DataFrame | None = None,
) -> go.Figure:
    """Plot the map.

    Each mark is an image; colour and shape both say its state. Every mark that can be clicked
    carries ``customdata`` of image_id and patient_id.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.trajectories.map_points`, or a selection of its rows. A column
        `HOVER_COLUMN` spares writing the hover texts again.
    density : DensityGrid or None
        Drawn behind the marks; None where it is not estimable or not wanted.
    trajectories : sequence of Trajectory, optional
        Patients whose way is drawn; the other images fade.
    theme : {"light", "dark"}, default "light"
    selected_image_id : str, optional
        Image to ring.
    title : str, optional
        A page has its own heading; a figure that stands alone needs one.
    density_label : str
        Which images the density is of.
    height : int, default 620
        In pixels; fixed, so that the page does not jump.
    uirevision : str
        While this stays the same, zoom and hidden states are kept. Use the map's key.
    scale : float, default 1.0
        Of text, marks, lines and height together: 1.5 is readable at four metres.
    view : tuple of float, optional
        ``(x_min, x_max, y_min, y_max)`` to open on, where a reader had zoomed or moved; by
        default the whole map, to which autoscaling comes back in any case.
    backdrop : DataFrame, optional
        Images that filters leave out, as `points`: faint dots that keep the map's extent.

    Returns
    -------
    Figure
    """
    palette = PALETTES[theme]
    tables = [points] if backdrop is None else [points, backdrop]
    places = [table[["x", "y"]].to_numpy(dtype=np.float64) for table in tables]
    everything = np.vstack(places)
    layer: Layer = "scattergl" if use_webgl(len(everything)) else "scatter"
    extent, level = _frame(everything, density)
    top = MARGIN["t"] + (0 if title is None else TITLE_HEIGHT)
    top += KEY_HEIGHT * _count_key_rows(trajectories)
    screen = _Screen(extent, height - top - MARGIN["b"])
    ring = places[0][(points["image_id"] == selected_image_id).to_numpy(bool, na_value=False)]
    traces = [
        *_draw_points(points, palette, layer, chosen=bool(trajectories)),
        *_draw_paths(trajectories, palette, layer, screen),
        *_draw_ring(ring, palette, layer),
    ]
    notes = _write_labels(trajectories, palette, screen, keep=ring)
    layout = _lay_out(screen, height=height, top=top, title=title, view=view or extent)
    if backdrop is not None and len(backdrop):
        traces.insert(0, _draw_backdrop(places[1], palette, layer))
    if density is not None and len(points):
        words = f"density of {density_label}"
        traces.insert(0, _draw_density(density, palette, words, level))
        layout["shapes"] = _draw_density_scale(palette)
        notes.insert(0, _name_density_scale(words))
    if trajectories:
        layout["legend2"] = _lay_out_key(theme)
    if points.empty:
        notes.append(_say_empty())
    if notes:
        layout["annotations"] = notes
    layout["uirevision"] = uirevision
    return enlarge(make_figure(traces, layout, theme), scale)


def _trace(layer: Layer, **properties: object) -> Parts:
    """Describe a trace of marks or lines."""
    return {"type": layer, **properties}


@dataclass(frozen=True)
class _Screen:
    """Hold the map's extent and the height it is drawn in, to turn map units into pixels."""

    extent: tuple[float, float, float, float]
    height: float

    @property
    def scale(self) -> float:
        """Give pixels a map unit. Both axes have one scale."""
        x_min, x_max, y_min, y_max = self.extent
        return min(LABEL_WIDTH / (x_max - x_min), self.height / (y_max - y_min))

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Give the extent in pixels, with the room left over at the sides."""
        x_min, x_max, y_min, y_max = (value * self.scale for value in self.extent)
        spare = max((LABEL_WIDTH - (x_max - x_min)) / 2, 0.0)
        return x_min - spare, x_max + spare, y_min, y_max


def _lay_out(
    screen: _Screen,
    *,
    height: int,
    top: float,
    title: str | None,
    view: tuple[float, float, float, float],
) -> Parts:
    """Lay out axes without ticks, one scale for both, and room for the keys above."""
    axes: dict[str, Parts] = {}
    for name, low, high in (("xaxis", 0, 1), ("yaxis", 2, 3)):
        whole = {"minallowed": screen.extent[low], "maxallowed": screen.extent[high]}
        axes[name] = {
            "range": [view[low], view[high]],
            # Autoscaling would else take in the density's grid, which reaches far beyond.
            "autorangeoptions": whole,
            "showticklabels": False,
            "ticks": "",
        }
    axes["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    # Two legends: the states hang from the top, the paths stand on the map, at any height.
    hung = 1.0 if title is None else 1.0 - TITLE_HEIGHT / height
    layout = {
        "height": height,
        "dragmode": "pan",
        "clickmode": "event+select",
        "margin": {"t": top},
        "legend": {"yref": "container", "y": hung, "yanchor": "top"},
        **axes,
    }
    if title is not None:
        layout["title"] = {"text": html.escape(title, quote=False)}
    return layout


def _lay_out_key(theme: Theme) -> Parts:
    """Lay out the key of the paths, on the map; it hides nothing."""
    return {
        **template_layout(theme)["legend"],
        "itemwidth": KEY_LINE,
        "itemclick": False,
        "itemdoubleclick": False,
    }


def _count_key_rows(trajectories: Sequence[Trajectory]) -> int:
    """Count the lines that the key of the paths takes."""
    widths = [KEY_LINE + 24 + len(_path_name(way)) * LABEL_SIZE * 0.55 for way in trajectories]
    rows, used = (1 if widths else 0), 0.0
    for width in widths:
        if used and used + width > LABEL_WIDTH:
            rows, used = rows + 1, 0.0
        used += width
    return rows


def _path_name(way: Trajectory) -> str:
    """Name a path in the key."""
    return f"Patient {safe_text(way.patient_id)}"


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


#: The density's scale under the map, in pixels: width and height of a box, from the map to it.
BOX_WIDTH, BOX_HEIGHT, BOX_DROP = 14, 12, 18


def _draw_density_scale(palette: Palette) -> list[Parts]:
    """Draw the density's scale under the map, from low to high.

    Plotly's own colour bar reserves room and cannot stand beside its title in one line.
    """
    return [
        {
            "type": "rect",
            "xref": "paper",
            "yref": "paper",
            "xsizemode": "pixel",
            "ysizemode": "pixel",
            "xanchor": 0,
            "yanchor": 0,
            "x0": 8 + row * BOX_WIDTH,
            "x1": 8 + (row + 1) * BOX_WIDTH,
            "y0": -BOX_DROP - BOX_HEIGHT,
            "y1": -BOX_DROP,
            "fillcolor": colour,
            "line": {"width": 0.75, "color": palette.density},
        }
        for row, (_, colour) in enumerate(_band_colours(palette))
    ]


def _name_density_scale(words: str) -> Parts:
    """Say beside the density's scale what it is."""
    return {
        "x": 0,
        "y": 0,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "middle",
        "xshift": 8 + N_BANDS * BOX_WIDTH + 8,
        "yshift": -BOX_DROP - BOX_HEIGHT / 2,
        "text": f"low to high: {html.escape(words, quote=False)}",
        "font": {"size": LABEL_SIZE},
    }


def _draw_backdrop(places: NDArray[np.float64], palette: Palette, layer: Layer) -> Parts:
    """Draw images that filters leave out, small and faint; they cannot be clicked."""
    return _trace(
        layer,
        x=places[:, 0].astype(np.float32),
        y=places[:, 1].astype(np.float32),
        mode="markers",
        name="left out by filters",
        showlegend=False,  # a fifth entry breaks the key in two; the page says it in words
        marker={"size": 3.5, "color": palette.quiet, "opacity": BACKDROP_OPACITY},
        hoverinfo="skip",
    )


def _draw_points(
    points: pd.DataFrame, palette: Palette, layer: Layer, *, chosen: bool
) -> list[Parts]:
    """Draw one trace a state, with its count in the legend."""
    share = 1.0 if layer == "scatter" else 0.6  # of the size: thousands of marks are a crowd
    opacity = FADED if chosen else 1.0
    # Rows are chosen as arrays: a table's take many times as long.
    x, y = (points[axis].to_numpy(dtype=np.float32) for axis in "xy")
    ids = points[["image_id", "patient_id"]].to_numpy(dtype=object)
    hover = _find_hover_texts(points)
    traces = []
    for rank, state in enumerate(STATES):
        own = points["state"].eq(state).to_numpy(dtype=bool, na_value=False)
        traces.append(
            _trace(
                layer,
                x=x[own],
                y=y[own],
                mode="markers",
                name=f"{state}: {count_words(int(own.sum()), 'image')}",
                legendrank=1000 - rank,
                marker=_mark(state, palette, share, opacity),
                # Plotly dims what is not selected, which would read as a state.
                selected={"marker": {"opacity": opacity}},
                unselected={"marker": {"opacity": opacity}},
                customdata=ids[own],
                hovertext=hover[own],
                hoverinfo="text",
            )
        )
    return traces


def _mark(state: str, palette: Palette, share: float, opacity: float) -> Parts:
    """Describe the mark of a state: its colour and its shape both say it."""
    symbol, size = MARKERS[state]
    hollow = state == "unknown"
    return {
        "symbol": symbol,
        "size": size * share,
        "color": palette.page if hollow else palette.states[state],
        "opacity": opacity,
        "line": {"width": 1.5 if hollow else 0.8, "color": palette.rims[state]},
    }


def _find_hover_texts(points: pd.DataFrame) -> NDArray[np.object_]:
    """Take the hover texts that the table holds, or write them."""
    if HOVER_COLUMN in points:
        return points[HOVER_COLUMN].to_numpy(dtype=object)
    return write_hover_texts(points)


def write_hover_texts(points: pd.DataFrame) -> NDArray[np.object_]:
    """Write one or two sentences an image, shape (n_images,); ids are text, never markup.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.trajectories.map_points`.
    """
    reasons = points["state_reasons"] if "state_reasons" in points else points["state"]
    rows = zip(
        points["patient_id"],
        points["offset"],
        points["view"],
        points["state"],
        reasons,
        strict=True,
    )
    texts = np.empty(len(points), dtype=object)
    for row, (patient, offset, view, state, reason) in enumerate(rows):
        where = ", ".join(
            [
                f"Patient {safe_text(patient)}",
                day_words(offset),
                safe_text(view, "view not recorded"),
            ]
        )
        texts[row] = f"{where}<br>{state_words(str(state), reason)}"
    return texts


def _draw_paths(
    trajectories: Sequence[Trajectory], palette: Palette, layer: Layer, screen: _Screen
) -> list[Parts]:
    """Draw the ways of the chosen patients, each with its own dashes."""
    taken: list[tuple[float, float]] = []  # places of marks, in pixels
    heads = _arrow_heads if layer == "scatter" else _arrow_heads_webgl
    traces = []
    for row, way in enumerate(trajectories):
        traces += _draw_line(way, palette, layer, DASHES[row % len(DASHES)])
        traces += _draw_days(way, palette, layer)
        traces += _draw_marks(way, palette, layer, screen, taken)
        traces += [heads(way, palette)] if way.steps else []
    return traces


def _draw_line(way: Trajectory, palette: Palette, layer: Layer, dash: str) -> list[Parts]:
    """Draw one patient's line from day to day over its halo."""
    x: list[float | None] = [stop.x for stop in way.stops]
    y: list[float | None] = [stop.y for stop in way.stops]
    plain = {"mode": "lines", "hoverinfo": "skip"}
    halo = {"color": fade(palette.page, 0.85), "width": 8}
    line = {"color": palette.ink, "width": 2.5, "dash": dash}
    return [
        _trace(layer, x=x, y=y, line=halo, showlegend=False, **plain),
        _trace(
            layer,
            # A patient without any day has no line; the key names the patient all the same.
            x=x or [None],
            y=y or [None],
            line=line,
            name=_path_name(way),
            legend="legend2",
            showlegend=True,
            **plain,
        ),
    ]


def _draw_days(way: Trajectory, palette: Palette, layer: Layer) -> list[Parts]:
    """Hang the images of one day on their mean, which says how the day counts."""
    threads = _threads(way.stops)
    if not threads:
        return []
    thin = {"color": palette.ink, "width": 1}
    places = {"x": [place[0] for place in threads], "y": [place[1] for place in threads]}
    means = [stop for stop in way.stops if len(stop.images) > 1]
    return [
        _trace(layer, **places, mode="lines", line=thin, showlegend=False, hoverinfo="skip"),
        _trace(
            layer,
            x=[stop.x for stop in means],
            y=[stop.y for stop in means],
            mode="markers",
            marker={"size": 7, "color": palette.ink},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            showlegend=False,
            hovertext=[
                f"{_path_name(way)}, {day_words(stop.day)}<br>{day_state_words(stop)}; "
                f"the path goes through the mean of the {len(stop.images)} images"
                for stop in means
            ],
            hoverinfo="text",
        ),
    ]


def _threads(stops: Sequence[Stop]) -> list[tuple[float | None, float | None]]:
    """Return lines, with gaps, from the mean of a day to each of its images."""
    threads: list[tuple[float | None, float | None]] = []
    for stop in stops:
        if len(stop.images) > 1:
            for image in stop.images:
                threads += [(stop.x, stop.y), (image.x, image.y), (None, None)]
    return threads


def _draw_marks(
    way: Trajectory,
    palette: Palette,
    layer: Layer,
    screen: _Screen,
    taken: list[tuple[float, float]],
) -> list[Parts]:
    """Draw a chosen patient's images again, larger and outlined in ink.

    ``taken`` is lengthened by the places of these marks, in pixels.
    """
    marked: list[tuple[MappedImage, Stop | None]] = [
        *((image, stop) for stop in way.stops for image in stop.images),
        *((image, None) for image in way.undated),
    ]
    if not marked:
        return []
    images = [image for image, _ in marked]
    hollow = [image.state == "unknown" for image in images]
    fill = [
        palette.page if empty else palette.states[image.state]
        for image, empty in zip(images, hollow, strict=True)
    ]
    rim = [palette.rims["unknown"] if empty else palette.ink for empty in hollow]
    return [
        _trace(
            layer,
            x=[image.x for image in images],
            y=[image.y for image in images],
            mode="markers",
            showlegend=False,
            marker={
                "symbol": [MARKERS[image.state][0] for image in images],
                "size": _mark_sizes(images, screen.scale, taken),
                "color": fill,
                "opacity": 1,
                "line": {"width": 2, "color": rim},
            },
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            customdata=np.array([[i.image_id, way.patient_id] for i in images], dtype=object),
            hovertext=[_mark_text(way, image, stop) for image, stop in marked],
            hoverinfo="text",
        )
    ]


def _mark_sizes(
    images: Sequence[MappedImage], scale: float, taken: list[tuple[float, float]]
) -> list[float]:
    """Return the size of each mark, smaller over others; their places join those taken."""
    sizes = []
    for image in images:
        x, y = image.x * scale, image.y * scale
        n_under = sum(np.hypot(x - left, y - low) < SAME_PLACE for left, low in taken)
        sizes.append(MARK_SIZES[min(int(n_under), len(MARK_SIZES) - 1)])
        taken.append((x, y))
    return sizes


def _mark_text(way: Trajectory, image: MappedImage, stop: Stop | None) -> str:
    """Return the hover sentences of one image of a chosen patient."""
    day = day_words(None if stop is None else stop.day)
    text = f"{_path_name(way)}, {day}, {safe_text(image.view)}<br>"
    text += state_words(image.state, None)
    if stop is not None and day_state_words(stop) != stop.state:
        text += f"<br>The day counts as {day_state_words(stop)}."
    return text


def _arrow_heads(way: Trajectory, palette: Palette) -> Parts:
    """Return arrow heads at the end of each step, coloured by the state they lead to."""
    n_steps = len(way.steps)
    return _trace(
        "scatter",
        x=[stop.x for stop in way.stops],
        y=[stop.y for stop in way.stops],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={
            # The first mark gives the first arrow its direction and is not seen itself.
            "symbol": ["circle", *["arrow"] * n_steps],
            "opacity": [0, *[1] * n_steps],
            "size": 17,
            "angleref": "previous",
            "standoff": [0, *[9] * n_steps],
            "color": [palette.ink, *(palette.states[step.state] for step in way.steps)],
            "line": {"width": 1.2, "color": palette.ink},
        },
    )


def _arrow_heads_webgl(way: Trajectory, palette: Palette) -> Parts:
    """Return arrow heads a little past the middle of each step.

    WebGL knows neither ``angleref`` nor ``standoff``: a head at the end would lie under the mark.
    """
    turns = [(step.end[0] - step.start[0], step.end[1] - step.start[1]) for step in way.steps]
    return _trace(
        "scattergl",
        x=[step.start[0] + 0.6 * right for step, (right, _) in zip(way.steps, turns, strict=True)],
        y=[step.start[1] + 0.6 * up for step, (_, up) in zip(way.steps, turns, strict=True)],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={
            "symbol": "arrow",
            "size": 17,
            # Clockwise from up. Both axes have one scale, so the angle is that on the screen.
            "angle": [float(np.degrees(np.arctan2(right, up))) for right, up in turns],
            "color": [palette.states[step.state] for step in way.steps],
            "line": {"width": 1.2, "color": palette.ink},
        },
    )


def _draw_ring(places: NDArray[np.float64], palette: Palette, layer: Layer) -> list[Parts]:
    """Ring the selected image; nothing is drawn where the map does not show it."""
    if not len(places):
        return []
    return [
        _trace(
            layer,
            x=places[:, 0],
            y=places[:, 1],
            mode="markers",
            showlegend=False,
            hoverinfo="skip",
            marker={
                "symbol": "circle-open",
                "size": 26,
                "color": palette.accent,
                "line": {"width": 3.5},
            },
        )
    ]


def _frame(
    places: NDArray[np.float64], density: DensityGrid | None
) -> tuple[tuple[float, float, float, float], float]:
    """Return what the map shows and the lowest level of its density.

    The extent, (x_min, x_max, y_min, y_max), takes in all points and the whole lowest band if
    the margin for it stays small. Where it would not, the level rises to what the density
    reaches outside, so that no band is cut off at the edge.
    """
    if not len(places):
        return (0.0, 1.0, 0.0, 1.0), 0.0
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.maximum(high - low, 1.0)
    frame_low, frame_high = low - MARGIN_SHARE * span, high + MARGIN_SHARE * span
    level = 0.0
    if density is not None:
        widest_low, widest_high = low - MAX_MARGIN_SHARE * span, high + MAX_MARGIN_SHARE * span
        level = _lowest_level(density, widest_low, widest_high)
        rows, columns = np.nonzero(density.density >= level)
        band_x, band_y = density.x[columns], density.y[rows]
        step = np.array([density.x[1] - density.x[0], density.y[1] - density.y[0]])
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


@dataclass(frozen=True)
class _Label:
    """Hold one label: what it says and where it points."""

    text: str
    x: float
    y: float
    width: float


def _labels(way: Trajectory, *, among_others: bool, slanted: bool) -> list[_Label]:
    """Return a label a day: patient and day first, and last again where there are other paths.

    Every other path slants its own.
    """
    labels = []
    for row, stop in enumerate(way.stops):
        words = day_words(stop.day)
        bold = _path_name(way) if row == 0 else ""
        if among_others and 0 < row == len(way.stops) - 1:
            bold = safe_text(way.patient_id)
        text = f"<b>{bold}</b>, {words}" if bold else words
        text = f"<i>{text}</i>" if slanted else text
        n_letters = len(words) + (len(bold) * 1.1 + 2 if bold else 0)
        labels.append(_Label(text, stop.x, stop.y, n_letters * LABEL_SIZE * 0.53 + 8))
    return labels


def _write_labels(
    trajectories: Sequence[Trajectory],
    palette: Palette,
    screen: _Screen,
    *,
    keep: NDArray[np.float64],
) -> list[Parts]:
    """Write days beside the paths, with a thin leader where a label had to step aside.

    ``keep`` are places, in map units, to keep clear.
    """
    labels = [
        label
        for row, way in enumerate(trajectories)
        for label in _labels(way, among_others=len(trajectories) > 1, slanted=row % 2 == 1)
    ]
    if not labels:
        return []
    scale = screen.scale
    offsets = place_labels(
        np.array([[label.x, label.y] for label in labels]) * scale,
        np.array([[label.width, LABEL_SIZE * 1.4] for label in labels]),
        obstacles=np.vstack(
            [*(_dots(way, scale) for way in trajectories if way.stops), *[keep * scale] * 4]
        ),
        frame=screen.frame,
    )
    return [
        _annotation(label, right, up, palette)
        for label, (right, up) in zip(labels, offsets, strict=True)
    ]


def _annotation(label: _Label, right: float, up: float, palette: Palette) -> Parts:
    """Return a label at an offset from its point, in pixels, as Plotly takes it."""
    return {
        "x": label.x,
        "y": label.y,
        "text": label.text,
        "showarrow": True,
        "ax": right,
        "ay": -up,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": palette.quiet,
        "standoff": 9,
        "bgcolor": fade(palette.page, 0.75),
        "borderpad": 1,
        "font": {"size": LABEL_SIZE, "color": palette.ink, "family": FONT},
    }


def _dots(way: Trajectory, scale: float) -> NDArray[np.float64]:
    """Return dots each 8 pixels along a path, in pixels."""
    stops = np.array([[stop.x, stop.y] for stop in way.stops]) * scale
    marks = np.array([[image.x, image.y] for stop in way.stops for image in stop.images]) * scale
    dots = [stops, marks, marks]  # a covered mark weighs more than a covered bit of line
    for start, end in pairwise(stops):
        n_dots = max(2, int(np.hypot(*(end - start)) / 8))
        dots.append(start + np.linspace(0, 1, n_dots)[:, np.newaxis] * (end - start))
    return np.vstack(dots)


def _say_empty() -> Parts:
    """Say that there is nothing to show, and what to do."""
    return {
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "text": "No image of this selection is on the map.<br>Loosen a filter.",
        "font": {"size": 18},
    }
