"""Estimators of a reader's own: fitted as they are, named by what they are, refused in words."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, IsolationForest, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from cxrlib.baselines.evaluation import (
    MEAN,
    NO_PROBABILITY,
    POOLED,
    LocoSettings,
    check_calibration,
    compute_permutation_null,
    plan_loco,
    predict_folds,
    run_loco,
)
from cxrlib.baselines.evaluation.own_estimators import name_estimator
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features

FEW = LocoSettings(n_resamples=50)


class Seen(BaseEstimator, ClassifierMixin):
    """Remember the shape of what it is fitted to, and score by the first column."""

    shapes: list[tuple[int, ...]] = []  # noqa: RUF012 (shared on purpose)

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Seen":
        """Remember."""
        self.shapes.append(x.shape)
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        """Score."""
        return x[:, 0]


class Broken(Seen):
    """Give scores that are none."""

    def __init__(self, value: object = np.nan) -> None:
        self.value = value

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        """Score nothing."""
        return np.full(len(x), self.value) if self.value else np.zeros((len(x), 2))


class Plain:
    """Be no estimator of scikit-learn's at all, but fit and score."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """Learn a direction."""
        self.direction = x[y == 1].mean(axis=0) - x[y == 0].mean(axis=0)

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        """Score along it."""
        return x @ self.direction


def give(seed: int = 0, n_columns: int = 4, *, shift: float = 3.0, task: str = "icu-stay") -> Any:
    """Give rows and features of which the first column says the label."""
    rows, rng = draw_rows(seed, task=task)
    x = rng.normal(size=(90, n_columns))
    x[:, 0] += shift * rows.table["y"]
    return rows, make_features(rows, x)


def find(result: Any, fold: str = POOLED) -> Any:
    """Find the first score of a group."""
    return result.scores[result.scores["fold"] == fold].iloc[0]


@pytest.mark.parametrize("name", ["linear", "linear:0.1", "forest", "boosting", "neighbours"])
def test_run_loco_finds_a_perfect_feature_and_nothing_in_noise(name: str) -> None:
    """Each model by name: AUROC 1.0 of the truth, about 0.5 of chance, with an interval."""
    settings = LocoSettings(n_resamples=50, estimator=name)
    rows, features = give(shift=100.0)
    perfect = run_loco(rows, features, settings)
    assert find(perfect, MEAN)["value"] == pytest.approx(1.0, abs=0.001)
    noise = [find(run_loco(*give(seed, shift=0.0), settings)) for seed in range(1, 6)]
    assert abs(np.mean([each["value"] for each in noise]) - 0.5) < 0.1
    assert all(each["low"] < each["value"] < each["high"] for each in noise)


@pytest.mark.parametrize("name", ["linear", "linear:0.1", "forest", "boosting", "neighbours"])
def test_run_loco_finds_a_number_that_a_feature_holds(name: str) -> None:
    """The correlation of numbers, by each model."""
    rows, features = give(shift=100.0, task="opacity")
    result = run_loco(rows, features, LocoSettings(n_resamples=20, estimator=name))
    assert find(result, MEAN)["value"] > 0.9


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(),
        GaussianNB(),
        ExtraTreesClassifier(20),
        make_pipeline(PCA(3), LogisticRegression()),
        Plain(),
    ],
)
def test_run_loco_takes_any_estimator_and_repeats(estimator: Any) -> None:
    """With intervals like any other; nothing of it is changed, and random ones repeat."""
    rows, features = give(n_columns=3)
    before = repr(estimator)
    first, second = (run_loco(rows, features, FEW, estimator=estimator) for _ in range(2))
    assert find(first)["value"] > 0.9
    assert find(first)["low"] < find(first)["value"] <= find(first)["high"]
    assert first.predictions.equals(second.predictions)
    assert repr(estimator) == before
    assert not hasattr(estimator, "classes_")
    assert first.settings.model.startswith("own:")


def test_run_loco_gives_an_estimator_the_columns_as_they_are() -> None:
    """Wide features are not turned into their row space, as they are for a linear model."""
    rows, rng = draw_rows(1, n_images=40, n_persons=40)
    features = make_features(rows, rng.normal(size=(40, 70)))
    Seen.shapes.clear()
    run_loco(rows, features, FEW, estimator=Seen())
    assert {shape[1] for shape in Seen.shapes} == {70}
    linear = plan_loco(rows, features, FEW)
    assert linear.design(linear.tested[0]).train.shape[1] < 40
    forest = plan_loco(rows, features, replace(FEW, estimator="forest"))
    assert forest.design(forest.tested[0]).train.shape[1] == 70


def test_run_loco_is_scikit_learns_own_fit() -> None:
    """Log-odds of the probability of a plain pipeline, fold by fold."""
    rows, features = give(2)
    plan = plan_loco(rows, features, FEW, estimator=GaussianNB())
    fits = predict_folds(plan)
    for fold in plan.tested:
        plain = make_pipeline(StandardScaler(), GaussianNB())
        plain.fit(plan.matrix[fold.train], plan.labels.y[fold.train])
        odds = plain.predict_proba(plan.matrix[fold.test])[:, 1]
        np.testing.assert_allclose(
            1 / (1 + np.exp(-fits[fold.name][0].value)), odds, rtol=1e-6, atol=1e-9
        )
        chosen = plain.predict(plan.matrix[fold.test])
        np.testing.assert_array_equal(fits[fold.name][0].chosen, chosen)


