"""Features, model and groups chosen together: a sum of sets, a shortcut taken away, own groups."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxrlib.baselines.evaluation import (
    LocoSettings,
    compute_importance,
    compute_learning_curve,
    plan_loco,
    predict_folds,
    run_loco,
)
from cxrlib.baselines.evaluation.learning_curve import _take_share
from cxrlib.baselines.evaluation.shortcut_removal import read_values
from cxrlib.baselines.features import add_feature_set, check_table
from cxrlib.baselines.runs import (
    Run,
    RunSpec,
    compare_unaltered,
    compute_image_adds,
    describe_spec,
    find_run,
    make_run,
    make_run_parameters,
    make_slow_run,
    make_spec,
)
from cxrlib.baselines.tasks import read_task
from cxrlib.cohort import Cohort, join_cohorts
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.jobs.job_kinds import check_parameters
from cxrlib.notebook import evaluate_loco
from cxrlib.reports import gather_parts
from cxrlib.storage import Store
from tests.own_cohort_factory import make_own_cohort

LATER = "column=extra:Later"
N = 90
SUM = "mine+age-sex"


def make_view_cohort(root: Path, *, seed: int, n_images: int = N, prefix: str = "p") -> Cohort:
    """Make a cohort whose view is AP for most of those whose "Later" is yes."""
    rng = np.random.default_rng(seed)
    is_yes = np.arange(n_images) % 2 == 0
    view = np.where(rng.random(n_images) < np.where(is_yes, 0.8, 0.2), "AP", "PA").tolist()
    own = {"view": view}
    return make_own_cohort(root, n_images=n_images, seed=seed, prefix=prefix, own=own)


def store_mine(cohort: Cohort, store: Store, *, signal: float = 0.0, seed: int = 0) -> None:
    """Store numbers under "mine": the first knows the view, the second perhaps the label."""
    table = cohort.table
    matrix = np.random.default_rng(seed).normal(size=(len(table), 4))
    matrix[:, 0] += 3 * table["view"].eq("AP").to_numpy()
    matrix[:, 1] += signal * (table["extra:Later"].astype(str) == "yes").to_numpy()
    found = check_table(matrix, list(table["image_id"]), ["a", "b", "c", "d"], "mine")
    add_feature_set(found, "mine", cohort, store)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a cohort with a planted view."""
    return make_view_cohort(tmp_path_factory.mktemp("all") / "c", seed=1)


def get_pooled(run: Run) -> float:
    """Give the pooled score of a run."""
    return float(run.scores.set_index(["fold", "metric"]).at[("pooled", "auroc"), "value"])


@pytest.mark.parametrize("estimator", ["linear", "forest"])
def test_make_run_of_a_sum_with_the_view_erased_over_parts_of_persons(
    cohort: Cohort, tmp_path: Path, estimator: str
) -> None:
    """The view's score goes; the same by link, record, job and notebook; beside it one model."""
    store = Store(tmp_path)
    store_mine(cohort, store)
    settings = LocoSettings(hold_out="persons:3", n_resamples=40, estimator=estimator, erase="view")
    spec = RunSpec(read_task(LATER, cohort), SUM, settings)
    run = make_run(cohort, store, spec)
    assert (get_pooled(run) < 0.65) == (estimator == "linear")  # a forest finds traces
    assert RunSpec.from_query(spec.to_query(), cohort) == (spec, [])
    assert RunSpec.from_dict(spec.to_dict()) == spec
    assert make_spec(check_parameters("slow-loco", make_run_parameters(spec, "d"))) == spec
    for words in (f"--model {estimator}", "--hold-out persons:3", "--erase view", SUM):
        assert words in spec.to_command()
    assert f"; {estimator}; corrected, by 3 parts of the persons, view erased" in describe_spec(
        spec
    )
    mine = evaluate_loco(
        *(cohort, LATER),
        features=SUM,
        hold_out="persons:3",
        resamples=40,
        erase="view",
        estimator=estimator,
        cache=tmp_path,
    )
    assert (mine.run.id, mine.run.was_stored) == (run.id, True)

    unaltered = compare_unaltered(run, store)
    assert unaltered.result.settings == replace(settings, erase="")
    assert get_pooled(run) < get_pooled(replace(run, result=unaltered.result))
    adds = compute_image_adds(run, store)
    for each in (*adds.alone.values(), *adds.together.values()):
        assert each.settings == run.spec.settings
    together = adds.together["age and sex"]
    again = run_loco(run.result.rows, together.features, settings)
    np.testing.assert_array_equal(again.predictions["value"], together.predictions["value"])
    assert {"unaltered", "image-adds"} <= {part.name for part in gather_parts(run, store)}


