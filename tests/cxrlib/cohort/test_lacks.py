"""What a cohort lacks: columns, files, parts of pages; missing things in one line each."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import (
    Cohort,
    check_pages,
    explain_lack,
    is_lacking,
    join_cohorts,
    list_lacking_columns,
    list_missing_files,
    list_shared_persons,
    load_cohort,
    read_form,
)
from tests.cohort_factory import HEADER, draw_image, make_cohort

FEW = ("patientid", "filename", "view", "finding")


def load(folder: Path, header: Sequence[str] = HEADER, n_images: int = 4) -> Cohort:
    """Load four rows, of which the first images have a file."""
    images = {f"image{i}.png": draw_image(i) for i in range(1, n_images + 1)}
    rows = [{"offset": i, "location": ""} for i in range(4)]
    return load_cohort(make_cohort(folder, rows, images=images, header=header))


def test_list_lacking_columns_tells_absent_from_blank(tmp_path: Path) -> None:
    """A column that is not there and one that is blank in every row bring the same: nothing."""
    few = list_lacking_columns(load(tmp_path / "few", FEW)).set_index("column")
    assert few.at["offset", "lack"] == "no such column"
    assert few.at["location", "without"] == read_form()["location"].without
    assert not {"patientid", "filename", "view", "finding", "folder"} & {*few.index}
    assert few["need"].tolist() == sorted(few["need"])[:1] + few["need"].tolist()[1:]
    full = list_lacking_columns(load(tmp_path / "full")).set_index("column")
    assert full.at["location", "lack"] == "no value"
    assert "offset" not in full.index


def test_problems_have_one_line_for_missing_columns_and_one_for_missing_files(
    tmp_path: Path,
) -> None:
    """Of three missing files a line with the count, of a single one its own; the list has all."""
    cohort = load(tmp_path / "c", FEW, n_images=1)
    said = cohort.problems["problem"].tolist()
    assert "3 of 4 X-rays have no file" in said
    assert sum("column" in each for each in said) == 1
    assert list_missing_files(cohort)["filename"].tolist() == [f"image{i}.png" for i in (2, 3, 4)]
    assert list_missing_files(cohort)["row"].tolist() == [3, 4, 5]
    one = load(tmp_path / "one", n_images=3).problems
    assert one.loc[one["column"] == "filename", "value"].tolist() == ["image4.png"]
    assert list_missing_files(load(tmp_path / "all")).empty


def test_check_pages_names_what_would_bring_a_part(tmp_path: Path) -> None:
    """Each part of a page works or names its columns; needs of all and of any are told apart."""
    pages = check_pages(load(tmp_path / "few", FEW)).set_index(["page", "part"])
    assert pages.loc[("Trajectories", "Map"), "works"]
    assert pages.loc[("Patients", "Images and record"), "works"]
    paths = pages.loc[("Trajectories", "Paths of patients over days")]
    assert (paths["works"], paths["lacks"]) == (False, "offset")
    tasks = pages.loc[("Baselines", "The paper's tasks")]
    assert (tasks["works"], tasks["lacks"]) == (False, "offset")  # view and finding are there
    outcomes = pages.loc[("Cohort", "Outcomes"), "lacks"]
    assert outcomes == "survival or went_icu or intubated"
    bare = check_pages(load(tmp_path / "bare", n_images=0)).set_index(["page", "part"])
    assert bare.loc[("Trajectories", "Map"), "lacks"] == "files in images/"
    assert {*pages["lacks"].str.split(" and | or ", regex=True).explode()} <= {"", *read_form()}


def test_explain_lack_is_blank_where_one_column_would_do(tmp_path: Path) -> None:
    """Any value of any of the columns is enough."""
    cohort = load(tmp_path / "c")
    assert explain_lack(cohort, ["offset"]) == ""
    assert explain_lack(cohort, ["offset", "location"]) == ""
    assert explain_lack(cohort, ["location"]).startswith("No region is known")
    assert explain_lack(cohort, ["went_icu", "survival"]).endswith(
        "Fill the columns went_icu or survival of metadata.csv."
    )


@pytest.mark.parametrize(
    ("header", "n_images", "answer"),
    [(HEADER, 4, False), (HEADER, 1, False), (HEADER, 0, True), (FEW, 4, True)],
)
def test_is_lacking_of_files_and_advised_columns(
    tmp_path: Path, header: Sequence[str], n_images: int, answer: bool
) -> None:
    """No file at all or no value in an advised column; a single missing file is only counted."""
    assert is_lacking(load(tmp_path / "c", header, n_images)) is answer


def test_load_cohort_takes_rows_without_view_and_modality_for_xrays(tmp_path: Path) -> None:
    """All of them where none has either; where one has, the others stay out."""
    header = ("patientid", "filename")
    assert load(tmp_path / "none", header).table["is_xray"].all()
    rows = [{"view": "PA", "modality": ""}, {"view": "", "modality": ""}]
    one = load_cohort(make_cohort(tmp_path / "one", rows))
    assert one.table["is_xray"].tolist() == [True, False]


def test_list_shared_persons_names_the_ids_of_both_cohorts(tmp_path: Path) -> None:
    """One image under two ids is one person; an id in both without a shared image is two people."""
    pixels = {f"image{i}.png": draw_image(i) for i in range(1, 4)}
    first = load_cohort(make_cohort(tmp_path / "a", [{}, {}, {}], images=pixels))
    rows = [{"patientid": "q", "filename": "x.png"}, {"patientid": "1", "filename": "y.png"}]
    others = {"x.png": pixels["image2.png"], "y.png": draw_image(9)}
    second = load_cohort(make_cohort(tmp_path / "b", rows, images=others))
    shared = list_shared_persons(join_cohorts(first, second))
    assert shared[["first_ids", "second_ids"]].to_numpy().tolist() == [["2", "q"]]
    strangers = load_cohort(make_cohort(tmp_path / "c", [{}], images={"image1.png": draw_image(8)}))
    assert list_shared_persons(join_cohorts(second, strangers)).empty
    assert isinstance(shared, pd.DataFrame)
