"""Ages, days and sizes as plain tables."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.summary import list_ages, list_image_sizes, list_offsets
from tests.cohort_factory import draw_image, make_cohort

ROWS: list[dict[str, object]] = [
    {"patientid": "b", "age": "", "sex": "", "offset": -360, "location": "Lima, Peru"},
    {"patientid": "a", "age": 30, "sex": "F", "offset": ""},
    {"patientid": "b", "age": 60, "sex": "M", "offset": 365},
    {"patientid": "c", "modality": "CT", "view": "Axial", "filename": "c.nii"},
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load three X-rays, one without a file, and a CT row."""
    images = {"image1.png": draw_image(1), "image3.png": draw_image(3, height=100, width=50)}
    return load_cohort(make_cohort(tmp_path_factory.mktemp("d") / "c", ROWS, images=images))


def test_each_patient_has_the_first_recorded_age(cohort: Cohort) -> None:
    """In the file's order, without CT rows; what is not recorded is missing, not dropped."""
    table = list_ages(cohort)
    assert table["id"].tolist() == ["b", "a"]
    assert table["age"].tolist() == [60, 30]
    assert table["sex"].tolist() == ["M", "F"]
    assert table["region"].tolist() == ["Americas", "Unknown"]
    assert table["n_images"].tolist() == [2, 1]
    images = list_ages(cohort, unit="image")
    assert images["id"].tolist() == ["image1.png", "image2.png", "image3.png"]
    assert np.isnan(images["age"][0])


def test_the_region_is_that_of_the_first_image(tmp_path: Path) -> None:
    """Whoever has images in two regions stands in the one that comes first in the file."""
    places = {"a": ["Lyon, France", "Lima, Peru"], "b": ["", ""], "c": ["Tokyo, Japan"]}
    rows = [{"patientid": who, "location": place} for who in places for place in places[who]]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    assert list_ages(cohort)["region"].tolist() == ["Europe", "Unknown", "Asia"]


def test_days_keep_their_ends_and_their_gaps(cohort: Cohort) -> None:
    """A day a year before stays a day; a blank one is NaN."""
    table = list_offsets(cohort)
    np.testing.assert_array_equal(table["offset"], [-360, np.nan, 365])
    assert table["patient_id"].tolist() == ["b", "a", "b"]


def test_sizes_are_those_of_the_files(cohort: Cohort) -> None:
    """Height and width in pixels, NaN without a file."""
    table = list_image_sizes(cohort)
    np.testing.assert_array_equal(table["height"], [80, np.nan, 100])
    np.testing.assert_array_equal(table["width"], [64, np.nan, 50])


def test_nothing_is_an_empty_table(cohort: Cohort) -> None:
    """An empty selection has the same columns."""
    nothing = cohort.select(cohort.table["view"] == "L", "lateral")
    for make in (list_ages, list_offsets, list_image_sizes):
        table = make(nothing)
        assert len(table) == 0
        assert table.columns.equals(make(cohort).columns)


def test_ages_of_the_real_collection(real_root: Path) -> None:
    """Of 423 patients with frontal images of a usable finding 334 have an age."""
    cohort = load_cohort(real_root, inspect_images=False)
    ages = list_ages(cohort.select_xrays().select_usable_finding().select_frontal())
    assert (len(ages), ages["age"].notna().sum()) == (423, 334)
