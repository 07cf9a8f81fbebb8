"""Density of chosen images over the map, and their share: fast Gaussian kernel estimates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrlib.errors import ProjectionError
from cxrlib.short_repr import short_repr

#: Bins a bandwidth. Linear binning adds a variance of at most step**2 / 4 an axis, so at 16
#: bins the peak of one point is at most 0.1 % too low.
BINS_PER_BANDWIDTH = 16
#: The grid reaches this many bandwidths beyond the extent; 3e-4 of a Gaussian lies outside.
REACH = 4.0
#: Above this many bins an axis, the bandwidth is a speck on the map and memory grows.
MAX_BINS = 4096


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class DensityGrid:
    """Hold a density sampled on a regular grid over the map.

    Parameters
    ----------
    x : ndarray of shape (n_x,)
        Grid columns, in map units.
    y : ndarray of shape (n_y,)
        Grid rows, in map units.
    density : ndarray of shape (n_y, n_x)
        Probability density, a unit of map area; it integrates to 1 over the plane.
    n_points : int
        How many images it was estimated from.
    bandwidth : float
        Standard deviation of the kernel, in map units.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    density: NDArray[np.float64]
    n_points: int
    bandwidth: float
    __repr__ = short_repr

    @property
    def images_per_area(self) -> NDArray[np.float64]:
        """Give the expected number of images a unit of map area, shape (n_y, n_x)."""
        return self.density * self.n_points

    @property
    def peak(self) -> tuple[float, float]:
        """Give the grid point, x and y in map units, where the density is highest."""
        row, column = np.unravel_index(int(self.density.argmax()), self.density.shape)
        return float(self.x[column]), float(self.y[row])


