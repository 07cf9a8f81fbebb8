"""A feature set: numbers to learn from, a row an image, aligned by image id.

An image without numbers is named with its reason, never filled in.
"""

import difflib
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxrlib.aliases import Floats
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

if TYPE_CHECKING:
    from cxrlib.baselines.tasks import TaskRows

Kind = Literal["network", "pixels", "prevalence", "shortcut", "outside"]


MAX_VALUE = 1e12
"""Largest size of a usable number: squares of larger ones leave no digits for the rest."""


MAX_NAME = 200  # signs


KEY_DIGITS = 16


SHOWN = 5  # ids that a message names
MOST_COMPARED = 5000  # ids among which the nearest is looked for: a second's work


@dataclass(frozen=True, eq=False)
class Features:
    """Hold a feature set: numbers to learn from, a row an image.

    Parameters
    ----------
    name : str
        As `load_features` takes it, or what outside numbers are called.
    title : str
        On screen; says what must be said, such as "untrained control".
    kind : {"network", "pixels", "prevalence", "shortcut", "outside"}
        "network" is any extractor, texture measures included.
    columns : tuple of str
        Distinct names.
    image_ids : tuple of str
        Distinct, those with numbers only.
    matrix : ndarray of shape (n_images, n_columns), float64
        All finite; read-only.
    n_parameters : int
        Of a model on them, as the paper counts: columns and an intercept.
    origin : tuple of str
        Where the numbers come from, in sentences, for provenance.
    missing : mapping of str to str
        Images that were asked for and have no numbers: why, as a clause.
    """

    name: str
    title: str
    kind: Kind
    columns: tuple[str, ...]
    image_ids: tuple[str, ...]
    matrix: Floats
    n_parameters: int
    origin: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.matrix.setflags(write=False)

    def __repr__(self) -> str:
        return f"Features({self.name!r}, {len(self.image_ids)} images, {len(self.columns)} columns)"

    @cached_property
    def key(self) -> str:
        """Name these very numbers in 16 hexadecimal digits, whatever the order of the images."""
        digest = hashlib.sha256(_to_bytes((self.name, *self.columns)))
        order = sorted(range(len(self.image_ids)), key=self.image_ids.__getitem__)
        digest.update(_to_bytes([self.image_ids[i] for i in order]))
        for i in order:  # row by row: pixels are large
            # Adding nought makes -0.0 and 0.0 the same bytes, as they are the same number.
            digest.update((self.matrix[i] + 0.0).astype("<f8").tobytes())
        return digest.hexdigest()[:KEY_DIGITS]

    def take(self, image_ids: Sequence[str]) -> Floats:
        """Return the numbers of images in their order, shape (n_images, n_columns).

        Raises
        ------
        SelectionError
            If an image has none; the message names the first.
        """
        places = [self._places.get(image_id, -1) for image_id in image_ids]
        if -1 in places:
            image_id = image_ids[places.index(-1)]
            reason = self.missing.get(image_id, "it is not among its images")
            raise SelectionError(
                f"Feature set {self.title!r} has no values for image {image_id!r}: {reason}. "
                "Leave such images out first; Features.missing names them."
            )
        return self.matrix[places]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {image_id: i for i, image_id in enumerate(self.image_ids)}


def _to_bytes(words: Sequence[str]) -> bytes:
    """Write words so that no two lists of words are written alike."""
    return b"".join(len(each).to_bytes(8, "big") + each for each in map(_encode, words))


