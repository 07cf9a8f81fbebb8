"""Models: row space and standardisation change no prediction that they should not."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from cxrlib.baselines.evaluation import find_method, one_thread, refuse_training
from cxrlib.baselines.evaluation.models import Design, Model, fit_model, make_design
from cxrlib.errors import SelectionError


def draw(
    n_columns: int, *, n_train: int = 40, n_test: int = 15, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw features on scales that differ a thousandfold, and labels that depend on two."""
    rng = np.random.default_rng([seed, n_columns])
    scale = 10 ** rng.uniform(-1.5, 1.5, n_columns)
    matrix = rng.normal(3, 1, size=(n_train + n_test, n_columns)) * scale
    y = (matrix[:n_train, 0] / scale[0] + rng.normal(size=n_train) > 3).astype(float)
    y[:2] = 0, 1
    return matrix[:n_train], matrix[n_train:], y


@pytest.mark.parametrize("n_columns", [41, 200, 1024])
@pytest.mark.parametrize("seed", range(3))
def test_the_row_space_changes_no_prediction(n_columns: int, seed: int) -> None:
    """An L2-penalised model on wide features is that on their row space, to its tolerance."""
    train, test, y = draw(n_columns, seed=seed)
    wide = make_design(train, test, is_standardised=True, reduces=False)
    narrow = make_design(train, test, is_standardised=True, reduces=True)
    assert wide.train.shape[1] == n_columns
    assert narrow.train.shape[1] < len(train)
    # Inner products are all that such a model sees.
    np.testing.assert_allclose(narrow.test @ narrow.train.T, wide.test @ wide.train.T, atol=1e-8)
    fits = [
        fit_model(each, y, Model("logistic"), extended_iterations=True) for each in (wide, narrow)
    ]
    np.testing.assert_allclose(fits[0].value, fits[1].value, atol=1e-6)
    np.testing.assert_array_equal(fits[0].chosen, fits[1].chosen)
    assert all(fit.is_converged for fit in fits)


def test_the_scale_is_learnt_of_the_training_images_alone() -> None:
    """What is tested has no part in it, and a constant column becomes nought."""
    train, test, _ = draw(5)
    train, test = np.c_[train, np.full(40, 7.0)], np.c_[test, np.arange(15.0)]
    design = make_design(train, test, is_standardised=True, reduces=True)
    np.testing.assert_allclose(design.train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(design.train.std(axis=0), [1] * 5 + [0], atol=1e-12)
    np.testing.assert_array_equal(design.test, StandardScaler().fit(train).transform(test))
    alone = make_design(train, test[3:4], is_standardised=True, reduces=True)
    np.testing.assert_array_equal(alone.test[0], design.test[3])


def test_features_as_they_are_stay_as_they_are() -> None:
    """Without standardisation or need to reduce nothing is done."""
    train, test, _ = draw(5)
    design = make_design(train, test, is_standardised=False, reduces=True)
    assert design.train is train
    assert design.test is test


def test_linear_models_are_scikit_learns_with_their_defaults() -> None:
    """Decision values and classes, or predicted numbers."""
    train, test, y = draw(6)
    with one_thread():
        model = LogisticRegression().fit(train / 100, y)
        number = LinearRegression().fit(train, y)
    fit = fit_model(Design(train / 100, test / 100), y, Model("logistic"))
    np.testing.assert_allclose(fit.value, model.decision_function(test / 100), atol=1e-9)
    np.testing.assert_array_equal(fit.chosen, model.predict(test / 100))
    fit = fit_model(Design(train, test), y, Model("linear", is_class=False))
    np.testing.assert_allclose(fit.value, number.predict(test), rtol=1e-12)
    assert fit.chosen is fit.value


def test_the_network_is_scikit_learns_stopped_early() -> None:
    """By its seed, with log-odds of its probability."""
    train, test, y = draw(6)
    train, test = train / 50, test / 50
    model = MLPClassifier(early_stopping=True, random_state=2)
    model.fit(train.astype(np.float32), y.astype(int))
    fit = fit_model(Design(train, test), y, Model("mlp"), seed=2)
    np.testing.assert_array_equal(fit.chosen, model.predict(test.astype(np.float32)))
    odds = 1 / (1 + np.exp(-fit.value))
    probability = model.predict_proba(test.astype(np.float32))[:, 1]
    np.testing.assert_allclose(odds, probability, atol=1e-5)
    other = fit_model(Design(train, test), y, Model("mlp"), seed=0)
    assert (fit.value != other.value).any()


def test_what_does_not_converge_is_told_and_does_not_warn() -> None:
    """Features on wild scales take more than a hundred iterations; patience ends that."""
    train, test, y = draw(30, seed=1)
    design = Design(train * 50, test * 50)
    assert not fit_model(design, y, Model("logistic")).is_converged
    scaled = make_design(train, test, is_standardised=True, reduces=True)
    assert fit_model(scaled, y, Model("logistic"), extended_iterations=True).is_converged


@pytest.mark.parametrize("is_standardised", [False, True])
@pytest.mark.parametrize("n_columns", [1, 60])
def test_constant_features_rank_nothing(n_columns: int, is_standardised: bool) -> None:
    """All decision values are one, to the last digit; wide constants do not fail."""
    design = make_design(
        np.full((40, n_columns), 3.3),
        np.full((15, n_columns), 3.3),
        is_standardised=is_standardised,
        reduces=True,
    )
    y = np.array([1.0] * 25 + [0.0] * 15)
    fit = fit_model(design, y, Model("logistic"), extended_iterations=is_standardised)
    assert len(set(fit.value)) == 1
    assert set(fit.chosen) == {1.0}
    assert np.ptp(fit_model(design, y, Model("linear", is_class=False)).value) < 1e-12


def test_equal_images_rank_equal() -> None:
    """Wherever they stand in a matrix: sums of floating point differ by place."""
    train, test, y = draw(37)
    same = np.repeat(test[:1], 33, axis=0)
    fit = fit_model(
        make_design(train, same, is_standardised=True, reduces=True),
        y,
        Model("logistic"),
        extended_iterations=True,
    )
    assert len(set(fit.value)) == 1


def test_one_class_teaches_nothing() -> None:
    """Permuted labels may be of one class: then no image ranks before another."""
    train, test, _ = draw(3)
    for method in ("logistic", "mlp"):
        fit = fit_model(Design(train, test), np.ones(len(train)), Model(method))
        assert set(fit.value) == {0.0}
        assert set(fit.chosen) == {1.0}


def test_the_network_needs_images_to_set_aside() -> None:
    """What scikit-learn would refuse is refused in words, and nothing else is."""
    enough = np.array([0.0, 0.0] + [1.0] * 9)
    assert refuse_training("mlp", enough) == ""
    fit_model(Design(np.eye(11), np.eye(11)), enough, Model("mlp"))
    for too_few in (enough[:10], np.array([0.0] + [1.0] * 20)):
        assert "holds out a tenth" in refuse_training("mlp", too_few)
        assert refuse_training("logistic", too_few) == ""
        n = len(too_few)
        with pytest.raises(ValueError, match="class"):
            fit_model(Design(np.eye(n), np.eye(n)), too_few, Model("mlp"))


def test_pixels_predict_classes_only() -> None:
    """The paper has no such model of a number."""
    assert find_method("paper", "classes", "pixels") == "mlp"
    assert find_method("paper", "classes", "shortcut") == "logistic"
    assert find_method("paper", "number", "network") == "linear"
    with pytest.raises(SelectionError, match="Pixels predict classes only"):
        find_method("paper", "number", "pixels")
