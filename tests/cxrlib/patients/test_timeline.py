"""The layout of a patient's images: every image has its place, and what has no day none."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import SelectionError
from cxrlib.patients import (
    LONG_CHARACTER,
    NARROW,
    Timeline,
    describe_timeline,
    lay_out_timeline,
    timeline_table,
)
from cxrlib.patients.timeline import LEFT, UNKNOWN_CLOCK, WIDTH

HANNOVER = "10.6084/m9.figshare.12275009"
#: Hard cases, by name: 1 image, 200, a year apart, none dated, all on one day, negative days.
CASES: dict[str, list[float | None]] = {
    "one": [12],
    "one undated": [None],
    "none dated": [None] * 6,
    "one day": [3] * 5,
    "thirty on one day": [0] * 30,
    "a year apart": [0, 365],
    "a week, then a year": [0, 1, 3, 7, 365, 366],
    "negative": [-22, -3, 0, 16],
    "all negative": [-360, -270, -180, -90],
    "far from day 0": [200, 201, 203],
    "some undated": [3, 7, 9, 10, None],
    "mostly undated": [0, 5, *[None] * 100],
    "two hundred days": [float(i) for i in range(200)],
    "two hundred in two months": [float(i * 61 // 200) for i in range(200)],
    "parts of days": [0.25, 0.5, 0.75],
}


def rows_of(days: Sequence[float | None], **columns: object) -> pd.DataFrame:
    """Make rows of one patient as a cohort's table has them."""
    n = len(days)
    base: dict[str, object] = {
        "image_id": [f"{i}.png" for i in range(n)],
        "row": range(2, n + 2),
        "patient_id": "7",
        "offset": pd.array(list(days), dtype="Float64"),
        "view": "PA",
        "state": "unknown",
        "state_reasons": "",
        "in_icu": "not recorded",
        "intubation_present": "not recorded",
        "file_status": "ok",
        "file_reason": "",
        "article": "10.1/a",
    }
    return pd.DataFrame(base | columns)


def boxes_of(timeline: Timeline) -> np.ndarray:
    """Return left, right, top and bottom of each thumbnail."""
    tiles = [mark.tile for mark in timeline.marks if mark.tile]
    half = timeline.side / 2
    return np.array([[t.x - half, t.x + half, t.y, t.y + timeline.side] for t in tiles])


@pytest.mark.parametrize("width", [700.0, WIDTH, 1400.0])
@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_and_all_is_inside(name: str, width: float) -> None:
    """Thumbnails neither cover each other nor leave the figure; nor do points."""
    timeline = lay_out_timeline(rows_of(CASES[name]), width=width)
    boxes = boxes_of(timeline)
    left, right, top, bottom = boxes.T
    for i in range(len(boxes)):
        apart = (
            (left[i] >= right - 1e-6)
            | (right[i] <= left + 1e-6)
            | (top[i] >= bottom)
            | (bottom[i] <= top)
        )
        assert apart.sum() == len(boxes) - 1
    assert left.min() >= LEFT - 1e-6
    assert right.max() <= width
    assert bottom.max() < timeline.height
    assert all(LEFT - 1e-6 <= mark.x <= width for mark in timeline.marks)


@pytest.mark.parametrize("name", CASES)
def test_every_image_is_shown_or_counted(name: str) -> None:
    """A thumbnail or a place in a column's number, never both, never neither; always a point."""
    timeline = lay_out_timeline(rows_of(CASES[name]))
    shown = [mark.image_id for mark in timeline.marks if mark.tile]
    hidden = [image_id for column in timeline.columns for image_id in column.hidden]
    assert sorted(shown + hidden) == sorted(mark.image_id for mark in timeline.marks)
    assert len(timeline.marks) == len(CASES[name])
    assert all((column.more is None) == (not column.hidden) for column in timeline.columns)


@pytest.mark.parametrize("name", CASES)
def test_points_stand_at_their_day(name: str) -> None:
    """In order of days, those of one day about it and nearer to it than to another day."""
    timeline = lay_out_timeline(rows_of(CASES[name]))
    places = {tick.day: tick.x for tick in timeline.ticks}
    dated = [(mark.day, mark.x) for mark in timeline.marks if mark.day is not None]
    assert all(a.x < b.x for a, b in pairwise(timeline.marks))
    for day, x in dated:
        assert min(places, key=lambda other: abs(places[other] - x)) == day
    for day in {day for day, _ in dated}:
        own = [x for other, x in dated if other == day]
        assert np.mean(own) == pytest.approx(places[day])


