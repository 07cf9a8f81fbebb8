"""Label files: attached by image or patient; what does not match is counted and named."""

from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import (
    Cohort,
    attach_labels,
    keep_label_file,
    load_cohort,
    load_kept_labels,
    read_label_bytes,
    read_label_file,
    take_label_table,
)
from cxrlib.cohort.label_files import MOST_KEPT
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.cohort_factory import HEADER, make_cohort


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Load six images of four patients, with a column of their own."""
    patients = ["p1", "p1", "p2", "p2", "p3", "p4"]
    rows: list[dict[str, object]] = [{"patientid": each, "site": "A"} for each in patients]
    root = make_cohort(tmp_path / "c", rows, images={}, header=(*HEADER, "site"))
    return load_cohort(root, inspect_images=False)


def write(folder: Path, text: str, name: str = "labels.csv") -> Path:
    """Write a file of labels."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_attach_labels_by_patient_gives_each_image_its_patients(
    cohort: Cohort, tmp_path: Path
) -> None:
    """All images of a patient have the label; who is not in the file has none."""
    path = write(tmp_path, "patientid,dead,crp\np2,no,5\np1,yes,7.5\n\np3,,9\n")
    labelled = attach_labels(cohort, read_label_file(path))
    assert labelled.table["extra:dead"].tolist() == [
        *("yes", "yes", "no", "no"),
        *("not recorded", "not recorded"),
    ]
    assert labelled.table["extra:crp"].tolist()[:5] == [7.5, 7.5, 5, 5, 9]
    assert [column.name for column in labelled.extra] == ["site", "dead", "crp"]
    assert labelled.fingerprint == cohort.fingerprint
    assert "extra:dead" not in cohort.table
    assert labelled.extra[1].note.startswith("Labels come from 'labels.csv' (SHA-256 ")


def test_attach_labels_is_the_same_from_csv_parquet_and_table(
    cohort: Cohort, tmp_path: Path
) -> None:
    """One table in three forms, in any order of rows."""
    table = pd.DataFrame(
        {
            "image_id": [f"image{i}.png" for i in (6, 2, 3, 1)],
            "dead": [True, False, None, True],
            "crp": [1.25, 2.0, float("nan"), 4.0],
            "grade": ["mild", "severe", None, "mild"],
        }
    )
    table.to_csv(tmp_path / "l.csv", index=False)
    table.sample(frac=1, random_state=1).to_parquet(tmp_path / "l.parquet", index=False)
    found = [
        attach_labels(cohort, each).table
        for each in (
            read_label_file(tmp_path / "l.csv"),
            read_label_file(tmp_path / "l.parquet"),
            take_label_table(table),
        )
    ]
    pd.testing.assert_frame_equal(found[0], found[1])
    pd.testing.assert_frame_equal(found[0], found[2])
    assert found[0]["extra:dead"].tolist()[:2] == ["yes", "no"]
    assert found[0]["extra:crp"].tolist()[1] == 2.0


def test_attach_labels_names_ids_that_do_not_match(cohort: Cohort, tmp_path: Path) -> None:
    """They are counted, and the nearest of the cohort is named; blanks are passed over."""
    path = write(tmp_path, "patient_id,dead\np1,yes\np2,no\np 1,yes\nzzzz,no\n")
    note = attach_labels(cohort, read_label_file(path)).extra[-1].note
    assert "2 of 4 patient ids in it match no image of the cohort: 'p 1' (nearest: 'p1')" in note
    assert note.endswith("'zzzz'.")


REFUSED = {
    "patient_id,dead\nq1,yes\nq2,no\n": r"None of the 2 patient ids .* 'q1' \(nearest: 'p1'\)",
    "patient_id,dead\np1,yes\np1,no\n": r"two different labels for patient_id 'p1', in rows 2",
    "person,dead\np1,yes\n": "has no column image_id or patient_id",
    "patient_id\np1\n": "1 column: it needs one of ids",
    "patient_id;dead\np1;yes\n": "separated by semicolons",
    "patient_id,dead\np1\n": "row 2 has 1 value for 2 columns",
    "patient_id,site\np1,B\n": "both have a column 'site'",
    'patient_id,dead\n"p1,yes\n': "is not valid CSV",
    "": "is empty",
}


@pytest.mark.parametrize("text", REFUSED)
def test_attach_labels_refuses_what_cannot_be_labels(
    cohort: Cohort, tmp_path: Path, text: str
) -> None:
    """Each fault has its own sentence, which ends as one."""
    with pytest.raises(SelectionError, match=REFUSED[text]) as caught:
        attach_labels(cohort, read_label_file(write(tmp_path, text)))
    assert str(caught.value).endswith(".")


