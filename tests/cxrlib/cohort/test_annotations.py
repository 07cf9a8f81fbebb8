"""Scores, boxes and masks are read; what is broken is written down."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import BOXES_FILE, MASKS_FOLDER, ProblemLog, find_lung_masks, read_lung_boxes
from cxrlib.cohort.annotations import SCORES_FILE, read_scores
from tests.cohort_factory import make_boxes, make_cohort

NAMES = ["a.png", "b.png", "c.jpg"]


@pytest.fixture
def root(tmp_path) -> Path:
    """Give a folder with annotations of no image."""
    return make_cohort(tmp_path, [])


def read_score_text(root: Path, text: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the scores' file and read it."""
    (root / SCORES_FILE).write_text(text, encoding="utf-8")
    problems = ProblemLog()
    return read_scores(root, NAMES, problems), problems.to_table()


def read_box_content(root: Path, content: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the boxes' file and read it."""
    text = content if isinstance(content, str) else json.dumps(content)
    (root / BOXES_FILE).write_text(text, encoding="utf-8")
    problems = ProblemLog()
    return read_lung_boxes(root, NAMES, problems), problems.to_table()


def test_nothing_there(tmp_path) -> None:
    """Annotations are optional."""
    problems = ProblemLog()
    assert read_scores(tmp_path, NAMES, problems).empty
    assert read_lung_boxes(tmp_path, NAMES, problems).empty
    assert find_lung_masks(tmp_path, NAMES, problems) == {}
    assert problems.to_table().empty


def test_scores(root) -> None:
    """Comment lines come first; columns may lie in another order."""
    text = "## one,,\n## two\n\nopacity_mean, filename ,geographic_mean\n1.5,a.png,3\n,b.png,0.0\n"
    scores, problems = read_score_text(root, text)
    assert problems.empty
    assert scores.loc["a.png"].tolist() == [3.0, 1.5]
    assert scores.loc["b.png", "geographic_mean"] == 0.0
    assert scores.loc["b.png", "opacity_mean"] is pd.NA


def test_broken_scores(root) -> None:
    """Junk, strangers, repeats and values off the scale, each with its row and column."""
    text = (
        "## comment\nfilename,geographic_mean,opacity_mean\na.png,9,x\na.png,1,1\n"
        "stranger.png,1,1\n,2,2\nb.png\nc.jpg,-1,2,extra\n"
    )
    scores, problems = read_score_text(root, text)
    assert scores.index.tolist() == ["a.png", "b.png", "c.jpg"]
    assert scores.loc["a.png"].isna().all()
    assert scores.loc["b.png"].isna().all()
    assert scores.loc["c.jpg", "opacity_mean"] == 2.0
    assert list(zip(problems["row"], problems["column"], problems["value"], strict=True)) == [
        (3, "geographic_mean", "9"),
        (3, "opacity_mean", "x"),
        (4, "filename", "a.png"),
        (5, "filename", "stranger.png"),
        (6, "filename", ""),
        (8, "geographic_mean", "-1"),
    ]


@pytest.mark.parametrize("text", ["", "## only\n", "name,score\na.png,1\n", "PK\x03\x04"])
def test_scores_of_another_form(root, text) -> None:
    """A file without the columns gives no scores and one line."""
    scores, problems = read_score_text(root, text)
    assert scores.empty
    assert len(problems) == 1
    assert "lacks the column" in problems["problem"][0]


def test_scores_that_are_a_folder(root) -> None:
    """What cannot be opened is written down."""
    (root / SCORES_FILE).unlink()
    (root / SCORES_FILE).mkdir()
    problems = ProblemLog()
    assert read_scores(root, NAMES, problems).empty
    assert "cannot be read" in problems.to_table()["problem"][0]


def test_boxes(root) -> None:
    """A box a lung, in pixels of the annotated image."""
    boxes, problems = read_box_content(root, make_boxes(["a.png", "c.jpg"]))
    assert problems.empty
    assert boxes["filename"].tolist() == ["a.png", "a.png", "c.jpg", "c.jpg"]
    assert boxes["side"].tolist()[:2] == ["Right Lung", "Left Lung"]
    assert boxes.loc[1, ["left", "top", "width", "height"]].tolist() == [350, 100, 220, 500]
    assert boxes.loc[1, ["image_width", "image_height"]].tolist() == [640, 800]


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '{"images": 3}', "[" * 100_000])
def test_boxes_of_another_form(root, content) -> None:
    """JSON that is not JSON, or not of this form."""
    boxes, problems = read_box_content(root, content)
    assert boxes.empty
    assert len(problems) == (0 if content == '{"images": 3}' else 1)


