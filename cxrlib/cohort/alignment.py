"""Alignment: one image laid on another, and how well the two then agree.

Landmarks that two images share say roughly how the one lies on the other (a random pair of them
proposes it, the most who agree decide, as in RANSAC, but with every pair). Gauss and Newton then
move, stretch and shear the second until the cells correlate best (Lucas and Kanade 1981,
Evangelidis and Psarakis 2008). Cells have the mean and the spread of their surroundings taken
away, so that only what is fine counts: two exposures of one person agree in what is coarse.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.cohort.landmarks import flatten_contrast

Bools = NDArray[np.bool_]

SPREAD = 2.0  # standard deviation of the surroundings, cells
MIN_MATCHES = 4
"""Landmarks that must lie on each other."""
TOLERANCE = 0.04  # of the side of a square of the image's area
MIN_DISTANCE = 0.12  # between two landmarks that say how the images lie, in the same unit
MOST_STRETCH = 1.8  # of one image against the other
MOST_TURN = 0.17  # radians
MOST_SCALES = 0.6  # octaves that a landmark's own scale may be off
STIFFNESS = 0.02  # of the stretch and shear against what two landmarks say
N_STEPS = 12
LONGEST_STEP = 0.05  # of the image's side
SHORTEST_STEP = 5e-4
HOPELESS = 0.5  # correlation after three steps
MIN_OVERLAP, MIN_OVERLAP_OF_LARGER = 0.6, 0.35
N_PARTS = 8  # blocks along each side
MIN_COVER = 0.9  # of a block
MIN_STRUCTURE = 0.3  # standard deviation in a block, below which it is noise
MIN_BLOCKS = 12


class Placement(NamedTuple):
    """Say where each place of a first image lies in a second: ``matrix @ (x, y) + offset``.

    Both images' coordinates run from 0 to 1 along width and height.
    """

    matrix: Floats
    offset: Floats


class Fit(NamedTuple):
    """Hold how well two images agree where they overlap.

    Parameters
    ----------
    likeness : float
        Correlation of all cells.
    agreement : float
        Lower quartile of the blocks' correlations; 0 where too few blocks hold any structure
        or too little overlaps.
    overlap : float
        Share of the image that shows less.
    """

    likeness: float
    agreement: float
    overlap: float


UNMOVED = Placement(np.eye(2), np.zeros(2))
NO_FIT = Fit(0.0, 0.0, 0.0)


def place_by_landmarks(
    first: Floats, second: Floats, octaves: Floats, aspects: tuple[float, float]
) -> tuple[Placement, int] | None:
    """Find how one image lies on another by landmarks that may be the same.

    Parameters
    ----------
    first, second : ndarray of shape (n_matches, 2)
        Places x, y in each image, from 0 to 1.
    octaves : ndarray of shape (n_matches,)
        Binary logarithm of the second landmark's scale over the first's, each in its own image
        scaled to one area.
    aspects : tuple of float
        Width over height of both.

    Returns
    -------
    tuple of Placement and int, or None
        Where the first lies in the second, and by how many landmarks; None for too few.
    """
    units = [np.array([np.sqrt(aspect), 1 / np.sqrt(aspect)]) for aspect in aspects]
    here, there = first * units[0], second * units[1]
    start = _propose(here, there, octaves)
    if start is None:
        return None
    found = _settle(here, there, octaves, *start)
    if found is None:
        return None
    (matrix, offset), n_matches = found
    return Placement(matrix * units[0][None] / units[1][:, None], offset / units[1]), n_matches


def _propose(here: Floats, there: Floats, octaves: Floats) -> tuple[Floats, Bools] | None:
    """Return the scaling and turning that most matches agree with, and which those are."""
    one, two = (places[:, 0] + 1j * places[:, 1] for places in (here, there))
    i, j = np.triu_indices(len(one), 1)
    from_here, from_there = one[j] - one[i], two[j] - two[i]
    far = np.minimum(np.abs(from_here), np.abs(from_there)) > MIN_DISTANCE
    i, j = i[far], j[far]
    factor = from_there[far] / from_here[far]
    stretch = np.abs(factor)
    usable = (np.abs(np.log(stretch)) < np.log(MOST_STRETCH)) & (
        np.abs(np.angle(factor)) < MOST_TURN
    )
    if not usable.any():
        return None
    i, j, factor, stretch = i[usable], j[usable], factor[usable], stretch[usable]
    shift = (two[i] + two[j] - factor * (one[i] + one[j])) / 2
    error = np.abs(two - factor[:, None] * one - shift[:, None]) / np.sqrt(stretch)[:, None]
    agrees = (error < TOLERANCE) & (np.abs(octaves - np.log2(stretch)[:, None]) < MOST_SCALES)
    best = int(agrees.sum(axis=1).argmax())
    if agrees[best].sum() < MIN_MATCHES:
        return None
    real, imaginary = factor[best].real, factor[best].imag
    return np.array([[real, -imaginary], [imaginary, real]]), agrees[best]


def _settle(
    here: Floats, there: Floats, octaves: Floats, start: Floats, agrees: Bools
) -> tuple[Placement, int] | None:
    """Let the two axes stretch apart a little, by least squares over those who agree."""
    matrix, offset = start, np.zeros(2)
    for _ in range(3):
        if agrees.sum() < MIN_MATCHES:
            return None
        means = here[agrees].mean(axis=0), there[agrees].mean(axis=0)
        one, two = here[agrees] - means[0], there[agrees] - means[1]
        stiff = STIFFNESS * np.eye(2)
        matrix = np.linalg.solve(one.T @ one + stiff, one.T @ two + stiff @ start.T).T
        offset = means[1] - matrix @ means[0]
        error = np.linalg.norm(there - here @ matrix.T - offset, axis=1)
        off = np.abs(octaves - 0.5 * np.log2(np.abs(np.linalg.det(matrix))))
        agrees = (error < TOLERANCE) & (off < MOST_SCALES)
    n_matches = int(agrees.sum())
    return None if n_matches < MIN_MATCHES else (Placement(matrix, offset), n_matches)


def prepare_cells(cells: np.ndarray) -> np.ndarray:
    """Take the surroundings' mean and spread from the cells of a signature."""
    return flatten_contrast(cells, SPREAD)


