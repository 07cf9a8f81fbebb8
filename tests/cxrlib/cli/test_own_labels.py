"""The command line on labels and groups of one's own: the library's digits, and its sentences."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from cxrlib.cli import app
from cxrlib.notebook import evaluate_loco, load_cohort
from tests.own_cohort_factory import make_own_cohort

FEW = ("--features", "age-sex", "--resamples", "20")
LATER = ("--task", "column=extra:Later")


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two cohorts with columns of their own, and one without places."""
    folder = tmp_path_factory.mktemp("own")
    make_own_cohort(folder / "a", n_images=60, seed=1)
    make_own_cohort(folder / "b", n_images=48, seed=2, prefix="q")
    make_own_cohort(folder / "c", n_images=40, seed=3, has_places=False)
    return folder


def loco(folder: Path, name: str, *words: str) -> Result:
    """Run the command on one of the cohorts."""
    data = ("--data", str(folder / name), "--cache", str(folder / "cache"))
    return run("loco", *data, *FEW, *words)


def read(result: Result) -> dict[str, Any]:
    """Read what was written as JSON."""
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_info_lists_extra_columns(folder: Path) -> None:
    """Each with its type and values, as text and as JSON."""
    data = ("--data", str(folder / "a"), "--cache", str(folder / "cache"))
    result = run("info", *data)
    assert "Extra column 'Later': yes/no: no 30, yes 30" in result.stdout
    assert "Extra column 'crp': number: 60 rows with a value" in result.stdout
    assert "Later" not in result.stderr  # an extra column is no problem
    answer = json.loads(run("info", *data, "--format", "json").stdout)
    assert {each["name"]: each["kind"] for each in answer["extra_columns"]}["empty"] == "empty"


@pytest.mark.parametrize("hold_out", ["column:site", "persons:4", "persons:4x2"])
def test_loco_on_own_labels_is_the_run_of_the_library(folder: Path, hold_out: str) -> None:
    """The same id and scores from command and notebook; the command that is written repeats it."""
    answer = read(loco(folder, "a", *LATER, "--hold-out", hold_out, "--format", "json"))
    assert answer["run"]["spec"]["hold_out"] == hold_out
    assert f"--hold-out {hold_out}" in answer["run"]["command"]
    cohort = load_cohort(folder / "a", cache=folder / "cache")
    mine = evaluate_loco(
        cohort, "column=extra:Later", features="age-sex", hold_out=hold_out, resamples=20
    )
    assert mine.run.id == answer["run"]["id"]
    assert mine.run.was_stored
    pooled = [row["value"] for row in answer["scores"] if row["fold"] == "pooled"]
    assert pooled == mine.scores.loc[mine.scores["fold"] == "pooled", "value"].tolist()


def test_loco_takes_a_file_of_labels(folder: Path) -> None:
    """What does not match is counted and named; the name of the file is in the command."""
    table = pd.DataFrame({"patientid": [f"p{i:03d}" for i in range(58)]})
    table["dead"] = ["yes" if i % 3 else "no" for i in range(58)]
    file = folder / "labels.csv"
    pd.concat([table, pd.DataFrame({"patientid": ["p00x"], "dead": ["no"]})]).to_csv(
        file, index=False
    )
    words = ("--task", "column=extra:dead", "--labels", str(file), "--hold-out", "persons:3")
    answer = read(loco(folder, "a", *words, "--format", "json"))
    assert "1 of 59 patient ids in it matches no image of the cohort: 'p00x'" in answer["notes"][0]
    assert "--labels labels.csv" in answer["run"]["command"]
    assert answer["run"]["spec"]["labels"] == "labels.csv"
    cohort = load_cohort(folder / "a", cache=folder / "cache")
    arguments = {"features": "age-sex", "hold_out": "persons:3", "resamples": 20}
    mine = evaluate_loco(cohort, "column=extra:dead", labels=file, **arguments)
    assert mine.run.id == answer["run"]["id"]
    in_memory = evaluate_loco(cohort, "column=extra:dead", labels=table, **arguments)
    pd.testing.assert_frame_equal(in_memory.scores, mine.scores)


def test_loco_trains_on_one_cohort_and_tests_on_another(folder: Path) -> None:
    """The second is the one group; the notebook's run is the same."""
    words = ("--test-on", str(folder / "b"), "--format", "json")
    answer = read(loco(folder, "a", *LATER, *words))
    scored = {row["fold"] for row in answer["folds"] if row["is_scored"]}
    assert (scored, answer["run"]["spec"]["hold_out"]) == ({"b"}, "cohort:b")
    assert "--test-on DIR2" in answer["run"]["command"]
    first, second = (load_cohort(folder / name, cache=folder / "cache") for name in "ab")
    mine = evaluate_loco(
        first, "column=extra:Later", features="age-sex", test_on=second, resamples=20
    )
    assert mine.run.id == answer["run"]["id"]
    header = loco(folder, "a", *LATER, "--test-on", str(folder / "b")).stdout
    assert "Evaluation: trained on the first cohort, tested on cohort b." in header


REFUSED: list[tuple[str, tuple[str, ...], int, str]] = [
    ("a", ("--task", "column=extra:empty"), 1, "has no value in any row"),
    ("a", ("--task", "column=extra:const"), 1, "have the label 'yes', so there is nothing"),
    ("a", ("--task", "column=extra:Latter"), 1, "Did you mean 'Later'"),
    ("c", LATER, 1, "has a region recorded, so none can be held out. Hold out parts"),
    ("a", (*LATER, "--hold-out", "column:nope"), 1, "no column 'nope' to hold out by"),
    ("a", (*LATER, "--hold-out", "persons:1"), 2, "persons:5"),
    ("a", (*LATER, "--labels", "gone.csv"), 1, "cannot be read"),
    ("a", (*LATER, "--hold-out", "column:copy"), 3, "No score can be given"),
]


@pytest.mark.parametrize(("name", "words", "code", "sentence"), REFUSED)
def test_loco_never_ends_well_with_an_empty_answer(
    folder: Path, name: str, words: tuple[str, ...], code: int, sentence: str
) -> None:
    """Each fault has its code and its sentence."""
    result = loco(folder, name, *words)
    assert result.exit_code == code, result.output
    # Typer breaks lines within its box.
    assert sentence in " ".join(result.stderr.replace("│", " ").split())


def test_loco_says_that_a_column_gives_the_label_away(folder: Path) -> None:
    """It stands on standard error, and among the notes of the file."""
    result = loco(folder, "a", *LATER, "--hold-out", "persons:4")
    sentence = "“copy” gives the label away: AUROC 1.00 alone (60 images)."
    assert sentence in result.stderr
    assert sentence in result.stdout
