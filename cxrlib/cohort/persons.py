"""Persons: patient ids merged where they share a near-identical image.

In the real collection one person's images sit under several ids, published twice or cut
out of different articles, some with contradicting views. Grouped splits, bootstraps and
"other patients" need the person.

**Signature.** An image's first channel is averaged to 64 x 64 cells, scaled to 8 bits.

**Likeness and detail** choose candidates, over 32 x 32 cells: the correlation must be at
least 0.97, and at least 0.86 once the mean of each cell's surroundings of 9 x 9 is taken
away, which removes what all chest X-rays share: bright middle, dark lungs.

**Agreement** decides, over 64 x 64 cells without their surroundings' mean: one image
is shifted (up to 2 cells) and stretched (up to 6 %) to lie on the other, both are cut into
blocks of 8 x 8, and three quarters of the blocks with any structure must correlate with
0.87 or more, whichever of the two is moved. Arrows and labels spoil a few blocks only; people
who merely look alike do not agree block by block.

**Chosen on the real collection** (851 images, 360,000 pairs; every merged pair and the next
ones were looked at side by side). Fifteen pairs of images under seven pairs of ids are
copies, above 0.99 in all three. Three more pairs of ids agree with 0.938 or more: 321 and
422, 137 and 202, 192 and 196. They are the same films, cropped a little, with other grey
values or arrows and labels drawn in; ages, articles and stories in the metadata fit. Images
of different people reach 0.940 in likeness and 0.84 in detail, never both. In the demo
cohort, whose phantoms resemble each other far more than people do, they reach 0.81 in
agreement, while a patient's own images of one day exceed 0.9. In a larger collection the
tails are longer: look at the pairs (`Cohort.duplicates`) before trusting the merges.

**What it finds** (every ninth image of the collection, changed on purpose): all copies
after JPEG compression at quality 30, halving, scaling to 224 x 224, halved contrast, gamma
0.8 or 1.3; 97 % after cutting 1 % off each side, half after 2 %. It misses stronger crops,
mirrored and rotated copies and large labels, and does not try to recognise a person in
another exposure: persons are still too many rather than too few.

A library of perceptual hashes (imagehash 4.3) was tried: by its 64-bit hash strangers are
as near as two of these three copies, by its 256-bit hash as near as one, and it reads
colour and 16-bit images its own way.
"""

import difflib
import hashlib
import itertools
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from cxrlib.aliases import Progress
from cxrlib.cohort.image_measures import Measure, keep_table, measure_images, read_kept
from cxrlib.errors import SelectionError
from cxrlib.images import read_image
from cxrlib.short_repr import short_repr

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet

    from cxrlib.storage import Store

SIDE = 64
"""Cells of a signature along each side."""
COARSE_SIDE = 32
"""Cells along each side that likeness and detail are computed over."""
SURROUNDINGS = 9
"""Side of the square whose mean is taken away, cells."""
MIN_LIKENESS = 0.97
MIN_DETAIL = 0.86
MIN_AGREEMENT = 0.87
# An image whose cells differ by less than this share of white has nothing to compare.
FLAT = 2 / 255

# How an image is laid on another: the change first tried is none.
STRETCHES = (1, 0.94, 0.96, 0.98, 1.02, 1.04, 1.06)
SHIFTS = (0, -2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2)  # cells
MARGIN = 4  # cells at the edges that a shift may bring in from outside
PART = 8  # side of a block, cells
MIN_STRUCTURE = 2  # standard deviation in a block, of 255, below which it is noise
MIN_PARTS = 12  # of 49 blocks, to say anything

SIGNATURES = "signatures"
PAIRS = "near-duplicates"
VERSION = "mean-64-v1"
# Of the way pairs are found, raised when it gives other ones; its numbers are in the key too.
PAIRS_VERSION = "blocks-v2"
# Images joined to one group from which on pairs among them are not looked at.
CROWD = 20
BLOCK = 1024  # rows of the matrix of pairs at a time: 40 MB at 10,000 images


