"""What models go by: coefficients of scikit-learn, a planted feature, permutations, refusals."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from cxrlib.baselines.evaluation import (
    PUBLISHED,
    LocoResult,
    LocoSettings,
    compute_importance,
    loco_plan,
    run_loco,
)
from cxrlib.baselines.evaluation.importance import IMPORTANCE_COLUMNS
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.errors import RunStoppedError, SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows


def make_result(
    task: str = "icu-stay", n_columns: int = 4, strength: float = 1.5, **settings: object
) -> LocoResult:
    """Predict labels that the second feature tells of; the last is constant."""
    rows, rng = draw_rows(1, n_images=120, task=task)
    matrix = rng.normal(size=(120, n_columns)) * [10.0, *[1.0] * (n_columns - 1)]
    matrix[:, 1] += strength * rows.table["y"]
    matrix[:, -1] = 3.0
    return run_loco(rows, make_features(rows, matrix), LocoSettings(**settings))


def grow_tree(design, y, model, *, persons=None, seed: int, extended_iterations: bool) -> Fit:
    """Fit a tree in place of the model of a run."""
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(design.train, y)
    p = np.clip(tree.predict_proba(design.test)[:, 1], 0.01, 0.99)
    return Fit(np.log(p / (1 - p)), (p > 0.5).astype(float), is_converged=True)


@pytest.mark.parametrize("protocol", [None, PUBLISHED])
@pytest.mark.parametrize("task", ["icu-stay", "geographic-extent"])
def test_coefficients_are_those_of_scikit_learn(task: str, protocol) -> None:
    """By one standard deviation of the training images, whether the protocol scales or not."""
    fixed = "linear:1" if task == "icu-stay" else "paper"
    settings = {"estimator": fixed} if protocol is None else {"protocol": protocol}
    result = make_result(task, **settings)
    table = compute_importance(result, n_refits=0)
    assert tuple(table.columns) == IMPORTANCE_COLUMNS
    assert set(table["kind"]) == {"coefficient"}
    rows = result.rows.table.sort_values("image_id")
    matrix, y = result.features.take(rows["image_id"].tolist()), rows["y"].to_numpy()
    train = (rows["region"] != "Asia").to_numpy()
    if protocol is None:
        shared = set(rows["person_id"][~train])
        train = train & ~rows["person_id"].isin(shared).to_numpy()
    x = matrix[train]
    spread = x.std(axis=0)
    model = LinearRegression()
    if task == "icu-stay":
        model = LogisticRegression(tol=1e-8, max_iter=5000)
    if protocol is None:
        expected = model.fit((x - x.mean(0)) / np.where(spread > 0, spread, 1), y[train]).coef_
    else:
        expected = model.fit(x, y[train]).coef_ * spread
    own = table[table["fold"] == "Asia"].set_index("feature")["value"]
    found = own.loc[list(result.features.columns)].tolist()
    assert found == pytest.approx(np.ravel(expected).tolist(), abs=2e-3)


def test_the_planted_feature_comes_first_with_an_interval_off_zero() -> None:
    """In all groups of the same sign; a constant feature has no interval."""
    table = compute_importance(make_result(), n_refits=60)
    means = table[table["fold"] == "mean"]
    first, last = means.iloc[0], means.iloc[-1]
    assert first["feature"] == make_result().features.columns[1]
    assert 0 < first["low"] < first["value"] < first["high"]
    assert first["n_same_sign"] == first["n_folds"] == 3
    assert last["value"] == 0
    assert "constant" in last["reason"]


def test_coefficients_are_of_the_clinical_event() -> None:
    """What raises survival lowers the log-odds of death."""
    result = make_result(n_resamples=0)
    rows = make_rows(
        result.rows.table["y"],
        region=result.rows.table["region"].tolist(),
        person=result.rows.table["person_id"].tolist(),
        task="survival",
    )
    turned = run_loco(rows, result.features, result.settings)
    first, second = (
        compute_importance(each, n_refits=0).set_index(["feature", "fold"])["value"]
        for each in (result, turned)
    )
    pd.testing.assert_series_equal(first, -second.loc[first.index])


def test_wide_features_are_probed_in_their_own_coordinates() -> None:
    """More columns than images are turned into their row space: the model stays linear."""
    table = compute_importance(make_result(n_columns=200, n_resamples=0), n_refits=2)
    assert set(table["kind"]) == {"coefficient"}
    assert table["feature"].nunique() == 200


def test_a_tree_is_asked_by_permutation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted feature costs the score when it is permuted, the constant one nothing."""
    monkeypatch.setattr(loco_plan, "fit_model", grow_tree)
    result = make_result(strength=4.0)
    table = compute_importance(result, n_permuted=5)
    assert set(table["kind"]) == {"permutation"}
    means = table[table["fold"] == "mean"].set_index("feature")
    planted, constant = (means.loc[result.features.columns[place]] for place in (1, 3))
    assert means.index[0] == result.features.columns[1]
    assert planted["value"] > 0.1
    assert 0 < planted["low"] < planted["value"] < planted["high"]
    assert constant["value"] == 0
    assert constant["reason"]


def test_the_loss_is_what_a_slow_reference_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few columns give what all at once do."""
    monkeypatch.setattr(loco_plan, "fit_model", grow_tree)
    result = make_result(n_resamples=20)
    whole = compute_importance(result, n_permuted=3)
    monkeypatch.setattr("cxrlib.baselines.evaluation.importance._MOST_CELLS", 1)
    pd.testing.assert_frame_equal(whole, compute_importance(result, n_permuted=3))


def test_what_cannot_be_explained_says_why() -> None:
    """Each with its own sentence."""
    result = make_result(n_resamples=0)
    with pytest.raises(SelectionError, match="n_refits is -1"):
        compute_importance(result, n_refits=-1)
    with pytest.raises(SelectionError, match="n_permuted is 0"):
        compute_importance(result, n_permuted=0)
    with pytest.raises(RunStoppedError):
        compute_importance(result, should_stop=lambda: True)
    rows = make_rows([0.0, 1] * 10, region=["Asia"] * 20)
    alone = run_loco(rows, make_features(rows, np.ones((20, 1))))
    with pytest.raises(SelectionError, match="No group was tested"):
        compute_importance(alone)
    object.__setattr__(result.features, "kind", "pixels")
    with pytest.raises(SelectionError, match="Not available for pixels"):
        compute_importance(result)
