"""The choice of C: as scikit-learn's search over a pipeline makes it, within persons."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cxrlib.baselines.evaluation import (
    LocoSettings,
    one_thread,
    plan_loco,
    predict_folds,
    run_loco,
)
from cxrlib.baselines.evaluation.penalties import (
    FALLBACK,
    PENALTIES,
    Choice,
    choose_penalty,
    fit_path,
    part_persons,
)
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows

NONE = LocoSettings(n_resamples=0)


def draw(
    seed: int, n_columns: int, *, is_class: bool = True, n_images: int = 90, signal: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw features, labels and persons with up to four images."""
    rng = np.random.default_rng([seed, n_columns])
    x = rng.normal(2, 3, size=(n_images, n_columns))
    y = signal * x[:, 0] / 3 + rng.normal(size=n_images)
    persons = rng.integers(0, n_images * 2 // 3, n_images)
    return x, (y > np.median(y)).astype(float) if is_class else y, persons


def search(x: np.ndarray, y: np.ndarray, persons: np.ndarray, *, is_class: bool) -> GridSearchCV:
    """Choose by scikit-learn alone: a grid over a pipeline, scaled within each inner fold."""
    if is_class:
        model, name = LogisticRegression(max_iter=10_000, tol=1e-10), "logisticregression__C"
        grid, scoring = list(PENALTIES), "neg_log_loss"
    else:
        model, name = Ridge(), "ridge__alpha"
        grid, scoring = [1 / c for c in PENALTIES], "neg_mean_squared_error"
    return GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {name: grid},
        scoring=scoring,
        cv=part_persons(y, persons, is_class=is_class),
    ).fit(x, y)


@pytest.mark.parametrize("is_class", [True, False])
@pytest.mark.parametrize("n_columns", [1, 6, 18, 120, 300])
@pytest.mark.parametrize("signal", [0.0, 1.0, 4.0])
def test_choose_penalty_is_a_grid_search_over_a_pipeline(
    n_columns: int, signal: float, *, is_class: bool
) -> None:
    """The same loss for each value, so the same choice; narrow and wide."""
    x, y, persons = draw(1, n_columns, is_class=is_class, signal=signal)
    found = search(x, y, persons, is_class=is_class)
    choice = choose_penalty(x, y, persons, is_class=is_class, is_standardised=True)
    value = next(iter(found.best_params_.values()))
    assert choice == Choice(value if is_class else 1 / value, 5)


def test_predict_folds_gives_the_decision_values_of_that_search() -> None:
    """A whole evaluation beside scikit-learn's parts, to the tolerance of its own solver."""
    rows, rng = draw_rows(3)
    x = rng.normal(size=(90, 7))
    x[:, 0] += rows.table["y"]
    plan = plan_loco(rows, make_features(rows, x), NONE)
    fits = predict_folds(plan)
    for fold in plan.tested:
        y, persons = plan.labels.y[fold.train], plan.persons[fold.train]
        with one_thread():
            found = search(plan.matrix[fold.train], y, persons, is_class=True)
            expected = found.best_estimator_.decision_function(plan.matrix[fold.test])
        (fit,) = fits[fold.name]
        assert fit.setting == f"C = {found.best_params_['logisticregression__C']:g}"
        np.testing.assert_allclose(fit.value, expected, atol=1e-5)


def test_choose_penalty_agrees_with_folds_of_scikit_learn_where_a_choice_is_clear() -> None:
    """GroupKFold parts otherwise; both choose a strong penalty of noise, a weak one of truth."""
    for signal, least, most in ((0.0, 0, 1e-2), (6.0, 1e-1, 1e3)):
        x, y, persons = draw(5, 20, signal=signal, n_images=300)
        pipeline: Pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        found = GridSearchCV(
            *(pipeline, {"logisticregression__C": list(PENALTIES)}),
            scoring="neg_log_loss",
            cv=GroupKFold(5),
        ).fit(x, y, groups=persons)
        ours = choose_penalty(x, y, persons, is_class=True, is_standardised=True).c
        theirs = found.best_params_["logisticregression__C"]
        assert least <= ours <= most
        assert least <= theirs <= most


@pytest.mark.parametrize("n_columns", [3, 200])
def test_fit_path_is_logistic_regression_for_each_c(n_columns: int) -> None:
    """Newton's method ends where scikit-learn does."""
    x, y, _ = draw(2, n_columns)
    x = StandardScaler().fit_transform(x)
    for c, values in zip(PENALTIES, fit_path(x[:60], y[:60], x[60:]), strict=True):
        model = LogisticRegression(C=c, max_iter=10_000, tol=1e-10).fit(x[:60], y[:60])
        expected = model.decision_function(x[60:])
        np.testing.assert_allclose(values, expected, atol=1e-3 * (1 + np.abs(expected).max()))


def test_fit_path_ends_where_classes_are_separable_on_wild_scales() -> None:
    """Without an overflow, a warning, or a value that is none."""
    x = np.r_[np.full((20, 2), -1e6), np.full((20, 2), 1e6)]
    y = np.repeat([0.0, 1.0], 20)
    for values in fit_path(x, y, x):
        assert np.isfinite(values).all()
        assert ((values > 0) == y).all()


# ---- inner folds


@pytest.mark.parametrize("is_class", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_part_persons_keeps_a_person_on_one_side(seed: int, *, is_class: bool) -> None:
    """Every image is held out once, with all others of its person."""
    _, y, persons = draw(seed, 1, is_class=is_class)
    parts = part_persons(y, persons, is_class=is_class)
    assert len(parts) == 5
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(len(y)))
    for train, held in parts:
        assert not set(persons[train]) & set(persons[held])
        assert len(train) + len(held) == len(y)
        if is_class:
            assert 0 < y[held].sum() < len(held)
            assert abs(y[held].mean() - y.mean()) < 0.2