Pair = tuple[Hashable, Hashable, float, float, float]


@dataclass(frozen=True)
class Inspection:
    """Hold what the pass over the images found.

    Parameters
    ----------
    table : DataFrame
        Indexed by SHA-256: width, height (pixels), signature (4,096 bytes row by row, or
        none for an image without contrast).
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
    """Decode each image once for its size and signature; known ones come from the store.

    See `cxrlib.cohort.image_measures.measure_images` for the parameters.
    """
    table, failures = measure_images(
        _SIGNATURE, images, store=store, n_workers=n_workers, on_progress=on_progress
    )
    return Inspection(table, failures)


def _sign_file(path: Path) -> tuple[int, int, bytes]:
    """Give an image's width, height and signature."""
    pixels = read_image(path)
    height, width = pixels.shape
    return width, height, compute_signature(pixels)


def _has_signature(table: pd.DataFrame) -> pd.Series:
    """Tell which rows hold a signature of the right size."""
    sizes = table["signature"].map(lambda value: len(value) if isinstance(value, bytes) else -1)
    return sizes.isin([0, SIDE * SIDE])


_SIGNATURE = Measure(
    kind=SIGNATURES,
    version=VERSION,
    stage="Reading images",
    columns={"width": "int64", "height": "int64", "signature": "object"},
    measure=_sign_file,
    is_usable=_has_signature,
)


# ---- pairs


def find_near_duplicates(
    signatures: pd.Series,
    *,
    store: "Store | None" = None,
    on_progress: Progress | None = None,
) -> pd.DataFrame:
    """Find all pairs of near-identical images.

    Time grows with the square of the number of images: 10,000 take seconds, and some
    milliseconds more for each candidate. Memory grows with the number. Thousands of copies
    would be millions of pairs that say nothing new: images of one signature pair with the
    first of them only, and where `CROWD` images are joined already, pairs among them are
    left out. Persons are the same.

    Parameters
    ----------
    signatures : Series of bytes
        As `compute_signature` gives them, indexed by image id. Empty ones match nothing.
    store : Store, optional
        Keeps the pairs of this very list of images.
    on_progress : callable, optional
        Called with about how many images were compared with all others.

    Returns
    -------
    DataFrame
        Columns first and second (image ids), likeness, detail and agreement (see the
        module), likest first; each pair once.
    """
    used = signatures[signatures.str.len() == SIDE * SIDE]
    key = _hash_signatures(used)
    table = read_kept(store, PAIRS, key)
    if table is not None and _are_pairs(table, used.index):
        return table
    first = used.drop_duplicates()
    pairs = [*_pair_copies(used, first), *_pair_alike(first, on_progress)]
    names = {"first": "str", "second": "str"}
    names |= dict.fromkeys(("likeness", "detail", "agreement"), "float64")
    table = pd.DataFrame(pairs, columns=list(names)).astype(names)
    order = ["likeness", "first", "second"]
    table = table.sort_values(order, ascending=[False, True, True], ignore_index=True)
    keep_table(store, PAIRS, key, table, {"n_images": len(used)})
    return table


