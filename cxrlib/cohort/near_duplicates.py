"""Near-identical images: one film published twice, perhaps cropped, scaled, toned or written on.

**Index.** Each image has up to 60 landmarks (`cxrlib.cohort.landmarks`). A forest of trees
(`cxrlib.cohort.neighbour_forest`) over what describes them, where they lie and how large they are
gives each its nearest in other images: a
crop moves a landmark by a tenth of the image or so, not from the lung's tip to the diaphragm.
Images that share several are candidates, at most `MOST_CANDIDATES` an image; so are images
whose whole coarse look is nearest, for those too plain to have landmarks. No step compares all
pairs, so time grows as n log n.

**Verification** (`cxrlib.cohort.alignment`). Four or more landmarks must lie on each other after
one stretch, turn and shift. The cells of both signatures are then aligned finely, and a quarter
of the blocks at most may correlate with less than `MIN_AGREEMENT`: arrows and labels spoil a few
blocks only; people who merely look alike, and two exposures of one person, do not agree block by
block. The dark of one may be the bright of the other. What lies between, from `MIN_AGREEMENT` to
`MIN_AGREEMENT_WITHIN`, may be two exposures of one person: across ids that makes the same person
too, within an id it is no copy (`Cohort.duplicates` leaves it out).

How the numbers were chosen, and what it finds: docs/decisions/0052-near-duplicates.md.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats, Progress
from cxrlib.cohort import alignment, landmarks, neighbour_forest
from cxrlib.cohort.alignment import UNMOVED, Fit, Placement, align, place_by_landmarks
from cxrlib.cohort.image_measures import keep_table, read_kept
from cxrlib.cohort.landmarks import LANDMARK, flatten_contrast, read_landmarks
from cxrlib.cohort.neighbour_forest import find_near_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.cluster.hierarchy import DisjointSet

    from cxrlib.storage import Store

SIDE = 64
"""Cells of a signature along each side."""
MIN_AGREEMENT = 0.7
"""Of two images. Strangers reach 0.57, the weakest known copies of the real collection 0.8."""
MIN_AGREEMENT_WITHIN = 0.85
"""Of two images of one patient id, whose exposures of two days reach 0.83 without being copies."""
N_NEIGHBOURS = 3
"""Nearest landmarks of other images asked for in each tree."""
FARTHEST = 0.38
"""Distance of two descriptions beyond which they are of different places."""
PLACE_WEIGHT, OCTAVE_WEIGHT = 1.2, 0.15  # in the distance, beside descriptions of length 1
MOST_CANDIDATES = 5
"""Images that one image may propose."""
MOST_MATCHES = 40  # landmarks that a placement is computed of, the strongest
WHOLE_SPREAD, WHOLE_COSINES, WHOLE_FARTHEST, N_WHOLES = 8.0, 5, 0.4, 2
CROWD = 20
"""Images joined to one group from which on pairs among them are not looked at."""

PAIRS = "near-duplicates"
PAIRS_VERSION = "landmarks-v1"
"""Of the way pairs are found, raised when it gives other ones; its numbers are in the key too."""

VALUES = {"likeness": "float64", "agreement": "float64", "overlap": "float64", "matches": "int64"}
"""What the table of pairs says of each, beside both names."""


class Candidate(NamedTuple):
    """Hold two rows that may be one image: how they lie, by how many landmarks, which sign."""

    first: int
    second: int
    sign: int
    n_matches: int
    placement: Placement


def find_near_duplicates(
    looks: pd.DataFrame,
    *,
    store: "Store | None" = None,
    on_progress: Progress | None = None,
) -> pd.DataFrame:
    """Find pairs of near-identical images.

    Time grows as n log n. Thousands of copies would be millions of pairs that say nothing
    new: images of one signature pair with the first of them only, and where `CROWD` images
    are joined already, pairs among them are left out. Persons are the same.

    Parameters
    ----------
    looks : DataFrame
        Indexed by image id, with the columns signature, landmarks, width and height of
        `cxrlib.cohort.persons.inspect_images`. Empty signatures match nothing.
    store : Store, optional
        Keeps the pairs of this very list of images.
    on_progress : callable, optional
        Called with about how many images were compared with all others.

    Returns
    -------
    DataFrame
        Columns first and second (image ids), likeness, agreement, overlap (see
        `cxrlib.cohort.alignment.Fit`) and matches (landmarks on each other), the best
        agreement first; each pair once.
    """
    used = looks[looks["signature"].str.len() == SIDE * SIDE]
    key = _hash_looks(used)
    table = read_kept(store, PAIRS, key)
    if table is not None and _are_pairs(table, used.index):
        return table
    first = used.drop_duplicates("signature")
    pairs = [*_pair_copies(used, first), *_pair_alike(first, on_progress)]
    types = {"first": "str", "second": "str", **VALUES}
    table = pd.DataFrame(pairs, columns=list(types)).astype(types)
    order = ["agreement", "likeness", "first", "second"]
    table = table.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
    keep_table(store, PAIRS, key, table, {"n_images": len(used)})
    return table


def _hash_looks(looks: pd.DataFrame) -> str:
    """Hash all that decides which pairs there are: the numbers of the rule and the images."""
    modules = (globals(), vars(alignment), vars(landmarks), vars(neighbour_forest))
    numbers = [
        (name, value)
        for module in modules
        for name, value in sorted(module.items())
        if name.isupper() and isinstance(value, int | float)
    ]
    digest = hashlib.sha256(f"{PAIRS_VERSION} {numbers!r}".encode())
    rows = zip(looks.index, *(looks[c] for c in ("signature", "landmarks")), strict=True)
    for name, signature, found in rows:
        digest.update(f"{len(str(name))} {name} {len(found)}".encode("utf-8", "surrogateescape"))
        digest.update(signature + found)
    digest.update(looks[["width", "height"]].to_numpy(dtype=np.int64).tobytes())
    return digest.hexdigest()


def _are_pairs(table: pd.DataFrame, names: pd.Index) -> bool:
    """Tell whether a stored table holds pairs of these images."""
    if table.columns.tolist() != ["first", "second", *VALUES]:
        return False
    known = table["first"].isin(names) & table["second"].isin(names)
    return bool(known.all()) and all(table[name].dtype == kind for name, kind in VALUES.items())


def _pair_copies(used: pd.DataFrame, first: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    """Pair each image with the first one of the very same signature."""
    copies = used["signature"][used["signature"].duplicated()]
    names = dict(zip(first["signature"], first.index, strict=True))
    judge = lru_cache(_judge_copy)
    for name, signature in copies.items():
        fit = judge(signature)
        if fit.agreement >= MIN_AGREEMENT:
            yield names[signature], name, *fit, 0


def _judge_copy(signature: bytes) -> Fit:
    """Lay an image on itself: it agrees, if there is structure enough to say so."""
    cells = _read_cells(signature)
    return align(cells, cells)


def _read_cells(signature: bytes) -> np.ndarray:
    return alignment.prepare_cells(np.frombuffer(signature, np.uint8).reshape(SIDE, SIDE))


def _pair_alike(first: pd.DataFrame, on_progress: Progress | None) -> Iterator[tuple[object, ...]]:
    """Pair images of different signatures that show the same."""
    from scipy.cluster.hierarchy import DisjointSet

    # In an order of the images' own, so that the table's changes nothing.
    ordered = first.sort_values("signature", kind="stable")
    place = {name: at for at, name in enumerate(first.index)}
    names = ordered.index.tolist()
    signatures = ordered["signature"].tolist()
    groups, paired = DisjointSet(range(len(ordered))), set()
    read = lru_cache(maxsize=2000)(lambda row: _read_cells(signatures[row]))
    for found in _find_candidates(ordered, groups, on_progress):
        if (found.first, found.second) in paired:
            continue
        fit = _verify(found, read)
        if fit.agreement >= MIN_AGREEMENT:
            groups.merge(found.first, found.second)
            paired.add((found.first, found.second))
            pair = sorted((names[found.first], names[found.second]), key=place.__getitem__)
            yield *pair, *fit, found.n_matches
    if on_progress is not None:
        on_progress("Comparing images", len(ordered), len(ordered))


def _verify(found: Candidate, read: Callable[[int], np.ndarray]) -> Fit:
    """Lay the image that shows more on the one that shows less."""
    one, two, placement = read(found.first), read(found.second), found.placement
    if abs(np.linalg.det(placement.matrix)) > 1:
        inverse = np.linalg.inv(placement.matrix)
        one, two, placement = two, one, Placement(inverse, -inverse @ placement.offset)
    return align(one, found.sign * two, placement)


# ---- candidates


def _find_candidates(
    looks: pd.DataFrame, groups: "DisjointSet", on_progress: Progress | None
) -> Iterator[Candidate]:
    """Yield pairs of rows that may be one image, those with most landmarks in common first.

    The groups are asked at each pair: what was joined after an earlier one counts.
    """
    if len(looks) < 2:
        return
    index = _LandmarkIndex(looks)
    pairs, starts = index.match(on_progress)

    def is_known(one: int, two: int) -> bool:
        return bool(groups.connected(one, two)) and groups.subset_size(one) >= CROWD

    for start, stop in starts:
        one, two = (int(index.owner[pairs[start, side]]) for side in (0, 1))
        if is_known(one, two):
            continue
        found = index.place(pairs[start : min(stop, start + MOST_MATCHES)])
        if found is not None:
            sign = int(index.sign[pairs[start]].prod())
            yield Candidate(one, two, sign, found[1], found[0])
    for one, two, sign in _match_wholes(looks["signature"]):
        if not is_known(one, two):
            yield Candidate(one, two, sign, 0, UNMOVED)


class _LandmarkIndex:
    """Hold the landmarks of all images, an array each, rows in the order of the images."""

    def __init__(self, looks: pd.DataFrame) -> None:
        rows = read_landmarks(b"".join(looks["landmarks"]))
        sizes = looks["landmarks"].str.len().to_numpy() // LANDMARK.itemsize
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.owner = np.repeat(np.arange(len(looks)), sizes)
        self.sign = rows["sign"].astype(np.int64)
        self.places = np.stack([rows["x"], rows["y"]], axis=1) / 65535
        self.octaves = np.log2(landmarks.SCALES)[rows["scale"]]
        self.aspects = (looks["width"] / looks["height"]).to_numpy(dtype=float)
        self.points = np.concatenate(
            [
                rows["numbers"] / np.float32(127),
                (self.places * PLACE_WEIGHT).astype(np.float32),
                (self.octaves[:, None] * OCTAVE_WEIGHT).astype(np.float32),
            ],
            axis=1,
        )

    def match(
        self, on_progress: Progress | None
    ) -> tuple["NDArray[np.int64]", list[tuple[int, int]]]:
        """Match landmarks of different images.

        Returns
        -------
        matches : ndarray of shape (n_matches, 2)
            Rows of two landmarks, the first of the earlier image; those of two images together.
        slices : list of (int, int)
            Where each two images' start and stop, those with most first.
        """
        if on_progress is not None:
            on_progress("Comparing images", 0, len(self.aspects))
        return self._group(
            find_near_pairs(self.points, self.owner, k=N_NEIGHBOURS, farthest=FARTHEST)
        )

    def _name_pairs(self, one: np.ndarray, two: np.ndarray) -> "NDArray[np.int64]":
        """Give each two images a number, and another where their landmarks differ in sign."""
        owners = self.owner[one].astype(np.int64) * len(self.starts) + self.owner[two]
        return np.asarray(2 * owners + (self.sign[one] != self.sign[two]))

    def _group(self, matches: np.ndarray) -> tuple["NDArray[np.int64]", list[tuple[int, int]]]:
        """Sort matches by images, and list those images with enough for a placement."""
        names = self._name_pairs(matches[:, 0], matches[:, 1])
        order = np.argsort(names, kind="stable")
        matches, names = matches[order], names[order]
        starts = np.flatnonzero(np.diff(names, prepend=-1))
        stops = np.append(starts[1:], len(names))
        enough = stops - starts >= alignment.MIN_MATCHES
        starts, stops = starts[enough], stops[enough]
        order = np.argsort(starts - stops, kind="stable")
        starts, stops = starts[order], stops[order]
        owners = pd.DataFrame(self.owner[matches[starts]], columns=["one", "two"])
        ranks = [owners.groupby(side).cumcount().to_numpy() for side in ("one", "two")]
        kept = np.flatnonzero(np.minimum(*ranks) < MOST_CANDIDATES)
        return matches, [(int(starts[at]), int(stops[at])) for at in kept]

    def place(self, matches: np.ndarray) -> tuple[Placement, int] | None:
        """Find how two images lie on each other by their matches."""
        one, two = matches.T
        aspects = self.aspects[self.owner[one[0]]], self.aspects[self.owner[two[0]]]
        octaves = self.octaves[two] - self.octaves[one]
        return place_by_landmarks(self.places[one], self.places[two], octaves, aspects)


def _match_wholes(signatures: pd.Series) -> list[tuple[int, int, int]]:
    """Pair each image with the few whose whole coarse look is nearest: two rows and a sign."""
    points, n_images = _describe_wholes(signatures), len(signatures)
    both = np.concatenate([points, -points])
    owners = np.tile(np.arange(n_images), 2)
    rows = find_near_pairs(both, owners, k=N_WHOLES, farthest=WHOLE_FARTHEST)
    signs = np.where(rows[:, 0] // n_images == rows[:, 1] // n_images, 1, -1)
    pairs = np.sort(rows % n_images, axis=1)
    return sorted(
        {(int(one), int(two), int(sign)) for (one, two), sign in zip(pairs, signs, strict=True)}
    )


def _describe_wholes(signatures: pd.Series) -> Floats:
    """Describe whole images by the lowest cosines, as vectors of length 1."""
    from scipy.fft import dctn

    orders = np.add.outer(np.arange(SIDE), np.arange(SIDE))
    kept = (orders > 0) & (orders <= WHOLE_COSINES)
    numbers = np.empty((len(signatures), int(kept.sum())))
    for row, signature in enumerate(signatures):
        cells = np.frombuffer(signature, np.uint8).reshape(SIDE, SIDE)
        numbers[row] = dctn(flatten_contrast(cells, WHOLE_SPREAD), norm="ortho")[kept]
    length = np.linalg.norm(numbers, axis=1, keepdims=True)
    return np.asarray(numbers / np.where(length > 0, length, 1))
