"""The models of the baselines: scikit-learn's, a reader's own, and a small network for pixels.

An L2-penalised linear model depends on its features only through their inner products, so wide
features can be turned into their row space, as many columns as there are training images,
without changing a prediction. No other model is given anything but the features' own columns.
"""

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.estimators import (
    BOOSTING,
    FOREST,
    LINEAR,
    N_TREES,
    NEIGHBOURS,
    OWN,
    PAPER,
    parse_estimator,
)
from cxrlib.baselines.evaluation.own_estimators import (
    check_estimator,
    prepare_estimator,
    shorten_estimator,
)
from cxrlib.baselines.evaluation.penalties import Choice, choose_penalty
from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline
    from threadpoolctl import ThreadpoolController

Method = Literal["logistic", "linear", "ridge", "mlp", "forest", "boosting", "neighbours", "own"]

MLP_SEEDS = (0, 1, 2)
"""Seeds of the network on pixels, as in the paper."""

# To the optimum, so that it does not matter in which coordinates it is looked for. scikit-learn
# stops at 100 iterations or a gradient of 1e-4, where decision values are off by about 0.01.
PATIENCE, TOLERANCE = 5000, 1e-8
# Decimals of a decision value. Equal images differ in the last digits by their place in a matrix,
# which must not decide which of them ranks first.
DECIMALS = 10
NO_PROBABILITY = (
    "The model gives decision values, not probabilities: they rank images and have no calibration."
)
"""Note of a run, of a reader's estimator only."""
FEWEST_IN_LEAF = 5
"""Images in a leaf of gradient boosting."""
# Probabilities of 0 and 1 have no log-odds.
_LEAST_SHARE = 1e-12
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
    source : ndarray of float, optional
        The training images' features as they were given, where a model parts them again.
    is_standardised : bool
    """

    train: np.ndarray
    test: np.ndarray
    source: np.ndarray | None = None
    is_standardised: bool = False
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Model:
    """Hold which model is fitted.

    Parameters
    ----------
    method : str
        "logistic" (L2 penalty), "linear" (least squares), "ridge", "mlp", "forest", "boosting",
        "neighbours", or "own".
    is_class : bool
        Whether it predicts classes.
    c : float or None
        Of "logistic", and of "ridge" with the penalty 1 / C; None where it is chosen inside the
        training images.
    own : object, optional
        A reader's estimator.
    """

    method: Method
    is_class: bool = True
    c: float | None = 1.0
    own: Any = None
    __repr__ = short_repr

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear model of the features."""
        return self.method in ("logistic", "linear", "ridge")

    @property
    def is_penalised(self) -> bool:
        """Whether it depends on features through their inner products only."""
        return self.method in ("logistic", "ridge")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its scores must know."""
        is_bare = self.is_class and self.own is not None
        return (NO_PROBABILITY,) if is_bare and not hasattr(self.own, "predict_proba") else ()

    @property
    def is_random(self) -> bool:
        """Whether a seed can change it."""
        return self.method in ("forest", "boosting", "own")


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
    setting : str
        What was chosen inside the training images: "C = 0.1"; "" where nothing was.
    n_folds : int
        Inner folds that it was chosen by; 0 where there were too few persons.
    """

    value: np.ndarray
    chosen: np.ndarray
    is_converged: bool
    setting: str = ""
    n_folds: int = 0
    __repr__ = short_repr


def choose_model(
    estimator: str,
    task_kind: str,
    feature_kind: str,
    own: Any = None,  # noqa: ANN401 (any object with fit)
) -> Model:
    """Choose the model that an estimator's name means for a task and a feature set.

    Parameters
    ----------
    estimator : str
        See `cxrlib.baselines.evaluation.estimators`.
    task_kind : {"classes", "number"}
    feature_kind : str
        Pixels are learnt by the paper's network, whatever a protocol's default is.
    own : object, optional
        The estimator, where the name is of one's own.

    Raises
    ------
    SelectionError
        For pixels and a number, or another model than the network: the paper has none. For an
        estimator of one's own that is not there, or does not fit the task.
    """
    method = find_method(estimator, task_kind, feature_kind)
    parts, is_class = parse_estimator(estimator), task_kind == "classes"
    if method == "own":
        if own is None:
            raise SelectionError(
                f"The model {parts.text!r} was given in Python and is not stored. Call "
                "evaluate_loco with it again."
            )
        check_estimator(own, is_class=is_class)
        return Model(method, is_class, own=own)
    return Model(method, is_class, parts.c if parts.family == LINEAR else 1.0)


