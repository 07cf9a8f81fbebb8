"""Further parts of a report: each computed of the very run, none waited for that takes long."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxrlib.baselines.evaluation import LocoSettings, compute_permutation_null
from cxrlib.baselines.evaluation.region_shift import compare_region_shift
from cxrlib.baselines.runs import Run, RunSpec, list_runs, make_run
from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.cohort import Cohort
from cxrlib.reports import gather_parts, make_run_report
from cxrlib.storage import Store
from tests.figures import assert_valid
from tests.run_cohort_factory import make_outside, make_run_cohort

SPEC = RunSpec(find_task("survival"), "outside", LocoSettings(n_resamples=20))

Made = tuple[Cohort, Store, Run]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make a run."""
    cohort = make_run_cohort(tmp_path_factory.mktemp("parts") / "c")
    store = Store(tmp_path_factory.mktemp("cache"))
    return cohort, store, make_run(cohort, store, SPEC, features=make_outside(cohort))


def test_parts_of_a_run(made: Made) -> None:
    """What takes little is always there; each figure has its words."""
    _, store, run = made
    parts = gather_parts(run, store)
    assert [part.name for part in parts] == [
        "sensitivity",
        "walk",
        "subgroups",
        "calibration",
        "influence",
    ]
    for part in parts:
        assert part.words
        assert not part.table.empty
        if part.draw is not None:
            assert_valid(part.draw())
            assert len(part.description) > 20


def test_the_walk_ends_where_the_run_is(made: Made) -> None:
    """Its last step is the corrected protocol on the same rows: the run's own number."""
    _, store, run = made
    walk = next(part.table for part in gather_parts(run, store) if part.name == "walk")
    last = walk[(walk["step"] == walk["step"].max()) & (walk["fold"] == "pooled")]
    assert (
        last["value"].tolist() == run.scores.loc[run.scores["fold"] == "pooled", "value"].tolist()
    )


def test_a_null_is_taken_where_one_is_stored(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs compute it, and the shift, never a report."""
    cohort, _, run = made
    store, result = Store(tmp_path), run.result
    compute_permutation_null(result.rows, result.features, result.settings, n=5, store=store)
    shift = compare_region_shift(
        result.rows, result.features, replace(result.settings, n_resamples=2), n_repeats=1
    )
    monkeypatch.setattr("cxrlib.reports.run_page_sections.load_region_shift", lambda *_: shift)
    parts = gather_parts(run, store)
    assert [part.name for part in parts[:3]] == ["sensitivity", "null", "shift"]
    assert "permutation" in " ".join(parts[1].words)
    make_run(cohort, store, SPEC, features=result.features)
    runs = list_runs(store, cohort.fingerprint, SPEC.task)
    report = make_run_report(run, cohort, runs, more=parts)
    assert {f"{part.name}.csv" for part in parts} <= set(report)
    page = report["report.html"].decode()
    assert all(f"<h2>{part.title}</h2>" in page for part in parts)


def test_a_number_has_its_parts_too(made: Made) -> None:
    """A task of numbers has no classes, and the same questions."""
    cohort, store, run = made
    spec = replace(SPEC, task=read_task("column=age"))
    other = make_run(cohort, store, spec, features=run.result.features)
    runs = list_runs(store, cohort.fingerprint, spec.task)
    parts = gather_parts(other, store)
    assert len(parts) == 5
    assert make_run_report(other, cohort, runs, more=parts)
