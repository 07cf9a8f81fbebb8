"""What the points of a map are coloured by: state, a column, an extractor's output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Colouring", "colour_points", "list_colourings"]


class WithOutputs(Protocol):
    """Describe what is needed of embeddings; `cxrlib.embeddings.EmbeddingSet` is such a thing."""

    @property
    def image_ids(self) -> Sequence[str]:
        """Give the images."""

    @property
    def outputs(self) -> NDArray[np.float32]:
        """Give their outputs, shape (n_images, n_outputs)."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Colouring:
    """Hold a value a point.

    Parameters
    ----------
    by : str
        Name, as in the address.
    label : str
        In words.
    kind : {"state", "category", "number"}
    codes : ndarray of int, shape (n_points,)
        Place of each point's category in `names`; -1 where none is recorded.
    values : ndarray of float, shape (n_points,)
        Of a number; NaN where none is recorded. Empty otherwise.
    names : tuple of str
        Categories in the order of the legend.
    keys : tuple of str
        What decides each category's colour: stays the same under filters.
    limits : tuple of float
        Of a number's scale.
    """

    by: str
    label: str
    kind: Literal["state", "category", "number"]
    codes: NDArray[np.intp]
    values: NDArray[np.float64]
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    limits: tuple[float, float] = (0.0, 1.0)

    @property
    def n_missing(self) -> int:
        """Count the points without a value."""
        raise NotImplementedError

    @property
    def counts(self) -> tuple[int, ...]:
        """Count the points of each category."""
        raise NotImplementedError

    def take(self, rows: NDArray[np.bool_]) -> "Colouring":
        """Keep some points; the categories, their colours and the scale stay."""
        raise NotImplementedError


def list_colourings(points: pd.DataFrame, embeddings: WithOutputs | None = None) -> list[str]:
    """List what points can be coloured by, of which at least one value is recorded."""
    raise NotImplementedError


def colour_points(
    points: pd.DataFrame, by: str = "state", *, embeddings: WithOutputs | None = None
) -> Colouring:
    """Read what the points are coloured by."""
    raise NotImplementedError