@pytest.mark.parametrize(
    "box",
    [
        None,
        "abcd",
        [1, 2, 3],
        [None] * 4,
        [1, 2, 0, 5],
        [1, 2, -3, 5],
        [1, 2, True, 5],
        [1, 2, "3", 5],
        [1, 2, 1e400, 5],
        [1, 2, 10**400, 5],
    ],
)
def test_broken_box(root, box) -> None:
    """A box that is not four numbers with a size is left out; the other lung's stays."""
    content = make_boxes(["a.png"])
    content["annotations"][0]["bbox"] = box
    boxes, problems = read_box_content(root, content)
    assert boxes["side"].tolist() == ["Left Lung"]
    assert problems["problem"].str.contains("'a.png' is not left, top").tolist() == [True]


def test_broken_images_of_boxes(root) -> None:
    """Strangers, ids that cannot be ids, and boxes of no image."""
    content = make_boxes(["a.png", "stranger.png", "b.png"])
    content["images"][2]["id"] = [1]
    content["images"].append({"id": 9, "file_name": "c.jpg", "width": "wide", "height": 5})
    content["annotations"].append({"image_id": {}, "bbox": [1, 2, 3, 4]})
    content["annotations"].append("not an object")
    content["categories"][0]["id"] = {}
    boxes, problems = read_box_content(root, content)
    assert boxes["filename"].tolist() == ["a.png", "a.png"]
    assert boxes["side"].tolist() == ["", "Left Lung"]
    assert problems["problem"].value_counts().to_dict() == {
        "the box belongs to no image": 3,
        "the image lacks an id, file_name or size": 2,
        "the file name is not in the metadata": 1,
    }


def test_masks(tmp_path) -> None:
    """A mask belongs to the image of its name, if there is one and one only."""
    root = make_cohort(tmp_path, [], masks=["a.png", "stranger.png", "twin.png"])
    (root / MASKS_FOLDER / "README.md").write_text("about")
    problems = ProblemLog()
    found = find_lung_masks(root, ["a.png", "a.png", "b.png", "twin.png", "twin.jpg"], problems)
    assert found == {"a.png": f"{MASKS_FOLDER}/a_mask.png"}
    said = problems.to_table()
    assert said["value"].tolist() == ["stranger_mask.png", "twin_mask.png"]
    reasons = ["the mask matches no image", "the mask matches several images"]
    assert said["problem"].tolist() == reasons


def test_real_collection(real_root) -> None:
    """94 scored names of which 93 have a row, boxes of 167 names, 205 masks."""
    names = pd.read_csv(real_root / "metadata.csv", dtype=str)["filename"].tolist()
    problems = ProblemLog()
    assert len(read_scores(real_root, names, problems)) == 93
    boxes = read_lung_boxes(real_root, names, problems)
    assert boxes["filename"].nunique() == 165
    assert len(find_lung_masks(real_root, names, problems)) == 202
    assert len(problems.to_table()) == 7


@pytest.mark.parametrize("category", [[1], {"id": 1}, None, True])
def test_category_that_is_no_id(root, category) -> None:
    """A box of a category that cannot be looked up has no side."""
    content = make_boxes(["a.png"])
    content["annotations"][0]["category_id"] = category
    boxes, _ = read_box_content(root, content)
    assert len(boxes) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("file", [SCORES_FILE, BOXES_FILE, f"{MASKS_FOLDER}/a_mask.png"])
@pytest.mark.parametrize("kind", ["pipe", "device", "secret"])
def test_no_pipe_device_or_link_out(root, tmp_path_factory, file, kind) -> None:
    """None of them is opened: a line says so, and the rest goes on."""
    (root / file).unlink(missing_ok=True)
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("filename,geographic_mean,opacity_mean\na.png,1,1\n")
    if kind == "pipe":
        os.mkfifo(root / file)
    else:
        (root / file).symlink_to("/dev/zero" if kind == "device" else secret)
    problems = ProblemLog()
    assert read_scores(root, NAMES, problems).empty
    assert read_lung_boxes(root, NAMES, problems).empty
    assert find_lung_masks(root, NAMES, problems) == {}
    assert problems.to_table()["problem"].str.contains("regular file|leaves the folder").sum() == 1
