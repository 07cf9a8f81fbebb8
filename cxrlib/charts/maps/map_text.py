"""Texts of the map: days, states, counts, its caption and its text alternative."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.charts.style import format_day
from cxrlib.cohort import describe_state
from cxrlib.maps import (
    Colouring,
    DensityGrid,
    ShareGrid,
    Stop,
    Surface,
    Trajectory,
    count_map,
    describe_counts,
)
from cxrlib.number_text import format_units
from cxrlib.storage import ExtractorInfo

DENSITY_LABEL = "images taken in ICU or while intubated"
#: Lower left and upper right of what is drawn, in map units.
_Corners = tuple[NDArray[np.float64], NDArray[np.float64]]


def day_state_words(stop: Stop) -> str:
    """Describe the state of a day, and of how many of its images where they differ.

    Examples
    --------
    >>> from cxrlib.maps.trajectories import MappedImage
    >>> images = [MappedImage(f"{state}.png", 0.0, 0.0, "AP", state) for state in ("bad", "good")]
    >>> day_state_words(Stop(3.0, 0.0, 0.0, "bad", tuple(images)))
    'in ICU or intubated (1 of 2 images)'
    """
    words = describe_state(stop.state, stop.reasons)
    n_alike = sum(image.state == stop.state for image in stop.images)
    if n_alike == len(stop.images):
        return words
    return f"{words} ({n_alike} of {format_units(len(stop.images), 'image')})"


def describe_out(offsets: pd.Series, *, most: int = 8) -> str:
    """Describe how many images of one patient on the map the filters leave out, of which days.

    Parameters
    ----------
    offsets : Series of float
        The day of each image left out, missing where none is recorded.
    most : int, default 8
        Days named; the rest are counted.

    Examples
    --------
    >>> describe_out(pd.Series([13.0, 11.0, 11.0, None]))
    "the filters leave out 4 of this patient's images on the map (days 11 and 13; 1 without a day)"
    >>> describe_out(pd.Series([-2.0]))
    "the filters leave out 1 of this patient's images on the map (day −2)"
    """
    days = [f"{day:g}".replace("-", "−") for day in sorted(offsets.dropna().unique())]
    if len(days) > most:
        days = [*days[:most], f"{len(days) - most} more"]
    parts = []
    if days:
        named = " and ".join([", ".join(days[:-1]), days[-1]]) if len(days) > 1 else days[0]
        parts.append(f"day{'s' if len(days) > 1 else ''} {named}")
    if n_undated := int(offsets.isna().sum()):
        parts.append(f"{n_undated} without a day")
    where = f" ({'; '.join(parts)})" if parts else ""
    return f"the filters leave out {len(offsets)} of this patient's images on the map{where}"


def describe_map(
    points: pd.DataFrame,
    surface: Surface | DensityGrid | None,
    trajectories: Sequence[Trajectory] = (),
    *,
    colouring: Colouring | None = None,
    density_label: str = DENSITY_LABEL,
) -> str:
    """Describe the map in words: its text alternative.

    Parameters
    ----------
    points, surface, trajectories, colouring, density_label
        As of `cxrlib.charts.maps.plot_map`.

    Returns
    -------
    str
        Plain text, one sentence after the other.
    """
    if points.empty:
        return "An empty map: no image of this selection is on it."
    sentences = [f"A map of {describe_counts(count_map(points))}"]
    if colouring is not None and colouring.kind != "state":
        sentences.append(describe_colouring(points, colouring))
    sentences.append(_describe_surface(points, surface, density_label))
    return " ".join(filter(None, [*sentences, *describe_paths(points, trajectories)]))


def describe_colouring(points: pd.DataFrame, colouring: Colouring) -> str:
    """Describe what colours mean, with counts and the middle of each, in a sentence."""
    missing = f"; {colouring.n_missing:,} not recorded" if colouring.n_missing else ""
    if colouring.kind == "number":
        known = colouring.values[np.isfinite(colouring.values)]
        if not len(known):
            return f"Colour is {colouring.label}: no value is recorded."
        low, middle, high = np.quantile(known, [0.05, 0.5, 0.95])
        return (
            f"Colour is {colouring.label}: {format_units(len(known), 'image')}, median "
            f"{middle:.3g}, 5th to 95th percentile {low:.3g} to {high:.3g}{missing}."
        )
    seen, corners = points[["x", "y"]].to_numpy(dtype=np.float64), _find_corners(points)
    parts = []
    for code, (name, n) in enumerate(zip(colouring.names, colouring.counts, strict=True)):
        where = ""
        if n:
            x, y = np.median(seen[colouring.codes == code], axis=0)
            where = f", median in the {_find_ninth((float(x), float(y)), corners)}"
        parts.append(f"{name} {n:,}{where}")
    return f"Colour is {colouring.label}: {'; '.join(parts)}{missing}."


def describe_surface(
    surface: Surface | DensityGrid | None, density_label: str = DENSITY_LABEL
) -> tuple[str, str]:
    """Describe a surface in full, and in short beside its scale."""
    if not isinstance(surface, Surface):
        return f"density of {density_label}", f"More {density_label}"
    words = surface.marked.definition
    if not isinstance(surface.grid, ShareGrid):
        return surface.label, f"More {words.label}"
    title = words.title[0].lower() + words.title[1:]
    view = f", view {surface.wish.view}" if surface.wish.view else ""
    where = "" if surface.wish.definition == "current filter" else ", where recorded"
    overall = format_percent(surface.grid.overall)
    return surface.label, f"Share {title}{view}{where} (overall {overall})"


def format_percent(share: float) -> str:
    """Format a share in whole percent.

    Examples
    --------
    >>> format_percent(0.364)
    '36 %'
    """
    return f"{100 * share:.0f} %"


def _describe_surface(
    points: pd.DataFrame, surface: Surface | DensityGrid | None, density_label: str
) -> str:
    """Describe in a sentence or two where a surface is high and low."""
    grid = surface.grid if isinstance(surface, Surface) else surface
    if isinstance(surface, Surface) and grid is None:
        return surface.remark
    if grid is None:
        return f"No density of {density_label} is drawn." if density_label else ""
    name, _ = describe_surface(surface, density_label)
    corners = _find_corners(points)
    if isinstance(grid, DensityGrid):
        return (
            f"The {name}, from {format_units(grid.n_points, 'image')}, is "
            f"highest in the {_find_ninth(grid.peak, corners)} of the map."
        )
    if not grid.is_supported.any():
        return f"The {name} is shown nowhere: no place has {grid.min_support:g} images near."
    (low, at_low), (high, at_high) = grid.lowest, grid.highest
    top, bottom = (_find_ninth(place, corners) for place in (at_high, at_low))
    return (
        f"The {name} is {grid.n_bad:,} of {grid.n_known:,} ({format_percent(grid.overall)}) "
        f"overall, highest ({format_percent(high)}) in the {top} of the map, lowest "
        f"({format_percent(low)}) in the {bottom}; it is shown where {grid.min_support:g} or more "
        "images are near."
    )


def describe_paths(points: pd.DataFrame, trajectories: Sequence[Trajectory]) -> list[str]:
    """Describe each patient's way in a sentence of plain text."""
    if not trajectories:
        return []
    corners = _find_corners(points)
    return [_describe_way(way, corners) for way in trajectories]


