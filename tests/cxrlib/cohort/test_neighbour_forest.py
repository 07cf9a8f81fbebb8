"""Near points are found in trees: most of those that all distances give, and no others."""

import numpy as np
import pytest

from cxrlib.cohort.neighbour_forest import LEAF, find_near_pairs


def test_find_near_pairs_against_all_distances() -> None:
    """Nearly all planted neighbours, none beyond the distance or of one owner."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (2000, 17))
    points[1000:] = points[:1000] + rng.normal(0, 0.03, (1000, 17))
    owners = np.arange(2000)
    owners[1500:] = owners[500:1000]  # half of the planted ones are their owner's
    found = find_near_pairs(points, owners, k=3, farthest=0.45)
    apart = np.linalg.norm(points[found[:, 0]] - points[found[:, 1]], axis=1)
    assert (apart <= 0.46).all()
    assert (owners[found[:, 0]] != owners[found[:, 1]]).all()
    assert (found[:, 0] < found[:, 1]).all()
    planted = {(i, i + 1000) for i in range(500)}
    assert len(planted & set(map(tuple, found.tolist()))) > 475
    again = find_near_pairs(points, owners, k=3, farthest=0.45)
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("n_points", [0, 1, 2, LEAF, LEAF + 1])
def test_find_near_pairs_of_few_points(n_points) -> None:
    """Points that fit one leaf are all compared."""
    points = np.zeros((n_points, 17))
    found = find_near_pairs(points, np.arange(n_points), k=LEAF, farthest=0.1)
    assert len(found) <= n_points * (n_points - 1) // 2
    if 2 <= n_points <= LEAF:
        assert len(found) == n_points * (n_points - 1) // 2