def find_method(estimator: str, task_kind: str, feature_kind: str) -> Method:
    """Find what kind of model an estimator's name means; raises as `choose_model`."""
    family, is_class = parse_estimator(estimator).family, task_kind == "classes"
    if feature_kind == "pixels":
        return _check_pixels(estimator, is_class=is_class)
    methods: dict[str, Method] = {
        LINEAR: "logistic" if is_class else "ridge",
        FOREST: "forest",
        BOOSTING: "boosting",
        NEIGHBOURS: "neighbours",
        PAPER: "logistic" if is_class else "linear",
        OWN: "own",
    }
    return methods[family]


def _check_pixels(estimator: str, *, is_class: bool) -> Method:
    """Return the model of pixels, or refuse another."""
    if not is_class:
        raise SelectionError(
            "Pixels predict classes only: the network on pixels is a classifier. Choose "
            "another feature set for a number."
        )
    if estimator not in (PAPER, LINEAR):
        raise SelectionError(
            f"Pixels are learnt by the paper's network only, not by the model {estimator[:60]!r}. "
            "Choose another feature set, or no model."
        )
    return "mlp"


def refuse_training(method: Method, y: np.ndarray) -> str:
    """Say why a model cannot be fitted to labels, as a clause, or nothing.

    Parameters
    ----------
    method : str
        Of a `Model`.
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
        return Design(train, test, train)
    with one_thread():
        pipeline: Pipeline = make_pipeline(*steps).fit(train)
        seen, unseen = pipeline.transform(train), pipeline.transform(test)
    return Design(seen, unseen, train, is_standardised)


def fit_model(
    design: Design,
    y: np.ndarray,
    model: Model,
    *,
    persons: np.ndarray | None = None,
    seed: int = 0,
    extended_iterations: bool = False,
) -> Fit:
    """Fit a model on the training images of a fold and predict the test images.

    Parameters
    ----------
    design : Design
    y : ndarray of float, shape (n_train,)
    model : Model
    persons : ndarray, shape (n_train,), optional
        Whose images they are, where C is chosen: inner folds keep persons together.
    seed : int
        Of models with chance in them.
    extended_iterations : bool
        Whether logistic regression may take more than scikit-learn's 100 iterations.

    Returns
    -------
    Fit
        Where all training labels are of one class, which permuted ones may be, every image is
        given that class and none ranks before another.
    """
    if model.method == "linear":
        return _fit_linear(design, y)
    if model.method == "ridge":
        return _fit_ridge(design, y, _find_penalty(design, y, persons, model), model)
    if model.is_class and y.min() == y.max():
        return Fit(np.zeros(len(design.test)), np.full(len(design.test), y[0]), is_converged=True)
    if model.method == "mlp":
        return _fit_network(design, y, seed)
    if model.method == "logistic":
        choice = _find_penalty(design, y, persons, model)
        return _fit_logistic(design, y, choice, model, extended_iterations=extended_iterations)
    estimator = model.own if model.method == "own" else _make_estimator(model, len(y))
    return _fit_estimator(estimator, design, y, is_class=model.is_class, seed=seed)


def _fit_linear(design: Design, y: np.ndarray) -> Fit:
    """Fit linear regression by least squares, the smallest solution where there are many."""
    from sklearn.linear_model import LinearRegression

    with one_thread():
        value = LinearRegression().fit(design.train, y).predict(design.test)
    return Fit(value, value, is_converged=True)


def _find_penalty(
    design: Design, y: np.ndarray, persons: np.ndarray | None, model: Model
) -> Choice:
    """Return the C of a linear model, chosen where it is to be."""
    if model.c is not None:
        return Choice(model.c, 0)
    source = design.train if design.source is None else design.source
    whose = np.arange(len(y)) if persons is None else persons
    with one_thread():
        return choose_penalty(
            *(source, y, whose),
            is_class=model.is_class,
            is_standardised=design.is_standardised,
        )


def _fit_ridge(design: Design, y: np.ndarray, choice: Choice, model: Model) -> Fit:
    """Fit ridge regression, whose penalty is 1 / C."""
    from sklearn.linear_model import Ridge

    with one_thread():
        value = Ridge(alpha=1 / choice.c).fit(design.train, y).predict(design.test)
    setting = f"penalty = {1 / choice.c:g}" if model.c is None else ""
    return Fit(value, value, True, setting, choice.n_folds)


def _fit_logistic(
    design: Design, y: np.ndarray, choice: Choice, model: Model, *, extended_iterations: bool
) -> Fit:
    """Fit logistic regression, by scikit-learn's defaults unless it is to be patient."""
    from sklearn.linear_model import LogisticRegression

    patience = {"max_iter": PATIENCE, "tol": TOLERANCE} if extended_iterations else {}
    fitted = LogisticRegression(C=choice.c, **patience)
    with one_thread(), _without_warnings():
        fitted.fit(design.train, y.astype(int))
        value = np.round(fitted.decision_function(design.test), DECIMALS)
        chosen = fitted.predict(design.test).astype(float)
    setting = f"C = {choice.c:g}" if model.c is None else ""
    is_converged = bool(fitted.n_iter_[0] < fitted.max_iter)
    return Fit(value, chosen, is_converged, setting, choice.n_folds)


