"""The space of an extractor's numbers: who is how far from whom, without any map.

Distances are root mean squares over standardised columns: 1 is one standard deviation a column,
as spread over the cohort's X-rays; two X-rays taken at random are about 1.4 apart. What is near
is near in these numbers: view, machine, crop and source make images alike before any illness does.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.embedding.embeddings import EmbeddingSet
from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr
from cxrlib.storage import ExtractorInfo

Features = Literal["outputs", "embedding"]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

#: Up to so many columns are kept in double precision.
FLOAT64_COLUMNS = 64


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class FeatureSpace:
    """Hold standardised numbers of a cohort's X-rays, ready to measure distances in.

    Parameters
    ----------
    table : DataFrame
        The X-rays that have numbers: image_id, patient, person (the patient where none was
        derived), view ("" where blank), day (NaN where blank), article and site ("" where blank);
        ordered by person, view, day and id, whatever order they came in.
    vectors : ndarray of shape (n_images, n_columns)
        Columns less their mean, divided by their standard deviation and by the root of the number
        of columns, so that a Euclidean distance is a root mean square.
    info : ExtractorInfo
    features : {"outputs", "embedding"}
    n_constant : int
        Columns left out because they do not vary.
    """

    table: pd.DataFrame
    vectors: Floats
    info: ExtractorInfo
    features: Features
    n_constant: int
    __repr__ = short_repr

    @cached_property
    def codes(self) -> dict[str, Places]:
        """Number the values of each column of the table but the image's id; -1 for blanks."""
        columns = (name for name in self.table if name != "image_id")
        return {str(name): _number_values(self.table[name]) for name in columns}

    @cached_property
    def days(self) -> NDArray[np.float64]:
        """Give the day of each image, NaN where not recorded."""
        return self.table["day"].to_numpy(dtype=np.float64)

    def mark(self, column: str, value: str) -> Bools:
        """Tell which images have a value."""
        return self.table[column].eq(value).to_numpy(dtype=bool, na_value=False)


def _number_values(values: pd.Series) -> Places:
    """Give each value its number in rising order, -1 for blanks."""
    return pd.factorize(values.mask(values.eq("")), sort=True)[0]


def lay_out_feature_space(
    table: pd.DataFrame, embeddings: EmbeddingSet, *, features: Features = "outputs"
) -> FeatureSpace:
    """Standardise the numbers of a cohort's X-rays.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, the whole one: distances should not depend on a selection.
    embeddings : EmbeddingSet
        Of the cohort.
    features : {"outputs", "embedding"}, default "outputs"
        What the map is made of by default, too.

    Returns
    -------
    FeatureSpace
        For all patients of the cohort: make it once.

    Raises
    ------
    SelectionError
        For other features.
    """
    if features not in ("outputs", "embedding"):
        raise SelectionError(f"Features {features!r} do not exist: 'outputs' or 'embedding'.")
    numbers = embeddings.outputs if features == "outputs" else embeddings.embedding
    places = pd.Series(range(len(embeddings.image_ids)), index=list(embeddings.image_ids))
    place = table["image_id"].map(places)
    is_finite = np.isfinite(numbers).all(axis=1)
    rows = table["is_xray"].to_numpy(dtype=bool) & place.notna().to_numpy()
    rows[rows] = is_finite[place[rows].to_numpy(dtype=int)]
    images = pd.DataFrame(
        {
            "image_id": table["image_id"],
            "patient": table["patient_id"],
            "person": table["person_id"].fillna(table["patient_id"]),
            "view": table["view"].fillna(""),
            "day": table["offset"].astype(float),
            "article": table["article"].fillna(""),
            "site": table["source"].fillna(""),
            "place": place,
        }
    )[rows].sort_values(["person", "view", "day", "image_id"], ignore_index=True)
    vectors, n_constant = _standardise(numbers[images.pop("place").to_numpy(dtype=int)])
    return FeatureSpace(images, vectors, embeddings.info, features, n_constant)


def _standardise(numbers: Floats) -> tuple[Floats, int]:
    """Standardise columns; leave out those that do not vary."""
    kind = np.float64 if numbers.shape[1] <= FLOAT64_COLUMNS else np.float32
    if not len(numbers):
        return numbers.astype(kind), 0
    mean = numbers.mean(axis=0, dtype=np.float64)
    spread = numbers.std(axis=0, dtype=np.float64)
    # A constant column has a spread of rounding errors.
    varies = spread > 1e-6 * np.maximum(np.abs(mean), 1e-12)
    n_columns = max(int(varies.sum()), 1)
    scaled = (numbers[:, varies] - mean[varies]) / (spread[varies] * np.sqrt(n_columns))
    return scaled.astype(kind), int((~varies).sum())


def measure_distances(space: FeatureSpace, rows: Places, others: Places) -> Floats:
    """Measure distances of some images to others, shape (n_rows, n_others).

    Parameters
    ----------
    space : FeatureSpace
    rows, others : ndarray of int
        Places in the space's table.
    """
    one, two = space.vectors[rows], space.vectors[others]
    squares = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1)[None, :] - 2 * (one @ two.T)
    return np.sqrt(np.maximum(squares, 0))
