"""Measures of images: made once for each content, by some threads, and kept in the store."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cxrlib.aliases import Progress
from cxrlib.errors import ImageError, StoreError
from cxrlib.system import count_cores

if TYPE_CHECKING:
    from cxrlib.storage import Store

logger = logging.getLogger(__name__)

IMAGES_A_PART = 500


@dataclass(frozen=True)
class Measure:
    """Describe a measure of images.

    Parameters
    ----------
    kind, version : str
        Where the store keeps its table.
    stage : str
        What progress calls it.
    columns : mapping of str to str
        Type by column.
    measure : callable
        Takes a file and returns a row; raises ImageError.
    is_usable : callable, optional
        Tells which rows of a stored table, indexed by sha256, can be used; all unless given.
    """

    kind: str
    version: str
    stage: str
    columns: Mapping[str, str]
    measure: Callable[[Path], tuple[object, ...]]
    is_usable: Callable[[pd.DataFrame], pd.Series] | None = None


def measure_images(
    measure: Measure,
    images: Mapping[str, Path],
    *,
    store: "Store | None" = None,
    n_workers: int | None = None,
    on_progress: Progress | None = None,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure each image once; known ones come from the store.

    Parameters
    ----------
    measure : Measure
    images : mapping of str to Path
        SHA-256 of an image to a file with that content.
    store : Store, optional
        Keeps the results by content, every 500 images. Failures are not kept: such a file
        is tried again.
    n_workers : int, optional
        Threads; Pillow decodes outside Python's lock. Up to 4, as the machine has cores.
    on_progress : callable, optional
        Called after each image that was to be measured.

    Returns
    -------
    table : DataFrame
        The columns of the measure, indexed by sha256.
    failures : dict of str to str
        SHA-256 of images that cannot be decoded, with the reason as a clause.
    """
    known = _read_known(store, measure)
    failures: dict[str, str] = {}
    todo = [sha256 for sha256 in images if sha256 not in known.index]
    done = 0
    with ThreadPoolExecutor(n_workers or count_cores(most=4)) as pool:
        for start in range(0, len(todo), IMAGES_A_PART):
            part = todo[start : start + IMAGES_A_PART]
            rows = []
            found = pool.map(lambda sha256: _measure_one(measure, images[sha256]), part)
            for sha256, row in zip(part, found, strict=True):
                if isinstance(row, str):
                    failures[sha256] = row
                else:
                    rows.append((sha256, *row))
                done += 1
                if on_progress is not None:
                    on_progress(measure.stage, done, len(todo))
            if rows:
                known = pd.concat([known, _to_table(measure, rows)])
                info = {"n_images": len(known)}
                keep_table(store, measure.kind, measure.version, known.reset_index(), info)
    return known.loc[known.index.intersection(list(images))], failures


def _measure_one(measure: Measure, path: Path) -> tuple[object, ...] | str:
    """Measure an image, or give the reason why it cannot be read."""
    try:
        return measure.measure(path)
    except ImageError as error:
        return error.reason


def _to_table(measure: Measure, rows: list[tuple[object, ...]]) -> pd.DataFrame:
    types = {"sha256": "str", **measure.columns}
    return pd.DataFrame(rows, columns=list(types)).astype(types).set_index("sha256")


def _read_known(store: "Store | None", measure: Measure) -> pd.DataFrame:
    """Read what the store knows; nothing where it is damaged or cannot be read."""
    empty = _to_table(measure, [])
    table = read_kept(store, measure.kind, measure.version)
    if table is None:
        return empty
    columns = ["sha256", *empty.columns]
    if not set(columns) <= set(table.columns) or table[columns].isna().any(axis=None):
        return _refuse_stored(measure, empty)
    known = table[columns].drop_duplicates("sha256").set_index("sha256")
    if not known.dtypes.equals(empty.dtypes):
        return _refuse_stored(measure, empty)
    return known if measure.is_usable is None else known[measure.is_usable(known)]


def _refuse_stored(measure: Measure, empty: pd.DataFrame) -> pd.DataFrame:
    logger.warning("The stored %s of images are damaged; they are made again.", measure.kind)
    return empty


def read_kept(store: "Store | None", kind: str, key: str) -> pd.DataFrame | None:
    """Read a table of the store; None also where the store cannot be read."""
    if store is None:
        return None
    try:
        return store.read_table(kind, key)
    except StoreError as error:
        logger.warning("The stored %s of images cannot be read. %s", kind, error)
        return None


def keep_table(
    store: "Store | None", kind: str, key: str, table: pd.DataFrame, info: dict[str, int]
) -> None:
    """Write a table into the store; without room there the work goes on without."""
    if store is None:
        return
    try:
        store.write_table(kind, key, table, info=info)
    except StoreError as error:
        logger.warning("The %s of images are not stored. %s", kind, error)
