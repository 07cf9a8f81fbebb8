"""The unit of analysis: who counts where, with which value."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.summary.units import BLANK, NO, UNCLEAR, YES, count_conflicts, read_images, take_units
from tests.cohort_factory import make_cohort

ROWS: list[dict[str, object]] = [
    {"patientid": "a", "survival": "", "age": ""},
    {"patientid": "b", "survival": "Unclear", "age": 1},
    {"patientid": "a", "survival": "N", "age": 2},
    {"patientid": "a", "survival": "Y", "age": 3},
    {"patientid": "b", "survival": "Y", "age": 4.5},
]


def test_the_first_recorded_value_counts_in_each_group(tmp_path: Path) -> None:
    """Blanks are passed over, an unclear answer is one, groups do not see each other."""
    cohort = load_cohort(make_cohort(tmp_path / "c", ROWS, images={}), inspect_images=False)
    units = take_units(cohort, "patient", np.array([0, 0, 0, 1, 1]))
    assert units.group.tolist() == [0, 0, 1, 1]
    assert units.name.tolist() == [0, 1, 0, 1]
    assert units.numbers["age"].tolist() == [2, 1, 3, 4.5]
    assert units.codes["survival"].tolist() == [NO, UNCLEAR, YES, YES]
    assert units.codes["sex"].tolist() == [BLANK] * 4


def test_an_image_in_no_group_is_nobody(tmp_path: Path) -> None:
    """A negative group leaves an image out; marks of others do not reach it."""
    cohort = load_cohort(make_cohort(tmp_path / "c", ROWS, images={}), inspect_images=False)
    units = take_units(cohort, "patient", np.array([-1, 0, -1, -1, 0]))
    assert units.name.tolist() == [1]
    assert units.have_any(np.array([True, False, True, True, False])).tolist() == [False]
    assert units.have_any(np.array([False, False, False, False, True])).tolist() == [True]


@pytest.mark.parametrize(("column", "n"), [("age", 2), ("survival", 2), ("sex", 0), ("covid", 0)])
def test_conflicts_are_ids_with_two_values(tmp_path: Path, column: str, n: int) -> None:
    """Blanks contradict nothing; an unclear and a clear answer are two."""
    cohort = load_cohort(make_cohort(tmp_path / "c", ROWS, images={}), inspect_images=False)
    assert count_conflicts(cohort, "patient", column) == n


def test_what_is_read_is_remembered_while_the_cohort_is_held(tmp_path: Path) -> None:
    """The same cohort gives the same object, another one its own."""
    cohort = load_cohort(make_cohort(tmp_path / "c", ROWS, images={}), inspect_images=False)
    assert read_images(cohort) is read_images(cohort)
    other = cohort.select(cohort.table["patient_id"] == "a", "a")
    assert len(read_images(other).table) == 3