def test_design_of_a_part_is_erased_by_its_training_images_then_standardised(
    cohort: Cohort, tmp_path: Path
) -> None:
    """By hand: each view's training mean is subtracted, then the model's own design."""
    store = Store(tmp_path)
    store_mine(cohort, store)
    settings = LocoSettings(hold_out="persons:3x2", n_resamples=0, erase="view")
    spec = RunSpec(read_task(LATER, cohort), "mine", settings)
    run = make_run(cohort, store, spec)
    first = plan_loco(run.result.rows, run.result.features, settings)
    for plan in (first, *first.repeats):
        view = plan.rows.table["view"].to_numpy(dtype=object)
        for fold in plan.folds:
            design = plan.design(fold)
            left, left_test = plan.matrix[fold.train].copy(), plan.matrix[fold.test].copy()
            for name in ("AP", "PA"):
                is_train, is_test = view[fold.train] == name, view[fold.test] == name
                middle = left[is_train].mean(axis=0)
                left[is_train] -= middle
                left_test[is_test] -= middle
            scale = left.std(axis=0)
            np.testing.assert_allclose(design.train, left / scale, atol=1e-9)
            np.testing.assert_allclose(design.test, left_test / scale, atol=1e-9)


def test_matching_holds_in_each_dealing_of_the_persons(cohort: Cohort, tmp_path: Path) -> None:
    """Each dealing trains on, and scores, as many of each class with each view."""
    store = Store(tmp_path)
    store_mine(cohort, store, signal=1.0)
    settings = LocoSettings(
        hold_out="persons:3x4", n_resamples=0, match="view", estimator="linear:1"
    )
    run = make_run(cohort, store, RunSpec(read_task(LATER, cohort), "mine", settings))
    first = plan_loco(run.result.rows, run.result.features, settings)
    values = read_values(first.rows.table, "view")
    assert len(first.repeats) == 3
    right = pairs = 0.0
    for plan in (first, *first.repeats):
        for fold in plan.folds:
            for places in (fold.train, fold.test):
                for name in ("AP", "PA"):
                    y = plan.labels.y[places][values[places] == name]
                    assert 2 * y.sum() == len(y)
        for name, (fit,) in predict_folds(plan).items():
            y = plan.labels.y[next(fold.test for fold in plan.folds if fold.name == name)]
            right += y.sum() * (1 - y).sum() * roc_auc_score(y, fit.value)
            pairs += y.sum() * (1 - y).sum()
    scores = run.scores.set_index(["fold", "metric"])["value"]
    assert scores["pooled", "auroc"] == pytest.approx(right / pairs, abs=1e-12)
    null = evaluate_loco(
        *(cohort, LATER), features="mine", hold_out="persons:3x4", match="view", resamples=0,
        estimator="linear:1", cache=tmp_path,
    ).compute_null(3)  # fmt: skip
    assert null.is_complete


def test_make_run_tests_on_another_cohort_with_a_stored_set_of_ones_own(tmp_path: Path) -> None:
    """The set has the ids of the joined cohort, where the second's are told from the first's."""
    store = Store(tmp_path / "cache")
    first = make_view_cohort(tmp_path / "a", seed=1)
    second = make_view_cohort(tmp_path / "b", seed=2, n_images=60, prefix="q")
    joined = join_cohorts(first, second, store=store)
    store_mine(joined, store, signal=4.0)
    settings = LocoSettings(hold_out="cohort:b", n_resamples=40, estimator="forest", erase="view")
    spec = RunSpec(read_task(LATER, joined), SUM, settings)
    run = make_run(joined, store, spec)
    assert get_pooled(run) > 0.9
    assert set(run.predictions["image_id"]) == set(joined.second_ids)
    adds = compute_image_adds(run, store)
    words = adds.describe("auroc")
    assert all("add to the score" in each for each in words), words
    assert all("on the cohort tested" in each and "pooled" not in each for each in words)
    assert "(on the cohort tested)" in compare_unaltered(run, store).describe("auroc")

    plain = evaluate_loco(
        *(first, LATER), features=SUM, test_on=second, resamples=40, erase="view",
        estimator="forest", cache=tmp_path / "cache",
    )  # fmt: skip
    assert plain.run.id == run.id
    # Of the first alone the same set has its images, and says what it has besides.
    alone = make_run(first, store, replace(spec, settings=replace(settings, hold_out="persons:3")))
    assert any("match no image of the cohort" in each for each in alone.result.features.origin)


