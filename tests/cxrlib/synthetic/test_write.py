"""Tests of the written demo cohort: layout, files, repeatability, refusals."""

import csv
import hashlib
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlib.cohort import load_cohort
from cxrlib.errors import CohortError
from cxrlib.synthetic import generate_demo, write
from cxrlib.synthetic.records import COLUMNS

N_PATIENTS = 24


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """Generate one small demo in this process."""
    root = tmp_path_factory.mktemp("synthetic") / "demo"
    return generate_demo(root, seed=11, n_patients=N_PATIENTS, n_workers=1)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digest(root: Path) -> dict[str, str]:
    """Hash every file of a folder."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_layout_is_that_of_the_real_collection(demo) -> None:
    """Metadata, images, scores, boxes and masks lie where the real ones lie."""
    header = (demo / "metadata.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(COLUMNS)
    names = {path.name for path in (demo / "images").iterdir()}
    rows = read_rows(demo / "metadata.csv")
    xrays = [row for row in rows if row["modality"] == "X-ray"]
    missing = [row["filename"] for row in xrays if row["filename"] not in names]
    assert 1 <= len(missing) <= 4
    masks = list((demo / "annotations" / "lungVAE-masks").iterdir())
    assert masks
    for path in masks:
        assert path.stem.endswith("_mask")
    scores = (demo / "annotations" / "covid-severity-scores.csv").read_text(encoding="utf-8")
    assert "\nfilename,geographic_mean,opacity_mean\n" in scores


def test_boxes_lie_in_their_images(demo) -> None:
    """Boxes are in original pixels, two lungs an image, the right one left in the image."""
    path = demo / "annotations" / "imageannotation_ai_lung_bounding_boxes.json"
    boxes = json.loads(path.read_text(encoding="utf-8"))
    images = {image["id"]: image for image in boxes["images"]}
    assert images
    for image in images.values():
        with Image.open(demo / "images" / image["file_name"]) as file:
            assert file.size == (image["width"], image["height"])
        own = sorted(
            (box["category_id"], box["bbox"])
            for box in boxes["annotations"]
            if box["image_id"] == image["id"]
        )
        assert [category for category, _ in own] == [1, 2]
        assert own[0][1][0] < own[1][1][0]
        for _, (x, y, width, height) in own:
            assert x >= 0
            assert y >= 0
            assert x + width <= image["width"]
            assert y + height <= image["height"]


def test_masks_fit_their_images(demo) -> None:
    """A mask has its image's size and covers a fair part of it."""
    files = {path.stem: path for path in (demo / "images").iterdir()}
    for path in (demo / "annotations" / "lungVAE-masks").iterdir():
        with Image.open(path) as mask, Image.open(files[path.stem[:-5]]) as image:
            assert mask.size == image.size
            share = float((np.asarray(mask) > 0).mean())
        assert 0.12 < share < 0.6


def test_odd_files_are_odd(demo) -> None:
    """The files planted.json calls odd are what it calls them."""
    odd = json.loads((demo / "planted.json").read_text(encoding="utf-8"))["planted"]["odd_files"]
    by_trick = {trick: demo / "images" / name for name, trick in odd.items()}
    assert not by_trick["missing"].exists()
    with Image.open(by_trick["rgba"]) as image:
        assert image.mode == "RGBA"
    with Image.open(by_trick["palette"]) as image:
        assert image.mode == "P"
    with Image.open(by_trick["png named jpg"]) as image:
        assert image.format == "PNG"
    with Image.open(by_trick["truncated"]) as image, pytest.raises(OSError, match="truncated"):
        image.load()


def test_a_copy_shows_the_same_person(demo) -> None:
    """The two files of one person are near-identical; those of others are not."""
    planted = json.loads((demo / "planted.json").read_text(encoding="utf-8"))["planted"]
    first, second = planted["same_person"]["groups"][0]
    rows = read_rows(demo / "metadata.csv")

    def shrink(row: dict[str, str]) -> np.ndarray:
        with Image.open(demo / "images" / row["filename"]) as image:
            return np.asarray(image.convert("L").resize((48, 48)), dtype=float).ravel()

    copy = shrink(next(row for row in rows if row["patientid"] == second))
    own = [row for row in rows if row["patientid"] == first and row["filename"].endswith("-1.jpg")]
    own += [row for row in rows if row["patientid"] == first and "-1." in row["filename"]]
    assert np.corrcoef(copy, shrink(own[0]))[0, 1] > 0.995


def test_true_severity_of_every_image_is_told(demo) -> None:
    """planted-images.csv has a row an X-ray row, with six zones from 0 to 1."""
    truth = read_rows(demo / "annotations" / "planted-images.csv")
    rows = [row for row in read_rows(demo / "metadata.csv") if row["modality"] == "X-ray"]
    assert [row["filename"] for row in truth] == [row["filename"] for row in rows]
    zones = np.array([[float(row[zone]) for zone in list(row)[5:11]] for row in truth])
    assert zones.min() >= 0
    assert zones.max() <= 1


