"""Calibration in the large: planted where shares differ, refused where few, right to the digit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from cxrlib.baselines.evaluation import (
    CORRECTED,
    PUBLISHED,
    LocoSettings,
    check_calibration,
    run_loco,
)
from cxrlib.baselines.evaluation.calibration import CALIBRATION_COLUMNS
from tests.evaluation_rows_factory import REGIONS, draw_rows, make_features, make_rows, shuffle_rows


def test_a_rare_outcome_is_overpredicted_where_training_has_more() -> None:
    """The share is 0.2 in one region and 0.7 in the others: its difference is theirs."""
    share = np.repeat([0.7, 0.7, 0.2], 60)
    y = (np.tile(np.arange(60), 3) / 60 < share).astype(float)
    rows = make_rows(y, region=np.repeat(REGIONS, 60).tolist())
    features = make_features(rows, np.random.default_rng(0).normal(size=(180, 1)))
    table = check_calibration(run_loco(rows, features)).set_index("fold")
    europe = table.loc["Europe"]
    assert europe["observed"] == pytest.approx(0.2)
    assert europe["predicted"] == pytest.approx(0.7, abs=0.05)
    assert 0.35 < europe["low"] < europe["difference"] < europe["high"] < 0.65
    assert table.loc["Asia", "low"] < 0


@pytest.mark.parametrize("protocol", [CORRECTED, PUBLISHED])
def test_predictions_are_the_models_probabilities(protocol) -> None:
    """Whatever ranks the images: those of scikit-learn, to the last digits."""
    rows, rng = draw_rows(1)
    matrix = rng.normal(size=(90, 2))
    settings = LocoSettings(protocol, n_resamples=0, estimator="paper")
    result = run_loco(rows, make_features(rows, matrix), settings)
    table = check_calibration(result).set_index("fold")
    inside = (rows.table["region"] == "Asia").to_numpy()
    train = matrix[~inside]
    centre, spread = (train.mean(0), train.std(0)) if protocol is CORRECTED else (0.0, 1.0)
    model = LogisticRegression(tol=1e-10, max_iter=5000)
    model.fit((train - centre) / spread, rows.table["y"][~inside])
    expected = model.predict_proba((matrix[inside] - centre) / spread)[:, 1].mean()
    # Published fits stop at scikit-learn's own tolerance.
    assert table.loc["Asia", "predicted"] == pytest.approx(expected, abs=1e-3)
    assert table.loc["Asia", "observed"] == rows.table["y"][inside].mean()
    assert tuple(check_calibration(result).columns) == CALIBRATION_COLUMNS


def test_pooled_is_over_all_images_with_an_answer() -> None:
    """A region that is refused does not count in it."""
    y = np.array([1.0, 0, 0, *np.tile([0, 1], 30)])
    rows = make_rows(y, region=["Oceania"] * 3 + ["Asia"] * 20 + ["Europe"] * 40)
    features = make_features(rows, np.random.default_rng(2).normal(size=(63, 1)))
    table = check_calibration(run_loco(rows, features)).set_index("fold")
    assert table.loc["Oceania", "reason"] == "1 person of the smaller class: not estimable below 5."
    assert np.isnan(table.loc["Oceania", "difference"])
    pooled, asia, europe = (table.loc[name] for name in ("pooled", "Asia", "Europe"))
    assert pooled["n_images"] == 60
    expected = (20 * asia["predicted"] + 40 * europe["predicted"]) / 60
    assert pooled["predicted"] == pytest.approx(expected)
    assert pooled["low"] < pooled["difference"] < pooled["high"]


def test_numbers_keep_their_unit() -> None:
    """Of severity the mean error is given, with its sign."""
    rows, rng = draw_rows(3, task="geographic-extent")
    y = rows.table["y"].to_numpy(copy=True)
    y[(rows.table["region"] == "Asia").to_numpy()] += 4
    rows.table["y"] = y
    features = make_features(rows, rng.normal(size=(90, 1)))
    table = check_calibration(run_loco(rows, features)).set_index("fold")
    assert -6 < table.loc["Asia", "difference"] < -0.5
    assert table.loc["Asia", "high"] < 0


def test_several_seeds_are_averaged_and_counted_once() -> None:
    """Predictions of three networks are no three images."""
    rows, rng = draw_rows(4)
    result = run_loco(rows, make_features(rows, rng.normal(size=(90, 1))), LocoSettings())
    once = check_calibration(result)
    three = pd.concat([result.predictions.assign(seed=seed) for seed in range(3)])
    object.__setattr__(result, "predictions", three)
    pd.testing.assert_frame_equal(check_calibration(result), once)


def test_one_answer_is_not_pooled() -> None:
    """And what was never tested says so."""
    rows = make_rows([0.0, 1] * 10 + [1.0] * 5, region=["Asia"] * 20 + ["Europe"] * 5)
    features = make_features(rows, np.random.default_rng(5).normal(size=(25, 1)))
    settings = LocoSettings()
    table = check_calibration(run_loco(rows, features, settings)).set_index("fold")
    assert "pooling needs 2" in table.loc["pooled", "reason"]
    assert "all 'went to the ICU'" in table.loc["Europe", "reason"]


def test_the_order_of_rows_changes_nothing() -> None:
    """Intervals included."""
    rows, rng = draw_rows(6)
    features = make_features(rows, rng.normal(size=(90, 2)))
    tables = [check_calibration(run_loco(each, features)) for each in (rows, shuffle_rows(rows, 3))]
    pd.testing.assert_frame_equal(*tables)


def test_one_answer_alone_is_not_pooled() -> None:
    """Where the other group has too few persons, the one that has enough stands for itself."""
    y = [0.0, 1] * 10 + [0.0, 0.0, 1.0]
    rows = make_rows(y, region=["Asia"] * 20 + ["Europe"] * 3)
    features = make_features(rows, np.random.default_rng(6).normal(size=(23, 1)))
    table = check_calibration(run_loco(rows, features, LocoSettings())).set_index("fold")
    assert np.isfinite(table.loc["Asia", "difference"])
    assert table.loc["pooled", "reason"] == "1 group with an estimate: pooling needs 2."
    assert np.isnan(table.loc["pooled", "difference"])
