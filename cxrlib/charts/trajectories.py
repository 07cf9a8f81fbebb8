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
    chart_template,
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

__all__ = ["plot_map"]

Layer = Literal["scatter", "scattergl"]
Trace = dict[str, object]
MARKERS = {"bad": ("diamond", 9.0), "good": ("circle", 9.0), "unknown": ("circle", 7.0)}
#: Opacity of images that step back behind a chosen path; their contrast stays above 3 to 1.
FADED = 0.75
#: Opacity of images that filters leave out: there, and no more.
BACKDROP_OPACITY = 0.4
#: Columns that are drawn. Rows are chosen several times, and each column costs.
POINT_COLUMNS = (
    "image_id", "patient_id", "offset", "view", "state", "state_reasons", "x", "y"
)  # fmt: skip
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
        Result of `cxrlib.trajectories.map_points`, or a selection of its rows.
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
    figure = go.Figure(layout={"template": chart_template(theme)})
    points = points[[name for name in POINT_COLUMNS if name in points]]
    everything = points[["x", "y"]]
    if backdrop is not None:
        everything = pd.concat([everything, backdrop[["x", "y"]]])
    extent, level = _frame(everything, density)
    if density is not None and len(points):
        _add_density(figure, density, palette, density_label, level)
    layer: Layer = "scattergl" if use_webgl(len(everything)) else "scatter"
    if backdrop is not None and len(backdrop):
        _add_backdrop(figure, backdrop, palette, layer)
    _add_points(figure, points, palette, layer, chosen=bool(trajectories))
    top = MARGIN["t"] + (0 if title is None else TITLE_HEIGHT)
    top += KEY_HEIGHT * _count_key_rows(trajectories)
    screen = _Screen(extent, height - top - MARGIN["b"])
    _add_paths(figure, trajectories, palette, layer, screen)
    _set_layout(figure, screen, height=height, top=top, title=title, view=view or extent)
    figure.update_layout(uirevision=uirevision)
    selected = points[points["image_id"] == selected_image_id]
    _add_ring(figure, selected, palette, layer)
    _add_labels(figure, trajectories, palette, screen, keep=selected)
    if points.empty:
        _add_empty(figure)
    return enlarge(figure, scale)


def _trace(layer: Layer, **properties: object) -> Trace:
    """Describe a trace; Plotly checks it once, when the figure takes it, and not twice."""
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


