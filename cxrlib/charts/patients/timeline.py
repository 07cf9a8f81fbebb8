"""The timeline of one patient: thumbnails at their day, dated facts as points per image.

Shape means view here, on all lines. Colour means state, named below.
"""

import functools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cxrlib.charts.style import (
    PALETTES,
    STILL,
    TEXT_SIZE,
    Palette,
    Theme,
    fade,
    find_symbol,
    format_day,
    make_figure,
    make_trace,
    mix,
    safe_text,
    use_webgl,
)
from cxrlib.cohort import STATE_TITLES
from cxrlib.patients import (
    CHARACTER,
    GAP,
    LONG_CHARACTER,
    NARROW,
    SIDES,
    TEXT_LINE,
    Mark,
    Tile,
    Timeline,
    describe_mark,
)

#: What stands on the thumbnails of the pair. Not left and right: on an X-ray these are sides.
BADGES = SIDES
#: Of what the filters leave out.
FAINT = 0.35
#: So many threads to thumbnails are drawn fainter.
MANY = 40
FILM = "#000000"
FILM_TEXT = "#C3CAD4"
ROWS = {"state": "State", "in_icu": "In ICU", "intubation_present": "Intubated"}


#: Pixels left of the first place, for half a frame.
RIM = 6

Trace = dict[str, Any]
Hung = tuple[Mark, Tile]


def plot_timeline(
    timeline: Timeline,
    *,
    theme: Theme = "light",
    pictures: Mapping[str, str] | None = None,
    left_out: Mapping[str, str] | None = None,
    selected: Sequence[str] = (),
    badges: Sequence[str] = BADGES,
) -> go.Figure:
    """Plot the timeline of one patient.

    Parameters
    ----------
    timeline : Timeline
    theme : {"light", "dark"}
    pictures : mapping of str to str
        Address or data: URI of each image's thumbnail, by image id.
    left_out : mapping of str to str, optional
        Why an image has no picture here, such as its licence; a file that cannot be read says
        so by itself.
    selected : sequence of str
        Image ids shown in the viewer, the prior first; one alone is the current one.
    badges : sequence of str
        What to write on the thumbnails of `selected`, from its end:
        `cxrlib.patients.find_sides`.

    Returns
    -------
    Figure
        As high as `timeline.height`. Points and thumbnails carry the image id as customdata.
    """
    palette = PALETTES[theme]
    marks = timeline.marks
    pictures, left_out = pictures or {}, left_out or {}
    traces = [
        *_draw_axis(timeline, palette),
        *_draw_threads(timeline, selected, palette),
        *_draw_points(timeline, palette),
        *_draw_words(timeline, palette),
        _catch_clicks(timeline),
    ]
    hung = [(mark, mark.tile) for mark in marks if mark.tile]
    layout = {
        "height": timeline.height,
        # The names of lines keep their room on any screen; the rest is stretched.
        "margin": {"l": timeline.left - RIM, "r": 0, "t": 0, "b": 0, "autoexpand": False},
        "showlegend": False,
        "xaxis": {
            "visible": False,
            "range": [timeline.left - RIM, timeline.width],
            "fixedrange": True,
        },
        "yaxis": {"visible": False, "range": [timeline.height, 0], "fixedrange": True},
        "dragmode": False,
        "clickmode": "event+select",
        "images": [
            _show_picture(mark, tile, pictures[mark.image_id])
            for mark, tile in hung
            if mark.image_id in pictures
        ],
        "shapes": [
            *(_back_tile(tile, palette) for _, tile in hung),
            *_frame_tiles(hung, selected, palette),
            *_draw_lane(timeline, palette),
        ],
        "annotations": [
            *_label_rows(timeline, palette),
            *_fill_empty(hung, pictures, left_out),
            *_count_hidden(timeline, palette),
            *_draw_badges(hung, selected, badges, palette),
            *_draw_notes(timeline, palette),
        ],
    }
    return make_figure(traces, layout, theme)


# ---- the axis of days


