"""The command ``features``, and what the commands ``loco`` and ``map`` do with sets and sums."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from cxrlib.cli import app
from cxrlib.notebook import evaluate_loco, load_cohort, store_features
from tests.cohort_factory import draw_image, make_cohort

N_IMAGES = 36
TASK = ("--task", "icu-stay", "--resamples", "50")


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of three regions, whose last two images have no picture."""
    rows: list[dict[str, object]] = [
        {
            "offset": 1 + i % 7,
            "location": ("Lyon, France", "Tokyo, Japan", "Lima, Peru")[i % 3],
            "went_icu": "YN"[i // 3 % 2],
            "view": ("PA", "AP")[i // 2 % 2],
            "sex": "MF"[i % 2],
            "age": 30 + i,
            "doi": f"10.1000/{i}",
        }
        for i in range(N_IMAGES)
    ]
    images = {f"image{i}.png": draw_image(i) for i in range(1, N_IMAGES - 1)}
    root = make_cohort(tmp_path_factory.mktemp("own") / "c", rows, images=images)
    table = pd.DataFrame(np.random.default_rng(2).normal(size=(N_IMAGES, 2)), columns=["a", "b"])
    table.insert(0, "image_id", [f"image{i}.png" for i in range(1, N_IMAGES + 1)])
    table.to_csv(root.parent / "own.csv", index=False)
    return root


@pytest.fixture(scope="module")
def data(root: Path) -> list[str]:
    """Give the options that name the cohort and its cache."""
    return ["--data", str(root), "--cache", str(root.parent / "cache")]


def test_features_are_added_listed_used_and_removed(root: Path, data: list[str]) -> None:
    """The day of a set: commands and library give the same digits of it."""
    file, cache = str(root.parent / "own.csv"), data[2:]
    added = run("features", "add", file, "--name", "own", *data, "--format", "json")
    assert added.exit_code == 0, added.output
    counts = json.loads(added.stdout)
    assert (counts["columns"], counts["images of the cohort"]) == (2, N_IMAGES)
    assert counts["without a picture"] == 2
    assert "own: 2 columns of own (features from outside)" in run("features", "list", *cache).stdout
    listed = json.loads(run("features", "list", *cache, "--format", "json").stdout)
    assert [each["name"] for each in listed["sets"]] == ["own"]
    mapped = run("map", "--extractor", "own", "--method", "pca", *data, "--format", "json")
    assert mapped.exit_code == 0, mapped.output
    assert json.loads(mapped.stdout)["n_on_map"] == N_IMAGES
    scores = run("loco", *TASK, "--features", "own+age-sex", *data, "--format", "json")
    answer = json.loads(scores.stdout)
    assert sum(fold["n_images"] for fold in answer["folds"]) == N_IMAGES
    cohort = load_cohort(root, cache=root.parent / "cache")
    ours = evaluate_loco(cohort, "icu-stay", features="own+age-sex", resamples=50)
    assert ours.run.id == answer["run"]["id"]
    removed = run("features", "remove", "own", *cache)
    assert removed.exit_code == 0
    assert "Removed own (36 rows)" in removed.stderr
    assert "No stored feature sets" in run("features", "list", *cache).stderr
    gone = run("loco", *TASK, "--features", "own", *data)
    assert gone.exit_code == 1
    assert "There is no feature set 'own'" in gone.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("features", "add", "none.csv", "--name", "x"), "there is no such file"),
        (("features", "add", "FILE", "--name", "view"), "means another feature set"),
        (("features", "add", "FILE", "--name", "a\x1b[2J"), "cannot be called"),
    ],
)
def test_features_add_says_what_is_wrong(
    root: Path, data: list[str], arguments: tuple[str, ...], words: str
) -> None:
    """One line on standard error, exit code 1, no control signs."""
    file = str(root.parent / "own.csv")
    result = run(*(file if each == "FILE" else each for each in arguments), *data)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "\x1b" not in result.stderr


def test_features_remove_names_what_there_is(data: list[str]) -> None:
    """An unknown set is refused."""
    result = run("features", "remove", "../x", *data[2:])
    assert result.exit_code == 1
    assert "There is no stored feature set '../x'" in result.stderr


def test_map_refuses_an_unknown_extractor_as_usage(data: list[str]) -> None:
    """What there is stands in the message."""
    result = run("map", "--extractor", "nonsense", *data)
    assert result.exit_code == 2
    assert "texture" in result.stderr


def test_loco_prints_what_the_image_adds(root: Path, data: list[str]) -> None:
    """A sentence a baseline on standard error, the table on request, all of it in JSON."""
    file = str(root.parent / "own.csv")
    result = run("loco", *TASK, "--features", file, *data, "--table", "image-adds")
    assert result.exit_code == 0, result.output
    assert "Beyond all shortcuts these features" in result.stderr
    assert "Beyond age and sex these features" in result.stderr
    body = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    assert body[0].startswith("beyond,fold,metric,difference,low,high")
    answer = json.loads(run("loco", *TASK, "--features", file, *data, "--format", "json").stdout)
    assert {row["beyond"] for row in answer["more"]["image-adds"]} == {
        "all shortcuts",
        "age and sex",
    }
    assert "unaltered" not in answer["more"]
    none = run("loco", *TASK, "--features", "view", *data, "--table", "image-adds")
    assert none.exit_code == 1
    assert "do not use the image" in none.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--erase", "view"), "View erased"),
        (("--match", "view"), "Classes matched by view"),
        (
            ("--erase", "source+age-sex", "--match", "view"),
            "Source and age and sex erased, classes",
        ),
    ],
)
def test_loco_takes_a_shortcut_away(
    root: Path, data: list[str], options: tuple[str, ...], words: str
) -> None:
    """The setting stands in the header, the command, the notes; the unaltered score beside it."""
    file = str(root.parent / "own.csv")
    result = run("loco", *TASK, "--features", file, *options, *data, "--table", "unaltered")
    assert result.exit_code == 0, result.output
    assert f"{words}" in result.stderr
    header = [line for line in result.stdout.splitlines() if line.startswith("#")]
    assert any(" ".join(options[:2]) in line for line in header)
    assert any(line.startswith("# Protocol: corrected, ") for line in header)
    plain = run("loco", *TASK, "--features", file, *data, "--table", "unaltered")
    assert plain.exit_code == 1
    assert "nothing was taken away" in plain.stderr


@pytest.mark.parametrize("option", [("--erase", "nonsense"), ("--match", "age-sex")])
def test_loco_names_shortcuts_that_can_be_taken_away(
    data: list[str], option: tuple[str, str]
) -> None:
    """An unknown one is refused before anything is computed."""
    result = run("loco", *TASK, "--features", "view", *option, *data)
    assert result.exit_code == 1
    assert "Choose from view, source" in result.stderr


def test_store_features_takes_frames_and_matrices(root: Path) -> None:
    """A frame's index names the images; the set is then one like any other."""
    cohort = load_cohort(root, cache=root.parent / "cache")
    frame = pd.read_csv(root.parent / "own.csv", index_col="image_id")
    own = store_features(cohort, "frame", frame)
    np.testing.assert_array_equal(own.outputs, frame.to_numpy(dtype=np.float32))
    made = evaluate_loco(cohort, "icu-stay", features=own, resamples=0)
    assert made.run.spec.features == "frame"
    assert made.compute_image_adds().noun == "These features"
    again = store_features(cohort, "matrix", frame.to_numpy(), image_ids=list(frame.index))
    assert again.info.output_names == ("column 1", "column 2")
