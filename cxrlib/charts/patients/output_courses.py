"""One patient's outputs along days, and the patients with similar courses.

Shape means view, as in the timeline; colour means state, with its name in the key.
"""

import textwrap
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cxrlib.aliases import NOT_RECORDED
from cxrlib.charts.style import (
    PALETTES,
    STILL,
    TEXT_SIZE,
    Palette,
    Theme,
    draw_cuts,
    format_day,
    make_figure,
    make_key,
    make_note,
    make_trace,
    mix,
    safe_text,
    style_marks,
    text_width,
    thin_ticks,
)
from cxrlib.cohort import describe_state
from cxrlib.number_text import format_units
from cxrlib.patients import (
    DayAxis,
    Noise,
    OutputCourse,
    SimilarPatients,
    format_value,
    lay_out_axis,
)

#: Of what the filters leave out.
FAINT = 0.35
#: Places on a panel's axis: where it begins, where days end, the scale, where it ends. Images
#: without a day take the last part of the days' room, or all of it.
START, DAYS_END, SCALE, PANEL_END = -70.0, 970.0, 1225.0, 1380.0
LANE = (800.0, 970.0)
#: How far images without a day stand apart, at most.
LANE_STEP = 60.0
MOST_PER_DAY = 330.0
#: Pixels: of a panel's plot, of its two lines of words, of its days, of the key, of a note.
PLOT, HEAD, FOOT, KEY, NOTE = 150, 48, 46, 34, 19
LEFT, BETWEEN, EDGE = 54, 0.11, 6
MARKER = 11
N_TICKS = 5


Trace = dict[str, Any]


def plot_course(
    course: OutputCourse,
    noise: Noise | None = None,
    *,
    theme: Theme = "light",
    selected: Collection[str] = (),
    kept: Collection[str] | None = None,
) -> go.Figure:
    """Plot outputs over days, a panel each, with the difference within a day beside it.

    At the right of a panel stands a scale: how far two images of one patient, day and view are
    apart, the dark part at the median, the pale part in 9 of 10. The axis of values is never so
    short that a change would look larger than that. Lines join images of one view, through the
    mean of a day.

    Parameters
    ----------
    course : OutputCourse
    noise : Noise, optional
        Of the same extractor.
    theme : {"light", "dark"}
    selected : collection of str
        Images to ring, such as the pair in the viewer.
    kept : collection of str, optional
        Images of the current selection; others are drawn faint.

    Returns
    -------
    Figure
        Points carry the image id as customdata. Its height depends on the number of outputs.
    """
    palette = PALETTES[theme]
    n_outputs = len(course.outputs)
    n_columns = 1 if n_outputs == 1 else 2
    n_rows = max(-(-n_outputs // n_columns), 1)
    panel = HEAD + PLOT + FOOT
    height = KEY + n_rows * panel + NOTE + EDGE
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"l": LEFT, "r": 8, "t": 0, "b": 0, "autoexpand": False},
        "dragmode": False,
        "clickmode": "event+select",
        "showlegend": True,
        "legend": {"y": 1, "yanchor": "top", "font": {"size": TEXT_SIZE}},
        "annotations": [_make_note(course, palette)],
    }
    there = course.table["has_values"].to_numpy(dtype=bool)
    if not there.any() or not n_outputs:
        return _plot_nothing(layout, course, theme)
    marks = _place_marks(course.table[there])
    traces: list[Trace] = make_key(marks.views, marks.states, palette, size=MARKER)
    for place, name in enumerate(course.outputs):
        row, column = divmod(place, n_columns)
        top = 1 - (KEY + row * panel + HEAD) / height
        left = column * (0.5 + BETWEEN / 2)
        right = left + (1 if n_columns == 1 else 0.5 - BETWEEN / 2)
        axis = "" if place == 0 else str(place + 1)
        values = course.values[there, place]
        found = noise.find(name) if noise is not None else None
        low, high = _find_range(values, found)
        layout[f"xaxis{axis}"] = _make_days(marks, [left, right], axis, found)
        layout[f"yaxis{axis}"] = _make_values(low, high, [top - PLOT / height, top], axis)
        traces += _draw_lines(marks, values, axis, palette)
        traces += _draw_marks(marks, values, name, axis, palette, selected, kept)
        if found is not None:
            traces += _draw_scale(found, (low + high) / 2, axis, palette)
        layout["annotations"] += _label_panel(name, found, left, top, palette)
        if cuts := draw_cuts(marks.axis, marks.days, axis, palette):
            layout["shapes"] = [*layout.get("shapes", []), *cuts]
    return make_figure(traces, layout, theme)


