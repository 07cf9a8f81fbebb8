"""The commands ``runs`` and ``compare``, and what ``loco`` computes besides."""

import io
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from cxrlib import NOTICE
from cxrlib.baselines.evaluation import PERMUTATIONS, WITHIN, LocoSettings
from cxrlib.baselines.runs import RUN_TABLE_COLUMNS, RunSpec, compare_runs, list_runs, make_run
from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.cli import app, loco, runs as runs_command
from cxrlib.cohort import load_cohort
from cxrlib.reports import gather_parts, make_run_report
from cxrlib.storage import Store, to_records
from tests.run_cohort_factory import make_run_cohort

TASK = ("--task", "survival", "--features", "age-sex", "--resamples", "50")
OTHER = ("--task", "survival; days<=5", "--features", "view", "--resamples", "50")


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


def read_json(result: Result, code: int = 0) -> dict[str, Any]:
    """Read strict JSON."""
    assert result.exit_code == code, result.output

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return dict(json.loads(result.stdout, parse_constant=refuse))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of three regions."""
    folder = tmp_path_factory.mktemp("cli-runs") / "c"
    make_run_cohort(folder)
    return folder


@pytest.fixture(scope="module")
def data(root: Path) -> list[str]:
    """Give the options that name the cohort and its cache, where two runs were made."""
    options = ["--data", str(root), "--cache", str(root.parent / "cache")]
    for words in (TASK, OTHER):
        assert run("loco", *options, *words).exit_code == 0
    return options


def list_ids(data: list[str]) -> list[str]:
    """List the ids of the runs, oldest first."""
    return [each["id"] for each in read_json(run("runs", *data, "--format", "json"))["runs"]]


# ---- runs


def test_runs_lists_all_runs_of_a_cohort(root: Path, data: list[str]) -> None:
    """To read, as CSV and as JSON, by the ids of the log; filtered and sorted."""
    store = Store(root.parent / "cache")
    entries = list_runs(store, load_cohort(root, store=store).fingerprint)
    ids = [entry.id for entry in entries]
    assert list_ids(data) == ids
    shown = run("runs", *data)
    assert shown.exit_code == 0
    assert all(run_id in shown.stdout for run_id in ids)
    table = pd.read_csv(io.StringIO(run("runs", *data, "--format", "csv").stdout), comment="#")
    assert tuple(table.columns) == RUN_TABLE_COLUMNS
    down = run("runs", *data, "--format", "json", "--sort", "task", "--descending")
    assert [e["spec"]["task"] for e in read_json(down)["runs"]] == ["survival; days<=5", "survival"]
    only = read_json(run("runs", *data, "--task", "survival", "--format", "json"))
    assert [each["id"] for each in only["runs"]] == [ids[0]]
    assert (only["n_listed"], only["n_cohort"], only["notice"]) == (1, len(ids), NOTICE)
    assert only["runs"][0]["headlines"] == [each._asdict() for each in entries[0].headlines]
    told = run("runs", *data, "--task", "survival").stderr
    assert "1 run was made on this cohort and task; 1 on this outcome by other definitions" in told


def test_an_empty_list_is_no_success(root: Path, data: list[str], tmp_path: Path) -> None:
    """A cohort without runs, and words that none has: code 1 and a sentence."""
    empty = run("runs", "--data", str(root), "--cache", str(tmp_path))
    assert (empty.exit_code, empty.stdout) == (1, "")
    assert "No run was made on this cohort yet" in empty.stderr
    none = run("runs", *data, "--text", "no-such-words")
    assert (none.exit_code, none.stdout) == (1, "")
    assert "None of the 2 runs" in none.stderr
    assert run("runs", *data, "--sort", "colour").exit_code == 2


def test_a_note_is_written_and_found(data: list[str]) -> None:
    """By the beginning of the id; without control characters."""
    first = list_ids(data)[0]
    noted = run("runs", *data, "--note", f"{first[:6]}=odd \x1b[31m# first", "--text", "odd first")
    assert noted.exit_code == 0
    assert "\x1b" not in noted.output
    table = pd.read_csv(io.StringIO(run("runs", *data, "--format", "csv").stdout), comment="#")
    assert table["note"].tolist()[0] == "odd [31m# first"
    assert run("runs", *data, "--note", "nothing").exit_code == 1
    assert run("runs", *data, "--note", f"{first}=").exit_code == 0


# ---- compare


def test_compare_gives_the_differences_of_the_library(root: Path, data: list[str]) -> None:
    """First minus second on the images that both have, to the last digit."""
    store = Store(root.parent / "cache")
    cohort = load_cohort(root, store=store)
    few = LocoSettings(n_resamples=50)
    specs = (
        RunSpec(find_task("survival"), "age-sex", few),
        RunSpec(read_task("survival; days<=5"), "view", few),
    )
    found = compare_runs(*(make_run(cohort, store, spec) for spec in specs))
    first, second = list_ids(data)
    answer = read_json(run("compare", first[:5], second, *data, "--format", "json"))
    assert found.table is not None
    assert answer["differences"] == to_records(found.table)
    assert answer["images"]["both"] == found.n_both < found.n_first
    assert (answer["first"]["id"], answer["second"]["id"]) == (first, second)
    shown = run("compare", first, second, *data)
    assert "images that both have." in shown.stderr
    assert "pooled" in shown.stdout
    csv = run("compare", first, second, *data, "--format", "csv").stdout
    assert len(pd.read_csv(io.StringIO(csv), comment="#")) == len(found.table)


def test_what_cannot_be_compared_is_refused(data: list[str]) -> None:
    """An id that there is not, and runs of other groups."""
    first = list_ids(data)[0]
    unknown = run("compare", first, "ffff", *data)
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "There is no run 'ffff'" in unknown.stderr
    assert run("loco", *data, *TASK, "--hold-out", "country").exit_code in (0, 3)
    by_country = list_ids(data)[-1]
    refused = run("compare", first, by_country, *data, "--format", "json")
    assert read_json(refused, 1)["reason"]
    assert "holds out" in refused.stderr


def test_compare_takes_the_files_that_runs_were_made_of(
    root: Path, data: list[str], tmp_path: Path
) -> None:
    """Labels, features and a second cohort, as loco takes them; what is missing is named."""
    data = [*data[:3], str(tmp_path / "cache")]
    table = load_cohort(root).table
    ids = pd.DataFrame({"image_id": table["image_id"]})
    numbers = np.random.default_rng(0).normal(size=len(ids))
    ids.assign(x=numbers).to_csv(tmp_path / "x.csv", index=False)
    ids.assign(rel=np.where(numbers > 0, "yes", "no")).to_csv(tmp_path / "rel.csv", index=False)
    labels = ("--labels", str(tmp_path / "rel.csv"))
    task = ("--task", "column=extra:rel", "--resamples", "20", *labels)
    for features in (str(tmp_path / "x.csv"), "view"):
        assert run("loco", *data, *task, "--features", features).exit_code == 0
    pair = list_ids(data)
    for options, words in (
        ([], "was made with the label file 'rel.csv'. Give it too: --labels FILE"),
        (labels, "was made of the feature file 'x.csv', whose numbers are not kept"),
        ([*labels, "--features", str(tmp_path / "rel.csv")], "is not a number"),
    ):
        refused = run("compare", *pair, *data, *options)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert words in refused.stderr
    files = (*labels, "--features", str(tmp_path / "x.csv"))
    assert read_json(run("compare", *pair, *data, *files, "--format", "json"))["differences"]
    assert len(list_ids(data)) == 2  # nothing was made anew
    make_run_cohort(tmp_path / "second", first=100)
    on = ("--test-on", str(tmp_path / "second"))
    for features in ("age-sex", "view"):
        done = run("loco", *data, *TASK[:2], "--features", features, "--resamples", "20", *on)
        assert done.exit_code == 0, done.output
    listed = read_json(run("runs", *data, *on, "--format", "json"))["runs"]
    pair = [each["id"] for each in listed]
    assert len(pair) == 2
    assert "with --test-on DIR2" in run("compare", *pair, *data).stderr
    compared = read_json(run("compare", *pair, *data, *on, "--format", "json"))
    assert compared["images"]["both"] == 96
    strange = run("compare", *pair, *data, *on, *labels)
    assert "--labels 'rel.csv': neither run was made with this file." in strange.stderr


# ---- loco


def test_loco_permutes_shifts_and_reports(root: Path, data: list[str], tmp_path: Path) -> None:
    """One command: p by its words, the report with it, the tables as CSV."""
    out = tmp_path / "out.html"
    checks = ("--null", "12", "--shift", "--report", str(out))
    result = run("loco", *data, *TASK, *checks)
    assert result.exit_code == 0, result.output
    assert "Permutation test: p" in result.stderr
    assert "12 permutations" in result.stderr
    assert "Region shift:" in result.stderr
    page = out.read_text("utf-8")
    assert "Permutation test" in page
    assert "Region shift" in page
    table = pd.read_csv(
        io.StringIO(run("loco", *data, *TASK, "--table", "null").stdout), comment="#"
    )
    assert set(table["n"].dropna()) <= {0, 12}
    assert run("loco", *data, *TASK, "--table", "shift").exit_code == 0
    nowhere = run("loco", *data, *TASK, "--report", str(tmp_path / "no" / "out.html"))
    assert nowhere.exit_code == 1
    assert "The report cannot be written" in nowhere.stderr


def test_places_that_cannot_be_written_are_refused_first(data: list[str], tmp_path: Path) -> None:
    """One file for two things, a folder for a file, a folder with other things in it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scores.csv").write_text("dear\n")
    (tmp_path / "file").write_text("dear\n")
    for options, words in (
        (("--out", str(tmp_path)), "is a folder. Name a file."),
        (("--out", "o.html", "--report", "o.html"), "--out and --report name one file."),
        (("--report", str(tmp_path / "mine")), "holds other files"),
        (("--report", str(tmp_path / "file")), "a file is there"),
        (("--report", ""), "cannot be written to '.'"),
    ):
        refused = run("loco", *data, *TASK, *options)
        assert refused.exit_code in (1, 2)
        assert words in " ".join(refused.stderr.replace("│", " ").split())
        assert refused.stdout == ""
    assert (tmp_path / "mine" / "scores.csv").read_text() == "dear\n"


