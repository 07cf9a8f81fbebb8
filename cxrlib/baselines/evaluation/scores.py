"""Scores of predictions, for one set of images or for many resamples of it at once.

A resample is a row of weights, how often each image was drawn; scores of all of them are
computed together and equal scikit-learn's with ``sample_weight``.
"""

import numpy as np

MEAN, POOLED = "mean", "pooled"
"""Rows of a table of scores that are over all groups, where others name a group."""

METRICS = {
    "classes": ("auroc", "auprc", "recall", "auprc_event", "recall_event"),
    "number": ("correlation", "r2", "mae"),
}
"""Scores by the kind of task; the last two of classes are of the clinical event."""

POOLED_METRICS = {"classes": "auroc", "number": "concordance"}
"""What is pooled over groups, by the kind of task: the share of pairs ranked rightly."""

RANGES = {"correlation": (-1.0, 1.0), "r2": (-np.inf, 1.0), "mae": (0.0, np.inf)}
"""What a score can be, where that is not 0 to 1."""

# Relative to the largest value: below it numbers differ by rounding only.
ROUNDING = 1e-10
# Images that are paired with all others at once; what bounds the memory.
_BLOCK = 512


def list_metrics(kind: str, event: str) -> tuple[str, ...]:
    """List the scores of a task; without a clinical event there is none of the event."""
    return tuple(each for each in METRICS[kind] if event or not each.endswith("_event"))


def compute_score(
    y: np.ndarray,
    ranking: np.ndarray,
    chosen: np.ndarray,
    metric: str,
    *,
    event: str = "positive",
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Compute a score.

    Parameters
    ----------
    y : ndarray of float, shape (n_images,)
        1 and 0, or numbers.
    ranking : ndarray of float, shape (n_images,)
        What ranks the images: decision values, or predicted classes as in the paper; predicted
        numbers.
    chosen : ndarray of float, shape (n_images,)
        Predicted classes or numbers.
    metric : str
        One of `METRICS`, or "concordance" of a number.
    event : {"positive", "negative"}
        Which class is the clinical event.
    weights : ndarray of float, shape (n_resamples, n_images), optional
        How often each resample holds each image; every image once if not given.

    Returns
    -------
    ndarray of float, shape (n_resamples,)
        NaN where the score does not exist: one class only, a constant.
    """
    held = np.ones((1, len(y))) if weights is None else np.asarray(weights, dtype=float)
    if metric.endswith("_event") and event == "negative":
        y, ranking, chosen = 1 - y, -ranking, 1 - chosen
    name = metric.removesuffix("_event")
    if name in ("auroc", "concordance"):
        return _divide(*sum_pairs(y, ranking, held, is_class=name == "auroc"))
    if name not in ("auprc", "recall"):
        return _score_number(y, chosen, held, name)
    if name == "auprc":
        scores = _average_precision(y, ranking, held)
    else:
        scores = _divide(held @ ((y == 1) & (chosen == 1)), held @ (y == 1))
    # Without a negative the precision is 1 whatever the model says.
    return np.where(held @ (y == 0) > 0, scores, np.nan)


def is_constant(values: np.ndarray) -> bool:
    """Tell whether numbers differ by rounding only."""
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def sum_pairs(
    y: np.ndarray, ranking: np.ndarray, weights: np.ndarray, *, is_class: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the pairs of images with different labels, and those among them ranked rightly.

    A pair ranked equal counts half. Of classes their ratio is the AUROC.

    Returns
    -------
    concordant, pairs : ndarray of float, shape (n_resamples,)
    """
    if not is_class:
        return _sum_number_pairs(y, ranking, weights)
    groups = _group_equal(ranking)
    positive = _sum_groups(weights * (y == 1), groups)
    negative = _sum_groups(weights * (y == 0), groups)
    below = np.cumsum(negative, axis=1) - negative
    concordant = (positive * (below + negative / 2)).sum(axis=1)
    return concordant, positive.sum(axis=1) * negative.sum(axis=1)


def _sum_number_pairs(
    y: np.ndarray, ranking: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum pairs of different numbers."""
    order, starts = _group_equal(ranking)
    ranks = np.empty(len(ranking))
    ranks[order] = np.repeat(np.arange(len(starts)), np.diff([*starts, len(order)]))
    concordant, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for start in range(0, len(y), _BLOCK):
        rows = slice(start, start + _BLOCK)
        is_pair = (y[rows, None] > y).astype(float)
        right = (ranks[rows, None] > ranks) + 0.5 * (ranks[rows, None] == ranks)
        pairs += (weights[:, rows] * (weights @ is_pair.T)).sum(axis=1)
        concordant += (weights[:, rows] * (weights @ (is_pair * right).T)).sum(axis=1)
    return concordant, pairs


def _group_equal(ranking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort what ranks, and find where each run of equal values starts."""
    order = np.argsort(ranking, kind="stable")
    values = ranking[order]
    scale = np.abs(values).max(initial=0.0)
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > ROUNDING * scale)
    return order, starts


def _sum_groups(weights: np.ndarray, groups: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Sum weights over runs of equal values."""
    order, starts = groups
    return np.add.reduceat(weights[:, order], starts, axis=1)


def _average_precision(y: np.ndarray, ranking: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average the precision over the recall gained at each value, as scikit-learn does."""
    groups = _group_equal(-ranking)
    positive = _sum_groups(weights * (y == 1), groups)
    taken = np.cumsum(_sum_groups(weights, groups), axis=1)
    # Before the first image drawn nothing is taken, and nothing gained.
    precision = np.cumsum(positive, axis=1) / np.maximum(taken, 1e-300)
    return _divide((positive * precision).sum(axis=1), positive.sum(axis=1))


def _score_number(
    y: np.ndarray, predicted: np.ndarray, weights: np.ndarray, name: str
) -> np.ndarray:
    """Compute Pearson's correlation, the coefficient of determination or the mean error."""
    if name == "mae":
        return _divide(weights @ np.abs(y - predicted), weights.sum(axis=1))
    first, second = _deviate(y), _deviate(predicted)
    spread = _covary(first, first, weights)
    if name == "r2":
        return 1 - _divide(weights @ (y - predicted) ** 2, spread)
    product = spread * _covary(second, second, weights)
    return _divide(_covary(first, second, weights), np.sqrt(product))


def _deviate(values: np.ndarray) -> np.ndarray:
    """Take the mean away; numbers that differ by rounding only become 0."""
    if np.ptp(values) <= ROUNDING * np.abs(values).max():
        return np.zeros(len(values))
    return values - values.mean()


def _covary(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum the products of deviations from the weighted means; 0 where that is rounding only."""
    raw = weights @ (first * second)
    total = np.maximum(weights.sum(axis=1), 1)
    sums = raw - (weights @ first) * (weights @ second) / total
    return np.where(np.abs(sums) <= ROUNDING * np.abs(raw), 0.0, sums)


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)
