"""What a threshold finds and misses: counts of scikit-learn, persons by hand, bad input."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from cxrlib.baselines.evaluation import LocoResult, LocoSettings, confuse, list_mistakes, run_loco
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows


def make_result(seed: int = 1, task: str = "icu-stay") -> LocoResult:
    """Predict labels that one feature tells of."""
    rows, rng = draw_rows(seed, n_images=120, task=task)
    matrix = rng.normal(size=(120, 2))
    matrix[:, 0] += rows.table["y"]
    return run_loco(rows, make_features(rows, matrix))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_confuse_counts_as_scikit_learn(threshold: float) -> None:
    """In each group and in all."""
    result = make_result()
    table = confuse(result, threshold).set_index("fold")
    everything = result.predictions.assign(all="pooled")
    for by in ("fold", "all"):
        for name, own in everything.groupby(by):
            called = 1 / (1 + np.exp(-own["value"])) > threshold
            (passed, false), (missed, found) = confusion_matrix(own["y"], called, labels=[0, 1])
            row = table.loc[name]
            cells = ["found", "missed", "false_alarms", "passed"]
            assert row[cells].tolist() == [found, missed, false, passed]
            assert row["sensitivity"] == pytest.approx(found / (found + missed))
            assert row["specificity"] == pytest.approx(passed / (passed + false))


def test_confuse_takes_the_models_own_decision() -> None:
    """Without a threshold; of a logistic regression it is 0.5."""
    result = make_result()
    own, half = confuse(result), confuse(result, 0.5)
    pd.testing.assert_frame_equal(
        own.drop(columns="threshold"), half.drop(columns="threshold"), check_dtype=False
    )


def test_confuse_bounds_a_perfect_rate() -> None:
    """None is missed, which is no sign of certainty; the interval is of persons, not images."""
    result = make_result()
    row = confuse(result, 0.0).set_index("fold").loc["pooled"]
    assert row["sensitivity"] == row["sensitivity_high"] == 1.0
    assert 0.7 < row["sensitivity_low"] < 0.95
    assert row["found_persons"] < row["found"]


def test_confuse_counts_a_person_with_two_images_once_a_cell() -> None:
    """Persons are those with an image in the cell."""
    y = np.tile([0.0, 1.0], 40)
    person = [f"p{place // 4}-{place % 2}" for place in range(80)]
    rows = make_rows(y, region=["Asia"] * 40 + ["Europe"] * 40, person=person)
    result = run_loco(rows, make_features(rows, np.c_[y + np.arange(80) / 1000]))
    row = confuse(result).set_index("fold").loc["pooled"]
    assert (row["found"], row["found_persons"], row["n_persons"]) == (40, 20, 40)


def test_confuse_refuses_rates_of_few_persons() -> None:
    """The counts stand alone."""
    y = [1.0, 0, 0, *np.tile([0.0, 1], 30)]
    rows = make_rows(y, region=["Oceania"] * 3 + ["Asia"] * 20 + ["Europe"] * 40)
    features = make_features(rows, np.random.default_rng(0).normal(size=(63, 1)))
    row = confuse(run_loco(rows, features)).set_index("fold").loc["Oceania"]
    assert row["found"] + row["missed"] == 1
    assert np.isnan(row["sensitivity_low"])
    assert "not estimable below 5" in row["reason"]


def test_list_mistakes_lists_what_confuse_counts() -> None:
    """Missed and false alarms, the farthest from the threshold first."""
    result = make_result()
    for threshold in (0.2, 0.5, 0.8):
        row = confuse(result, threshold).set_index("fold").loc["pooled"]
        for cell in ("missed", "false_alarms"):
            table = list_mistakes(result, threshold, cell)
            assert len(table) == row[cell]
            sign = 1 if cell == "missed" else -1
            assert (np.diff(sign * table["predicted"]) >= 0).all()
    only = list_mistakes(result, 0.5, "missed", "Asia")
    assert set(only["fold"]) == {"Asia"}


def test_confuse_looks_for_the_clinical_event() -> None:
    """Death is the negative class of survival: its misses are deaths called survived."""
    # With a fixed C: which persons choose it together depends on which class is called positive.
    fixed = LocoSettings(estimator="linear:1")
    result = make_result(2, task="icu-stay")
    result = run_loco(result.rows, result.features, fixed)
    turned = run_loco(
        make_rows(
            1 - result.rows.table["y"],
            region=result.rows.table["region"].tolist(),
            person=result.rows.table["person_id"].tolist(),
            task="survival",
        ),
        result.features,
        fixed,
    )
    first, second = confuse(result), confuse(turned)
    pd.testing.assert_frame_equal(first, second)
    assert list_mistakes(turned)["image_id"].tolist() == list_mistakes(result)["image_id"].tolist()


def test_the_order_of_rows_changes_no_confusion() -> None:
    """Intervals included."""
    result = make_result(3)
    other = run_loco(shuffle_rows(result.rows, 1), result.features)
    pd.testing.assert_frame_equal(confuse(result), confuse(other))


def test_bad_thresholds_and_tasks_are_refused() -> None:
    """Each with its own sentence."""
    result = make_result()
    with pytest.raises(SelectionError, match=r"Threshold 1\.2 is no probability"):
        confuse(result, 1.2)
    with pytest.raises(SelectionError, match="Threshold nan"):
        list_mistakes(result, float("nan"))
    with pytest.raises(SelectionError, match="no list 'found'"):
        list_mistakes(result, 0.5, "found")
    with pytest.raises(SelectionError, match="No group 'Moon'"):
        list_mistakes(result, 0.5, "missed", "Moon")
    rows, rng = draw_rows(0, task="opacity")
    number = run_loco(rows, make_features(rows, rng.normal(size=(90, 1))))
    with pytest.raises(SelectionError, match="predicts a number"):
        confuse(number)
