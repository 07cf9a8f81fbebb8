"""Time the density of many points beside scikit-learn's, and the map of as many images."""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from cxrlib.charts.maps import plot_map
from cxrlib.maps import (
    DensityGrid,
    SurfaceWish,
    colour_points,
    estimate_density,
    estimate_share,
    estimate_surface,
)

LEAST_GAIN = 20.0  # times as fast as scikit-learn
MOST_ERROR = 0.01  # of the peak
MOST_SECONDS, MOST_MB = 2.5, 15.0  # of the map's figure on the server
VIEWS = ("PA", "AP", "AP Supine")


def make_places(n_points: int) -> np.ndarray:
    """Make a map of clusters of several widths, 12 units across."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-4, 4, (30, 2))
    widths = rng.uniform(0.2, 1.0, 30)
    own = rng.integers(0, 30, n_points)
    return centres[own] + rng.normal(0, 1, (n_points, 2)) * widths[own, np.newaxis]


def make_points(n_images: int) -> pd.DataFrame:
    """Make a map's points with ids as long as the public collection's."""
    rng = np.random.default_rng(1)
    patients = rng.integers(0, max(n_images // 2, 1), n_images)
    states = rng.choice(["bad", "good", "unknown"], n_images, p=[0.2, 0.3, 0.5])
    table = pd.DataFrame(make_places(n_images), columns=["x", "y"])
    return table.assign(
        image_id=[f"1-s2.0-S{row:012d}-gr1_lrg.jpg" for row in range(n_images)],
        patient_id=patients.astype(str),
        person_id=patients.astype(str),
        offset=rng.integers(0, 30, n_images).astype(float),
        view=rng.choice(VIEWS, n_images),
        state=states,
        state_reasons=np.where(states == "bad", "in the ICU", ""),
        state_overlap=False,
        in_icu=np.select([states == "bad", states == "good"], ["yes", "no"], "not recorded"),
        intubation_present="not recorded",
        survival="not recorded",
        age=rng.integers(20, 90, n_images).astype(float),
    )


def measure(work: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Give median, longest and processor time of a call in seconds, after one not counted."""
    work()
    times, cpu = [], []
    for _ in range(rounds):
        started, busy = time.perf_counter(), time.process_time()
        work()
        times.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    return statistics.median(times), max(times), statistics.median(cpu)


def describe(times: tuple[float, float, float]) -> str:
    """Write what was measured; on a busy machine the processor time says more."""
    return f"{times[0]:.2f} s (longest {times[1]:.2f}, processor {times[2]:.2f})"


def time_reference(places: np.ndarray, grid: DensityGrid, rtol: float) -> float:
    """Time scikit-learn's tree on the same grid, in seconds."""
    from sklearn.neighbors import KernelDensity

    nodes = np.column_stack([axis.ravel() for axis in np.meshgrid(grid.x, grid.y)])
    started = time.perf_counter()
    model = KernelDensity(bandwidth=grid.bandwidth, rtol=rtol).fit(places)
    np.exp(model.score_samples(nodes))
    return time.perf_counter() - started


def find_error(places: np.ndarray, grid: DensityGrid, n_nodes: int = 200) -> float:
    """Compare with scikit-learn's exact sum at the peak and some nodes, in shares of the peak."""
    from sklearn.neighbors import KernelDensity

    nodes = np.random.default_rng(2).integers(0, grid.density.size, n_nodes)
    nodes[0] = int(grid.density.argmax())
    rows, columns = np.unravel_index(nodes, grid.density.shape)
    model = KernelDensity(bandwidth=grid.bandwidth).fit(places)
    exact = np.exp(model.score_samples(np.column_stack([grid.x[columns], grid.y[rows]])))
    return float(np.abs(grid.density[rows, columns] - exact).max() / exact.max())


def compare(n_points: int, n_grid: int, rounds: int, rtol: float) -> bool:
    """Compare density and time with scikit-learn."""
    places = make_places(n_points)
    grid = estimate_density(places, n_grid=n_grid)
    assert grid is not None
    ours = measure(lambda: estimate_density(places, n_grid=n_grid), rounds)
    print(f"Density of {n_points:,} points on {grid.density.size:,} nodes: {describe(ours)}.")
    error = find_error(places, grid)
    print(f"It differs from the exact sum by at most {100 * error:.3f} % of the peak.")
    seconds = time_reference(places, grid, rtol)
    print(
        f"scikit-learn's KernelDensity, rtol {rtol:g}: {seconds:.1f} s, "
        f"{seconds / ours[0]:.0f} times as long (at least {LEAST_GAIN:g})."
    )
    is_bad = np.arange(n_points) % 3 == 0
    share = measure(lambda: estimate_share(places, is_bad), rounds)
    print(f"Share of bad among them: {describe(share)}.")
    return seconds / ours[0] >= LEAST_GAIN and error <= MOST_ERROR


def draw(n_images: int, rounds: int) -> bool:
    """Time the map's figure, from the points to what goes to the browser."""
    points = make_points(n_images)
    is_good = True
    for by, kind in (("state", "density"), ("view", "share"), ("age", "density")):
        wish = SurfaceWish(kind)  # type: ignore[arg-type]
        sizes: list[int] = []

        def work(by: str = by, wish: SurfaceWish = wish, sizes: list[int] = sizes) -> None:
            surface = estimate_surface(points, wish)
            figure = plot_map(points, surface, colouring=colour_points(points, by))
            text = figure.to_json(validate=False)
            sizes.append(len(text.encode()))

        times = measure(work, rounds)
        size = sizes[-1] / 1e6
        is_good &= times[2] <= MOST_SECONDS and size <= MOST_MB
        print(
            f"Map of {n_images:,} images by {by} over a {kind}: {describe(times)}, {size:.1f} MB; "
            f"at most {MOST_SECONDS} s and {MOST_MB:g} MB."
        )
    return is_good


def main() -> None:
    """Compare and draw; end with an error where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--grid", type=int, default=96, help="nodes along the longer side")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rtol", type=float, default=1e-2, help="scikit-learn's; 0 is exact")
    arguments = parser.parse_args()
    verdicts = [
        draw(arguments.points, arguments.rounds),
        compare(arguments.points, arguments.grid, arguments.rounds, arguments.rtol),
    ]
    print(json.dumps({"figure": verdicts[0], "density": verdicts[1]}))
    raise SystemExit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