#: Fewer images' worth of kernel than this at a place, and no share is given there.
MIN_SUPPORT = 10.0


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class ShareGrid:
    """Hold the share of bad images sampled on a regular grid over the map.

    Parameters
    ----------
    x, y : ndarray of shape (n_x,) and (n_y,)
        Grid columns and rows, in map units.
    unmasked : ndarray of shape (n_y, n_x)
        Weighted share of bad among known images, 0 to 1, whatever the support; NaN where no
        kernel reaches. For drawing up to the edge of what is given: read `share`.
    support : ndarray of shape (n_y, n_x)
        Sum of the kernel's weights over its peak: as many known images at the very place
        would weigh the same.
    n_bad, n_known : int
        Images it was estimated from.
    bandwidth : float
        Standard deviation of the kernel, in map units.
    min_support : float
        Least support of a share that is given.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    unmasked: NDArray[np.float64]
    support: NDArray[np.float64]
    n_bad: int
    n_known: int
    bandwidth: float
    min_support: float
    __repr__ = short_repr

    @property
    def overall(self) -> float:
        """Give the share of bad among all known images."""
        return self.n_bad / self.n_known

    @property
    def is_supported(self) -> NDArray[np.bool_]:
        """Tell where a share is given, shape (n_y, n_x)."""
        return self.support >= self.min_support

    @property
    def share(self) -> NDArray[np.float64]:
        """Give the share of bad, shape (n_y, n_x); NaN where the support is too low."""
        return np.where(self.is_supported, self.unmasked, np.nan)

    @property
    def lowest(self) -> tuple[float, tuple[float, float]]:
        """Give the lowest share and its place, x and y in map units."""
        return self._at(int(np.nanargmin(self.share)))

    @property
    def highest(self) -> tuple[float, tuple[float, float]]:
        """Give the highest share and its place, x and y in map units."""
        return self._at(int(np.nanargmax(self.share)))

    def _at(self, node: int) -> tuple[float, tuple[float, float]]:
        row, column = np.unravel_index(node, self.share.shape)
        return float(self.share[row, column]), (float(self.x[column]), float(self.y[row]))


def estimate_density(
    points: NDArray[np.floating],
    *,
    bandwidth: float = 1.0,
    n_grid: int | None = None,
) -> DensityGrid | None:
    """Estimate the density of points on the map with a Gaussian kernel.

    Few points are summed as they are. Many are shared out over the four nearest nodes of a fine
    grid (linear binning), and a Gaussian matrix an axis carries the nodes to the grid that is
    returned. The kernel is not cut off. Few points give a few round hills: look at ``n_points``
    before reading a shape.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2)
        Positions on the map.
    bandwidth : float, default 1.0
        Standard deviation of the kernel in map units; 1.0 is the published value.
    n_grid : int, optional
        Grid points along the longer side; by default four a bandwidth, 96 to 384. The grid
        reaches four bandwidths beyond the points on each side.

    Returns
    -------
    DensityGrid or None
        ``None`` where there is no point: a density is then not estimable.

    Raises
    ------
    ProjectionError
        Where a value is not finite, the shape is wrong or the bandwidth does not fit the map.

    References
    ----------
    Section 5.4 and Figure 3 of the paper; Wand (1994), "Fast computation of multivariate kernel
    estimators", for the binning.

    Examples
    --------
    >>> grid = estimate_density(np.zeros((3, 2)), bandwidth=1.0)
    >>> grid.n_points, round(float(grid.density.max()), 2)
    (3, 0.16)
    """
    points = _check_points(points)
    _check_bandwidth(bandwidth)
    if not len(points):
        return None
    x, y = _grid_axes(points, bandwidth, n_grid)
    (kernels,) = _sum_kernels(points, np.ones((1, len(points))), x, y, bandwidth)
    return DensityGrid(x, y, kernels / len(points), len(points), float(bandwidth))


def estimate_share(
    points: NDArray[np.floating],
    is_bad: NDArray[np.bool_],
    *,
    bandwidth: float = 1.0,
    min_support: float = MIN_SUPPORT,
    n_grid: int | None = None,
) -> ShareGrid | None:
    """Estimate the share of bad images place by place.

    Unlike a density it does not rise where images are merely many. At each place the images are
    weighted by a Gaussian kernel (Nadaraya and Watson's estimate). Images whose state is not
    known must be left out before: they are neither good nor bad. The support does not know that
    images of one person are alike, so it is rather too high.

    Parameters
    ----------
    points : ndarray of shape (n_known, 2)
        Positions of the images whose state is known, in map units.
    is_bad : ndarray of bool, shape (n_known,)
    bandwidth, n_grid
        As of `estimate_density`.
    min_support : float, default 10
        No share is given where less support is.

    Returns
    -------
    ShareGrid or None
        ``None`` where no state is known.

    Raises
    ------
    ProjectionError
        As `estimate_density`; or where `is_bad` has another length, or `min_support` is not
        positive.

    References
    ----------
    Kelsall and Diggle (1995), "Non-parametric estimation of spatial variation in relative risk":
    one bandwidth for both, so that the kernel's bias cancels.

    Examples
    --------
    >>> grid = estimate_share(np.zeros((20, 2)), np.arange(20) < 5)
    >>> grid.n_bad, grid.n_known, round(float(np.nanmax(grid.share)), 2)
    (5, 20, 0.25)
    """
    points = _check_points(points)
    is_bad = np.asarray(is_bad, dtype=bool)
    if is_bad.shape != (len(points),):
        raise ProjectionError(
            f"is_bad has shape {is_bad.shape}, but there are {len(points)} points: give one "
            "value for each."
        )
    if not np.isfinite(min_support) or min_support <= 0:
        raise ProjectionError(f"Support {min_support!r} is not usable: give a positive number.")
    _check_bandwidth(bandwidth)
    if not len(points):
        return None
    x, y = _grid_axes(points, bandwidth, n_grid)
    weights = np.stack([np.ones(len(points)), is_bad.astype(np.float64)])
    known, bad = _sum_kernels(points, weights, x, y, bandwidth)
    # The kernel's peak is 1 / (2 pi bandwidth squared).
    support = known * (2.0 * np.pi * bandwidth**2)
    share = np.full(known.shape, np.nan)
    np.divide(bad, known, out=share, where=known > 0)
    n_bad = int(is_bad.sum())
    return ShareGrid(x, y, share, support, n_bad, len(points), float(bandwidth), float(min_support))


def _check_points(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the points as float64 of shape (n, 2), or raise."""
    array = np.asarray(points, dtype=np.float64)
    if array.size == 0:
        return array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ProjectionError(
            f"Points of shape {array.shape} are not positions on the map: give one row an image "
            "and two columns, x and y."
        )
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array).all(axis=1)).sum())
        raise ProjectionError(
            f"{n_bad} of {len(array)} points are not finite: leave them out before estimating."
        )
    return array