# ---- places


class _Marks:
    """Hold the images of a course at their places on the axis of days."""

    def __init__(self, table: pd.DataFrame, axis: DayAxis | None, places: list[float]) -> None:
        self.axis = axis
        self.x = places
        self.image_ids: list[str] = table["image_id"].tolist()
        self.days: list[float] = table["day"].tolist()
        self.views: list[str] = table["view"].tolist()
        self.states: list[str] = table["state"].tolist()
        self.reasons: list[str] = table["state_reasons"].tolist()

    @property
    def lane(self) -> float | None:
        """Give the middle of the images without a day."""
        lane = [x for x, day in zip(self.x, self.days, strict=True) if np.isnan(day)]
        return float(np.mean(lane)) if lane else None


def _place_marks(table: pd.DataFrame) -> _Marks:
    """Place images at their day; those without a day side by side beyond all days."""
    days = table["day"].tolist()
    dated = [day for day in days if not np.isnan(day)]
    n_undated = len(days) - len(dated)
    start, end = LANE if dated else (0.0, DAYS_END)
    step = min(LANE_STEP, (end - start) / max(n_undated, 1))
    first = (start + end - step * (n_undated - 1)) / 2
    lane = [first + step * i for i in range(n_undated)]
    if not dated:
        return _Marks(table, None, lane)
    last = LANE[0] - LANE_STEP if n_undated else DAYS_END
    axis = lay_out_axis(dated, 0.0, last, most_per_day=MOST_PER_DAY)
    return _Marks(table, axis, [axis.place(day) for day in dated] + lane)


def _make_days(
    marks: _Marks, domain: list[float], axis: str, found: dict[str, Any] | None
) -> dict[str, Any]:
    """Make the axis of days: a tick a day, as many labelled as there is room for."""
    ticks: list[tuple[float, str]] = []
    if marks.axis is not None:
        days = sorted({day for day in marks.days if not np.isnan(day)})
        # A panel's 1,440 places are 260 pixels at least, half a letter is 4.
        ticks = thin_ticks(marks.axis, days, lambda one, two: 22 * (len(one) + len(two) + 2))
    if marks.lane is not None:
        ticks.append((marks.lane, "no day" if marks.axis is not None else "day not recorded"))
    if found is not None:
        ticks.append((SCALE, "repeats"))
    return {
        "domain": domain,
        "anchor": f"y{axis}",
        "range": [START, PANEL_END],
        "tickvals": [place for place, _ in ticks],
        "ticktext": [words for _, words in ticks],
        "ticks": "outside",
        "tickangle": 0,
        "zeroline": False,
        "fixedrange": True,
    }


def _find_range(values: np.ndarray, found: dict[str, Any] | None) -> tuple[float, float]:
    """Find the values to show: all of them, and as many as two images of a day differ by."""
    low, high = float(values.min()), float(values.max())
    reach = 0.0 if found is None else found["p90"]
    span = max(high - low, 0.0 if np.isnan(reach) else reach, 1e-6 * max(abs(low), abs(high), 1e-3))
    middle = (low + high) / 2
    return middle - 0.6 * span, middle + 0.6 * span


def _make_values(low: float, high: float, domain: list[float], axis: str) -> dict[str, Any]:
    return {
        "domain": [max(domain[0], 0), domain[1]],
        "anchor": f"x{axis}",
        "range": [low, high],
        "nticks": N_TICKS,
        "showgrid": True,
        "zeroline": False,
        "fixedrange": True,
    }


# ---- what is drawn


def _draw_lines(marks: _Marks, values: np.ndarray, axis: str, palette: Palette) -> list[Trace]:
    """Join the days of one view, through the mean of a day's images."""
    x: list[float | None] = []
    y: list[float | None] = []
    for view in dict.fromkeys(marks.views):
        if view == NOT_RECORDED:
            continue
        own = [i for i, each in enumerate(marks.views) if each == view]
        dated = [i for i in own if not np.isnan(marks.days[i])]
        for _, same in groupby(dated, key=lambda i: marks.days[i]):
            together = list(same)
            x.append(marks.x[together[0]])
            y.append(float(np.mean(values[together])))
        x.append(None)
        y.append(None)
    line = {"color": palette.quiet, "width": 1.5}
    return [_trace("lines", x, y, axis=axis, line=line, hoverinfo="skip")]