def test_what_has_no_day_is_not_on_the_axis() -> None:
    """It stands in a lane at the right, in the record's order."""
    timeline = lay_out_timeline(rows_of([None, 5, None, 1]))
    assert timeline.lane is not None
    assert timeline.lane.n_images == 2
    end = timeline.pieces[-1].x1
    undated = [mark for mark in timeline.marks if mark.day is None]
    assert [mark.image_id for mark in undated] == ["0.png", "2.png"]
    assert all(mark.x > timeline.lane.x0 > end for mark in undated)
    assert lay_out_timeline(rows_of([1, 5])).lane is None


def test_without_any_day_there_is_no_axis() -> None:
    """No tick, no day 0, no clock: nothing to be read as time."""
    timeline = lay_out_timeline(rows_of([None] * 3))
    assert (timeline.ticks, timeline.pieces, timeline.breaks) == ((), (), ())
    assert timeline.clock == ""


def test_images_of_one_day_are_bracketed() -> None:
    """Ties have no order in time, and those without a day are no day."""
    timeline = lay_out_timeline(rows_of([0, 0, 4, 9, 9, 9, None, None]))
    assert [(b.day, b.n_images) for b in timeline.brackets] == [(0, 2), (9, 3)]
    for bracket in timeline.brackets:
        own = [mark.x for mark in timeline.marks if mark.day == bracket.day]
        assert (bracket.x0, bracket.x1) == (min(own), max(own))


def test_day_zero_is_always_marked() -> None:
    """With or without an image; negative days stand before it."""
    timeline = lay_out_timeline(rows_of([-3, 4]))
    ticks = {tick.day: tick for tick in timeline.ticks}
    assert ticks[0].n_images == 0
    assert ticks[0].label == "0"
    assert ticks[-3].label == "−3"
    assert ticks[-3].x < ticks[0].x < ticks[4].x


def test_a_five_is_doubted() -> None:
    """The collection writes 5 for "a few days"; 5.5 or 15 are nothing of the kind."""
    timeline = lay_out_timeline(rows_of([5, 5.5, 15]))
    assert [mark.perhaps_imputed for mark in timeline.marks] == [True, False, False]
    assert "5?" in [tick.label for tick in timeline.ticks]
    assert any("a few days" in note for note in timeline.notes)
    assert not any("a few days" in note for note in lay_out_timeline(rows_of([4, 6])).notes)


def test_labels_of_days_do_not_touch() -> None:
    """Ticks stay where labels have no room."""
    timeline = lay_out_timeline(rows_of(CASES["two hundred days"]))
    labelled = [tick for tick in timeline.ticks if tick.label]
    assert len(timeline.ticks) == 200
    assert all(b.x - a.x > 7 * len(a.label) for a, b in pairwise(labelled))
    assert {0.0, 199.0} <= {tick.day for tick in labelled}


def test_the_order_of_rows_changes_nothing() -> None:
    """Rows are put in order by day and by their place in the record."""
    rows = rows_of([3, None, 1, 1, 400, 5])
    shuffled = rows.sample(frac=1, random_state=2)
    assert lay_out_timeline(shuffled) == lay_out_timeline(rows)


def test_chosen_images_are_shown_and_move_nothing() -> None:
    """A click must not make the timeline jump."""
    rows = rows_of([1.0] * 120)
    plain = lay_out_timeline(rows)
    hidden = plain.columns[4].hidden[3]
    chosen = lay_out_timeline(rows, chosen=(hidden, "no such image"))
    assert hidden in {mark.image_id for mark in chosen.marks if mark.tile}
    assert chosen.height == plain.height
    assert [mark.x for mark in chosen.marks] == [mark.x for mark in plain.marks]


def test_what_the_filters_leave_out_is_still_there() -> None:
    """A selection makes images faint; it does not move them."""
    rows = rows_of([1, 2, 3])
    timeline = lay_out_timeline(rows, kept={"1.png"})
    assert [mark.is_kept for mark in timeline.marks] == [False, True, False]
    assert [mark.x for mark in timeline.marks] == [m.x for m in lay_out_timeline(rows).marks]
    assert any("filters" in note for note in timeline.notes)


