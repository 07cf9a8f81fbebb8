"""Faithfulness of the map: states of the nearest images, step lengths on the map and off it.

In the first chart shape means view and colour state, as in all charts of one patient along days.
"""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrlib.charts.style import (
    PALETTES,
    SILENT,
    STILL,
    TEXT_SIZE,
    Palette,
    Theme,
    draw_cuts,
    draw_key_mark,
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
from cxrlib.maps import StepLengths, describe_steps
from cxrlib.patients import DayAxis, PathShares, describe_image_share, lay_out_axis

MARKER = 12
#: Places on the axis of days: where it begins and ends, and the lane of images without a day.
START, DAYS_END, LANE = -60.0, 1000.0, (1085.0, 1250.0)
MOST_PER_DAY = 260.0
#: Places between two images of one day.
BESIDE = 27.0
#: Pixels: of a patient's plot, of the name above, of the days below, of the key.
PLOT, HEAD, FOOT, KEY = 168, 34, 34, 34
#: Pixels of a second line of the key, and of an entry besides its letters.
KEY_LINE, KEY_MARK = 22, 44
LEFT, RIGHT, EDGE = 58, 112, 6
#: Pixels from one label of a view's share to the next.
APART = 19
#: Pixels of the narrowest figure, on a phone: so much room there is for a key and for days.
NARROW = 372
ROW = 27

Trace = dict[str, Any]


# ---- neighbours, along days


def plot_path_share(shares: Sequence[PathShares], *, theme: Theme = "light") -> go.Figure:
    """Plot the share of bad among the nearest images of other patients, along days.

    A panel a patient; a point an image with its 95 % interval; a dashed line for each view: the
    share among all images that could have been near. An image without a share is a dash at the
    foot, the reason is in its hover text.

    Parameters
    ----------
    shares : sequence of PathShares
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Points carry the image id as customdata. Its height depends on the number of patients.
    """
    palette = PALETTES[theme]
    traces: list[Trace] = _list_key(shares, palette)
    key = KEY + KEY_LINE * (_count_key_lines(traces, NARROW - RIGHT) - 1)
    panel = HEAD + PLOT + FOOT
    height = key + panel * max(len(shares), 1) + EDGE
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"l": LEFT, "r": RIGHT, "t": 0, "b": 0, "autoexpand": False},
        "dragmode": False,
        "clickmode": "event+select",
        "showlegend": True,
        # A hair beyond the plot: a key within it would be held to the plot's width.
        "legend": {"x": -1e-6, "y": 1 + 1e-6, "yanchor": "top", "font": {"size": TEXT_SIZE}},
        "annotations": [],
    }
    cuts: list[dict[str, Any]] = []
    for row, each in enumerate(shares):
        top = 1 - (key + row * panel + HEAD) / height
        axis = "" if row == 0 else str(row + 1)
        marks = _Marks(each)
        layout[f"xaxis{axis}"] = _make_days(marks, axis)
        layout[f"yaxis{axis}"] = _make_shares([max(top - PLOT / height, 0), top], axis)
        layout["annotations"] += [_label_panel(each, top), *_label_overall(marks, axis, palette)]
        cuts += draw_cuts(marks.axis, marks.days, axis, palette)
        traces += _draw_overall(marks, axis, palette)
        traces += _draw_shares(marks, axis, palette)
    if cuts:
        layout["shapes"] = cuts
    if not shares:
        layout["xaxis"] = layout["yaxis"] = {"visible": False, "fixedrange": True}
        layout["annotations"] = [
            _note("Select a patient to see the states of the nearest images, day by day.")
        ]
    return make_figure(traces, layout, theme)


