"""Evaluations as jobs: what they give lies where pages look, and what was stopped goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from cxrlib.baselines.evaluation import (
    PUBLISHED,
    REFITS,
    KeptFits,
    LocoSettings,
    compute_importance,
    compute_learning_curve,
    compute_permutation_null,
    load_permutation_null,
    load_refit,
    load_region_shift,
    loco_plan,
    region_shift,
)
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.region_shift import compare_region_shift
from cxrlib.baselines.evaluation.stored_fits import KIND
from cxrlib.baselines.runs import RunSpec, find_run, list_runs, make_run_parameters, make_spec
from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.jobs.job_kinds import WorkStoppedError, check_parameters, run_work
from cxrlib.storage import Store
from tests.run_cohort_factory import make_run_cohort

SPEC = RunSpec(find_task("survival"), "age-sex", LocoSettings(n_resamples=20))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Make the cohort once."""
    return make_run_cohort(tmp_path_factory.mktemp("run") / "cohort")


def do(kind: str, cache: Path, parameters: dict, stop=lambda: False) -> tuple[dict, list]:
    """Do a job; return its result and what it reported."""
    told: list[tuple[str, int, int]] = []
    result = run_work(kind, parameters, cache, lambda *words: told.append(words), stop)
    return result, told


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        RunSpec(
            read_task("icu-stay; days=0..14; with day 0"),
            "outputs",
            LocoSettings(PUBLISHED, "source", is_strict=True, seed=3, n_resamples=5),
            "view=AP; age=20..",
        ),
        replace(SPEC, settings=LocoSettings(estimator="forest", seed=2)),
        replace(SPEC, settings=LocoSettings(estimator="linear:0.1")),
    ],
)
def test_a_run_as_parameters_reads_back(spec: RunSpec) -> None:
    """All that makes a run is in the request of its job."""
    parameters = check_parameters("null", make_run_parameters(spec, "/c") | {"n": 7})
    assert make_spec(parameters) == spec
    assert check_parameters("null", parameters) == parameters
    assert parameters["n"] == 7


def test_one_run_has_one_request_however_it_is_written() -> None:
    """So the same work is one job."""
    first, second = (
        check_parameters("shift", {"data": "/c", "features": "outputs", **each})
        for each in (
            {"task": "icu-stay", "where": "view=AP,PA;age=20..60"},
            {
                "task": " icu-stay ;days=1..7",
                "where": "age = 20..60; view = AP, PA",
                "estimator": "linear",
            },
        )
    )
    assert first["where"] == second["where"]
    assert first["estimator"] == second["estimator"] == "linear"
    assert first["task"] == "icu-stay"


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("null", {"task": "weather"}, "weather"),
        ("null", {"protocol": "best"}, "There is no protocol 'best'"),
        ("null", {"estimator": "oracle"}, "There is no model 'oracle'"),
        ("slow-loco", {"estimator": "forest", "protocol": "published"}, "the paper's models only"),
        ("null", {"hold_out": "moon"}, "Cannot hold out by 'moon'"),
        ("null", {"where": "colour=red"}, "colour"),
        ("null", {"n": 0}, "n=0 is out of range: use 1 to 10,000"),
        ("null", {"seed": -1}, "seed=-1"),
        ("shift", {"resamples": 10**9}, "resamples=1000000000"),
        ("refit", {"of": "dance"}, "of='dance' is not one of learning-curve, importance"),
        ("pixels-loco", {"features": "outputs"}, "no parameter 'features'"),
    ],
)
def test_requests_that_are_not_understood_are_refused(kind: str, changes: dict, words: str) -> None:
    """Before anything is read."""
    parameters = {"data": "/c", "task": "icu-stay"}
    if kind != "pixels-loco":
        parameters["features"] = "outputs"
    with pytest.raises(SelectionError, match=words):
        check_parameters(kind, parameters | changes)


