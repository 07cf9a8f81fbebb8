"""Faithfulness of a map: how well it keeps the neighbours of the feature space it was made from.

Neither measure says that neighbours are alike in illness; they only compare the map with the
feature space.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.embedding import FeatureSpace
from cxrlib.maps.projection import Projection
from cxrlib.maps.seed_stability import Spread
from cxrlib.maps.trajectories import Step, Trajectory
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

Places = NDArray[np.intp]

NEIGHBOURS = (15, 30)
AS_MAPPED, STANDARDISED = "as mapped", "standardised"
#: Distances looked at: of very many images some are measured, against all.
MOST_DISTANCES, FEWEST_MEASURED = 20_000_000, 200
BLOCK = 4_000_000  # distances at a time: 32 MB
#: Images among which a typical distance is found.
MOST_TYPICAL = 2000


# ---- neighbours


def measure_faithfulness(
    space: FeatureSpace,
    projection: Projection,
    *,
    raw: Floats | None = None,
    ks: Sequence[int] = NEIGHBOURS,
) -> pd.DataFrame:
    """Measure how well a map keeps neighbours.

    Parameters
    ----------
    space : FeatureSpace
        The numbers, standardised: in which all other distances are measured.
    projection : Projection
        Images that the space lacks do not count.
    raw : ndarray of shape (n_images, n_columns), optional
        The numbers that the map was made from, which are not standardised, in its order of images.
    ks : sequence of int
        Numbers of neighbours.

    Returns
    -------
    DataFrame
        As `compare_neighbours` gives it, after a column `numbers`: "as mapped" where `raw` is
        given, then "standardised". Copies of an image, which share a place on the map as in the
        space, count once.
    """
    rows, places = _match(space, projection)
    found = (
        {} if raw is None else {AS_MAPPED: compare_neighbours(raw, projection.coordinates, ks=ks)}
    )
    found[STANDARDISED] = compare_neighbours(space.vectors[rows], places, ks=ks)
    tables = [table.assign(numbers=name) for name, table in found.items()]
    joined = pd.concat(tables, ignore_index=True)
    return joined[["numbers", *(name for name in joined if name != "numbers")]]


def compare_neighbours(
    vectors: Floats, places: Floats, *, ks: Sequence[int] = NEIGHBOURS
) -> pd.DataFrame:
    """Compare the neighbours of images in a space with those on a map.

    Parameters
    ----------
    vectors : ndarray of shape (n_images, n_columns)
    places : ndarray of shape (n_images, 2)
    ks : sequence of int

    Returns
    -------
    DataFrame
        A row a k: k; trustworthiness (1: all who are near on the map are near in the numbers);
        continuity (1: all who are near in the numbers are near on the map); kept (share of the k
        nearest in the numbers that are among the k nearest on the map); chance and kept_chance
        (trustworthiness or continuity, and kept, on a map of random places); n_images (distinct),
        n_measured, reason ("" or why there is no number).

    References
    ----------
    Venna and Kaski (2001), Neighborhood preservation in nonlinear projection methods.
    """
    # Distinct and in an order of their own: that of the rows changes nothing.
    both = np.unique(np.column_stack([places, vectors]).astype(np.float64), axis=0)
    places, vectors = both[:, :2], both[:, 2:]
    n = len(both)
    usable = [k for k in ks if _can_measure(n, k)]
    measured = _choose_measured(n)
    sums = np.zeros((len(usable), 3))
    step = max(BLOCK // max(n, 1), 1)
    for start in range(0, len(measured) if usable else 0, step):
        rows = measured[start : start + step]
        sums += _compare_block(_rank(vectors, rows), _rank(places, rows), usable)
    found = dict(zip(usable, sums, strict=True))
    return pd.DataFrame([_make_row(k, n, len(measured), found.get(k)) for k in ks])


def _can_measure(n: int, k: int) -> bool:
    """Tell whether the measures are defined: for k below half of the images."""
    return 1 <= k < n / 2


def _choose_measured(n: int) -> Places:
    """Choose which images to measure: all, or some of very many."""
    n_measured = max(FEWEST_MEASURED, MOST_DISTANCES // max(n, 1))
    if n_measured >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, n_measured, replace=False))


def _rank(points: Floats, rows: Places) -> NDArray[np.int32]:
    """Rank all points by their distance from some: 0 for itself, then 1 and on; ties by row."""
    some = points[rows]
    squares = (some**2).sum(axis=1)[:, None] + (points**2).sum(axis=1)[None, :]
    squares -= 2 * (some @ points.T)
    squares[np.arange(len(rows)), rows] = -np.inf
    order = np.argsort(squares, axis=1, kind="stable")
    ranks = np.empty(order.shape, dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(len(points), dtype=np.int32)[None, :], axis=1)
    return ranks


def _compare_block(
    in_space: NDArray[np.int32], on_map: NDArray[np.int32], ks: Sequence[int]
) -> Floats:
    """Sum ranks of false and of lost neighbours, and neighbours kept, shape (n_ks, 3)."""
    sums = np.zeros((len(ks), 3))
    for place, k in enumerate(ks):
        near_space, near_map = in_space <= k, on_map <= k
        sums[place] = (
            (in_space[near_map & ~near_space] - k).sum(),
            (on_map[near_space & ~near_map] - k).sum(),
            (near_space & near_map).sum() - len(in_space),  # each is near itself
        )
    return sums


def _make_row(k: int, n: int, n_measured: int, sums: Floats | None) -> dict[str, Any]:
    """Make the row of a number of neighbours."""
    row = {"k": k, "trustworthiness": np.nan, "continuity": np.nan, "kept": np.nan}
    row |= {"chance": np.nan, "kept_chance": np.nan, "n_images": n, "n_measured": n_measured}
    if sums is None:
        needed = format_units(2 * k + 1, "distinct image")
        return {**row, "reason": f"needs {needed} on the map, there are {n:,}"}
    worst = n_measured * k * (2 * n - 3 * k - 1) / 2
    # Of a map of random places: each of k neighbours has any rank from 1 to n - 1.
    chance = 1 - (n - 1 - k) * (n - k) / ((n - 1) * (2 * n - 3 * k - 1))
    return {
        **row,
        "trustworthiness": 1 - sums[0] / worst,
        "continuity": 1 - sums[1] / worst,
        "kept": sums[2] / (n_measured * k),
        "chance": chance,
        "kept_chance": k / (n - 1),
        "reason": "",
    }


# ---- steps


@dataclass(frozen=True)
class StepLengths:
    """Hold the step lengths of paths, on the map and in feature space.

    A day of several images counts as their mean, on the map and in feature space.

    Parameters
    ----------
    table : DataFrame
        A row a step: patient_id, day_from, day_to, state (it leads to), on_map (map units),
        in_space (standard deviations a column), map_relative and space_relative (1: the median
        of two images of the map taken at random), seeds_low and seeds_high (of map_relative: the
        shortest and the longest with other seeds, NaN without).
    typical_map, typical_space : float
        Median distance of two images.
    n_seeds : int
        Other seeds, 0 where the map was not drawn with any.
    """

    table: pd.DataFrame
    typical_map: float
    typical_space: float
    n_seeds: int
    __repr__ = short_repr


STEP_COLUMNS = (
    "patient_id", "day_from", "day_to", "state", "on_map", "in_space", "map_relative",
    "space_relative", "seeds_low", "seeds_high",
)  # fmt: skip


def measure_steps(
    paths: Sequence[Trajectory],
    space: FeatureSpace,
    projection: Projection,
    *,
    spread: Spread | None = None,
    typical: tuple[float, float] | None = None,
) -> StepLengths:
    """Measure each step in the original space beside its length on the map.

    Parameters
    ----------
    paths : sequence of Trajectory
    space : FeatureSpace
    projection : Projection
        The map that the paths are on.
    spread : Spread, optional
        Of that map.
    typical : tuple of float, optional
        `measure_typical` of space and map, made once for all paths.
    """
    typical_space, typical_map = typical or measure_typical(space, projection)
    rows = {image_id: row for row, image_id in enumerate(space.table["image_id"])}
    image_ids = () if spread is None else spread.image_ids
    places = {image_id: row for row, image_id in enumerate(image_ids)}
    records = []
    for path in paths:
        for step in path.steps:
            in_space = _measure_in_space(step, space, rows)
            seeds = _measure_over_seeds(step, spread, places) / typical_map
            records.append(
                {
                    "patient_id": path.patient_id,
                    "day_from": step.tail.day,
                    "day_to": step.head.day,
                    "state": step.state,
                    "on_map": step.length,
                    "in_space": in_space,
                    "map_relative": step.length / typical_map,
                    "space_relative": in_space / typical_space,
                    "seeds_low": seeds.min() if len(seeds) else np.nan,
                    "seeds_high": seeds.max() if len(seeds) else np.nan,
                }
            )
    table = pd.DataFrame(records, columns=list(STEP_COLUMNS))
    return StepLengths(
        table, typical_map, typical_space, 0 if spread is None else len(spread.seeds)
    )


def measure_typical(space: FeatureSpace, projection: Projection) -> tuple[float, float]:
    """Find the median distance of two images of the map: in feature space, and on the map.

    NaN where fewer than two images are on it.
    """
    rows, places = _match(space, projection)
    if len(rows) > MOST_TYPICAL:
        some = np.random.default_rng(0).choice(len(rows), MOST_TYPICAL, replace=False)
        rows, places = rows[some], places[some]
    return _find_median(space.vectors[rows]), _find_median(places)


def _find_median(points: Floats) -> float:
    """Find the median distance of two points."""
    if len(points) < 2:
        return float("nan")
    from scipy.spatial.distance import pdist

    return float(np.median(pdist(points))) or float("nan")


def _match(space: FeatureSpace, projection: Projection) -> tuple[Places, Floats]:
    """Find the images of a map in a space, in the order of the space, and their places."""
    found = pd.Index(list(projection.image_ids)).get_indexer(pd.Index(space.table["image_id"]))
    rows = np.flatnonzero(found >= 0)
    coordinates = np.asarray(projection.coordinates, dtype=np.float64).reshape(-1, 2)
    return rows, coordinates[found[rows]]


def _measure_in_space(step: Step, space: FeatureSpace, rows: dict[str, int]) -> float:
    """Measure a step between the means of two days; NaN where an image has no numbers."""
    ends = []
    for stop in (step.tail, step.head):
        own = [rows.get(image.image_id, -1) for image in stop.images]
        if min(own) < 0:
            return float("nan")
        ends.append(space.vectors[own].mean(axis=0, dtype=np.float64))
    return float(np.linalg.norm(ends[1] - ends[0]))


def _measure_over_seeds(step: Step, spread: Spread | None, places: dict[str, int]) -> Floats:
    """Measure a step on each map by another seed, shape (n_seeds,)."""
    if spread is None:
        return np.zeros(0)
    ends = [
        spread.places[:, [places[image.image_id] for image in stop.images]].mean(axis=1)
        for stop in (step.tail, step.head)
    ]
    return np.asarray(np.linalg.norm(ends[1] - ends[0], axis=1))


# ---- words


def describe_faithfulness(table: pd.DataFrame) -> str:
    """Describe the measures of a map in plain sentences."""
    return " ".join(_describe_measures(table))


_NUMBERS = {
    AS_MAPPED: "Compared with the features the map was made from.",
    STANDARDISED: "Compared with the same features, standardised.",
}


def _describe_measures(table: pd.DataFrame) -> Iterator[str]:
    for place, row in enumerate(table.to_dict("records")):
        k = row["k"]
        if place == 0 or row["numbers"] != table["numbers"].iloc[place - 1]:
            yield _NUMBERS[row["numbers"]]
        if row["reason"]:
            yield f"With {k} neighbours: not estimable ({row['reason']})."
            continue
        yield (
            f"With {k} neighbours: trustworthiness {row['trustworthiness']:.2f}, continuity "
            f"{row['continuity']:.2f} (1 is best, chance {row['chance']:.2f}); "
            f"{100 * row['kept']:.0f} % of the {k} nearest images in feature space are among the "
            f"{k} nearest on the map (chance {100 * row['kept_chance']:.0f} %)."
        )


def describe_spread(spread: Spread, typical_map: float) -> str:
    """Describe how far images move with other seeds, beside the distance of two random images."""
    half, most = np.quantile(spread.typical, [0.5, 0.9])
    return (
        f"With {len(spread.seeds)} other seeds, half of the "
        f"{format_units(len(spread.typical), 'image')} move {half:.2f} map units or more, and 1 in "
        f"10 moves {most:.2f} or more. Two random images are {typical_map:.2f} apart."
    )


NO_STEP = "No step to measure: a step needs images of two recorded days."


def describe_steps(steps: StepLengths) -> str:
    """Describe the steps in plain sentences: the text alternative of the chart."""
    return NO_STEP if steps.table.empty else " ".join(_describe_each(steps))


def _describe_each(steps: StepLengths) -> Iterator[str]:
    yield "Step lengths relative to two random images (1 is their median distance)."
    for row in steps.table.to_dict("records"):
        seeds = ""
        if not np.isnan(row["seeds_low"]):
            seeds = f" ({row['seeds_low']:.2f} to {row['seeds_high']:.2f} with other seeds)"
        yield (
            f"Patient {row['patient_id']}, day {row['day_from']:g} to {row['day_to']:g}: "
            f"{row['space_relative']:.2f} in feature space, {row['map_relative']:.2f} on the map"
            f"{seeds}."
        )
