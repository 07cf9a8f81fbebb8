"""Flags of images."""

from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.quality import FLAGS, list_flags
from tests.cohort_factory import draw_image, make_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Give six X-rays: a file missing, one unreadable, two nearly identical under two ids."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "offset": 1, "age": 40, "license": "CC BY"},
        {"patientid": "b", "in_icu": "Y", "intubation_present": "N"},
        {"patientid": "c", "finding": "todo", "in_icu": "N"},
        {"patientid": "d"},
        {"patientid": "e"},
        {"patientid": "a", "offset": 2, "in_icu": "Y"},
    ]
    images = {f"image{i}.png": draw_image(i, height=200, width=160) for i in (1, 2, 3, 6)}
    images["image2.png"] = images["image1.png"]
    root = make_cohort(tmp_path_factory.mktemp("flags") / "cohort", rows, images=images)
    (root / "images" / "image5.png").write_bytes(b"no image")
    return load_cohort(root)


def flagged(cohort: Cohort, flag: str) -> set[str]:
    """Name the images that have a flag."""
    return set(cohort.table.loc[list_flags(cohort)[flag], "image_id"])


@pytest.mark.parametrize(
    ("flag", "numbers"),
    [
        ("no file", {4}),
        ("unreadable", {5}),
        ("near duplicate", {1, 2}),
        ("person under two ids", {1, 2, 6}),
        ("no usable finding", {3}),
        ("no day", {2, 3, 4, 5}),
        ("no age", {2, 3, 4, 5, 6}),
        ("no licence", {2, 3, 4, 5, 6}),
        ("state unknown", {1, 4, 5}),
        ("state overlap", {2}),
    ],
)
def test_flag_marks_the_planted_images(cohort: Cohort, flag: str, numbers: set[int]) -> None:
    """Each flag marks the images it was planted on, and no others."""
    assert flagged(cohort, flag) == {f"image{n}.png" for n in numbers}


def test_every_flag_is_a_column_of_bool(cohort: Cohort) -> None:
    """The table has the flags in their order, on the cohort's index."""
    flags = list_flags(cohort)
    assert tuple(flags.columns) == tuple(FLAGS)
    assert all(pd.api.types.is_bool_dtype(dtype) for dtype in flags.dtypes)
    assert flags.index.equals(cohort.table.index)


def test_flags_stay_when_the_twin_is_left_out(cohort: Cohort) -> None:
    """An image stays a near duplicate of one that a selection has left out."""
    left = cohort.select(cohort.table["patient_id"] == "b", "patient b")
    assert flagged(left, "near duplicate") == {"image2.png"}
    assert flagged(left, "person under two ids") == {"image2.png"}


def test_real_counts(real_root: Path) -> None:
    """The collection's flags, counted once by hand over X-rays."""
    cohort = load_cohort(real_root, inspect_images=False)
    flags = list_flags(cohort)[cohort.table["is_xray"]]
    assert int(flags["no file"].sum()) == 15
    assert int(flags["no day"].sum()) == 206
    assert int(flags["no age"].sum()) == 230
    assert int(flags["no licence"].sum()) == 236
    assert int(flags["no usable finding"].sum()) == 84