@pytest.mark.parametrize(("n_positive", "n_folds"), [(9, 5), (4, 4), (3, 3), (2, 2), (1, 0)])
def test_part_persons_makes_fewer_folds_where_one_would_lack_a_class(
    n_positive: int, n_folds: int
) -> None:
    """As many as the rarer class has persons; of one person none."""
    y = np.r_[np.ones(n_positive), np.zeros(30)]
    parts = part_persons(y, np.arange(len(y)), is_class=True)
    assert len(parts) == n_folds
    choice = choose_penalty(
        np.arange(len(y))[:, None] * 1.0,
        y,
        np.arange(len(y)),
        is_class=True,
        is_standardised=True,
    )
    assert choice.n_folds == n_folds
    assert n_folds or choice.c == FALLBACK


def test_part_persons_of_one_person_makes_none() -> None:
    """All images of a class of one person: nothing can be chosen."""
    y = np.r_[np.ones(8), np.zeros(30)]
    persons = np.r_[np.zeros(8), 1 + np.arange(30)]
    assert part_persons(y, persons, is_class=True) == []
    assert part_persons(y, np.zeros(38), is_class=False) == []


# ---- in an evaluation


def test_run_loco_notes_what_was_chosen_and_where_it_could_not_be() -> None:
    """With Asia held out two positive persons are left, with Europe none but one."""
    y = np.r_[np.ones(10), np.zeros(20), np.ones(2), np.zeros(20), np.ones(1), np.zeros(20)]
    regions = ["Asia"] * 30 + ["Europe"] * 22 + ["Americas"] * 21
    rows = make_rows(y, region=regions)
    noise = np.random.default_rng(0).normal(size=(73, 2))
    notes = run_loco(rows, make_features(rows, noise), NONE).notes
    assert any("folds of persons within the training images" in n for n in notes)
    assert any("Fewer than 5 such folds" in n and "Asia 3" in n for n in notes)
    alone = make_rows(y[:52], region=regions[:52], person=[f"p{min(n, 30)}" for n in range(52)])
    notes = run_loco(alone, make_features(alone, noise[:52]), NONE).notes
    assert any("Too few persons of a class" in n and "Asia (C = 1)" in n for n in notes)


def test_run_loco_chooses_without_a_look_at_test_labels() -> None:
    """The labels of a held-out group turned round change no prediction of its images."""
    rows, rng = draw_rows(7)
    features = make_features(rows, rng.normal(size=(90, 5)))
    plan = plan_loco(rows, features, NONE)
    fits = predict_folds(plan)
    for fold in plan.tested:
        turned = plan.labels.y.copy()
        turned[fold.test] = 1 - turned[fold.test]
        (again,) = predict_folds(plan, turned)[fold.name]
        np.testing.assert_array_equal(again.value, fits[fold.name][0].value)
        assert again.setting == fits[fold.name][0].setting


def test_predict_folds_chooses_anew_for_other_labels() -> None:
    """A permutation test would be wrong with the C of the labels as they are."""
    rows, rng = draw_rows(8)
    x = rng.normal(size=(90, 3))
    x[:, 0] += 4 * rows.table["y"]
    plan = plan_loco(rows, make_features(rows, x), NONE)
    settings = [
        {fit.setting for (fit,) in predict_folds(plan, y).values()}
        for y in (None, rng.permutation(plan.labels.y))
    ]
    assert settings[0] != settings[1]


@pytest.mark.parametrize("task", ["icu-stay", "opacity"])
@pytest.mark.parametrize("name", ["linear", "forest", "boosting", "neighbours"])
def test_run_loco_does_not_depend_on_the_order_of_rows(name: str, task: str) -> None:
    """Whatever the model: predictions are the same to the digit."""
    rows, rng = draw_rows(9, n_images=45, n_persons=40, task=task)
    features = make_features(rows, rng.normal(size=(45, 4)))
    settings = LocoSettings(n_resamples=0, estimator=name)
    first, second = (run_loco(each, features, settings) for each in (rows, shuffle_rows(rows, 1)))
    assert first.predictions.equals(second.predictions)
    assert first.notes == second.notes


@pytest.mark.parametrize("task", ["icu-stay", "opacity"])
def test_run_loco_with_a_fixed_c_is_the_former_model(task: str) -> None:
    """Of classes "linear:1" and the paper's are C = 1; of numbers the penalty is 1 / C."""
    rows, rng = draw_rows(10, task=task)
    x = rng.normal(size=(90, 5))
    plan = plan_loco(rows, make_features(rows, x), LocoSettings(estimator="linear:1"))
    fits = predict_folds(plan)
    for fold in plan.tested:
        model = LogisticRegression(max_iter=5000, tol=1e-8) if task == "icu-stay" else Ridge(1.0)
        with one_thread():
            scaler = StandardScaler().fit(plan.matrix[fold.train])
            model.fit(scaler.transform(plan.matrix[fold.train]), plan.labels.y[fold.train])
            test = scaler.transform(plan.matrix[fold.test])
            found = model.decision_function(test) if task == "icu-stay" else model.predict(test)
        np.testing.assert_allclose(fits[fold.name][0].value, found, atol=1e-9)
        assert fits[fold.name][0].setting == ""
    if task == "icu-stay":
        paper = predict_folds(plan_loco(rows, plan.features, LocoSettings(estimator="paper")))
        for name, (fit,) in fits.items():
            np.testing.assert_array_equal(fit.value, paper[name][0].value)