def test_same_bytes_with_two_workers(demo, tmp_path) -> None:
    """The number of processes changes nothing."""
    other = generate_demo(tmp_path / "again", seed=11, n_patients=N_PATIENTS, n_workers=2)
    assert digest(other) == digest(demo)


def test_a_finished_demo_is_kept(demo) -> None:
    """A second call returns at once and touches no file."""
    before = (demo / "metadata.csv").stat().st_mtime_ns
    assert generate_demo(demo, seed=11, n_patients=N_PATIENTS, n_workers=1) == demo
    assert (demo / "metadata.csv").stat().st_mtime_ns == before


def test_a_foreign_folder_is_refused(tmp_path) -> None:
    """A folder with something else in it is left alone, and the message says so."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CohortError, match="not empty and holds no demo cohort"):
        generate_demo(tmp_path, n_patients=N_PATIENTS, n_workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def make_old_demo(root: Path) -> Path:
    """Make a folder that looks like a demo of an earlier version."""
    for name in ("planted.json", "metadata.csv", "images/demo-001-1.jpeg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('{"synthetic": true, "version": 1}', encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "name", ["my-thesis.txt", "images/holiday.jpg", "annotations/notes/1.md", "images.old"]
)
def test_a_demo_with_a_foreign_file_is_refused(tmp_path, name) -> None:
    """An older demo is not replaced while something else lies in its folder."""
    root = make_old_demo(tmp_path / "demo")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("mine", encoding="utf-8")
    with pytest.raises(CohortError, match=rf"'{name.rpartition('/')[0] or name}[^']*', which"):
        generate_demo(root, n_patients=N_PATIENTS, n_workers=1)
    assert (root / name).read_text(encoding="utf-8") == "mine"


def test_a_demo_of_links_is_refused(tmp_path) -> None:
    """A link under a demo's name leads to something of somebody else's."""
    root = make_old_demo(tmp_path / "demo")
    (root / "annotations").symlink_to(tmp_path)
    with pytest.raises(CohortError, match="'annotations', which"):
        generate_demo(root, n_patients=N_PATIENTS, n_workers=1)


def test_another_demo_is_replaced(demo, tmp_path) -> None:
    """A demo of another seed, and all it consists of, makes way."""
    root = tmp_path / "demo"
    shutil.copytree(demo, root)
    planted = json.loads((root / "planted.json").read_text(encoding="utf-8"))
    (root / "planted.json").write_text(json.dumps({**planted, "seed": 12}), encoding="utf-8")
    generate_demo(root, seed=11, n_patients=N_PATIENTS, n_workers=1)
    assert digest(root) == digest(demo)


def test_a_file_is_refused(tmp_path) -> None:
    """A file in the place of the folder gets a message of its own."""
    path = tmp_path / "demo"
    path.write_text("", encoding="utf-8")
    with pytest.raises(CohortError, match="is a file"):
        generate_demo(path, n_patients=N_PATIENTS, n_workers=1)


def test_too_few_patients_are_refused(tmp_path) -> None:
    """Five regions need a minimum of patients."""
    with pytest.raises(CohortError, match=r"3 patients is too small.* at least 24"):
        generate_demo(tmp_path / "demo", n_patients=3)


def test_an_interrupted_run_leaves_nothing(tmp_path) -> None:
    """What was half written is removed, and the folder does not exist."""

    def stop(label: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_demo(tmp_path / "demo", n_patients=N_PATIENTS, n_workers=1, on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def kill_itself(job: object) -> None:
    """End a worker as the system does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_generate_demo_says_what_to_do_where_a_worker_is_killed(tmp_path, monkeypatch) -> None:
    """A sentence, and nothing half written."""
    monkeypatch.setattr(write, "_draw_person", kill_itself)
    with pytest.raises(CohortError, match=r"one of 2 worker processes ended .* run it again"):
        generate_demo(tmp_path / "demo", n_patients=N_PATIENTS, n_workers=2)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_reported(tmp_path) -> None:
    """Progress counts up to the number of files."""
    seen: list[tuple[int, int]] = []

    def note(label: str, done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_demo(tmp_path / "demo", n_patients=N_PATIENTS, n_workers=1, on_progress=note)
    assert seen[0][0] < seen[1][0] < seen[2][0] <= seen[0][1]


def test_the_library_reads_the_demo_and_finds_its_twins(demo) -> None:
    """Loaded as a cohort: no row lost, odd files named, the planted persons merged, no others."""
    cohort = load_cohort(demo)
    assert cohort.is_synthetic
    assert cohort.name == "Demo (synthetic)"
    assert cohort.n_images == len(read_rows(demo / "metadata.csv"))
    groups = cohort.table.groupby("person_id")["patient_id"].unique()
    merged = sorted(sorted(group) for group in groups if len(group) > 1)
    planted = json.loads((demo / "planted.json").read_text(encoding="utf-8"))["planted"]
    assert merged == sorted(sorted(group) for group in planted["same_person"]["groups"])
    assert (cohort.table["file_status"] == "unreadable").sum() == 1
