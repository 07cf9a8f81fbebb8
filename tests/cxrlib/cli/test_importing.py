"""Tests of the commands ``import`` and ``join``."""

import json

import numpy as np
from typer.testing import CliRunner

from cxrlib.cli import app
from tests.cohort_factory import draw_image, make_cohort
from tests.dicom_factory import MARKER, make_dataset, write
from tests.source_factory import PLAIN, make_source

ROWS = [{"patient": "1", "film": "a"}, {"patient": "2", "film": "b"}]
runner = CliRunner()


def test_import_writes_a_cohort_that_info_reads(tmp_path) -> None:
    """One command brings a cohort in; info counts it."""
    source = make_source(tmp_path / "source", ROWS)
    mapping = tmp_path / "m.toml"
    mapping.write_text(PLAIN + 'modality = { constant = "X-ray" }\n')
    out = tmp_path / "out"
    done = runner.invoke(app, ["import", str(source), str(out), "--mapping", str(mapping)])
    assert done.exit_code == 0, done.output
    assert "Images: 2 of 2 rows have one, linked." in done.output
    cache = ["--cache", str(tmp_path / "cache")]
    info = runner.invoke(app, ["info", "--data", str(out), "--format", "json", *cache])
    assert json.loads(info.stdout)["n_xray_with_file"] == 2


def test_import_ends_with_3_where_something_is_missing(tmp_path) -> None:
    """A missing image or a value that is not understood is named, and the code says so."""
    source = make_source(tmp_path / "source", ROWS)
    (source / "png" / "b.png").unlink()
    mapping = tmp_path / "m.toml"
    mapping.write_text(PLAIN)
    arguments = ["import", str(source), "--mapping", str(mapping), "--dry-run"]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 3
    assert "row 3 'png/b'" in done.output
    record = json.loads(runner.invoke(app, [*arguments, "--format", "json"]).stdout)
    assert record["images"]["n_found"] == 1


def test_import_names_what_to_do(tmp_path) -> None:
    """Without a way to read the source, with a wrong recipe, without a target."""
    source = make_source(tmp_path / "source", ROWS)
    out = str(tmp_path / "out")
    for arguments, code, said in (
        ([str(source), out], 1, "--suggest proposes a mapping"),
        ([str(source), out, "--recipe", "nix"], 1, "There is no recipe 'nix'"),
        ([str(source), out, "--recipe", "nih"], 1, "Tables in it: films.csv"),
        ([str(source), out, "--mapping", str(tmp_path / "no.toml")], 1, "cannot be read"),
        ([str(tmp_path / "no"), out, "--recipe", "nih"], 1, "There is no folder"),
    ):
        done = runner.invoke(app, ["import", *arguments])
        assert done.exit_code == code
        assert said in done.output
    assert not (tmp_path / "out").exists()


def test_import_takes_a_folder_of_dicom_films(tmp_path) -> None:
    """A dry run writes nothing; the import hides ids; a file that fails is named, with code 3."""
    source = tmp_path / "pacs"
    (source / "deep").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 4096, (64, 64), dtype=np.uint16)
    film = make_dataset(pixels, BitsStored=12, BodyPartExamined="CHEST", ViewPosition="PA")
    (source / "deep" / "film").write_bytes(write(film))
    (source / "notes.txt").write_text("nothing")
    out, key = tmp_path / "out", tmp_path / "key"
    arguments = ["import", str(source), str(out), "--recipe", "dicom", "--key", str(key)]
    dry = runner.invoke(app, [*arguments, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "1 image of 1 patient, from 2 files" in dry.output
    assert not out.exists()
    assert not key.exists()
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert MARKER not in (out / "metadata.csv").read_text() + done.output
    assert key.stat().st_mode & 0o777 == 0o600
    wrong = runner.invoke(app, [*arguments, "--option", "everything"])
    assert "It has assume-chest and keep-raw" in wrong.output
    film.SOPInstanceUID = "1.2.3"
    (source / "cut").write_bytes(write(film)[:-2000])
    again = runner.invoke(app, [*arguments[:2], str(tmp_path / "out2"), *arguments[3:]])
    assert again.exit_code == 3, again.output
    assert "cut: " in again.output


def test_import_suggests_and_writes_no_file_twice(tmp_path) -> None:
    """A proposal is printed, or written to a new file."""
    source = make_source(tmp_path / "source", ROWS)
    printed = runner.invoke(app, ["import", str(source), "--suggest"])
    assert 'file = "png/{film}"' in printed.stdout
    draft = tmp_path / "draft.toml"
    arguments = ["import", str(source), "--suggest", "--mapping", str(draft)]
    assert runner.invoke(app, arguments).exit_code == 0
    assert draft.read_text() == printed.stdout
    assert runner.invoke(app, arguments).exit_code == 1
    done = runner.invoke(app, ["import", str(source), str(tmp_path / "o"), "--mapping", str(draft)])
    assert done.exit_code == 0, done.output


def test_import_lists_recipes() -> None:
    """--recipe list prints them all."""
    done = runner.invoke(app, ["import", ".", "--recipe", "list"])
    assert "figure1: Figure 1 COVID-19 Chest X-rays" in done.output


def test_join_names_persons_of_both(tmp_path) -> None:
    """Two cohorts become one; the person of both is named."""
    one = make_cohort(tmp_path / "one", [{}], images={"image1.png": draw_image(1)})
    two = make_cohort(tmp_path / "two", [{}], images={"image1.png": draw_image(1)})
    cache = ["--cache", str(tmp_path / "cache")]
    both = str(tmp_path / "both")
    done = runner.invoke(app, ["join", str(one), str(two), both, *cache])
    assert done.exit_code == 0, done.output
    assert "1 person with images in more than one cohort." in done.output
    assert runner.invoke(app, ["join", str(one), both, *cache]).exit_code == 2
