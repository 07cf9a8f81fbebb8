"""Runs on labels and groups of one's own: made, kept, compared, permuted and reported as any."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import LocoSettings, compute_permutation_null, keep_scored
from cxrlib.baselines.features import features_from_matrix
from cxrlib.baselines.runs import (
    RunSpec,
    compare_runs,
    describe_spec,
    find_run,
    list_runs,
    make_run,
)
from cxrlib.baselines.tasks import read_task
from cxrlib.cohort import Cohort, attach_labels, join_cohorts, take_label_table
from cxrlib.errors import SelectionError
from cxrlib.reports import make_run_report
from cxrlib.storage import Store
from tests.cohort_factory import draw_image
from tests.own_cohort_factory import make_own_cohort, make_planted
from tests.run_cohort_factory import make_run_cohort

FEW = 40


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a cohort with columns of its own."""
    return make_own_cohort(tmp_path_factory.mktemp("own") / "c", n_images=72)


def make_spec(line: str, hold_out: str, cohort: Cohort | None = None) -> RunSpec:
    """Ask for a run on numbers from outside."""
    settings = LocoSettings(hold_out=hold_out, n_resamples=FEW)
    return RunSpec(read_task(line, cohort), "outside", settings)


@pytest.mark.parametrize("hold_out", ["region", "column:site", "persons:4", "persons:4x3"])
def test_make_run_on_own_labels_is_found_compared_permuted_and_reported(
    cohort: Cohort, tmp_path: Path, hold_out: str
) -> None:
    """The same digits again, from a link and from a record; a second run pairs with it."""
    store = Store(tmp_path)
    outside = make_planted(cohort, "extra:Later", noise=0.3)
    spec = make_spec("column=extra:Later", hold_out)
    run = make_run(cohort, store, spec, features=outside)
    assert run.scores.set_index(["fold", "metric"])["value"]["pooled", "auroc"] > 0.9
    query, complaints = RunSpec.from_query(spec.to_query(), cohort)
    assert (query, complaints) == (spec, [])
    assert RunSpec.from_dict(spec.to_dict()) == spec
    again = find_run(cohort, store, spec, features=outside)
    assert again is not None
    pd.testing.assert_frame_equal(again.scores, run.scores)
    assert again.notes == run.notes

    noise = make_planted(cohort, "extra:Later", noise=9, seed=3)
    other = make_run(cohort, store, spec, features=replace(noise, name="noise"))
    compared = compare_runs(run, other)
    assert compared.table is not None
    difference = compared.table.set_index(["fold", "metric"])["difference"]
    assert difference["pooled", "auroc"] > 0

    null = compute_permutation_null(
        run.result.rows, run.result.features, run.result.settings, n=8, store=store
    )
    assert null.is_complete
    entries = list_runs(store, cohort.fingerprint, spec.task)
    assert len(entries) == run.n_runs + 1
    page = make_run_report(run, cohort, entries)["report.html"].decode()
    words = {"region": "by region", "column:site": "by “site” group"}.get(
        hold_out, "by 4 parts of the persons"
    )
    assert words in describe_spec(spec)
    assert words.removeprefix("by 4 ").removeprefix("by ").rstrip("s")[:8] in page
    assert keep_scored(run.result).n_images > 0


def test_make_run_says_which_columns_give_the_label_away(cohort: Cohort, tmp_path: Path) -> None:
    """The note is kept with the run, and the shortcut of other columns reaches 1."""
    run = make_run(
        *(cohort, Store(tmp_path), make_spec("column=extra:Later", "persons:4")),
        features=make_planted(cohort, "extra:Later"),
    )
    assert any("“copy” gives the label away: AUROC 1.00 alone" in note for note in run.notes)
    scores = run.shortcut_scores.set_index(["features", "fold", "metric"])["value"]
    assert scores["columns", "pooled", "auroc"] == 1
    assert scores["recorded", "pooled", "auroc"] < 0.9


REFUSED = [
    ("column=extra:const", "region", "All 72 images of the task 'const' have the label 'yes'"),
    ("column=extra:Later", "column:remark", "no column 'remark' to hold out by"),
    ("column=extra:Later", "column:empty", "has a “empty” group recorded, so none can be held"),
    ("column=extra:Later", "column:const", "are of one “const” group, 'yes'"),
    ("column=extra:Later", "source", r"has a source recorded.*--hold-out persons:5"),
]


@pytest.mark.parametrize(("line", "hold_out", "words"), REFUSED)
def test_make_run_refuses_what_has_no_answer(
    cohort: Cohort, tmp_path: Path, line: str, hold_out: str, words: str
) -> None:
    """One label, no group, one group: each has a sentence that says what to do."""
    outside = make_planted(cohort, "extra:Later")
    with pytest.raises(SelectionError, match=words) as caught:
        make_run(cohort, Store(tmp_path), make_spec(line, hold_out), features=outside)
    assert str(caught.value).endswith(".")


def test_make_run_says_that_a_second_cohort_has_nothing_to_test(tmp_path: Path) -> None:
    """Not that there is no such cohort: what the task and the features ask for is lacking."""
    first, second = make_run_cohort(tmp_path / "a"), make_run_cohort(tmp_path / "b", first=100)
    joined, store = join_cohorts(first, second), Store(tmp_path / "s")
    values = np.random.default_rng(0).normal(size=len(first.table))
    outside = features_from_matrix(values, list(first.table["image_id"]), name="outside")
    spec = RunSpec(
        read_task("survival"), "outside", LocoSettings(n_resamples=0, hold_out="cohort:b")
    )
    with pytest.raises(SelectionError, match=r"None of the 50 images of cohort 'b' .*to test on\."):
        make_run(joined, store, spec, features=outside)


