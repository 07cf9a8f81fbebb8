"""Estimators that a reader brings: any of scikit-learn's kind, named by what they are.

Two estimators have one name only if class, parameters and, of classes and functions that are
no package's, source are the same: what cannot be told apart is new each time.
"""

import hashlib
import inspect
import json
import re
import secrets
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from cxrlib.baselines.evaluation.estimators import OWN
from cxrlib.errors import SelectionError

_LONGEST = 80  # signs of an estimator's name


class _UnknownPartError(Exception):
    """Report a parameter that cannot be written down."""


def name_estimator(estimator: Any) -> str:  # noqa: ANN401 (any object with fit)
    """Name an estimator: "own:RandomForestClassifier(max_depth=3)#1a2b3c4d"."""
    try:
        text = json.dumps(_write(estimator), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    except (_UnknownPartError, RecursionError):
        digest = secrets.token_hex(4)
    return f"{OWN}:{shorten_estimator(estimator)}#{digest}"


def shorten_estimator(estimator: Any) -> str:  # noqa: ANN401
    """Write an estimator in a few words: its repr on one line, without addresses in memory."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(repr(estimator).split()))
    text = "".join(sign if sign.isprintable() else "?" for sign in text) or "?"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _write(value: Any) -> Any:  # noqa: ANN401
    """Write a parameter as JSON can hold it, or raise `_UnknownPartError`."""
    if value is None or isinstance(value, str | int | float | np.generic):
        return repr(value)
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(_write, value)]
    if isinstance(value, Mapping):
        return {str(name): _write(each) for name, each in value.items()}
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if inspect.isclass(value) or inspect.isfunction(value):
        return _write_source(value)
    if hasattr(value, "get_params") and hasattr(value, "fit"):
        return [_write_source(type(value)), _write(value.get_params(deep=False))]
    raise _UnknownPartError


def _write_source(value: Any) -> list[str]:  # noqa: ANN401
    """Write a class or a function: its name, its package's version, else its source."""
    module = str(value.__module__)
    try:
        known = version(module.partition(".")[0].replace("sklearn", "scikit-learn"))
    except PackageNotFoundError:
        try:
            known = inspect.getsource(value)
        except (OSError, TypeError) as error:
            raise _UnknownPartError from error
    return [module, value.__qualname__, known]


def check_estimator(estimator: Any, *, is_class: bool) -> None:  # noqa: ANN401
    """Refuse what cannot learn a task or gives nothing to rank by.

    Raises
    ------
    SelectionError
        If it is no estimator, one of the wrong kind, or has no scores.
    """
    words = shorten_estimator(estimator)
    if inspect.isclass(estimator):
        raise SelectionError(
            f"{words} is a class. Give an estimator, such as {{}}().".format(estimator.__name__)
        )
    if not callable(getattr(estimator, "fit", None)):
        raise SelectionError(
            f"{words} has no method fit. Give an estimator as scikit-learn has them, such as "
            "RandomForestClassifier()."
        )
    wanted, what = ("classifier", "classes") if is_class else ("regressor", "a number")
    kind = _find_kind(estimator)
    if kind not in (None, wanted):
        article = "an" if kind[:1] in "aeiou" else "a"
        raise SelectionError(
            f"{words} is {article} {kind.replace('_', ' ')}; the task predicts {what} and needs a "
            f"{wanted}."
        )
    scores = ("predict_proba", "decision_function") if is_class else ("predict",)
    if not any(callable(getattr(estimator, name, None)) for name in scores):
        raise SelectionError(
            f"{words} gives no scores: it has neither predict_proba nor decision_function, and "
            "predicted classes alone rank nothing. Choose another, or let it give probabilities."
            if is_class
            else f"{words} has no method predict, so it predicts no number. Choose a regressor."
        )


def _find_kind(estimator: Any) -> str | None:  # noqa: ANN401
    """Find what kind of estimator it says it is, None where it does not say."""
    from sklearn.utils import get_tags

    try:
        return get_tags(estimator).estimator_type
    except (AttributeError, TypeError):  # of another library
        return getattr(estimator, "_estimator_type", None)


def prepare_estimator(estimator: Any, seed: int) -> Any:  # noqa: ANN401
    """Copy an estimator, unfitted, with a seed wherever it has none, so that results repeat."""
    from sklearn.base import clone

    model = clone(estimator, safe=False)
    if hasattr(model, "get_params"):
        parameters = model.get_params(deep=True)
        seeds = {
            name: seed % 2**32
            for name, value in parameters.items()
            if value is None and name.rpartition("__")[2] == "random_state"
        }
        if seeds:
            model.set_params(**seeds)
    return model
