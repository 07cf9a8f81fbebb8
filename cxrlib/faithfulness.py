"""How far a map tells what is near in the numbers it was made from.

Neither measure says that what is near is alike in illness; both only compare the map with the
space it is a picture of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.map_spread import Spread
from cxrlib.space import Space
from cxrlib.trajectories import OnMap, Trajectory

__all__ = [
    "NEIGHBOURS",
    "StepLengths",
    "describe_faithfulness",
    "describe_steps",
    "measure_faithfulness",
    "measure_steps",
]

Floats = NDArray[np.floating]

NEIGHBOURS = (15, 30)


def measure_faithfulness(
    space: Space, projection: OnMap, *, ks: Sequence[int] = NEIGHBOURS
) -> pd.DataFrame:
    """Measure how well a map keeps who is near whom.

    Parameters
    ----------
    space : Space
        The numbers, standardised.
    projection : Projection
    ks : sequence of int
        Numbers of neighbours.

    Returns
    -------
    DataFrame
        A row a k: k, trustworthiness (1: nobody stands near on the map who is not near in the
        numbers), continuity (1: nobody who is near in the numbers stands far on the map), kept
        (share of the k nearest in the numbers that are among the k nearest on the map), chance
        (of `kept`, on a map of random places), chance_trust, n_images (distinct places), n_measured
        and reason ("not estimable: ...").
    """
    raise NotImplementedError


@dataclass(frozen=True)
class StepLengths:
    """Hold the steps of paths, on the map and in the numbers.

    Parameters
    ----------
    table : DataFrame
        A row a step: patient_id, day_from, day_to, state (it leads to), map_units, in_space
        (standard deviations a column), map_relative and space_relative (1: two images at random,
        the median), seeds_low and seeds_high (of map_relative, over other seeds; NaN without).
    typical_map, typical_space : float
        Median distance of two images.
    n_seeds : int
    """

    table: pd.DataFrame
    typical_map: float
    typical_space: float
    n_seeds: int


def measure_steps(
    paths: Sequence[Trajectory], space: Space, projection: OnMap, *, spread: Spread | None = None
) -> StepLengths:
    """Measure each step in the original space beside its length on the map."""
    raise NotImplementedError


def describe_faithfulness(table: pd.DataFrame) -> str:
    """Say the measures of a map in plain sentences."""
    raise NotImplementedError


def describe_steps(steps: StepLengths) -> str:
    """Say the steps in plain sentences: the text alternative of the chart."""
    raise NotImplementedError