def _trace(mode: str, x: Any, y: Any, *, axis: str = "", **style: Any) -> Trace:  # noqa: ANN401
    """Make a trace of a panel, without an entry in the key."""
    axes = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    return make_trace(mode, x, y, showlegend=False, **axes, **style)


def _draw_marks(
    marks: _Marks,
    values: np.ndarray,
    name: str,
    axis: str,
    palette: Palette,
    selected: Collection[str],
    kept: Collection[str] | None,
) -> list[Trace]:
    """Draw the images; those of the pair with a ring."""
    ringed = [i for i, image_id in enumerate(marks.image_ids) if image_id in selected]
    ring = {"color": palette.accent, "line": {"width": 2, "color": palette.accent}}
    opacity = [1.0 if kept is None or each in kept else FAINT for each in marks.image_ids]
    return [
        _trace(
            "markers",
            [marks.x[i] for i in ringed],
            [float(values[i]) for i in ringed],
            axis=axis,
            hoverinfo="skip",
            marker={"symbol": "circle-open", "size": 2 * MARKER, **ring},
        ),
        _trace(
            "markers",
            marks.x,
            values.tolist(),
            axis=axis,
            customdata=marks.image_ids,
            hoverinfo="text",
            hovertext=[_describe_mark(marks, i, name, float(v)) for i, v in enumerate(values)],
            marker=style_marks(marks.views, marks.states, palette, size=MARKER)
            | {"opacity": opacity},
        )
        | STILL,
    ]


def _describe_mark(marks: _Marks, place: int, name: str, value: float) -> str:
    """Describe an image in a sentence."""
    day, view = marks.days[place], marks.views[place]
    words = format_day(None if np.isnan(day) else day)
    view = "view not recorded" if view == NOT_RECORDED else view
    state = describe_state(marks.states[place], marks.reasons[place])
    return (
        f"{words[:1].upper()}{words[1:]}, {safe_text(view)}, {safe_text(state)}"
        f"<br>{safe_text(name)}: {format_value(value)}"
    )


def _draw_scale(found: dict[str, Any], middle: float, axis: str, palette: Palette) -> list[Trace]:
    """Draw how far two images of one day are apart: 9 of 10 pale, the median dark."""
    traces = []
    parts = (("p90", 14, mix(palette.ink, palette.page, 0.25)), ("median", 6, palette.ink))
    hover = {"hoverinfo": "text", "hovertext": _describe_repeats(found)}
    for part, width, colour in parts:
        length = found[part]
        if not np.isnan(length):
            y = [middle - length / 2, middle + length / 2]
            line = {"color": colour, "width": width}
            traces.append(_trace("lines", [SCALE, SCALE], y, axis=axis, line=line, **hover))
    return traces


def _describe_repeats(found: dict[str, Any]) -> str:
    """Describe in a line how far two images of one day are apart."""
    if found["reason"]:
        return "Same-day repeats: not estimable"
    usual, most = format_value(found["median"]), format_value(found["p90"])
    return f"Same-day repeats: {usual}, 90 % ≤ {most}"


def _label_panel(
    name: str, found: dict[str, Any] | None, left: float, top: float, palette: Palette
) -> list[dict[str, Any]]:
    """Label a panel with the name of its output and how far two images of a day are apart."""
    words = [_note(left, top, f"<b>{safe_text(name)}</b>", yshift=25)]
    if found is not None:
        font = {"color": palette.quiet, "size": TEXT_SIZE}
        words.append(_note(left, top, _describe_repeats(found), yshift=5, font=font))
    return words


def _note(x: float, y: float, text: str, **style: object) -> dict[str, Any]:
    """Write text from a place of the paper on, above it."""
    return make_note(x, y, text, xanchor="left", yanchor="bottom", align="left", **style)


def _make_note(course: OutputCourse, palette: Palette) -> dict[str, Any]:
    """Make the note below: what the numbers are, and what they are not."""
    text = f"Outputs of {safe_text(course.info.title)}, not probabilities of disease."
    return _note(0, 0, text, font={"color": palette.quiet, "size": TEXT_SIZE}, yshift=EDGE)


def describe_scale(course: OutputCourse, noise: Noise) -> str:
    """Describe what the scale of `plot_course` rests on: its caption, "" without outputs."""
    if not course.outputs:
        return ""
    row = noise.find(course.outputs[0])
    pairs, persons = format_units(row["n_pairs"], "pair"), format_units(row["n_persons"], "person")
    return (
        "Bars: difference between two images of one patient, day and view; dark: median, pale: "
        f"90th percentile ({pairs} of {persons})."
    )


