"""Which files a run over a cohort's images can use, and what is reported of each image."""

import hashlib
import shutil
from pathlib import Path

import pytest

from cxrlib.cohort import Cohort, RunReport, count_run, load_cohort, locate_files
from tests.cohort_factory import make_cohort


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Three images, the third a copy of the first."""
    root = make_cohort(tmp_path / "cohort", [{"filename": f"{i}.png"} for i in range(3)])
    shutil.copy(root / "images" / "0.png", root / "images" / "2.png")
    return load_cohort(root, inspect_images=False)


def hash_file(cohort: Cohort, name: str) -> str:
    """Hash a file of the cohort the plain way."""
    return hashlib.sha256((cohort.root / "images" / name).read_bytes()).hexdigest()


def test_files_are_found_with_their_contents(cohort: Cohort) -> None:
    """One that is gone since the cohort was read says so."""
    (cohort.root / "images" / "1.png").unlink()
    files, reasons = locate_files(cohort, cohort.table)
    assert {name: (file.path, file.sha256) for name, file in files.items()} == {
        name: (cohort.root / "images" / name, hash_file(cohort, name))
        for name in ("0.png", "2.png")
    }
    assert set(reasons) == {"1.png"}
    assert "there is no file" in reasons["1.png"]


def test_an_image_that_the_cohort_does_not_have_is_named(cohort: Cohort) -> None:
    """It costs a line, not the run."""
    rows = cohort.table.assign(image_id=["0.png", "other.png", "2.png"])
    files, reasons = locate_files(cohort, rows)
    assert set(files) == {"0.png", "2.png"}
    assert "has no image 'other.png'" in reasons["other.png"]


def count(cohort: Cohort, made: set[str], bad: dict[str, str]) -> RunReport:
    """Count a run that was to make all three images and found none in the store."""
    files, reasons = locate_files(cohort, cohort.table)
    return count_run(cohort.table, files, reasons, made=made, bad=bad, n_cached=0, seconds=1.0)


def test_rows_are_counted_not_contents(cohort: Cohort) -> None:
    """Two rows of one content are two images, made, spoilt or left."""
    shared, single = hash_file(cohort, "0.png"), hash_file(cohort, "1.png")
    report = count(cohort, {shared}, {single: "the file is damaged"})
    assert (report.n_computed, report.n_cached, report.n_left) == (2, 0, 0)
    failed = report.failed.to_dict("records")
    assert failed == [
        {"image_id": "1.png", "row": 3, "filename": "1.png", "reason": "the file is damaged"}
    ]
    stopped = count(cohort, {single}, {})
    assert (stopped.n_computed, stopped.n_left, len(stopped.failed)) == (1, 2, 0)
    assert stopped.failed.columns.tolist() == ["image_id", "row", "filename", "reason"]


def test_failures_stand_in_the_cohorts_order(cohort: Cohort) -> None:
    """Whether an image has no file or its content is spoilt."""
    single = hash_file(cohort, "1.png")
    (cohort.root / "images" / "2.png").unlink()
    (cohort.root / "images" / "0.png").unlink()
    report = count(cohort, set(), {single: "the file is damaged"})
    assert report.failed["image_id"].tolist() == ["0.png", "1.png", "2.png"]
    assert report.n_left == 0
