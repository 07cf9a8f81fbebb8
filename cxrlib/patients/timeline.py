"""A patient's images along days: where each stands, decided without drawing anything.

The unit of places is the pixel of a screen as wide as `WIDTH`; a wider one stretches all places
alike. What the record does not date has no place among days: images without a day stand in a
lane of their own, and facts that hold "at any point" are listed beside.
"""

import textwrap
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal

import pandas as pd

from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.patients.day_axis import Break, DayAxis, Piece, format_axis_day, lay_out_axis
from cxrlib.patients.thumbnail_layout import GAP, Grid, choose_grid, hang, spread
from cxrlib.quality.rules.days import CLOCKS, FEW_DAYS

WIDTH = 760.0
"""Pixels of a page's column on a laptop, the names of lines at its left included."""

Answer = Literal["yes", "no", "unclear", "not recorded"]


@dataclass(frozen=True)
class Tile:
    """Hold the square in which a thumbnail hangs.

    Parameters
    ----------
    x, y : float
        Its middle, from the left, and its upper edge, from the top.
    side : float
    row : int
        Place in its column, 0 on top.
    """

    x: float
    y: float
    side: float
    row: int


@dataclass(frozen=True)
class Mark:
    """Hold one image of the timeline.

    Parameters
    ----------
    image_id : str
    row : int
        Of the collection's table.
    day : float or None
        None where the record gives none.
    x : float
        Its place: at its day, those of one day side by side about it.
    tile : Tile or None
        None where there is no room for its thumbnail: a column counts those.
    view : str or None
    state : str
    state_reasons : str
    in_icu, intubation_present : {"yes", "no", "unclear", "not recorded"}
    perhaps_imputed : bool
        Day 5, which also stands for "a few days".
    is_kept : bool
        Whether it is in the current selection.
    has_file : bool
    file_reason : str
        Why it has no readable file, "" if it has one.
    """

    image_id: str
    row: int
    day: float | None
    x: float
    tile: Tile | None
    view: str | None
    state: str
    state_reasons: str
    in_icu: Answer
    intubation_present: Answer
    perhaps_imputed: bool
    is_kept: bool
    has_file: bool
    file_reason: str


@dataclass(frozen=True)
class Tick:
    """Hold a day of the axis; day 0 has a tick even without an image."""

    day: float
    x: float
    label: str
    n_images: int


@dataclass(frozen=True)
class Bracket:
    """Hold the images of one day, two at least."""

    day: float
    x0: float
    x1: float
    n_images: int


@dataclass(frozen=True)
class Column:
    """Hold thumbnails that hang below each other.

    Parameters
    ----------
    x : float
        Its middle.
    image_ids : tuple of str
        All of its images in order, shown or not.
    hidden : tuple of str
        Those without a thumbnail.
    more : float or None
        Height of the line that counts them, below the last thumbnail.
    """

    x: float
    image_ids: tuple[str, ...]
    hidden: tuple[str, ...]
    more: float | None


@dataclass(frozen=True)
class Lane:
    """Hold the strip of images without a day."""

    x0: float
    x1: float
    n_images: int


@dataclass(frozen=True)
class Timeline:
    """Hold the layout of one patient's images.

    Parameters
    ----------
    patient_id : str
    width, height : float
        Pixels. The height is known before anything is drawn.
    left : float
        Where places begin; the names of the lines stand before it.
    side : float
        Of every thumbnail.
    marker : float
        Size of every point.
    marks : tuple of Mark
        By day, then in the record's order; those without a day last.
    pieces, breaks, ticks, brackets, columns : tuple
        From left to right.
    lane : Lane or None
    clock : str
        What day 0 is; "" where no image has a day.
    lines : dict of str to float
        Height of each line: see `_draw_lines`.
    notes : tuple of str
        What the marks mean, as far as they are there; lines below.
    """

    patient_id: str
    width: float
    height: float
    left: float
    side: float
    marker: float
    marks: tuple[Mark, ...]
    pieces: tuple[Piece, ...]
    breaks: tuple[Break, ...]
    ticks: tuple[Tick, ...]
    brackets: tuple[Bracket, ...]
    columns: tuple[Column, ...]
    lane: Lane | None
    clock: str
    lines: dict[str, float]
    notes: tuple[str, ...]

    @property
    def is_roomy(self) -> bool:
        """Tell whether a day and a view have room below each thumbnail."""
        return self.side >= ROOMY_SIDE