def align(first: np.ndarray, second: np.ndarray, start: Placement = UNMOVED) -> Fit:
    """Lay the second image on the first and tell how well they agree.

    Parameters
    ----------
    first, second : ndarray of shape (n, n)
        Cells as `prepare_cells` gives them.
    start : Placement, optional
        Where the first lies in the second, roughly.
    """
    placement, likeness = _improve(first, second, start)
    moved, covered = _move(second, placement)
    share = float(covered.mean())
    of_second = share * float(abs(np.linalg.det(placement.matrix)))
    overlap, of_larger = max(share, of_second), min(share, of_second)
    if likeness < HOPELESS or overlap < MIN_OVERLAP or of_larger < MIN_OVERLAP_OF_LARGER:
        return NO_FIT
    return Fit(likeness, _compare_blocks(first, moved, covered), min(overlap, 1.0))


def _improve(first: np.ndarray, second: np.ndarray, start: Placement) -> tuple[Placement, float]:
    """Move, stretch and shear in small steps until the correlation no longer grows."""
    grid = (np.arange(len(first)) + 0.5) / len(first) - 0.5
    x, y = np.meshgrid(grid, grid)
    best, most, placement = start, -1.0, start
    for step in range(N_STEPS + 1):
        moved, covered = _move(second, placement)
        if covered.mean() < MIN_OVERLAP_OF_LARGER:
            break
        target, own = first[covered], moved[covered]
        target, own = target - target.mean(), own - own.mean()
        lengths = float(np.linalg.norm(target)), float(np.linalg.norm(own))
        likeness = float(target @ own) / max(lengths[0] * lengths[1], 1e-9)
        if likeness > most:
            best, most = placement, likeness
        if step == N_STEPS or (step >= 3 and (likeness < HOPELESS or likeness < most - 0.02)):
            break
        slopes = _find_slopes(moved, placement, covered)
        change = _solve_step(
            slopes, x[covered], y[covered], target * (lengths[1] / max(lengths[0], 1e-9)) - own
        )
        turn = np.array([change[:2], change[3:5]])
        placement = Placement(
            placement.matrix + turn,
            placement.offset + change[[2, 5]] - turn @ np.array([0.5, 0.5]),
        )
        if np.abs(change).max() < SHORTEST_STEP:
            break
    return best, most


