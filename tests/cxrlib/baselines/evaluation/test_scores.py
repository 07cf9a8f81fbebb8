"""Scores: the same as scikit-learn's, for one set of images and for resamples."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
)

from cxrlib.baselines.evaluation import compute_score
from cxrlib.baselines.evaluation.scores import METRICS, list_metrics, sum_pairs

N_RESAMPLES = 30


def draw(seed: int, *, n: int = 40, decimals: int = 1) -> tuple[np.ndarray, ...]:
    """Draw labels, values with many ties, and weights with a resample of one class."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(float)
    y[:2] = 0, 1
    value = np.round(y + rng.normal(size=n), decimals)
    weights = rng.integers(0, 3, size=(N_RESAMPLES, n)).astype(float)
    weights[:, :2] += 1
    return y, value, weights


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("seed", range(3))
def test_classes_are_scored_as_by_scikit_learn(seed: int, decimals: int) -> None:
    """Ties and weights included, for each class as the event."""
    y, value, weights = draw(seed, decimals=decimals)
    chosen = (value > 0.5).astype(float)
    for event, sign in (("positive", 1), ("negative", -1)):
        of_event = y if sign == 1 else 1 - y
        expected = {
            "auroc": [roc_auc_score(y, value, sample_weight=w) for w in weights],
            "auprc": [average_precision_score(y, value, sample_weight=w) for w in weights],
            "auprc_event": [
                average_precision_score(of_event, sign * value, sample_weight=w) for w in weights
            ],
            "recall": [recall_score(y, chosen, sample_weight=w) for w in weights],
            "recall_event": [
                recall_score(y, chosen, pos_label=1 if sign == 1 else 0, sample_weight=w)
                for w in weights
            ],
        }
        assert set(expected) == set(METRICS["classes"])
        for metric, slow in expected.items():
            fast = compute_score(y, value, chosen, metric, event=event, weights=weights)
            np.testing.assert_allclose(fast, slow, rtol=1e-12, err_msg=metric)


@pytest.mark.parametrize("seed", range(3))
def test_hard_labels_give_balanced_accuracy_and_prevalence(seed: int) -> None:
    """What the published tables hold: AUROC of a predicted class is balanced accuracy."""
    y, value, _ = draw(seed)
    chosen = (value > 0.5).astype(float)
    balanced = (chosen[y == 1].mean() + (1 - chosen[y == 0]).mean()) / 2
    assert compute_score(y, chosen, chosen, "auroc") == pytest.approx(balanced)
    same = np.ones(len(y))
    names = list_metrics("classes", event="")
    constant = [float(compute_score(y, same, same, name)[0]) for name in names]
    assert constant == [0.5, pytest.approx(y.mean()), 1.0]


def test_numbers_are_scored_as_by_scikit_learn() -> None:
    """Correlation, coefficient of determination and mean error, with weights."""
    rng = np.random.default_rng(0)
    y = rng.normal(4, 2, size=30)
    value = y + rng.normal(size=30)
    weights = rng.integers(0, 3, size=(N_RESAMPLES, 30)).astype(float)
    weights[:, :2] += 1
    expected = {
        "correlation": [
            np.corrcoef(np.repeat(y, w.astype(int)), np.repeat(value, w.astype(int)))[0, 1]
            for w in weights
        ],
        "r2": [r2_score(y, value, sample_weight=w) for w in weights],
        "mae": [mean_absolute_error(y, value, sample_weight=w) for w in weights],
    }
    assert set(expected) == set(METRICS["number"])
    for metric, slow in expected.items():
        fast = compute_score(y, value, value, metric, weights=weights)
        np.testing.assert_allclose(fast, slow, rtol=1e-10, err_msg=metric)


def test_pairs_are_counted_as_by_a_plain_loop() -> None:
    """Pairs of different labels; equal values count half, equal labels not at all."""
    rng = np.random.default_rng(1)
    for is_class in (True, False):
        y = rng.integers(0, 2 if is_class else 5, size=15).astype(float)
        value = rng.integers(0, 6, size=15).astype(float)
        weights = rng.integers(0, 4, size=(5, 15)).astype(float)
        slow = np.zeros((2, 5))
        for i in range(15):
            for j in range(15):
                if y[i] > y[j]:
                    right = (value[i] > value[j]) + (value[i] == value[j]) / 2
                    slow += np.outer([right, 1], weights[:, i] * weights[:, j])
        np.testing.assert_allclose(sum_pairs(y, value, weights, is_class=is_class), slow)


def test_rounding_makes_no_order() -> None:
    """Values equal but for their last digits are ties."""
    y = np.array([0.0, 1.0, 0.0, 1.0])
    value = np.array([1.0, 1.0 + 1e-15, 1.0, 1.0 - 1e-15])
    assert compute_score(y, value, value, "auroc")[0] == 0.5
    assert compute_score(y, value, value, "auprc")[0] == 0.5
    assert compute_score(y + value * 0, value, value, "concordance")[0] == 0.5


@pytest.mark.parametrize("metric", METRICS["classes"])
def test_one_class_has_no_score(metric: str) -> None:
    """Whichever class is missing, in the images or in a resample."""
    value = np.array([0.1, 0.4, 0.2])
    for label in (0.0, 1.0):
        assert np.isnan(compute_score(np.full(3, label), value, value > 0.3, metric))
    y, weights = np.array([0.0, 1.0, 1.0]), np.array([[3, 0, 0], [0, 1, 2], [1, 1, 1]])
    scores = compute_score(y, value, value > 0.3, metric, weights=weights)
    assert np.isnan(scores[:2]).all()
    assert np.isfinite(scores[2])


def test_constant_numbers_have_no_correlation() -> None:
    """Neither constant labels nor constant predictions, exactly or by rounding."""
    y, value = np.array([1.0, 2.0, 4.0]), np.array([0.1 + 0.2, 0.3, 0.3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(compute_score(y, value, value, "correlation")[0])
        assert np.isnan(compute_score(value, y, y, "correlation")[0])
        assert np.isnan(compute_score(value, y, y, "r2")[0])
        drawn_twice = np.array([[2.0, 0.0, 0.0]])
        assert np.isnan(compute_score(y, y, y, "correlation", weights=drawn_twice)[0])
        assert np.isnan(compute_score(y, y, y, "r2", weights=drawn_twice)[0])


def test_scores_of_the_event_need_one() -> None:
    """A task without a clinical event has no score of it."""
    assert list_metrics("classes", "") == ("auroc", "auprc", "recall")
    assert list_metrics("classes", "negative") == METRICS["classes"]
    assert list_metrics("number", "") == METRICS["number"]


def test_many_numbers_are_paired_in_blocks() -> None:
    """The block does not show in the result."""
    rng = np.random.default_rng(2)
    y, value = rng.integers(0, 9, size=(2, 530)).astype(float)
    weights = rng.integers(0, 3, size=(4, 530)).astype(float)
    is_pair = y[:, None] > y
    right = is_pair * ((value[:, None] > value) + (value[:, None] == value) / 2)
    slow = [[(w[:, None] * w * each).sum() for w in weights] for each in (right, is_pair)]
    np.testing.assert_allclose(sum_pairs(y, value, weights, is_class=False), slow)
