"""Reliability: slopes of scikit-learn, a planted miscalibration, bins, refusals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression, LogisticRegression

from cxrlib.baselines.evaluation import (
    LocoResult,
    LocoSettings,
    bin_predictions,
    compare_numbers,
    fit_recalibration,
    run_loco,
)
from cxrlib.baselines.evaluation.intervals import find_reach
from cxrlib.baselines.evaluation.recalibration import _regress
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows


def make_result(
    seed: int = 1,
    task: str = "icu-stay",
    *,
    weight: float = 1.0,
    n_persons: int = 120,
    **settings: object,
) -> LocoResult:
    """Predict labels that one feature tells of."""
    rows, rng = draw_rows(seed, n_images=150, n_persons=n_persons, task=task)
    matrix = rng.normal(size=(150, 2))
    matrix[:, 0] += weight * rows.table["y"]
    return run_loco(rows, make_features(rows, matrix), LocoSettings(**settings))


def test_slopes_are_those_of_scikit_learn() -> None:
    """Without a penalty, on the log-odds."""
    result = make_result(weight=0.7)
    table = fit_recalibration(result).set_index("fold")
    for fold, own in [*result.predictions.groupby("fold"), ("pooled", result.predictions)]:
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
        model.fit(own[["value"]].to_numpy(), own["y"].to_numpy())
        assert table.loc[fold, "slope"] == pytest.approx(model.coef_[0, 0], abs=1e-5)
        assert table.loc[fold, "intercept"] == pytest.approx(model.intercept_[0], abs=1e-5)


def test_slopes_of_numbers_are_those_of_scikit_learn() -> None:
    """By least squares."""
    result = make_result(task="geographic-extent")
    table = fit_recalibration(result).set_index("fold")
    own = compare_numbers(result)
    model = LinearRegression().fit(own[["value"]].to_numpy(), own["y"])
    assert table.loc["pooled", "slope"] == pytest.approx(model.coef_[0])
    assert table.loc["pooled", "intercept"] == pytest.approx(model.intercept_)
    assert table.loc["pooled", "slope_low"] < model.coef_[0] < table.loc["pooled", "slope_high"]


def test_a_slope_of_classes_almost_parted_has_no_interval() -> None:
    """Where persons have several images; the pooled slope, and single images, keep theirs."""
    result = make_result(weight=2.5, n_persons=60)
    table = fit_recalibration(result).set_index("fold")
    groups = table.drop(index="pooled")
    assert groups["slope_low"].isna().all()
    assert groups["reason"].str.contains("almost entirely").any()
    assert np.isfinite(table.loc["pooled", "slope_low"])
    alone = fit_recalibration(make_result(weight=2.5, n_persons=150)).set_index("fold")
    assert not alone["reason"].str.contains("almost entirely").any()


@pytest.mark.parametrize("is_class", [True, False])
def test_errors_are_clustered_by_person(is_class: bool) -> None:
    """A slow reference leaves out each person; never below that of independent images."""
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(30), 2)
    x = rng.normal(size=60)
    y = np.repeat(rng.normal(size=30), 2) + x
    y = (y > 0).astype(float) if is_class else y
    (intercept, slope), errors = _regress(x, y, persons, is_class=is_class)
    design = np.column_stack([np.ones(60), x])
    mean = design @ [intercept, slope]
    mean = 1 / (1 + np.exp(-mean)) if is_class else mean
    weight = mean * (1 - mean) if is_class else np.ones(60)
    moved = []
    for person in range(30):
        # One step of Newton's method (of numbers the answer) without this person.
        left = persons != person
        bread = (design[left] * weight[left, None]).T @ design[left]
        moved.append(np.linalg.solve(bread, design[left].T @ (y - mean)[left]))
    jackknife = np.sqrt((np.array(moved) ** 2).sum(axis=0) * 29 / 30)
    assert errors[0] == pytest.approx(jackknife[0], rel=1e-4)
    assert (np.array(errors) >= jackknife - 1e-5).all()


def test_intervals_of_slopes_hold_the_truth() -> None:
    """In 93 of 100 sets at least, with thirty persons of two images each."""
    rng, n_held = np.random.default_rng(7), 0
    for _ in range(150):
        x = np.repeat(rng.normal(size=30), 2) + 0.5 * rng.normal(size=60)
        y = (np.repeat(rng.random(30), 2) < 1 / (1 + np.exp(-x))).astype(float)
        (_, slope), (_, error) = _regress(x, y, np.repeat(np.arange(30), 2), is_class=True)
        n_held += abs(slope - 1) <= find_reach(30) * error
    assert n_held >= 0.93 * 150


def test_a_planted_overconfidence_is_found() -> None:
    """Log-odds three times too large have a slope of a third, and the interval holds it."""
    rng = np.random.default_rng(3)
    n = 600
    logit = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    rows = make_rows(y, region=np.repeat(["Asia", "Europe"], n // 2).tolist())
    result = run_loco(rows, make_features(rows, logit[:, None]))
    values = pd.Series(3 * logit + 1, index=rows.table["image_id"])
    predictions = result.predictions.assign(
        value=values.loc[result.predictions["image_id"]].to_numpy()
    )
    row = fit_recalibration(replace(result, predictions=predictions)).set_index("fold")
    pooled = row.loc["pooled"]
    assert pooled["slope_low"] < 1 / 3 < pooled["slope_high"] < 0.6
    assert pooled["intercept_low"] < -1 / 3 < pooled["intercept_high"]


def test_parted_and_constant_predictions_have_no_slope() -> None:
    """An infinite slope is none, and no sign of certainty."""
    y = np.tile([0.0, 1.0], 30)
    rows = make_rows(y, region=["Asia"] * 30 + ["Europe"] * 30)
    result = run_loco(rows, make_features(rows, y[:, None]))
    reasons = fit_recalibration(result)["reason"]
    assert reasons.str.contains("part both classes entirely").all()
    result = run_loco(rows, make_features(rows, np.ones((60, 1))))
    assert "the same for all images" in fit_recalibration(result)["reason"].iloc[0]


def test_bins_are_those_of_scikit_learn() -> None:
    """Of equal size, with counts and intervals."""
    result = make_result()
    bins = bin_predictions(result)
    p = 1 / (1 + np.exp(-result.predictions["value"]))
    share, mean = calibration_curve(result.predictions["y"], p, n_bins=5, strategy="quantile")
    assert bins["observed"].tolist() == pytest.approx(share.tolist())
    assert bins["predicted"].tolist() == pytest.approx(mean.tolist())
    assert bins["n_images"].sum() == 150
    assert (bins["low"] < bins["observed"]).all()
    assert (bins["high"] > bins["observed"]).all()


def test_a_bin_of_few_persons_has_no_interval() -> None:
    """And says so."""
    bins = bin_predictions(make_result(n_resamples=20), 60)
    assert bins["low"].isna().all()
    assert bins["reason"].str.contains("and it needs 5").all()


def test_groups_with_few_persons_are_refused() -> None:
    """A number needs ten, a class five of each."""
    rows = make_rows(
        [1.0, 2, 3, *np.arange(40) % 7],
        region=["Oceania"] * 3 + ["Asia"] * 20 + ["Europe"] * 20,
        task="opacity",
    )
    features = make_features(rows, np.random.default_rng(1).normal(size=(43, 1)))
    table = fit_recalibration(run_loco(rows, features)).set_index("fold")
    assert table.loc["Oceania", "reason"] == "3 persons: not estimable below 10."


def test_each_kind_of_task_has_its_own() -> None:
    """The other is named."""
    with pytest.raises(SelectionError, match="of classes"):
        compare_numbers(make_result(n_resamples=0))
    with pytest.raises(SelectionError, match="predicts a number"):
        bin_predictions(make_result(task="opacity", n_resamples=0))