def test_a_null_lies_where_the_page_finds_it(cohort: Cohort, tmp_path: Path) -> None:
    """It is that of the run, which is in the run log; stopped in the middle it goes on."""
    parameters = make_run_parameters(SPEC, str(cohort.root)) | {"n": 6}
    seen: list[str] = []

    def stop() -> bool:
        return len(seen) > 2

    def note(stage: str, done: int, total: int) -> None:
        if stage.startswith("Running"):
            seen.append(stage)

    with pytest.raises(WorkStoppedError):
        run_work("null", parameters, tmp_path, note, stop)
    store = Store(tmp_path)
    there = load_cohort(cohort.root, store=store)
    run = find_run(there, store, SPEC)
    assert run is not None
    assert len(list_runs(store, there.fingerprint, SPEC.task)) == 1
    evaluation = (run.result.rows, run.result.features, run.result.settings)
    part = load_permutation_null(*evaluation, store, n=6)
    assert part is not None
    assert 0 < part.n_done < 6
    result, told = do("null", tmp_path, parameters)
    drawn = [words for words in told if words[0].startswith("Running permutations")]
    assert drawn[0][1:] == (part.n_done, 6)
    assert drawn[-1] == ("Running permutations", 6, 6)
    whole = load_permutation_null(*evaluation, store, n=6)
    assert whole is not None
    assert_frame_equal(whole.values, compute_permutation_null(*evaluation, n=6).values)
    assert (result["run"], result["n"], result["words"]) == (run.id, 6, whole.describe())
    assert result["p"]["pooled auroc"] == whole.table.query("fold == 'pooled'")["p"].iloc[0]


def test_a_shift_lies_where_the_page_finds_it(cohort: Cohort, tmp_path: Path, monkeypatch) -> None:
    """Asked for again it is not made again; damaged it is."""
    monkeypatch.setattr(region_shift, "MOST_PARTS", 2)
    spec = replace(SPEC, settings=LocoSettings(n_resamples=2))
    parameters = make_run_parameters(spec, str(cohort.root))
    result, told = do("shift", tmp_path, parameters)
    assert ("Comparing resamples", 6, 6) in told
    assert result["n_compared"] == 3
    store = Store(tmp_path)
    run = find_run(load_cohort(cohort.root, store=store), store, spec)
    assert run is not None
    evaluation = (run.result.rows, run.result.features, run.result.settings)
    found = load_region_shift(*evaluation, store)
    assert found is not None
    assert_frame_equal(found.table, compare_region_shift(*evaluation).table, check_dtype=False)
    _, told = do("shift", tmp_path, parameters)
    assert "Comparing resamples" not in {words[0] for words in told}
    store.write_table("shifts", result["key"], found.table.iloc[:, :3], info={})
    assert load_region_shift(*evaluation, store) is None
    with pytest.raises(WorkStoppedError):
        run_work("shift", parameters, tmp_path, stop_at("Comparing resamples", 3), lambda: False)


@pytest.mark.parametrize("of", REFITS)
def test_a_refit_lies_where_the_page_finds_it(of, cohort: Cohort, tmp_path: Path) -> None:
    """With the digits of the library; stopped it leaves nothing."""
    parameters = make_run_parameters(SPEC, str(cohort.root)) | {"of": of}
    with pytest.raises(WorkStoppedError):
        do("refit", tmp_path, parameters, lambda: True)
    result, told = do("refit", tmp_path, parameters)
    assert told[-1][1] == told[-1][2] > 0
    store = Store(tmp_path)
    run = find_run(load_cohort(cohort.root, store=store), store, SPEC)
    assert run is not None
    assert result["run"] == run.id
    found = load_refit(run.result, of, store)
    assert found is not None
    compute = compute_learning_curve if of == "learning-curve" else compute_importance
    assert_frame_equal(found, compute(run.result), check_dtype=False)


def stop_at(stage: str, done: int):
    """Make a report of progress that stops the work at a moment."""

    def report(*words: object) -> None:
        if words[:2] == (stage, done):
            raise WorkStoppedError

    return report