def lay_out_timeline(
    rows: pd.DataFrame,
    *,
    kept: Collection[str] | None = None,
    chosen: Sequence[str] = (),
    width: float = WIDTH,
) -> Timeline:
    """Lay out the images of one patient along days.

    Parameters
    ----------
    rows : DataFrame
        The patient's X-rays, rows of a cohort's table; their order changes nothing.
    kept : collection of str, optional
        Images of the current selection; all unless given.
    chosen : sequence of str
        Images that get a thumbnail before others where there is not room for all.
    width : float, default 760
        Pixels.

    Returns
    -------
    Timeline

    Raises
    ------
    SelectionError
        If there is no row, or rows of several patients.
    """
    images = _read_images(rows, kept)
    days = [image["day"] for image in images]
    dated = [day for day in days if day is not None]
    room = width - LEFT - RIGHT
    grid = choose_grid(days, room, lane_gap=LANE_GAP, lane_width=LANE_WIDTH)
    axis, points, lane = _place_images(days, grid, room)
    columns = _place_columns(grid, points, lane, LEFT + room)
    lines, height = _stack_lines(grid, has_days=bool(dated))
    names = [image["image_id"] for image in images]
    wanted = {i for i, name in enumerate(names) if name in chosen}
    tiles: dict[int, Tile] = {}
    hung = []
    for x, members in zip(columns, grid.columns, strict=True):
        shown = hang(members, grid.n_rows, wanted)
        places = _hang_tiles(x, len(shown), grid.side, lines["tiles"])
        tiles |= dict(zip(shown, places, strict=True))
        hidden = tuple(names[i] for i in members if i not in shown)
        more = lines["more"] if hidden else None
        hung.append(Column(x, tuple(names[i] for i in members), hidden, more))
    marks = tuple(
        Mark(**image, x=x, tile=tiles.get(i))
        for i, (image, x) in enumerate(zip(images, points, strict=True))
    )
    notes = _list_notes(marks, hung, width)
    return Timeline(
        patient_id=str(rows["patient_id"].iloc[0]),
        width=width,
        height=height + NOTE_HEIGHT * len(notes),
        left=LEFT,
        side=grid.side,
        marker=_size_points(points),
        marks=marks,
        pieces=axis.pieces if axis else (),
        breaks=axis.breaks if axis else (),
        ticks=_mark_days(dated, axis) if axis else (),
        brackets=_bracket_days(marks),
        columns=tuple(hung),
        lane=lane,
        clock=find_clock(rows) if dated else "",
        lines=lines,
        notes=notes,
    )


#: Pixels: room for the names of lines, at the right edge, and before images without a day.
LEFT, RIGHT, LANE_GAP = 116.0, 10.0, 36.0
#: From this side on a day and a view fit below a thumbnail.
ROOMY_SIDE = 72.0
#: Room beside an end of the axis where no image is.
END = 12.0
#: Least width of the strip of images without a day: its heading has to fit.
LANE_WIDTH = 144.0
#: Points of one day stand so far apart where there is room, and points are as large.
POINT_STEP, POINT_SIZES = 17.0, (5.0, 13.0)
TEXT_LINE, NOTE_HEIGHT = 18.0, 20.0
#: Average width of a character of 14 pixels, and of one of a long line.
CHARACTER, LONG_CHARACTER = 7.6, 6.2
#: A narrow screen shows places at so much of their distance, and words at their full size.
NARROW = 0.62

ANSWERS: tuple[Answer, ...] = ("yes", "no", "unclear")


def _read_images(rows: pd.DataFrame, kept: Collection[str] | None) -> list[dict[str, Any]]:
    """Read what a mark says of each image, by day, then in the record's order."""
    patients = rows["patient_id"].unique()
    if len(patients) != 1:
        raise SelectionError(
            f"A timeline shows one patient, and these rows are of {len(patients)}. Give the "
            "X-rays of one patient."
        )
    narrow = rows[list(CELLS)]  # fifty columns are slow to sort
    ordered = narrow.sort_values(["offset", "row"], kind="stable", na_position="last")
    return [_read_image(cells, kept) for cells in ordered.to_dict("records")]


CELLS = (
    *("image_id", "row", "offset", "view", "state", "state_reasons", "in_icu"),
    *("intubation_present", "file_status", "file_reason"),
)