def test_a_table_that_was_not_computed_says_what_to_do(data: list[str]) -> None:
    """No empty table: the option that computes it."""
    for table, option in (("null", "--null"), ("shift", "--shift")):
        result = run("loco", *data, *OTHER, "--table", table)
        assert (result.exit_code, result.stdout) == (1, "")
        assert option in result.stderr


def test_command_and_report_write_one_document(root: Path, data: list[str]) -> None:
    """The manifest's keys and digits are the command's, but for the hashes of a report's files."""
    answer = read_json(run("loco", *data, *TASK, "--format", "json"))
    store = Store(root.parent / "cache")
    cohort = load_cohort(root, store=store)
    spec = RunSpec(find_task("survival"), "age-sex", LocoSettings(n_resamples=50))
    made = make_run(cohort, store, spec)
    entries = list_runs(store, cohort.fingerprint, spec.task)
    report = make_run_report(made, cohort, entries, more=gather_parts(made, store))
    manifest = json.loads(report["manifest.json"])
    assert list(manifest) == list(answer)
    assert {**manifest, "files": {}} == answer
    assert (answer["schema"], answer["version"]) == ("cxrlib-run", 2)


def test_keys_of_documents_are_described(data: list[str]) -> None:
    """Every key that is written stands in docs/run-json.md."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "run-json.md").read_text("utf-8")
    ids = list_ids(data)
    documents = [
        read_json(run("loco", *data, *TASK, "--format", "json")),
        read_json(run("runs", *data, "--format", "json")),
        read_json(run("compare", *ids[:2], *data, "--format", "json")),
    ]
    keys = {key for document in documents for key in document}
    keys |= set(documents[1]["runs"][0]) | set(documents[0]["predictions"][0])
    keys |= set(documents[0]["run"]) | set(documents[0]["counts"])
    assert {key for key in keys if f"`{key}`" not in text} - {"words"} == set()


def test_words_of_the_commands_are_the_librarys() -> None:
    """Columns, limits and choices are spelled out for the help; they are all there."""
    assert get_args(runs_command.Sort) == RUN_TABLE_COLUMNS
    assert get_args(loco.WithinName) == WITHIN
    assert PERMUTATIONS[1] == loco.MOST_PERMUTATIONS