def _set_layout(
    figure: go.Figure,
    screen: _Screen,
    *,
    height: int,
    top: float,
    title: str | None,
    view: tuple[float, float, float, float],
) -> None:
    """Set axes without ticks, one scale for both, room for the keys above."""
    axes = {}
    for name, low, high in (("xaxis", 0, 1), ("yaxis", 2, 3)):
        whole = {"minallowed": screen.extent[low], "maxallowed": screen.extent[high]}
        axes[name] = {
            "range": [view[low], view[high]],
            # Autoscaling would else take in the density's grid, which reaches far beyond.
            "autorangeoptions": whole,
            "showticklabels": False,
            "ticks": "",
            "title": None,
        }
    axes["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    # Two legends: the states hang from the top, the paths stand on the map, at any height.
    hung = 1.0 if title is None else 1.0 - TITLE_HEIGHT / height
    figure.update_layout(
        height=height,
        dragmode="pan",
        clickmode="event+select",
        margin_t=top,
        legend={"yref": "container", "y": hung, "yanchor": "top"},
        **axes,
    )
    if title is not None:
        figure.update_layout(title_text=html.escape(title, quote=False))


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


def _add_density(
    figure: go.Figure,
    density: DensityGrid,
    palette: Palette,
    density_label: str,
    level: float,
) -> None:
    """Draw the density as bands of one hue, clear under a level, with thin lines between."""
    values = density.images_per_area.astype(np.float32)
    peak = float(values.max())
    level *= density.n_points  # as the values: images a unit of area
    step = (peak - level) / (N_BANDS - 1)
    figure.add_trace(
        go.Contour(
            x=density.x,
            y=density.y,
            z=values,
            contours={"start": level, "end": peak - step / 2, "size": step, "coloring": "fill"},
            colorscale=_band_colours(palette),
            line={"width": 0.75, "color": palette.density, "smoothing": 1},
            hoverinfo="skip",
            showscale=False,
            name=f"density of {density_label}",
        )
    )
    _add_density_scale(figure, palette, f"density of {density_label}")


def _band_colours(palette: Palette) -> list[tuple[float, str]]:
    """Return the colour of each band, from clear at zero to the full hue at the peak.

    Plotly fills each band over all those below it, so clear colours would add up: all but the
    lowest are given as they are seen over the page.
    """
    shares = np.arange(N_BANDS) / (N_BANDS - 1)
    seen = [mix(palette.density, palette.page, share) for share in shares]
    seen[0] = fade(palette.density, 0)
    return [(float(share), colour) for share, colour in zip(shares, seen, strict=True)]


def _add_density_scale(figure: go.Figure, palette: Palette, words: str) -> None:
    """Draw the density's scale under the map, from low to high, and say what it is.

    Plotly's own colour bar reserves room and cannot stand beside its title in one line.
    """
    colours = [colour for _, colour in _band_colours(palette)]
    width, height, drop = 14, 12, 18  # pixels
    # All at once: each `add_shape` would check those before it again.
    figure.layout.shapes = [
        {
            "type": "rect",
            "xref": "paper",
            "yref": "paper",
            "xsizemode": "pixel",
            "ysizemode": "pixel",
            "xanchor": 0,
            "yanchor": 0,
            "x0": 8 + row * width,
            "x1": 8 + (row + 1) * width,
            "y0": -drop - height,
            "y1": -drop,
            "fillcolor": colour,
            "line": {"width": 0.75, "color": palette.density},
        }
        for row, colour in enumerate(colours)
    ]
    figure.add_annotation(
        x=0,
        y=0,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="middle",
        xshift=8 + len(colours) * width + 8,
        yshift=-drop - height / 2,
        text=f"low to high: {html.escape(words, quote=False)}",
        font={"size": LABEL_SIZE},
    )


def _add_backdrop(
    figure: go.Figure, backdrop: pd.DataFrame, palette: Palette, layer: Layer
) -> None:
    """Draw images that filters leave out, small and faint; they cannot be clicked."""
    figure.add_trace(
        _trace(
            layer,
            x=backdrop["x"].to_numpy(dtype=np.float32),
            y=backdrop["y"].to_numpy(dtype=np.float32),
            mode="markers",
            name="left out by filters",
            showlegend=False,  # a fifth entry breaks the key in two; the page says it in words
            marker={"size": 3.5, "color": palette.quiet, "opacity": BACKDROP_OPACITY},
            hoverinfo="skip",
        )
    )


def _add_points(
    figure: go.Figure, points: pd.DataFrame, palette: Palette, layer: Layer, *, chosen: bool
) -> None:
    """Draw one trace a state, with its count in the legend."""
    share = 1.0 if layer == "scatter" else 0.6  # of the size: thousands of marks are a crowd
    opacity = FADED if chosen else 1.0
    hover = _hover_texts(points)
    for rank, state in enumerate(STATES):
        own = points["state"].eq(state).to_numpy(dtype=bool, na_value=False)
        symbol, size = MARKERS[state]
        hollow = state == "unknown"
        marker = {
            "symbol": symbol,
            "size": size * share,
            "color": palette.page if hollow else palette.states[state],
            "opacity": opacity,
            "line": {"width": 1.5 if hollow else 0.8, "color": palette.rims[state]},
        }
        shown = points[own]
        figure.add_trace(
            _trace(
                layer,
                x=shown["x"].to_numpy(dtype=np.float32),
                y=shown["y"].to_numpy(dtype=np.float32),
                mode="markers",
                name=f"{state}: {count_words(len(shown), 'image')}",
                legendrank=1000 - rank,
                marker=marker,
                # Plotly dims what is not selected, which would read as a state.
                selected={"marker": {"opacity": opacity}},
                unselected={"marker": {"opacity": opacity}},
                customdata=_ids(shown),
                hovertext=hover[own],
                hoverinfo="text",
            )
        )


def _ids(points: pd.DataFrame) -> NDArray[np.object_]:
    """Return image_id and patient_id a row, shape (n_images, 2)."""
    return points[["image_id", "patient_id"]].to_numpy(dtype=object)


def _hover_texts(points: pd.DataFrame) -> NDArray[np.object_]:
    """Return one or two sentences an image; ids are text here, never markup."""
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


def _add_paths(
    figure: go.Figure,
    trajectories: Sequence[Trajectory],
    palette: Palette,
    layer: Layer,
    screen: _Screen,
) -> None:
    """Draw the ways of the chosen patients, with a key of their dashes above the map."""
    taken: list[tuple[float, float]] = []  # places of marks, in pixels
    for row, way in enumerate(trajectories):
        _add_line(figure, way, palette, layer, DASHES[row % len(DASHES)])
        _add_days(figure, way, palette, layer)
        _add_marks(figure, way, palette, layer, screen, taken)
        if way.steps:
            heads = _arrow_heads if layer == "scatter" else _arrow_heads_webgl
            figure.add_trace(heads(way, palette))
    if trajectories:
        figure.update_layout(
            legend2={
                **figure.layout.template.layout.legend.to_plotly_json(),
                "itemwidth": KEY_LINE,
                "itemclick": False,
                "itemdoubleclick": False,
            }
        )


def _add_line(
    figure: go.Figure, way: Trajectory, palette: Palette, layer: Layer, dash: str
) -> None:
    """Draw one patient's line from day to day over its halo."""
    x: list[float | None] = [stop.x for stop in way.stops]
    y: list[float | None] = [stop.y for stop in way.stops]
    plain = {"mode": "lines", "hoverinfo": "skip"}
    halo = {"color": fade(palette.page, 0.85), "width": 8}
    figure.add_trace(_trace(layer, x=x, y=y, line=halo, showlegend=False, **plain))
    line = {"color": palette.ink, "width": 2.5, "dash": dash}
    figure.add_trace(
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
        )
    )