def _read_image(cells: dict[Hashable, Any], kept: Collection[str] | None) -> dict[str, Any]:
    day = None if pd.isna(cells["offset"]) else float(cells["offset"])
    view, reason = cells["view"], cells["file_reason"]
    return {
        "image_id": str(cells["image_id"]),
        "row": int(cells["row"]),
        "day": day,
        "view": None if pd.isna(view) else str(view),
        "state": str(cells["state"]),
        "state_reasons": str(cells["state_reasons"]),
        "in_icu": _read_answer(cells["in_icu"]),
        "intubation_present": _read_answer(cells["intubation_present"]),
        "perhaps_imputed": day == FEW_DAYS,
        "is_kept": kept is None or cells["image_id"] in kept,
        "has_file": cells["file_status"] == "ok",
        "file_reason": "" if pd.isna(reason) else str(reason),
    }


def _read_answer(cell: object) -> Answer:
    return next((answer for answer in ANSWERS if cell == answer), "not recorded")


# ---- places along the days


def _place_images(
    days: Sequence[float | None], grid: Grid, room: float
) -> tuple[DayAxis | None, list[float], Lane | None]:
    """Place each image: about its day, or evenly in the lane of those without."""
    dated = [day for day in days if day is not None]
    n_lane = len(grid.columns) - grid.n_dated
    cell = grid.side + GAP
    lane_width = max(n_lane * cell - GAP, LANE_WIDTH) if n_lane else 0.0
    axis, points, end = None, [], LEFT
    if dated:
        highest = LEFT + room - (lane_width + LANE_GAP if n_lane else 0.0)
        stops = [*dated, 0.0]
        ends = [_needs_room(day, grid, days) for day in (min(stops), max(stops))]
        most = POINT_STEP * max(Counter(dated).values())
        axis = lay_out_axis(
            dated, LEFT + ends[0], highest - ends[1], most_per_day=cell, cut=max(cell, most)
        )
        points = _spread_days(dated, axis, (LEFT, highest))
        end = max(axis.pieces[-1].x1 + ends[1], LEFT + grid.n_dated * cell - GAP)
    if not n_lane:
        return axis, points, None
    start = end + LANE_GAP if dated else LEFT
    n_undated = len(days) - len(dated)
    lane = Lane(start, start + lane_width, n_undated)
    width = (n_lane * cell - GAP) / n_undated
    points += [start + (i + 0.5) * width for i in range(n_undated)]
    return axis, points, lane


def _needs_room(day: float, grid: Grid, days: Sequence[float | None]) -> float:
    """Return half the room of what hangs at a day, or that of a tick without an image."""
    n_columns = sum(days[column[0]] == day for column in grid.columns)
    return (n_columns * (grid.side + GAP) - GAP) / 2 if n_columns else END


def _spread_days(days: Sequence[float], axis: DayAxis, edges: tuple[float, float]) -> list[float]:
    """Put the images of one day side by side about it, nearer than those of the next day."""
    counts = {0.0: 0} | {day: len(list(same)) for day, same in groupby(days)}
    ordered = sorted(counts)
    places = [axis.place(day) for day in ordered]
    # As if the edges were the middle of the way to one more day.
    bounds = [2 * edges[0] - places[0], *places, 2 * edges[1] - places[-1]]
    points: list[float] = []
    for day, before, place, after in zip(ordered, bounds, places, bounds[2:], strict=False):
        n = counts[day]
        step = min(POINT_STEP, min(place - before, after - place) / max(n, 1))
        points += [place + (k - (n - 1) / 2) * step for k in range(n)]
    return points


def _size_points(points: Sequence[float]) -> float:
    """Return the size at which points do not cover each other, within reason."""
    nearest = min((right - left for left, right in pairwise(points)), default=POINT_STEP)
    least, most = POINT_SIZES
    return min(most, max(least, nearest - 3))


def _mark_days(days: Sequence[float], axis: DayAxis) -> tuple[Tick, ...]:
    """Make a tick a day and one for day 0; label as many as there is room for."""
    counts = {0.0: 0} | {day: len(list(same)) for day, same in groupby(days)}
    ordered = sorted(counts)
    places = {day: axis.place(day) for day in ordered}
    words = {day: format_axis_day(day) if counts[day] else "0" for day in ordered}
    taken: list[tuple[float, float]] = []
    for day in dict.fromkeys([0.0, ordered[0], ordered[-1], *ordered]):
        half = (len(words[day]) * CHARACTER + 8) / 2
        low, high = places[day] - half, places[day] + half
        if all(high <= left or low >= right for left, right in taken):
            taken.append((low, high))
        else:
            words[day] = ""
    return tuple(Tick(day, places[day], words[day], counts[day]) for day in ordered)


