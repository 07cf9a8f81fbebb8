"""The strength of a linear model's penalty, chosen inside the training images of a fold.

The training images are parted by person into up to five inner folds, alike in their labels; the C
with the lowest mean loss (log loss; of numbers the squared error) is taken. scikit-learn's
GridSearchCV over a pipeline chooses the same: it takes 50 times as long (16 times for wide
features), and a permutation test chooses anew for each permutation.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cxrlib.aliases import Floats

PENALTIES = tuple(10.0**power for power in range(-5, 3))
"""Values of C that are tried, the strongest penalty first; of ridge regression 1 / C is."""
FALLBACK = 1.0
"""C where too few persons are there to choose: scikit-learn's default, as in the paper."""
MOST_FOLDS = 5
# Losses that differ by less are equal: then the stronger penalty is taken.
_ROUNDING = 1e-9
# Newton's steps end where the loss falls by less, as a share of it; about eight are taken.
_TOLERANCE, _MOST_STEPS, _MOST_HALVINGS = 1e-10, 60, 30
_LEAST_VARIANCE = 1e-10

Part = tuple[np.ndarray, np.ndarray]


class Choice(NamedTuple):
    """Hold a C and the number of inner folds that it was chosen by; 0 where none was possible."""

    c: float
    n_folds: int


def choose_penalty(
    x: np.ndarray, y: np.ndarray, persons: np.ndarray, *, is_class: bool, is_standardised: bool
) -> Choice:
    """Choose C by inner folds in which no person is on both sides.

    Parameters
    ----------
    x : ndarray of float, shape (n_train, n_columns)
        As they were given: each inner fold is standardised by its own training images.
    y : ndarray of float, shape (n_train,)
    persons : ndarray, shape (n_train,)
        The code of each image's person.
    is_class, is_standardised : bool

    Returns
    -------
    Choice
    """
    parts = part_persons(y, persons, is_class=is_class)
    if not parts:
        return Choice(FALLBACK, 0)
    losses = []
    for train, held in parts:
        seen, unseen = _standardise(x[train], x[held]) if is_standardised else (x[train], x[held])
        measure = _measure_classes if is_class else _measure_numbers
        losses.append(measure(seen, y[train], unseen, y[held]))
    loss = np.mean(losses, axis=0)
    best = int(np.argmax(loss <= loss.min() * (1 + _ROUNDING)))
    return Choice(PENALTIES[best], len(parts))


def part_persons(y: np.ndarray, persons: np.ndarray, *, is_class: bool) -> list[Part]:
    """Part images by person into inner folds with alike labels.

    Persons are dealt in the order of their mean label, so that each fold has its share.

    Returns
    -------
    list of (train, held)
        Places; five of them, fewer where a fold would lack a class, none where even two would.
    """
    codes, of_image, n_of = np.unique(persons, return_inverse=True, return_counts=True)
    order = np.lexsort((-n_of, -np.bincount(of_image, weights=y) / n_of))
    for n_folds in range(min(MOST_FOLDS, len(codes)), 1, -1):
        fold_of = np.empty(len(codes), dtype=np.intp)
        fold_of[order] = np.arange(len(codes)) % n_folds
        dealt = fold_of[of_image]
        parts = [(np.flatnonzero(dealt != n), np.flatnonzero(dealt == n)) for n in range(n_folds)]
        if not is_class or all(0 < y[side].sum() < len(side) for p in parts for side in p):
            return parts
    return []