def _draw_axis(timeline: Timeline, palette: Palette) -> list[Trace]:
    """Draw the pieces of the axis, its cuts, ticks and brackets."""
    y = timeline.lines["axis"]
    solid = [[(piece.x0, y), (piece.x1, y)] for piece in timeline.pieces]
    ticks = [[(tick.x, y - 4), (tick.x, y + 3)] for tick in timeline.ticks]
    cuts = []
    for cut in timeline.breaks:
        middle = (cut.x0 + cut.x1) / 2
        solid += [[(cut.x0, y), (middle - 5, y)], [(middle + 5, y), (cut.x1, y)]]
        cuts += [[(middle + dx - 3, y + 7), (middle + dx + 3, y - 7)] for dx in (-4, 4)]
    return [
        _lines([*solid, *ticks], palette.quiet, 1.5),
        _lines(cuts, palette.quiet, 1.5),
        _lines(_bracket_lines(timeline), palette.quiet, 1.2),
    ]


def _bracket_lines(timeline: Timeline) -> list[list[tuple[float, float]]]:
    """Return a bracket below the axis for each day of several images."""
    top, y = timeline.lines["axis"], timeline.lines["bracket"]
    centres = {tick.day: tick.x for tick in timeline.ticks}
    lines = []
    for bracket in timeline.brackets:
        x0, x1 = bracket.x0, bracket.x1
        lines += [
            [(centres[bracket.day], top), (centres[bracket.day], y)],
            [(x0, y + 5), (x0, y), (x1, y), (x1, y + 5)],
        ]
    return lines


def _draw_threads(timeline: Timeline, selected: Sequence[str], palette: Palette) -> list[Trace]:
    """Draw the way from each image's day to its thumbnail."""
    lines = timeline.lines
    top, bend, end = lines["bracket"] + 5, lines["stems"], lines["tiles"]
    quiet: list[list[tuple[float, float]]] = []
    chosen: list[list[tuple[float, float]]] = []
    columns = {name: column.x for column in timeline.columns for name in column.image_ids}
    for mark in timeline.marks:
        start = lines["state"] if mark.day is None else top
        line = [(mark.x, start), (mark.x, bend), (columns[mark.image_id], end)]
        (chosen if mark.image_id in selected else quiet).append(line)
    return [
        _lines(quiet, fade(palette.quiet, 0.4 if len(quiet) < MANY else 0.2), 1.2),
        _lines(chosen, palette.accent, 2),
    ]


def _lines(lines: Iterable[Sequence[tuple[float, float]]], colour: str, width: float) -> Trace:
    """Draw lines as one trace."""
    x: list[float | None] = []
    y: list[float | None] = []
    for line in lines:
        x += [*(point[0] for point in line), None]
        y += [*(point[1] for point in line), None]
    return make_trace("lines", x, y, line={"color": colour, "width": width}, hoverinfo="skip")


# ---- points


def _draw_points(timeline: Timeline, palette: Palette) -> list[Trace]:
    """Draw a point an image on each line: state in colour, then answers in ink."""
    marks = timeline.marks
    traces = [_points(timeline, marks, "state", *_colour_states(marks, palette))]
    for line in ("in_icu", "intubation_present"):
        told = [mark for mark in marks if getattr(mark, line) in ("yes", "no")]
        rims = [_dim(palette.ink, mark, palette) for mark in told]
        fills = [
            rim if getattr(mark, line) == "yes" else palette.page
            for mark, rim in zip(told, rims, strict=True)
        ]
        traces.append(_points(timeline, told, line, fills, rims))
        traces += _draw_untold(timeline, line, palette)
    return traces


def _colour_states(marks: Sequence[Mark], palette: Palette) -> tuple[list[str], list[str]]:
    """Return fill and rim of each image's state; unknown is hollow."""
    fills = [
        palette.page if mark.state == "unknown" else _dim(palette.states[mark.state], mark, palette)
        for mark in marks
    ]
    return fills, [_dim(palette.rims[mark.state], mark, palette) for mark in marks]


def _dim(colour: str, mark: Mark, palette: Palette) -> str:
    """Return a colour, fainter for what the filters leave out; Plotly resets opacity on a click."""
    return colour if mark.is_kept else mix(colour, palette.page, FAINT)


def _points(
    timeline: Timeline, marks: Sequence[Mark], line: str, fills: list[str], rims: list[str]
) -> Trace:
    return make_trace(
        "markers",
        [mark.x for mark in marks],
        [timeline.lines[line]] * len(marks),
        layer="scattergl" if use_webgl(3 * len(timeline.marks)) else "scatter",
        marker=_style([mark.view or "" for mark in marks], timeline.marker, fills, rims),
        **STILL,
        **_clickable(marks),
    )