def _bracket_days(marks: Sequence[Mark]) -> tuple[Bracket, ...]:
    """Bracket the images of one day."""
    brackets = []
    for day, group in groupby(marks, key=lambda mark: mark.day):
        same = list(group)
        if day is not None and len(same) > 1:
            brackets.append(Bracket(day, same[0].x, same[-1].x, len(same)))
    return tuple(brackets)


# ---- thumbnails


def _place_columns(
    grid: Grid, points: Sequence[float], lane: Lane | None, end: float
) -> list[float]:
    """Place the columns: near their days and apart; in the lane side by side."""
    cell = grid.side + GAP
    dated = grid.columns[: grid.n_dated]
    targets = [sum(points[i] for i in column) / len(column) for column in dated]
    highest = (lane.x0 - LANE_GAP if lane else end) - grid.side / 2
    places = spread(targets, cell, LEFT + grid.side / 2, highest)
    if lane:
        n_lane = len(grid.columns) - grid.n_dated
        places += [lane.x0 + grid.side / 2 + cell * i for i in range(n_lane)]
    return places


def _hang_tiles(x: float, n: int, side: float, top: float) -> list[Tile]:
    """Hang tiles below each other, each with its words below."""
    step = side + _words_height(side) + GAP
    return [Tile(x, top + row * step, side, row) for row in range(n)]


def _words_height(side: float) -> float:
    """Return the height of the words below a thumbnail."""
    return TEXT_LINE * (2 if side >= ROOMY_SIDE else 1)


# ---- lines from top to bottom


def _stack_lines(grid: Grid, *, has_days: bool) -> tuple[dict[str, float], float]:
    """Return the height of each line, and where the notes begin.

    "clock" and "days" are the middle of words, "axis" and "bracket" lines, then a line of points
    each, the bend of the "stems", the upper edge of "tiles", the middle of "more", of the key
    ("views" where thumbnails are too small to name them, "states") and the first of "notes".
    """
    lines: dict[str, float] = {}
    y = 0.0

    def add(name: str, before: float, after: float = 0.0) -> None:
        nonlocal y
        lines[name] = y + before
        y += before + after

    if has_days:
        add("clock", 12, 10)
    add("days", 10, 10)
    add("axis", 4)
    add("bracket", 10)
    add("state", 18)
    add("in_icu", 26)
    add("intubation_present", 26)
    add("stems", 14)
    add("tiles", 24)
    y += (grid.side + _words_height(grid.side) + GAP) * grid.n_rows
    if any(len(column) > grid.n_rows for column in grid.columns):
        add("more", 2, 12)
    if grid.side < ROOMY_SIDE:
        add("views", 10, 10)
    add("states", 10, 10)
    add("notes", 10)
    return lines, y - 6


def _list_notes(marks: Sequence[Mark], columns: Sequence[Column], width: float) -> tuple[str, ...]:
    """List what the marks mean that are there, as lines."""
    answers = {answer for mark in marks for answer in (mark.in_icu, mark.intubation_present)}
    signs = {"yes": "filled yes", "no": "hollow no", "unclear": "? unclear"}
    signs["not recorded"] = "dash not recorded"
    told = ", ".join(words for answer, words in signs.items() if answer in answers)
    notes = [f"ICU and intubation: {told}"]
    if any(mark.perhaps_imputed for mark in marks):
        notes.append(f"{FEW_DAYS}?: day {FEW_DAYS} can also mean “a few days”")
    if any(not mark.is_kept for mark in marks):
        notes.append("Faint: left out by the filters")
    if any(column.hidden for column in columns):
        notes.append("+n: n more images of these days, without a thumbnail")
    most = int((width - LEFT) * NARROW / LONG_CHARACTER)
    lines = [""]
    for note in notes:
        joined = f"{lines[-1]} · {note}" if lines[-1] else note
        if len(joined) <= most:
            lines[-1] = joined
        else:
            lines += textwrap.wrap(note, most)
    return tuple(filter(None, lines))


# ---- what day 0 is


UNKNOWN_CLOCK = "symptom onset or admission (not recorded which)"


