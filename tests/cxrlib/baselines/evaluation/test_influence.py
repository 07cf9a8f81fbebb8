"""Influence: leaving somebody out equals scoring without them, and who carries a score is found."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrlib.baselines.evaluation import (
    CORRECTED,
    PUBLISHED,
    LocoResult,
    LocoSettings,
    find_influence,
    run_loco,
)
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows


def run(seed: int, protocol=CORRECTED, task: str = "icu-stay") -> LocoResult:
    """Evaluate noise."""
    rows, rng = draw_rows(seed, n_images=60, n_persons=45, task=task)
    features = make_features(rows, rng.normal(size=(60, 2)))
    return run_loco(rows, features, LocoSettings(protocol, n_resamples=0))


def pool(predictions: pd.DataFrame, by: str) -> float:
    """Pool AUROCs, weighted by their pairs."""
    right = total = 0.0
    for _, group in predictions.groupby("fold"):
        n_positive = int(group["y"].sum())
        pairs = n_positive * (len(group) - n_positive)
        if pairs:
            right += pairs * roc_auc_score(group["y"], group[by])
            total += pairs
    return right / total


@pytest.mark.parametrize(("protocol", "by"), [(CORRECTED, "value"), (PUBLISHED, "chosen")])
def test_leaving_out_is_scoring_without(protocol, by: str) -> None:
    """A slow count over all persons gives the same; all persons are there, largest change first."""
    result = run(0, protocol)
    table = find_influence(result)
    assert sorted(table["person_id"]) == sorted(result.predictions["person_id"].unique())
    for row in table.itertuples():
        rest = result.predictions[result.predictions["person_id"] != row.person_id]
        assert row.score == pytest.approx(pool(result.predictions, by))
        assert row.without == pytest.approx(pool(rest, by))
    assert table["change"].abs().is_monotonic_decreasing
    assert table["n_images"].sum() == 60


def test_the_mean_and_one_region_too() -> None:
    """Only the person's own region changes in a mean."""
    result = run(0)
    mean, asia = find_influence(result, of="mean"), find_influence(result, "auprc", of="Asia")
    scored = result.predictions["fold"].isin(result.folds.query("is_scored")["fold"])
    by_fold = dict(list(result.predictions[scored].groupby("fold")))
    assert len(by_fold) > 1
    for row in mean.itertuples():
        scores = []
        for group in by_fold.values():
            rest = group[group["person_id"] != row.person_id]
            scores.append(roc_auc_score(rest["y"], rest["value"]))
        assert row.without == pytest.approx(np.mean(scores))
    assert set(asia["person_id"]) == set(by_fold["Asia"]["person_id"])
    for row in asia.itertuples():
        rest = by_fold["Asia"][by_fold["Asia"]["person_id"] != row.person_id]
        assert row.without == pytest.approx(average_precision_score(rest["y"], rest["value"]))


def test_who_carries_a_score_comes_first() -> None:
    """A person with many images that are all right is the one the score rests on."""
    rng = np.random.default_rng(2)
    y = np.tile([0.0, 1.0], 40)
    person = [f"p{place // 1}" for place in range(80)]
    for place in range(41, 61, 2):
        person[place] = "many"
    signal = rng.normal(size=80)
    signal[41:61:2] += 9
    rows = make_rows(y, region=["Asia"] * 40 + ["Europe"] * 40, person=person)
    # The same sign in training: a separate first half follows the label weakly.
    signal[:40] += y[:40]
    result = run_loco(rows, make_features(rows, signal[:, None]), LocoSettings(n_resamples=0))
    first = find_influence(result, of="Europe").iloc[0]
    assert (first["person_id"], first["n_images"], first["n_positive"]) == ("many", 10, 10)
    assert first["change"] < -0.1


def test_numbers_have_no_positive_images() -> None:
    """Of severity the concordance is pooled, and the errors are averaged."""
    result = run(3, task="geographic-extent")
    table = find_influence(result)
    assert table["n_positive"].isna().all()
    errors = find_influence(result, "mae", of="Europe").iloc[0]
    rest = result.predictions[
        (result.predictions["fold"] == "Europe")
        & (result.predictions["person_id"] != errors["person_id"])
    ]
    assert errors["without"] == pytest.approx((rest["y"] - rest["value"]).abs().mean())


def test_a_constant_prediction_keeps_the_correlation_of_the_paper() -> None:
    """It is 0 as published, with anybody left out."""
    rows, _ = draw_rows(4, task="geographic-extent")
    features = make_features(rows, np.ones((90, 1)))
    result = run_loco(rows, features, LocoSettings(PUBLISHED, n_resamples=0))
    assert (find_influence(result, of="mean")[["score", "without", "change"]] == 0).all(axis=None)


def test_what_is_not_estimable_says_why() -> None:
    """A score that does not exist, and one that does not without somebody."""
    y = [0, 1, 1, 1, *([0, 1] * 6)]
    rows = make_rows(y, region=["Asia"] * 4 + ["Europe"] * 12)
    features = make_features(rows, np.random.default_rng(0).normal(size=(16, 1)))
    result = run_loco(rows, features, LocoSettings(n_resamples=0))
    mean = find_influence(result, of="mean")
    assert mean["change"].isna().all()
    assert mean["reason"].str.contains("a mean needs 2").all()
    asia = find_influence(run_loco(rows, features, LocoSettings(PUBLISHED)), of="Asia")
    lost = asia[asia["person_id"] == "i0000"].iloc[0]
    assert np.isnan(lost["without"])
    assert "one class or too few images remain" in lost["reason"]
    assert asia.iloc[-1]["person_id"] == "i0000"


def test_the_order_of_rows_changes_nothing() -> None:
    """Ties are told apart by the person's id."""
    rows, rng = draw_rows(5)
    features = make_features(rows, rng.normal(size=(90, 2)))
    tables = [
        find_influence(run_loco(each, features, LocoSettings(n_resamples=0)))
        for each in (rows, shuffle_rows(rows, 1))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_unknown_scores_and_groups_are_refused() -> None:
    """The message lists those there are."""
    result = run(6)
    with pytest.raises(SelectionError, match="There are those of pooled, mean, Americas"):
        find_influence(result, of="Oceania")
    with pytest.raises(SelectionError, match=r"'auprc' of 'pooled'\. There are auroc"):
        find_influence(result, "auprc")


def test_a_group_without_a_score_is_in_no_mean() -> None:
    """Where all of a region have one number there is no correlation; the others' mean stands."""
    rows, rng = draw_rows(7, task="geographic-extent")
    is_asia = (rows.table["region"] == "Asia").to_numpy()
    rows.table.loc[is_asia, "y"] = 3.0
    features = make_features(rows, rng.normal(size=(len(rows.table), 2)))
    result = run_loco(rows, features, LocoSettings(n_resamples=0))
    table = find_influence(result, of="mean")
    inside = set(rows.table.loc[is_asia, "person_id"]) - set(rows.table.loc[~is_asia, "person_id"])
    assert inside
    assert np.isfinite(table["without"]).all()
    assert (table.loc[table["person_id"].isin(inside), "change"].abs() < 1e-12).all()
