"""Near points among millions, by a forest: trees that halve the points again and again.

After Bernhardsson's Annoy: a node is halved at the median along the line through two of its points,
which mostly runs where points are spread out, so that near points stay together; one tree parts
some of them, several trees few. Each tree costs n log n whatever the points are. A KD-tree, exact
or not, visits a share of all points in seventeen dimensions: it took 14 times as long for 4 times
the points.
"""

import numpy as np
from numpy.typing import NDArray

LEAF = 32
"""Points in a leaf, at most."""
N_TREES = 12
PART = 4096  # leaves compared at a time


def find_near_pairs(
    points: np.ndarray, owners: np.ndarray, *, k: int, farthest: float
) -> NDArray[np.int64]:
    """Find pairs of near points that belong to different owners; some are missed.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_dimensions)
    owners : ndarray of shape (n_points,)
        Whose each point is.
    k : int
        Nearest points taken of each in each tree.
    farthest : float
        Distance beyond which two points are no pair.

    Returns
    -------
    ndarray of shape (n_pairs, 2)
        Rows, the smaller first, each pair once, in their order. The same for the same points.
    """
    points = np.ascontiguousarray(points, dtype=np.float32)
    rng = np.random.default_rng(0)
    n_points = np.int64(len(points))
    keys = []
    for _ in range(N_TREES if n_points > LEAF else 1):
        leaves = _grow(points, rng)
        found = [
            _compare(points, owners, leaves[start : start + PART], k, farthest)
            for start in range(0, len(leaves), PART)
        ]
        one, two = (np.concatenate(side) for side in zip(*found, strict=True))
        keys.append(np.unique(np.minimum(one, two) * n_points + np.maximum(one, two)))
    found_keys = np.unique(np.concatenate(keys))
    width = max(len(points), 1)
    return np.stack([found_keys // width, found_keys % width], axis=1)


def _grow(points: np.ndarray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Halve the points until leaves are small, all at once: rows of each leaf."""
    n_points = len(points)
    n_halvings = max(0, int(np.ceil(np.log2(max(n_points, 1) / LEAF))))
    n_rows = -(-n_points // 2**n_halvings) * 2**n_halvings
    filling = rng.integers(0, max(n_points, 1), n_rows - n_points)  # some twice, to halve evenly
    nodes = np.concatenate([np.arange(n_points), filling])[None]
    for _ in range(n_halvings):
        size = nodes.shape[1]
        ends = nodes[np.arange(len(nodes))[:, None], rng.integers(0, size, (len(nodes), 2))]
        lines = points[ends[:, 0]] - points[ends[:, 1]]
        along = np.empty(nodes.shape, np.float32)
        step = max(1, 200_000 // size)
        for start in range(0, len(nodes), step):
            part = slice(start, start + step)
            along[part] = np.einsum("nsd,nd->ns", points[nodes[part]], lines[part])
        order = np.argpartition(along, size // 2, axis=1)
        nodes = np.take_along_axis(nodes, order, axis=1).reshape(2 * len(nodes), size // 2)
    return nodes


def _compare(
    points: np.ndarray, owners: np.ndarray, leaves: NDArray[np.int64], k: int, farthest: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the nearest of each point in its leaf, where they are of other owners."""
    inside, whose = points[leaves], owners[leaves]
    squares = (inside**2).sum(axis=2)
    apart = squares[:, :, None] + squares[:, None] - 2 * (inside @ inside.transpose(0, 2, 1))
    apart[whose[:, :, None] == whose[:, None]] = np.inf
    nearest = np.argpartition(apart, min(k, apart.shape[2]) - 1, axis=2)[:, :, :k]
    is_near = np.take_along_axis(apart, nearest, axis=2) <= farthest**2
    leaf, one, at = np.nonzero(is_near)
    return leaves[leaf, one], leaves[leaf, nearest[leaf, one, at]]
