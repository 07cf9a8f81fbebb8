"""Further parts of a report: each computed of the very run, none waited for that takes long."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cxrlib.baselines.evaluation import (
    REFITS,
    LocoSettings,
    compute_permutation_null,
    compute_refit,
)
from cxrlib.baselines.evaluation.region_shift import compare_region_shift
from cxrlib.baselines.runs import Run, RunSpec, list_runs, make_run
from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.cohort import Cohort
from cxrlib.reports import gather_parts, make_null_part, make_run_report
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
    curves = ["roc", "precision-recall", "reliability", "confusion", "net-benefit"]
    later = ["walk", "subgroups", "calibration", "influence", "image-adds"]
    assert [part.name for part in parts] == ["sensitivity", *curves, *later]
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
    assert [part.name for part in parts[6:8]] == ["null", "shift"]
    assert "permutation" in " ".join(parts[6].words)
    make_run(cohort, store, SPEC, features=result.features)
    runs = list_runs(store, cohort.fingerprint, SPEC.task)
    report = make_run_report(run, cohort, runs, more=parts)
    assert {f"{part.name}.csv" for part in parts} <= set(report)
    page = report["report.html"].decode()
    assert all(f"<h2>{part.title}</h2>" in page for part in parts)


def test_refits_are_reported_where_they_are_stored(made: Made, tmp_path: Path) -> None:
    """Jobs fit the models again, never a report."""
    cohort, _, run = made
    store = Store(tmp_path)
    for of in REFITS:
        compute_refit(run.result, of, store)
    parts = [part for part in gather_parts(run, store) if part.name in REFITS]
    assert [part.name for part in parts] == list(REFITS)
    assert any("extrapolation" in words or "not estimable" in words for words in parts[0].words)
    for part in parts:
        assert_valid(part.draw(theme="dark"))
    runs = list_runs(made[1], cohort.fingerprint, SPEC.task)
    assert "importance.csv" in make_run_report(run, cohort, runs, more=parts)


def test_captions_name_counts_protocol_and_what_is_held_out(made: Made) -> None:
    """Of every figure, in its first line."""
    _, store, run = made
    n_persons = run.predictions["person_id"].nunique()
    for part in gather_parts(run, store)[1:6]:
        assert "each region held out once; corrected protocol" in part.words[0]
        assert f"of {n_persons} persons" in part.words[0]


def test_a_number_has_its_parts_too(made: Made) -> None:
    """A task of numbers has no classes, and the same questions."""
    cohort, store, run = made
    spec = replace(SPEC, task=read_task("column=age"))
    other = make_run(cohort, store, spec, features=run.result.features)
    runs = list_runs(store, cohort.fingerprint, spec.task)
    parts = gather_parts(other, store)
    assert [part.name for part in parts[:2]] == ["sensitivity", "predicted-observed"]
    assert len(parts) == 7
    assert make_run_report(other, cohort, runs, more=parts)


def test_p_of_an_unfinished_test_is_never_printed(made: Made, tmp_path: Path) -> None:
    """Page, report and figure have none until all permutations are done; then p as format_p."""
    _, _, run = made
    store, result = Store(tmp_path), run.result
    of = (result.rows, result.features, result.settings)
    done = compute_permutation_null(*of, n=4, store=store)
    whole, cut = (make_null_part(run, replace(done, n_wanted=n)) for n in (4, 9))
    assert "p = " in whole.words[0] or "p < " in whole.words[0]
    assert whole.shown is not None
    assert cut.shown is not None
    known = whole.table["p"].notna()
    assert whole.shown["p"][known].str.fullmatch(r"p [<=] [0-9.]+").all()
    assert (whole.shown["p"][~known] == "").all()
    assert cut.words[0].startswith("No p-value: ")
    assert (cut.shown["p"] == "").all()
    assert cut.table["p"].isna().all()
    assert cut.draw is not None
    words = cut.draw().to_json() + cut.description
    assert not re.search(r"\bp [<=]|\bp &lt;", words)
