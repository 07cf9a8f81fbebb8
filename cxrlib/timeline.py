"""A patient's images along days: where each stands, decided without drawing anything.

The unit of places is the pixel of a screen as wide as `WIDTH`; a wider one stretches all places
alike. What the record does not date has no place among days: images without a day stand in a
lane of their own, and facts that hold "at any point" are listed beside.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

__all__ = [
    "WIDTH",
    "Bracket",
    "Break",
    "Column",
    "Lane",
    "Mark",
    "Piece",
    "Tick",
    "Tile",
    "Timeline",
    "describe_timeline",
    "find_clock",
    "lab_table",
    "lay_out_timeline",
    "list_undated_facts",
    "timeline_table",
]

WIDTH = 900.0
"""Pixels of a page's column on a laptop, the labels at its left included."""

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
class Piece:
    """Hold a stretch of the axis that is proportional to days."""

    first_day: float
    last_day: float
    x0: float
    x1: float


@dataclass(frozen=True)
class Break:
    """Hold a cut of the axis, between two pieces, and the days it leaves out."""

    x0: float
    x1: float
    days: float


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
    x, y : float
        Its middle, and the line of its heading.
    label : str
        The day or days of its images, "" in the lane of those without.
    image_ids : tuple of str
        All of its images in order, shown or not.
    hidden : tuple of str
        Those without a tile; they are counted in the column's last place.
    more_tile : Tile or None
        Where "+n" stands.
    """

    x: float
    y: float
    label: str
    image_ids: tuple[str, ...]
    hidden: tuple[str, ...]
    more_tile: Tile | None


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
        Room for the rows' labels, in `width`.
    side : float
        Of every thumbnail.
    marks : tuple of Mark
        By day, then in the record's order; those without a day last.
    pieces, breaks, ticks, brackets, columns : tuple
        From left to right.
    lane : Lane or None
    clock : str
        What day 0 is: "symptom onset or admission: the record does not say which".
    lines : dict of str to float
        Height of each line: "clock", "days", "axis", "bracket", "state", "in_icu",
        "intubation_present", "stems", "heading", "tiles", "notes".
    """

    patient_id: str
    width: float
    height: float
    left: float
    side: float
    marks: tuple[Mark, ...]
    pieces: tuple[Piece, ...]
    breaks: tuple[Break, ...]
    ticks: tuple[Tick, ...]
    brackets: tuple[Bracket, ...]
    columns: tuple[Column, ...]
    lane: Lane | None
    clock: str
    lines: dict[str, float]


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
        The patient's X-rays, rows of a cohort's table.
    kept : collection of str, optional
        Images of the current selection; all unless given.
    chosen : sequence of str
        Images that get a thumbnail before others where there is not room for all.
    width : float, default 900
        Pixels.

    Returns
    -------
    Timeline
    """
    raise NotImplementedError


def find_clock(rows: pd.DataFrame) -> str:
    """Say what one patient's day 0 is, as far as it is known."""
    raise NotImplementedError


def describe_timeline(timeline: Timeline) -> str:
    """Describe a timeline in sentences: its text alternative."""
    raise NotImplementedError


def timeline_table(timeline: Timeline) -> pd.DataFrame:
    """Tabulate a timeline, a row an image."""
    raise NotImplementedError


def list_undated_facts(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """List what is recorded of a patient without a day, as name and value."""
    raise NotImplementedError


def lab_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate a patient's laboratory values by day, with the doubt about each unit."""
    raise NotImplementedError
