"""Taking a shortcut away: what is planted goes, what is not stays; no test is looked at."""

import numpy as np
import pytest

from cxrlib.baselines.evaluation import (
    LocoSettings,
    compute_permutation_null,
    make_evaluation_key,
    plan_loco,
    run_loco,
)
from cxrlib.baselines.evaluation.region_shift import compare_region_shift
from cxrlib.baselines.evaluation.shortcut_removal import (
    FEW_IMAGES,
    Trace,
    describe_removal,
    erase_trace,
    match_images,
)
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import REGIONS, make_features, make_rows, shuffle_rows

FEW = LocoSettings(n_resamples=20)


def plant(seed: int = 0, n: int = 240, signal: float = 0.0) -> tuple[TaskRows, Features]:
    """Plant a view that is common with the label, and features that see the view, not the label."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n).astype(float)
    view = np.where(rng.random(n) < np.where(y == 1, 0.85, 0.15), "AP", "PA")
    source = [f"site{i % 4}" for i in range(n)]
    rows = make_rows(y, region=[REGIONS[i % 3] for i in range(n)], view=view, source=source)
    matrix = rng.normal(size=(n, 6))
    matrix[:, 0] += 3.0 * (view == "AP")
    matrix[:, 1] += signal * y
    return rows, make_features(rows, matrix)


def pool(rows: TaskRows, features: Features, **changes: str) -> float:
    """Give the pooled score of a run."""
    scores = run_loco(rows, features, LocoSettings(n_resamples=0, **changes)).scores
    return float(scores.loc[scores["fold"] == "pooled", "value"].iloc[0])


@pytest.mark.parametrize("changes", [{"erase": "view"}, {"match": "view"}])
def test_removal_takes_the_planted_shortcut_away(changes: dict[str, str]) -> None:
    """A score that a view gives is gone without the view; over seeds it is chance."""
    before, after = [], []
    for seed in range(6):
        rows, features = plant(seed)
        before.append(pool(rows, features))
        after.append(pool(rows, features, **changes))
    assert min(before) > 0.7
    assert abs(np.mean(after) - 0.5) < 0.06


def test_removal_keeps_what_is_not_the_shortcut() -> None:
    """A signal that is there within each view stays; erasing takes what view and label share."""
    rows, features = plant(n=900, signal=2.0)
    assert pool(rows, features, match="view") > 0.85
    assert 0.65 < pool(rows, features, erase="view") < 0.85


def test_erase_trace_is_least_squares_by_hand() -> None:
    """With two frequent values it is subtracting each value's mean, and putting back the whole."""
    rng = np.random.default_rng(3)
    group = np.array(["a"] * 10 + ["b"] * 7, dtype=object)
    train, test = rng.normal(size=(17, 3)), rng.normal(size=(2, 3))
    trace = Trace((group,), np.empty((17, 0)))
    of_test = Trace((np.array(["b", "new"], dtype=object),), np.empty((2, 0)))
    erased, erased_test = erase_trace(train, test, trace, of_test)
    whole = train.mean(axis=0)
    for name in "ab":
        mean = train[group == name].mean(axis=0)
        np.testing.assert_allclose(erased[group == name], train[group == name] - mean + whole)
    np.testing.assert_allclose(erased_test[0], test[0] - train[group == "b"].mean(axis=0) + whole)
    np.testing.assert_allclose(erased_test[1], test[1])  # of a new value nothing is known


def test_erase_trace_pools_rare_values() -> None:
    """Values with few training images share one mean, with those that only a test image has."""
    rng = np.random.default_rng(4)
    names = ["a"] * 8 + [f"rare{i}" for i in range(FEW_IMAGES)]
    group = np.array(names, dtype=object)
    train, test = rng.normal(size=(len(names), 2)), rng.normal(size=(1, 2))
    of_test = Trace((np.array(["new"], dtype=object),), np.empty((1, 0)))
    trace = Trace((group,), np.empty((len(names), 0)))
    erased, erased_test = erase_trace(train, test, trace, of_test)
    assert erased[8:].std(axis=0).min() > 0.1  # of one image a source nothing would be left
    pooled = train[8:].mean(axis=0)
    np.testing.assert_allclose(erased_test[0], test[0] - pooled + train.mean(axis=0))


def test_erase_trace_makes_a_column_constant_that_is_the_shortcut() -> None:
    """Rounding is not left to be scaled up."""
    group = np.array(["a", "b"] * 10, dtype=object)
    column = (group == "a").astype(float)[:, None] * np.pi
    trace = Trace((group,), np.empty((20, 0)))
    erased, erased_test = erase_trace(column, column[:3], trace, trace.take(np.arange(3)))
    assert np.ptp(np.vstack([erased, erased_test])) == 0


def test_erasure_is_learnt_from_training_images_alone() -> None:
    """Other numbers in the held-out group change nothing of how the others are seen."""
    rows, features = plant()
    settings = LocoSettings(n_resamples=0, erase="view+source")
    plan = plan_loco(rows, features, settings)
    changed = np.array(features.matrix)
    is_asia = rows.table["region"].eq("Asia").to_numpy()
    changed[is_asia] = 1e3 * np.random.default_rng(1).normal(size=(is_asia.sum(), 6))
    other = plan_loco(rows, make_features(rows, changed), settings)
    fold = next(fold for fold in plan.folds if fold.name == "Asia")
    assert np.array_equal(plan.design(fold).train, other.design(fold).train)
    one = np.flatnonzero(is_asia)[0]
    changed_one = np.array(features.matrix)
    changed_one[one] += 50.0
    third = plan_loco(rows, make_features(rows, changed_one), settings)
    same = fold.test != one
    assert np.array_equal(plan.design(fold).test[same], third.design(fold).test[same])


