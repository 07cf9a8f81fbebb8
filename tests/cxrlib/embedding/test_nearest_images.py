"""Nearest rows: the same as looking at every pair, whatever the order, ties by order."""

import numpy as np
import pytest

import cxrlib.embedding.nearest_images
from cxrlib.embedding import find_nearest, weigh_neighbours


def find_slowly(numbers: np.ndarray, others: np.ndarray, k: int) -> list[list[int]]:
    """Sort every pair by distance, then by place."""
    found = []
    for one in numbers:
        pairs = [(float(np.sqrt(((one - two) ** 2).sum())), i) for i, two in enumerate(others)]
        found.append([i for _, i in sorted(pairs)[:k]])
    return found


@pytest.mark.parametrize("block", [7, 8_000_000])
def test_neighbours_are_those_of_every_pair(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one block or in many; whole numbers, so that ties are exact."""
    monkeypatch.setattr(cxrlib.embedding.nearest_images, "_BLOCK", block)
    generator = np.random.default_rng(1)
    numbers, others = (generator.integers(0, 4, size=(n, 3)).astype(float) for n in (23, 41))
    distances, places = find_nearest(numbers, others, 6)
    assert places.tolist() == find_slowly(numbers, others, 6)
    expected = np.linalg.norm(numbers[:, None, :] - others[places], axis=2)
    np.testing.assert_allclose(distances, expected, atol=1e-6)


def test_no_row_is_its_own_neighbour_but_a_copy_is() -> None:
    """A copy lies at nought, also where numbers are large."""
    numbers = np.array([[1e6, 1e6], [1e6, 1e6], [1e6 + 3, 1e6 + 4]])
    distances, places = find_nearest(numbers, numbers, 5, are_same=True)
    assert places.tolist() == [[1, 2], [0, 2], [0, 1]]
    assert distances.tolist() == [[0, 5], [0, 5], [5, 5]]


def test_no_row_is_a_neighbour_of_its_own_group() -> None:
    """Too few others end in infinity, never in one of the same person."""
    numbers = np.array([[0.0], [1.0], [5.0], [9.0]])
    groups = np.array([0, 0, 0, 1])
    distances, places = find_nearest(numbers, numbers, 3, groups=(groups, groups))
    assert places[0, 0] == 3
    assert distances[0].tolist() == [9.0, np.inf, np.inf]


def test_groups_hold_between_two_tables() -> None:
    """Some rows of a table among all of it, each among those of other groups."""
    numbers, groups = np.array([[0.0], [1.0], [5.0], [9.0]]), np.array([0, 0, 1, 2])
    some = [1, 3]
    distances, places = find_nearest(numbers[some], numbers, 2, groups=(groups[some], groups))
    assert places.tolist() == [[2, 3], [2, 1]]
    assert distances.tolist() == [[4.0, 8.0], [4.0, 8.0]]
    alone = find_nearest(numbers[:1], numbers[:1], 1, groups=(groups[:1], groups[:1]))[0]
    assert alone.tolist() == [[np.inf]]


@pytest.mark.parametrize("block", [50, 4_000_000])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_single_precision_finds_the_same(
    block: int, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far from nought and beside an outlier too, where rounding is worst."""
    monkeypatch.setattr(cxrlib.embedding.nearest_images, "_MEASURED_BLOCK", block)
    numbers = (np.random.default_rng(2).normal(size=(60, 40)) + offset).astype(np.float32)
    numbers[0] += 1000
    numbers[7] = numbers[31]
    single = find_nearest(numbers, numbers, 9, are_same=True)
    double = find_nearest(numbers.astype(float), numbers.astype(float), 9, are_same=True)
    np.testing.assert_array_equal(single[1], double[1])
    np.testing.assert_array_equal(single[0], double[0])
    assert single[0][7, 0] == 0


@pytest.mark.parametrize("n_others", [0, 1])
def test_nothing_to_find(n_others: int) -> None:
    """One row alone has no neighbour."""
    numbers = np.zeros((n_others, 4))
    distances, places = find_nearest(numbers, numbers, 15, are_same=True)
    assert distances.shape == places.shape == (n_others, 0)


def test_weights_sum_to_one() -> None:
    """Nearer counts more; those at nought count alone."""
    weights = weigh_neighbours(np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights[0], np.array([4, 2, 1]) / 7)
    assert weights[1].tolist() == [0.5, 0.5, 0]
