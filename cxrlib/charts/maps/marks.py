"""The marks of a map's images: shape shows the state, colour the state or a column."""

import html
from collections.abc import Iterator
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
    make_trace,
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
    cloud = _Cloud(points, layer, FADED if chosen else 1.0)
    palette = PALETTES[theme]
    if colouring is None or colouring.kind == "state":
        return list(_draw_states(cloud, palette))
    if colouring.kind == "number":
        return list(_draw_numbers(cloud, colouring, palette))
    return list(_draw_categories(cloud, colouring, theme))


class _Cloud:
    """Hold points as arrays: rows are chosen of them many times faster than of a table."""

    def __init__(self, points: pd.DataFrame, layer: Layer, opacity: float) -> None:
        self.layer, self.opacity = layer, opacity
        self.x, self.y = (points[axis].to_numpy(dtype=np.float32) for axis in "xy")
        self.ids = _read_ids(points)
        self.hover = None if len(points) > MAX_HOVER_TEXTS else _find_hover_texts(points)
        self.states = {
            state: points["state"].eq(state).to_numpy(dtype=bool, na_value=False)
            for state in STATES
        }
        # Thousands of marks are a crowd: theirs are smaller, and their outlines thinner.
        self.share = 1.0 if layer == "scatter" else 0.6
        self.outline = 2 if layer == "scatter" else 1.5

    def shape(
        self, state: str, *, is_open: bool = False, smaller: float = 1.0, **look: object
    ) -> Parts:
        """Describe a mark in the shape of a state; of an open one the outline is all."""
        symbol, size = MARKERS[state]
        return {
            "symbol": f"{symbol}-open" if is_open else symbol,
            "size": smaller * size * self.share,
            **look,
        }

    def shape_missing(self, state: str, palette: Palette) -> Parts:
        """Describe the mark of an image without a value: grey, thin and smaller than one with."""
        ink = missing_ink(palette)
        return self.shape(state, is_open=True, smaller=0.7, color=ink, line={"width": 1})

    def draw(self, own: Mask, marker: Parts, state: str, said: str = "", **more: object) -> Parts:
        """Draw some of the points; `said` is a sentence more for each, with its markup."""
        # Plotly dims what is not selected, which would read as a state.
        still = {"marker": {"opacity": self.opacity}}
        return make_trace(
            "markers",
            self.x[own],
            self.y[own],
            layer=self.layer,
            marker={**marker, "opacity": self.opacity},
            selected=still,
            unselected=still,
            customdata=self.ids[own],
            **self._format_hover(own, state, said),
            **more,
        )

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
        hollow = state == "unknown"
        marker = cloud.shape(
            state,
            color=palette.page if hollow else palette.states[state],
            line={"width": 1.5 if hollow else 0.8, "color": palette.rims[state]},
        )
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
                marker = cloud.shape_missing(state, PALETTES[theme])
            elif state == "unknown":
                line: Parts = {"width": cloud.outline}
                marker = cloud.shape(state, is_open=True, line=line, color=inks[code].rim)
            else:
                line = {"width": 0.8, "color": inks[code].rim}
                marker = cloud.shape(state, color=inks[code].fill, line=line)
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
            marker = cloud.shape_missing(state, palette)
            said = f"<br>{label}: not recorded"
            yield cloud.draw(own, marker, state, said, showlegend=False)
    for state in STATES:
        own = known & cloud.states[state]
        if not own.any():
            continue
        values = colouring.values[own].astype(np.float32)
        marker = cloud.shape(state, is_open=state == "unknown", color=values, coloraxis=COLOUR_AXIS)
        if state == "unknown":
            marker["line"] = {"width": cloud.outline}
        drawn = cloud.draw(own, marker, state, showlegend=False)
        if "hovertext" in drawn:
            numbers = np.array([f"<br>{label}: {value:.3g}" for value in values], dtype=object)
            drawn["hovertext"] = drawn["hovertext"] + numbers
        yield drawn


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
