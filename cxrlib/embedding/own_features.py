"""Features of one's own, kept in the store by name: numbers for images that were made elsewhere.

A set is kept twice: as it came, for baselines, and in single precision among the embeddings, where
maps and neighbours look. There its extractor is called "outside": this program cannot compute the
numbers again, and says where they came from. Rows are known by image id, not by the content of a
picture: an image whose picture is absent has its numbers all the same. Ids are of one cohort: a
set has numbers of the cohorts that it was stored for, and of no other that has the same ids.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.cohort import Cohort, JoinedCohort
from cxrlib.errors import SelectionError, StoreError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import OUTSIDE, RESERVED_COLUMNS, EmbeddingStore, ExtractorInfo, Store

KIND = "feature-sets"
ID_COLUMN = "image_id"
MOST_COLUMNS = 4096
"""Columns of a stored set: each becomes an output that a map can be coloured by."""
MOST_NAME = 40  # signs
KEY_DIGITS = 16  # of a cohort's fingerprint
NOTE = "features from outside"
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MOST_NAME - 1}}}")
# What a chart or a page could take for markup, and what no screen can show.
_UNSAFE = re.compile(
    r"[<>&\"'`$\\\[\]{}|\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class OwnSet:
    """Describe a stored set.

    Parameters
    ----------
    name : str
        By which it is asked for.
    sha256 : str
        Of ids, columns and numbers.
    columns : tuple of str
    n_images : int
        Rows, those with a blank included.
    n_usable : int
        Rows with a number in every column.
    origin : tuple of str
        Where the numbers come from, in sentences.
    made : float
        When it was stored, seconds since 1970.
    cohorts : tuple of str
        Fingerprints of the cohorts whose images its ids name.
    """

    name: str
    sha256: str
    columns: tuple[str, ...]
    n_images: int
    n_usable: int
    origin: tuple[str, ...]
    made: float
    cohorts: tuple[str, ...] = ()
    __repr__ = short_repr

    @property
    def info(self) -> ExtractorInfo:
        """The extractor that its numbers have among the embeddings: none that can be run."""
        return ExtractorInfo(
            name=self.name,
            label=self.name,
            weights_sha256=self.sha256,
            preprocessing=OUTSIDE,
            n_features=len(self.columns),
            output_names=self.columns,
            note=NOTE,
        )

    @property
    def title(self) -> str:
        """What to call it on screen."""
        return f"{format_units(len(self.columns), 'column')} of {self.info.title}"

    def is_of(self, cohort: Cohort) -> bool:
        """Tell whether it was stored for a cohort; of two joined ones the first counts."""
        return _name_cohort(cohort) in self.cohorts


def check_set_name(name: str, taken: Iterable[str] = ()) -> str:
    """Return a name that a set can have.

    Parameters
    ----------
    name : str
    taken : iterable of str
        What other sets, extractors and commands are called.

    Raises
    ------
    SelectionError
        If it holds other signs, is too long, or means something else already.
    """
    if not _NAME.fullmatch(name):
        raise SelectionError(
            f"A feature set cannot be called {name[:60]!r}. Use up to {MOST_NAME} letters, digits, "
            "'.', '_' and '-', a letter or digit first."
        )
    if name.casefold() in {each.casefold() for each in taken}:
        raise SelectionError(
            f"The name {name!r} means another feature set already. Choose another name."
        )
    return name


def clean_columns(columns: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Write names of columns without signs that a page could take for markup.

    Returns
    -------
    columns : tuple of str
        Distinct.
    n_changed : int

    Examples
    --------
    >>> clean_columns(["mean", "<b>max</b>"])
    (('mean', '_b_max_/b_'), 1)
    """
    names: list[str] = []
    for column in columns:
        name = _UNSAFE.sub("_", column).strip()
        while not name or name in names or name in (*RESERVED_COLUMNS, ID_COLUMN):
            name += "_"
        names.append(name)
    return tuple(names), sum(a != b for a, b in zip(names, columns, strict=True))


def store_own_set(
    store: Store,
    name: str,
    image_ids: Sequence[str],
    columns: Sequence[str],
    matrix: Floats,
    *,
    is_usable: np.ndarray,
    origin: Sequence[str],
    cohort: Cohort,
) -> OwnSet:
    """Keep a set in the store; the same numbers can be stored for several cohorts.

    Parameters
    ----------
    store : Store
    name : str
        As `check_set_name` gives it.
    image_ids : sequence of str
    columns : sequence of str
        Cleaned, see `clean_columns`.
    matrix : ndarray of float, shape (n_images, n_columns)
        With blanks as NaN.
    is_usable : ndarray of bool, shape (n_images,)
        Rows with a number in every column.
    origin : sequence of str
    cohort : Cohort
        Whose images the ids name.

    Raises
    ------
    SelectionError
        If a set of this name has other numbers, or there are too many columns.
    StoreError
        If it cannot be written.
    """
    if len(columns) > MOST_COLUMNS:
        raise SelectionError(
            f"The set {name!r} has {len(columns):,} columns: at most {MOST_COLUMNS:,} are stored. "
            "Leave out columns, or reduce them."
        )
    sha256 = _hash(image_ids, columns, matrix)
    there = {each.name.casefold(): each for each in list_own_sets(store)}.get(name.casefold())
    if there is not None and there.sha256 == sha256 and there.name != name:
        raise SelectionError(
            f"These numbers are stored already, as {there.name!r}. Names that differ only in "
            "capitals are one: use that name."
        )
    if there is not None and there.sha256 != sha256:
        size = f"{format_units(there.n_images, 'row')}, SHA-256 {there.sha256[:16]}…"
        raise SelectionError(
            f"A feature set {there.name!r} with other numbers is stored already ({size}). Remove "
            f"it first (python -m cxrlib features remove {there.name}), or choose another name."
        )
    cohorts = () if there is None else there.cohorts
    found = OwnSet(
        name=name,
        sha256=sha256,
        columns=tuple(columns),
        n_images=len(image_ids),
        n_usable=int(is_usable.sum()),
        origin=tuple(origin),
        made=time.time() if there is None else there.made,
        cohorts=tuple(dict.fromkeys((*cohorts, _name_cohort(cohort)))),
    )
    info = found.info
    kept = EmbeddingStore(store)
    usable = [each for each, good in zip(image_ids, is_usable, strict=True) if good]
    keys = [make_key(each, cohort) for each in usable]
    if not set(keys) <= kept.read_sha256s(info):
        numbers = matrix[is_usable].astype(np.float32)
        kept.write(info, keys, numbers, numbers)
    table = pd.DataFrame(matrix, columns=list(columns))
    table.insert(0, ID_COLUMN, list(image_ids))
    store.write_table(KIND, name, table, info=_describe(found))
    return found


