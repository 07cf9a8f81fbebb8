"""The commands ``loco`` and ``reproduce``: what they write is the library's, to the same digits."""

import csv
import io
import json
import shlex
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from cxrlib import NOTICE
from cxrlib.baselines.evaluation import (
    HOLD_OUTS,
    PAPER_SCORE_COLUMNS,
    PROTOCOLS,
    LocoSettings,
    find_protocol,
)
from cxrlib.baselines.features import features_from_matrix
from cxrlib.baselines.runs import MAX_SEED, RunSpec, make_run
from cxrlib.baselines.runs.run_spec import MAX_RESAMPLES
from cxrlib.baselines.tasks import find_task
from cxrlib.cli import app, loco
from cxrlib.cohort import load_cohort
from cxrlib.reports.run_report import list_predictions
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort

N_IMAGES = 36
TASK = ("--task", "icu-stay", "--resamples", "50")


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of three regions; the image in row 5 has no file."""
    rows: list[dict[str, object]] = [
        {
            "offset": 1 + i % 7,
            "location": ("Lyon, France", "Tokyo, Japan", "Lima, Peru")[i % 3],
            "went_icu": "YN"[i // 3 % 2],
            "sex": "MF"[i % 2],
            "doi": f"10.1000/{i}",
            "filename": "=1+1.png" if i == 0 else f"image{i}.png",
        }
        for i in range(N_IMAGES)
    ]
    images = {str(row["filename"]): draw_image(i) for i, row in enumerate(rows) if i != 4}
    return make_cohort(tmp_path_factory.mktemp("loco") / "c", rows, images=images)


@pytest.fixture(scope="module")
def data(root: Path) -> list[str]:
    """Give the options that name the cohort and its cache."""
    return ["--data", str(root), "--cache", str(root.parent / "cache")]


def read_json(result: Result, exit_code: int = 0) -> dict[str, Any]:
    """Read strict JSON."""
    assert result.exit_code == exit_code, result.output

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return dict(json.loads(result.stdout, parse_constant=refuse))


def read_csv(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Read the lines that say where a table comes from, and the table below."""
    lines = text.splitlines(keepends=True)
    n_header = sum(line.startswith("# ") for line in lines)
    header = [line[2:].rstrip("\n") for line in lines[:n_header]]
    return header, list(csv.DictReader(io.StringIO("".join(lines[n_header:]))))


def write_features(root: Path, name: str, ids: list[str]) -> Path:
    """Write a file of features for images."""
    table = pd.DataFrame({"image_id": ids, "a": [float(i % 5) for i in range(len(ids))]})
    path = root.parent / name
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return path


@pytest.fixture(scope="module")
def image_ids(root: Path) -> list[str]:
    """List the images with a file."""
    table = load_cohort(root).table
    return [str(name) for name in table.loc[table["file_status"] == "ok", "image_id"]]


def test_json_is_the_run_of_the_library(root: Path, data: list[str]) -> None:
    """Scores, folds and predictions to the last digit, the id and the command that repeats it."""
    answer = read_json(run("loco", *data, *TASK, "--features", "age-sex", "--format", "json"))
    store = Store(root.parent / "cache")
    spec = RunSpec(find_task("icu-stay"), "age-sex", LocoSettings(n_resamples=50))
    found = make_run(load_cohort(root, store=store), store, spec)
    assert found.was_stored
    assert (answer["run"]["id"], answer["run"]["command"]) == (found.id, spec.to_command())
    for name in ("scores", "folds", "predictions"):
        table = list_predictions(found) if name == "predictions" else getattr(found, name)
        assert [list(row) for row in answer[name][:1]] == [list(table.columns)]
        for written, own in zip(answer[name], table.to_dict("records"), strict=True):
            for key, value in own.items():
                assert written[key] is None if pd.isna(value) else written[key] == value
    assert {row["features"] for row in answer["shortcuts"]} == {
        *("view", "source", "recorded", "age-sex")
    }
    assert answer["notice"] == NOTICE
    assert answer["protocol"]["name"] == "corrected"
    assert answer["cohort"]["fingerprint"] == found.result.rows.cohort.fingerprint
    assert answer["run"]["spec"]["estimator"] == answer["protocol"]["estimator"] == "linear"
    assert answer["protocol"]["model"].startswith(
        "Logistic regression with an L2 penalty, C chosen"
    )
    assert answer["flow"][-1]["n_images"] == N_IMAGES - 1