def _plot_nothing(layout: dict[str, Any], course: OutputCourse, theme: Theme) -> go.Figure:
    """Put in place of a chart that the extractor has no values for the patient's images."""
    n_images = len(course.table)
    images = "this image" if n_images == 1 else f"these {n_images} images"
    words = f"{safe_text(course.info.label)} has no values for {images}."
    return _plot_words(words, layout | {"height": KEY + HEAD + PLOT}, theme, size=18)


def _plot_words(words: str, layout: dict[str, Any], theme: Theme, *, size: int) -> go.Figure:
    """Put words in the middle of a figure without a chart."""
    note = make_note(0.5, 0.5, words, font={"size": size, "color": PALETTES[theme].quiet})
    nothing = {"visible": False, "fixedrange": True}
    return make_figure(
        [], layout | {"xaxis": nothing, "yaxis": nothing, "annotations": [note]}, theme
    )


# ---- similar patients

ROW, AXIS = 62, 54  # pixels
NEAR_MARKER = 12
#: How far below the middle of its row a mark stands, as a share of the row.
DROP = 0.12
#: Least pixels of the plot: half a page's column on a laptop. Letters of a line of notes there.
NARROW, NOTE_LETTERS = 330, 48


def plot_similar_patients(courses: SimilarPatients, *, theme: Theme = "light") -> go.Figure:
    """Plot the most similar patients on the distances of random other patients.

    Three rows on one axis: random patients with the same views; the nearest of as many random
    ones as were compared; the patients themselves. The nearest is to be read against the second
    row: of many patients one is always near.

    Parameters
    ----------
    courses : SimilarPatients
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Points carry the person's id as customdata.
    """
    palette = PALETTES[theme]
    if courses.table.empty:
        return _plot_reason(courses.reason, theme)
    found = courses.reference
    names = _list_rows(courses)
    row = len(names) - 1
    below = AXIS + EDGE
    layout: dict[str, Any] = {
        "height": EDGE + ROW * len(names) + below,
        "margin": {"l": 10, "r": 16, "t": EDGE, "b": below, "autoexpand": False},
        "dragmode": False,
        "clickmode": "event+select",
        "showlegend": False,
        "xaxis": {
            "title": {"text": "Mean image distance (SD)", "standoff": 4},
            "range": [0, _find_reach(courses)],
            "nticks": 6,
            "showgrid": True,
            "ticks": "outside",
            "fixedrange": True,
        },
        "yaxis": {"range": [row + 0.5, -0.5], "visible": False, "fixedrange": True},
        "annotations": [*_label_rows(names, palette), *_label_persons(courses, row)],
    }
    traces: list[Trace] = []
    if found is not None:
        ends = (found.low, found.median, found.high), (found.best_low, found.best, found.best_high)
        for place, (low, middle, high) in enumerate(ends):
            traces += _draw_span(low, middle, high, place + DROP, palette, names[place])
        layout["shapes"] = [_draw_guide(found.best_low, found.best_high, row, palette)]
    return make_figure([*traces, *_draw_persons(courses, row + DROP, palette)], layout, theme)


def _list_rows(courses: SimilarPatients) -> list[str]:
    persons = f"{format_units(courses.n_persons, 'other patient')} on these days"
    if courses.reference is None:
        return [persons]
    return ["Random patients", f"Nearest of {courses.n_persons:,} random patients", persons]


def _label_rows(names: Sequence[str], palette: Palette) -> list[dict[str, Any]]:
    """Label each row above it: at its left there may be no room."""
    shared = {"x": 0, "xref": "paper", "xanchor": "left", "yanchor": "middle"}
    font = {"color": palette.ink, "size": TEXT_SIZE}
    return [
        {**shared, "y": place - 0.3, "text": safe_text(name), "font": font}
        for place, name in enumerate(names)
    ]


def _find_reach(courses: SimilarPatients) -> float:
    """Find how far the axis reaches."""
    found = courses.reference
    ends = [*courses.distances.tolist(), *([found.high, found.best_high] if found else [])]
    return 1.06 * max(ends, default=1.0) or 1.0


