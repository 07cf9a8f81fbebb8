"""Folds: which images are held out together, and which may train beside them.

Every group of images (a region, say) is held out once and everything else trains. Guards take
out of the training images those that share a person, an article or a site with the held-out
ones. Images of an unknown place train and are never held out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.groupings import list_groups, parse_hold_out
from cxrlib.cohort import UNKNOWN
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

GUARDS = ("person", "article", "source")
"""What training and test images must not share, in the order in which guards are applied."""

_GUARD_COLUMNS = {"person": "person_id", "article": "article", "source": "source"}
# "More than two rows" (Cohen et al. 2020b, by the notebooks): two points are always on a line.
_FEWEST_NUMBERS = 3


@dataclass(frozen=True, eq=False)
class Labels:
    """Hold what is predicted.

    Parameters
    ----------
    y : ndarray of float, shape (n_images,)
        1 and 0, or numbers.
    is_class : bool
    positive, negative : str
        Words of the classes.
    """

    y: np.ndarray
    is_class: bool
    positive: str = "positive"
    negative: str = "negative"
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Fold:
    """Hold a group that is held out and what trains beside it.

    Parameters
    ----------
    name : str
        Of the group.
    train, test : ndarray of int
        Places in the table, ascending.
    removed : mapping of str to int
        By guard, how many images it took out of training; the first that applies counts.
    shared : mapping of str to int
        By guard, how many images outside the group share something with it, whether they were
        taken out or not: what the guard would cost.
    is_tested : bool
        Whether its images are predicted.
    is_scored : bool
        Whether it has a score of its own: it is tested and has persons enough.
    reason : str
        Why it is not tested or not scored, a full sentence; "" else.
    """

    name: str
    train: np.ndarray
    test: np.ndarray
    removed: Mapping[str, int]
    shared: Mapping[str, int]
    is_tested: bool
    is_scored: bool
    reason: str
    __repr__ = short_repr


def make_folds(
    table: pd.DataFrame,
    labels: Labels,
    *,
    hold_out: str = "region",
    guards: Sequence[str] = (),
    fewest_persons: int = 0,
    refuse: Callable[[np.ndarray], str] | None = None,
    repeat: int = 0,
) -> tuple[Fold, ...]:
    """Hold each group out once.

    Parameters
    ----------
    table : DataFrame
        A row an image: person_id, article, source, the column held out, and y for persons.
    labels : Labels
    hold_out : str
        As `cxrlib.baselines.evaluation.groupings.parse_hold_out` reads it.
    guards : sequence of {"person", "article", "source"}
        What training and test images must not share. A blank article or source is not shared.
    fewest_persons : int
        A group with fewer in its smaller class (of a number: in all) has no score.
    refuse : callable, optional
        Says of the places of training images, which hold both classes, why a model cannot be
        fitted to them, as a clause, or "".
    repeat : int, default 0
        Which dealing of persons.

    Returns
    -------
    tuple of Fold
        By name; the unknown group last.

    Raises
    ------
    SelectionError
        If there is no such way to hold out, no such column or no such guard.
    """
    from sklearn.model_selection import LeaveOneGroupOut

    for guard in guards:
        if guard not in GUARDS:
            raise SelectionError(
                f"There is no guard {guard[:60]!r}. There are {', '.join(GUARDS)}."
            )
    groups = list_groups(table, hold_out, repeat=repeat)
    grouping = parse_hold_out(hold_out)
    if len(set(groups)) < 2:
        splits = [(np.arange(0), np.arange(len(groups)))] if len(groups) else []
    else:
        splits = list(LeaveOneGroupOut().split(groups, groups=groups.astype(str)))
    keys = {guard: _read_keys(table, guard) for guard in GUARDS}
    guards = [guard for guard in guards if guard not in list_idle_guards(table, hold_out)]
    folds = []
    for train, test in splits:
        name = str(groups[test[0]])
        left, removed, shared = _guard(train, test, keys, guards)
        reason = refuse_test(name, test, labels)
        if grouping.kind == "cohort" and name != grouping.name:
            reason = f"Used for training only: the test is on {grouping.name!r}."
        reason = reason or _refuse_training(name, left, removed, labels, refuse)
        is_tested = not reason
        persons = keys["person"][test]
        reason = reason or refuse_score(persons, labels.y[test], labels, fewest_persons)
        folds.append(Fold(name, left, test, removed, shared, is_tested, not reason, reason))
    return tuple(sorted(folds, key=lambda fold: (fold.name == UNKNOWN, fold.name)))


def list_idle_guards(table: pd.DataFrame, hold_out: str) -> tuple[str, ...]:
    """List guards that nothing could satisfy: all images of a cohort are of one article or site.

    Between parts of its persons they would leave nothing to train on; between places they stand.
    """
    if parse_hold_out(hold_out).kind != "persons":
        return ()
    keys = {guard: _read_keys(table, guard) for guard in GUARDS if guard != "person"}
    return tuple(guard for guard, key in keys.items() if len(key) and key.min() == key.max() == 0)


def _read_keys(table: pd.DataFrame, guard: str) -> np.ndarray:
    """Give each image the code of its person, article or site; -1 where that is blank."""
    values = table[_GUARD_COLUMNS[guard]].to_numpy(dtype=object, na_value="")
    texts = pd.Series([str(value).strip() for value in values], dtype=object)
    return pd.factorize(texts.where(texts != "", None))[0]


def _guard(
    train: np.ndarray, test: np.ndarray, keys: Mapping[str, np.ndarray], guards: Sequence[str]
) -> tuple[np.ndarray, dict[str, int], dict[str, int]]:
    """Take out training images by the guards; count those taken out, and those that share."""
    removed, shared = {}, {}
    keep = np.ones(len(train), dtype=bool)
    for guard in GUARDS:
        inside = keys[guard][test]
        is_shared = np.isin(keys[guard][train], inside[inside >= 0])
        shared[guard] = int(is_shared.sum())
        if guard in guards:
            removed[guard] = int((is_shared & keep).sum())
            keep &= ~is_shared
    return train[keep], removed, shared


def refuse_test(name: str, test: np.ndarray, labels: Labels) -> str:
    """Say why a group cannot be tested, or nothing."""
    images = format_units(len(test), "image")
    if name == UNKNOWN:
        return "Place or source not recorded: these images are used for training only."
    if not labels.is_class:
        return "" if len(test) >= _FEWEST_NUMBERS else f"{images}: a score needs at least three."
    n_positive = int(labels.y[test].sum())
    if 0 < n_positive < len(test):
        return ""
    label = labels.positive if n_positive else labels.negative
    return f"{images}, all {label!r}: a score needs both classes."


def _refuse_training(
    name: str,
    train: np.ndarray,
    removed: Mapping[str, int],
    labels: Labels,
    refuse: Callable[[np.ndarray], str] | None,
) -> str:
    """Say why nothing can be trained, or nothing."""
    n_removed = sum(removed.values())
    left = f"outside {name!r}" + (f" ({n_removed} left out by guards)" if n_removed else "")
    if len(train) == 0:
        return f"No images to train on {left}."
    images, y = format_units(len(train), "image"), labels.y[train]
    if labels.is_class and y.min() == y.max():
        label = labels.positive if y[0] else labels.negative
        return f"{images} to train on {left}, all {label!r}: a model needs both classes."
    reason = "" if refuse is None else refuse(train)
    return f"{images} to train on {left}: {reason}." if reason else ""


def refuse_score(persons: np.ndarray, y: np.ndarray, labels: Labels, fewest_persons: int) -> str:
    """Say why a tested group has no score of its own, or nothing."""
    if not labels.is_class:
        n_persons, where = len(set(persons)), ""
    else:
        by_class = {
            labels.negative: len(set(persons[y == 0])),
            labels.positive: len(set(persons[y == 1])),
        }
        label = min(by_class, key=lambda each: by_class[each])
        n_persons, where = by_class[label], f" of the class {label!r}"
    if n_persons >= fewest_persons:
        return ""
    return f"{format_units(n_persons, 'person')}{where}: not estimable below {fewest_persons}."
