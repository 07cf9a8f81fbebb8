"""Country outlines, and places on an equal-area map.

The outlines are shipped with the project (``outlines.json`` says where they come from), so that
a map asks nothing of the network. Borders are drawn as that file has them and mean no more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr

OUTLINES_FILE = Path(__file__).with_name("outlines.json")
UNITS_A_DEGREE = 10  # the file is in tenths of a degree
#: Coefficients of the Equal Earth projection.
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796


@dataclass(frozen=True)
class Outline:
    """Hold the outline of a country.

    Parameters
    ----------
    country : str
        Its name, as in `cxrlib.cohort.regions`.
    code : str
        ISO 3166-1 alpha-3.
    place : tuple of float
        Longitude and latitude of a point well inside its largest part, in degrees.
    rings : tuple of ndarray of shape (n_corners, 2)
        Longitudes and latitudes of its parts, each closed, in degrees; a hole runs the other
        way round. Empty for a country too small for the scale of 1:110 million.
    """

    country: str
    code: str
    place: tuple[float, float]
    rings: tuple[NDArray[np.float64], ...]
    __repr__ = short_repr


@dataclass(frozen=True)
class PlacedCounts:
    """Hold counts by country: those with a place on the map, and the others.

    Parameters
    ----------
    placed : DataFrame
        The rows of countries on the map, with their place ``x`` and ``y``, the largest first.
    unplaced : DataFrame
        The other rows: the country is not recorded, or not one that is known.
    """

    placed: pd.DataFrame
    unplaced: pd.DataFrame
    __repr__ = short_repr


@lru_cache(maxsize=1)
def load_outlines() -> Mapping[str, Outline]:
    """Read the outlines of all countries but Antarctica.

    Returns
    -------
    mapping of str to Outline
        By the name of the country, as in `cxrlib.cohort.regions`. Read once; do not change the
        arrays.

    Examples
    --------
    >>> load_outlines()["Malta"].place
    (14.4, 35.9)
    """
    content = json.loads(OUTLINES_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            country: Outline(
                country,
                each["code"],
                (each["at"][0] / UNITS_A_DEGREE, each["at"][1] / UNITS_A_DEGREE),
                tuple(_read_ring(steps) for steps in each["rings"]),
            )
            for country, each in content["countries"].items()
        }
    )


def _read_ring(steps: list[int]) -> NDArray[np.float64]:
    """Add up the steps from corner to corner, and close the ring."""
    corners = np.cumsum(np.array(steps, dtype=np.int64).reshape(-1, 2), axis=0)
    return np.vstack([corners, corners[:1]]) / UNITS_A_DEGREE


def project(
    longitude: ArrayLike, latitude: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project places by Equal Earth: areas keep their size, shapes nearly theirs.

    Parameters
    ----------
    longitude, latitude : array_like of float
        In degrees, the latitude from -90 to 90.

    Returns
    -------
    x, y : ndarray of float
        In radii of the earth; the equator runs from -2.71 to 2.71.

    References
    ----------
    Šavrič, Patterson and Jenny 2018, "The Equal Earth map projection", equations 1 and 2
    (``savric2018``).

    Examples
    --------
    >>> x, y = project([0, 180], [0, 90])
    >>> print(x.round(3), y.round(3))
    [0.    1.604] [0.    1.317]
    """
    across = np.radians(np.asarray(longitude, dtype=np.float64))
    angle = np.arcsin(np.sqrt(3) / 2 * np.sin(np.radians(np.asarray(latitude, dtype=np.float64))))
    square = angle**2
    sixth = square**3
    slope = A1 + 3 * A2 * square + sixth * (7 * A3 + 9 * A4 * square)
    x = 2 * np.sqrt(3) * across * np.cos(angle) / (3 * slope)
    y = angle * (A1 + A2 * square + sixth * (A3 + A4 * square))
    return x, y


def place_counts(counts: pd.DataFrame) -> PlacedCounts:
    """Give each country of a table its place on the map.

    Parameters
    ----------
    counts : DataFrame
        With a column ``country`` and a column ``n``, such as the table of
        ``summarise(cohort, "country")``.

    Returns
    -------
    PlacedCounts
        Every row is in one of its two tables, rows that count nothing in neither.

    Raises
    ------
    SelectionError
        If one of the columns is not there.
    """
    for column in ("country", "n"):
        if column not in counts:
            raise SelectionError(
                f"A table of countries needs a column {column!r}; this one has "
                f"{', '.join(map(str, counts.columns))[:200]}. Count by country."
            )
    outlines = load_outlines()
    counts = counts[counts["n"] > 0]
    has_place = counts["country"].isin(list(outlines))
    placed = counts[has_place].sort_values("n", ascending=False, kind="stable")
    places = np.array([outlines[country].place for country in placed["country"]]).reshape(-1, 2)
    x, y = project(places[:, 0], places[:, 1])
    return PlacedCounts(
        placed=placed.assign(x=x, y=y).reset_index(drop=True),
        unplaced=counts[~has_place].reset_index(drop=True),
    )
