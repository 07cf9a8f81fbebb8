"""Density of points on the map, judged by a slow reference."""

import numpy as np
import pytest
from sklearn.neighbors import KernelDensity

from cxrlib.errors import ProjectionError
from cxrlib.maps import estimate_density, estimate_share


@pytest.fixture
def points():
    """Give 300 points in two clusters, ten map units apart."""
    rng = np.random.default_rng(7)
    return np.vstack([rng.normal(0, 1, (200, 2)), rng.normal((10, 3), (2, 0.5), (100, 2))])


def brute_force(points, x, y, bandwidth):
    """Sum one Gaussian a point at every grid point: slow and obvious."""
    density = np.zeros((len(y), len(x)))
    for row, y_value in enumerate(y):
        for column, x_value in enumerate(x):
            squared = (points[:, 0] - x_value) ** 2 + (points[:, 1] - y_value) ** 2
            kernel = np.exp(-squared / (2 * bandwidth**2)) / (2 * np.pi * bandwidth**2)
            density[row, column] = kernel.mean()
    return density


@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 2.5])
def test_equals_brute_force(points, bandwidth):
    """Stay within 1 % of the peak of the plain sum over points, everywhere."""
    grid = estimate_density(points, bandwidth=bandwidth, n_grid=50)
    expected = brute_force(points, grid.x, grid.y, bandwidth)
    assert np.abs(grid.density - expected).max() < 0.01 * expected.max()


def test_equals_scikit_learn(points):
    """Stay within 1 % of the peak of scikit-learn's exact kernel density."""
    grid = estimate_density(points, bandwidth=1.0)
    nodes = np.column_stack([axis.ravel() for axis in np.meshgrid(grid.x, grid.y)])
    exact = KernelDensity(bandwidth=1.0, rtol=1e-6).fit(points).score_samples(nodes)
    expected = np.exp(exact).reshape(grid.density.shape)
    assert np.abs(grid.density - expected).max() < 0.01 * expected.max()


def test_one_point_is_the_kernel():
    """Put the kernel's own height, 1 / (2 pi h**2), on a single point."""
    grid = estimate_density(np.array([[2.0, -3.0]]), bandwidth=0.5, n_grid=101)
    assert grid.density.max() == pytest.approx(1 / (2 * np.pi * 0.25), rel=1e-6)
    assert grid.peak == pytest.approx((2.0, -3.0), abs=1e-9)


def test_integrates_to_one(points):
    """Integrate to 1 over the plane, and to the number of images as images an area."""
    grid = estimate_density(points)
    cell = (grid.x[1] - grid.x[0]) * (grid.y[1] - grid.y[0])
    assert grid.density.sum() * cell == pytest.approx(1.0, abs=2e-3)
    assert grid.images_per_area.sum() * cell == pytest.approx(300, abs=0.6)


def test_order_changes_nothing(points):
    """Give the same density for the same points in another order."""
    shuffled = np.random.default_rng(0).permutation(points)
    first, second = (estimate_density(each) for each in (points, shuffled))
    np.testing.assert_allclose(first.density, second.density, rtol=1e-12, atol=1e-15)


def test_translation_moves_the_grid_only(points):
    """Give the same density, on a moved grid, for moved points."""
    here = estimate_density(points)
    there = estimate_density(points + np.array([100.0, -40.0]))
    np.testing.assert_allclose(there.x - 100.0, here.x, atol=1e-9)
    np.testing.assert_allclose(there.density, here.density, rtol=1e-6, atol=1e-12)


def test_no_points_is_not_estimable():
    """Return None for no points: there is no density to show."""
    assert estimate_density(np.empty((0, 2))) is None


@pytest.mark.parametrize(
    ("points", "settings", "words"),
    [
        (np.zeros((3, 3)), {}, "two columns"),
        (np.array([[0.0, np.nan]]), {}, "not finite"),
        (np.zeros((3, 2)), {"bandwidth": 0.0}, "positive"),
        (np.zeros((3, 2)), {"bandwidth": np.inf}, "positive"),
        (np.array([[0.0, 0.0], [50.0, 0.0]]), {"bandwidth": 1e-4}, "too small"),
        (np.zeros((3, 2)), {"n_grid": 1}, "2 or more"),
    ],
)
def test_bad_input_is_named(points, settings, words):
    """Say in a sentence what is wrong with points, bandwidth or grid."""
    with pytest.raises(ProjectionError, match=words):
        estimate_density(points, **settings)


def test_many_points():
    """All of 100,000 points count; benchmarks/bench_density.py says how long they take."""
    points = np.random.default_rng(1).normal(0, 4, (100_000, 2))
    assert estimate_density(points).n_points == 100_000


