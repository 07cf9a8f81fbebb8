"""Estimators by name: which model learns from the features, in words and as links write it.

Nothing is fitted here: see `cxrlib.baselines.evaluation.models`.
"""

import math
import re
from dataclasses import dataclass

from cxrlib.baselines.evaluation.groupings import format_held_out
from cxrlib.errors import SelectionError

LINEAR, FOREST, BOOSTING, NEIGHBOURS, PAPER, OWN = (
    *("linear", "forest", "boosting", "neighbours", "paper", "own"),
)
ESTIMATORS = (LINEAR, FOREST, BOOSTING, NEIGHBOURS, PAPER)
"""Names that need no value; beside them there is "linear:C" with a fixed C."""
SLOW = (FOREST, BOOSTING, OWN)
"""Those that take seconds a fit."""
DESCRIBED = f"{', '.join(ESTIMATORS)}, or linear:C with a fixed C, such as linear:0.1"

C_RANGE = (1e-6, 1e6)
N_TREES = 500
# An estimator of one's own: what it is called, and a hash of what it is.
_OWN_NAME = re.compile(r"own:(.{1,120})#([0-9a-f]{8})")

_CLASSES = {
    FOREST: f"random forest of {N_TREES} trees",
    BOOSTING: "gradient boosting",
    NEIGHBOURS: "k nearest neighbours (k = square root of the number of training images)",
    PAPER: "logistic regression, C = 1 (as in the paper)",
}
_NUMBERS = _CLASSES | {PAPER: "linear regression (as in the paper)"}


@dataclass(frozen=True)
class EstimatorName:
    """Hold the parts of an estimator's name.

    Parameters
    ----------
    family : {"linear", "forest", "boosting", "neighbours", "paper", "own"}
    c : float, optional
        The fixed C of "linear:C".
    text : str
        What an estimator of one's own is called.
    """

    family: str
    c: float | None = None
    text: str = ""


def parse_estimator(name: str) -> EstimatorName:
    """Take the name of an estimator apart.

    Raises
    ------
    SelectionError
        If there is none of this name, or C is no number in its range.
    """
    if name in ESTIMATORS:
        return EstimatorName(name)
    if name.startswith(f"{LINEAR}:"):
        return EstimatorName(LINEAR, _read_c(name.removeprefix(f"{LINEAR}:")))
    own = _OWN_NAME.fullmatch(name)
    if own is not None and name.isprintable():
        return EstimatorName(OWN, text=own[1])
    raise SelectionError(f"There is no model {name[:60]!r}. There are {DESCRIBED}.")


def _read_c(text: str) -> float:
    """Read a fixed C."""
    low, high = C_RANGE
    is_number = re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?(e[+-]?[0-9]{1,2})?", text, re.ASCII)
    value = float(text) if is_number else math.nan
    if not low <= value <= high:
        raise SelectionError(
            f"The C of the model '{LINEAR}:{text[:40]}' must be a number from {low:g} to {high:g}, "
            "such as linear:0.1."
        )
    return float(f"{value:g}")


def spell_estimator(name: str) -> str:
    """Write the name of an estimator in its one spelling.

    Raises
    ------
    SelectionError
        As `parse_estimator`.

    Examples
    --------
    >>> spell_estimator("linear:1.0"), spell_estimator("forest")
    ('linear:1', 'forest')
    """
    parts = parse_estimator(name)
    return name if parts.c is None else f"{LINEAR}:{parts.c:g}"


def describe_estimator(
    name: str, *, task_kind: str, feature_kind: str = "", hold_out: str = "region"
) -> str:
    """Describe which model an estimator's name means, as a clause.

    Parameters
    ----------
    name : str
    task_kind : {"classes", "number"}
    feature_kind : str
        Pixels have a model of their own.
    hold_out : str

    Examples
    --------
    >>> describe_estimator("linear", task_kind="classes")
    'logistic regression, C chosen in training regions'
    >>> describe_estimator("linear:0.1", task_kind="number")
    'ridge regression, penalty 10'
    """
    if feature_kind == "pixels":
        return "neural network on pixels (as in the paper)"
    parts = parse_estimator(name)
    if parts.family == OWN:
        return parts.text
    if parts.family != LINEAR:
        return (_CLASSES if task_kind == "classes" else _NUMBERS)[parts.family]
    where = format_held_out(None, hold_out)
    if task_kind == "classes":
        how = f"C chosen in training {where}" if parts.c is None else f"C = {parts.c:g}"
        return f"logistic regression, {how}"
    chosen = f"penalty chosen in training {where}"
    return f"ridge regression, {chosen if parts.c is None else f'penalty {1 / parts.c:g}'}"


_TITLES = {
    FOREST: "Random forest",
    BOOSTING: "Gradient boosting",
    NEIGHBOURS: "k neighbours",
    PAPER: "As in the paper",
}


def title_estimator(name: str, *, task_kind: str, feature_kind: str = "") -> str:
    """Title a model in two or three words, for a list; `describe_estimator` has the whole.

    Examples
    --------
    >>> title_estimator("linear", task_kind="classes")
    'Logistic, C chosen'
    """
    if feature_kind == "pixels":
        return "Neural network"
    parts = parse_estimator(name)
    if parts.family != LINEAR:
        return _TITLES.get(parts.family, parts.text)
    if task_kind == "classes":
        return f"Logistic, C {'chosen' if parts.c is None else f'= {parts.c:g}'}"
    return f"Ridge, penalty {'chosen' if parts.c is None else f'{1 / parts.c:g}'}"


def is_slow(name: str) -> bool:
    """Tell whether an estimator takes seconds a fit, so that a page makes it a job."""
    return parse_estimator(name).family in SLOW


def is_own(name: str) -> bool:
    """Tell whether an estimator was given in Python, so that its name does not bring it back."""
    return parse_estimator(name).family == OWN
