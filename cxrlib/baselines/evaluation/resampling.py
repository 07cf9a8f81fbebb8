"""Bootstrap over persons: how far a score depends on who was in the collection.

Persons are drawn with replacement, each with all of their images; the model is not fitted again,
so that an interval speaks of this model in other people of the same place.
"""

import hashlib

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.intervals import (
    LEVEL,
    Units,
    count_resamples,
    find_reach,
    refuse_resamples,
)
from cxrlib.baselines.evaluation.scores import ROUNDING


def resample_persons(persons: np.ndarray, n: int, seed: int, name: str = "") -> np.ndarray:
    """Draw persons with replacement.

    Parameters
    ----------
    persons : ndarray of int, shape (n_images,)
        The code of each image's person, 0 to n_persons - 1.
    n : int
        Resamples.
    seed : int
    name : str
        Of the fold, so that folds of one size are not drawn alike and adding one changes no other.

    Returns
    -------
    ndarray of int, shape (n, n_persons)
        How often each was drawn.
    """
    n_persons = int(persons.max(initial=-1)) + 1
    digest = hashlib.sha256(name.encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
    return rng.multinomial(n_persons, np.full(n_persons, 1 / n_persons), size=n)


def draw_weights(persons: np.ndarray, n: int, seed: int, name: str = "") -> np.ndarray:
    """Draw persons, and give how often each image is in each resample.

    Parameters
    ----------
    persons : ndarray, shape (n_images,)
        Codes or names; who is which draw depends on the order in which they come.
    n, seed, name
        As `resample_persons`.

    Returns
    -------
    ndarray of float, shape (n, n_images)
    """
    codes = pd.factorize(persons)[0]
    return resample_persons(codes, n, seed, name)[:, codes].astype(float)


def weigh_images(persons: np.ndarray, n: int, seed: int, name: str = "") -> np.ndarray:
    """Weigh each image once, and below as resamples of persons draw it.

    Parameters
    ----------
    persons, n, seed, name
        As `draw_weights`.

    Returns
    -------
    ndarray of float, shape (1 + n, n_images)
    """
    return np.vstack([np.ones((1, len(persons))), draw_weights(persons, n, seed, name)])


def count_persons(
    y: np.ndarray, persons: np.ndarray, *, is_class: bool, unit: str = "person"
) -> Units:
    """Count the persons that a score rests on.

    Examples
    --------
    >>> count_persons(np.array([0, 1, 1, 1]), np.array(["a", "b", "b", "c"]), is_class=True)
    Units(n=3, n_positive=2, n_negative=1, is_class=True, unit='person')
    """
    n_all = len(set(persons))
    if not is_class:
        return Units(n_all, is_class=False, unit=unit)
    positive, negative = (len(set(persons[y == label])) for label in (1, 0))
    return Units(n_all, positive, negative, unit=unit)


def find_percentiles(scores: np.ndarray, n_independent: int) -> dict[str, object]:
    """Find the interval of a difference over resamples, by expanded percentiles.

    Resamples of few persons spread less than samples do, by the factor sqrt((n - 1) / n), and
    plain percentiles do as if n were large. Percentiles as far out as Student's t makes up for both
    (hesterberg2015).

    Parameters
    ----------
    scores : ndarray of float, shape (n_resamples,)
        NaN where a resample has none.
    n_independent : int
        How many persons it rests on.

    Returns
    -------
    dict
        Cells of a table: low, high, n_used, n_dropped, and the reason where there are no ends.
    """
    used = scores[np.isfinite(scores)]
    cells = {"low": np.nan, "high": np.nan, **count_resamples(scores)}
    reason = refuse_resamples(scores)
    if not reason and len(used) and np.ptp(used) <= ROUNDING * np.abs(used).max():
        reason = "No interval: all resamples give one value, which does not make it certain."
    if reason or not len(used):
        return {**cells, "reason": reason}
    tail = find_tail(n_independent)
    low, high = np.quantile(used, [tail, 1 - tail]).tolist()
    return {**cells, "low": low, "high": high, "reason": ""}


def find_student(value: float, resampled: np.ndarray, n_independent: int) -> dict[str, object]:
    """Find Student's interval about a value, with the standard error of resamples.

    Parameters
    ----------
    value : float
    resampled : ndarray of float, shape (n_resamples,)
        NaN where a resample has none.
    n_independent : int
        How many persons it rests on.

    Returns
    -------
    dict
        As `find_percentiles`.
    """
    cells = find_percentiles(resampled, n_independent)
    if cells["reason"] or np.isnan(float(str(cells["low"]))):
        return cells
    n = max(n_independent, 2)
    error = float(np.nanstd(resampled, ddof=1)) * np.sqrt(n / (n - 1))
    reach = find_reach(n) * error
    return {**cells, "low": value - reach, "high": value + reach}


def find_tail(n_independent: int) -> float:
    """Find the share of resamples to leave out at either end.

    Examples
    --------
    >>> [round(find_tail(n), 4) for n in (10, 100)]
    [0.0086, 0.0231]
    """
    from scipy.special import ndtr, stdtrit

    # One person has no spread to expand.
    n = max(n_independent, 2)
    return float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.5 - LEVEL / 2)))
