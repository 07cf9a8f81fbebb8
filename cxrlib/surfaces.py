"""What lies behind the points of a map: the density of bad images, or their share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.bad_states import MarkedImages
from cxrlib.density import DensityGrid, ShareGrid

__all__ = ["Surface", "SurfaceWish", "estimate_surface"]


@dataclass(frozen=True)
class SurfaceWish:
    """Hold what a reader wants behind the points; hashable.

    Parameters
    ----------
    kind : {"density", "share", "none"}
    definition : str
        One of `cxrlib.bad_states.DEFINITIONS`.
    severity, at_least
        Score and threshold of the definition by severity.
    view : str, optional
        Bad and known images of this view only.
    bandwidth : float, default 1.0
        In map units.
    """

    kind: Literal["density", "share", "none"] = "density"
    definition: str = "ICU or tube"
    severity: str = "geographic_mean"
    at_least: float = 4.0
    view: str | None = None
    bandwidth: float = 1.0


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Surface:
    """Hold a surface with its words; ``grid`` is None where it cannot be estimated."""

    wish: SurfaceWish
    grid: DensityGrid | ShareGrid | None
    marked: MarkedImages

    @property
    def label(self) -> str:
        """Say what it is: "density of …" or "share of …"."""
        raise NotImplementedError

    @property
    def remark(self) -> str:
        """Say from how many images, or why there is none."""
        raise NotImplementedError


def estimate_surface(
    points: pd.DataFrame,
    wish: SurfaceWish,
    *,
    kept: NDArray[np.bool_] | None = None,
) -> Surface | None:
    """Estimate what is wished for; None where nothing is.

    Parameters
    ----------
    points : DataFrame
        All points of the map, with x, y and the columns of the definition.
    wish : SurfaceWish
    kept : ndarray of bool, optional
        What the filters keep: only these count, but for "current filter".
    """
    raise NotImplementedError