def _find_slopes(
    moved: np.ndarray, placement: Placement, covered: Bools
) -> tuple[np.ndarray, np.ndarray]:
    """Return the second image's slopes along its own axes at the first's cells."""
    down, across = np.gradient(moved)
    inverse = np.linalg.inv(placement.matrix) * len(moved)
    return (
        (inverse[0, 0] * across + inverse[1, 0] * down)[covered],
        (inverse[0, 1] * across + inverse[1, 1] * down)[covered],
    )


def _solve_step(
    slopes: tuple[np.ndarray, np.ndarray], x: np.ndarray, y: np.ndarray, rest: np.ndarray
) -> Floats:
    """Solve for the six changes of a placement, none longer than LONGEST_STEP."""
    columns = [slope * by for slope in slopes for by in (x, y, 1.0)]
    design = np.stack(columns, axis=1)
    design -= design.mean(axis=0)
    normal = design.T @ design
    normal += np.diag(1e-3 * np.diag(normal) + 1e-6 * np.trace(normal) + 1e-9)
    change = np.linalg.solve(normal, design.T @ rest)
    return np.asarray(np.clip(change, -LONGEST_STEP, LONGEST_STEP), dtype=float)


def _move(cells: np.ndarray, placement: Placement) -> tuple[np.ndarray, Bools]:
    """Read cells at where the first image's lie in them; and which of those lie inside."""
    from scipy import ndimage

    side = len(cells)
    grid = (np.arange(side) + 0.5) / side
    (a, b), (c, d) = placement.matrix
    x = (a * grid[None] + b * grid[:, None] + placement.offset[0]) * side - 0.5
    y = (c * grid[None] + d * grid[:, None] + placement.offset[1]) * side - 0.5
    covered = (x > -0.5) & (x < side - 0.5) & (y > -0.5) & (y < side - 0.5)
    return ndimage.map_coordinates(cells, [y, x], order=1, mode="nearest"), covered


def _compare_blocks(first: np.ndarray, moved: np.ndarray, covered: Bools) -> float:
    """Return the lower quartile of correlations over blocks that hold any structure."""
    full = _cut(covered.astype(np.float32)).mean(axis=1) > MIN_COVER
    one, two = (_cut(cells)[full] for cells in (first, moved))
    structured = np.maximum(one.std(axis=1), two.std(axis=1)) > MIN_STRUCTURE
    if structured.sum() < MIN_BLOCKS:
        return 0.0
    one, two = (standardise(part[structured]) for part in (one, two))
    return float(np.quantile((one * two).sum(axis=1), 0.25))


def _cut(cells: np.ndarray) -> np.ndarray:
    """Cut cells into N_PARTS x N_PARTS blocks, a row each."""
    side = len(cells) // N_PARTS
    shape = (N_PARTS, side, N_PARTS, side)
    return cells.reshape(shape).swapaxes(1, 2).reshape(-1, side * side)


def standardise(rows: np.ndarray) -> np.ndarray:
    """Give each row mean 0 and length 1, so that a product is a correlation."""
    rows = rows - rows.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1))