def test_the_command_of_a_run_repeats_it(data: list[str]) -> None:
    """What stands under "command" gives the same run, but for its folder."""
    options = ["--protocol", "published", "--hold-out", "country", "--strict", "--seed", "7"]
    options += ["--features", "view", "--where", "region=Asia,Europe"]
    first = read_json(run("loco", *data, *TASK, *options, "--format", "json"))
    words = shlex.split(first["run"]["command"])[3:]
    place = words.index("--data")
    again = read_json(run(*words[:place], *data, *words[place + 2 :]))
    assert again == first
    assert {row["fold"] for row in first["folds"]} == {"France", "Japan"}
    spec = first["run"]["spec"]
    assert spec["where"] == "region=Asia,Europe"
    assert (spec["seed"], spec["is_strict"], spec["n_resamples"]) == (7, True, 50)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "oracle"], "There is no model 'oracle'. There are linear, forest"),
        (["--model", "linear:0"], "must be a number from 1e-06"),
        (["--model", "forest", "--protocol", "published"], "fits the paper's models only"),
        (["--model", "forest", "--features", "pixels"], "learnt by the paper's network only"),
        (["--model", "own:SVC()#0123abcd"], "was given in Python"),
    ],
)
def test_loco_refuses_a_model_that_cannot_be_used(
    data: list[str], options: list[str], words: str
) -> None:
    """Each with a sentence, and nothing is written."""
    features = [] if "--features" in options else ["--features", "age-sex"]
    result = run("loco", *data, *TASK, *features, *options)
    assert result.exit_code == 1, result.output
    assert not result.stdout
    assert words in " ".join(result.stderr.split())


def test_loco_names_the_model_in_the_header_of_a_table(data: list[str]) -> None:
    """Of a model that was asked for by name."""
    result = run("loco", *data, *TASK, "--features", "age-sex", "--model", "neighbours")
    header, rows = read_csv(result.stdout)
    assert any(line.startswith("Model: k nearest neighbours") for line in header)
    assert rows


def test_csv_is_a_table_that_says_where_it_comes_from(data: list[str]) -> None:
    """One table of the run; protocol, features, filters and versions stand above it."""
    options = ("loco", *data, *TASK, "--features", "view")
    answer = read_json(run(*options, "--format", "json"))
    for table in ("scores", "folds", "predictions", "shortcuts", "flow"):
        result = run(*options, "--table", table)
        assert result.exit_code == 0, result.output
        header, rows = read_csv(result.stdout)
        assert header[0] == NOTICE
        told = "\n".join(header)
        for words in (
            answer["cohort"]["fingerprint"],
            answer["run"]["id"],
            "Protocol: corrected.",
            "numpy",
        ):
            assert words in told
        assert len(rows) == len(answer[table])
        assert set(rows[0]) <= set(answer[table][0])
    assert not any(
        row["image_id"].startswith("=")
        for row in read_csv(run(*options, "--table", "predictions").stdout)[1]
    )


def test_the_published_table_stands_beside(data: list[str]) -> None:
    """Baseline prevalence as published has its lines; the reader's own feature sets none."""
    options = ("loco", *data, *TASK, "--protocol", "published", "--table", "published")
    _, rows = read_csv(run(*options, "--features", "prevalence").stdout)
    assert list(rows[0]) == list(PAPER_SCORE_COLUMNS)
    assert {row["verdict"] for row in rows} == {"agrees", "different cohort"}
    assert {row["n_task_images_paper"] for row in rows} == {"44"}
    empty = run(*options, "--features", "view")
    assert read_csv(empty.stdout)[1] == []
    assert empty.exit_code == 3
    assert "The table 'published' of this run is empty." in empty.stderr


@pytest.mark.parametrize("name", ["mine.parquet", "mine.csv"])
def test_a_file_of_features_is_scored(
    root: Path, data: list[str], image_ids: list[str], name: str
) -> None:
    """As a matrix aligned to image ids is; images it does not have are named, with code 3."""
    path = write_features(root, name, image_ids[1:])
    result = run("loco", *data, *TASK, "--features", str(path), "--format", "json")
    answer = read_json(result, exit_code=3)
    assert f"Not used: {image_ids[0]}" in result.stderr
    assert answer["features"]["missing"].keys() == {image_ids[0]}
    assert str(root.parent) not in result.stdout
    assert f"--features {name} " in answer["run"]["command"]

    matrix = [[float(i % 5)] for i in range(len(image_ids) - 1)]
    numbers = features_from_matrix(matrix, image_ids[1:], ["a"], "mine")
    store = Store(root.parent / "other-cache")
    spec = RunSpec(find_task("icu-stay"), "mine", LocoSettings(n_resamples=50))
    found = make_run(load_cohort(root), store, spec, features=numbers)
    written = [(row["image_id"], row["value"]) for row in answer["predictions"]]
    assert written == list(
        found.predictions[["image_id", "value"]].itertuples(index=False, name=None)
    )
    whole = write_features(root, f"whole-{name}", image_ids)
    assert run("loco", *data, *TASK, "--features", str(whole)).exit_code == 0


def test_a_result_is_written_to_a_file(data: list[str], tmp_path: Path) -> None:
    """The same bytes as on standard output, which stays empty."""
    loco_words = ("loco", *data, *TASK, "--features", "view")
    reproduce_words = ("reproduce", *data, "--task", "survival", "--features", "outputs")
    for words in ((*loco_words, "--format", "json"), reproduce_words):
        out = tmp_path / words[0]
        result = run(*words, "--out", str(out))
        # No set of the reproduction could run here: that is no success.
        code = 3 if words[0] == "reproduce" else 0
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert out.read_bytes().decode() == run(*words).stdout