def find_clock(rows: pd.DataFrame) -> str:
    """Find what one patient's day 0 is: onset, admission or either.

    Parameters
    ----------
    rows : DataFrame
        With offset and article; only rows with a day count.

    Returns
    -------
    str
        "admission (…)" where all days come from sources that are known to count from it.
    """
    articles = set(rows.loc[rows["offset"].notna(), "article"])
    clocks = {CLOCKS.get(article, UNKNOWN_CLOCK) for article in articles}
    return clocks.pop() if len(clocks) == 1 else UNKNOWN_CLOCK


# ---- in words and numbers

#: Of more days than this only the first and the last are described.
MOST_DESCRIBED = 12


def describe_timeline(timeline: Timeline) -> str:
    """Describe a timeline in sentences: its text alternative.

    Returns
    -------
    str
        Plain text. Of more than `MOST_DESCRIBED` days the first and the last are described.
    """
    dated = [mark for mark in timeline.marks if mark.day is not None]
    undated = [mark for mark in timeline.marks if mark.day is None]
    days = [list(same) for _, same in groupby(dated, key=lambda mark: mark.day)]
    where = f" on {format_units(len(days), 'day')}" if days else ", no day recorded"
    if days and undated:
        where += f"; {len(undated)} without a day"
    n_images = format_units(len(timeline.marks), "image")
    sentences = [f"Patient {timeline.patient_id}: {n_images}{where}."]
    if days:
        sentences.append(f"Day 0 is {timeline.clock}.")
    half = MOST_DESCRIBED // 2
    told = days if len(days) <= MOST_DESCRIBED else [*days[:half], *days[-half:]]
    for i, same in enumerate(told):
        if len(told) < len(days) and i == half:
            sentences.append(f"{format_units(len(days) - len(told), 'more day')}.")
        day = f"{same[0].day:g}".replace("-", "−")
        sentences.append(f"Day {day}: {_describe_marks(same)}.")
    if undated:
        sentences.append(f"Day not recorded: {_describe_marks(undated)}.")
    sentences += [f"The axis skips {cut.days:g} days without an image." for cut in timeline.breaks]
    if n_out := sum(not mark.is_kept for mark in timeline.marks):
        sentences.append(f"The filters leave out {n_out:,} of these images.")
    return " ".join(sentences)


def _describe_marks(marks: Sequence[Mark]) -> str:
    """Describe images in a row; equal ones as a number."""
    counts = Counter(describe_mark(mark) for mark in marks)
    return "; ".join(words if n == 1 else f"{n} times {words}" for words, n in counts.items())


def describe_mark(mark: Mark) -> str:
    """Describe what is recorded of an image, but for its day; its state by ICU and intubation."""
    icu = {"yes": "in ICU", "no": "not in ICU"}
    tube = {"yes": "intubated", "no": "not intubated"}
    parts = [
        mark.view or "view not recorded",
        icu.get(mark.in_icu, f"ICU {mark.in_icu}"),
        tube.get(mark.intubation_present, f"intubation {mark.intubation_present}"),
    ]
    parts += [each for each in mark.state_reasons.split("; ") if each.startswith("last image")]
    if mark.perhaps_imputed:
        parts.append("the day may mean “a few days”")
    if not mark.has_file:
        parts.append(f"no image: {mark.file_reason or 'no file'}")
    return ", ".join(parts)


def timeline_table(timeline: Timeline) -> pd.DataFrame:
    """Tabulate a timeline, a row an image, in its order.

    Returns
    -------
    DataFrame
        Columns image_id, row, day (Float64, missing where not recorded), perhaps_a_few_days, view,
        state, state_reasons, in_icu, intubation_present, in_selection, file ("ok" or why not).
    """
    marks = timeline.marks
    return pd.DataFrame(
        {
            "image_id": [mark.image_id for mark in marks],
            "row": [mark.row for mark in marks],
            "day": pd.array([mark.day for mark in marks], dtype="Float64"),
            "perhaps_a_few_days": [mark.perhaps_imputed for mark in marks],
            "view": pd.array([mark.view for mark in marks], dtype="str"),
            "state": [mark.state for mark in marks],
            "state_reasons": [mark.state_reasons for mark in marks],
            "in_icu": [mark.in_icu for mark in marks],
            "intubation_present": [mark.intubation_present for mark in marks],
            "in_selection": [mark.is_kept for mark in marks],
            "file": ["ok" if mark.has_file else mark.file_reason or "no file" for mark in marks],
        }
    )