def test_the_network_on_pixels_goes_on_where_it_stopped(
    cohort: Cohort, tmp_path: Path, monkeypatch
) -> None:
    """Images are decoded once and each network is fitted once; then the run is there."""
    fitted: list[int] = []

    def fit(design, y, model, *, persons, seed: int, extended_iterations: bool) -> Fit:
        if model.method == "mlp":
            fitted.append(seed)
        value = design.test[:, 0] + seed - 0.5
        return Fit(value, (value > 0).astype(float), is_converged=True)

    monkeypatch.setattr(loco_plan, "fit_model", fit)
    spec = replace(SPEC, features="pixels")
    parameters = {
        k: v for k, v in make_run_parameters(spec, str(cohort.root)).items() if k != "features"
    }
    with pytest.raises(WorkStoppedError):
        run_work(
            *("pixels-loco", parameters, tmp_path),
            stop_at("Decoding images", 5),
            lambda: False,
        )
    with pytest.raises(WorkStoppedError):
        run_work("pixels-loco", parameters, tmp_path, lambda *_: None, lambda: len(fitted) >= 4)
    assert fitted == [0, 1, 2, 0]
    result, told = do("pixels-loco", tmp_path, parameters)
    assert fitted == [0, 1, 2] * 3
    assert result["n_networks"] == 9
    assert [words for words in told if words[0] == "Fitting networks"][-1][1:] == (9, 9)
    assert "Decoding images" not in {words[0] for words in told}
    store = Store(tmp_path)
    run = find_run(load_cohort(cohort.root, store=store), store, spec)
    assert run is not None
    assert run.id == result["run"]
    assert set(run.predictions["seed"]) == {0, 1, 2}


def test_make_slow_run_can_be_stopped_and_lies_where_the_page_finds_it(
    cohort: Cohort, tmp_path: Path
) -> None:
    """Stopped after the run and before its shortcuts there is none yet; a job goes on with them."""
    spec = replace(SPEC, settings=LocoSettings(n_resamples=0, estimator="boosting"))
    parameters = make_run_parameters(spec, str(cohort.root))
    seen: list[tuple[str, int, int]] = []
    # Three regions are held out: the fifth fit is of a shortcut.
    fifth = ("Fitting models (features, then shortcuts)", 4, 18)
    with pytest.raises(WorkStoppedError):
        run_work(
            *("slow-loco", parameters, tmp_path),
            lambda *words: seen.append(words),
            lambda: fifth in seen,
        )
    assert fifth in seen
    store = Store(tmp_path)
    there = load_cohort(cohort.root, store=store)
    assert find_run(there, store, spec) is None
    result, _ = do("slow-loco", tmp_path, parameters)
    run = find_run(there, store, spec)
    assert run is not None
    assert (run.id, run.spec.settings.model) == (result["run"], "boosting")
    assert set(run.shortcuts) == {"view", "source", "recorded", "age-sex"}


def test_region_shift_job_refuses_a_slow_model(cohort: Cohort, tmp_path: Path) -> None:
    """Thousands of forests would take days."""
    spec = replace(SPEC, settings=LocoSettings(n_resamples=0, estimator="boosting"))
    with pytest.raises(SelectionError, match="takes too long with 'boosting'"):
        do("shift", tmp_path, make_run_parameters(spec, str(cohort.root)))


def test_pixels_of_a_number_are_refused_before_they_are_decoded(
    cohort: Cohort, tmp_path: Path
) -> None:
    """The network is a classifier."""
    parameters = {"data": str(cohort.root), "task": "opacity"}
    with pytest.raises(SelectionError, match="classes only"):
        do("pixels-loco", tmp_path, parameters)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[",
        b'{"fold": "Asia", "seed": 1, "value": [1.0], "chosen": [1.0], "is_converged": true}',
        b'{"fold": "Asia", "seed": 0, "value": [1.0], "chosen": [1.0], "is_converged": true}',
        b'{"fold": "Asia", "seed": 0, "value": [1, NaN], "chosen": [1, 1], "is_converged": true}',
        b'{"fold": "Asia", "seed": 0, "value": {}, "chosen": [1, 1], "is_converged": true}',
    ],
)
def test_a_damaged_fit_is_done_anew(data: bytes, tmp_path: Path) -> None:
    """So is one of other images, or of another fold: a stored fit is never trusted blindly."""
    store = Store(tmp_path)
    fits = KeptFits(store, "fit-a", {"Asia": 2})
    fits["Asia", 0] = Fit(np.array([1.0, -2.0]), np.array([1.0, 0.0]), is_converged=True)
    again = KeptFits(store, "fit-a", {"Asia": 2})
    assert again["Asia", 0].value.tolist() == [1.0, -2.0]
    assert (len(again), list(again)) == (1, [("Asia", 0)])
    (name,) = store.list_files(KIND)
    store.write_file(KIND, name, data)
    damaged = KeptFits(store, "fit-a", {"Asia": 2})
    assert damaged.get(("Asia", 0)) is None
    assert KeptFits(store, "fit-b", {"Asia": 2}).get(("Asia", 0)) is None
    with pytest.raises(TypeError, match="not deleted"):
        del damaged["Asia", 0]
