"""The published evaluation, written again as a plain loop: the reference of fast code.

It shares nothing with the library but the numbers that come in.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
)
from sklearn.neural_network import MLPClassifier


def run_published_loop(
    regions: np.ndarray, y: np.ndarray, matrix: np.ndarray, *, is_class: bool, is_network: bool
) -> pd.DataFrame:
    """Hold each region out, fit on everything else, score what the model predicts.

    Returns
    -------
    DataFrame
        fold, metric, seed, value.
    """
    lines = []
    # Pixels come as these.
    matrix = matrix.astype(np.float32) if is_network else matrix
    for region in sorted(set(regions) - {"Unknown"}):
        test = regions == region
        if len(set(y[test])) < 2 if is_class else test.sum() <= 2:
            continue
        for seed in (0, 1, 2) if is_network else (0,):
            if is_network:
                model = MLPClassifier(early_stopping=True, random_state=seed)
            else:
                model = LogisticRegression() if is_class else LinearRegression()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(matrix[~test], y[~test])
            predicted = model.predict(matrix[test])
            score = score_classes if is_class else score_numbers
            for metric, value in score(y[test], predicted).items():
                lines.append({"fold": region, "metric": metric, "seed": seed, "value": value})
    return pd.DataFrame(lines, columns=["fold", "metric", "seed", "value"])


def score_classes(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Score predicted classes as the notebooks do."""
    return {
        "auroc": roc_auc_score(y, predicted),
        "auprc": average_precision_score(y, predicted),
        "recall": recall_score(y, predicted),
    }


def score_numbers(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Score predicted numbers; the tables print 0 for the correlation of a constant."""
    is_constant = np.allclose(predicted, predicted[0])
    return {
        "correlation": 0.0 if is_constant else np.corrcoef(y, predicted)[0, 1],
        "r2": r2_score(y, predicted),
        "mae": mean_absolute_error(y, predicted),
    }