def test_matching_uses_no_features_and_leaves_equal_shares() -> None:
    """Each value has as many images of each class, in training and in test."""
    rows, features = plant()
    plan = plan_loco(rows, features, LocoSettings(n_resamples=0, match="view+source"))
    table = plan.rows.table
    for fold in plan.tested:
        for places in (fold.train, fold.test):
            counts = table.iloc[places].groupby(["view", "source", "y"]).size().unstack()
            assert (counts[0.0] == counts[1.0]).all()
    assert (
        "matching by view+source"
        in run_loco(rows, features, plan.settings).folds["guarded_by"].str.cat()
    )


def test_match_images_takes_as_few_of_a_person_as_possible() -> None:
    """Of a person with many images one is taken before another's are left out."""
    persons = np.array([0] * 5 + [1, 2, 3, 4])
    y = np.array([0.0] * 7 + [1.0, 1.0])
    y[5:7] = 0.0
    values = np.full(9, "PA", dtype=object)
    for seed in range(5):
        kept = match_images(np.arange(9), values, y, persons, np.random.default_rng(seed))
        chosen = persons[kept][y[kept] == 0]
        assert len(set(chosen)) == len(chosen) == 2


@pytest.mark.parametrize("changes", [{"erase": "view"}, {"match": "view"}])
def test_removal_does_not_depend_on_the_order_of_rows(changes: dict[str, str]) -> None:
    """The same rows in another order give the same score."""
    rows, features = plant()
    assert pool(rows, features, **changes) == pool(shuffle_rows(rows, 5), features, **changes)


def test_match_refuses_numbers_and_groups_without_both() -> None:
    """A number has no classes; a view that is the label leaves nothing."""
    rows, features = plant()
    number = make_rows(np.arange(240) % 7, region=list(rows.table["region"]), task="opacity")
    numbers = make_features(number, features.matrix)
    with pytest.raises(SelectionError, match="Only classes can be matched"):
        run_loco(number, numbers, LocoSettings(match="view"))
    table = rows.table.assign(view=np.where(rows.table["y"] == 1, "AP", "PA"))
    parted = TaskRows(rows.task, rows.cohort, table, rows.flow, rows.steps)
    result = run_loco(parted, features, LocoSettings(n_resamples=0, match="view"))
    assert not result.folds["is_tested"].any()
    assert result.folds["reason"].str.startswith("No view has test images of both classes").all()


def test_match_counts_persons_anew() -> None:
    """A group that has too few persons once matched has no score."""
    n = 60
    view = ["AP" if (i % 2 if i < 20 else i // 2 % 2) else "PA" for i in range(n)]
    view[:8] = ["PA"] * 8
    y = np.array([i % 2 for i in range(n)], dtype=float)
    rows = make_rows(y, region=[REGIONS[i // 20] for i in range(n)], view=view)
    features = make_features(rows, np.random.default_rng(0).normal(size=(n, 2)))
    folds = run_loco(rows, features, LocoSettings(n_resamples=0, match="view")).folds
    row = folds[folds["fold"] == "Americas"].iloc[0]
    assert row["is_tested"]
    assert not row["is_scored"]
    assert row["reason"] == (
        "4 persons of the smaller class once matched by view: not estimable below 5."
    )


def test_permutation_null_matches_the_permuted_labels() -> None:
    """Permuted labels are matched anew; the null is about chance and p is not small."""
    rows, features = plant(2)
    null = compute_permutation_null(rows, features, LocoSettings(n_resamples=0, match="view"), n=30)
    pooled = null.table[null.table["fold"] == "pooled"].iloc[0]
    assert abs(pooled["middle"] - 0.5) < 0.06
    assert pooled["p"] > 0.05


def test_region_shift_erases_and_refuses_to_match() -> None:
    """A shift without the shortcut is made of features without it."""
    rows, features = plant(n=400)
    settings = LocoSettings(n_resamples=0)
    plain, erased = (
        compare_region_shift(rows, features, each, n_repeats=2)
        .table.set_index("fold")
        .loc["pooled", "outside"]
        for each in (settings, LocoSettings(n_resamples=0, erase="view"))
    )
    assert plain > 0.7
    assert erased < 0.65
    with pytest.raises(SelectionError, match="cannot be matched by view"):
        compare_region_shift(rows, features, LocoSettings(match="view"))


def test_evaluation_key_depends_on_what_is_erased() -> None:
    """Another view under the same setting is another evaluation."""
    rows, features = plant()
    other = TaskRows(
        rows.task,
        rows.cohort,
        rows.table.assign(view=list(rows.table["view"])[::-1]),
        rows.flow,
        (),
    )
    keys = {
        make_evaluation_key("x", each, features, settings)
        for each in (rows, other)
        for settings in (FEW, LocoSettings(n_resamples=20, erase="view"))
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"erase": "nonsense"}, "Cannot erase 'nonsense'. Choose from view, source, recorded"),
        ({"match": "age-sex"}, "Cannot match 'age-sex'. Choose from view, source"),
        ({"erase": "view+view"}, "twice"),
    ],
)
def test_settings_refuse_unknown_shortcuts(changes: dict[str, str], words: str) -> None:
    """What can be taken away is named."""
    with pytest.raises(SelectionError, match=words):
        LocoSettings(**changes)


def test_settings_have_one_spelling() -> None:
    """The order in which shortcuts are named does not matter."""
    assert LocoSettings(erase="source + view") == LocoSettings(erase="view+source")
    assert LocoSettings(erase="view", match="source").removal == (
        "view erased, classes matched by source"
    )
    assert describe_removal("recorded+age-sex", "") == "missing-data pattern and age and sex erased"
    assert describe_removal("", "") == ""
