"""The marks of a map's images: shape shows the state, colour the state or a column."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.charts.maps.colours import missing_ink, number_ramp, pick_inks
from cxrlib.charts.style import (
    PALETTES,
    STATES,
    Palette,
    Parts,
    Theme,
    format_day,
    format_state,
    safe_text,
)
from cxrlib.cohort import STATE_TITLES
from cxrlib.maps import Colouring

Layer = Literal["scatter", "scattergl"]
Mask = NDArray[np.bool_]
MARKERS = {"bad": ("diamond", 9.0), "good": ("circle", 9.0), "unknown": ("circle", 7.0)}
#: Opacity of images that step back behind a chosen path; their contrast stays above 3 to 1.
FADED = 0.75
#: Where a table of points keeps its `format_hover_texts`, if it was asked for them before.
HOVER_COLUMN = "hover_text"
#: Above so many images a sentence each would be most of the figure: only patient and state then.
MAX_HOVER_TEXTS = 20_000
#: Longest id of which as many as those are held with one width for all, four bytes a letter.
MAX_ID_LENGTH = 80
#: Plotly's name of the scale that all numbers of a map share.
COLOUR_AXIS = "coloraxis"


def draw_marks(
    points: pd.DataFrame,
    colouring: Colouring | None,
    theme: Theme,
    layer: Layer,
    *,
    chosen: bool = False,
) -> list[Parts]:
    """Draw a mark an image, as traces that carry image_id and patient_id as ``customdata``.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`.
    colouring : Colouring or None
        Of these points; None for the state. By state there is one trace a state, with its
        count in the key; else each category and state has its own, and the caller writes the
        key.
    theme : {"light", "dark"}
    layer : {"scatter", "scattergl"}
    chosen : bool, default False
        Whether some patients are chosen: the others then step back.
    """
    cloud = _Cloud.of(points, layer, FADED if chosen else 1.0)
    palette = PALETTES[theme]
    if colouring is None or colouring.kind == "state":
        return list(_draw_states(cloud, palette))
    if colouring.kind == "number":
        return list(_draw_numbers(cloud, colouring, palette))
    return list(_draw_categories(cloud, colouring, theme))


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class _Cloud:
    """Hold points as arrays: rows are chosen of them many times faster than of a table."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    ids: NDArray[Any]
    hover: NDArray[np.object_] | None
    states: Mapping[str, Mask]
    layer: Layer
    opacity: float

    @classmethod
    def of(cls, points: pd.DataFrame, layer: Layer, opacity: float) -> "_Cloud":
        """Read a table of points."""
        return cls(
            x=points["x"].to_numpy(dtype=np.float32),
            y=points["y"].to_numpy(dtype=np.float32),
            ids=_read_ids(points),
            hover=None if len(points) > MAX_HOVER_TEXTS else _find_hover_texts(points),
            states={
                state: points["state"].eq(state).to_numpy(dtype=bool, na_value=False)
                for state in STATES
            },
            layer=layer,
            opacity=opacity,
        )

    def draw(self, own: Mask, marker: Parts, state: str, said: str = "", **more: object) -> Parts:
        """Draw some of the points; `said` is a sentence more for each, with its markup."""
        return {
            "type": self.layer,
            "x": self.x[own],
            "y": self.y[own],
            "mode": "markers",
            "marker": {**marker, "opacity": self.opacity},
            # Plotly dims what is not selected, which would read as a state.
            "selected": {"marker": {"opacity": self.opacity}},
            "unselected": {"marker": {"opacity": self.opacity}},
            "customdata": self.ids[own],
            **self._format_hover(own, state, said),
            **more,
        }

    def _format_hover(self, own: Mask, state: str, said: str) -> Parts:
        """Give each image its sentences, or all of them one where they are very many."""
        if self.hover is not None:
            texts = self.hover[own]
            return {"hovertext": texts + said if said else texts, "hoverinfo": "text"}
        # What stands in a template is read as markup: ids that hold any are not put there.
        plain = not any("<" in patient or "&" in patient for patient in self.ids[own, 1])
        who = "Patient %{customdata[1]}<br>" if plain else ""
        words = f"{who}{format_state(state, None)}{said}<br>Click for day and view."
        return {"hovertemplate": f"{words}<extra></extra>"}

    @property
    def share(self) -> float:
        """Give the share of the marks' size: thousands of marks are a crowd."""
        return 1.0 if self.layer == "scatter" else 0.6


def _read_ids(points: pd.DataFrame) -> NDArray[Any]:
    """Read image_id and patient_id, shape (n_images, 2).

    Plotly copies arrays deeply, twice, and objects one by one: of very many images that is three
    quarters of the figure's time, and texts of one width are copied as a block.
    """
    ids = points[["image_id", "patient_id"]].to_numpy(dtype=object)
    if len(ids) <= MAX_HOVER_TEXTS or max(map(len, ids.ravel())) > MAX_ID_LENGTH:
        return ids
    return ids.astype(np.str_)


def _draw_states(cloud: _Cloud, palette: Palette) -> Iterator[Parts]:
    """Draw one trace a state, with its count in the legend."""
    for rank, state in enumerate(STATES):
        own = cloud.states[state]
        symbol, size = MARKERS[state]
        hollow = state == "unknown"
        marker = {
            "symbol": symbol,
            "size": size * cloud.share,
            "color": palette.page if hollow else palette.states[state],
            "line": {"width": 1.5 if hollow else 0.8, "color": palette.rims[state]},
        }
        name = f"{STATE_TITLES[state]}: {int(own.sum()):,}"
        yield cloud.draw(own, marker, state, name=name, legendrank=1000 - rank)


def _draw_categories(cloud: _Cloud, colouring: Colouring, theme: Theme) -> Iterator[Parts]:
    """Draw a trace a category and state, the rarest categories on top, those without first."""
    inks = pick_inks(colouring, theme)
    label = html.escape(colouring.label, quote=False)
    by_count = sorted(range(len(inks)), key=lambda code: -colouring.counts[code])
    for code in (-1, *by_count):
        of_code = colouring.codes == code
        value = safe_text(colouring.names[code]) if code >= 0 else "not recorded"
        for state in STATES:
            own = of_code & cloud.states[state]
            if not own.any():
                continue
            if code < 0:
                marker = _missing(state, cloud.share, PALETTES[theme])
            elif state == "unknown":
                marker = _hollow(state, cloud.share, inks[code].rim)
            else:
                marker = _filled(state, cloud.share, *inks[code])
            yield cloud.draw(
                own, marker, state, f"<br>{label}: {value}",
                showlegend=False, legendgroup=f"colour {code}",
            )  # fmt: skip


def _draw_numbers(cloud: _Cloud, colouring: Colouring, palette: Palette) -> Iterator[Parts]:
    """Draw a trace a state whose colours are numbers, and hollow marks without one beneath."""
    label = html.escape(colouring.label, quote=False)
    known = colouring.codes >= 0
    for state in STATES:
        own = ~known & cloud.states[state]
        if own.any():
            marker = _missing(state, cloud.share, palette)
            said = f"<br>{label}: not recorded"
            yield cloud.draw(own, marker, state, said, showlegend=False)
    for state in STATES:
        own = known & cloud.states[state]
        if not own.any():
            continue
        values = colouring.values[own].astype(np.float32)
        marker = _hollow(state, cloud.share) if state == "unknown" else _filled(state, cloud.share)
        marker = {**marker, "color": values, "coloraxis": COLOUR_AXIS}
        drawn = cloud.draw(own, marker, state, showlegend=False)
        if "hovertext" in drawn:
            numbers = np.array([f"<br>{label}: {value:.3g}" for value in values], dtype=object)
            drawn["hovertext"] = drawn["hovertext"] + numbers
        yield drawn


def _filled(state: str, share: float, fill: str = "", rim: str = "") -> Parts:
    """Describe a filled mark in the shape of a state."""
    symbol, size = MARKERS[state]
    marker: Parts = {"symbol": symbol, "size": size * share}
    return {**marker, "color": fill, "line": {"width": 0.8, "color": rim}} if fill else marker


def _hollow(state: str, share: float, ink: str = "") -> Parts:
    """Describe a hollow mark in the shape of a state: its outline is all of it."""
    symbol, size = MARKERS[state]
    marker: Parts = {
        "symbol": f"{symbol}-open",
        "size": size * share,
        "line": {"width": 2 if share == 1 else 1.5},
    }
    return {**marker, "color": ink} if ink else marker


def _missing(state: str, share: float, palette: Palette) -> Parts:
    """Describe the mark of an image without a value: grey, thin and smaller than one with."""
    symbol, size = MARKERS[state]
    return {
        "symbol": f"{symbol}-open",
        "size": 0.7 * size * share,
        "color": missing_ink(palette),
        "line": {"width": 1},
    }


def colour_axis(colouring: Colouring, theme: Theme) -> Parts:
    """Describe the scale of a number, for the layout."""
    ramp = number_ramp(theme)
    low, high = colouring.limits
    return {
        "cmin": low,
        "cmax": high,
        "colorscale": [(place / (len(ramp) - 1), colour) for place, colour in enumerate(ramp)],
        "showscale": False,
    }


def _find_hover_texts(points: pd.DataFrame) -> NDArray[np.object_]:
    """Take the hover texts that the table holds, or write them."""
    if HOVER_COLUMN in points:
        return points[HOVER_COLUMN].to_numpy(dtype=object)
    return format_hover_texts(points)


def format_hover_texts(points: pd.DataFrame) -> NDArray[np.object_]:
    """Write one or two sentences an image, shape (n_images,); ids are text, never markup.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`.
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
                format_day(offset),
                safe_text(view, "view not recorded"),
            ]
        )
        texts[row] = f"{where}<br>{format_state(str(state), reason)}"
    return texts
