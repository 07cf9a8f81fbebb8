"""Runs: the same id gives the same digits, shortcuts stand on the same rows, pairs are paired."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxrlib.baselines.evaluation import PUBLISHED, LocoSettings
from cxrlib.baselines.features import SHORTCUTS, Features, features_from_matrix, load_features
from cxrlib.baselines.runs import (
    TABLES,
    Run,
    RunSpec,
    compare_runs,
    compare_shortcuts,
    describe_run_count,
    find_run,
    keep_run,
    list_runs,
    make_run,
)
from cxrlib.baselines.runs.runs import RUN_VERSION, make_run_id
from cxrlib.baselines.tasks import TaskRows, find_task, read_task
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.run_cohort_factory import make_outside, make_run_cohort

SURVIVAL = find_task("survival")
FEW = LocoSettings(n_resamples=50)
SPEC = RunSpec(SURVIVAL, "outside", FEW)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load 48 X-rays in three regions."""
    return make_run_cohort(tmp_path_factory.mktemp("runs") / "c")


@pytest.fixture(scope="module")
def outside(cohort: Cohort) -> Features:
    """Give columns that say something of survival."""
    return make_outside(cohort)


@pytest.fixture(scope="module")
def run(cohort: Cohort, outside: Features, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Make a run once."""
    return make_run(cohort, Store(tmp_path_factory.mktemp("cache")), SPEC, features=outside)


def assert_same_digits(first: Run, second: Run) -> None:
    """Fail unless two runs are the same to the last bit."""
    assert first.id == second.id
    for name in TABLES:
        ours, theirs = (getattr(each.result, name) for each in (first, second))
        assert_frame_equal(ours, theirs, check_exact=True)
    assert_frame_equal(first.shortcut_scores, second.shortcut_scores, check_exact=True)
    assert first.notes == second.notes


def test_same_id_gives_the_same_digits(
    run: Run, cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """Computed in an empty cache, computed again, and read: one answer."""
    store = Store(tmp_path)
    computed = make_run(cohort, store, SPEC, features=outside)
    read = make_run(cohort, store, SPEC, features=outside)
    assert (computed.was_stored, read.was_stored) == (False, True)
    assert_same_digits(run, computed)
    assert_same_digits(run, read)
    assert (read.made, read.seconds) == (computed.made, computed.seconds)


def test_types_are_those_of_the_evaluation(run: Run) -> None:
    """A table that was kept can be computed with: numbers are numbers, truths are truths."""
    kinds = {name: str(kind) for name, kind in run.folds.dtypes.items()}
    assert kinds["n_train_images"] == "int64"
    assert kinds["is_scored"] == "bool"
    assert str(run.scores["value"].dtype) == str(run.predictions["value"].dtype) == "float64"


def test_digits_are_those_of_this_version(run: Run, cohort: Cohort, tmp_path: Path) -> None:
    """Where this fails, code has changed what a run gives: raise `RUN_VERSION`, then these."""
    published = replace(SPEC, settings=replace(FEW, protocol=PUBLISHED))
    former = replace(SPEC, settings=replace(FEW, estimator="paper"))
    other, fixed = (
        make_run(cohort, Store(tmp_path), each, features=make_outside(cohort))
        for each in (published, former)
    )
    found = [
        [round(float(row[name]), 6) for name in ("value", "low", "high")]
        for each in (run, fixed, other)
        for row in each.scores.to_dict("records")
        if row["metric"] == "auroc" and row["fold"] in ("Asia", "mean", "pooled")
    ]
    known = [
        [0.59375, 0.294147, 0.832441],
        [0.640625, 0.369733, 0.838846],
        [0.640625, 0.401848, 0.820609],
        # With C = 1: what every corrected run gave before C was chosen.
        [0.578125, 0.280552, 0.824283],
        [0.625, 0.354638, 0.829871],
        [0.625, 0.387938, 0.809693],
        [0.625, 0.329991, 0.84422],
        [0.6875, 0.444878, 0.852344],
        [0.6875, 0.444878, 0.852344],
    ]
    assert (RUN_VERSION, found) == (2, known)


@pytest.mark.parametrize("damage", ["cut", "flipped", "another", "nonsense", "labels"])
def test_a_damaged_run_is_made_again(
    damage: str, run: Run, cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """Whatever lies in the run's place, the answer is the run's."""
    store = Store(tmp_path)
    make_run(cohort, store, SPEC, features=outside)
    name = f"{run.id}.json"
    path = tmp_path / "runs" / name
    data = store.read_file("runs", name)
    assert data is not None
    fields = json.loads(data)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "flipped":
        path.write_bytes(path.read_bytes().replace(b"0.1", b"0.2", 1))
    elif damage == "another":
        store.write_file("runs", name, json.dumps(fields | {"fingerprint": "0" * 64}).encode())
    elif damage == "nonsense":
        store.write_file("runs", name, b'{"version": 1, "id": [')
    else:
        column = fields["tables"]["predictions"]["y"]
        column["values"] = [1 - y for y in column["values"]]
        store.write_file("runs", name, json.dumps(fields).encode())
    again = make_run(cohort, store, SPEC, features=outside)
    assert not again.was_stored
    assert_same_digits(run, again)
    assert again.n_runs == 1
    assert make_run(cohort, store, SPEC, features=outside).was_stored


def test_the_id_is_of_all_that_matters(run: Run, outside: Features) -> None:
    """Each thing that can change a digit changes the id; names on screen do not."""
    versions = {"numpy": "1"}
    rows, features = run.result.rows, run.result.features

    def name(
        spec: RunSpec = SPEC, rows: TaskRows = rows, features: Features = features, **of: str
    ) -> str:
        return make_run_id(spec, rows, features, versions | of)

    def change(column: str, value: str | float) -> TaskRows:
        values = rows.table[column].tolist()
        values[3] = value
        return replace(rows, table=rows.table.assign(**{column: values}))

    others = [
        name(rows=replace(rows, cohort=replace(rows.cohort, fingerprint="b" * 64))),
        name(rows=change("person_id", "another")),
        name(rows=change("region", "Africa")),
        name(rows=change("y", 1.0 - rows.table["y"].to_numpy()[3])),
        name(features=replace(outside, matrix=outside.matrix + 1e-12)),
        name(features=replace(outside, name="other")),
        name(numpy="2"),
        name(replace(SPEC, task=read_task("survival; days=0..14"))),
        name(replace(SPEC, where="view=AP")),
        *(
            name(replace(SPEC, settings=replace(FEW, **settings)))
            for settings in (
                {"protocol": PUBLISHED},
                {"hold_out": "country"},
                {"is_strict": True},
                {"seed": 1},
                {"n_resamples": 51},
            )
        ),
    ]
    assert len({name(), *others}) == 1 + len(others)
    assert name(replace(SPEC, features="moved/elsewhere.parquet")) == name()
    assert name(replace(SPEC, task=replace(SURVIVAL, title="Outcome"))) == name()
    assert name(rows=replace(rows, table=rows.table.iloc[::-1])) == name()
    assert len(name()) == 12


def test_shortcuts_stand_on_the_same_rows(run: Run) -> None:
    """Beside a run stands each shortcut, image by image and fold by fold."""
    assert tuple(run.shortcuts) == SHORTCUTS
    ours = run.predictions[["image_id", "fold", "y"]]
    for result in run.shortcuts.values():
        assert_frame_equal(result.predictions[["image_id", "fold", "y"]], ours)
    assert set(run.shortcut_scores["features"]) == set(SHORTCUTS)


def test_rows_without_numbers_go_in_a_step_of_the_flow(
    cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """What an outside file does not hold is counted, and the shortcuts do without it too."""
    fewer = features_from_matrix(outside.matrix[2:], outside.image_ids[2:], outside.columns)
    run = make_run(cohort, Store(tmp_path), SPEC, features=fewer)
    last = run.flow.iloc[-1]
    assert (last["step"], last["n_images"], last["n_removed_images"]) == ("with features", 46, 2)
    assert last["n_removed_patients"] == 2
    assert any("2 of 48 images have no values" in note for note in run.notes)
    assert len(run.predictions) == 46
    for result in run.shortcuts.values():
        assert set(result.predictions["image_id"]) == set(run.predictions["image_id"])


def test_a_shortcut_that_cannot_be_run_says_why(
    cohort: Cohort, outside: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One shortcut less is a reason in the panel, not the end of the run."""

    def refuse(name: str, rows: TaskRows, store: Store) -> Features:
        if name == "source":
            raise SelectionError("No source is recorded.")
        return load_features(name, rows, store)

    monkeypatch.setattr("cxrlib.baselines.runs.runs.load_features", refuse)
    run = make_run(cohort, Store(tmp_path), SPEC, features=outside)
    assert run.refused == {"source": "No source is recorded."}
    row = run.shortcut_scores.query("features == 'source'").iloc[0]
    assert row["reason"] == "No source is recorded."
    assert np.isnan(row["value"])
    assert "source" in set(compare_shortcuts(run)["features"])


def test_find_run_computes_nothing(cohort: Cohort, outside: Features, tmp_path: Path) -> None:
    """A page that must not wait gets a run only if it is there."""
    store = Store(tmp_path)
    assert find_run(cohort, store, SPEC, features=outside) is None
    assert list_runs(store, cohort.fingerprint) == []
    made = make_run(cohort, store, SPEC, features=outside)
    found = find_run(cohort, store, SPEC, features=outside)
    assert found is not None
    assert_same_digits(made, found)


def test_a_run_on_a_file_is_found_with_its_numbers_only(
    cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """A link or a list names the file; a server reads none by name."""
    store, spec = Store(tmp_path), replace(SPEC, features="mine.parquet")
    made = make_run(cohort, store, spec, features=outside)
    assert find_run(cohort, store, spec) is None
    found = find_run(cohort, store, spec, features=outside)
    assert found is not None
    assert found.id == made.id


def test_every_run_is_counted_once(cohort: Cohort, outside: Features, tmp_path: Path) -> None:
    """Runs of a task add up in the order they were made; reading one again adds none."""
    store = Store(tmp_path)
    first = make_run(cohort, store, SPEC, features=outside)
    second = make_run(cohort, store, replace(SPEC, features="view"))
    again = make_run(cohort, store, SPEC, features=outside)
    other = make_run(cohort, store, replace(SPEC, task=read_task("column=age")), features=outside)
    assert [(r.n_runs_before, r.n_runs) for r in (first, second, again, other)] == [
        (0, 1),
        (1, 2),
        (0, 2),
        (0, 1),
    ]
    keep_run(store, second.id)
    entries = list_runs(store, cohort.fingerprint, SURVIVAL)
    assert [(entry.id, entry.is_kept) for entry in entries] == [
        (first.id, False),
        (second.id, True),
    ]
    assert len(list_runs(store, cohort.fingerprint)) == 3
    pooled = entries[0].find("pooled", "auroc")
    row = first.scores.query("fold == 'pooled'").iloc[0]
    assert pooled is not None
    assert (pooled.value, pooled.low, pooled.high) == (row["value"], row["low"], row["high"])
    assert describe_run_count(1) == "1 run was made on this cohort and task."


def test_a_selection_is_no_cohort_of_a_run(cohort: Cohort, tmp_path: Path) -> None:
    """Filters stand in the run, where they are part of its id, and nowhere else."""
    part = cohort.select_in_steps([cohort.keeping_xrays])
    with pytest.raises(SelectionError, match="is filtered"):
        make_run(part, Store(tmp_path), replace(SPEC, features="view"))


def test_filters_are_part_of_a_run(cohort: Cohort, outside: Features, tmp_path: Path) -> None:
    """A run on a selection is on fewer rows; a value that does not exist is refused."""
    run = make_run(cohort, Store(tmp_path), replace(SPEC, where="view=PA"), features=outside)
    assert 0 < len(run.predictions) < 48
    assert run.flow.iloc[-1]["step"] == "in the filters"
    with pytest.raises(SelectionError, match="Oblique"):
        make_run(cohort, Store(tmp_path), replace(SPEC, where="view=Oblique"), features=outside)


# ---- comparing


def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    """The paired difference of one run with itself is nought, its interval too."""
    comparison = compare_runs(run, run)
    assert comparison.table is not None
    assert not comparison.reason
    numbers = comparison.table[["difference", "low", "high"]].to_numpy(dtype=float)
    assert (np.nan_to_num(numbers) == 0).all()


def test_paired_differences_turn_round(run: Run, cohort: Cohort, tmp_path: Path) -> None:
    """First minus second is what second minus first is, with the sign changed."""
    other = make_run(
        cohort, Store(tmp_path), SPEC, features=make_outside(cohort, noise=0.3, name="better")
    )
    there, back = compare_runs(run, other).table, compare_runs(other, run).table
    assert there is not None
    assert back is not None
    known = there["difference"].notna()
    assert known.any()
    np.testing.assert_allclose(there["difference"][known], -back["difference"][known])
    np.testing.assert_allclose(there["low"][known], -back["high"][known])


def test_groups_that_differ_cannot_be_paired(cohort: Cohort, tmp_path: Path) -> None:
    """Persons are dealt by who is there: a part of one run is not that part of another."""
    store = Store(tmp_path)
    settings = replace(FEW, hold_out="persons:5")
    all_of_them = make_run(cohort, store, RunSpec(SPEC.task, "age-sex", settings))
    again = make_run(cohort, store, RunSpec(SPEC.task, "view", settings))
    young = make_run(cohort, store, RunSpec(SPEC.task, "age-sex", settings, "age=..60"))
    assert compare_runs(all_of_them, again).table is not None
    found = compare_runs(all_of_them, young)
    assert found.table is None
    assert "images in other groups" in found.reason
    twice = replace(settings, hold_out="persons:5x2")
    other = compare_runs(all_of_them, make_run(cohort, store, replace(again.spec, settings=twice)))
    assert "5 parts of the persons, the other 5 parts of the persons, dealt 2" in other.reason


def test_what_cannot_be_paired_says_why(
    run: Run, cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """No image in common, other folds, other labels: a reason each, no number."""
    store = Store(tmp_path)
    young = make_run(cohort, store, replace(SPEC, where="age=..50"), features=outside)
    old = make_run(cohort, store, replace(SPEC, where="age=51.."), features=outside)
    assert "no image in common: 21 images and 27" in compare_runs(young, old).reason
    changes = {
        "holds out regions, the other countries": replace(
            SPEC, settings=replace(FEW, hold_out="country")
        ),
        "different labels": replace(SPEC, task=read_task("column=age")),
    }
    for words, spec in changes.items():
        comparison = compare_runs(run, make_run(cohort, store, spec, features=outside))
        assert comparison.table is None
        assert words in comparison.reason


def test_runs_of_other_images_compare_on_those_that_both_have(
    run: Run, cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """Filters, views and days differ: the score of either, counted by hand on the shared images."""
    store = Store(tmp_path)
    other = make_run(
        cohort,
        store,
        replace(SPEC, where="age=40..200", task=read_task("survival; days=0..6")),
        features=outside,
    )
    found = compare_runs(run, other)
    shared = set(run.predictions["image_id"]) & set(other.predictions["image_id"])
    assert (found.n_first, found.n_second, found.n_both) == (
        48,
        len(other.predictions),
        len(shared),
    )
    assert 0 < len(shared) < 48
    assert (
        found.describe_images()
        == f"On the {len(shared)} of 48 and {len(shared)} images that both have."
    )
    assert found.table is not None
    rows = found.table.set_index(["fold", "metric"])["difference"]
    by_hand = []
    for fold in ("Asia", "Europe", "Americas"):
        scores = []
        for each in (run, other):
            part = each.predictions
            part = part[part["image_id"].isin(shared) & part["fold"].eq(fold)]
            scores.append(rank_by_hand(part["y"].to_numpy(), part["value"].to_numpy()))
        if pd.notna(rows[fold, "auroc"]):
            by_hand.append(scores[0] - scores[1])
            assert rows[fold, "auroc"] == pytest.approx(by_hand[-1])
    assert len(by_hand) >= 2
    assert rows["mean", "auroc"] == pytest.approx(np.mean(by_hand))
    assert "what it learnt from" in " ".join(found.remarks)
    back = compare_runs(other, run)
    assert back.table is not None
    np.testing.assert_allclose(found.table["difference"], -back.table["difference"])


def rank_by_hand(y: np.ndarray, value: np.ndarray) -> float:
    """Count the pairs that are ranked rightly, one by one."""
    pairs = [(a > b) + 0.5 * (a == b) for a in value[y == 1] for b in value[y == 0]]
    return float(np.mean(pairs))


def test_groups_without_an_image_in_both_have_a_reason(
    run: Run, cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """What is left of a group must hold both classes, and persons enough."""
    spec = replace(SPEC, where="age=30..57")
    found = compare_runs(run, make_run(cohort, Store(tmp_path), spec, features=outside))
    assert found.table is not None
    reasons = found.table[found.table["metric"] == "auroc"].set_index("fold")["reason"]
    assert reasons["Americas"] == "None of its images is in both runs."


def test_another_cohort_cannot_be_paired(run: Run, cohort: Cohort, outside: Features) -> None:
    """Image ids of two cohorts may read alike: nothing is paired by them."""
    rows = replace(run.result.rows, cohort=replace(cohort, fingerprint="0" * 64))
    other = replace(run, result=replace(run.result, rows=rows))
    assert "different cohorts" in compare_runs(run, other).reason


def test_a_protocols_part_in_a_difference_is_said(
    run: Run, cohort: Cohort, outside: Features, tmp_path: Path
) -> None:
    """Scores of one name under two protocols are compared with a warning."""
    spec = replace(SPEC, settings=replace(FEW, protocol=PUBLISHED))
    comparison = compare_runs(run, make_run(cohort, Store(tmp_path), spec, features=outside))
    assert comparison.reason or "protocol" in " ".join(comparison.remarks)


def test_shortcuts_are_compared_with_the_run(run: Run) -> None:
    """Each shortcut has its paired difference."""
    table = compare_shortcuts(run)
    assert isinstance(table, pd.DataFrame)
    assert set(table["features"]) == set(SHORTCUTS)
    assert {"fold", "metric", "difference", "low", "high"} <= set(table.columns)