class _Marks:
    """Hold the images of a patient at their places on the axis of days."""

    def __init__(self, shares: PathShares) -> None:
        self.rows = shares.table.to_dict("records")
        days = shares.table["day"].tolist()
        self.days = sorted({day for day in days if not np.isnan(day)})
        self.axis: DayAxis | None = None
        if self.days:
            self.axis = lay_out_axis(self.days, 0.0, DAYS_END, most_per_day=MOST_PER_DAY)
        self.lane = LANE if self.days else (0.0, LANE[1] - LANE[0])
        self.has_lane = bool(np.isnan(days).any())
        self.x = self._place(days)
        # Many images of a first or last day reach beyond it.
        end = LANE[1] if self.has_lane else DAYS_END - START
        self.start = min(START, min(self.x, default=START) - BESIDE)
        self.end = max(end, max(self.x, default=end) + BESIDE)

    def _place(self, days: Sequence[float]) -> list[float]:
        """Place images at their day, those of one day side by side, those without beyond all."""
        at = {day: self.axis.place(day) for day in self.days} if self.axis else {}
        gap = float(min(np.diff(sorted(at.values())), default=np.inf))
        x: list[float] = []
        for day, same in groupby(days, key=lambda day: None if np.isnan(day) else day):
            n = len(list(same))
            middle = sum(self.lane) / 2 if day is None else at[day]
            room = LANE[1] - LANE[0] if day is None else 0.8 * gap
            step = min(BESIDE, room / n)
            x += [middle + step * (place - (n - 1) / 2) for place in range(n)]
        return x

    @property
    def overall(self) -> dict[str, float]:
        """Give the share of all images of each view that has a mark."""
        return {row["view"]: row["overall"] for row in self.rows if not row["reason"]}


def _list_key(shares: Sequence[PathShares], palette: Palette) -> list[Trace]:
    """Name shapes and colours, those that are there."""
    rows = [row for each in shares for row in each.table.to_dict("records")]
    drawn = [row for row in rows if not row["reason"]]
    views, states = ({row[name] for row in drawn} for name in ("view", "state"))
    key = make_key(sorted(views), states, palette, size=MARKER)
    if len(drawn) < len(rows):
        ink = palette.quiet
        key.append(draw_key_mark("Not estimable", "line-ew", ink, ink, size=MARKER))
    return key


def _count_key_lines(entries: Sequence[Trace], room: float) -> int:
    """Count the lines of a key in a width, where it stands in columns unless one line does."""
    widths = [text_width(entry["name"]) + KEY_MARK for entry in entries]
    if sum(widths) <= room:
        return 1
    return -(-len(widths) // max(int(room // max(widths)), 1))


def _make_days(marks: _Marks, axis: str) -> dict[str, Any]:
    """Make the axis of days: a tick a day, as many labelled as there is room for."""
    ticks = _list_ticks(marks)
    if marks.has_lane:
        ticks.append((sum(marks.lane) / 2, "no day"))
    return {
        "anchor": f"y{axis}",
        "range": [marks.start, marks.end],
        "tickvals": [place for place, _ in ticks],
        "ticktext": [words for _, words in ticks],
        "ticks": "outside",
        "tickangle": 0,
        "fixedrange": True,
    }


def _list_ticks(marks: _Marks) -> list[tuple[float, str]]:
    if marks.axis is None:
        return []
    per_pixel = (marks.end - marks.start) / (NARROW - LEFT - RIGHT)

    def measure(one: str, two: str) -> float:
        return per_pixel * ((text_width(one) + text_width(two)) / 2 + 6)

    return thin_ticks(marks.axis, marks.days, measure)


def _make_shares(domain: list[float], axis: str) -> dict[str, Any]:
    return {
        "domain": domain,
        "anchor": f"x{axis}",
        "range": [-0.06, 1.06],
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"],
        "showgrid": True,
        "zeroline": False,
        "fixedrange": True,
    }


def _draw_overall(marks: _Marks, axis: str, palette: Palette) -> list[Trace]:
    """Draw the share of all images of each view as a dashed line."""
    line = {"color": palette.quiet, "width": 1.5, "dash": "dash"}
    look = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "line": line, **SILENT}
    return [
        make_trace("lines", [marks.start, marks.end], [share, share], **look)
        for share in marks.overall.values()
    ]


def _label_overall(marks: _Marks, axis: str, palette: Palette) -> list[dict[str, Any]]:
    """Name the lines at the right, moved apart where they would touch."""
    least = APART * 1.12 / PLOT
    notes: list[dict[str, Any]] = []
    at = -np.inf
    for view, share in sorted(marks.overall.items(), key=lambda item: item[1]):
        at = max(share, at + least)
        notes.append(
            {
                "x": 1,
                "xref": "paper",
                "y": at,
                "yref": f"y{axis}",
                "xanchor": "left",
                "yanchor": "middle",
                "xshift": 6,
                "text": f"{safe_text(view[:10])} {100 * share:.0f} %",
                "font": {"color": palette.quiet, "size": TEXT_SIZE},
            }
        )
    return notes


