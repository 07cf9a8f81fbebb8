"""Sums of feature sets: "texture:outputs+age-sex" is the columns of both, side by side.

What a set adds to another is seen from their sum: beside either alone it says whether the two know
the same. An image that lacks one part is missing, with that part's reason.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cxrlib.baselines.features.feature_matrix import (
    FeatureChoice,
    Features,
    Kind,
)
from cxrlib.errors import SelectionError

PLUS = "+"
MOST_PARTS = 8
"""Sets in a sum; more would make names that no address and no table has room for."""
FILE_ENDINGS = (".parquet", ".csv", ".npy")
"""What the name of a feature file ends in; a plus within it is part of its name."""

# What a sum is, by its parts: the first of these that is among them. A sum of shortcuts looks at
# no image; with any other part it does.
_KINDS: tuple[Kind, ...] = ("network", "outside", "shortcut", "prevalence")


def split_sum(name: str) -> tuple[str, ...]:
    """Split the name of a feature set into the names of its parts, in their order.

    Raises
    ------
    SelectionError
        If a part is blank or there twice, or there are too many.

    Examples
    --------
    >>> split_sum("texture:outputs + age-sex"), split_sum("view"), split_sum("a+b.csv")
    (('texture:outputs', 'age-sex'), ('view',), ('a+b.csv',))
    """
    if PLUS not in name or name.casefold().endswith(FILE_ENDINGS):
        return (name,)
    parts = tuple(re.split(r"\s*\+\s*", name.strip()))
    if not all(parts):
        raise SelectionError(
            f"The feature set {name[:80]!r} has a plus without a set beside it. Write A+B, for "
            "example texture:outputs+age-sex."
        )
    part, number = Counter(parts).most_common(1)[0]
    if number > 1:
        raise SelectionError(
            f"The feature set {name[:80]!r} has {part[:60]!r} twice. Name it once."
        )
    if len(parts) > MOST_PARTS:
        raise SelectionError(
            f"The feature set {name[:80]!r} adds {len(parts)} sets: at most {MOST_PARTS} are added."
        )
    return parts


def join_sum(parts: Sequence[str]) -> str:
    """Name a sum by its parts.

    Examples
    --------
    >>> join_sum(["texture:outputs", "age-sex"])
    'texture:outputs+age-sex'
    """
    return PLUS.join(parts)


def spell_sum(name: str, spell: Callable[[str], str]) -> str:
    """Write a name with each of its parts in one spelling; what cannot be split stays as it is."""
    try:
        return join_sum([spell(part) for part in split_sum(name)])
    except SelectionError:
        return name  # whoever loads it says what is wrong


def add_features(parts: Sequence[Features]) -> Features:
    """Put feature sets side by side.

    Parameters
    ----------
    parts : sequence of Features
        Of the same images: each has numbers of an image, or says in `missing` why not.

    Returns
    -------
    Features
        The images that all parts have, in the order of the first. A column whose name another part
        has too is prefixed with its set's name. Parameters add, the intercept counted once.

    Raises
    ------
    SelectionError
        If a part is there twice, or pixels are among several: a network of their own reads them.
    """
    if len(parts) == 1:
        return parts[0]
    name = join_sum([part.name for part in parts])
    part, number = Counter(each.name for each in parts).most_common(1)[0]
    if number > 1:
        raise SelectionError(
            f"The feature set {name[:80]!r} has {part[:60]!r} twice. Name it once."
        )
    if any(part.kind == "pixels" for part in parts):
        raise SelectionError(
            f"Pixels cannot be added to other feature sets ({name[:80]!r}): a network of its own "
            "reads them. Choose an extractor's outputs or embedding."
        )
    missing = _gather_missing(parts)
    image_ids = tuple(each for each in parts[0].image_ids if each not in missing)
    if not image_ids and missing:
        image_id, reason = next(iter(missing.items()))
        raise SelectionError(
            f"No image has all parts of {name[:80]!r}; for example {image_id!r}: {reason}."
        )
    columns = _name_columns(parts)
    return Features(
        name=name,
        title=" + ".join(part.title for part in parts),
        kind=next(kind for kind in _KINDS if any(part.kind == kind for part in parts)),
        columns=columns,
        image_ids=image_ids,
        matrix=np.hstack([part.take(image_ids) for part in parts]),
        n_parameters=count_parameters([part.n_parameters for part in parts]),
        origin=tuple(f"{part.title}: {words}" for part in parts for words in part.origin),
        missing=missing,
    )


def _gather_missing(parts: Sequence[Features]) -> dict[str, str]:
    """Gather the images that lack a part, with the reason of the first part they lack."""
    missing: dict[str, str] = {}
    every = dict.fromkeys(each for part in parts for each in (*part.image_ids, *part.missing))
    for part in parts:
        there = set(part.image_ids)
        for image_id in every:
            if image_id not in there and image_id not in missing:
                reason = part.missing.get(image_id, "no row for this image")
                missing[image_id] = f"{part.title}: {reason}"
    return missing


def _name_columns(parts: Sequence[Features]) -> tuple[str, ...]:
    """Name the columns, with the set's name before those that another has too."""
    times = Counter(column for part in parts for column in part.columns)
    names = tuple(
        f"{part.name}: {column}" if times[column] > 1 else column
        for part in parts
        for column in part.columns
    )
    if len(set(names)) < len(names):  # a prefixed name is another's own: rare, but possible
        names = tuple(f"{part.name}: {column}" for part in parts for column in part.columns)
    return names


def count_parameters(of_parts: Sequence[int]) -> int:
    """Count the parameters of a model on a sum: all columns, and one intercept.

    Where a part's number depends on the task (0), so does the sum's.

    Examples
    --------
    >>> count_parameters([19, 4]), count_parameters([19, 0])
    (22, 0)
    """
    return sum(n - 1 for n in of_parts) + 1 if all(of_parts) else 0


def offer_sum(name: str, choices: Sequence[FeatureChoice]) -> FeatureChoice | None:
    """Offer a sum of sets as a cohort offers each of them; None where one is not there.

    Parameters
    ----------
    name : str
        Of one set or a sum.
    choices : sequence of FeatureChoice
        Those of the cohort, see `cxrlib.baselines.features.list_feature_sets`.
    """
    known: Mapping[str, FeatureChoice] = {choice.name: choice for choice in choices}
    try:
        parts = [known.get(part) for part in split_sum(name)]
    except SelectionError:
        return None
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    if len(found) == 1:
        return found[0]
    if any(part.kind == "pixels" for part in found):
        return None
    not_ready = [part for part in found if not part.is_ready] or [p for p in found if p.why_not]
    return FeatureChoice(
        name=name,
        title=" + ".join(part.title for part in found),
        kind=next(kind for kind in _KINDS if any(part.kind == kind for part in found)),
        n_parameters=count_parameters([part.n_parameters for part in found]),
        is_ready=all(part.is_ready for part in found),
        why_not=" ".join(part.why_not for part in not_ready),
        what_to_do=" ".join(dict.fromkeys(part.what_to_do for part in not_ready)),
    )
