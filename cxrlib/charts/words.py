"""What the map says in words: days, states, counts, its caption and its text alternative."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.density import DensityGrid
from cxrlib.extractors.info import ExtractorInfo
from cxrlib.trajectories import Stop, Trajectory, count_map, describe_counts

__all__ = [
    "DENSITY_LABEL",
    "caption_map",
    "count_words",
    "day_state_words",
    "day_words",
    "describe_map",
    "describe_out",
    "describe_paths",
    "near_words",
    "safe_text",
    "state_words",
]

DENSITY_LABEL = "images in the ICU or with a tube"
#: Lower left and upper right of what is drawn, in map units.
_Corners = tuple[NDArray[np.float64], NDArray[np.float64]]
#: What "unknown" means: none of the three that make a state is there.
NO_STATE = "no ICU, tube or outcome of a last image"


def state_words(state: str, reason: object) -> str:
    """Say a state and why."""
    if state == "unknown":
        return f"state unknown: no state recorded ({NO_STATE})"
    why = "" if not isinstance(reason, str) or reason in ("", state) else f": {safe_text(reason)}"
    return f"<b>{safe_text(state)}</b>{why}"


def day_state_words(stop: Stop) -> str:
    """Say the state of a day, and of how many of its images where they differ.

    Examples
    --------
    >>> from cxrlib.trajectories import MappedImage
    >>> images = [MappedImage(f"{state}.png", 0.0, 0.0, "AP", state) for state in ("bad", "good")]
    >>> day_state_words(Stop(3.0, 0.0, 0.0, "bad", tuple(images)))
    'bad (1 of 2 images)'
    """
    n_alike = sum(image.state == stop.state for image in stop.images)
    if n_alike == len(stop.images):
        return stop.state
    return f"{stop.state} ({n_alike} of {count_words(len(stop.images), 'image')})"


def day_words(offset: float | None) -> str:
    """Say a day.

    Examples
    --------
    >>> day_words(12.0), day_words(-2.5), day_words(None)
    ('day 12', 'day −2.5', 'day not recorded')
    """
    if offset is None or pd.isna(offset):
        return "day not recorded"
    return f"day {offset:g}".replace("-", "−")


def describe_out(offsets: pd.Series, *, most: int = 8) -> str:
    """Say how many images of one patient on the map the filters leave out, and of which days.

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


def safe_text(value: str | float | None, blank: str = "not recorded") -> str:
    """Return a cell as text that Plotly shows as it stands, cut to 60 characters."""
    if value is None or pd.isna(value):
        return blank
    text = str(value)
    return html.escape(text if len(text) <= 60 else f"{text[:59]}…", quote=False)


def count_words(n: int, noun: str) -> str:
    """Say a count.

    Examples
    --------
    >>> count_words(1, "image"), count_words(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def describe_map(
    points: pd.DataFrame,
    density: DensityGrid | None,
    trajectories: Sequence[Trajectory] = (),
    *,
    density_label: str = DENSITY_LABEL,
) -> str:
    """Describe the map in words: its text alternative.

    Returns
    -------
    str
        Plain text, one sentence after the other.
    """
    if points.empty:
        return "An empty map: no image of this selection is on it."
    counts = count_map(points)
    sentences = [f"A map of {describe_counts(counts)}"]
    if density is None:
        sentences.append(f"No density of {density_label} is drawn.")
    else:
        sentences.append(
            f"The density of {density_label}, from {count_words(density.n_points, 'image')}, is "
            f"highest in the {_place_words(density.peak, _find_corners(points))} of the map."
        )
    return " ".join([*sentences, *describe_paths(points, trajectories)])


def describe_paths(points: pd.DataFrame, trajectories: Sequence[Trajectory]) -> list[str]:
    """Describe each patient's way in a sentence of plain text."""
    if not trajectories:
        return []
    corners = _find_corners(points)
    return [_describe_way(way, corners) for way in trajectories]


def _place_words(place: tuple[float, float], corners: _Corners) -> str:
    """Name the ninth of the map in which a place lies."""
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
    """Say one patient's way in a sentence."""
    stops = [
        f"{day_words(stop.day)}, {day_state_words(stop)}, {_place_words((stop.x, stop.y), corners)}"
        for stop in way.stops
    ]
    path = "; ".join(stops) if stops else "no image with a recorded day"
    rest = f"; {count_words(len(way.undated), 'image')} without a day" if way.undated else ""
    return f"Patient {way.patient_id} (survival: {way.survival}): {path}{rest}."


def near_words(extractor: ExtractorInfo | str, features: str) -> str:
    """Say what lies near what on a map.

    Examples
    --------
    >>> near_words("an extractor", "outputs")
    'images with similar outputs lie near each other'
    """
    if isinstance(extractor, str):
        return f"images with similar {features} lie near each other"
    if extractor.name == "texture":
        alike = "texture" if features == "embedding" else "brightness in the six lung zones"
        return f"images with similar {alike} lie near each other"
    network = f"images with similar network {features} lie near each other"
    if "untrained" in extractor.note:
        return f"{network}, but this network is untrained, a control: near means little"
    return network


def caption_map(
    points: pd.DataFrame,
    *,
    cohort: str,
    extractor: ExtractorInfo | str,
    method: str = "umap",
    features: str = "outputs",
    bandwidth: float | None = None,
    density_label: str = DENSITY_LABEL,
    filters: str = "",
) -> str:
    """Return the caption of the map: what it is, from how many, how not to read it.

    Parameters
    ----------
    points : DataFrame
        What is drawn.
    cohort : str
        Name as shown on screen.
    extractor : ExtractorInfo or str
        What the map was made from: it tells what near means; of a name alone less is said.
    method, features : str
        As in `cxrlib.projection.ProjectionSettings`.
    bandwidth : float, optional
        Of the density, in map units; None where no density is drawn.
    density_label : str
        Which images the density is of.
    filters : str, optional
        The filters in words.
    """
    counts = count_map(points)
    name = extractor if isinstance(extractor, str) else extractor.title
    method_words = {"umap": "UMAP", "pca": "principal components"}.get(method, method)
    parts = [
        f"{cohort}: {count_words(counts.n_images, 'image')} of "
        f"{count_words(counts.n_patients, 'patient')} ({count_words(counts.n_persons, 'person')})"
        f"{f', {filters}' if filters else ''}.",
        f"{method_words} of the {features} of {name}: {near_words(extractor, features)}.",
        "The axes have no unit; distances between groups and the room they take mean little.",
    ]
    if bandwidth is not None:
        parts.append(
            f"Shading: density of {density_label} (Gaussian, bandwidth {bandwidth:g} map units)."
        )
    if counts.n_overlap:
        parts.append(
            f"{count_words(counts.n_overlap, 'image')} with reasons for both states "
            f"{'is' if counts.n_overlap == 1 else 'are'} drawn as bad."
        )
    parts.append(
        f"Unknown: {NO_STATE} is recorded; not recorded is not a no, it may be either state."
    )
    return " ".join(parts)