def _draw_span(
    low: float, middle: float, high: float, row: float, palette: Palette, name: str
) -> list[Trace]:
    """Draw where 9 of 10 lie, and their middle."""
    words = f"{name}: {middle:.2f}, 9 of 10 from {low:.2f} to {high:.2f}"
    hover = {"hoverinfo": "text", "hovertext": words}
    bar = {"color": mix(palette.ink, palette.page, 0.25), "width": 14}
    return [
        _trace("lines", [low, high], [row, row], line=bar, **hover),
        _trace("markers", [middle], [row], marker=_make_stroke(18, 3, palette.ink), **hover),
    ]


def _make_stroke(size: float, width: float, colour: str) -> dict[str, Any]:
    """Make the style of marks that are upright strokes."""
    line = {"width": width, "color": colour}
    return {"symbol": "line-ns", "size": size, "opacity": 1, "line": line}


def _draw_guide(low: float, high: float, row: int, palette: Palette) -> dict[str, Any]:
    """Lead the eye from the nearest of random ones to the persons."""
    return {
        "type": "rect",
        "x0": low,
        "x1": high,
        "y0": 1 + DROP,
        "y1": row + 0.48,
        "fillcolor": mix(palette.ink, palette.page, 0.08),
        "line": {"width": 0},
        "layer": "below",
    }


def _draw_persons(courses: SimilarPatients, row: float, palette: Palette) -> list[Trace]:
    """Draw all persons as thin lines and the nearest as points, hollow if of the same source."""
    table = courses.table.iloc[::-1]  # the nearest on top
    rest = courses.distances[len(table) :]
    return [
        _trace(
            "markers",
            rest.tolist(),
            [row] * len(rest),
            hoverinfo="skip",
            marker=_make_stroke(12, 1.5, palette.quiet),
        ),
        _trace(
            "markers",
            table["distance"].tolist(),
            [row] * len(table),
            customdata=table["person_id"].tolist(),
            hoverinfo="text",
            hovertext=[_describe_person(courses, each) for each in table.to_dict("records")],
            marker={
                "symbol": "circle",
                "size": NEAR_MARKER,
                "opacity": 1,
                "color": [palette.page if each else palette.accent for each in table["shares"]],
                "line": {"width": 2, "color": palette.accent},
            },
        )
        | STILL,
    ]


def _describe_person(courses: SimilarPatients, row: Mapping[Hashable, Any]) -> str:
    """Describe a person in a sentence."""
    return (
        f"Patient {safe_text(row['patient_ids'])}: mean image distance {row['distance']:.2f} SD, "
        f"{row['n_aligned']} of {courses.n_days} days matched, "
        f"{format_units(int(row['n_images']), 'image')}"
        f"{', same ' + row['shares'] if row['shares'] else ''}"
    )


def _label_persons(courses: SimilarPatients, row: int) -> list[dict[str, Any]]:
    """Label the nearest persons below their points, as far as there is room."""
    notes: list[dict[str, Any]] = []
    scale = NARROW / _find_reach(courses)
    taken = -np.inf
    for record in courses.table.to_dict("records"):
        text = safe_text(record["patient_ids"])
        text = text if notes else f"patient {text}"
        half = text_width(text) / 2 + 4
        middle = record["distance"] * scale
        if middle - half > taken and middle + half < NARROW:
            taken = middle + half
            notes.append({"x": record["distance"], "y": row + 0.4, "text": text})
    return notes


def describe_points(courses: SimilarPatients) -> str:
    """Describe what `plot_similar_patients` draws, as its caption."""
    if courses.table.empty:
        return ""
    n, parts = len(courses.table), ["Bars: 9 of 10 random patients, same views; line: median."]
    if courses.reference is None:
        parts = [f"Whether this is close is {courses.reason}."]
    parts.append("Point: the nearest patient." if n == 1 else f"Points: the {n} nearest.")
    if any(courses.table["shares"]):
        parts.append("Hollow: same article or site.")
    if n_rest := courses.n_persons - n:
        parts.append(f"Thin line{'' if n_rest == 1 else 's'}: {n_rest:,} more.")
    return " ".join(parts)


def _plot_reason(reason: str, theme: Theme) -> go.Figure:
    """Put in place of a chart why there is none."""
    words = "<br>".join(textwrap.wrap(f"Similar patients: {reason}.", NOTE_LETTERS))
    margin = {"l": 8, "r": 8, "t": 8, "b": 8, "autoexpand": False}
    return _plot_words(words, {"height": 120, "margin": margin}, theme, size=TEXT_SIZE)
