"""Along a patient's days: what share of the nearest images of others is of a bad state.

No map is behind it: distances are those of `cxrlib.space`. A neighbour is an image of another
person and of another source (no article, no site in common), of the same view and of known state.
It is a description of who is near, not a forecast: near images may come of one machine or crop.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxrlib.embeddings import EmbeddingSet
from cxrlib.errors import SelectionError
from cxrlib.intervals import FEW, compute_wilson, name_units
from cxrlib.space import Features, Space, lay_out_space, measure_distances

__all__ = ["NEAREST", "PathShares", "describe_path_shares", "path_shares", "shares_table"]

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

NEAREST = 20
#: The nearest of fewer than so many times k images would be most of them, whatever the image.
LEAST_POOL = 2
N_DRAWS = 2000
LEVEL = 0.95
DIGITS = 6  # of a distance; beyond them the order of summation shows


@dataclass(frozen=True)
class PathShares:
    """Hold the share of bad among the nearest images of others, by image of a patient.

    Parameters
    ----------
    patient_id, person_id : str
    table : DataFrame
        A row an X-ray of the patient, by day, then view and id, those without a day last:
        image_id, day (NaN: not recorded), view ("" where blank), state, share, low, high (95 %),
        n_bad, n_neighbours, n_persons (whose they are), reach (distance of the k-th), overall
        (share of bad among all that could have been neighbours), n_overall, n_overall_persons,
        differs ("above", "below" or "": the overall share beside the interval) and reason (why
        there is no share, "" where there is one).
    k : int
    space : Space
    """

    patient_id: str
    person_id: str
    table: pd.DataFrame
    k: int
    space: Space


def path_shares(
    table: pd.DataFrame,
    embeddings: EmbeddingSet,
    patient_id: str,
    *,
    k: int = NEAREST,
    bad: ArrayLike | None = None,
    known: ArrayLike | None = None,
    duplicates: Collection[frozenset[str]] = (),
    features: Features = "outputs",
    space: Space | None = None,
    seed: int = 0,
) -> PathShares:
    """Find the share of bad among the k nearest images of others, for each image of a patient.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, the whole one.
    embeddings : EmbeddingSet
        Of the cohort.
    patient_id : str
        As recorded.
    k : int, default 20
    bad, known : array-like of bool, optional
        What counts as bad, and of which images that is known, a row of `table` each. By default
        the state: bad, and good or bad.
    duplicates : collection of frozenset of str
        Images that are near duplicates of each other: one of the patient's is no neighbour.
    features : {"outputs", "embedding"}
    space : Space, optional
        Of the same table, embeddings and features, made once for all patients.
    seed : int, default 0
        Of drawing persons again.

    Raises
    ------
    SelectionError
        If the table has no such patient, or k is below 1.
    """
    raise NotImplementedError


def describe_path_shares(shares: Sequence[PathShares]) -> str:
    """Say the shares in plain sentences: the text alternative of the chart."""
    raise NotImplementedError


def shares_table(shares: Sequence[PathShares]) -> pd.DataFrame:
    """Join the tables of several patients, the patient's id first."""
    raise NotImplementedError