def test_slow_run_is_found_with_what_stands_beside_it(cohort: Cohort, tmp_path: Path) -> None:
    """The job computes it, so that a page that does not wait for a forest reads it."""
    store = Store(tmp_path)
    store_mine(cohort, store)
    settings = LocoSettings(hold_out="persons:3", n_resamples=0, estimator="forest", erase="view")
    spec = RunSpec(read_task(LATER, cohort), "mine", settings)
    run = make_run(cohort, store, spec)
    with pytest.raises(RunStoppedError):
        compute_image_adds(run, store, should_stop=lambda: True)
    steps: list[tuple[int, int]] = []
    make_slow_run(
        cohort, store, spec, lambda _, done, whole: steps.append((done, whole)), lambda: False
    )
    found = find_run(cohort, store, spec)
    assert found is not None
    assert compute_image_adds(found, store, should_stop=lambda: True).together
    assert compare_unaltered(found, store, should_stop=lambda: True).removal == "view erased"
    assert all(done <= whole for done, whole in steps)


def test_image_adds_fits_an_estimator_of_ones_own(cohort: Cohort, tmp_path: Path) -> None:
    """The reader's own is fitted beside too; without it there is a sentence, no other model."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    store = Store(tmp_path)
    store_mine(cohort, store)
    own = make_pipeline(PCA(6), LogisticRegression(C=0.5))
    mine = evaluate_loco(
        *(cohort, LATER), features="mine+view+age-sex", hold_out="persons:3", resamples=20,
        estimator=own, match="view", cache=tmp_path,
    )  # fmt: skip
    adds = mine.compute_image_adds()
    assert adds.together["all shortcuts"].settings.model == mine.run.spec.settings.model
    first, second = adds.describe("auroc")
    assert "Beyond all shortcuts" in first
    # Age and sex alone have fewer columns than the model wants.
    assert "is not estimable: The model cannot be fitted to it" in second
    assert "on the same matched test images" in mine.compare_unaltered().describe("auroc")
    found = find_run(cohort, Store(tmp_path), mine.run.spec)
    assert found is not None
    assert found.estimator is None
    with pytest.raises(SelectionError, match="given in Python and is not stored"):
        compute_fresh(found, tmp_path / "other")
    assert "match='view'" in mine.run.spec.to_command()


def compute_fresh(run: Run, folder: Path) -> None:
    """Compare with the unaltered where nothing is stored."""
    compare_unaltered(run, Store(folder))


@pytest.mark.parametrize("estimator", ["linear:1", "forest"])
def test_figures_of_a_run_with_the_view_erased_go_by_what_is_left(
    cohort: Cohort, tmp_path: Path, estimator: str
) -> None:
    """What a model goes by is measured on the erased features: the view's column leads no more."""
    store = Store(tmp_path)
    store_mine(cohort, store, signal=1.5)
    first = {}
    for erase in ("", "view"):
        settings = LocoSettings(
            hold_out="persons:3", n_resamples=20, estimator=estimator, erase=erase
        )
        run = make_run(cohort, store, RunSpec(read_task(LATER, cohort), "mine", settings))
        table = compute_importance(run.result, n_refits=4, n_permuted=2)
        means = table[table["fold"] == "mean"].set_index("feature")["value"]
        first[erase] = means
    assert abs(first[""]["a"]) > 2 * abs(first["view"]["a"])
    assert first["view"].idxmax() == "b"


def test_figures_of_several_dealings_thin_all_or_say_why_not(
    cohort: Cohort, tmp_path: Path
) -> None:
    """Fewer persons are matched anew, in the first dealing; no one model could be explained."""
    store = Store(tmp_path)
    store_mine(cohort, store, signal=1.0)
    settings = LocoSettings(
        hold_out="persons:3x3", n_resamples=20, estimator="linear:1", erase="view", match="view"
    )
    run = make_run(cohort, store, RunSpec(read_task(LATER, cohort), "mine", settings))
    curve = compute_learning_curve(run.result, n_repeats=2)
    assert curve["value"].notna().any()
    plan = plan_loco(run.result.rows, run.result.features, settings)
    part = _take_share(replace(plan, repeats=()), 0.5, 0)
    values = read_values(plan.rows.table, "view")
    for fold, thinned in zip(plan.tested, part.tested, strict=True):
        assert (thinned.test == fold.test).all()
        assert len(thinned.train) < 0.7 * len(fold.train)
        for name in ("AP", "PA"):
            y = plan.labels.y[thinned.train][values[thinned.train] == name]
            assert 2 * y.sum() == len(y)  # matched anew among those who are left
    with pytest.raises(SelectionError, match="Deal them once, such as persons:5"):
        compute_importance(run.result)