def _make_estimator(model: Model, n_train: int) -> Any:  # noqa: ANN401
    """Make an unfitted forest, boosting or k nearest neighbours."""
    from sklearn import ensemble, neighbors

    is_class = model.is_class
    if model.method == "forest":
        if is_class:
            return ensemble.RandomForestClassifier(N_TREES)
        # A third of the columns at a split, as Breiman has it for numbers.
        return ensemble.RandomForestRegressor(N_TREES, max_features=1 / 3)
    if model.method == "boosting":
        boosting = ensemble.HistGradientBoostingClassifier
        boosting = boosting if is_class else ensemble.HistGradientBoostingRegressor
        # scikit-learn's 20 leave nothing to split where some thirty images train.
        return boosting(min_samples_leaf=FEWEST_IN_LEAF)
    n_neighbours = max(1, round(n_train**0.5))
    nearest = neighbors.KNeighborsClassifier if is_class else neighbors.KNeighborsRegressor
    return nearest(n_neighbours)


def _fit_estimator(
    estimator: Any,  # noqa: ANN401
    design: Design,
    y: np.ndarray,
    *,
    is_class: bool,
    seed: int,
) -> Fit:
    """Fit any estimator of scikit-learn's kind; what ranks are its log-odds, or decision values."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    fitted = prepare_estimator(estimator, seed)
    # Of OpenMP too, which boosting uses.
    with threadpool_limits(1), _caught_warnings() as caught:
        fitted.fit(design.train, y.astype(int) if is_class else y)
        value = _read_scores(fitted, design.test) if is_class else fitted.predict(design.test)
        value = np.round(np.asarray(value, dtype=np.float64), DECIMALS)
        _check_scores(estimator, value, len(design.test))
        chosen = value
        if is_class:
            has_classes = hasattr(fitted, "predict")
            chosen = fitted.predict(design.test) if has_classes else (value > 0).astype(float)
    is_converged = not any(issubclass(each.category, ConvergenceWarning) for each in caught)
    return Fit(value, np.asarray(chosen, dtype=np.float64), is_converged)


def _read_scores(fitted: Any, test: np.ndarray) -> Floats:  # noqa: ANN401
    """Read log-odds of the positive class, or decision values where there is no probability."""
    if not hasattr(fitted, "predict_proba"):
        return np.asarray(fitted.decision_function(test), dtype=np.float64)
    share = np.asarray(fitted.predict_proba(test), dtype=np.float64)[:, -1]
    share = np.clip(share, _LEAST_SHARE, 1 - _LEAST_SHARE)
    return np.asarray(np.log(share / (1 - share)))


def _check_scores(estimator: Any, value: Floats, n_test: int) -> None:  # noqa: ANN401
    """Refuse scores that are not one finite number an image."""
    if value.shape == (n_test,) and np.isfinite(value).all():
        return
    what = "that are not finite" if value.shape == (n_test,) else f"of shape {value.shape!r}"
    raise SelectionError(
        f"{shorten_estimator(estimator)} gives scores {what} for {n_test:,} images: it must give "
        "one finite number per image."
    )


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


@contextlib.contextmanager
def _caught_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Keep warnings to look at: that a model did not converge is said in the notes of a run."""
    with _warnings_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


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