def _find_ninth(place: tuple[float, float], corners: _Corners) -> str:
    """Find the ninth of the map that holds a place: "upper left", "middle"."""
    low, high = corners
    share = (np.array(place) - low) / np.maximum(high - low, 1e-9)
    column, row = np.clip(3 * share, 0, 2).astype(int)
    return _NINTHS[row][column]


def _find_corners(points: pd.DataFrame) -> _Corners:
    """Return the lower left and the upper right corner of what is drawn."""
    seen = points[["x", "y"]].to_numpy(dtype=np.float64)
    return seen.min(axis=0), seen.max(axis=0)


_NINTHS = (
    ("lower left", "bottom", "lower right"),
    ("left", "middle", "right"),
    ("upper left", "top", "upper right"),
)


def _describe_way(way: Trajectory, corners: _Corners) -> str:
    """Describe one patient's path in a sentence."""
    stops = [
        f"{format_day(stop.day)}, {day_state_words(stop)}, {_find_ninth((stop.x, stop.y), corners)}"
        for stop in way.stops
    ]
    path = "; ".join(stops) if stops else "no image with a recorded day"
    rest = f"; {format_units(len(way.undated), 'image')} without a day" if way.undated else ""
    outcome = {"yes": "survived", "no": "died"}.get(way.survival, f"survival {way.survival}")
    return f"Patient {way.patient_id} ({outcome}): {path}{rest}."