def _style(
    views: Sequence[str], size: float, fills: str | list[str], rims: str | list[str]
) -> dict[str, Any]:
    """Style marks in the shapes of views."""
    symbols = [find_symbol(view) for view in views]
    line = {"color": rims, "width": 1.5}
    return {"symbol": symbols, "size": size, "color": fills, "line": line, "opacity": 1}


def _draw_untold(timeline: Timeline, line: str, palette: Palette) -> list[Trace]:
    """Draw a dash for what is not recorded and a question mark for what is unclear."""
    y, size = timeline.lines[line], timeline.marker
    answers = [(mark.x, getattr(mark, line)) for mark in timeline.marks]
    blank = [x for x, answer in answers if answer == "not recorded"]
    unclear = [x for x, answer in answers if answer == "unclear"]
    # The page's colour below: a dash across a thread would look like a plus.
    marker = {"symbol": "square", "size": size, "color": palette.page, "opacity": 1}
    x = [*blank, *unclear]
    gaps = make_trace("markers", x, [y] * len(x), marker=marker, hoverinfo="skip", **STILL)
    reach = size / 2 - 1
    dashes = _lines([[(x - reach, y), (x + reach, y)] for x in blank], palette.quiet, 1.5)
    return [gaps, dashes, *_texts([(x, y, "?", palette.quiet) for x in unclear])]


