"""Rows of scores on one axis: marks with intervals, their numbers at the right, reasons below.

What forest plots, steps from one protocol to another, and comparisons have in common. All texts
are plain; they are escaped here.
"""

import html
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from cxrlib.baselines.evaluation import Cells, is_number
from cxrlib.charts.scores.legend import (
    EDGE,
    NARROW,
    Look,
    band_ink,
    draw_key,
    measure_key,
    wrap_name,
    wrap_words,
)
from cxrlib.charts.style import (
    PALETTES,
    STILL,
    TEXT_SIZE,
    Palette,
    Parts,
    Theme,
    make_figure,
    note_reasons,
    text_width,
)

#: Pixels: a line of text, room round a row's lines, over a heading, of tick labels
#: and the axis title, of the label of the axis' line.
LINE, PAD, GAP, AXIS, LABEL = 20, 8, 10, 64, 24
#: Pixels between the axis and what stands at its right, and of an indent.
BESIDE, INDENT = 16, 14
#: Letters of a line of a row's name, of a heading.
NAME, HEADING = 24, 44
#: Digits, points and blanks are narrower than the mean letter.
NUMBER_SHARE = 0.92
#: With more rows below the axis than this each reason has two lines; the hover shows all of it.
MOST_WRAPPED = 8
#: How far from an end of the axis the sign stands that something lies beyond, as its share.
INSIDE = 0.012
#: What reaches beyond by less than this share is rounding.
SLACK = 1e-6
#: What all traces of lines share.
LINES: Parts = {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
#: Where texts hang that are placed in pixels from the plot's left edge.
AT_LEFT: Parts = {"x": 0, "xref": "paper", "xanchor": "left"}


@dataclass(frozen=True)
class ScoreMark:
    """Hold a value with its interval; an end that is NaN is not drawn.

    Parameters
    ----------
    value, low, high : float
    look : Look
    words : str
        Of the hover, as lines.
    data : tuple of str
        Its ``customdata``: what a click stands for.
    """

    value: float
    look: Look
    words: str
    low: float = math.nan
    high: float = math.nan
    data: tuple[str, ...] = ()


def make_mark(
    row: Cells, look: Look, words: str, data: tuple[str, ...], *, value: str = "value"
) -> ScoreMark:
    """Make the mark of a row of a table, with its interval where both ends are there.

    Parameters
    ----------
    row : mapping
        With low, high and what is named by `value`.
    look, words, data
        As of `ScoreMark`.
    value : str
    """
    low, high = (
        float(row[end]) if is_number(row.get(end)) else math.nan for end in ("low", "high")
    )
    return ScoreMark(float(row[value]), look, words, low=low, high=high, data=data)


@dataclass(frozen=True)
class ScoreRow:
    """Hold a row: its name, its marks, the lines at its right.

    Parameters
    ----------
    name : str
    marks : tuple of ScoreMark
        None of a row that has a reason, or of a heading.
    numbers : tuple of str
        Lines at the right; the first in ink, the others quiet.
    reason : str
        Why there is no score.
    band : (float, float) or None
        Middle 95 % of the scores of permuted labels, shaded behind the marks.
    tick : float or None
        Chance, where it is that of this row alone: a line.
    is_heading : bool
        Name and numbers over the rows that follow, which are indented.
    is_indented, is_apart : bool
        Belongs to the heading above; has a line above it.
    """

    name: str
    marks: tuple[ScoreMark, ...] = ()
    numbers: tuple[str, ...] = ()
    reason: str = ""
    band: tuple[float, float] | None = None
    tick: float | None = None
    is_heading: bool = False
    is_indented: bool = False
    is_apart: bool = False


@dataclass(frozen=True)
class ScoreAxis:
    """Describe the axis; what lies beyond its ends is cut there, with a sign.

    Parameters
    ----------
    title : str
    low, high : float
    line : float or None
        Where a line goes through all rows, such as chance.
    line_name : str
        Stands over it.
    ticks : tuple of float
        None lets Plotly choose.
    """

    title: str
    low: float
    high: float
    line: float | None = None
    line_name: str = ""
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Placed:
    """Hold a row with the pixels from the top of the plot to its middle, and its height."""

    row: ScoreRow
    top: float
    height: float
    name_lines: tuple[str, ...] = field(default=())

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def plot_score_rows(
    rows: Sequence[ScoreRow],
    axis: ScoreAxis,
    *,
    below: Sequence[ScoreRow] = (),
    below_title: str = "Not estimable",
    key: Sequence[tuple[str, Look]] = (),
    path: Sequence[tuple[float, int]] = (),
    name_letters: int = NAME,
    theme: Theme = "light",
) -> go.Figure:
    """Plot rows of scores on an axis, and under it the rows without one, with their reasons.

    Parameters
    ----------
    rows : sequence of ScoreRow
        From the top.
    axis : ScoreAxis
    below : sequence of ScoreRow
        Without marks.
    below_title : str
        What these are.
    key : sequence of (name, Look)
        Explained above the rows.
    path : sequence of (value, row)
        Joined by a thin line.
    name_letters : int
        Of a line of a row's name.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Its height depends on the rows alone.
    """
    palette = PALETTES[theme]
    placed = _place(rows, name_letters)
    left, right = _find_rooms(placed, below)
    entries = _list_key(rows, axis, key)
    top = EDGE + measure_key(entries) + (LABEL if axis.line_name and rows else 0)
    shapes, notes = draw_key(entries, top - EDGE / 2, left, palette)
    high = placed[-1].top + placed[-1].height + PAD if placed else 2 * LINE
    foot = AXIS if rows else EDGE
    reasons, under = _draw_below(below, below_title, left, palette, down=foot)
    margin = {"l": left, "r": right, "t": top, "b": foot + under, "autoexpand": False}
    layout = _lay_out(axis, margin, high, is_shown=bool(rows))
    notes += _draw_line_name(axis, palette) if rows else [_draw_nothing(palette)]
    for each in placed:
        notes += _draw_row_texts(each, left, right, palette)
    layout["annotations"] = notes
    if below:
        whys = [(row.name, row.reason or "no score") for row in below]
        note_reasons(layout, below_title, whys, reasons, under)
    if not rows:
        return make_figure([], layout, theme)
    shapes += [*_draw_line(axis, high, palette), *_draw_rules(placed, palette)]
    if shapes:
        layout["shapes"] = shapes
    return make_figure(_draw_rows(placed, path, axis, palette), layout, theme)


def _lay_out(axis: ScoreAxis, margin: Parts, high: float, *, is_shown: bool) -> Parts:
    """Lay out the plot within its margins; the rows are so high together."""
    return {
        "height": margin["t"] + high + margin["b"],
        "margin": margin,
        "dragmode": False,
        "clickmode": "event+select",
        "showlegend": False,
        "xaxis": _make_axis(axis, is_shown=is_shown),
        "yaxis": {"range": [high, 0], "visible": False, "fixedrange": True},
    }


def _draw_rows(
    placed: Sequence[_Placed],
    path: Sequence[tuple[float, int]],
    axis: ScoreAxis,
    palette: Palette,
) -> list[Parts]:
    """Draw the marks of all rows, from the lowest layer up."""
    return [
        *_draw_bands(placed, axis, palette),
        *_draw_ticks(placed, axis, palette),
        *_draw_path(placed, path, axis, palette),
        *_draw_intervals(placed, axis, palette),
        *_draw_marks(placed, axis, palette),
        *_draw_cuts(placed, axis, palette),
    ]


# ---- rooms


def _place(rows: Sequence[ScoreRow], name_letters: int) -> list[_Placed]:
    """Stack rows, each as high as its lines."""
    placed: list[_Placed] = []
    top = 0.0
    for row in rows:
        letters, most = (HEADING, 1) if row.is_heading else (name_letters, 3)
        names = wrap_name(row.name, letters, most)
        if row.is_apart or (row.is_heading and placed):
            top += GAP
        height = LINE * max(len(names), len(row.numbers), 1) + (PAD if not row.is_indented else 6)
        placed.append(_Placed(row, top, height, tuple(names)))
        top += height
    return placed


def _find_rooms(placed: Sequence[_Placed], below: Sequence[ScoreRow]) -> tuple[int, int]:
    """Find the room left of the axis for names, and right of it for numbers."""
    names = [
        text_width(line) + INDENT * each.row.is_indented
        for each in placed
        if not each.row.is_heading
        for line in each.name_lines
    ]
    names += [text_width(line) for row in below for line in wrap_name(row.name, NAME, 2)]
    numbers = [
        NUMBER_SHARE * text_width(line)
        for each in placed
        if not each.row.is_heading
        for line in each.row.numbers
    ]
    right = BESIDE + max(numbers) if numbers else 0
    return EDGE + 12 + round(max(names, default=60)), EDGE + round(right)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


# ---- the key


def _list_key(
    rows: Sequence[ScoreRow], axis: ScoreAxis, key: Sequence[tuple[str, Look]]
) -> list[tuple[str, Look]]:
    """List what the key explains: looks, and bands, lines and cuts where there are any."""
    entries = list(key)
    if any(row.band for row in rows):
        entries.append(("permuted labels, middle 95 %", Look("band", tone="quiet")))
    if any(row.tick is not None for row in rows):
        entries.append(("chance (share of the class)", Look("line", tone="quiet")))
    if any(_list_cuts(row, axis) for row in rows):
        entries.append(("beyond the axis", Look("triangle", tone="ink")))
    return entries


# ---- the axis


def _make_axis(axis: ScoreAxis, *, is_shown: bool) -> Parts:
    room = 0.02 * (axis.high - axis.low)
    made: Parts = {
        "range": [axis.low - room, axis.high + room],
        "title": {"text": _escape(axis.title), "standoff": 8},
        "showgrid": True,
        "ticks": "outside",
        "tickangle": 0,
        "nticks": 6,
        "fixedrange": True,
        "visible": is_shown,
    }
    if axis.ticks:
        made["tickvals"] = list(axis.ticks)
        made["ticktext"] = [f"{tick:g}".replace("-", "−") for tick in axis.ticks]
    return made


def _draw_line(axis: ScoreAxis, high: float, palette: Palette) -> list[Parts]:
    if axis.line is None:
        return []
    line = {"color": palette.quiet, "width": 1.5}
    # In the rows' own pixels: Plotly draws nothing between grid and marks that hangs elsewhere.
    ends = {"x0": axis.line, "x1": axis.line, "y0": 0, "y1": high, "xref": "x", "yref": "y"}
    return [{"type": "line", **ends, "line": line, "layer": "between"}]


def _draw_line_name(axis: ScoreAxis, palette: Palette) -> list[Parts]:
    if axis.line is None or not axis.line_name:
        return []
    place = {"x": axis.line, "y": 1, "yref": "paper", "yanchor": "bottom"}
    font = {"color": palette.quiet, "size": TEXT_SIZE}
    return [{**place, "text": _escape(axis.line_name), "font": font}]


# ---- texts


def _draw_row_texts(each: _Placed, left: int, right: int, palette: Palette) -> Iterator[Parts]:
    """Draw a row's name, its numbers, and the reason where it has no mark."""
    row = each.row
    name = "<br>".join(map(_escape, each.name_lines))
    at_left = {**AT_LEFT, "align": "left", "y": each.middle}
    shift = EDGE - left + INDENT * row.is_indented
    yield {**at_left, "xshift": shift, "text": f"<b>{name}</b>" if row.is_heading else name}
    if row.numbers:
        yield {"x": 1, "xref": "paper", "y": each.middle, **_lay_out_numbers(row, right, palette)}
    if row.reason and not row.marks:
        n_lines = max(len(each.name_lines), len(row.numbers))
        reason = _lay_out_reason(row.reason, left, n_lines, palette)
        yield {**at_left, "xshift": 8, "bgcolor": palette.page, **reason}


def _lay_out_numbers(row: ScoreRow, right: int, palette: Palette) -> Parts:
    """Lay out a row's numbers: over the plot's right end those of a heading, else beside it."""
    quiet = {"color": palette.quiet, "size": TEXT_SIZE}
    first, *others = map(_escape, row.numbers)
    lines = [first, *(f'<span style="color: {palette.quiet}">{each}</span>' for each in others)]
    place: Parts = {"xanchor": "left", "align": "left", "xshift": BESIDE}
    if row.is_heading:
        place = {"xanchor": "right", "xshift": right - EDGE, "font": quiet}
        place |= {"bgcolor": palette.page, "borderpad": 2}
    return {"text": "<br>".join(lines), **place}


def _lay_out_reason(reason: str, left: int, most: int, palette: Palette) -> Parts:
    """Lay out a reason in at most so many lines; the hover shows all of one that is cut."""
    letters = int((NARROW - left - 2 * EDGE) / (0.5 * TEXT_SIZE))
    lines = wrap_words(reason, letters, most)
    words: Parts = {
        "text": "<br>".join(map(_escape, lines)),
        "align": "left",
        "font": {"color": palette.quiet, "size": TEXT_SIZE},
    }
    if lines[-1].endswith("…"):
        words["hovertext"] = "<br>".join(map(_escape, textwrap.wrap(reason, 70)))
    return words


def _draw_below(
    below: Sequence[ScoreRow], title: str, left: int, palette: Palette, *, down: int
) -> tuple[list[Parts], int]:
    """Draw the rows without a score, so far under the plot; return the room they take too."""
    if not below:
        return [], 0
    shared = {**AT_LEFT, "y": 0, "yref": "paper", "yanchor": "top", "align": "left"}
    quiet = {"color": palette.quiet, "size": TEXT_SIZE}
    at_left = {**shared, "xshift": EDGE - left, "font": quiet}
    notes: list[Parts] = [{**at_left, "text": f"<b>{_escape(title)}</b>", "yshift": -down}]
    place = down + LINE + PAD
    most = 3 if len(below) <= MOST_WRAPPED else 2
    for row in below:
        names = wrap_name(row.name, NAME, 2)
        name = "<br>".join(map(_escape, names))
        notes.append({**at_left, "text": name, "yshift": -place})
        words = _lay_out_reason(row.reason or "no score", left, most, palette)
        notes.append({**shared, "xshift": 0, "yshift": -place, **words})
        place += LINE * max(len(names), 1 + str(words["text"]).count("<br>")) + 4
    return notes, place - down + EDGE


def _draw_nothing(palette: Palette) -> Parts:
    text = {"text": "There are no scores to draw.", "font": {"size": 18, "color": palette.quiet}}
    return {**AT_LEFT, "y": 0.5, "yref": "paper", **text}


def _draw_rules(placed: Sequence[_Placed], palette: Palette) -> list[Parts]:
    """Draw a line over each row that stands apart."""
    shared = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    line = {"color": palette.grid, "width": 1.5}
    return [
        {**shared, "y0": each.top - GAP / 2, "y1": each.top - GAP / 2, "line": line}
        for each in placed
        if each.row.is_apart
    ]


# ---- marks


def _paint(look: Look, palette: Palette) -> Parts:
    ink = str(getattr(palette, look.tone))
    return {
        "symbol": look.symbol,
        "size": look.size,
        "color": palette.page if look.is_open else ink,
        "line": {"width": 2 if look.is_open or look.symbol == "line-ns" else 1, "color": ink},
        "opacity": 1,
    }


def _draw_bands(placed: Sequence[_Placed], axis: ScoreAxis, palette: Palette) -> list[Parts]:
    """Draw bands as broad lines."""
    lines = [
        (_clip(each.row.band[0], axis), _clip(each.row.band[1], axis), each.middle, each.middle)
        for each in placed
        if each.row.band is not None and all(map(math.isfinite, each.row.band))
    ]
    return _draw_lines(lines, {"color": band_ink(palette), "width": 16})


def _draw_ticks(placed: Sequence[_Placed], axis: ScoreAxis, palette: Palette) -> list[Parts]:
    """Draw the lines of single rows."""
    lines = [
        (tick, tick, each.middle - 10, each.middle + 10)
        for each in placed
        if (tick := each.row.tick) is not None and axis.low <= tick <= axis.high
    ]
    return _draw_lines(lines, {"color": palette.quiet, "width": 2})


def _draw_lines(lines: Sequence[tuple[float, float, float, float]], look: Parts) -> list[Parts]:
    """Draw lines, each (x0, x1, y0, y1), as one trace; none where there are none."""
    x = [place for x0, x1, _, _ in lines for place in (x0, x1, None)]
    y = [place for _, _, y0, y1 in lines for place in (y0, y1, None)]
    return [{**LINES, "x": x, "y": y, "line": look}] if lines else []


def _draw_path(
    placed: Sequence[_Placed],
    path: Sequence[tuple[float, int]],
    axis: ScoreAxis,
    palette: Palette,
) -> list[Parts]:
    """Join values of rows by a thin line."""
    if len(path) < 2:
        return []
    x = [_clip(value, axis) for value, _ in path]
    y = [placed[row].middle for _, row in path]
    return [
        {**LINES, "x": x, "y": y, "line": {"color": palette.quiet, "width": 1.5, "dash": "dot"}}
    ]


def _group_marks(placed: Sequence[_Placed]) -> dict[Look, list[tuple[float, ScoreMark]]]:
    """Gather marks with the height of their row, by how they look."""
    found: dict[Look, list[tuple[float, ScoreMark]]] = {}
    for each in placed:
        for mark in each.row.marks:
            found.setdefault(mark.look, []).append((each.middle, mark))
    return found


def _draw_intervals(placed: Sequence[_Placed], axis: ScoreAxis, palette: Palette) -> list[Parts]:
    """Draw intervals as far as the axis goes."""
    traces = []
    for look, marks in _group_marks(placed).items():
        lines = [
            (_clip(mark.low, axis), _clip(mark.high, axis), middle, middle)
            for middle, mark in marks
            # An end that is NaN compares as false.
            if mark.low <= axis.high and mark.high >= axis.low
        ]
        traces += _draw_lines(lines, {"color": str(getattr(palette, look.tone)), "width": 2.5})
    return traces


def _draw_marks(placed: Sequence[_Placed], axis: ScoreAxis, palette: Palette) -> list[Parts]:
    """Draw the values, a trace a look; those beyond the axis have a sign at its end instead."""
    return [
        _draw_points([(mark.value, middle, mark) for middle, mark in marks], _paint(look, palette))
        for look, every in _group_marks(placed).items()
        if (marks := [pair for pair in every if _is_inside(pair[1].value, axis)])
    ]


def _draw_points(points: Sequence[tuple[float, float, ScoreMark]], marker: Parts) -> Parts:
    """Draw points, each at x and y with the mark that it is of."""
    return {
        "type": "scatter",
        "x": [x for x, _, _ in points],
        "y": [y for _, y, _ in points],
        "mode": "markers",
        "marker": marker,
        "hoverinfo": "text",
        "hovertext": [_format_hover(mark) for _, _, mark in points],
        "customdata": [list(mark.data) for _, _, mark in points],
        "cliponaxis": False,
        **STILL,
    }


def _draw_cuts(placed: Sequence[_Placed], axis: ScoreAxis, palette: Palette) -> list[Parts]:
    """Draw a sign at an end of the axis where a value or an interval lies beyond it."""
    inside = INSIDE * (axis.high - axis.low)
    ends = {"left": axis.low - inside, "right": axis.high + inside}
    cuts = [(each.middle, *cut) for each in placed for cut in _list_cuts(each.row, axis)]
    if not cuts:
        return []
    marker = {
        "symbol": [f"triangle-{side}" for _, side, _ in cuts],
        "size": 12,
        "color": [str(getattr(palette, mark.look.tone)) for _, _, mark in cuts],
        "opacity": 1,
    }
    return [_draw_points([(ends[side], middle, mark) for middle, side, mark in cuts], marker)]


def _list_cuts(row: ScoreRow, axis: ScoreAxis) -> list[tuple[str, ScoreMark]]:
    """List the ends of the axis that marks or their intervals reach beyond."""
    found = []
    for mark in row.marks:
        ends = [end for end in (mark.value, mark.low, mark.high) if math.isfinite(end)]
        if min(ends) < axis.low and not _is_inside(min(ends), axis):
            found.append(("left", mark))
        if max(ends) > axis.high and not _is_inside(max(ends), axis):
            found.append(("right", mark))
    return found


def _is_inside(value: float, axis: ScoreAxis) -> bool:
    return abs(value - _clip(value, axis)) <= SLACK * (axis.high - axis.low)


def _clip(value: float, axis: ScoreAxis) -> float:
    return min(max(value, axis.low), axis.high)


def _format_hover(mark: ScoreMark) -> str:
    return "<br>".join(_escape(line) for line in mark.words.split("\n"))
