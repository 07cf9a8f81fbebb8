"""Curves: those of scikit-learn, areas of the run's own scores, refusals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from cxrlib.baselines.evaluation import (
    PUBLISHED,
    LocoResult,
    LocoSettings,
    run_loco,
    trace_curves,
)
from cxrlib.baselines.evaluation.curves import CURVE_COLUMNS
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows


def make_result(seed: int = 1, *, strength: float = 1.0, **settings: object) -> LocoResult:
    """Predict labels that one feature tells of; some values are equal."""
    rows, rng = draw_rows(seed, n_images=120)
    matrix = rng.normal(size=(120, 2)).round(1)
    matrix[:, 0] += strength * rows.table["y"]
    return run_loco(rows, make_features(rows, matrix), LocoSettings(**settings))


def take(table: pd.DataFrame, fold: str, part: str) -> pd.DataFrame:
    """Take a part of a group."""
    return table[(table["fold"] == fold) & (table["part"] == part)]


def test_roc_is_that_of_scikit_learn() -> None:
    """The same corners, once those on a straight line are left out of both."""
    result = make_result()
    table = trace_curves(result, "roc")
    assert tuple(table.columns) == CURVE_COLUMNS
    for fold, own in result.predictions.groupby("fold"):
        x, y, _ = roc_curve(own["y"], own["value"], drop_intermediate=False)
        curve = take(table, fold, "curve")
        places = np.linspace(0, 1, 301) + 1e-6
        expected = np.interp(places, x, y)
        assert np.interp(places, curve["x"], curve["y"]) == pytest.approx(expected, abs=1e-4)
        assert auc(curve["x"], curve["y"]) == pytest.approx(auc(x, y), abs=1e-8)


def test_precision_recall_is_that_of_scikit_learn() -> None:
    """The area of its steps is the average precision."""
    result = make_result()
    table = trace_curves(result, "precision-recall")
    for fold, own in result.predictions.groupby("fold"):
        precision, recall, _ = precision_recall_curve(own["y"], own["value"])
        curve = take(table, fold, "curve")
        for x, y in zip(curve["x"][1:], curve["y"][1:], strict=True):
            assert precision[np.isclose(recall, x)].max() >= y - 1e-9
        steps = (np.diff(curve["x"]) * curve["y"].to_numpy()[1:]).sum()
        expected = average_precision_score(own["y"], own["value"])
        assert steps == pytest.approx(expected)
        assert take(table, fold, "area")["y"].iloc[0] == pytest.approx(expected)


def test_areas_are_the_runs_scores() -> None:
    """With their intervals, in the groups and pooled; the pooled curve has the pooled area."""
    result = make_result()
    areas = trace_curves(result).query("part == 'area'").set_index("fold")
    scores = result.scores[result.scores["metric"] == "auroc"].set_index("fold")
    for fold in ("Americas", "Asia", "Europe", "pooled"):
        found = areas.loc[fold, ["y", "low", "high"]].astype(float).tolist()
        expected = scores.loc[fold, ["value", "low", "high"]].astype(float).tolist()
        assert found == pytest.approx(expected, abs=1e-6)
    curve = take(trace_curves(result), "pooled", "curve")
    assert auc(curve["x"], curve["y"]) == pytest.approx(areas.loc["pooled", "y"], abs=1e-6)


def test_the_band_holds_the_curve_and_is_never_certain() -> None:
    """Also where all is ranked rightly."""
    for strength in (0.5, 20.0):
        table = trace_curves(make_result(strength=strength))
        for fold in ("Asia", "pooled"):
            band = take(table, fold, "band")
            assert band["low"].notna().sum() > 20
            band = band[band["low"].notna()]
            assert (band["low"] <= band["y"] + 1e-9).all()
            assert (band["high"] >= band["y"] - 1e-9).all()
            inside = band[(band["x"] > 0) & (band["x"] < 0.9)]
            assert (inside["low"] < inside["high"]).all()
            assert (inside["low"] < 0.99).all()


def test_a_band_ends_where_the_threshold_is_that_of_a_person_or_two() -> None:
    """There it held the truth in 42 to 89 of 100 simulations: no interval is shown."""
    result = make_result()
    of_asia = result.predictions[result.predictions["fold"] == "Asia"]
    n_well, n_ill = (of_asia[of_asia["y"] == y]["person_id"].nunique() for y in (0, 1))
    for kind, step in (("roc", 2 / n_well), ("precision-recall", 1 / n_ill)):
        band = take(trace_curves(result, kind), "Asia", "band")
        shown = band[band["low"].notna()]["x"]
        assert shown.min() >= step - 1e-9
        assert 0.5 < shown.max() <= 1 - step + 1e-9


def test_noise_has_the_diagonal_within_its_band() -> None:
    """Nothing is announced where nothing was planted: at most few of 20 sets."""
    n_out = 0
    for seed in range(20):
        band = take(
            trace_curves(make_result(seed + 50, strength=0, n_resamples=200)), "pooled", "band"
        )
        middle = band[np.isclose(band["x"], 0.5)].iloc[0]
        n_out += not middle["low"] <= 0.5 <= middle["high"]
    assert n_out <= 3


def measure_distance(mark: pd.Series, curve: pd.DataFrame) -> float:
    """Measure how far a mark lies off a curve, whose turns alone are listed."""
    at, points = mark[["x", "y"]].to_numpy(float), curve[["x", "y"]].to_numpy(float)
    starts, steps = points[:-1], np.diff(points, axis=0)
    along = ((at - starts) * steps).sum(axis=1) / np.maximum((steps**2).sum(axis=1), 1e-30)
    nearest = starts + np.clip(along, 0, 1)[:, None] * steps
    return float(np.hypot(*(at - nearest).T).min())


def test_the_decision_is_a_point_of_its_groups_curve() -> None:
    """The class that a logistic regression predicts is a threshold on its value."""
    table = trace_curves(make_result())
    for fold in ("Americas", "Asia", "Europe"):
        mark, curve = take(table, fold, "decision").iloc[0], take(table, fold, "curve")
        assert measure_distance(mark, curve) < 1e-6
        assert mark["low"] <= mark["y"] <= mark["high"]


def test_published_runs_are_ranked_by_value_too() -> None:
    """Their AUROC is of predicted classes: the curve says more."""
    result = make_result(protocol=PUBLISHED, n_resamples=50)
    curve = take(trace_curves(result), "Asia", "curve")
    assert len(curve) > 5


def test_few_persons_have_no_curve() -> None:
    """A group with fewer than five of a class says why, and one group is not pooled."""
    y = [*np.tile([0.0, 1], 10), 1.0, 0.0, 0.0, *[1.0] * 4]
    region = ["Asia"] * 20 + ["Europe"] * 3 + ["Oceania"] * 4
    rows = make_rows(y, region=region)
    features = make_features(rows, np.random.default_rng(5).normal(size=(27, 1)))
    table = trace_curves(run_loco(rows, features, LocoSettings(n_resamples=20)))
    assert set(table.loc[table["fold"] == "Europe", "part"]) == {"area"}
    reasons = table[table["part"] == "area"].set_index("fold")["reason"]
    assert "1 person of the smaller class" in reasons["Europe"]
    assert "both classes" in reasons["Oceania"]
    alone = run_loco(rows, features, LocoSettings(n_resamples=20))
    only = alone.predictions[alone.predictions["fold"] == "Asia"]
    table = trace_curves(replace(alone, predictions=only))
    reason = take(table, "pooled", "area")["reason"].iloc[0]
    assert reason == "1 tested group: all together needs 2."


def test_the_order_of_rows_changes_no_curve() -> None:
    """Bands included."""
    result = make_result(6, n_resamples=50)
    settings = LocoSettings(n_resamples=50)
    other = run_loco(shuffle_rows(result.rows, 2), result.features, settings)
    pd.testing.assert_frame_equal(trace_curves(result), trace_curves(other))


def test_seeds_are_averaged() -> None:
    """Three networks that say the same draw the curve of one."""
    result = make_result(n_resamples=20)
    three = pd.concat([result.predictions.assign(seed=seed) for seed in range(3)])
    once, thrice = (trace_curves(each) for each in (result, replace(result, predictions=three)))
    pd.testing.assert_frame_equal(once, thrice)


def test_without_resamples_there_is_a_curve_and_no_band() -> None:
    """Nothing is guessed."""
    table = trace_curves(make_result(n_resamples=0))
    assert take(table, "pooled", "band")["low"].isna().all()
    assert np.isfinite(take(table, "pooled", "area")["y"].iloc[0])


def test_a_number_has_no_curve() -> None:
    """It says what to look at instead."""
    rows, rng = draw_rows(0, task="opacity")
    result = run_loco(rows, make_features(rows, rng.normal(size=(90, 1))))
    with pytest.raises(SelectionError, match="predicted against observed"):
        trace_curves(result)
