"""The background of a map: the density of bad images, or their share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.errors import SelectionError
from cxrlib.maps.bad_state_definitions import MarkedImages, mark_bad
from cxrlib.maps.density import (
    DensityGrid,
    ShareGrid,
    estimate_density,
    estimate_share,
)

SURFACE_KINDS = ("density", "share", "none")


@dataclass(frozen=True)
class SurfaceWish:
    """Hold which background a reader wants; hashable.

    Parameters
    ----------
    kind : {"density", "share", "none"}
        Where bad images are, or how many of those known are bad.
    definition : str
        One of `cxrlib.maps.DEFINITIONS`.
    severity : str
        Score of the definition by severity, one of `cxrlib.maps.SEVERITIES`.
    at_least : float
        Its threshold.
    view : str, optional
        Bad and known images of this view only: AP images are mostly bad, PA mostly good.
    bandwidth : float, default 1.0
        In map units; the paper's.
    """

    kind: Literal["density", "share", "none"] = "density"
    definition: str = "ICU or tube"
    severity: str = "geographic_mean"
    at_least: float = 4.0
    view: str | None = None
    bandwidth: float = 1.0


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Surface:
    """Hold a surface with its words.

    Parameters
    ----------
    wish : SurfaceWish
    grid : DensityGrid, ShareGrid or None
        None where it is not estimable; `remark` says why.
    marked : MarkedImages
        What it was estimated from.
    """

    wish: SurfaceWish
    grid: DensityGrid | ShareGrid | None
    marked: MarkedImages

    @property
    def label(self) -> str:
        """Name the surface: "density of …" or "share of … among …"."""
        words = self.marked.definition
        if self.wish.kind == "density":
            return f"density of {words.label}"
        return f"share of {words.label} among {words.known_label}"

    @property
    def remark(self) -> str:
        """Describe in a sentence how many images it is from, or why there is no surface."""
        marked, words = self.marked, self.marked.definition
        if self.grid is None:
            return f"No {self.wish.kind} of {words.label}: {self._why_none()}."
        share = f" ({100 * self.grid.overall:.0f} %)" if isinstance(self.grid, ShareGrid) else ""
        overlap = f"; {marked.n_overlap:,} also have opposite reasons" if marked.n_overlap else ""
        return (
            f"Counted: {marked.n_bad:,} of {marked.n_known:,} {words.known_label}{share}{overlap}."
        )

    def _why_none(self) -> str:
        """Describe why it is not estimable."""
        marked, words = self.marked, self.marked.definition
        if not marked.n_known:
            return f"there are no {words.known_label}"
        if not marked.n_bad:
            return f"none of {marked.n_known:,} {words.known_label} is"
        if self.wish.definition == "current filter":
            return "no image is filtered out, so the share is 100 % everywhere"
        return f"all of {marked.n_known:,} {words.known_label} are"


def estimate_surface(
    points: pd.DataFrame,
    wish: SurfaceWish,
    *,
    kept: NDArray[np.bool_] | None = None,
) -> Surface | None:
    """Estimate the background that is asked for; None where none is.

    Parameters
    ----------
    points : DataFrame
        All points of the map, with x, y and the columns of the definition.
    wish : SurfaceWish
    kept : ndarray of bool, shape (n_points,), optional
        What the filters keep: only these count. For the definition "current filter" they are
        those that are bad, of all.

    Returns
    -------
    Surface or None
        Its grid is None where no image is bad, or where all are and a share is wished for.

    Raises
    ------
    SelectionError
        If there is no such kind of surface, definition or score.
    ProjectionError
        If the bandwidth does not fit the map.
    """
    if wish.kind not in SURFACE_KINDS:
        raise SelectionError(
            f"There is no surface {wish.kind!r}. Choose one of {', '.join(SURFACE_KINDS)}."
        )
    if wish.kind == "none":
        return None
    marked = mark_bad(
        points,
        wish.definition,
        severity=wish.severity,
        at_least=wish.at_least,
        view=wish.view,
        selected=kept,
    )
    if kept is not None and wish.definition != "current filter":
        marked = marked.take(kept)
    return Surface(wish, _estimate(points, wish, marked), marked)


def _estimate(
    points: pd.DataFrame, wish: SurfaceWish, marked: MarkedImages
) -> DensityGrid | ShareGrid | None:
    """Estimate the grid of a surface."""
    places = points[["x", "y"]].to_numpy(dtype=np.float64)
    if wish.kind == "density":
        return estimate_density(places[marked.bad], bandwidth=wish.bandwidth)
    if marked.n_bad in (0, marked.n_known):
        return None  # one colour everywhere; the words say it
    known = marked.known
    return estimate_share(places[known], marked.bad[known], bandwidth=wish.bandwidth)