def _clickable(marks: Sequence[Mark]) -> Trace:
    """Return what makes points answer."""
    return {
        "customdata": [[mark.image_id] for mark in marks],
        "hovertext": [_hover(mark) for mark in marks],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


@functools.lru_cache(maxsize=1024)
def _hover(mark: Mark) -> str:
    """Describe an image in a sentence."""
    words = f"{format_day(mark.day)}, {describe_mark(mark)}"
    lines = textwrap.wrap(words[:1].upper() + words[1:], 60)
    if not mark.is_kept:
        lines.append("left out by the filters")
    return "<br>".join([*(safe_text(line) for line in lines), safe_text(mark.image_id)])


def _catch_clicks(timeline: Timeline) -> Trace:
    """Lay unseen marks over the thumbnails, so that these answer to hover and click."""
    hung = [(mark, mark.tile) for mark in timeline.marks if mark.tile]
    unseen = {"marker": {"opacity": 0}}
    return make_trace(
        "markers",
        [tile.x for _, tile in hung],
        [tile.y + tile.side / 2 for _, tile in hung],
        marker={"symbol": "square", "size": timeline.side, "opacity": 0},
        selected=unseen,
        unselected=unseen,
        **_clickable([mark for mark, _ in hung]),
    )


# ---- words


Word = tuple[float, float, str, str]
"""Place, text and colour."""


def _texts(words: Sequence[Word], *, at: str = "middle center") -> list[Trace]:
    """Draw words, a trace a colour: Plotly would dim a trace of several on a click."""
    traces = []
    for colour in dict.fromkeys(word[3] for word in words):
        x, y, texts, _ = zip(*(word for word in words if word[3] == colour), strict=True)
        still = {"textfont": {"color": colour}}
        font = {"color": colour, "size": TEXT_SIZE}
        look: Trace = {
            "textposition": at,
            "textfont": font,
            "hoverinfo": "skip",
            "cliponaxis": False,
        }
        traces.append(
            make_trace("text", x, y, text=texts, selected=still, unselected=still, **look)
        )
    return traces


def _draw_words(timeline: Timeline, palette: Palette) -> list[Trace]:
    """Draw the words: days along the axis, what day 0 is, those of each thumbnail, the key."""
    y = timeline.lines["days"]
    days = [
        (tick.x, y, tick.label, palette.ink if tick.n_images else palette.quiet)
        for tick in timeline.ticks
    ]
    traces = _texts([word for word in days if word[2]] + _label_cuts(timeline, palette))
    if timeline.clock:
        traces += _draw_clock(timeline, palette)
    return traces + _label_tiles(timeline, palette) + _draw_key(timeline, palette)


def _label_cuts(timeline: Timeline, palette: Palette) -> list[Word]:
    """Label each cut between images with its length, where there is room."""
    blank = {tick.x for tick in timeline.ticks if not tick.n_images}
    return [
        ((cut.x0 + cut.x1) / 2, timeline.lines["days"], text, palette.quiet)
        for cut in timeline.breaks
        if not {cut.x0, cut.x1} & blank
        and len(text := f"{cut.days:g} days") * CHARACTER + 60 < cut.x1 - cut.x0
    ]


def _draw_clock(timeline: Timeline, palette: Palette) -> list[Trace]:
    """Draw above day 0 what it is."""
    zero = next(tick.x for tick in timeline.ticks if tick.day == 0)
    words = f"day 0: {timeline.clock}"
    needed = len(words) * LONG_CHARACTER / NARROW
    if zero + needed < timeline.width:
        x, at = zero - 9, "middle right"
    elif zero - needed > timeline.left:
        x, at = zero + 9, "middle left"
    else:
        x, at = timeline.left - RIM, "middle right"
    return _texts([(x, timeline.lines["clock"], words, palette.quiet)], at=at)


def _label_tiles(timeline: Timeline, palette: Palette) -> list[Trace]:
    """Draw day and view below each thumbnail, with the view's shape."""
    words: list[Word] = []
    places: list[tuple[float, float]] = []
    names: list[str] = []
    hung = [(mark, mark.tile) for mark in timeline.marks if mark.tile]
    for mark, tile in hung:
        # From its left edge on, so that all stays together on a wider screen.
        x, y = tile.x - tile.side / 2, tile.y + tile.side + 12
        day, view = _format_day(mark), _format_view(mark, tile.side)
        if timeline.is_roomy:
            words.append((x, y, day, palette.ink if mark.is_kept else palette.quiet))
            y += TEXT_LINE
        places.append((x + 6, y))
        names.append(view if timeline.is_roomy else day)
    marks = [mark for mark, _ in hung]
    style = _style([mark.view or "" for mark in marks], 10, *_colour_states(marks, palette))
    ink = palette.quiet if timeline.is_roomy else palette.ink
    return [
        *_texts(words, at="middle right"),
        _symbols(places, style, names, ink),
    ]


def _format_view(mark: Mark, side: float) -> str:
    """Format a view below its thumbnail, shorter where it would reach the next."""
    view = safe_text(mark.view, "no view")[:10]
    fits = len(view) * CHARACTER + 16 < NARROW * (side + GAP)  # a narrower screen squeezes it
    return view if fits else view.removeprefix("AP ")


def _format_day(mark: Mark) -> str:
    if mark.day is None:
        return "no day"
    return format_day(mark.day) + ("?" if mark.perhaps_imputed else "")


def _symbols(
    places: Sequence[tuple[float, float]], style: Trace, names: Sequence[str], ink: str
) -> Trace:
    """Draw small shapes, a name after each."""
    still = {"marker": {"opacity": 1}, "textfont": {"color": ink}}
    return make_trace(
        "markers+text",
        [x for x, _ in places],
        [y for _, y in places],
        text=[f"\u2009{name}" for name in names],
        textposition="middle right",
        textfont={"color": ink, "size": TEXT_SIZE},
        marker=style,
        selected=still,
        unselected=still,
        hoverinfo="skip",
        cliponaxis=False,
    )


def _draw_key(timeline: Timeline, palette: Palette) -> list[Trace]:
    """Name the colours below, and the shapes where thumbnails are too small for it."""
    x, y = timeline.left, timeline.lines["states"]
    words: list[Word] = []
    for state in dict.fromkeys(mark.state for mark in timeline.marks):
        words.append((x, y, STATE_TITLES[state], palette.rims[state]))
        x += _measure_entry(STATE_TITLES[state])
    key = _texts(words, at="middle right")
    if timeline.is_roomy:
        return key
    x, y = timeline.left, timeline.lines["views"]
    places: list[tuple[float, float]] = []
    views = dict.fromkeys(mark.view for mark in timeline.marks)
    names = [safe_text(view, "view not recorded")[:20] for view in views]
    for name in names:
        places.append((x + 6, y))
        x += _measure_entry(name) + 20
    style = _style([view or "" for view in views], 10, palette.page, palette.quiet)
    return [*key, _symbols(places, style, names, palette.quiet)]


def _measure_entry(name: str) -> float:
    """Return the room of a word of the key, as a narrow screen squeezes it."""
    return len(name) * LONG_CHARACTER / NARROW + 20


# ---- thumbnails


def _show_picture(mark: Mark, tile: Tile, source: str) -> dict[str, Any]:
    return {
        "source": source,
        "xref": "x",
        "yref": "y",
        "x": tile.x,
        "y": tile.y + tile.side / 2,
        "xanchor": "center",
        "yanchor": "middle",
        "sizex": tile.side,
        "sizey": tile.side,
        "sizing": "contain",
        "layer": "above",
        "opacity": 1.0 if mark.is_kept else FAINT,
    }


def _square(tile: Tile, **style: object) -> dict[str, Any]:
    half = tile.side / 2
    x0, x1, y0, y1 = tile.x - half, tile.x + half, tile.y, tile.y + tile.side
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, **style}