def test_notes_and_runs_are_told(data: list[str]) -> None:
    """How many runs were made stands on standard error, with what must be known."""
    result = run("loco", *data, *TASK, "--features", "source")
    assert "made on this cohort and task." in result.stderr


def test_what_cannot_be_is_refused_in_a_line(root: Path, data: list[str], tmp_path: Path) -> None:
    """Code 1 for what is not there, 2 for what is not understood; nothing is written."""
    out = tmp_path / "nothing.csv"
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no table")
    for words in (
        ("--task", "icu"),
        ("--task", "column=location"),
        ("--task", "opacity"),
        ("--task", "icu-stay", "--where", "region=Atlantis"),
        ("--task", "icu-stay", "--features", "no-such-set"),
        ("--task", "icu-stay", "--features", "outputs"),
        ("--task", "icu-stay", "--features", str(broken)),
        ("--task", "icu-stay", "--features", "gone.parquet"),
    ):
        result = run("loco", *data, *words, "--out", str(out))
        assert result.exit_code == 1, (words, result.output)
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("Error: ")
        assert not out.exists()
    for words in (
        ("--protocol", "best"),
        ("--hold-out", "hospital"),
        ("--resamples", "-1"),
        ("--out", str(tmp_path / "no" / "folder.csv")),
    ):
        assert run("loco", *data, "--task", "icu-stay", *words).exit_code == 2, words
    assert run("reproduce", *data, "--task", "icu").exit_code == 1
    assert run("reproduce", *data, "--features", "view").exit_code == 1


def test_loco_takes_the_extractor_that_embed_takes(
    root: Path, data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the network's weights both take texture; with them both take the network."""
    monkeypatch.setattr("cxrlib.notebook.extraction.find_weights", lambda _: None)
    monkeypatch.setattr("cxrlib.embedding.extractors.find_weights", lambda _: None)
    data = [*data[:3], str(root.parent / "embedded")]
    assert run("embed", *data).exit_code == 0
    result = run("loco", *data, *TASK, "--format", "json")
    assert read_json(result)["features"]["name"] == "texture:outputs"
    assert "so the texture outputs were used" in result.stderr
    monkeypatch.setattr("cxrlib.embedding.extractors.find_weights", lambda _: Path("weights.pt"))
    result = run("loco", *data, *TASK)
    assert result.exit_code == 1
    assert (
        "Feature set 'outputs' needs embeddings of extractor 'densenet121-res224-all'"
        in result.stderr
    )


def test_loco_takes_embedding_and_intermediate_for_one_set(root: Path, data: list[str]) -> None:
    """Two words, one run: links and records made with the old one stay valid."""
    data = [*data[:3], str(root.parent / "embedded")]
    assert run("embed", *data, "--extractor", "texture").exit_code == 0
    old, new = (
        read_json(run("loco", *data, *TASK, "--features", f"texture:{word}", "--format", "json"))
        for word in ("intermediate", "embedding")
    )
    assert [new["run"][name] for name in ("id", "command")] == [
        old["run"][name] for name in ("id", "command")
    ]
    assert new["features"]["title"].startswith("Embedding of Simple texture")


def test_reproduce_stands_beside_each_printed_score(data: list[str]) -> None:
    """JSON has both cohorts' counts, verdicts, and what could not run with what to do."""
    options = ("reproduce", *data, "--features", "prevalence", "--features", "embedding")
    options += ("--task", "icu-stay", "--task", "opacity")
    answer = read_json(run(*options, "--format", "json"))
    assert answer["protocol"] == "published"
    assert sum(answer["verdicts"].values()) == len(answer["scores"])
    assert {each["features"] for each in answer["not_run"]} == {"intermediate", "prevalence"}
    assert all(
        each["reason"] and each.keys() == {"task", "features", "reason", "advice"}
        for each in answer["not_run"]
    )
    icu = [row for row in answer["scores"] if (row["task"], row["run"] != "") == ("icu-stay", True)]
    assert {row["n_images_paper"] for row in icu} == {10, 28, 38}
    assert all(row["ours"] == 0.5 for row in icu if row["metric"] == "auroc")

    result = run(*options, "--table", "counts")
    header, rows = read_csv(result.stdout)
    assert header[0] == NOTICE
    assert len(rows) == len(answer["counts"])
    assert any(line.startswith("Not run: ") for line in header)
    assert answer["summary"] in result.stderr


def test_the_commands_words_are_the_librarys() -> None:
    """Protocols, holdings-out and limits are spelled out for the help; they are all there."""
    assert get_args(loco.ProtocolName) == tuple(protocol.name for protocol in PROTOCOLS)
    assert all(find_protocol(name) for name in get_args(loco.ProtocolName))
    words = " ".join(run("loco", "--help").output.split())
    assert all(name in words for name in (*HOLD_OUTS, "column:NAME", "persons:5"))
    assert (loco.LARGEST_SEED, loco.MOST_RESAMPLES) == (MAX_SEED, MAX_RESAMPLES)