def _check_bandwidth(bandwidth: float) -> None:
    """Raise unless a bandwidth is usable."""
    if not np.isfinite(bandwidth) or bandwidth <= 0:
        raise ProjectionError(
            f"Bandwidth {bandwidth!r} is not usable: give a positive number of map units."
        )


def _grid_axes(
    points: NDArray[np.float64], bandwidth: float, n_grid: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the columns and rows of a grid of square cells, padded by the kernel's reach."""
    pad = REACH * bandwidth
    (x_min, y_min), (x_max, y_max) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    width, height = x_max - x_min + 2 * pad, y_max - y_min + 2 * pad
    if n_grid is None:
        n_grid = int(np.clip(np.ceil(4 * max(width, height) / bandwidth), 96, 384))
    if n_grid < 2:
        raise ProjectionError(f"A grid of {n_grid!r} points a side shows nothing: give 2 or more.")
    step = max(width, height) / (n_grid - 1)
    n_x, n_y = (max(2, round(side / step) + 1) for side in (width, height))
    return (
        np.linspace(x_min - pad, x_max + pad, n_x),
        np.linspace(y_min - pad, y_max + pad, n_y),
    )


def _sum_kernels(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    bandwidth: float,
) -> NDArray[np.float64]:
    """Sum one weighted kernel a point on a grid.

    Weights have shape (n_sums, n_points), the answer (n_sums, n_y, n_x).
    """
    n_bins_x, n_bins_y = _count_bins(points, bandwidth)
    if _is_few(len(points), len(x), n_bins_x, n_bins_y):
        on_x = _gaussian(x, points[:, 0], bandwidth).T
        on_y = _gaussian(y, points[:, 1], bandwidth)
        return np.stack([(on_y * weight) @ on_x for weight in weights])
    step = bandwidth / BINS_PER_BANDWIDTH
    low = points.min(axis=0)
    on_x = _gaussian(x, low[0] + step * np.arange(n_bins_x), bandwidth).T
    on_y = _gaussian(y, low[1] + step * np.arange(n_bins_y), bandwidth)
    nodes = _bin_points((points - low) / step, weights, (n_bins_y, n_bins_x))
    return np.stack([on_y @ each @ on_x for each in nodes])


def _is_few(n_points: int, n_x: int, n_bins_x: int, n_bins_y: int) -> bool:
    """Tell whether points summed one by one take fewer products than the nodes of the fine grid."""
    return n_points * n_x <= n_bins_x * (n_bins_y + n_x)


def _count_bins(points: NDArray[np.float64], bandwidth: float) -> tuple[int, int]:
    """Count the nodes of the fine grid, columns and rows, or raise where they are too many."""
    span = np.ptp(points, axis=0)
    n_bins = span / (bandwidth / BINS_PER_BANDWIDTH) + 2
    if n_bins.max() > MAX_BINS:
        raise ProjectionError(
            f"Bandwidth {bandwidth!r} is too small for a map {span.max():.3g} "
            f"units wide: give at least {n_bins.max() / MAX_BINS * bandwidth:.2g}."
        )
    n_x, n_y = n_bins.astype(int)
    return int(n_x), int(n_y)


def _bin_points(
    position: NDArray[np.float64], weights: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Share each point out over the four nodes round it, shape (n_sums, n_y, n_x).

    Positions, shape (n_points, 2), count nodes from the first.
    """
    n_y, n_x = shape
    node = position.astype(np.intp)
    right = position - node
    left = 1.0 - right
    sums = np.zeros((len(weights), n_y * n_x))
    for row, share_y in ((0, left[:, 1]), (1, right[:, 1])):
        for column, share_x in ((0, left[:, 0]), (1, right[:, 0])):
            flat = (node[:, 1] + row) * n_x + node[:, 0] + column
            share = share_y * share_x
            for row_of_sums, weight in enumerate(weights):
                sums[row_of_sums] += np.bincount(flat, share * weight, minlength=n_y * n_x)
    return sums.reshape(len(weights), n_y, n_x)


def _gaussian(
    to: NDArray[np.float64], at: NDArray[np.float64], bandwidth: float
) -> NDArray[np.float64]:
    """Return the kernel between grid points and nodes of one axis, shape (n_to, n_at)."""
    distance = (to[:, np.newaxis] - at[np.newaxis, :]) / bandwidth
    return np.exp(-0.5 * distance**2) / (bandwidth * np.sqrt(2.0 * np.pi))
