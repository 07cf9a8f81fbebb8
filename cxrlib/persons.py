"""Persons: patient ids merged where they share a near-identical image.

In the real collection one person's images sit under several ids, published twice or cut
out of different articles, some with contradicting views. Grouped splits, bootstraps and
"other patients" need the person.

**Signature.** An image's first channel is averaged to 32 x 32 cells, which are scaled to 8
bits. Two images are near-identical if over these cells

- the correlation ("likeness") is at least 0.97, and
- the correlation after taking away the mean of each cell's surroundings of 9 x 9 ("detail";
  it removes what all chest X-rays share: bright middle, dark lungs) is at least 0.86.

**Chosen on the real collection** (851 images, 360,000 pairs; every merged pair and the next
ones were looked at side by side). Fifteen pairs of images under seven pairs of ids are
copies, above 0.9995 in both. Three more pairs of ids follow: 321 and 422, 137 and 202, 192
and 196, the best pair of each at a likeness of 0.975 or more and a detail of 0.88 or more.
They are the same films, cropped a little, with other grey values or arrows and labels drawn
in: once registered, the median correlation of their 64 parts is 0.985 or more, and ages,
articles and stories in the metadata agree. Of images of different people the likest reach
0.940 in likeness and 0.84 in detail, never both. In a larger collection the tails are
longer: look at the pairs (`Cohort.duplicates`) before trusting the merges.

**What it finds** (every eighth image of the collection, changed on purpose): all copies
after JPEG compression at quality 30, halving, scaling to 224 x 224, halved contrast, gamma
0.8 or 1.3; 98 % after cutting 1 % off each side, half after 2 %. It misses stronger crops,
mirrored and rotated copies and large black labels, and does not try to recognise a person
in another exposure: persons are still too many rather than too few.

A library of perceptual hashes (imagehash 4.3) was tried: by its 64-bit hash strangers are
as near as two of these three copies, by its 256-bit hash as near as one, and it reads
colour and 16-bit images its own way.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from cxrlib.errors import ImageError, StoreError
from cxrlib.images import read_image

if TYPE_CHECKING:
    from cxrlib.store import Store

__all__ = [
    "Inspection",
    "compute_signature",
    "find_near_duplicates",
    "inspect_images",
    "merge_persons",
    "sort_naturally",
]

logger = logging.getLogger(__name__)

SIDE = 32
"""Cells of a signature along each side."""
SURROUNDINGS = 9
"""Side of the square whose mean is taken away for the detail, cells."""
MIN_LIKENESS = 0.97
MIN_DETAIL = 0.86
# An image whose cells differ by less than this share of white has nothing to compare.
FLAT = 2 / 255

TABLE_KIND = "signatures"
TABLE_KEY = "mean-32-v1"
IMAGES_A_PART = 500
BLOCK = 1024  # rows of the matrix of pairs at a time: 40 MB at 10,000 images


@dataclass(frozen=True)
class Inspection:
    """Hold what the pass over the images found.

    Parameters
    ----------
    table : DataFrame
        Indexed by SHA-256: width, height (pixels), signature (1,024 bytes row by row, or
        none for an image without contrast).
    failures : dict of str to str
        SHA-256 of images that cannot be decoded, with the reason as a clause.
    """

    table: pd.DataFrame
    failures: dict[str, str]


# ---- signatures


def compute_signature(image: np.ndarray) -> bytes:
    """Reduce an image to 32 x 32 mean values, scaled to 0-255.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8 or uint16

    Returns
    -------
    bytes
        1,024 bytes, row by row; none for an image without contrast.
    """
    white = float(np.iinfo(image.dtype).max)
    pixels = Image.fromarray(image.astype(np.float32))
    cells = np.asarray(pixels.resize((SIDE, SIDE), Image.Resampling.BOX))
    low, high = float(cells.min()), float(cells.max())
    if high - low < FLAT * white:
        return b""
    return np.rint((cells - low) * (255 / (high - low))).astype(np.uint8).tobytes()


def inspect_images(
    images: Mapping[str, Path],
    *,
    store: "Store | None" = None,
    n_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Decode each image once for its size and signature; known ones come from the store.

    Parameters
    ----------
    images : mapping of str to Path
        SHA-256 of an image to a file with that content.
    store : Store, optional
        Keeps the results by content, every 500 images. Failures are not kept: such a file
        is tried again.
    n_workers : int, optional
        Threads; Pillow decodes outside Python's lock. Up to 4, as the machine has cores.
    on_progress : callable, optional
        Called with the number of images decoded and to be decoded.

    Returns
    -------
    Inspection
    """
    known = _read_signatures(store)
    wanted = known.index.intersection(list(images))
    parts, failures = [known.loc[wanted]], {}
    todo = [(sha256, path) for sha256, path in images.items() if sha256 not in known.index]
    n_threads = n_workers or min(4, os.cpu_count() or 1)
    done = 0
    with ThreadPoolExecutor(n_threads) as pool:
        for start in range(0, len(todo), IMAGES_A_PART):
            rows = []
            for sha256, found in pool.map(_inspect_one, todo[start : start + IMAGES_A_PART]):
                if isinstance(found, str):
                    failures[sha256] = found
                else:
                    rows.append((sha256, *found))
                done += 1
                if on_progress is not None:
                    on_progress(done, len(todo))
            fresh = _to_table(rows)
            parts.append(fresh)
            known = _add_signatures(store, known, fresh)
    return Inspection(pd.concat(parts), failures)