def compute_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Lay two images on each other and tell how well their parts agree.

    Each is laid on the other, and the better way counts: moved and stretched, a whole film
    can fill a cutting of it, but not the cutting the film. So their order does not matter.

    Parameters
    ----------
    first, second : ndarray of shape (64, 64)
        Cells of two signatures.

    Returns
    -------
    float
        Lower quartile of the blocks' correlations, in [-1, 1]; 0 where too few blocks hold
        any structure.
    """
    return max(_agree_one_way(first, second), _agree_one_way(second, first))


def _agree_one_way(first: np.ndarray, second: np.ndarray) -> float:
    """Lay the second image on the first; see `compute_agreement`."""
    fixed, moved = (_sharpen(cells.astype(np.float32)) for cells in (first, second))
    target = _standardise(fixed[_INNER, _INNER].reshape(1, -1))[0]
    across = _MOVES[0]
    for _ in range(2):  # rows and columns by turns, each with all shifts and stretches
        down = _choose_move(_MOVES @ (moved @ across.T), target)
        across = _choose_move((down @ moved) @ _MOVES.transpose(0, 2, 1), target)
    parts = [_cut(fixed), _cut(down @ moved @ across.T)]
    structured = np.maximum(*(part.std(axis=1) for part in parts)) > MIN_STRUCTURE
    if structured.sum() < MIN_PARTS:
        return 0.0
    products = [_standardise(part[structured]) for part in parts]
    return float(np.quantile((products[0] * products[1]).sum(axis=1), 0.25))


def _are_pairs(table: pd.DataFrame, names: pd.Index) -> bool:
    """Tell whether a stored table holds pairs of these images."""
    values = ("likeness", "detail", "agreement")
    if table.columns.tolist() != ["first", "second", *values]:
        return False
    known = table["first"].isin(names) & table["second"].isin(names)
    return bool(known.all()) and all(pd.api.types.is_float_dtype(table[v]) for v in values)


def _pair_copies(used: pd.Series, first: pd.Series) -> list[Pair]:
    """Pair each image with the first one of the very same signature."""
    from scipy.cluster.hierarchy import DisjointSet

    copies = used[used.duplicated()]
    names = dict(zip(first, first.index, strict=True))
    judged: dict[bytes, tuple[float, float, float] | None] = {}
    pairs: list[Pair] = []
    for name, signature in copies.items():
        if signature not in judged:
            cells = np.frombuffer(signature * 2, np.uint8).reshape(2, SIDE, SIDE)
            found = [c[2:] for c in _find_candidates(cells, DisjointSet(range(2)), None)]
            agreement = compute_agreement(cells[0], cells[1]) if found else 0.0
            judged[signature] = (*found[0], agreement) if agreement >= MIN_AGREEMENT else None
        values = judged[signature]
        if values is not None:
            pairs.append((names[signature], name, *values))
    return pairs


def _pair_alike(first: pd.Series, on_progress: Progress | None) -> list[Pair]:
    """Pair images of different signatures that show the same."""
    from scipy.cluster.hierarchy import DisjointSet

    cells = np.frombuffer(b"".join(first), np.uint8).reshape(-1, SIDE, SIDE)
    groups = DisjointSet(range(len(cells)))
    pairs: list[Pair] = []
    for i, j, likeness, detail in _find_candidates(cells, groups, on_progress):
        agreement = compute_agreement(cells[i], cells[j])
        if agreement >= MIN_AGREEMENT:
            groups.merge(i, j)
            pairs.append((first.index[i], first.index[j], likeness, detail, agreement))
    return pairs


def _hash_signatures(signatures: pd.Series) -> str:
    """Hash all that decides which pairs there are: the numbers of this module and the images."""
    numbers = (
        *(COARSE_SIDE, SURROUNDINGS, MIN_LIKENESS, MIN_DETAIL, MIN_AGREEMENT, STRETCHES, SHIFTS),
        *(MARGIN, PART, MIN_STRUCTURE, MIN_PARTS, CROWD),
    )
    digest = hashlib.sha256(f"{PAIRS_VERSION} {numbers!r}".encode())
    for name, signature in signatures.items():
        digest.update(f"{len(str(name))} {name}".encode("utf-8", "surrogateescape"))
        digest.update(signature)
    return digest.hexdigest()


def _find_candidates(
    cells: np.ndarray, groups: "DisjointSet", on_progress: Progress | None
) -> Iterator[tuple[int, int, float, float]]:
    """Yield the pairs of rows above MIN_LIKENESS and MIN_DETAIL, with both values.

    The groups are asked at each pair: what was joined after an earlier one counts.
    """
    starts = range(0, len(cells), BLOCK)
    for start in starts:
        rows = _compare_coarsely(cells[start : start + BLOCK])
        for other in starts[start // BLOCK :]:
            columns = _compare_coarsely(cells[other : other + BLOCK])
            likeness = rows[0] @ columns[0].T
            i, j = np.nonzero(likeness >= MIN_LIKENESS)
            i, j = i[i + start < j + other], j[i + start < j + other]
            for k, m in zip(i.tolist(), j.tolist(), strict=True):
                one, two = start + k, other + m
                if groups.connected(one, two) and groups.subset_size(one) >= CROWD:
                    continue
                detail = float(rows[1][k] @ columns[1][m])
                if detail >= MIN_DETAIL:
                    yield one, two, float(likeness[k, m]), detail
                    if on_progress is not None:
                        on_progress("Comparing images", one, len(cells))
    if on_progress is not None:
        on_progress("Comparing images", len(cells), len(cells))


def _compare_coarsely(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors (n, 1024) whose products are likeness and detail."""
    size = SIDE // COARSE_SIDE
    shape = (-1, COARSE_SIDE, size, COARSE_SIDE, size)
    coarse = cells.reshape(shape).mean(axis=(2, 4), dtype=np.float32)
    n_cells = COARSE_SIDE * COARSE_SIDE
    whole, sharp = coarse.reshape(-1, n_cells), _sharpen(coarse).reshape(-1, n_cells)
    return _standardise(whole), _standardise(sharp)