def list_own_sets(store: Store) -> list[OwnSet]:
    """List the stored sets, by name; a damaged one is passed over, as it can be added again."""
    folder = store.root / KIND
    names = sorted(path.stem for path in store.list_parts(folder) if _NAME.fullmatch(path.stem))
    found = (_read_description(store, name) for name in names)
    return [each for each in found if each is not None]


def find_own_set(store: Store, name: str) -> OwnSet | None:
    """Find a stored set by its name; None where there is none."""
    if not _NAME.fullmatch(name):
        return None
    return _read_description(store, name)


def read_own_numbers(store: Store, own: OwnSet) -> tuple[tuple[str, ...], Floats]:
    """Read ids and numbers of a stored set, blanks as NaN.

    Raises
    ------
    StoreError
        If the file is gone or damaged.
    """
    table = store.read_table(KIND, own.name)
    if table is None or list(table.columns) != [ID_COLUMN, *own.columns]:
        raise StoreError(
            f"The stored feature set {own.name!r} cannot be read. Remove it and add its file again."
        )
    ids = tuple(map(str, table[ID_COLUMN]))
    return ids, table[list(own.columns)].to_numpy(dtype=np.float64)


def remove_own_set(store: Store, name: str) -> OwnSet:
    """Remove a stored set; maps made of it are passed over from then on.

    Raises
    ------
    SelectionError
        If there is none of this name.
    StoreError
        If it cannot be removed.
    """
    own = find_own_set(store, name)
    if own is None:
        known = ", ".join(each.name for each in list_own_sets(store)) or "none"
        raise SelectionError(f"There is no stored feature set {name[:60]!r}. There are: {known}.")
    EmbeddingStore(store).remove(own.info)
    with store.reported("written"):
        (store.root / KIND / f"{own.name}.parquet").unlink(missing_ok=True)
    return own


def make_key(image_id: str, cohort: Cohort) -> str:
    """Name an image's row among the embeddings: by its id, which no hash of content looks like."""
    return f"id:{_name_cohort(cohort)[:KEY_DIGITS]}:{image_id}"


def list_keys(cohort: Cohort, info: ExtractorInfo) -> pd.Series:
    """Name the rows of a cohort's images among the embeddings of an extractor; blank for none."""
    if not info.is_outside:
        return cohort.table["sha256"]
    return make_key("", cohort) + cohort.table["image_id"].astype("str")


def _name_cohort(cohort: Cohort) -> str:
    """Name the cohort that ids are of; a file for two that are joined was stored for the first."""
    return (cohort.parts[0] if isinstance(cohort, JoinedCohort) else cohort).fingerprint


def _describe(own: OwnSet) -> dict[str, Any]:
    return {
        "name": own.name,
        "sha256": own.sha256,
        "n_usable": own.n_usable,
        "n_images": own.n_images,
        "columns": list(own.columns),
        "origin": list(own.origin),
        "made": own.made,
        "cohorts": list(own.cohorts),
    }


def _read_description(store: Store, name: str) -> OwnSet | None:
    info = store.read_info(KIND, name)
    if not info:
        return None
    try:
        own = OwnSet(
            name=str(info["name"]),
            sha256=str(info["sha256"]),
            columns=tuple(map(str, info["columns"])),
            n_images=int(info["n_images"]),
            n_usable=int(info["n_usable"]),
            origin=tuple(map(str, info["origin"])),
            made=float(info["made"]),
            cohorts=tuple(map(str, info.get("cohorts", ()))),
        )
        own.info.key  # noqa: B018  (refuses names of columns that nothing could store)
    except (KeyError, TypeError, ValueError, SelectionError):
        return None
    is_clean = clean_columns(own.columns) == (own.columns, 0)
    is_right = own.name == name and re.fullmatch("[0-9a-f]{64}", own.sha256) is not None
    return own if is_right and is_clean else None


def _hash(image_ids: Sequence[str], columns: Sequence[str], matrix: Floats) -> str:
    """Hash ids, columns and numbers, whatever the order of the rows."""
    digest = hashlib.sha256()
    for word in (*columns, "", *sorted(image_ids)):
        data = word.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    order = sorted(range(len(image_ids)), key=image_ids.__getitem__)
    digest.update((matrix[order] + 0.0).astype("<f8").tobytes())
    return digest.hexdigest()
