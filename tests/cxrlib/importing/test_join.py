"""Tests of several cohorts as one: ids, persons, images, what is not carried over."""

import json

import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import CohortError
from cxrlib.importing import describe_join, write_joined
from tests.cohort_factory import draw_image, make_cohort
from tests.source_factory import read_back


@pytest.fixture
def two(tmp_path):
    """Write two cohorts with ids 1 and 2, and one film under different ids in both."""
    first = make_cohort(
        tmp_path / "one",
        [{"patientid": "1"}, {"patientid": "2"}],
        images={"image1.png": draw_image(1), "image2.png": draw_image(2)},
    )
    second = make_cohort(
        tmp_path / "two",
        [{"patientid": "2", "survival": "N"}, {"patientid": "7"}, {"patientid": "8"}],
        images={"image1.png": draw_image(3), "image2.png": draw_image(1)},
    )
    return first, second


def test_write_joined_keeps_ids_apart_and_names_persons(two, tmp_path) -> None:
    """An id of both is two people unless an image says otherwise; a shared film is one person."""
    report = write_joined(two, tmp_path / "both")
    rows = read_back(tmp_path / "both")
    assert [row["patientid"] for row in rows] == ["1", "2", "2 (two)", "7", "8"]
    assert [row["cohort"] for row in rows] == ["one"] * 2 + ["two"] * 3
    assert report.renamed == {"one": [], "two": ["2"]}
    assert report.persons == [{"one": ["1"], "two": ["7"]}]
    assert (report.n_linked + report.n_copied, report.n_missing) == (4, 1)
    cohort = load_cohort(tmp_path / "both")
    assert (cohort.table["file_status"] == "ok").tolist() == [True] * 4 + [False]
    assert cohort.table["survival"].tolist().count("no") == 1
    assert "one: 1; two: 7" in "\n".join(describe_join(report))


def test_write_joined_makes_equal_ids_one_where_cohorts_number_alike(tmp_path) -> None:
    """Where an id shares an image with itself in the other cohort, all equal ids are one."""
    first = make_cohort(
        tmp_path / "one", [{"patientid": "1"}, {"patientid": "2"}],
        images={"image1.png": draw_image(1), "image2.png": draw_image(2)},
    )  # fmt: skip
    second = make_cohort(
        tmp_path / "two", [{"patientid": "1"}, {"patientid": "2"}],
        images={"image1.png": draw_image(1), "image2.png": draw_image(5)},
    )  # fmt: skip
    report = write_joined((first, second), tmp_path / "both")
    assert [row["patientid"] for row in read_back(tmp_path / "both")] == ["1", "2", "1", "2"]
    assert report.same_numbers == ["one", "two"]
    assert report.persons == [{"one": ["1"], "two": ["1"]}, {"one": ["2"], "two": ["2"]}]


def test_write_joined_takes_three_and_keeps_extra_columns_and_notes(two, tmp_path) -> None:
    """Extra columns of all are there, blank where one lacks them; notes go along once."""
    from tests.cohort_factory import HEADER

    third = make_cohort(
        tmp_path / "x" / "one", [{"patientid": "9", "ward": "5"}], header=(*HEADER, "ward")
    )
    (third / "import.json").write_text(json.dumps({"notes": ["Days are guesses."]}))
    report = write_joined((*two, third), tmp_path / "all")
    assert report.names == ["one", "two", "one (2)"]
    assert [row["ward"] for row in read_back(tmp_path / "all")] == [""] * 5 + ["5"]
    assert load_cohort(tmp_path / "all").notes == ("Days are guesses.",)


def test_write_joined_names_annotations_it_leaves(tmp_path, two) -> None:
    """Annotations are made for file names of one cohort: they are counted and named."""
    scored = make_cohort(tmp_path / "s", [{}], scores={"image1.png": (1, 2)})
    report = write_joined((two[0], scored), tmp_path / "both")
    assert report.left[-1].startswith("2 files of annotations/ of s ")


def test_write_joined_refuses_what_overlaps(two, tmp_path) -> None:
    """One cohort twice, one alone, and a target within one are refused; nothing is written."""
    with pytest.raises(CohortError, match="named twice"):
        write_joined((two[0], two[0]), tmp_path / "both")
    with pytest.raises(CohortError, match="at least two"):
        write_joined((two[0],), tmp_path / "both")
    with pytest.raises(CohortError, match="within the source"):
        write_joined(two, two[0] / "both")
    assert not (tmp_path / "both").exists()


def test_write_joined_takes_no_image_from_outside(two, tmp_path) -> None:
    """A link out of a cohort is not followed."""
    (two[0] / "images" / "image1.png").unlink()
    (tmp_path / "secret").write_text("secret")
    (two[0] / "images" / "image1.png").symlink_to(tmp_path / "secret")
    report = write_joined(two, tmp_path / "both")
    assert report.n_missing == 2
    assert not (tmp_path / "both" / "images" / "one" / "image1.png").exists()
