"""Bootstrap over persons: how far a score depends on who was in the collection.

Persons are drawn with replacement, each with all of their images; the model is not fitted again,
so that an interval speaks of this model in other people of the same place.
"""

import hashlib

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.scores import ROUNDING
from cxrlib.number_text import format_units

LEVEL = 0.95
"""Share of such intervals that should hold the truth."""

ONE_PERSON = "No interval: all images are from one person."

# With more resamples dropped than this the rest are no picture of the spread.
_MOST_DROPPED = 0.5


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


def count_fewest(y: np.ndarray, persons: np.ndarray, *, is_class: bool) -> int:
    """Count the persons of the smaller class; of numbers all.

    Examples
    --------
    >>> count_fewest(np.array([0, 1, 1, 1]), np.array(["a", "b", "b", "c"]), is_class=True)
    1
    """
    parts = [persons[y == label] for label in (0, 1)] if is_class else [persons]
    return min(len(set(part)) for part in parts)


def count_independent(y: np.ndarray, persons: np.ndarray, *, is_class: bool) -> int:
    """Count the persons that bound what is known: of classes twice the fewest, at most all.

    See `find_interval`.
    """
    fewest = count_fewest(y, persons, is_class=is_class)
    return min(2 * fewest, len(set(persons))) if is_class else fewest


def find_interval(
    scores: np.ndarray, *, n_independent: int | None = None
) -> tuple[float, float, int, str]:
    """Find the interval of a score over resamples, by expanded percentiles.

    Resamples of few persons spread less than samples do, by the factor sqrt((n - 1) / n), and
    plain percentiles do as if n were large. Percentiles as far out as Student's t makes up for both
    (hesterberg2015).

    Parameters
    ----------
    scores : ndarray of float, shape (n_resamples,)
        NaN where a resample has no score: one class was not drawn.
    n_independent : int, optional
        How many persons the score rests on: those drawn, or where that is less twice those in
        the smaller class. Plain percentiles if not given.

    Returns
    -------
    low, high : float
        NaN where there is none.
    n_used : int
    reason : str
        Why there is none; "" else.
    """
    used = scores[np.isfinite(scores)]
    if len(scores) == 0:
        return np.nan, np.nan, 0, ""
    if len(used) < (1 - _MOST_DROPPED) * len(scores):
        drawn = format_units(len(scores), "resample")
        reason = f"No interval: only {len(used):,} of {drawn} have a score."
        return np.nan, np.nan, len(used), reason
    tail = find_tail(n_independent)
    low, high = np.quantile(used, [tail, 1 - tail])
    if high - low <= ROUNDING * np.abs(used).max():
        reason = "No interval: all resamples give one score, which does not make it certain."
        return np.nan, np.nan, len(used), reason
    return float(low), float(high), len(used), ""


def find_interval_cells(scores: np.ndarray, n_independent: int) -> dict[str, object]:
    """Find an interval as cells of a table: low, high, n_used, n_dropped, reason."""
    low, high, n_used, reason = find_interval(scores, n_independent=n_independent)
    n_dropped = len(scores) - n_used
    return {"low": low, "high": high, "n_used": n_used, "n_dropped": n_dropped, "reason": reason}


def find_tail(n_independent: int | None) -> float:
    """Find the share of resamples to leave out at either end.

    Examples
    --------
    >>> [round(find_tail(n), 4) for n in (10, 100, None)]
    [0.0086, 0.0231, 0.025]
    """
    from scipy.special import ndtr, stdtrit

    tail = 0.5 - LEVEL / 2
    if n_independent is None:
        return tail
    # One person has no spread to expand.
    n = max(n_independent, 2)
    return float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, tail)))