def _standardise(rows: np.ndarray) -> np.ndarray:
    """Give each row mean 0 and length 1, so that a product is a correlation."""
    rows = rows - rows.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _sharpen(cells: np.ndarray) -> np.ndarray:
    """Take away the mean of each cell's surroundings in arrays (..., n, n); edges repeat."""
    blurred = cells
    half, side = SURROUNDINGS // 2, cells.shape[-1]
    for axis in (-2, -1):
        width = [(0, 0)] * cells.ndim
        width[axis] = (half + 1, half)
        sums = np.cumsum(np.pad(blurred, width, mode="edge"), axis=axis, dtype=np.float32)
        upper = np.take(sums, range(SURROUNDINGS, side + SURROUNDINGS), axis=axis)
        blurred = (upper - np.take(sums, range(side), axis=axis)) / SURROUNDINGS
    return cells - blurred


_INNER = slice(MARGIN, SIDE - MARGIN)


def _list_moves() -> np.ndarray:
    """Build the matrices (63, 64, 64) that stretch about the middle, shift and interpolate."""
    middle = (SIDE - 1) / 2
    moves = np.zeros((len(STRETCHES) * len(SHIFTS), SIDE, SIDE), np.float32)
    changes = itertools.product(STRETCHES, SHIFTS)
    for move, (stretch, shift) in zip(moves, changes, strict=True):
        place = np.clip((np.arange(SIDE) - middle) * stretch + middle + shift, 0, SIDE - 1)
        below = np.minimum(place.astype(int), SIDE - 2)
        move[np.arange(SIDE), below] = 1 - (place - below)
        move[np.arange(SIDE), below + 1] = place - below
    return moves


_MOVES = _list_moves()


def _choose_move(moved: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the move whose result (63, 64, 64) correlates best with the target."""
    inner = moved[:, _INNER, _INNER].reshape(len(moved), -1)
    return np.asarray(_MOVES[int((_standardise(inner) @ target).argmax())])


def _cut(cells: np.ndarray) -> np.ndarray:
    """Cut the inner 56 x 56 cells into blocks, shape (49, 64)."""
    n_parts = (SIDE - 2 * MARGIN) // PART
    shape = (n_parts, PART, n_parts, PART)
    return cells[_INNER, _INNER].reshape(shape).swapaxes(1, 2).reshape(-1, PART * PART)


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
