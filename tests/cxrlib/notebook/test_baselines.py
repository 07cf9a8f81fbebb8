"""Runs of a notebook are those of the library, the command and the page."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from typer.testing import CliRunner

import cxrlib as cxr
from cxrlib.baselines.evaluation import LocoSettings
from cxrlib.baselines.runs import RunSpec, make_run
from cxrlib.baselines.tasks import read_task
from cxrlib.cli import app
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import ReportError, SelectionError
from cxrlib.notebook import LocoRun
from cxrlib.storage import Store


@pytest.fixture(scope="module")
def run(demo: Cohort, outputs: EmbeddingSet) -> LocoRun:
    """Evaluate ICU stay on the outputs."""
    return cxr.evaluate_loco(demo, "icu-stay", features=outputs, resamples=100)


def test_evaluate_loco_gives_the_run_of_the_library(demo: Cohort, run: LocoRun) -> None:
    """The same id and tables, bit for bit."""
    assert demo.cache is not None
    settings = LocoSettings(n_resamples=100)
    spec = RunSpec(read_task("icu-stay"), "texture:outputs", settings)
    ours = make_run(demo, Store(demo.cache), spec)
    assert run.run.id == ours.id
    pd.testing.assert_frame_equal(run.scores, ours.scores)
    pd.testing.assert_frame_equal(run.folds, ours.folds)
    pd.testing.assert_frame_equal(run.predictions, ours.predictions)
    pd.testing.assert_frame_equal(run.shortcuts, ours.shortcut_scores)
    pd.testing.assert_frame_equal(run.flow, ours.flow)
    assert set(ours.notes) <= set(run.notes)
    assert ours.n_runs == 1


def test_evaluate_loco_gives_the_digits_of_the_command(demo: Cohort, run: LocoRun) -> None:
    """By the name of the set; a run made twice is one run."""
    words = ["loco", "--data", str(demo.root), "--cache", str(demo.cache), "--task", "icu-stay"]
    words += ["--features", "texture:outputs", "--resamples", "100", "--format", "json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["run"]["id"], answer["counts"]["task"]) == (run.run.id, 1)
    theirs = pd.DataFrame(answer["scores"])["value"].astype(float)
    pd.testing.assert_series_equal(theirs, run.scores["value"], check_exact=True)


def test_evaluate_loco_finds_what_was_planted(run: LocoRun) -> None:
    """Each region has a score or a reason, never a bare number."""
    scores = run.scores
    assert {"Europe", "Asia", "Americas", "mean", "pooled"} <= set(scores["fold"])
    assert (scores["value"].notna() | (scores["reason"] != "")).all()
    assert (scores.loc[scores["low"].isna(), "reason"] != "").all()


def test_evaluate_loco_takes_every_choice(demo: Cohort, outputs: EmbeddingSet) -> None:
    """Protocol, what is held out, guards, filters, seed; the name of any set."""
    other = cxr.evaluate_loco(
        demo,
        "column=survival; views=PA,AP",
        features="view",
        protocol="published",
        hold_out="country",
        strict=True,
        where="day=..6",
        seed=3,
        resamples=0,
        estimator="paper",
    )
    settings = other.run.spec.settings
    assert (settings.protocol.name, settings.hold_out, settings.is_strict) == (
        "published",
        "country",
        True,
    )
    assert (settings.seed, settings.n_resamples, other.run.spec.where) == (3, 0, "day=..6")


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        ("icu", {}, "Did you mean 'icu-stay'|There are covid-19"),
        ("icu-stay", {"features": "mood"}, "Choose embedding, outputs"),
        ("icu-stay", {"features": "outputs"}, "the cache has none"),
        ("icu-stay", {"protocol": "best"}, "There are published, corrected"),
        ("icu-stay", {"hold_out": "hospital"}, "Choose one of region"),
        ("icu-stay", {"where": "view=XX"}, "The cohort has"),
        ("icu-stay", {"estimator": "oracle"}, "There are linear, forest"),
        ("icu-stay", {"estimator": LinearRegression()}, "is a regressor; the task predicts"),
        (
            "column=age; days=any",
            {"estimator": SVC()},
            "is a classifier; the task predicts a number",
        ),
        (
            "icu-stay",
            {"estimator": SVC(), "protocol": "published"},
            "fits the paper's models only",
        ),
    ],
)
def test_evaluate_loco_rejects_what_there_is_not(
    demo: Cohort, task: str, options: dict[str, Any], words: str
) -> None:
    """Each message names what there is."""
    with pytest.raises(SelectionError, match=words):
        cxr.evaluate_loco(demo, task, **{"features": "view", **options})


def test_evaluate_loco_takes_an_estimator_of_ones_own(
    demo: Cohort, outputs: EmbeddingSet, run: LocoRun, tmp_path: Path
) -> None:
    """With intervals, in the run log, compared, permuted and in a report, by its name."""
    estimator = make_pipeline(PCA(5), LogisticRegression())
    options = {"features": outputs, "resamples": 100, "estimator": estimator}
    own = cxr.evaluate_loco(demo, "icu-stay", **options)
    assert own.model.startswith("Pipeline(")
    assert own.scores["low"].notna().any()
    assert own.run.id != run.run.id
    assert cxr.evaluate_loco(demo, "icu-stay", **options).run.was_stored
    # View has fewer columns than the five that it asks for.
    assert any("'view' was not run: The model cannot be fitted to it" in n for n in own.notes)
    comparison = cxr.compare_runs(own, run)
    assert comparison.table is not None
    assert any("The models differ: Pipeline(" in remark for remark in comparison.remarks)
    assert own.compute_null(n=2).n_done == 2
    own.save_report(tmp_path / "own.html")
    page = (tmp_path / "own.html").read_text()
    assert "This call in Python gives exactly the same numbers" in page
    assert "Pipeline(" in page
    assert own.model in own._repr_html_().replace("&#x27;", "'")


@pytest.mark.parametrize("name", ["linear:0.1", "neighbours", "paper"])
def test_evaluate_loco_takes_a_model_by_name_as_the_command_does(
    name: str, demo: Cohort, outputs: EmbeddingSet
) -> None:
    """The same digits, and the model named in both."""
    own = cxr.evaluate_loco(demo, "icu-stay", features=outputs, resamples=50, estimator=name)
    words = ["loco", "--data", str(demo.root), "--cache", str(demo.cache), "--task", "icu-stay"]
    words += ["--features", "texture:outputs", "--resamples", "50", "--format", "json"]
    result = CliRunner().invoke(app, [*words, "--model", name])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    protocol = answer["protocol"]
    assert answer["run"]["id"] == own.run.id
    assert (protocol["estimator"], protocol["model_words"]) == (name, own.model)
    assert f"--model {name}" in answer["run"]["command"]


def test_evaluate_loco_rejects_a_selection(demo: Cohort) -> None:
    """Filters are part of the run, so that it can be repeated."""
    with pytest.raises(SelectionError, match="where="):
        cxr.evaluate_loco(cxr.select_images(demo, "view=AP"), "icu-stay", features="view")


def test_evaluate_loco_rejects_a_matrix(demo: Cohort) -> None:
    """Numbers without ids are no feature set; how they become one is said."""
    with pytest.raises(SelectionError, match=r"features is a DataFrame.*store_features"):
        cxr.evaluate_loco(demo, "icu-stay", features=pd.DataFrame([[1.0]]))  # type: ignore[arg-type]


def test_compute_null_permutes_and_goes_on(run: LocoRun) -> None:
    """What was done is kept: more go on where fewer ended."""
    null = run.compute_null(n=3)
    assert (null.n_done, null.n_wanted) == (3, 3)
    more = run.compute_null(n=5)
    assert more.n_done == 5
    assert more.values[more.values["permutation"] < 3].equals(null.values)
    assert "5 permutations" in more._repr_html_()
    with pytest.raises(SelectionError):
        run.compute_null(n=0)


def test_compare_runs_pairs_images_or_says_why_not(demo: Cohort, run: LocoRun) -> None:
    """First minus second; runs on other labels have no difference."""
    view = cxr.evaluate_loco(demo, "icu-stay", features="view", resamples=100)
    found = cxr.compare_runs(run, view)
    assert found.table is not None
    assert "Run " in found._repr_html_()
    other = cxr.evaluate_loco(demo, "column=survival", features="view", resamples=100)
    refused = cxr.compare_runs(run, other)
    assert refused.table is None
    assert refused.reason in refused._repr_html_()


def test_tabulate_runs_lists_every_run(demo: Cohort, run: LocoRun) -> None:
    """Those of other tasks too, with the score that the run has."""
    cxr.evaluate_loco(demo, "column=survival", features="view", resamples=100)
    table = cxr.tabulate_runs(demo)
    assert {"icu-stay", "column=survival"} <= set(table["task"])
    row = table.set_index("run").loc[run.run.id]
    scores = run.scores.set_index(["fold", "metric"])["value"]
    assert row["value"] == scores[row["fold"], row["metric"]]


def test_save_report_writes_page_archive_or_folder(run: LocoRun, tmp_path: Path) -> None:
    """The page carries the notice and the run; archive and folder hold the same files."""
    run.save_report(tmp_path / "icu.html")
    page = (tmp_path / "icu.html").read_text("utf-8")
    assert cxr.NOTICE in page
    assert run.run.id in page
    run.save_report(tmp_path / "icu.zip")
    run.save_report(tmp_path / "icu")
    names = set(zipfile.ZipFile(tmp_path / "icu.zip").namelist())
    assert {"report.html", "manifest.json", "scores.csv"} <= names
    assert {path.name for path in (tmp_path / "icu").iterdir()} == names


@pytest.mark.parametrize("name", ["icu.pdf", "no/folder/icu.html", "no/folder/icu"])
def test_save_report_rejects_a_place_it_cannot_write(
    run: LocoRun, tmp_path: Path, name: str
) -> None:
    """One line that names it."""
    with pytest.raises(ReportError, match="cannot be written to"):
        run.save_report(tmp_path / name)


def test_run_shows_scores_and_notes(run: LocoRun) -> None:
    """A short line at a prompt; scores, counts and the number of runs in a notebook."""
    assert repr(run).startswith("LocoRun('icu-stay; texture:outputs; linear; corrected, by region")
    assert len(repr(run)) < 200
    page = run._repr_html_()
    assert cxr.NOTICE in page
    assert "made on this cohort and task" in page
    assert page.count("<tr") <= 30
