"""Tests of scores of predicted classes: against scikit-learn, and against each other."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from cxrlib.hard_labels import Confusion, list_confusions


def every_confusion(n_positive: int, n_negative: int) -> list[Confusion]:
    """List all tables of two classes."""
    return [
        Confusion(n_positive, n_negative, n_hits, n_false_alarms)
        for n_hits in range(n_positive + 1)
        for n_false_alarms in range(n_negative + 1)
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (4, 3), (7, 2)])
def test_scores_are_scikit_learns(size: tuple[int, int]) -> None:
    """AUROC, balanced accuracy and average precision of the classes themselves."""
    for found in every_confusion(*size):
        y = np.repeat([1, 0], size)
        chosen = np.zeros(sum(size), dtype=int)
        chosen[: found.n_hits] = 1
        chosen[size[0] : size[0] + found.n_false_alarms] = 1
        assert found.auroc == pytest.approx(roc_auc_score(y, chosen))
        assert found.auroc == pytest.approx(balanced_accuracy_score(y, chosen))
        assert found.auprc == pytest.approx(average_precision_score(y, chosen))


def test_a_pair_of_scores_finds_its_table() -> None:
    """Rounded scores lead back to the table they were made of, among others."""
    for found in every_confusion(5, 8):
        auroc, auprc = round(found.auroc, 2), round(found.auprc, 2)
        assert found in list_confusions(5, 8, auroc=auroc, auprc=auprc)


def test_scores_that_rank_fit_no_table() -> None:
    """An AUROC that no balanced accuracy can be finds nothing."""
    assert list_confusions(1, 9, auroc=0.80, auprc=0.33) == ()
    assert list_confusions(3, 4, auroc=0.75, auprc=0.60)[0] == Confusion(3, 4, 3, 2)


def test_who_calls_nothing_positive_scores_the_prevalence() -> None:
    """One class only, either one: 0.50 and the prevalence."""
    for n_hits, n_false_alarms in ((0, 0), (3, 5)):
        found = Confusion(3, 5, n_hits, n_false_alarms)
        assert (found.auroc, found.auprc) == (0.5, 3 / 8)
