"""What the server holds once for all sessions: maps, their points, the locks of loading."""

import threading
from pathlib import Path

import pandas as pd
import pytest

import ui.session.resources
from cxrlib.charts.maps import HOVER_COLUMN, plot_map
from cxrlib.cohort import join_paths
from cxrlib.maps import MappedCohort, count_map, list_patients, map_points, mark_bad
from tests.figures import read_json

WAIT = 60  # seconds; only a test that fails waits


@pytest.fixture
def current(mapped_cohort: MappedCohort) -> ui.session.resources.Current:
    """Give a small cohort with its map, as the server holds it."""
    points = map_points(mapped_cohort.mapped.table, mapped_cohort.projection)
    return ui.session.resources.Current(mapped_cohort, points, ())


def test_marks_say_what_the_points_say(current: ui.session.resources.Current) -> None:
    """Draw and count the same from the few columns as from all of them."""
    is_first = current.points["view"] == current.points["view"].iloc[0]
    for keep in (is_first, ~is_first, is_first | True):
        few, all_columns = current.marks[keep], current.points[keep]
        assert count_map(few) == count_map(all_columns)
        assert (mark_bad(few).bad == mark_bad(all_columns).bad).all()
        assert read_json(plot_map(few, None)) == read_json(plot_map(all_columns, None))
    assert HOVER_COLUMN not in current.points
    assert current.marks is current.marks


def test_a_point_is_found_by_its_image(current: ui.session.resources.Current) -> None:
    """Give the whole row of an image; None for one that is not on the map."""
    points, table = current.points, current.cohort.table
    for row in (0, len(points) - 1):
        found = current.find_point(points["image_id"].iloc[row])
        assert found is not None
        pd.testing.assert_series_equal(found, points.iloc[row])
    off_map = next(iter(set(table["image_id"]) - set(points["image_id"])))
    assert current.has_image(off_map)
    assert current.find_point(off_map) is None
    assert not current.has_image("no such image")
    assert list(current.patients) == list_patients(points)


def test_loading_one_cohort_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Load a second cohort while the first is still being read; the first is read once."""
    data, other = tmp_path / "slow", tmp_path / "fast"
    for folder in (data, other):
        folder.mkdir()
    monkeypatch.setenv("CXR_DATA", join_paths([data, other]))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    slow, fast = (entry.slug for entry in ui.session.resources.list_cohorts()[:2])
    is_reading, may_end, read = threading.Event(), threading.Event(), []

    def load(path: str, cache: str, changed: tuple[int, ...]) -> str:
        read.append(path)
        if path == str(data):
            is_reading.set()
            assert may_end.wait(WAIT)
        return path

    monkeypatch.setattr(ui.session.resources, "_load_cohort", load)
    sessions = [
        threading.Thread(target=ui.session.resources.find_cohort, args=(slow,)) for _ in range(2)
    ]
    sessions[0].start()
    assert is_reading.wait(WAIT)
    sessions[1].start()
    assert str(ui.session.resources.find_cohort(fast)) == str(other)
    assert read.count(str(data)) == 1, "the second session waits for the first"
    may_end.set()
    for session in sessions:
        session.join(WAIT)
    assert read == [str(data), str(other), str(data)]