def _encode(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")


def features_from_matrix(
    matrix: ArrayLike,
    image_ids: Sequence[str],
    columns: Sequence[str] | None = None,
    name: str = "outside",
) -> Features:
    """Make a feature set of a matrix whose rows belong to image ids.

    Images with a value that is not finite, or beyond 1e12, have no numbers: they go to `missing`
    with the reason. Nothing is filled in.

    Parameters
    ----------
    matrix : array-like of shape (n_images, n_columns), or (n_images,) for a single column
        Numbers; a DataFrame gives its columns' names.
    image_ids : sequence of str
        The image of each row, distinct.
    columns : sequence of str, optional
        Distinct names; "column 1" and so on without.
    name : str, default "outside"
        What to call them, in results too.

    Returns
    -------
    Features
        Of all images given; `match_features` takes those of a task.

    Raises
    ------
    SelectionError
        If shapes do not match, ids or columns come twice or are no text, or values are no numbers.

    Examples
    --------
    >>> features = features_from_matrix([[1.0], [np.nan]], ["a.png", "b.png"], ["score"])
    >>> features.image_ids, dict(features.missing)
    (('a.png',), {'b.png': "column 'score' is nan"})
    """
    values, ids, titles = check_matrix(matrix, image_ids, columns, name)
    missing = _find_unusable(values, ids, titles)
    kept = [image_id not in missing for image_id in ids]
    shape = f"{format_units(len(ids), 'image')}, {format_units(len(titles), 'column')}"
    return Features(
        name=name,
        title=name,
        kind="outside",
        columns=titles,
        image_ids=tuple(each for each, is_kept in zip(ids, kept, strict=True) if is_kept),
        matrix=values[np.array(kept, dtype=bool)],
        n_parameters=len(titles) + 1,
        origin=(f"Features from outside this program, named {name!r}: {shape}.",),
        missing=missing,
    )


def check_matrix(
    matrix: ArrayLike, image_ids: Sequence[str], columns: Sequence[str] | None, name: str
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Return numbers, ids and columns if they fit; raises as `features_from_matrix`."""
    if columns is None and isinstance(matrix, pd.DataFrame):
        columns = list(matrix.columns)
    values = _check_matrix(matrix, name)
    ids = _check_words(image_ids, "image id", name)
    default = [f"column {i}" for i in range(1, values.shape[1] + 1)]
    titles = _check_words(default if columns is None else columns, "column", name)
    _check_shape(values, ids, titles, name)
    return values, ids, titles


def _check_matrix(matrix: ArrayLike, name: str) -> Floats:
    """Return a new matrix of floats, or say what it is instead."""
    try:
        values = _to_floats(matrix)
    except (TypeError, ValueError, OverflowError):
        values = None
    if values is None:
        raise SelectionError(
            f"Features {name!r} are not a matrix of numbers: {_shorten(matrix)}. Give one row per "
            "image and one column per feature, integers or floats."
        )
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.ndim != 2 or values.shape[1] == 0:
        raise SelectionError(
            f"Features {name!r} have the shape {values.shape!r}. Give (n_images, n_columns), with "
            "at least one column."
        )
    return values


def _check_shape(
    values: Floats, image_ids: Sequence[str], columns: Sequence[str], name: str
) -> None:
    """Refuse a matrix with more or fewer rows or columns than there are names."""
    if len(image_ids) != len(values):
        raise SelectionError(
            f"Features {name!r} have {format_units(len(values), 'row')} and "
            f"{format_units(len(image_ids), 'image id')}: give one id per row, in the same order."
        )
    if len(columns) != values.shape[1]:
        raise SelectionError(
            f"Features {name!r} have {format_units(values.shape[1], 'column')} and "
            f"{format_units(len(columns), 'column name')}: give one name per column."
        )


def _to_floats(matrix: ArrayLike) -> Floats | None:
    """Turn a matrix into floats with NaN where it has a blank; None if it holds no numbers."""
    if isinstance(matrix, np.ma.MaskedArray):  # its mask would be lost without a word
        return np.ma.filled(matrix.astype(np.float64), np.nan)
    given = np.asarray(matrix)
    if given.dtype.kind == "O":
        # Text such as "1.5" would be turned into numbers; who sends it did not mean to.
        if any(isinstance(value, str | bytes) for value in given.flat):
            return None
        given = np.where(pd.isna(given), np.nan, given)
    return np.array(given, dtype=np.float64) if given.dtype.kind in "biufO" else None


def _check_words(words: Sequence[str], what: str, name: str) -> tuple[str, ...]:
    """Return ids or column names if each is text, of a sane length, and there once."""
    words = [words] if isinstance(words, str) else list(words)
    for place, word in enumerate(words, start=1):
        if not isinstance(word, str) or not word.strip() or len(word) > MAX_NAME:
            raise SelectionError(
                f"The {what} at place {place} of features {name!r} is {_shorten(word)}: it must be "
                f"text of 1 to {MAX_NAME} characters."
            )
    (commonest,) = Counter(words).most_common(1) or [("", 0)]
    if commonest[1] > 1:
        places = [i for i, word in enumerate(words, start=1) if word == commonest[0]]
        raise SelectionError(
            f"Features {name!r} have the {what} {commonest[0]!r} {len(places)} times, at places "
            f"{places[0]} and {places[1]}. Keep one of them."
        )
    return tuple(str(word) for word in words)


def _find_unusable(
    values: Floats, image_ids: Sequence[str], columns: Sequence[str]
) -> dict[str, str]:
    """Find the images with a value nobody can learn from: the first such column, and the value."""
    with np.errstate(invalid="ignore"):
        usable = np.abs(values) <= MAX_VALUE  # a comparison with NaN is false
    reasons = {}
    for row in np.flatnonzero(~usable.all(axis=1)).tolist():
        column = int(np.argmin(usable[row]))
        value = float(values[row, column])
        limit = f", beyond the limit of {MAX_VALUE:g}" if np.isfinite(value) else ""
        reasons[image_ids[row]] = f"column {columns[column]!r} is {value:g}{limit}"
    return reasons


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def match_features(features: Features, rows: "TaskRows") -> Features:
    """Keep the rows of a task's images, in their order; count what matches nothing.

    Raises
    ------
    SelectionError
        If there are images in the task and none of them has numbers.
    """
    wanted = list_images(rows)
    known = rows.cohort.table["image_id"]
    there = [image_id for image_id in wanted if image_id in features._places]
    lost = {
        image_id: features.missing.get(image_id, "no row for this image")
        for image_id in wanted
        if image_id not in features._places
    }
    given = {*features.image_ids, *features.missing}
    if wanted and not there and (first := next((e for e in wanted if e in features.missing), "")):
        raise SelectionError(
            f"Features {features.name!r} have no usable row for any of the task's "
            f"{format_units(len(wanted), 'image')}: of {first!r} {features.missing[first]}. Fill "
            "in or remove such columns."
        )
    if wanted and not there:
        shown = f", such as {describe_nearest(sorted(given), known).rstrip('.')}" if given else ""
        raise SelectionError(
            f"Features {features.name!r} cover none of the task's "
            f"{format_units(len(wanted), 'image')}, such as {wanted[0]!r}. They cover "
            f"{format_units(len(given), 'image')}{shown}. Write image ids as the data page and its "
            "exports do."
        )
    others = sorted(given.difference(known))
    verb = "matches" if len(others) == 1 else "match"
    strange = (
        f"{format_units(len(others), 'image id')} of {features.title!r} {verb} no image of the "
        f"cohort: {describe_nearest(others, known)}"
    )
    return replace(
        features,
        image_ids=tuple(there),
        matrix=features.take(there),
        origin=(*features.origin, *([strange] if others else [])),
        missing=lost,
    )


def describe_nearest(strange: Sequence[str], known: Iterable[str]) -> str:
    """Name some ids that match nothing, each with the known id that it is nearest to.

    Examples
    --------
    >>> describe_nearest(["a1.jpg"], ["a1.jpeg", "b.png"])
    "'a1.jpg' (nearest 'a1.jpeg')."
    """
    names = list(itertools.islice(map(str, known), MOST_COMPARED))
    parts = []
    for each in strange[:SHOWN]:
        near = difflib.get_close_matches(each, names, n=1)
        parts.append(_shorten(each) + (f" (nearest {_shorten(near[0])})" if near else ""))
    more = f" and {len(strange) - SHOWN:,} more" if len(strange) > SHOWN else ""
    return f"{', '.join(parts)}{more}."


def describe_missing(features: Features) -> str:
    """Describe how many images have no values and why; "" if all have them.

    Examples
    --------
    >>> describe_missing(features_from_matrix([np.nan, np.nan, 1], ["a", "b", "c"], ["x"]))
    "2 of 3 images have no values in 'outside': column 'x' is nan (2)."
    """
    if not features.missing:
        return ""
    n_images = len(features.image_ids) + len(features.missing)
    reasons = Counter(features.missing.values()).most_common()
    shown = [f"{reason} ({number})" for reason, number in reasons[:3]]
    rest = sum(number for _, number in reasons[3:])
    shown += [f"other reasons ({rest})"] if rest else []
    return (
        f"{len(features.missing)} of {format_units(n_images, 'image')} "
        f"{'has' if len(features.missing) == 1 else 'have'} no values in {features.title!r}: "
        f"{'; '.join(shown)}."
    )


def list_images(rows: "TaskRows") -> tuple[str, ...]:
    """List the image ids of a task, in its order."""
    return tuple(str(image_id) for image_id in rows.table["image_id"])


@dataclass(frozen=True)
class FeatureChoice:
    """Offer a feature set.

    Parameters
    ----------
    name : str
        As `load_features` takes it.
    title : str
    kind : {"network", "pixels", "prevalence", "shortcut"}
    n_parameters : int
        Of a model on them, as the paper counts; 0 where it depends on the task's rows.
    is_ready : bool
        Whether `load_features` has numbers of any image of the cohort.
    why_not : str
        What is missing, in a sentence; "" where nothing is. A set can be ready and incomplete.
    what_to_do : str
        About that, in a sentence; "" where there is nothing to do.
    """

    name: str
    title: str
    kind: Kind
    n_parameters: int
    is_ready: bool = True
    why_not: str = ""
    what_to_do: str = ""