def test_run_loco_seeds_a_random_estimator_by_the_seed() -> None:
    """Another seed, another forest; one with a seed of its own keeps it."""
    rows, features = give(shift=0.5)
    by_seed = [
        run_loco(rows, features, LocoSettings(seed=seed, n_resamples=0), estimator=estimator)
        for estimator in (ExtraTreesClassifier(5), ExtraTreesClassifier(5, random_state=3))
        for seed in (0, 1)
    ]
    values = [each.predictions["value"] for each in by_seed]
    assert not values[0].equals(values[1])
    assert values[2].equals(values[3])


@pytest.mark.parametrize(
    ("estimator", "task", "words"),
    [
        (LinearRegression(), "icu-stay", "is a regressor; the task predicts classes"),
        (LogisticRegression(), "opacity", "is a classifier; the task predicts a number"),
        (KMeans(2), "icu-stay", "is a clusterer"),
        (IsolationForest(), "icu-stay", "is an outlier detector"),
        (
            VotingClassifier([("a", LogisticRegression())]),
            "icu-stay",
            "gives no scores: it has neither predict_proba nor decision_function",
        ),
        (LogisticRegression, "icu-stay", r"is a class. Give an estimator"),
        (7, "icu-stay", "7 has no method fit"),
        (StandardScaler(), "opacity", "has no method predict"),
        (Broken(), "icu-stay", "gives scores that are not finite for"),
        (Broken(0), "icu-stay", r"gives scores of shape \(.*, 2\) for"),
    ],
)
def test_run_loco_refuses_an_estimator_that_cannot_be_used(
    estimator: Any, task: str, words: str
) -> None:
    """Each with a sentence of its own."""
    rows, features = give(task=task)
    with pytest.raises(SelectionError, match=words):
        run_loco(rows, features, FEW, estimator=estimator)


def test_run_loco_refuses_an_estimator_that_is_not_there() -> None:
    """Its name alone does not bring it back."""
    rows, features = give()
    settings = replace(FEW, estimator=name_estimator(SVC()))
    with pytest.raises(SelectionError, match=r"'SVC\(\)' was given in Python.*evaluate_loco"):
        run_loco(rows, features, settings)


def test_run_loco_notes_what_did_not_converge() -> None:
    """A reader's network that is stopped early is said so, and does not warn."""
    rows, features = give()
    notes = run_loco(rows, features, FEW, estimator=MLPClassifier(max_iter=2)).notes
    assert any("did not converge" in note for note in notes)


def test_check_calibration_has_none_of_decision_values() -> None:
    """They are no probabilities, and are not read as such."""
    rows, features = give()
    bare = run_loco(rows, features, FEW, estimator=SVC())
    assert NO_PROBABILITY in bare.notes
    table = check_calibration(bare)
    assert table["predicted"].isna().all()
    assert (table["reason"].iloc[0]) == NO_PROBABILITY
    full = run_loco(rows, features, FEW, estimator=GaussianNB())
    assert check_calibration(full)["predicted"].notna().any()


def test_compute_permutation_null_fits_the_estimator_again() -> None:
    """A feature that says the label is rarer than most permutations of it."""
    rows, features = give(shift=2.0)
    null = compute_permutation_null(rows, features, FEW, n=19, estimator=GaussianNB())
    row = null.table[null.table["fold"] == POOLED].iloc[0]
    assert row["p"] == pytest.approx(1 / 20)


def test_name_estimator_tells_estimators_apart() -> None:
    """By class and parameters, those of parts and arrays included; the same is the same."""
    made = [
        SVC(),
        SVC(C=2),
        LogisticRegression(C=2),
        make_pipeline(StandardScaler(), SVC()),
        make_pipeline(StandardScaler(), SVC(C=2)),
        GaussianNB(priors=np.array([0.5, 0.5])),
        GaussianNB(priors=np.array([0.4, 0.6])),
        Seen(),
        Broken(),
        Broken(0),
    ]
    names = [name_estimator(each) for each in made]
    assert len(set(names)) == len(names)
    assert names[0] == name_estimator(SVC())
    assert names[7] == name_estimator(Seen())
    fitted = SVC().fit([[0.0], [1.0]], [0, 1])
    assert name_estimator(fitted) == names[0]


def test_name_estimator_never_takes_what_it_cannot_read_for_the_same() -> None:
    """An object without parameters, or with one that cannot be written, is new each time."""
    for estimator in (Plain(), Ridge(alpha=object())):
        assert name_estimator(estimator) != name_estimator(estimator)
        assert " at 0x" not in name_estimator(estimator)


def test_name_estimator_is_short_and_printable() -> None:
    """It stands on every number."""
    steps = make_pipeline(*[StandardScaler() for _ in range(20)], SVC())
    name = name_estimator(steps)
    assert len(name) < 110
    assert name.isprintable()
    LocoSettings(estimator=name)