def _inspect_one(image: tuple[str, Path]) -> tuple[str, tuple[int, int, bytes] | str]:
    """Return an image's width, height and signature, or why it cannot be read."""
    sha256, path = image
    try:
        pixels = read_image(path)
    except ImageError as error:
        return sha256, error.reason
    height, width = pixels.shape
    return sha256, (width, height, compute_signature(pixels))


_COLUMNS = ["sha256", "width", "height", "signature"]


def _to_table(rows: Sequence[tuple[str, int, int, bytes]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=_COLUMNS)
    types = {"sha256": "str", "width": "int64", "height": "int64", "signature": "object"}
    return table.astype(types).set_index("sha256")


def _read_signatures(store: "Store | None") -> pd.DataFrame:
    """Return the signatures in the store, none where it cannot be read."""
    table = None
    if store is not None:
        try:
            table = store.read_table(TABLE_KIND, TABLE_KEY)
        except StoreError as error:
            logger.warning("Kept signatures of images cannot be read. %s", error)
    rows = [] if table is None else list(table[_COLUMNS].itertuples(index=False, name=None))
    return _to_table(rows)


def _add_signatures(
    store: "Store | None", known: pd.DataFrame, fresh: pd.DataFrame
) -> pd.DataFrame:
    """Put new signatures into the store; without room there the work goes on without."""
    known = pd.concat([known, fresh])
    if store is not None and len(fresh):
        info = {"side": SIDE, "n_images": len(known)}
        try:
            store.write_table(TABLE_KIND, TABLE_KEY, known.reset_index(), info=info)
        except StoreError as error:
            logger.warning("Signatures of images are not kept. %s", error)
    return known


# ---- pairs


def find_near_duplicates(signatures: pd.Series) -> pd.DataFrame:
    """Find all pairs of near-identical images.

    Parameters
    ----------
    signatures : Series of bytes
        As `compute_signature` gives them, indexed by image. Empty ones match nothing.

    Returns
    -------
    DataFrame
        Columns first and second (index values), likeness and detail (correlations in
        [-1, 1]), likest first; each pair once. Time grows with the square of the number
        of images, 10,000 take seconds; memory does not.
    """
    used = signatures[signatures.str.len() == SIDE * SIDE]
    cells = np.frombuffer(b"".join(used), np.uint8).reshape(-1, SIDE, SIDE).astype(np.float32)
    whole, detail = _standardise(cells), _standardise(cells - _blur(cells))
    pairs = []
    for start in range(0, len(whole), BLOCK):
        likeness = whole[start : start + BLOCK] @ whole[start:].T
        i, j = np.nonzero(likeness >= MIN_LIKENESS)
        i, j, value = i[i < j], j[i < j], likeness[i, j][i < j]
        similar = _multiply_rows(detail, i + start, j + start)
        near = similar >= MIN_DETAIL
        pairs.append(np.column_stack([i + start, j + start, value, similar])[near])
    table = pd.DataFrame(
        np.concatenate([np.empty((0, 4)), *pairs]),
        columns=["first", "second", "likeness", "detail"],
    )
    for column in ("first", "second"):
        table[column] = used.index.to_numpy()[table[column].astype(int)]
    return table.sort_values(
        ["likeness", "first", "second"], ascending=[False, True, True]
    ).reset_index(drop=True)


def _standardise(cells: np.ndarray) -> np.ndarray:
    """Give each image mean 0 and length 1, so that a product is a correlation."""
    flat = cells.reshape(-1, SIDE * SIDE)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(length > 0, length, 1)


def _blur(cells: np.ndarray) -> np.ndarray:
    """Average each cell's surroundings in arrays (n, 32, 32); edges are repeated."""
    half = SURROUNDINGS // 2
    for axis in (1, 2):
        width = [(half + 1, half) if a == axis else (0, 0) for a in range(3)]
        sums = np.cumsum(np.pad(cells, width, mode="edge"), axis=axis, dtype=np.float32)
        upper = np.take(sums, range(SURROUNDINGS, SIDE + SURROUNDINGS), axis=axis)
        lower = np.take(sums, range(SIDE), axis=axis)
        cells = (upper - lower) / SURROUNDINGS
    return cells


def _multiply_rows(rows: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return the product of pairs of rows, in bands so that memory stays small."""
    bands = [slice(start, start + 4096) for start in range(0, len(i), 4096)]
    products = [np.einsum("nk,nk->n", rows[i[band]], rows[j[band]]) for band in bands]
    return np.concatenate([np.empty(0, np.float32), *products])


# ---- persons


def merge_persons(patient_ids: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Merge patient ids that share an image, and ids that share one with those.

    Parameters
    ----------
    patient_ids : iterable of str
    pairs : iterable of (str, str)
        Ids that belong to one person.

    Returns
    -------
    dict of str to str
        Each patient id's person: the first of the merged ids in natural order ("78" before
        "201"), so it does not depend on the order of rows.

    Examples
    --------
    >>> merge_persons(["201", "78", "9a"], [("201", "78")])
    {'201': '78', '78': '78', '9a': '9a'}
    """
    leader: dict[str, str] = {patient_id: patient_id for patient_id in patient_ids}

    def find(patient_id: str) -> str:
        while leader[patient_id] != patient_id:
            leader[patient_id] = leader[leader[patient_id]]
            patient_id = leader[patient_id]
        return patient_id

    for pair in pairs:
        first, second = sort_naturally(find(patient_id) for patient_id in pair)
        leader[second] = first
    return {patient_id: find(patient_id) for patient_id in leader}


def sort_naturally(ids: Iterable[str]) -> list[str]:
    """Sort ids by their numbers, then their letters.

    Examples
    --------
    >>> sort_naturally(["201", "78", "311b", "311", "311a"])
    ['78', '201', '311', '311a', '311b']
    """
    return sorted(ids, key=_natural_key)


def _natural_key(text: str) -> tuple[tuple[int, str], ...]:
    """Split into text and numbers by turns; the text itself decides between "07" and "7"."""
    parts = re.split(r"([0-9]+)", text)
    # Numbers by length, then digits: int() refuses very long ones.
    numbers = [part.lstrip("0") for part in parts[1::2]]
    keys = [(0, part) for part in parts]
    keys[1::2] = [(len(digits), digits) for digits in numbers]
    return (*keys, (0, text))