def test_make_run_in_a_cohort_without_places_suggests_persons(tmp_path: Path) -> None:
    """Regions cannot be held out; parts of the persons can."""
    cohort = make_own_cohort(tmp_path / "c", n_images=60, has_places=False)
    outside, store = make_planted(cohort, "extra:Later", noise=0.3), Store(tmp_path / "s")
    with pytest.raises(SelectionError, match=r"None of the 60 images has a region.*persons:5"):
        make_run(cohort, store, make_spec("column=extra:Later", "region"), features=outside)
    run = make_run(cohort, store, make_spec("column=extra:Later", "persons:5"), features=outside)
    assert run.scores["value"].notna().all()


def test_make_run_id_knows_labels_and_groups_of_a_file(cohort: Cohort, tmp_path: Path) -> None:
    """Other labels, or other groups, of one name in a file are another run."""
    store, ids = Store(tmp_path), cohort.table["image_id"]
    outside = make_planted(cohort, "extra:Later")
    found = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        drawn = {"image_id": ids, "own": rng.choice(["yes", "no"], len(ids))}
        drawn["ward"] = rng.choice(["u", "v", "w"], len(ids))
        labelled = attach_labels(cohort, take_label_table(pd.DataFrame(drawn)))
        for line, hold_out in (
            ("column=extra:own", "region"),
            ("column=extra:Later", "column:ward"),
        ):
            spec = replace(make_spec(line, hold_out), labels="labels.csv")
            assert RunSpec.from_dict(spec.to_dict()) == spec
            found.append(make_run(labelled, store, spec, features=outside).id)
    assert len(set(found)) == 4
    assert "--labels labels.csv" in spec.to_command()


# ---- train on one cohort, test on another


def make_styled(root: Path, *, seed: int, shade: int, n_images: int = 60) -> Cohort:
    """Make a cohort whose pictures are brighter where "Later" is yes, in a shade of its own."""
    images = {}
    for i in range(n_images):
        pixels = draw_image(5000 * (seed + 1) + i).astype(float) * 0.4 + shade
        pixels += 60 * (i % 2 == 0)
        images[f"image{i + 1}.png"] = pixels.clip(0, 255).astype(np.uint8)
    return make_own_cohort(root, n_images=n_images, seed=seed, images=images, prefix=root.name)


def test_make_run_trains_on_one_cohort_and_tests_on_the_other(tmp_path: Path) -> None:
    """A signal that both share carries over a change of style; the sign of one only does not."""
    store = Store(tmp_path / "cache")
    first = make_styled(tmp_path / "a", seed=1, shade=20)
    second = make_styled(tmp_path / "b", seed=2, shade=70)
    joined = join_cohorts(first, second, store=store)
    spec = make_spec("column=extra:Later", "cohort:b")
    y = (joined.table["extra:Later"].astype(str) == "yes").to_numpy(dtype=float)
    is_second = (joined.table["cohort"] == "b").to_numpy()
    rng = np.random.default_rng(0)
    shared = y + 0.5 * is_second + rng.normal(0, 0.3, len(y))
    turned = np.where(is_second, 1 - y, y) + rng.normal(0, 0.3, len(y))
    ids = list(joined.table["image_id"])
    for column, low, high in ((shared, 0.9, 1), (turned, 0, 0.1)):
        outside = features_from_matrix(column, ids, ["x"], name="outside")
        run = make_run(joined, store, spec, features=outside)
        scores = run.scores.set_index(["fold", "metric"])["value"]
        assert low <= scores["b", "auroc"] <= high
        assert set(run.predictions["fold"]) == {"b"}
        assert set(run.predictions["image_id"]) == set(joined.table["image_id"][is_second])
        folds = run.folds.set_index("fold")
        assert folds.at["b", "n_train_images"] == 60
        assert folds.at["a", "reason"] == "Used for training only: the test is on 'b'."
    assert run.notes[0] == joined.note
    (entry, _) = list_runs(store, joined.fingerprint, spec.task)
    headline = entry.find("b", "auroc")
    assert headline is not None
    assert headline.value is not None
    assert "tested on cohort b" in describe_spec(spec)
    assert "--test-on DIR2" in spec.to_command()
    page = make_run_report(run, joined, list_runs(store, joined.fingerprint, spec.task))
    assert b"report" in page["report.html"]


def test_make_run_on_two_cohorts_has_nobody_on_both_sides(tmp_path: Path) -> None:
    """A person of both cohorts does not train for a test on the second."""
    store = Store(tmp_path / "cache")
    first = make_own_cohort(tmp_path / "a", n_images=40, seed=1)
    film = {f"image{i}.png": draw_image(2000 + i - 1) for i in (1, 2, 3)}  # films of the first
    second = make_own_cohort(tmp_path / "b", n_images=40, seed=2, prefix="q", images=film)
    joined = join_cohorts(first, second, store=store)
    assert joined.note.startswith("3 persons have images in both")
    outside = make_planted(joined, "extra:Later")
    run = make_run(joined, store, make_spec("column=extra:Later", "cohort:b"), features=outside)
    fold = run.folds.set_index("fold").loc["b"]
    assert (fold["n_train_images"], fold["guarded_by"]) == (37, "person 3")
