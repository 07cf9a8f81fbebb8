"""What counts as a bad state: the definitions a reader can choose from, and what each knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.errors import SelectionError
from cxrlib.trajectories import in_icu_or_tube

__all__ = ["DEFINITIONS", "SEVERITIES", "BadDefinition", "MarkedImages", "mark_bad"]

#: Severity scores: column, what it is called, its highest value (Cohen et al. 2020a).
SEVERITIES: Mapping[str, tuple[str, float]] = {
    "geographic_mean": ("geographic extent score", 8.0),
    "opacity_mean": ("opacity score", 6.0),
}
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BadDefinition:
    """Hold a definition of a bad state.

    Parameters
    ----------
    name : str
        As chosen on screen and in the address.
    label : str
        The images that are bad, after "density of": "images in the ICU or with a tube".
    known_label : str
        The images that are known to be bad or not, after "among".
    """

    name: str
    label: str
    known_label: str


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class MarkedImages:
    """Hold which images are bad by a definition, and of which it is known.

    Parameters
    ----------
    definition : BadDefinition
        With a threshold or a view in its words, where one was given.
    bad, known : ndarray of bool, shape (n_images,)
        Every bad image is known.
    overlap : ndarray of bool, shape (n_images,)
        Bad, with a reason for good as well: bad wins.
    """

    definition: BadDefinition
    bad: Mask
    known: Mask
    overlap: Mask

    @property
    def n_bad(self) -> int:
        """Count the bad images."""
        return int(self.bad.sum())

    @property
    def n_known(self) -> int:
        """Count the images that are known to be bad or not."""
        return int(self.known.sum())


DEFINITIONS: Mapping[str, BadDefinition] = {}


def mark_bad(
    points: pd.DataFrame,
    definition: str = "ICU or tube",
    *,
    severity: str = "geographic_mean",
    at_least: float = 4.0,
    view: str | None = None,
    selected: Mask | None = None,
) -> MarkedImages:
    """Mark which images are bad by a definition, and of which it is known."""
    raise NotImplementedError
