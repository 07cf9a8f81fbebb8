"""Who is near whom in the space of an extractor's numbers, without any map.

Distances are root mean squares over standardised columns: 1 is one standard deviation a column,
as spread over the cohort's X-rays; two images taken at random are about 1.4 apart. They need no
map and do not depend on one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cxrlib.embeddings import EmbeddingSet
from cxrlib.extractors.info import ExtractorInfo

__all__ = [
    "Courses",
    "Reference",
    "Space",
    "describe_courses",
    "lay_out_space",
    "nearest_courses",
]

Features = Literal["outputs", "embedding"]
WINDOW = 3.0  # days


@dataclass(frozen=True)
class Space:
    """Hold standardised numbers of a cohort's X-rays, ready to measure distances in.

    Parameters
    ----------
    table : DataFrame
        Rows of the cohort's table that have numbers, ordered by person, view, day and id.
    vectors : ndarray of shape (n_images, n_columns), float32
        Columns less their mean, by their standard deviation and by the root of the number of
        columns, so that a Euclidean distance is a root mean square.
    info : ExtractorInfo
    features : {"outputs", "embedding"}
    n_constant : int
        Columns left out because they do not vary.
    """

    table: pd.DataFrame
    vectors: np.ndarray
    info: ExtractorInfo
    features: Features
    n_constant: int


@dataclass(frozen=True)
class Reference:
    """Hold the distances of random other persons, for "near" to mean something.

    Parameters
    ----------
    draws : ndarray of shape (n_draws,)
        Sorted distances, each of a random other person of the same views, with a random day of
        theirs in place of the same day.
    n_persons : int
        Persons drawn from.
    median, low, high : float
        Of the draws: the middle, 5 % and 95 %.
    share : float
        Share of draws as near as the nearest person, or nearer.
    best, best_low, best_high : float
        The smallest of as many random draws as persons were compared: mean, 5 % and 95 %.
    seed : int
    """

    draws: np.ndarray
    n_persons: int
    median: float
    low: float
    high: float
    share: float
    best: float
    best_low: float
    best_high: float
    seed: int


@dataclass(frozen=True)
class Courses:
    """Hold the other persons whose images ran most alike.

    Parameters
    ----------
    patient_id, person_id : str
    table : DataFrame
        A row a person, nearest first: rank, person_id, patient_ids (joined by ", "), distance,
        n_aligned (the patient's days with an image of that person), n_images (of theirs that
        were used), shares ("article", "site" or "": what source both come from).
    n_persons : int
        Persons compared; the table can hold fewer.
    n_days : int
        The patient's days with numbers.
    reference : Reference or None
    reason : str
        Why there is no table or no reference, "" where there is.
    window : float
        Days.
    space : Space
    """

    patient_id: str
    person_id: str
    table: pd.DataFrame
    n_persons: int
    n_days: int
    reference: Reference | None
    reason: str
    window: float
    space: Space


def lay_out_space(
    table: pd.DataFrame, embeddings: EmbeddingSet, *, features: Features = "outputs"
) -> Space:
    """Standardise the numbers of a cohort's X-rays."""
    raise NotImplementedError


def nearest_courses(
    table: pd.DataFrame,
    embeddings: EmbeddingSet,
    patient_id: str,
    *,
    window: float = WINDOW,
    n_nearest: int = 10,
    features: Features = "outputs",
    space: Space | None = None,
    n_draws: int = 4000,
    seed: int = 0,
) -> Courses:
    """Find the other persons whose images were most alike on the same days."""
    raise NotImplementedError


def describe_courses(courses: Courses) -> str:
    """Say who is nearest and whether that is near, in plain sentences."""
    raise NotImplementedError