def share_slowly(points, is_bad, x, y, bandwidth):
    """Weight each point by its distance, at every grid point: share of bad, and support."""
    share, support = (np.zeros((len(y), len(x))) for _ in range(2))
    for row, y_value in enumerate(y):
        for column, x_value in enumerate(x):
            weights = [
                np.exp(-((px - x_value) ** 2 + (py - y_value) ** 2) / (2 * bandwidth**2))
                for px, py in points
            ]
            bad = sum(weight for weight, each in zip(weights, is_bad, strict=True) if each)
            share[row, column], support[row, column] = bad / sum(weights), sum(weights)
    return share, support


@pytest.mark.parametrize("copies", [1, 40])
def test_share_equals_brute_force(points, copies):
    """Agree with weights written out, few points summed as they are and many binned."""
    some = points[::4]
    is_bad = some[:, 0] > 1
    grid = estimate_share(
        np.repeat(some, copies, axis=0),
        np.repeat(is_bad, copies),
        n_grid=24,
        min_support=5 * copies,
    )
    share, support = share_slowly(some, is_bad, grid.x, grid.y, 1.0)
    near = support > 1e-6
    np.testing.assert_allclose(grid.unmasked[near], share[near], atol=2e-3)
    np.testing.assert_allclose(grid.support, copies * support, atol=0.01 * copies * support.max())
    far_from_edge = np.abs(support - 5) > 0.1
    assert (np.isnan(grid.share) == (support < 5))[far_from_edge].all()


def test_both_ways_of_summing_agree(points, monkeypatch):
    """Bin as well what is few enough to be summed as it is."""
    exact = estimate_density(points, bandwidth=0.5, n_grid=60)
    monkeypatch.setattr("cxrlib.maps.density._is_few", lambda *_: False)
    binned = estimate_density(points, bandwidth=0.5, n_grid=60)
    assert np.abs(exact.density - binned.density).max() < 0.01 * exact.density.max()
    assert not np.array_equal(exact.density, binned.density)


@pytest.mark.parametrize("bandwidth", [0.4, 1.0, 3.0])
def test_share_of_one_place_is_the_count(bandwidth: float) -> None:
    """Give 5 of 20 at a place where 20 images lie, with a support of 20."""
    points, is_bad = np.zeros((20, 2)), np.arange(20) < 5
    grid = estimate_share(points, is_bad, bandwidth=bandwidth, n_grid=51)
    assert grid.share[25, 25] == pytest.approx(0.25)
    assert grid.support[25, 25] == pytest.approx(20)
    assert grid.overall == 0.25


def test_share_stands_where_density_rises():
    """Stay level where images are ten times as many but as often bad."""
    rng = np.random.default_rng(4)
    points = np.vstack([rng.normal(0, 1, (2000, 2)), rng.normal((5, 0), 1, (200, 2))])
    is_bad = np.arange(2200) % 4 == 0
    share = estimate_share(points, is_bad).share
    assert np.nanmax(np.abs(share - 0.25)) < 0.15
    density = estimate_density(points[is_bad])
    assert density.density[:, density.x > 4].max() < 0.2 * density.density.max()


def test_share_does_not_depend_on_order(points):
    """Give the same share for the same images in another order, or twice as many of each."""
    is_bad = points[:, 1] > 1
    order = np.random.default_rng(0).permutation(len(points))
    here = estimate_share(points, is_bad)
    np.testing.assert_allclose(
        estimate_share(points[order], is_bad[order]).unmasked, here.unmasked, rtol=1e-6, atol=1e-12
    )
    twice = estimate_share(np.tile(points, (2, 1)), np.tile(is_bad, 2), min_support=20)
    np.testing.assert_array_equal(twice.is_supported, here.is_supported)


@pytest.mark.parametrize(
    ("points", "is_bad", "settings", "words"),
    [
        (np.zeros((3, 2)), np.ones(2, bool), {}, "one value for each"),
        (np.zeros((3, 2)), np.ones(3, bool), {"min_support": 0}, "positive"),
        (np.zeros((3, 2)), np.ones(3, bool), {"bandwidth": -1}, "positive"),
        (np.array([[0.0, np.nan]]), np.ones(1, bool), {}, "not finite"),
    ],
)
def test_bad_input_of_a_share_is_named(points, is_bad, settings, words):
    """Say in a sentence what is wrong."""
    with pytest.raises(ProjectionError, match=words):
        estimate_share(points, is_bad, **settings)


def test_share_of_no_points():
    """Return None where no state is known."""
    assert estimate_share(np.empty((0, 2)), np.empty(0, bool)) is None
