"""Days in tasks and in filters: one spelling, one meaning, whichever of the two reads it."""

import math

import numpy as np
import pytest

from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.errors import SelectionError
from cxrlib.selection import parse_where, read_comparison

DAYS = np.array([-1, 0, 0.5, 1, 6.5, 7, 7.5, 8, 8.5])

#: What is written, and the days it holds of `DAYS`.
SPELLINGS = {
    "days<=7": [-1, 0, 0.5, 1, 6.5, 7],
    "days<8": [-1, 0, 0.5, 1, 6.5, 7, 7.5],
    "day<=7": [-1, 0, 0.5, 1, 6.5, 7],
    "day<8": [-1, 0, 0.5, 1, 6.5, 7, 7.5],
    "days>=1": [1, 6.5, 7, 7.5, 8, 8.5],
    "days>0": [0.5, 1, 6.5, 7, 7.5, 8, 8.5],
    "days>=0": [0, 0.5, 1, 6.5, 7, 7.5, 8, 8.5],
    "0<days<8": [0.5, 1, 6.5, 7, 7.5],
    "0 <= days <= 7": [0, 0.5, 1, 6.5, 7],
    "-1<days<=0.5": [0, 0.5],
    "7<=days<=7": [7],
    "day=1..7": [1, 6.5, 7],
    "day=..7": [-1, 0, 0.5, 1, 6.5, 7],
    "day=7..": [7, 7.5, 8, 8.5],
    "days=0..8": [0.5, 1, 6.5, 7, 7.5],
    "days=..7": [-1, 0, 0.5, 1, 6.5],
    "days=0..": [0.5, 1, 6.5, 7, 7.5, 8, 8.5],
}


def keep_in_task(text: str) -> list[float]:
    """Keep the days that a task's window holds."""
    task = read_task(f"column=went_icu; {text}")
    is_in = np.ones(len(DAYS), dtype=bool)
    if task.after is not None:
        is_in &= (task.after < DAYS) | (task.with_day_0 & (DAYS == 0))
    if task.before is not None:
        is_in &= task.before > DAYS
    return DAYS[is_in].tolist()


def keep_in_filter(text: str) -> list[float]:
    """Keep the days that a filter holds."""
    low, high = parse_where(text).day or (-math.inf, math.inf)
    return DAYS[(low <= DAYS) & (high >= DAYS)].tolist()


@pytest.mark.parametrize("text", SPELLINGS)
def test_days_mean_the_same_in_task_and_filter(text: str) -> None:
    """Planted days: both grammars keep those that the signs say."""
    assert keep_in_task(text) == SPELLINGS[text]
    assert keep_in_filter(text) == SPELLINGS[text]


@pytest.mark.parametrize("text", SPELLINGS)
def test_days_are_read_back_as_they_are_written(text: str) -> None:
    """The one spelling of a window, or a filter, is that window again."""
    task, selection = read_task(f"column=went_icu; {text}"), parse_where(text)
    assert read_task(task.to_text()) == task
    assert parse_where(selection.to_where()) == selection
    for words in (task.to_text(), selection.to_where(), task.describe_window()):
        assert "0000" not in words
        assert "9999" not in words
        assert "e-324" not in words
    assert keep_in_filter(selection.to_where()) == SPELLINGS[text]


def test_former_spellings_are_written_as_before() -> None:
    """Links, logs and names of files hold them: their text must not change."""
    assert read_task("icu-stay; days=0..14; with day 0").to_text() == (
        "icu-stay; days=0..14; with day 0"
    )
    assert read_task("icu-stay; 0<days<14").to_text() == "icu-stay; days=0..14"
    assert read_task("icu-stay; 0<day<8") == find_task("icu-stay")
    assert parse_where("day=..7").to_where() == "day=..7"
    assert parse_where("day<=7").to_where() == "day=..7"
    assert parse_where("age<65; day<8").to_where() == "age<65; day<8"


def test_windows_are_said_as_they_are() -> None:
    """Whether an end belongs to a window is said in words, also by a filter."""
    assert read_task("icu-stay; days<=7").describe_window() == "up to day 7"
    assert read_task("icu-stay; 1<=days<=7").describe_window() == "from day 1 and up to day 7"
    assert read_task("icu-stay; 0<=days<14").describe_window() == "from day 0 and before day 14"
    assert parse_where("days=..7").describe() == ["Day below 7"]
    assert parse_where("0<days<=7").describe() == ["Day above 0 and up to 7"]


def test_comparisons_that_cannot_be_are_refused() -> None:
    """A window without a day, and signs between what is no number."""
    with pytest.raises(SelectionError, match="No day is from day 8 and up to day 3"):
        read_task("icu-stay; 8<=days<=3")
    with pytest.raises(SelectionError, match="Ranges are age, day"):
        parse_where("view<3")
    with pytest.raises(SelectionError, match="twice"):
        parse_where("day<=7; days=0..8")
    assert read_comparison("view=PA") is None
    assert read_comparison('region="a<b"') is None
    assert read_comparison("day<1e999") is None