def _standardise(train: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring columns to mean 0 and standard deviation 1, as scikit-learn's StandardScaler does."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    # What differs by rounding only is constant.
    scale[scale <= len(train) * np.finfo(float).eps * np.abs(mean)] = 1.0
    return (train - mean) / scale, (held - mean) / scale


# ---- numbers


def _measure_numbers(x: np.ndarray, y: np.ndarray, held: np.ndarray, truth: np.ndarray) -> Floats:
    """Measure the mean squared error of ridge regression for each C."""
    mean = x.mean(axis=0)
    left, sizes, right = np.linalg.svd(x - mean, full_matrices=False)
    image, along = (held - mean) @ right.T, left.T @ (y - y.mean())
    errors = []
    for c in PENALTIES:
        value = image @ (sizes / (sizes**2 + 1 / c) * along) + y.mean()
        errors.append(np.mean((truth - value) ** 2))
    return np.array(errors)


# ---- classes


def _measure_classes(x: np.ndarray, y: np.ndarray, held: np.ndarray, truth: np.ndarray) -> Floats:
    """Measure the log loss of logistic regression for each C."""
    sign = 1 - 2 * truth
    return np.array([np.logaddexp(0, sign * value).mean() for value in fit_path(x, y, held)])


def fit_path(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> Iterator[Floats]:
    """Fit L2-penalised logistic regression for each C, going on from the one before.

    Newton's method; of wide features on their inner products, which are fewer.

    Parameters
    ----------
    x : ndarray of float, shape (n_train, n_columns)
    y : ndarray of float, shape (n_train,)
        Both classes.
    held : ndarray of float, shape (n_held, n_columns)

    Yields
    ------
    ndarray of float, shape (n_held,)
        Decision values.
    """
    is_wide = x.shape[1] > len(y)
    # The intercept is the last coefficient, and has no penalty.
    basis, other = (
        (x @ x.T, held @ x.T) if is_wide else (np.column_stack([x, np.ones(len(x))]), held)
    )
    share = y.mean()
    at = np.r_[np.zeros(other.shape[1]), np.log(share / (1 - share))]
    for c in PENALTIES:
        at = _minimise(basis, y, c, at, is_wide=is_wide)
        yield other @ at[:-1] + at[-1]


def _minimise(basis: np.ndarray, y: np.ndarray, c: float, at: Floats, *, is_wide: bool) -> Floats:
    """Find coefficients and intercept by Newton's method, steps halved where they go too far."""
    from scipy.special import expit

    sign = 1 - 2 * y

    def measure(at: Floats) -> tuple[Floats, float]:
        if is_wide:
            products = basis @ at[:-1]
            values, size = products + at[-1], at[:-1] @ products
        else:
            values, size = basis @ at, at[:-1] @ at[:-1]
        return values, 0.5 * float(size) + c * float(np.logaddexp(0, sign * values).sum())

    step = _step_wide if is_wide else _step_narrow
    values, loss = measure(at)
    for _ in range(_MOST_STEPS):
        share = expit(values)
        variance = np.maximum(share * (1 - share), _LEAST_VARIANCE)
        aim = step(basis, c * variance, values + (y - share) / variance)
        for _ in range(_MOST_HALVINGS):
            there, less = measure(aim)
            if less <= loss:
                break
            aim = (at + aim) / 2
        else:
            return at
        fell, at, values, loss = loss - less, aim, there, less
        if fell <= _TOLERANCE * loss:
            break
    return at


def _step_narrow(x: np.ndarray, weight: Floats, target: Floats) -> Floats:
    """Solve the weighted least squares of a step by the columns."""
    from scipy.linalg.lapack import dposv

    weighted = x * weight[:, np.newaxis]
    curvature = weighted.T @ x
    curvature.flat[: -1 : len(curvature) + 1] += 1
    # LAPACK itself: the checks of numpy's and scipy's solvers take longer than so few columns.
    _, at, failed = dposv(curvature, weighted.T @ target, overwrite_a=True, overwrite_b=True)
    if failed:
        raise np.linalg.LinAlgError("the curvature is not positive definite")
    return np.asarray(at)


def _step_wide(products: np.ndarray, weight: Floats, target: Floats) -> Floats:
    """Solve the same by the images: coefficients are those of their rows, which sum to nought."""
    from scipy.linalg.lapack import dposv

    root = np.sqrt(weight)
    curvature = products * root[:, np.newaxis] * root
    curvature.flat[:: len(curvature) + 1] += 1
    _, solved, failed = dposv(curvature, np.array([root * target, root]).T, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError("the curvature is not positive definite")
    by = root[:, np.newaxis] * solved
    bias = by[:, 0].sum() / by[:, 1].sum()
    return np.append(by[:, 0] - bias * by[:, 1], bias)