def _back_tile(tile: Tile, palette: Palette) -> dict[str, Any]:
    """Draw the black behind a thumbnail."""
    rim = {"width": 1, "color": fade(palette.quiet, 0.5)}
    return _square(tile, layer="below", fillcolor=FILM, line=rim)


def _frame_tiles(
    hung: Sequence[Hung], selected: Sequence[str], palette: Palette
) -> list[dict[str, Any]]:
    """Frame the thumbnails of the pair."""
    return [
        _square(tile, layer="above", line={"width": 3, "color": palette.accent})
        for mark, tile in hung
        if mark.image_id in selected
    ]


def _draw_lane(timeline: Timeline, palette: Palette) -> list[dict[str, Any]]:
    """Draw the line between images with a day and those without."""
    if timeline.lane is None or not timeline.pieces:
        return []
    x = timeline.lane.x0 - 18
    line = {"width": 1, "color": palette.grid}
    y0, y1 = timeline.lines["days"] - 8, timeline.lines["notes"] - 22
    return [{"type": "line", "x0": x, "x1": x, "y0": y0, "y1": y1, "line": line, "layer": "below"}]


# ---- annotations: what stands over everything else


def _note(x: float, y: float, text: str, colour: str, **style: object) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "text": text,
        "font": {"color": colour, "size": TEXT_SIZE},
        "showarrow": False,
        "xanchor": "center",
        "yanchor": "middle",
        **style,
    }


def _label_rows(timeline: Timeline, palette: Palette) -> list[dict[str, Any]]:
    """Label the lines at the left, and the lane above it."""
    rows = dict(ROWS)
    if timeline.ticks:
        rows = {"days": "Day", **rows}
    beside = {"xref": "paper", "xanchor": "right", "xshift": -10}
    names = [
        _note(0, timeline.lines[line], text, palette.quiet, **beside) for line, text in rows.items()
    ]
    if timeline.lane:
        y = timeline.lines["days"]
        names.append(_note(timeline.lane.x0, y, "Day not recorded", palette.quiet, xanchor="left"))
    return names


def _fill_empty(
    hung: Sequence[Hung], pictures: Mapping[str, str], left_out: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Note on the black why there is no picture."""
    notes = []
    for mark, tile in hung:
        if mark.image_id in pictures:
            continue
        why = left_out.get(mark.image_id) or (
            "not shown" if mark.has_file else mark.file_reason or "no file"
        )
        lines = textwrap.wrap(why, max(int(tile.side / CHARACTER) - 1, 6))
        if len(lines) > tile.side / 18 - 1:  # the hover says why
            lines = ["not", "shown"] if mark.has_file else ["no", "image"]
        text = "<br>".join(safe_text(line) for line in lines)
        notes.append(_note(tile.x, tile.y + tile.side / 2, text, FILM_TEXT))
    return notes


def _count_hidden(timeline: Timeline, palette: Palette) -> list[dict[str, Any]]:
    """Count below a column what has no room in it."""
    return [
        _note(column.x, column.more, f"+{len(column.hidden)}", palette.quiet)
        for column in timeline.columns
        if column.more is not None
    ]


def _draw_badges(
    hung: Sequence[Hung], selected: Sequence[str], badges: Sequence[str], palette: Palette
) -> list[dict[str, Any]]:
    """Mark on the pair which is which."""
    words = dict(zip(reversed(selected), reversed(badges), strict=False))
    return [
        _note(
            tile.x - tile.side / 2,
            tile.y,
            words[mark.image_id],
            palette.page,
            xanchor="left",
            yanchor="top",
            bgcolor=palette.accent,
            borderpad=3,
        )
        for mark, tile in hung
        if mark.image_id in words
    ]


def _draw_notes(timeline: Timeline, palette: Palette) -> list[dict[str, Any]]:
    y = timeline.lines["notes"]
    return [
        _note(timeline.left, y + 20 * i, safe_note, palette.quiet, xanchor="left")
        for i, safe_note in enumerate(timeline.notes)
    ]
