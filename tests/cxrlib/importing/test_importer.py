"""Tests of imports: nothing is lost, nothing escapes, nothing is half written."""

import errno
import json
import os
import random
from pathlib import Path

import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import CohortError
from cxrlib.importing import Importer, importer as importer_module
from tests.source_factory import (
    PLAIN,
    draw,
    import_by,
    make_source,
    name_mapping,
    read_back,
    write_table,
)

ROWS = [
    {"patient": "P1", "film": "a", "months": "480", "g": "1", "note": "=1+1", "when": "20200105"},
    {"patient": "P1", "film": "b", "months": "481", "g": "1", "note": "", "when": "20200101"},
    {"patient": "P2", "film": "c", "months": "x", "g": "2", "note": 'Ä, "q"\nz', "when": ""},
    {"patient": "P3", "film": "", "months": "", "g": "7", "note": "", "when": "soon"},
]
FULL = (
    PLAIN
    + """
age = { from = "months", factor = 0.0833333333333 }
sex = { from = "g", values = { 1 = "M", 2 = "F" } }
offset = { from = "when", days_since_first = "%Y%m%d" }
location = { text = "{patient}, Germany" }
modality = { constant = "X-ray" }
went_icu = { given = "note", then = "yes", otherwise = "no" }
clinical_notes = "note"
"""
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a source of three films and a row without one."""
    return make_source(tmp_path / "source", ROWS)


@pytest.mark.parametrize("copy", [False, True])
def test_run_writes_what_was_planted(source, tmp_path, copy) -> None:
    """Each cell is what the mapping says; extra columns and notes stay; images are there."""
    report = import_by(FULL, source, tmp_path / "out", copy=copy)
    rows = read_back(tmp_path / "out")
    assert [row["patientid"] for row in rows] == ["P1", "P1", "P2", "P3"]
    assert [row["age"] for row in rows] == ["40", "40.08333333", "x", ""]
    assert [row["sex"] for row in rows] == ["M", "M", "F", "7"]
    assert [row["offset"] for row in rows] == ["4", "0", "", "soon"]
    assert [row["went_icu"] for row in rows] == ["yes", "no", "yes", "no"]
    assert [row["filename"] for row in rows] == ["a.png", "b.png", "c.png", ""]
    assert [row["clinical_notes"] for row in rows] == [str(row["note"]) for row in ROWS]
    assert [row["months"] for row in rows] == [row["months"] for row in ROWS]
    cohort = load_cohort(tmp_path / "out")
    assert (cohort.table["file_status"] == "ok").tolist() == [True, True, True, False]
    assert {"months", "g", "when"} <= {column.name for column in cohort.extra}
    assert (tmp_path / "out" / "images").is_symlink() != copy
    strange = {each.column: set(each.strange) for each in report.columns if each.n_strange}
    assert strange == {"age": {"x"}, "sex": {"7"}, "offset": {"soon"}}
    assert report.images.left == {"no file is named": 1}


def test_run_says_everything_in_import_json(source, tmp_path) -> None:
    """The record names each value that is not understood with its row, and no folder above."""
    import_by(FULL, source, tmp_path / "out")
    text = (tmp_path / "out" / "import.json").read_text()
    record = json.loads(text)
    assert record["columns"]["sex"]["not_understood"] == [{"value": "7", "n_rows": 1, "rows": [5]}]
    assert record["extra_columns"] == {"film": "film", "months": "months", "g": "g", "when": "when"}
    assert record["images"]["n_found"] == 3
    assert str(tmp_path) not in text + (tmp_path / "out" / "import.txt").read_text()


def test_run_keeps_every_cell_of_the_source(tmp_path) -> None:
    """Whatever the mapping, each cell of the source is in the output (random tables)."""
    draw_one = random.Random(5)  # noqa: S311
    names = ["patient", "film", "Age", "view", "filename", "age ", "Notes", "x,y"]
    rows = [
        {name: draw_one.choice(["", "1", "b b", "Ω;,\n", "0x"]) + name[:1] for name in names}
        for _ in range(40)
    ]
    source = tmp_path / "source"
    write_table(source / "films.csv", rows)
    import_by(PLAIN + 'age = { from = "Age", factor = 2 }\nview = "view"', source, tmp_path / "out")
    for row, written in zip(rows, read_back(tmp_path / "out"), strict=True):
        assert {str(cell).strip() for cell in row.values()} <= set(written.values())


def test_run_does_not_depend_on_the_order_of_rows(tmp_path) -> None:
    """Rows in another order give the same rows in that order, days included."""
    order = [2, 0, 3, 1]
    first = make_source(tmp_path / "one", ROWS)
    second = make_source(tmp_path / "two", [ROWS[i] for i in order])
    for source, name in ((first, "a"), (second, "b")):
        import_by(FULL, source, tmp_path / name)
    rows = read_back(tmp_path / "a")
    assert read_back(tmp_path / "b") == [rows[i] for i in order]


def test_run_dry_writes_nothing(source, tmp_path) -> None:
    """A dry run says the same as a real one and leaves no file."""
    before = sorted(tmp_path.rglob("*"))
    dry = Importer(source, name_mapping(FULL)).run_dry()
    assert sorted(tmp_path.rglob("*")) == before
    real = import_by(FULL, source, tmp_path / "out")
    assert [vars(each) for each in dry.columns] == [vars(each) for each in real.columns]


# ---- hostile names


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret", "C:secret", "x\x00y"]
)
def test_find_refuses_names_that_leave_the_source(tmp_path, name) -> None:
    """A cell cannot lead out of the source, nor out of the target."""
    source = tmp_path / "source"
    draw(tmp_path / "secret.png", 1)
    write_table(source / "films.csv", [{"patient": "1", "film": name}])
    text = PLAIN.replace("png/{film}", "{film}") + 'modality = { constant = "X-ray" }'
    report = import_by(text, source, tmp_path / "out", copy=True)
    assert report.images.n_found == 0
    assert [path.name for path in (tmp_path / "out" / "images").rglob("*")] == []
    assert load_cohort(tmp_path / "out").table["file_status"].iloc[0] in ("outside", "no file")


def test_find_refuses_links_out_of_the_source_and_what_is_no_file(tmp_path) -> None:
    """A link may lead to a file of the folder; a pipe or a folder is no image."""
    source = make_source(tmp_path / "source", [{"patient": "1", "film": "a"}])
    draw(tmp_path / "secret.png", 9)
    png = source / "png"
    (png / "out.png").symlink_to(tmp_path / "secret.png")
    (png / "in.png").symlink_to("a.png")
    (png / "folder.png").mkdir()
    os.mkfifo(png / "pipe.png")
    films = ("a", "out", "in", "folder", "pipe")
    write_table(source / "films.csv", [{"patient": "1", "film": film} for film in films])
    report = import_by(PLAIN, source, tmp_path / "out", copy=True)
    assert sorted(p.name for p in (tmp_path / "out" / "images").iterdir()) == ["a.png", "in.png"]
    assert report.images.left == {
        "it is a link that leaves the folder of images": 1,
        "it is not a regular file": 2,
    }


def test_run_never_links_or_copies_dicom(tmp_path) -> None:
    """DICOM under any name is left out; a folder with DICOM files is not linked."""
    source = make_source(tmp_path / "source", [{"patient": "1", "film": "a"}])
    (source / "png" / "b.png").write_bytes(bytes(128) + b"DICM" + b"name of a patient")
    write_table(source / "films.csv", [{"patient": "1", "film": film} for film in "ab"])
    report = import_by(PLAIN, source, tmp_path / "out", copy=True)
    assert [path.name for path in (tmp_path / "out" / "images").iterdir()] == ["a.png"]
    assert report.images.left == {"it is a DICOM file, which is never linked or copied": 1}
    (source / "png" / "c.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(CohortError, match="never linked"):
        import_by(PLAIN, source, tmp_path / "linked")
    assert not (tmp_path / "linked").exists()


def test_find_anywhere_leaves_out_names_that_come_twice(tmp_path) -> None:
    """Two images under one name are not guessed at."""
    source = tmp_path / "source"
    for seed, name in enumerate(("x/a.png", "y/a.png", "y/z/b.png"), start=1):
        draw(source / name, seed)
    write_table(source / "films.csv", [{"patient": "1", "film": film} for film in "ab"])
    text = PLAIN.replace("png/{film}", "{film}").replace("endings", "anywhere = true\nendings")
    report = import_by(text, source, tmp_path / "out")
    assert [row["filename"] for row in read_back(tmp_path / "out")] == ["a.png", "y/z/b.png"]
    assert report.images.left == {"several files have its name": 1}
    assert report.images.n_unnamed == 2


def test_find_tries_endings_and_paths_in_turn(tmp_path) -> None:
    """The first path that is there counts; two rows of one image are counted."""
    source = tmp_path / "source"
    draw(source / "one" / "a.png", 1)
    draw(source / "two" / "b.jpg", 2)
    write_table(source / "films.csv", [{"patient": "1", "film": film} for film in "abb"])
    text = PLAIN.replace('"png/{film}"', '["one/{film}", "two/{film}"]').replace(
        '[".png"]', '[".png", ".jpg"]'
    )
    report = import_by(text, source, tmp_path / "out")
    names = [row["filename"] for row in read_back(tmp_path / "out")]
    assert names == ["one/a.png", "two/b.jpg", "two/b.jpg"]
    assert (report.images.n_found, report.images.n_repeated) == (3, 1)


# ---- what does not fit


def test_importer_names_a_column_that_is_not_there(source) -> None:
    """The line, the key and the nearest column of the source are named."""
    text = PLAIN + 'age = "monts"'
    with pytest.raises(CohortError, match=r"columns\.age reads a column 'monts'.*mean 'months'"):
        Importer(source, name_mapping(text))
    line = text.splitlines().index('age = "monts"') + 1
    with pytest.raises(CohortError, match=rf"own\.toml, line {line}: "):
        Importer(source, name_mapping(text))


def test_importer_refuses_an_unknown_step(source) -> None:
    """Only named steps run; no code comes from a mapping."""
    with pytest.raises(CohortError, match="there are: hannover"):
        Importer(source, name_mapping('step = "os.system"\n' + PLAIN))


def test_run_names_ids_in_two_spellings(tmp_path) -> None:
    """Ids that differ in case, signs or leading zeros are named, and kept apart."""
    ids = ["P-007", "p 7", "P-70", "P_007 ", "q7"]
    rows = [{"patient": each, "film": ""} for each in ids]
    report = import_by(PLAIN, make_source(tmp_path / "source", rows), tmp_path / "out")
    assert report.spellings == [("P-007", "p 7"), ("P-007", "P_007")]
    assert len({row["patientid"] for row in read_back(tmp_path / "out")}) == 5


def test_run_names_tables_that_were_not_read(source, tmp_path) -> None:
    """A second table of the source is not passed over in silence."""
    write_table(source / "labs.csv", [{"patient": "P1", "crp": "5"}])
    assert import_by(PLAIN, source, tmp_path / "out").unread == ["labs.csv"]


# ---- the target


def test_run_refuses_a_target_that_overlaps_the_source(source) -> None:
    """Equal, inside and around are refused before anything is written."""
    for target in (source, source / "in", source.parent, source / "in" / ".." / "x"):
        with pytest.raises(CohortError, match="Name a"):
            import_by(PLAIN, source, target)
    assert {path.name for path in source.iterdir()} == {"films.csv", "png"}


def test_run_refuses_a_target_that_holds_files(source, tmp_path) -> None:
    """A folder in use, a file and a link are left as they are; an empty folder is taken."""
    used = tmp_path / "used"
    used.mkdir()
    (used / "mine").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(used)
    for name in ("used", "file", "link"):
        with pytest.raises(CohortError, match="Name a new folder"):
            import_by(PLAIN, source, tmp_path / name)
    (tmp_path / "empty").mkdir()
    assert import_by(PLAIN, source, tmp_path / "empty").n_rows == 4
    with pytest.raises(CohortError, match="There is no folder"):
        import_by(PLAIN, source, tmp_path / "no" / "where")


def test_run_leaves_no_half_target_and_resumes(source, tmp_path, monkeypatch) -> None:
    """When the disk fills, the target is not there; the same command goes on, another does not."""
    real, copied = importer_module.copy_file, []

    def fail_third(path: Path, target: Path) -> bool:
        if len(copied) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        copied.append(real(path, target))
        return copied[-1]

    monkeypatch.setattr(importer_module, "copy_file", fail_third)
    with pytest.raises(CohortError, match="no space left on the disk"):
        import_by(FULL, source, tmp_path / "out", copy=True)
    assert not (tmp_path / "out").exists()
    assert copied == [True, True]
    monkeypatch.setattr(importer_module, "copy_file", lambda a, b: copied.append(real(a, b)))
    with pytest.raises(CohortError, match="another source, mapping or options"):
        import_by(PLAIN, source, tmp_path / "out", copy=True)
    import_by(FULL, source, tmp_path / "out", copy=True)
    assert copied[2:] == [False, False, True]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "images", "import.json", "import.txt", "metadata.csv",
    ]  # fmt: skip
    assert not list(tmp_path.glob(".*"))


def test_run_gives_the_same_folder_after_a_stop(source, tmp_path, monkeypatch) -> None:
    """A resumed import is byte for byte what one without a stop is."""
    import_by(FULL, source, tmp_path / "whole", copy=True)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(importer_module, "write_report", stop)
        with pytest.raises(KeyboardInterrupt):
            import_by(FULL, source, tmp_path / "stopped", copy=True)
    assert not (tmp_path / "stopped").exists()
    import_by(FULL, source, tmp_path / "stopped", copy=True)
    for path in (tmp_path / "whole").rglob("*"):
        if path.is_file():
            other = tmp_path / "stopped" / path.relative_to(tmp_path / "whole")
            assert other.read_bytes() == path.read_bytes(), path


def test_run_carries_annotations(source, tmp_path) -> None:
    """The folder of annotations comes along, linked or copied."""
    (source / "annotations").mkdir()
    (source / "annotations" / "scores.csv").write_text("x")
    text = 'annotations = "annotations"\n' + PLAIN
    for copy in (False, True):
        target = tmp_path / f"out{copy}"
        import_by(text, source, target, copy=copy)
        assert (target / "annotations" / "scores.csv").read_text() == "x"