def describe_nearness(extractor: ExtractorInfo | str, features: str) -> str:
    """Describe which images are close together on a map.

    Examples
    --------
    >>> describe_nearness("an extractor", "outputs")
    'images with similar outputs are close together'
    """
    alike = features
    if not isinstance(extractor, str):
        alike = f"network {features}"
        if extractor.name == "texture":
            alike = "texture" if features == "embedding" else "brightness in six lung zones"
    words = f"images with similar {alike} are close together"
    if not isinstance(extractor, str) and "untrained" in extractor.note:
        return f"{words}, but this network is untrained (a control), so closeness means little"
    return words


def caption_map(
    points: pd.DataFrame,
    *,
    cohort: str,
    extractor: ExtractorInfo | str,
    method: str = "umap",
    features: str = "outputs",
    surface: Surface | None = None,
    colouring: Colouring | None = None,
    filters: str = "",
) -> str:
    """Describe the map in its caption: one line, then on a second one how (not) to read it.

    Parameters
    ----------
    points : DataFrame
        What is drawn.
    cohort : str
        Name as shown on screen.
    extractor : ExtractorInfo or str
        What the map was made from: it tells what near means; of a name alone less is said.
    method, features : str
        As in `cxrlib.maps.ProjectionSettings`.
    surface : Surface, optional
        The background.
    colouring : Colouring, optional
        What the points are coloured by, where it is not the state.
    filters : str, optional
        What the filters keep.
    """
    counts = count_map(points)
    name = extractor if isinstance(extractor, str) else extractor.title
    method_words = {"umap": "UMAP", "pca": "Principal components"}.get(method, method)
    nearness = describe_nearness(extractor, features)
    line = f"Each point is an image: {nearness}."
    parts = [
        f"{cohort}: {format_units(counts.n_images, 'image')} of "
        f"{format_units(counts.n_patients, 'patient')} ({format_units(counts.n_persons, 'person')})"
        f"{f', {filters}' if filters else ''}.",
        f"{method_words} of the {features} of {name}.",
        "The axes have no unit; sizes of groups and distances between them mean little.",
    ]
    if surface is not None:
        parts += _caption_surface(surface)
    if colouring is not None and colouring.kind != "state":
        parts.append(
            f"Colour: {colouring.label}; shape: state. Hollow: state not recorded; hollow and "
            f"grey: {colouring.by} not recorded."
        )
    if counts.n_overlap:
        parts.append(
            f"Images with reasons for both states count as in ICU or intubated: {counts.n_overlap}."
        )
    parts.append(
        "Not recorded: neither ICU, intubation nor the outcome at the last image; the state may "
        "be either."
    )
    return "\n".join([line, " ".join(parts)])


def _caption_surface(surface: Surface) -> list[str]:
    """Describe a surface, its numbers of images, and how not to read it."""
    if surface.grid is None:
        return [surface.remark]
    parts = [
        f"Background: {surface.label} (Gaussian, bandwidth {surface.grid.bandwidth:g} map units).",
        surface.remark,
    ]
    if isinstance(surface.grid, ShareGrid):
        parts.append(
            "No share is shown outside the dotted line, where fewer than "
            f"{surface.grid.min_support:g} such images are near. A share is not a risk: images "
            "with a record are not a random sample, and patients count once per image."
        )
    return parts
