"""Persons: patient ids merged where they share a near-identical image.

In the real collection one person's images sit under several ids, published twice or cut
out of different articles, some with contradicting views. Grouped splits, bootstraps and
"other patients" need the person.

**Which images are near-identical** says `cxrlib.cohort.near_duplicates`: one film after crops
of up to 15 % a side, another scale, other grey values, labels drawn in. It does not try to
recognise a person in another exposure: persons are still too many rather than too few.

**What it rests on.** Each image is read once. Its *signature* is its first channel averaged to
64 x 64 cells, scaled to 8 bits; its *landmarks* are places that a crop has too
(`cxrlib.cohort.landmarks`).

**On the real collection** (851 images; every merged pair and the next ones were looked at side
by side) twelve pairs of ids are one person; docs/decisions/0052-near-duplicates.md lists them. In a
larger collection the tails are longer: look at the pairs (`Cohort.duplicates`) before trusting
the merges.

A library of perceptual hashes (imagehash 4.3) was tried: by its 64-bit hash strangers are
as near as two of these copies, by its 256-bit hash as near as one, and it reads
colour and 16-bit images its own way.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from cxrlib.aliases import Progress
from cxrlib.cohort.image_measures import Measure, measure_images
from cxrlib.cohort.landmarks import LANDMARK, compute_landmarks
from cxrlib.cohort.near_duplicates import SIDE
from cxrlib.errors import SelectionError
from cxrlib.images import read_image
from cxrlib.short_repr import short_repr

if TYPE_CHECKING:
    from cxrlib.storage import Store

# An image whose cells differ by less than this share of white has nothing to compare.
FLAT = 2 / 255

SIGNATURES = "signatures"
VERSION = "mean-64-landmarks-v1"


@dataclass(frozen=True)
class Inspection:
    """Hold what the pass over the images found.

    Parameters
    ----------
    table : DataFrame
        Indexed by SHA-256: width, height (pixels), signature (4,096 bytes row by row),
        landmarks (bytes); both are empty for an image without contrast.
    failures : dict of str to str
        SHA-256 of images that cannot be decoded, with the reason as a clause.
    """

    table: pd.DataFrame
    failures: dict[str, str]
    __repr__ = short_repr


# ---- signatures


def compute_signature(image: np.ndarray) -> bytes:
    """Reduce an image to 64 x 64 mean values, scaled to 0-255.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8 or uint16

    Returns
    -------
    bytes
        4,096 bytes, row by row; none for an image without contrast.
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
    on_progress: Progress | None = None,
) -> Inspection:
    """Decode each image once for its size, signature and landmarks; the store knows some.

    See `cxrlib.cohort.image_measures.measure_images` for the parameters.
    """
    table, failures = measure_images(
        _SIGNATURE, images, store=store, n_workers=n_workers, on_progress=on_progress
    )
    return Inspection(table, failures)


def _sign_file(path: Path) -> tuple[int, int, bytes, bytes]:
    """Give an image's width, height, signature and landmarks."""
    pixels = read_image(path)
    height, width = pixels.shape
    signature = compute_signature(pixels)
    return width, height, signature, compute_landmarks(pixels) if signature else b""


def _has_signature(table: pd.DataFrame) -> pd.Series:
    """Tell which rows hold a signature of the right size, and whole landmarks."""
    sizes, rest = (
        table[column].map(lambda value: len(value) if isinstance(value, bytes) else -1)
        for column in ("signature", "landmarks")
    )
    return sizes.isin([0, SIDE * SIDE]) & (rest % LANDMARK.itemsize == 0)


_SIGNATURE = Measure(
    kind=SIGNATURES,
    version=VERSION,
    stage="Reading images",
    columns={"width": "int64", "height": "int64", "signature": "object", "landmarks": "object"},
    measure=_sign_file,
    is_usable=_has_signature,
)


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
    from scipy.cluster.hierarchy import DisjointSet

    groups = DisjointSet(patient_ids)
    for pair in pairs:
        groups.merge(*pair)
    person: dict[str, str] = {}
    for merged in groups.subsets():
        person |= dict.fromkeys(merged, sort_naturally(merged)[0])
    return {patient_id: person[patient_id] for patient_id in groups}


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


def refuse_patient(
    patient_id: str, patients: Iterable[str], *, of: str = "this cohort"
) -> SelectionError:
    """Return the error for a patient that is not there, with the id that is most like it.

    Parameters
    ----------
    patient_id : str
    patients : iterable of str
        Those that are there; each may come several times.
    of : str
        Whose patients they are, in words.

    Examples
    --------
    >>> print(refuse_patient("19a", ["19", "19", "318"]))
    Patient '19a' is not among the 2 patients of this cohort. Did you mean '19'?
    >>> print(refuse_patient("p", ["318"], of="this selection"))
    Patient 'p' is not among the 1 patient of this selection. Ids are text, as in metadata.csv.
    """
    known = sort_naturally(set(map(str, patients)))
    near = difflib.get_close_matches(patient_id[:80], known, n=1)
    hint = f"Did you mean {near[0][:60]!r}?" if near else "Ids are text, as in metadata.csv."
    return SelectionError(
        f"Patient {patient_id[:60]!r} is not among the {len(known):,} "
        f"patient{'' if len(known) == 1 else 's'} of {of}. {hint}"
    )
