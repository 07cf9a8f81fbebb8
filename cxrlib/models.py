"""The models of the baselines: scikit-learn's linear ones, and a small network for pixels.

An L2-penalised linear model depends on its features only through their inner products, so wide
features can be turned into their row space, as many columns as there are training images,
without changing a prediction.
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cxrlib.errors import SelectionError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["MLP_SEEDS", "Design", "Fit", "Method", "choose_method", "fit_model", "make_design"]

Method = Literal["logistic", "linear", "mlp"]

MLP_SEEDS = (0, 1, 2)
"""Seeds of the network on pixels, as in the paper."""

# Standardised features of a few hundred images converge within this; scikit-learn stops at 100.
PATIENCE = 2000
# Decimals of a decision value. Equal images differ in the last digits by their place in a matrix,
# which must not decide which of them ranks first.
DECIMALS = 10
# Log-odds stay finite where a network's probability is 0 or 1 in floating point.
TINY = 1e-15


@dataclass(frozen=True, eq=False)
class Design:
    """Hold the features of a fold as a model sees them, learnt from the training images alone.

    Parameters
    ----------
    train, test : ndarray of float
    """

    train: np.ndarray
    test: np.ndarray


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
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    steps = [StandardScaler()] if is_standardised else []
    if reduces and train.shape[1] > train.shape[0]:
        steps.append(PCA(svd_solver="full"))
    if not steps:
        return Design(train, test)
    with warnings.catch_warnings():
        # PCA divides by the variance, which is 0 where all columns are constant.
        warnings.simplefilter("ignore", RuntimeWarning)
        pipeline: Pipeline = make_pipeline(*steps).fit(train)
    return Design(pipeline.transform(train), pipeline.transform(test))


def fit_model(
    design: Design, y: np.ndarray, method: Method, *, seed: int = 0, is_patient: bool = False
) -> Fit:
    """Fit a model on the training images of a fold and predict the test images.

    Parameters
    ----------
    design : Design
    y : ndarray of float, shape (n_train,)
    method : {"logistic", "linear", "mlp"}
    seed : int
        Of the network; the linear models have no chance in them.
    is_patient : bool
        Whether logistic regression may take more than scikit-learn's 100 iterations.

    Returns
    -------
    Fit
    """
    from sklearn.linear_model import LinearRegression

    if method == "linear":
        value = LinearRegression().fit(design.train, y).predict(design.test)
        return Fit(value, value, is_converged=True)
    model = _make_classifier(method, seed, is_patient)
    with warnings.catch_warnings():
        # Said in the notes of the run instead.
        warnings.simplefilter("ignore")
        model.fit(design.train, y.astype(int))
    chosen = model.predict(design.test).astype(float)
    if method == "mlp":
        odds = np.clip(model.predict_proba(design.test)[:, 1], TINY, 1 - TINY)
        value = np.log(odds) - np.log1p(-odds)
        return Fit(np.round(value, DECIMALS), chosen, bool(model.n_iter_ < model.max_iter))
    value = np.round(model.decision_function(design.test), DECIMALS)
    return Fit(value, chosen, bool(model.n_iter_[0] < model.max_iter))


def _make_classifier(method: Method, seed: int, is_patient: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Make scikit-learn's classifier with its defaults, as the paper."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    if method == "mlp":
        return MLPClassifier(early_stopping=True, random_state=seed)
    return LogisticRegression(max_iter=PATIENCE) if is_patient else LogisticRegression()
