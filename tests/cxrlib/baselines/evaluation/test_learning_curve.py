"""Learning curves: the whole is the run, more persons help where there is more to learn."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    LocoResult,
    LocoSettings,
    compute_learning_curve,
    count_more_persons,
    describe_learning_curve,
    plan_loco,
    run_loco,
)
from cxrlib.baselines.evaluation.learning_curve import LEARNING_COLUMNS, _take_share
from cxrlib.errors import RunStoppedError, SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows


def make_result(seed: int = 1, n_columns: int = 3, task: str = "icu-stay") -> LocoResult:
    """Predict labels that the features tell of together."""
    rows, rng = draw_rows(seed, n_images=150, n_persons=120, task=task)
    matrix = rng.normal(size=(150, n_columns)) + 0.4 * rows.table["y"].to_numpy()[:, None]
    return run_loco(rows, make_features(rows, matrix), LocoSettings(n_resamples=200))


@pytest.mark.parametrize("task", ["icu-stay", "geographic-extent"])
def test_all_persons_give_the_runs_score(task: str) -> None:
    """With its interval, to the last digit."""
    result = make_result(task=task)
    table = compute_learning_curve(result, n_repeats=2)
    assert tuple(table.columns) == LEARNING_COLUMNS
    whole = table[table["share"] == 1].iloc[0]
    pooled = result.scores[result.scores["fold"] == "pooled"].iloc[0]
    for name in ("value", "low", "high", "n_images", "n_persons", "metric"):
        assert whole[name] == pooled[name]


def test_more_persons_help_where_there_is_more_to_learn() -> None:
    """Thirty columns that tell little each are learnt the better the more there are."""
    table = compute_learning_curve(make_result(2, n_columns=30), n_repeats=6)
    means = table[table["repeat"] == 0]
    assert means["value"].iloc[-1] > means["value"].iloc[0] + 0.05
    assert (np.diff(means["n_train_persons"]) > 0).all()
    repeats = table[(table["repeat"] > 0) & (table["share"] == 0.2)]
    assert len(repeats) == 6
    assert repeats["value"].mean() == pytest.approx(means["value"].iloc[0])


def test_shares_are_nested_hold_whole_persons_and_both_classes() -> None:
    """No person is half in training, and none comes from the test images."""
    result = make_result()
    plan = plan_loco(result.rows, result.features, result.settings)
    small, large = (_take_share(plan, share, 0) for share in (0.2, 0.6))
    for few, more, fold in zip(small.folds, large.folds, plan.tested, strict=True):
        assert set(few.train) < set(more.train) < set(fold.train)
        left_out = np.setdiff1d(fold.train, few.train)
        assert not set(plan.persons[few.train]) & set(plan.persons[left_out])
        assert not set(few.train) & set(fold.test)
        assert set(plan.labels.y[few.train]) == {0.0, 1.0}


def test_the_order_of_rows_changes_no_learning_curve() -> None:
    """Which persons are drawn does not depend on it."""
    result = make_result(4)
    other = run_loco(shuffle_rows(result.rows, 5), result.features, result.settings)
    tables = [compute_learning_curve(each, n_repeats=2) for each in (result, other)]
    pd.testing.assert_frame_equal(*tables)


def test_more_persons_are_counted_by_the_variance() -> None:
    """Half the width takes four times as many."""
    table = compute_learning_curve(make_result(), n_repeats=1)
    last = table[table["repeat"] == 0].iloc[-1]
    reach = (last["high"] - last["low"]) / 2
    n = int(last["n_persons"])
    assert count_more_persons(table, reach / 2) == pytest.approx(3 * n, abs=1)
    assert count_more_persons(table, 2 * reach) == 0
    assert "an extrapolation" in describe_learning_curve(table, reach / 2)
    assert "already" in describe_learning_curve(table, 2 * reach)
    with pytest.raises(SelectionError, match="Half width 0"):
        count_more_persons(table, 0)


def test_one_group_has_no_learning_curve() -> None:
    """The reason stands in every row, and nothing is extrapolated."""
    region = ["Asia"] * 20 + ["Unknown"] * 20 + ["Europe"] * 5
    rows = make_rows([0.0, 1] * 20 + [1.0] * 5, region=region)
    features = make_features(rows, np.random.default_rng(5).normal(size=(45, 1)))
    table = compute_learning_curve(run_loco(rows, features), n_repeats=1)
    assert table["value"].isna().all()
    assert "a pooled score needs 2" in table["reason"].iloc[0]
    assert count_more_persons(table) is None
    assert "not estimable" in describe_learning_curve(table)


def test_a_learning_curve_can_be_stopped_and_tells_how_far_it_is() -> None:
    """Progress ends at its end."""
    result, told = make_result(), []
    compute_learning_curve(result, n_repeats=2, on_progress=lambda *words: told.append(words))
    assert told[-1][1:] == (10, 10)
    with pytest.raises(RunStoppedError):
        compute_learning_curve(result, should_stop=lambda: True)
    with pytest.raises(SelectionError, match="n_repeats is 0"):
        compute_learning_curve(result, n_repeats=0)