def _draw_shares(marks: _Marks, axis: str, palette: Palette) -> list[Trace]:
    """Draw images with their intervals, and as dashes those without a share."""
    there = [i for i, row in enumerate(marks.rows) if not row["reason"]]
    gone = [i for i, row in enumerate(marks.rows) if row["reason"]]
    shared: Trace = {
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "showlegend": False,
        "hoverinfo": "text",
    }
    rows = [marks.rows[i] for i in there]
    share = [float(row["share"]) for row in rows]
    views, states = [row["view"] for row in rows], [row["state"] for row in rows]
    look = style_marks(views, states, palette, size=MARKER)
    dash = {"width": 2, "color": palette.quiet}
    return [
        make_trace(
            "markers",
            [marks.x[i] for i in there],
            share,
            customdata=[row["image_id"] for row in rows],
            hovertext=[_describe_mark(row) for row in rows],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [row["high"] - row["share"] for row in rows],
                "arrayminus": [row["share"] - row["low"] for row in rows],
                "color": palette.quiet,
                "thickness": 1.5,
                "width": 4,
            },
            marker={**look, "opacity": 1},
            **shared,
            **STILL,
        ),
        make_trace(
            "markers",
            [marks.x[i] for i in gone],
            [0.0] * len(gone),
            customdata=[marks.rows[i]["image_id"] for i in gone],
            hovertext=[_describe_mark(marks.rows[i]) for i in gone],
            marker={"symbol": "line-ew", "size": MARKER, "opacity": 1, "line": dash},
            **shared,
            **STILL,
        ),
    ]


def _describe_mark(row: dict[Any, Any]) -> str:
    """Describe an image in lines short enough to hover."""
    words = f"{describe_image_share(row)}; {describe_state(row['state'])}"
    lines = textwrap.wrap(words[:1].upper() + words[1:], 60)
    return "<br>".join(map(safe_text, lines))


def _label_panel(shares: PathShares, top: float) -> dict[str, Any]:
    """Write the patient above the panel."""
    name = safe_text(shares.patient_id[:30])
    words = f"<b>Patient {name}</b>: share among the {shares.k} nearest"
    return make_note(0, top, words, xanchor="left", yanchor="bottom", yshift=4)


def _note(words: str) -> dict[str, Any]:
    """Make the note that is shown in place of an empty chart."""
    return make_note(0, 1, words, xanchor="left")


def explain_path_share(shares: Sequence[PathShares]) -> str:
    """Describe below what is drawn: a caption that wraps, whatever the width of the chart."""
    if not shares:
        return ""
    info, k = shares[0].space.info, shares[0].k
    return (
        f"Point: share among the {k} nearest images of other persons and other sources, same "
        "view, where recorded. Bar: 95 % interval, bootstrap over patients. Dashed line: all such "
        f"images of the view. Nearest in the features of {info.title}, not on the map."
    )


# ---- steps


def plot_steps(steps: StepLengths, *, theme: Theme = "light") -> go.Figure:
    """Plot each step's length in feature space beside its length on the map.

    Both against two images taken at random: at 1 a step is as long as their median distance. Where
    the map was drawn with other seeds, a pale bar goes from the shortest to the longest.

    Parameters
    ----------
    steps : StepLengths
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        A row a step; its height depends on their number.
    """
    palette = PALETTES[theme]
    rows = steps.table.to_dict("records")
    labels, places = _list_rows(rows)
    left = 16 + round(max((text_width(label) for label in labels), default=0))
    traces = _draw_steps(steps, rows, places, palette) if rows else []
    above = KEY + KEY_LINE * (_count_key_lines(traces, NARROW - 16) - 1)
    below = 52 + EDGE
    layout: dict[str, Any] = {
        "height": above + ROW * max(len(labels), 1) + below,
        "margin": {"l": left, "r": 16, "t": above, "b": below, "autoexpand": False},
        "dragmode": False,
        "showlegend": bool(rows),
        # A hair beyond the plot: a key within it would be held to the plot's width.
        "legend": {"x": -1e-6, "y": 1 + 1e-6, "font": {"size": TEXT_SIZE}},
        "xaxis": {
            "title": {"text": "Step length (1: two random images)", "standoff": 4},
            "range": [0, _find_reach(steps)],
            "nticks": 7,
            "showgrid": True,
            "ticks": "outside",
            "fixedrange": True,
        },
        "yaxis": {
            "range": [max(len(labels), 1) - 0.5, -0.5],
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "tickfont": {"color": palette.ink},
            "ticklabelstandoff": 6,
            "fixedrange": True,
        },
    }
    if not rows:
        layout["xaxis"] = layout["yaxis"] = {"visible": False, "fixedrange": True}
        layout["annotations"] = [_note(describe_steps(steps))]
        return make_figure([], layout, theme)
    layout["shapes"] = [_draw_one(palette)]
    return make_figure(traces, layout, theme)


