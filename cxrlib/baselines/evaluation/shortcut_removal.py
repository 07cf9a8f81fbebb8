"""Taking a shortcut away: its linear trace erased from features, or the classes matched on it.

Erased, a feature keeps what differs between images of one view (or source), and loses what differs
between the views' means. Matched, both classes have as many images of each view, in training and in
test: a model that only knows the view is then right half of the time. See
docs/decisions on why these two, and not another way.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.aliases import NOT_RECORDED, Floats
from cxrlib.baselines.evaluation.folds import Fold, Labels
from cxrlib.baselines.features import SHORTCUT_TITLES, join_sum, read_shortcut_features, split_sum
from cxrlib.baselines.tasks import TaskRows
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

MATCHABLE = ("view", "source")
"""Shortcuts that are one value of each image, on which classes can be matched."""
FEW_IMAGES = 5
"""Values with fewer training images share one mean, and so does a value that no training image has:
of one image the mean is the image, and nothing of it would be left."""
# What is left of a column that the shortcut explains wholly is rounding; scaled, it would be noise.
ROUNDING = 1e-9


def spell_shortcuts(text: str, known: Sequence[str], verb: str) -> str:
    """Write the shortcuts to take away in one spelling, in the order of the list.

    Parameters
    ----------
    text : str
        Names joined by a plus; "" for none.
    known : sequence of str
    verb : str
        "erase" or "match", for the message.

    Raises
    ------
    SelectionError
        If one of them is not known.

    Examples
    --------
    >>> spell_shortcuts("source + view", ("view", "source"), "erase")
    'view+source'
    """
    if not text.strip():
        return ""
    parts = split_sum(text.strip())
    for part in parts:
        if part not in known:
            raise SelectionError(
                f"Cannot {verb} {part[:60]!r}. Choose from {', '.join(known)}, or several joined "
                "by a plus."
            )
    return join_sum([each for each in known if each in parts])


def describe_removal(erase: str, match: str) -> str:
    """Say in a clause what was taken away; "" where nothing was.

    Examples
    --------
    >>> describe_removal("view+source", "view")
    'view and source erased, classes matched by view'
    """
    parts = []
    if erase:
        parts.append(f"{_name_shortcuts(erase)} erased")
    if match:
        parts.append(f"classes matched by {_name_shortcuts(match)}")
    return ", ".join(parts)


def _name_shortcuts(joined: str) -> str:
    """Name shortcuts in words."""
    names = (SHORTCUT_TITLES[name].removesuffix(" only").lower() for name in split_sum(joined))
    return " and ".join(names)


def describe_removal_method(erase: str, match: str) -> tuple[str, ...]:
    """Say in sentences how it was taken away."""
    sentences = []
    if erase:
        names = _name_shortcuts(erase)
        sentences.append(
            f"Erased ({names}): each feature is regressed on the {names} of the fold's training "
            "images by least squares and the fitted part is subtracted, in training and test "
            f"images. Values with fewer than {FEW_IMAGES} training images share one mean. What the "
            "label shares with them goes too; a model that is not linear may still find traces."
        )
    if match:
        names = _name_shortcuts(match)
        sentences.append(
            f"Matched by {names}: in training and in test images each value has as many images of "
            "one class as of the other; the others are left out, drawn at random by the seed, as "
            "few of a person as possible."
        )
    return tuple(sentences)


# ---- erasing


@dataclass(frozen=True, eq=False)
class Trace:
    """Hold what is to be erased, a row an image.

    Parameters
    ----------
    groups : tuple of ndarray of str, each of shape (n_images,)
        Shortcuts that are one value of each image.
    columns : ndarray of float, shape (n_images, n_columns)
        Columns of the others.
    """

    groups: tuple[np.ndarray, ...]
    columns: Floats
    __repr__ = short_repr

    def take(self, places: np.ndarray) -> "Trace":
        """Take images, some perhaps several times."""
        return Trace(tuple(group[places] for group in self.groups), self.columns[places])


def read_trace(rows: TaskRows, erase: str) -> Trace | None:
    """Read what is to be erased off the rows of a task; None where nothing is."""
    if not erase:
        return None
    names = split_sum(erase)
    others = [read_shortcut_features(name, rows).matrix for name in names if name not in MATCHABLE]
    return Trace(
        groups=tuple(read_values(rows.table, name) for name in names if name in MATCHABLE),
        columns=np.hstack([np.empty((len(rows.table), 0)), *others]),
    )


def read_values(table: pd.DataFrame, name: str) -> np.ndarray:
    """Read one value of each image as text, those of several shortcuts joined."""
    parts = [
        table[part].fillna("").replace("", NOT_RECORDED).astype("str").to_numpy(dtype=object)
        for part in split_sum(name)
    ]
    return np.array([" | ".join(each) for each in zip(*parts, strict=True)], dtype=object)


def erase_trace(
    train: Floats, test: Floats, of_train: Trace, of_test: Trace
) -> tuple[Floats, Floats]:
    """Subtract from features what the shortcut says of them, learnt from the training images alone.

    Parameters
    ----------
    train, test : ndarray of float, shape (n_train, n_columns) and (n_test, n_columns)
    of_train, of_test : Trace
        Of the same images.

    Returns
    -------
    train, test : ndarray of float
        The training features have no covariance with the shortcut any more, so that a linear model
        learns nothing from it. A column that the shortcut explains wholly is constant.
    """
    shown, shown_test = _lay_out(of_train, of_test)
    centre = shown.mean(axis=0)
    middle = train.mean(axis=0)
    slopes = np.linalg.lstsq(shown - centre, train - middle, rcond=None)[0]
    left, left_test = train - (shown - centre) @ slopes, test - (shown_test - centre) @ slopes
    is_gone = left.std(axis=0) <= ROUNDING * np.maximum(train.std(axis=0), np.abs(middle))
    left[:, is_gone] = left_test[:, is_gone] = middle[is_gone]
    return left, left_test


def _lay_out(of_train: Trace, of_test: Trace) -> tuple[Floats, Floats]:
    """Lay the shortcuts out as columns of numbers: a column of 0 and 1 for each frequent value."""
    columns, columns_test = [of_train.columns], [of_test.columns]
    for group, group_test in zip(of_train.groups, of_test.groups, strict=True):
        values, counts = np.unique(group.astype(str), return_counts=True)
        frequent = values[counts >= FEW_IMAGES]
        marks, marks_test = (each.astype(str)[:, None] == frequent for each in (group, group_test))
        shown, shown_test = marks.astype(float), marks_test.astype(float)
        if (counts >= FEW_IMAGES).all():
            # No training image has a rare value: of one in the test nothing is known, nor erased.
            shown_test[~marks_test.any(axis=1)] = shown.mean(axis=0)
        columns.append(shown)
        columns_test.append(shown_test)
    return np.hstack(columns), np.hstack(columns_test)


# ---- matching


def match_folds(
    folds: Sequence[Fold],
    values: np.ndarray,
    labels: Labels,
    persons: np.ndarray,
    *,
    name: str,
    seed: int,
    fewest_persons: int,
    refuse: Callable[[np.ndarray], str],
) -> tuple[Fold, ...]:
    """Leave as many images of either class with each value of a shortcut, in training and in test.

    Parameters
    ----------
    folds : sequence of Fold
    values : ndarray of str, shape (n_images,)
        Of the shortcut.
    labels : Labels
        Of two classes.
    persons : ndarray of int, shape (n_images,)
    name : str
        Of the shortcut, for reasons.
    seed : int
        Of the draw among images of the more frequent class.
    fewest_persons : int
        A group with fewer in its smaller class has no score.
    refuse : callable
        As in `cxrlib.baselines.evaluation.folds.make_folds`.

    Raises
    ------
    SelectionError
        If what is predicted is a number, which has no classes to match.
    """
    if not labels.is_class:
        raise SelectionError(
            f"Only classes can be matched by {name}, not a number. Erase it instead, or predict a "
            "column of two classes."
        )

    def match(fold: Fold) -> Fold:
        if not fold.is_tested:
            return fold
        train, test = (
            match_images(places, values, labels.y, persons, _make_rng(seed, fold.name, side))
            for side, places in (("train", fold.train), ("test", fold.test))
        )
        removed = {**fold.removed, f"matching by {name}": len(fold.train) - len(train)}
        reason = _refuse_matched(train, test, name, refuse)
        is_tested = not reason
        n_few = min(len(set(persons[test][labels.y[test] == label])) for label in (0, 1))
        if is_tested and n_few < fewest_persons:
            n_persons = format_units(n_few, "person")
            reason = (
                f"{n_persons} of the smaller class once matched by {name}: not estimable below "
                f"{fewest_persons}."
            )
        found = replace(fold, train=train, removed=removed, is_tested=is_tested, reason=reason)
        return replace(found, test=test if is_tested else fold.test, is_scored=not reason)

    return tuple(map(match, folds))


def _refuse_matched(
    train: np.ndarray, test: np.ndarray, name: str, refuse: Callable[[np.ndarray], str]
) -> str:
    """Say why a matched group cannot be tested, or nothing."""
    for side, places in (("test", test), ("training", train)):
        if not len(places):
            return f"No {name} has {side} images of both classes, so nothing can be matched."
    reason = refuse(train)
    return (
        f"{format_units(len(train), 'image')} to train on once matched: {reason}." if reason else ""
    )


def match_images(
    places: np.ndarray,
    values: np.ndarray,
    y: np.ndarray,
    persons: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Choose as many images of each class with each value; of the more frequent, few of a person.

    Parameters
    ----------
    places : ndarray of int
        Among which is chosen.
    values, y, persons : ndarray, shape (n_images,)
    rng : Generator

    Returns
    -------
    ndarray of int
        In the order of ``places``.
    """
    turn = _deal(persons[places], rng)
    order = places[np.argsort(turn, kind="stable")]  # each person's first image, then the second
    kept = []
    for value in sorted(set(values[places])):
        mine = order[values[order] == value]
        by_class = [mine[y[mine] == label] for label in (0, 1)]
        n = min(map(len, by_class))
        kept += [part[:n] for part in by_class]
    chosen = np.concatenate(kept) if kept else places[:0]
    return places[np.isin(places, chosen)]


def _deal(persons: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give each image its turn: persons in a drawn order, each one's images in another round."""
    mixed = rng.permutation(len(persons))
    rounds: dict[object, int] = {}
    turn = np.empty(len(persons))
    for rank, place in enumerate(mixed):
        person = persons[place]
        turn[place] = rounds.setdefault(person, 0) + rank / max(len(persons), 1)
        rounds[person] += 1
    return turn


def _make_rng(seed: int, *words: str) -> np.random.Generator:
    """Give each fold and side a draw of its own, so that another fold changes none of it."""
    digest = hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def hash_removal(rows: TaskRows, erase: str, match: str) -> list[str]:
    """Name what is taken away by its values: they change a score, and no other key holds them."""
    names: Mapping[str, None] = dict.fromkeys(
        part for text in (erase, match) if text for part in split_sum(text)
    )
    return [read_shortcut_features(name, rows).key for name in names]