def test_read_label_file_refuses_files_of_other_kinds(tmp_path: Path) -> None:
    """Another ending, no file, and bytes that are no Parquet."""
    with pytest.raises(SelectionError, match=r"neither \.csv nor \.parquet"):
        read_label_file(tmp_path / "l.xlsx")
    with pytest.raises(SelectionError, match="cannot be read"):
        read_label_file(tmp_path / "none.csv")
    with pytest.raises(SelectionError, match="not a readable Parquet file"):
        read_label_file(write(tmp_path, "PAR1 and more", "l.parquet"))


def test_attach_labels_reports_a_slip_once(cohort: Cohort, tmp_path: Path) -> None:
    """A cell that is no number is a problem of the file's row, however many images it has."""
    lines = "".join(f"p{i},{i}\n" for i in range(5, 60))
    path = write(tmp_path, f"patient_id,crp\np1,high\np2,2\np3,3\np4,4\n{lines}")
    labelled = attach_labels(cohort, read_label_file(path))
    # Of the cohort's six cells two are no numbers: too many for a column of numbers.
    assert labelled.extra[-1].kind == "category"


def test_read_label_file_says_what_the_file_is_instead(tmp_path: Path) -> None:
    """Tabs, no rows, lists, bytes: a sentence each; comments above the header are passed over."""
    for text, words in (
        ("image_id\tdead\na\tyes\n", "is separated by tabs. Save it with commas"),
        ("image_id,dead\n", "has a header and no row"),
    ):
        with pytest.raises(SelectionError, match=words):
            read_label_file(write(tmp_path, text))
    for values in ([[1], [2]], [b"a", b"b"], [{"x": 1}, {"x": 2}]):
        pd.DataFrame({"image_id": ["a", "b"], "dead": values}).to_parquet(tmp_path / "l.parquet")
        with pytest.raises(SelectionError, match="column 'dead' is of type"):
            read_label_file(tmp_path / "l.parquet")
    exported = read_label_file(write(tmp_path, "# a notice\n# more\nimage_id,dead\na,yes\n"))
    assert (exported.ids, exported.rows) == (("a",), (4,))
    with pytest.raises(SelectionError, match="row 5 has 1 value"):
        read_label_file(write(tmp_path, "# a notice\n# more\nimage_id,dead\na,yes\nb\n"))


def test_attach_labels_says_which_cells_are_no_numbers(cohort: Cohort, tmp_path: Path) -> None:
    """They are not recorded; how many, and the first with its row, stands in the note."""
    rows = [f"p{i},{i}" for i in range(1, 40)]
    rows[1] = "p2,1e300"
    path = write(tmp_path, "patient_id,crp\n" + "\n".join(rows))
    (column,) = attach_labels(cohort, read_label_file(path)).extra[1:]
    assert (column.kind, column.n_values) == ("number", 4)
    assert column.note.endswith(
        " 1 cell of 'crp' is no usable number, so not recorded; the first is '1e300' in row 3."
    )


def test_kept_labels_are_those_of_the_file(tmp_path: Path) -> None:
    """A job reads by name what the page was given; damage and a name that is none are said."""
    store, data = Store(tmp_path), b"image_id,late\na.png,yes\n"
    kept = keep_label_file(data, "a:b.csv", store)
    labels = load_kept_labels(kept, store)
    assert labels.text["late"].tolist() == ["yes"]
    assert (labels.name, labels.sha256) == ("a:b.csv", read_label_bytes(data, "x.csv").sha256)
    with pytest.raises(SelectionError, match="Upload it again"):
        load_kept_labels(f"{'0' * 64}:b.csv", store)
    with pytest.raises(SelectionError):
        load_kept_labels("../x:b.csv", store)


def test_kept_labels_do_not_fill_the_disk(tmp_path: Path) -> None:
    """The same file is kept once; of others there is a limit."""
    store = Store(tmp_path)
    for i in range(MOST_KEPT):
        keep_label_file(f"image_id,late\na{i}.png,yes\n".encode(), "a.csv", store)
    keep_label_file(b"image_id,late\na0.png,yes\n", "b.csv", store)
    with pytest.raises(SelectionError, match="at most"):
        keep_label_file(b"image_id,late\nz.png,yes\n", "z.csv", store)
