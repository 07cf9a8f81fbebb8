"""The models of the baselines: scikit-learn's linear ones, and a small network for pixels.

An L2-penalised linear model depends on its features only through their inner products, so wide
features can be turned into their row space, as many columns as there are training images,
without changing a prediction.
"""

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline
    from threadpoolctl import ThreadpoolController

Method = Literal["logistic", "linear", "mlp"]

MLP_SEEDS = (0, 1, 2)
"""Seeds of the network on pixels, as in the paper."""

# To the optimum, so that it does not matter in which coordinates it is looked for. scikit-learn
# stops at 100 iterations or a gradient of 1e-4, where decision values are off by about 0.01.
PATIENCE, TOLERANCE = 5000, 1e-8
# Decimals of a decision value. Equal images differ in the last digits by their place in a matrix,
# which must not decide which of them ranks first.
DECIMALS = 10
# A tenth, rounded up, must hold an image of each class.
_FEWEST_STOPPED = 11
# warnings.catch_warnings swaps a list of the whole process: one thread at a time.
_warnings_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Design:
    """Hold the features of a fold as a model sees them, learnt from the training images alone.

    Parameters
    ----------
    train, test : ndarray of float
    """

    train: np.ndarray
    test: np.ndarray
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Fit:
    """Hold what a model says of the test images.

    Parameters
    ----------
    value : ndarray of float, shape (n_test,)
        Log-odds of the positive class, or the predicted number.
    chosen : ndarray of float, shape (n_test,)
        The predicted class, 1 or 0, or the predicted number.
    is_converged : bool
    """

    value: np.ndarray
    chosen: np.ndarray
    is_converged: bool
    __repr__ = short_repr


def choose_method(task_kind: str, feature_kind: str) -> Method:
    """Choose the model of a task and a feature set.

    Raises
    ------
    SelectionError
        For pixels and a number: the paper has no such model.
    """
    if feature_kind == "pixels":
        if task_kind == "number":
            raise SelectionError(
                "Pixels predict classes only: the network on pixels is a classifier. Choose "
                "another feature set for a number."
            )
        return "mlp"
    return "linear" if task_kind == "number" else "logistic"


def refuse_training(method: Method, y: np.ndarray) -> str:
    """Say why a model cannot be fitted to labels, as a clause, or nothing.

    Parameters
    ----------
    method : {"logistic", "linear", "mlp"}
    y : ndarray of float, shape (n_train,)
        Of both classes.
    """
    if method != "mlp":
        return ""
    fewest = int(min((y == 0).sum(), (y == 1).sum()))
    if fewest >= 2 and len(y) >= _FEWEST_STOPPED:
        return ""
    return (
        "the network holds out a tenth for early stopping, which needs "
        f"{_FEWEST_STOPPED} images and two of each class"
    )


def make_design(
    train: np.ndarray, test: np.ndarray, *, is_standardised: bool, reduces: bool
) -> Design:
    """Standardise features and turn wide ones into their row space, by the training images.

    Parameters
    ----------
    train : ndarray of float, shape (n_train, n_columns)
    test : ndarray of float, shape (n_test, n_columns)
    is_standardised : bool
        Whether columns are brought to mean 0 and standard deviation 1; constant ones to 0.
    reduces : bool
        Whether more columns than training images are replaced by their row space: their
        principal components, all of them. Predictions of an L2-penalised model do not change.

    Returns
    -------
    Design
    """
    from sklearn.decomposition import KernelPCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    steps = [StandardScaler()] if is_standardised else []
    # Where all columns are constant there is no space to turn into.
    if reduces and train.shape[1] > train.shape[0] and np.ptp(train, axis=0).any():
        # Of the inner products, which are few: twenty times as fast as of the columns.
        steps.append(KernelPCA(kernel="linear", eigen_solver="dense", remove_zero_eig=True))
    if not steps:
        return Design(train, test)
    with one_thread():
        pipeline: Pipeline = make_pipeline(*steps).fit(train)
        return Design(pipeline.transform(train), pipeline.transform(test))


def fit_model(
    design: Design,
    y: np.ndarray,
    method: Method,
    *,
    seed: int = 0,
    extended_iterations: bool = False,
) -> Fit:
    """Fit a model on the training images of a fold and predict the test images.

    Parameters
    ----------
    design : Design
    y : ndarray of float, shape (n_train,)
    method : {"logistic", "linear", "mlp"}
    seed : int
        Of the network; the linear models have no chance in them.
    extended_iterations : bool
        Whether logistic regression may take more than scikit-learn's 100 iterations.

    Returns
    -------
    Fit
        Where all training labels are of one class, which permuted ones may be, every image is
        given that class and none ranks before another.
    """
    if method == "linear":
        return _fit_linear(design, y)
    if y.min() == y.max():
        return Fit(np.zeros(len(design.test)), np.full(len(design.test), y[0]), is_converged=True)
    if method == "mlp":
        return _fit_network(design, y, seed)
    return _fit_logistic(design, y, extended_iterations=extended_iterations)


def _fit_linear(design: Design, y: np.ndarray) -> Fit:
    """Fit linear regression by least squares, the smallest solution where there are many."""
    from sklearn.linear_model import LinearRegression

    with one_thread():
        value = LinearRegression().fit(design.train, y).predict(design.test)
    return Fit(value, value, is_converged=True)


def _fit_logistic(design: Design, y: np.ndarray, *, extended_iterations: bool) -> Fit:
    """Fit logistic regression, by scikit-learn's defaults unless it is to be patient."""
    from sklearn.linear_model import LogisticRegression

    patience = {"max_iter": PATIENCE, "tol": TOLERANCE} if extended_iterations else {}
    model = LogisticRegression(**patience)
    with one_thread(), _without_warnings():
        model.fit(design.train, y.astype(int))
        value = np.round(model.decision_function(design.test), DECIMALS)
        chosen = model.predict(design.test).astype(float)
    return Fit(value, chosen, bool(model.n_iter_[0] < model.max_iter))


def _fit_network(design: Design, y: np.ndarray, seed: int) -> Fit:
    """Fit the paper's network: scikit-learn's, stopped early."""
    from sklearn.neural_network import MLPClassifier

    # As pixels come; in double precision a fit takes three times as long.
    train, test = (each.astype(np.float32, copy=False) for each in (design.train, design.test))
    model = MLPClassifier(early_stopping=True, random_state=seed)
    with one_thread(), _without_warnings():
        model.fit(train, y.astype(int))
        chosen = model.predict(test).astype(float)
        # Of the weights: the probability is 1 to the last digit for most raw pixels, all alike.
        hidden = np.maximum(test @ model.coefs_[0] + model.intercepts_[0], 0)
        value = (hidden @ model.coefs_[1] + model.intercepts_[1]).ravel().astype(float)
    return Fit(np.round(value, DECIMALS), chosen, bool(model.n_iter_ < model.max_iter))


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep scikit-learn from warning that a model did not converge: the notes of a run say it."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@functools.cache
def _find_threads() -> "ThreadpoolController":
    """Find the libraries whose threads can be limited; looking for them costs milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> contextlib.AbstractContextManager[object]:
    """Keep linear algebra to one thread.

    Matrices of a few hundred images are too small to share: that costs more than it saves, six
    times as much on pixels where other work keeps the cores busy. And the last digits of a sum
    depend on how many threads shared it.
    """
    return _find_threads().limit(limits=1, user_api="blas")
