"""Stored sets of one's own: from a file to a name that everything knows, and back to numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxrlib.baselines.features.extractor_features import CONSTRUCTIONS
from cxrlib.baselines.features.feature_files import FeatureTable
from cxrlib.baselines.features.feature_matrix import (
    MAX_VALUE,
    FeatureChoice,
    Features,
    describe_nearest,
    features_from_matrix,
    match_features,
)
from cxrlib.baselines.features.feature_sums import FILE_ENDINGS
from cxrlib.baselines.features.shortcuts import COLUMNS, SHORTCUTS
from cxrlib.cohort import JoinedCohort
from cxrlib.embedding import (
    OwnSet,
    check_set_name,
    clean_columns,
    list_own_sets,
    read_own_numbers,
    store_own_set,
)
from cxrlib.embedding.extractors import list_extractor_names
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

if TYPE_CHECKING:
    from cxrlib.baselines.tasks import TaskRows
    from cxrlib.cohort import Cohort
    from cxrlib.storage import Store


@dataclass(frozen=True)
class AddedSet:
    """Hold what became of a file that was stored.

    Parameters
    ----------
    own : OwnSet
    n_matched : int
        Images of the cohort that have a row.
    n_without_picture : int
        Of these, images whose picture is absent or unreadable.
    notes : tuple of str
        What a reader must know, in sentences.
    """

    own: OwnSet
    n_matched: int
    n_without_picture: int
    notes: tuple[str, ...]
    __repr__ = short_repr


def add_feature_set(table: FeatureTable, name: str, cohort: "Cohort", store: "Store") -> AddedSet:
    """Store the features of a file under a name, for baselines, maps and all else.

    Parameters
    ----------
    table : FeatureTable
        See `cxrlib.baselines.features.read_table_file`.
    name : str
    cohort : Cohort
        Whose images they are: at least one id must be among its images.
    store : Store

    Raises
    ------
    SelectionError
        If the name cannot be had, no id is among the cohort's images, no row has a number in every
        column, or a set of this name has other numbers; the message says what to do.
    StoreError
        If it cannot be written.
    """
    check_set_name(name, list_taken_names())
    if name.casefold().endswith(FILE_ENDINGS):
        raise SelectionError(
            f"A feature set cannot be called {name!r}: that names a file. Leave the ending away."
        )
    if not table.image_ids:
        raise SelectionError(f"Feature file {table.name!r} has no row. Write one row per image.")
    is_usable = find_usable(table)
    known = cohort.table["image_id"].astype("str")
    strange = [each for each in table.image_ids if each not in set(known)]
    if len(strange) == len(table.image_ids):
        raise SelectionError(
            f"No image id of feature file {table.name!r} ({len(strange):,}) is among the "
            f"{len(known):,} of the cohort {cohort.name!r}: "
            f"{describe_nearest(strange, known)} Write image ids as the data page and its exports "
            "do."
        )
    columns, n_changed = clean_columns(table.columns)
    notes = []
    if strange:
        verb = "matches" if len(strange) == 1 else "match"
        notes.append(
            f"{len(strange):,} of {format_units(len(table.image_ids), 'image id')} {verb} no image "
            f"of the cohort: {describe_nearest(strange, known)}"
        )
    n_blank = int((~is_usable).sum())
    if n_blank:
        notes.append(
            f"{format_units(n_blank, 'row')} with a blank or a value beyond {MAX_VALUE:g} "
            f"{'has' if n_blank == 1 else 'have'} no features."
        )
    if n_changed:
        notes.append(f"Signs were replaced in {format_units(n_changed, 'column name')}.")
    cohort_words = (
        f"Stored for cohort {cohort.name!r} (fingerprint {cohort.fingerprint[:16]}…); rows belong "
        "to images by their id."
    )
    own = store_own_set(
        store,
        name,
        table.image_ids,
        columns,
        table.matrix,
        is_usable=is_usable,
        origin=(table.origin, cohort_words, *notes),
        cohort=cohort,
    )
    there = cohort.table[known.isin(set(table.image_ids))]
    n_absent = int(there["file_status"].ne("ok").sum())
    if n_absent:
        notes.append(
            f"{format_units(n_absent, 'image')} of the cohort without a readable picture "
            f"{'keeps its' if n_absent == 1 else 'keep their'} features."
        )
    return AddedSet(own, len(there), n_absent, tuple(notes))


def find_usable(table: FeatureTable) -> np.ndarray:
    """Find the rows with a usable number in every column, shape (n_images,).

    Raises
    ------
    SelectionError
        If none is usable: the column that most lack is named.
    """
    with np.errstate(invalid="ignore"):
        usable = np.abs(table.matrix) <= MAX_VALUE
    is_usable = np.asarray(usable.all(axis=1))
    if not is_usable.any():
        worst = int(np.argmin(usable.sum(axis=0)))
        n_lacking = int((~usable[:, worst]).sum())
        raise SelectionError(
            f"Feature file {table.name!r}: no row has a usable number in every column. Column "
            f"{table.columns[worst][:80]!r} has none in {n_lacking:,} of "
            f"{format_units(len(usable), 'row')}: it is blank or beyond {MAX_VALUE:g} there. Fill "
            "in or remove such columns."
        )
    return is_usable


def list_taken_names() -> tuple[str, ...]:
    """List what a set of one's own cannot be called."""
    own = (
        "prevalence",
        "pixels",
        "embedding",
        "auto",
        "outside",
        *CONSTRUCTIONS,
        *SHORTCUTS,
        COLUMNS,
    )
    return (*own, *list_extractor_names())


def load_own_features(own: OwnSet, rows: "TaskRows", store: "Store") -> Features:
    """Load a stored set for the rows of a task; images without numbers are missing.

    Raises
    ------
    SelectionError
        If it was stored for another cohort, or no image of the task has numbers.
    StoreError
        If the set cannot be read.
    """
    if not own.is_of(rows.cohort):
        cohort = rows.cohort.parts[0] if isinstance(rows.cohort, JoinedCohort) else rows.cohort
        raise SelectionError(
            f"Feature set {own.name!r} was not stored for cohort {cohort.name!r} as it is now: "
            "its ids may name other images here. If they are these images, add its file for this "
            "cohort too, on the data page or by: python -m cxrlib features add FILE --name "
            f"{own.name} --data DIR"
        )
    ids, matrix = read_own_numbers(store, own)
    whole = features_from_matrix(matrix, ids, own.columns, own.name)
    found = match_features(whole, rows)
    strange = found.origin[len(whole.origin) :]  # how many ids match nothing
    return Features(
        name=own.name,
        title=own.title,
        kind="outside",
        columns=own.columns,
        image_ids=found.image_ids,
        matrix=np.array(found.matrix),
        n_parameters=len(own.columns) + 1,
        origin=(*own.origin, f"Content: SHA-256 {own.sha256}.", *strange),
        missing=found.missing,
    )


def list_own_choices(cohort: "Cohort", store: "Store") -> list[FeatureChoice]:
    """Offer the stored sets of a cohort's images."""
    return [
        FeatureChoice(own.name, own.title, "outside", len(own.columns) + 1)
        for own in list_own_sets(store)
        if own.is_of(cohort)
    ]