def test_notes_have_room_on_a_narrow_screen() -> None:
    """All kinds of answers and of marks at once: lines short enough, no word lost."""
    answers = ["yes", "no", "unclear", "not recorded"] * 30
    rows = rows_of([5] * 120, in_icu=answers)
    notes = lay_out_timeline(rows, kept=set()).notes
    most = (WIDTH - LEFT) * NARROW / LONG_CHARACTER
    assert max(map(len, notes)) <= most
    words = " ".join(notes)
    for told in ("filled yes, hollow no, ? unclear, dash not recorded", "Faint", "+n"):
        assert told in words


def test_the_clock_is_known_of_one_source_only() -> None:
    """Hannover counts from admission; of others, and of a mixture, nobody knows."""
    assert lay_out_timeline(rows_of([1, 2])).clock == UNKNOWN_CLOCK
    assert lay_out_timeline(rows_of([1], article=HANNOVER)).clock.startswith("admission")
    mixed = rows_of([1, 2], article=[HANNOVER, "10.1/a"])
    assert lay_out_timeline(mixed).clock == UNKNOWN_CLOCK
    beside = rows_of([1, None], article=[HANNOVER, "10.1/a"])
    assert lay_out_timeline(beside).clock.startswith("admission")
    assert lay_out_timeline(rows_of([1], article=pd.NA)).clock == UNKNOWN_CLOCK


def test_several_patients_are_refused() -> None:
    """Their days have nothing to do with each other."""
    with pytest.raises(SelectionError, match="of 2"):
        lay_out_timeline(rows_of([1, 2], patient_id=["7", "8"]))
    with pytest.raises(SelectionError, match="of 0"):
        lay_out_timeline(rows_of([1]).iloc[:0])


def test_words_tell_each_image() -> None:
    """The text alternative names days, views, states and dated facts, and the cut."""
    rows = rows_of(
        [0, 2, 365, None],
        view=["PA", "AP", None, "L"],
        in_icu=["no", "yes", "unclear", "not recorded"],
        file_status=["ok", "ok", "no file", "ok"],
        file_reason=["", "", "there is no file", ""],
    )
    words = describe_timeline(lay_out_timeline(rows))
    assert words.startswith("Patient 7: 4 images on 3 days; 1 without a day. Day 0 is symptom")
    assert "Day 2: AP, in ICU, intubation not recorded." in words
    assert "view not recorded, ICU unclear" in words
    assert "no image: there is no file" in words
    assert "Day not recorded: L" in words
    assert "363 days" in words


def test_words_of_many_days_stay_short() -> None:
    """The first and the last days are said, the others counted."""
    words = describe_timeline(lay_out_timeline(rows_of(CASES["two hundred days"])))
    assert "188 more days." in words
    assert "Day 199:" in words
    assert len(words) < 1500


def test_the_table_is_what_is_drawn() -> None:
    """A row an image, in order, with blanks as blanks."""
    rows = rows_of([5, None, 1], state=["bad", "good", "unknown"])
    table = timeline_table(lay_out_timeline(rows, kept={"0.png"}))
    assert table["image_id"].tolist() == ["2.png", "0.png", "1.png"]
    assert table["day"].isna().tolist() == [False, False, True]
    assert table["state"].tolist() == ["unknown", "bad", "good"]
    assert table["in_selection"].tolist() == [False, True, False]
    assert table["perhaps_a_few_days"].tolist() == [False, True, False]


@pytest.mark.slow
def test_every_real_patient_is_laid_out(real_root: Path) -> None:
    """No patient of the collection overlaps or leaves the figure; few need the +n."""
    table = load_cohort(real_root, inspect_images=False).table
    xrays = table[table["is_xray"]]
    n_hidden = 0
    for _, rows in xrays.groupby("patient_id"):
        timeline = lay_out_timeline(rows)
        left, right, *_ = boxes_of(timeline).T
        assert left.min() >= LEFT - 1e-6
        assert right.max() <= WIDTH
        assert timeline.height < 640
        n_hidden += sum(len(column.hidden) for column in timeline.columns)
    assert n_hidden == 0