def _list_rows(rows: Sequence[dict[Any, Any]]) -> tuple[list[str], list[int]]:
    """List the names of rows, patients above their steps, and the place of each step."""
    labels: list[str] = []
    places: list[int] = []
    for patient, steps in groupby(rows, key=lambda row: row["patient_id"]):
        labels.append(f"<b>Patient {safe_text(patient[:20])}</b>")
        for step in steps:
            places.append(len(labels))
            days = f"day {step['day_from']:g} to {step['day_to']:g}"
            labels.append(days.replace("-", "−"))
    return labels, places


def _find_reach(steps: StepLengths) -> float:
    """Find how far the axis reaches: a typical distance at least."""
    columns = ["map_relative", "space_relative", "seeds_high"]
    highest = np.nanmax(steps.table[columns].to_numpy(dtype=float), initial=1.1)
    return 1.06 * float(highest)


def _draw_one(palette: Palette) -> dict[str, Any]:
    """Mark the distance of two images at random."""
    return {
        "type": "line",
        "x0": 1,
        "x1": 1,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": palette.quiet, "width": 1.5},
        "layer": "below",
    }


def _draw_steps(
    steps: StepLengths, rows: Sequence[dict[Any, Any]], places: Sequence[int], palette: Palette
) -> list[Trace]:
    """Draw the seeds' range, then the length on the map, then that in feature space."""
    words = [_describe_step(row) for row in rows]
    x: list[float | None] = []
    y: list[float | None] = []
    for row, place in zip(rows, places, strict=True):
        if not np.isnan(row["seeds_low"]):
            x += [row["seeds_low"], row["seeds_high"], None]
            y += [place, place, None]
    line = {"color": mix(palette.accent, palette.page, 0.35), "width": 9}
    name = f"map, {steps.n_seeds} other seeds"
    seeds = make_trace("lines", x, y, name=name, line=line, hoverinfo="skip")
    square = {"symbol": "square", "size": 11, "opacity": 1, "color": palette.page}
    square |= {"line": {"width": 2, "color": palette.accent}}
    stroke = {"symbol": "line-ns", "size": 18, "opacity": 1, "color": palette.ink}
    stroke |= {"line": {"width": 3, "color": palette.ink}}
    hover: Trace = {"hoverinfo": "text", "hovertext": words}
    marks = [
        make_trace(
            "markers",
            [row[column] for row in rows],
            list(places),
            name=name,
            marker=marker,
            **hover,
        )
        for column, name, marker in (
            ("map_relative", "on the map", square),
            ("space_relative", "in feature space", stroke),
        )
    ]
    return [*([seeds] if x else []), *marks]


def _describe_step(row: dict[Any, Any]) -> str:
    """Describe a step in a few lines."""
    words = (
        f"Patient {safe_text(row['patient_id'])}, day {row['day_from']:g} to {row['day_to']:g}"
        f"<br>in feature space {row['space_relative']:.2f} ({row['in_space']:.2f} SD per feature)"
        f"<br>on the map {row['map_relative']:.2f} ({row['on_map']:.2f} map units)"
    )
    if np.isnan(row["seeds_low"]):
        return words
    return f"{words}<br>other seeds {row['seeds_low']:.2f} to {row['seeds_high']:.2f}"


def explain_steps(steps: StepLengths) -> str:
    """Describe below what is drawn."""
    if steps.table.empty:
        return ""
    return (
        f"Two random images are {steps.typical_space:.2f} SD per feature apart in feature space "
        f"and {steps.typical_map:.2f} units on the map (medians)."
    )
