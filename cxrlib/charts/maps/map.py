"""The map of a cohort: images by state, the density as background, paths of patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.maps.legend import count_rows_of_key, draw_key
from cxrlib.charts.maps.map_text import DENSITY_LABEL, day_state_words, describe_surface
from cxrlib.charts.maps.marks import (
    MARKERS,
    Layer,
    draw_marks,
)
from cxrlib.charts.maps.surfaces import draw_surface, frame_surface, scale_surface
from cxrlib.charts.style import (
    FONT,
    MARGIN,
    PALETTES,
    SILENT,
    STILL,
    Palette,
    Parts,
    Theme,
    enlarge,
    fade,
    format_day,
    format_state,
    make_figure,
    make_note,
    make_trace,
    place_labels,
    safe_text,
    template_layout,
    use_webgl,
)
from cxrlib.maps import Colouring, DensityGrid, MappedImage, Stop, Surface, Trajectory

#: Opacity of images that filters leave out: there, and no more.
BACKDROP_OPACITY = 0.4
#: What a trace's ``meta`` says of it, for `ui/trajectories/map_play`: an image of the map, or part
#: of a path, whose ``days`` then hold the day of each of its points, rising, None where there is
#: none.
IMAGES_META: Parts = {"role": "images"}
#: Sizes of a chosen patient's marks, in pixels, by how many lie at the same place already: the
#: later and smaller ones leave a rim of the earlier.
MARK_SIZES = (13.0, 9.0, 6.0)
#: Marks nearer than this hide each other, in pixels.
SAME_PLACE = 7.0
#: Paths are told apart by their label first, their dashes second.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
#: Widths that labels and keys are placed for, in pixels: half of a laptop's page, and a phone's.
#: On a wider figure they have more room.
LABEL_WIDTH, KEY_WIDTH = 540.0, 360.0
LABEL_SIZE = 15
#: A line of the paths' key, and in it the sample of a path with the gaps beside, in pixels.
KEY_HEIGHT, KEY_LINE, KEY_GAPS = 26, 52, 12


def plot_map(
    points: pd.DataFrame,
    surface: Surface | DensityGrid | None,
    trajectories: Sequence[Trajectory] = (),
    *,
    colouring: Colouring | None = None,
    theme: Theme = "light",
    selected_image_id: str | None = None,
    density_label: str = DENSITY_LABEL,
    height: int = 620,
    uirevision: str = "map",
    scale: float = 1.0,
    backdrop: pd.DataFrame | None = None,
) -> go.Figure:
    """Plot the map.

    Each mark is an image; shape says its state, and so does colour unless a colouring is given.
    Every mark that can be clicked carries ``customdata`` of image_id and patient_id.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`, or a selection of its rows. A column
        `HOVER_COLUMN` spares writing the hover texts again.
    surface : Surface, DensityGrid or None
        Drawn behind the marks; None where it is not wanted.
    trajectories : sequence of Trajectory, optional
        Patients whose way is drawn; the other images fade.
    colouring : Colouring, optional
        What the marks are coloured by, of these points; by default the state.
    theme : {"light", "dark"}, default "light"
    selected_image_id : str, optional
        Image to ring.
    density_label : str
        Which images a bare density is of; a `Surface` says it itself.
    height : int, default 620
        In pixels; fixed, so that the page does not jump.
    uirevision : str
        While this stays the same, zoom and hidden states are kept. Use the map's key.
    scale : float, default 1.0
        Of text, marks, lines and height together: 1.5 is readable at four metres.
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
    grid = surface.grid if isinstance(surface, Surface) else surface
    extent, level = frame_surface(everything, grid)
    above = KEY_HEIGHT * _count_key_rows(trajectories)
    top = MARGIN["t"] + above + KEY_HEIGHT * (count_rows_of_key(colouring) - 1)
    long, short = describe_surface(surface, density_label)
    scaled = None if grid is None or points.empty else scale_surface(grid, palette, short)
    below = MARGIN["b"] + (0 if scaled is None else scaled.deeper)
    # All grows by the scale but the page: a large figure has less room for its labels.
    screen = _Screen(extent, height - top - below, LABEL_WIDTH / max(scale, 1.0))
    ring = places[0][(points["image_id"] == selected_image_id).to_numpy(bool, na_value=False)]
    images = draw_marks(points, colouring, theme, layer, chosen=bool(trajectories))
    traces = [
        *({**trace, "meta": IMAGES_META} for trace in images),
        *_draw_paths(trajectories, palette, layer, screen),
        *_draw_ring(ring, palette, layer),
    ]
    notes = _label_paths(trajectories, palette, screen, keep=ring)
    room = {"t": top, "b": below}
    layout = _lay_out(screen, height=height, room=room, hung=1 - above / height)
    if backdrop is not None and len(backdrop):
        traces.insert(0, _draw_backdrop(places[1], palette, layer))
    if grid is not None and scaled is not None:
        traces = [*draw_surface(grid, palette, long, level), *traces]
        layout["shapes"] = scaled.boxes
        notes.insert(0, scaled.words)
    if colouring is not None and colouring.kind != "state":
        key = draw_key(points, colouring, theme, top=top, above=above, height=height)
        traces += key.traces
        notes += key.notes
        if key.shapes:
            layout["shapes"] = [*layout.get("shapes", ()), *key.shapes]
        layout["legend"] |= key.layout.pop("legend")
        layout |= key.layout
    if trajectories:
        layout["legend2"] = _lay_out_key(theme)
    if points.empty:
        notes.append(_note_empty())
    if notes:
        layout["annotations"] = notes
    layout["uirevision"] = uirevision
    return enlarge(make_figure(traces, layout, theme), scale)


@dataclass(frozen=True)
class _Screen:
    """Hold the map's extent and the room it is drawn in, to turn map units into pixels."""

    extent: tuple[float, float, float, float]
    height: float
    width: float

    @property
    def scale(self) -> float:
        """Give pixels a map unit. Both axes have one scale."""
        x_min, x_max, y_min, y_max = self.extent
        return min(self.width / (x_max - x_min), self.height / (y_max - y_min))

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Give the extent in pixels, with the room left over at the sides."""
        x_min, x_max, y_min, y_max = (value * self.scale for value in self.extent)
        spare = max((self.width - (x_max - x_min)) / 2, 0.0)
        return x_min - spare, x_max + spare, y_min, y_max


def _lay_out(screen: _Screen, *, height: int, room: Parts, hung: float) -> Parts:
    """Lay out axes without ticks, one scale for both, and room for the keys above and below."""
    axes: dict[str, Parts] = {}
    for name, low, high in (("xaxis", 0, 1), ("yaxis", 2, 3)):
        ends = [screen.extent[low], screen.extent[high]]
        axes[name] = {
            "range": ends,
            # Autoscaling would else take in the density's grid, which reaches far beyond.
            "autorangeoptions": {"minallowed": ends[0], "maxallowed": ends[1]},
            "showticklabels": False,
            "ticks": "",
        }
    axes["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    return {
        "height": height,
        "dragmode": "pan",
        "clickmode": "event+select",
        "margin": room,
        # The states' key hangs below that of the paths: on a phone it takes a row a state, and
        # there the map leaves room below it.
        "legend": {"yref": "container", "y": hung, "yanchor": "top"},
        **axes,
    }


def _lay_out_key(theme: Theme) -> Parts:
    """Lay out the key of the paths, above that of the colours; it hides nothing."""
    return {
        **template_layout(theme)["legend"],
        "yref": "container",
        "y": 1.0,
        "yanchor": "top",
        "itemwidth": KEY_LINE,
        "itemclick": False,
        "itemdoubleclick": False,
    }


def _count_key_rows(trajectories: Sequence[Trajectory]) -> int:
    """Count the lines that the key of the paths takes: in columns where one is not enough."""
    names = [len(_path_name(way)) * LABEL_SIZE * 0.5 for way in trajectories]
    widths = [KEY_LINE + KEY_GAPS + name for name in names]
    if sum(widths) <= KEY_WIDTH:
        return 1 if widths else 0
    return -(-len(widths) // max(int(KEY_WIDTH // max(widths)), 1))


def _path_name(way: Trajectory) -> str:
    """Name a path in the key."""
    return f"Patient {safe_text(way.patient_id)}"


def _draw_backdrop(places: NDArray[np.float64], palette: Palette, layer: Layer) -> Parts:
    """Draw images that filters leave out, small and faint; they cannot be clicked."""
    x, y = places.astype(np.float32).T
    marker = {"size": 3.5, "color": palette.quiet, "opacity": BACKDROP_OPACITY}
    # Not in the key: a fifth entry breaks it in two; the page says it in words.
    return make_trace("markers", x, y, layer=layer, name="filtered out", marker=marker, **SILENT)


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
    meta = _path_meta([stop.day for stop in way.stops])
    plain: Parts = {"layer": layer, "hoverinfo": "skip", "meta": meta}
    halo = {"color": fade(palette.page, 0.85), "width": 8}
    line = {"color": palette.ink, "width": 2.5, "dash": dash}
    return [
        make_trace("lines", x, y, line=halo, showlegend=False, **plain),
        make_trace(
            "lines",
            # A patient without any day has no line; the key names the patient all the same.
            x or [None],
            y or [None],
            line=line,
            name=_path_name(way),
            legend="legend2",
            showlegend=True,
            **plain,
        ),
    ]


def _path_meta(days: Sequence[float | None]) -> Parts:
    """Say that a trace is part of a path, and the day of each of its points."""
    return {"role": "path", "days": list(days)}


def _draw_days(way: Trajectory, palette: Palette, layer: Layer) -> list[Parts]:
    """Hang the images of one day on their mean, which says how the day counts."""
    threads = _threads(way.stops)
    if not threads:
        return []
    thin = {"color": palette.ink, "width": 1}
    x, y = zip(*threads, strict=True)
    means = [stop for stop in way.stops if len(stop.images) > 1]
    # Three points a thread: to the mean, to the image, a gap.
    hung = [stop.day for stop in means for _ in range(3 * len(stop.images))]
    return [
        make_trace("lines", x, y, layer=layer, meta=_path_meta(hung), line=thin, **SILENT),
        make_trace(
            "markers",
            [stop.x for stop in means],
            [stop.y for stop in means],
            layer=layer,
            meta=_path_meta([stop.day for stop in means]),
            marker={"size": 7, "color": palette.ink},
            **STILL,
            showlegend=False,
            hovertext=[
                f"{_path_name(way)}, {format_day(stop.day)}<br>{day_state_words(stop)}; "
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
        make_trace(
            "markers",
            [image.x for image in images],
            [image.y for image in images],
            layer=layer,
            meta=_path_meta([None if stop is None else stop.day for _, stop in marked]),
            showlegend=False,
            marker={
                "symbol": [MARKERS[image.state][0] for image in images],
                "size": _mark_sizes(images, screen.scale, taken),
                "color": fill,
                "opacity": 1,
                "line": {"width": 2, "color": rim},
            },
            **STILL,
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
    day = format_day(None if stop is None else stop.day)
    text = f"{_path_name(way)}, {day}, {safe_text(image.view)}<br>"
    text += format_state(image.state, image.reasons)
    if stop is not None and any(each.state != stop.state for each in stop.images):
        text += f"<br>The day counts as: {day_state_words(stop)}"
    return text


def _arrow_heads(way: Trajectory, palette: Palette) -> Parts:
    """Return arrow heads at the end of each step, coloured by the state they lead to."""
    n_steps = len(way.steps)
    return make_trace(
        "markers",
        [stop.x for stop in way.stops],
        [stop.y for stop in way.stops],
        meta=_path_meta([stop.day for stop in way.stops]),
        **SILENT,
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
    turns = [(step.head.x - step.tail.x, step.head.y - step.tail.y) for step in way.steps]
    return make_trace(
        "markers",
        [step.tail.x + 0.6 * right for step, (right, _) in zip(way.steps, turns, strict=True)],
        [step.tail.y + 0.6 * up for step, (_, up) in zip(way.steps, turns, strict=True)],
        layer="scattergl",
        meta=_path_meta([step.head.day for step in way.steps]),
        **SILENT,
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
    line = {"width": 3.5}
    marker = {"symbol": "circle-open", "size": 26, "color": palette.accent, "line": line}
    ring = make_trace("markers", *places.T, layer=layer, marker=marker, **SILENT)
    return [ring] if len(places) else []


@dataclass(frozen=True)
class _Label:
    """Hold one label: what it says and where it points."""

    text: str
    x: float
    y: float
    width: float
    day: float


def _labels(way: Trajectory, *, among_others: bool, slanted: bool) -> list[_Label]:
    """Return a label a day: patient and day first, and last again where there are other paths.

    Every other path slants its own. The key says that an id is a patient's.
    """
    labels = []
    for row, stop in enumerate(way.stops):
        words = format_day(stop.day)
        is_named = row == 0 or (among_others and row == len(way.stops) - 1)
        bold = safe_text(way.patient_id) if is_named else ""
        text = f"<b>{bold}</b>, {words}" if bold else words
        text = f"<i>{text}</i>" if slanted else text
        n_letters = len(words) + (len(bold) * 1.1 + 2 if bold else 0)
        labels.append(_Label(text, stop.x, stop.y, n_letters * LABEL_SIZE * 0.53 + 8, stop.day))
    return labels


def _label_paths(
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
        narrowest=KEY_WIDTH / LABEL_WIDTH,
    )
    return [
        _annotation(label, right, up, palette)
        for label, (right, up) in zip(labels, offsets, strict=True)
    ]


def _annotation(label: _Label, right: float, up: float, palette: Palette) -> Parts:
    """Return a label at an offset from its point, in pixels, as Plotly takes it."""
    return {
        "name": f"day {label.day:g}",  # for ui/trajectories/map_play, as a trace's meta
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


def _note_empty() -> Parts:
    """Make the note that there is nothing to show, and what to do."""
    words = "No image of this selection is on the map.<br>Widen the filters."
    return make_note(0.5, 0.5, words, font={"size": 18})