def _add_days(figure: go.Figure, way: Trajectory, palette: Palette, layer: Layer) -> None:
    """Hang the images of one day on their mean, which says how the day counts."""
    threads = _threads(way.stops)
    if not threads:
        return
    thin = {"color": palette.ink, "width": 1}
    places = {"x": [place[0] for place in threads], "y": [place[1] for place in threads]}
    figure.add_trace(
        _trace(layer, **places, mode="lines", line=thin, showlegend=False, hoverinfo="skip")
    )
    means = [stop for stop in way.stops if len(stop.images) > 1]
    figure.add_trace(
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
        )
    )


def _threads(stops: Sequence[Stop]) -> list[tuple[float | None, float | None]]:
    """Return lines, with gaps, from the mean of a day to each of its images."""
    threads: list[tuple[float | None, float | None]] = []
    for stop in stops:
        if len(stop.images) > 1:
            for image in stop.images:
                threads += [(stop.x, stop.y), (image.x, image.y), (None, None)]
    return threads


def _add_marks(
    figure: go.Figure,
    way: Trajectory,
    palette: Palette,
    layer: Layer,
    screen: _Screen,
    taken: list[tuple[float, float]],
) -> None:
    """Draw a chosen patient's images again, larger and outlined in ink.

    ``taken`` is lengthened by the places of these marks, in pixels.
    """
    marked: list[tuple[MappedImage, Stop | None]] = [
        *((image, stop) for stop in way.stops for image in stop.images),
        *((image, None) for image in way.undated),
    ]
    if not marked:
        return
    images = [image for image, _ in marked]
    hollow = [image.state == "unknown" for image in images]
    fill = [
        palette.page if empty else palette.states[image.state]
        for image, empty in zip(images, hollow, strict=True)
    ]
    rim = [palette.rims["unknown"] if empty else palette.ink for empty in hollow]
    figure.add_trace(
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
    )


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


def _arrow_heads(way: Trajectory, palette: Palette) -> Trace:
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


def _arrow_heads_webgl(way: Trajectory, palette: Palette) -> Trace:
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


def _add_ring(figure: go.Figure, selected: pd.DataFrame, palette: Palette, layer: Layer) -> None:
    """Ring the selected image; nothing is drawn where the map does not show it."""
    if selected.empty:
        return
    figure.add_trace(
        _trace(
            layer,
            x=selected["x"],
            y=selected["y"],
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
    )


def _frame(
    points: pd.DataFrame, density: DensityGrid | None
) -> tuple[tuple[float, float, float, float], float]:
    """Return what the map shows and the lowest level of its density.

    The extent, (x_min, x_max, y_min, y_max), takes in all points and the whole lowest band if
    the margin for it stays small. Where it would not, the level rises to what the density
    reaches outside, so that no band is cut off at the edge.
    """
    if points.empty:
        return (0.0, 1.0, 0.0, 1.0), 0.0
    places = points[["x", "y"]].to_numpy(dtype=np.float64)
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


def _add_labels(
    figure: go.Figure,
    trajectories: Sequence[Trajectory],
    palette: Palette,
    screen: _Screen,
    *,
    keep: pd.DataFrame,
) -> None:
    """Write days beside the paths, with a thin leader where a label had to step aside."""
    labels = [
        label
        for row, way in enumerate(trajectories)
        for label in _labels(way, among_others=len(trajectories) > 1, slanted=row % 2 == 1)
    ]
    if not labels:
        return
    scale = screen.scale
    offsets = place_labels(
        np.array([[label.x, label.y] for label in labels]) * scale,
        np.array([[label.width, LABEL_SIZE * 1.4] for label in labels]),
        obstacles=np.vstack(
            [
                *(_dots(way, scale) for way in trajectories if way.stops),
                *[keep[["x", "y"]].to_numpy(dtype=np.float64) * scale] * 4,
            ]
        ),
        frame=screen.frame,
    )
    # All at once: each `add_annotation` would check those before it again.
    figure.layout.annotations = [
        *figure.layout.annotations,
        *(
            _annotation(label, right, up, palette)
            for label, (right, up) in zip(labels, offsets, strict=True)
        ),
    ]


def _annotation(label: _Label, right: float, up: float, palette: Palette) -> dict[str, object]:
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


def _add_empty(figure: go.Figure) -> None:
    """Say that there is nothing to show, and what to do."""
    figure.add_annotation(
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        text="No image of this selection is on the map.<br>Loosen a filter.",
        font={"size": 18},
    )
