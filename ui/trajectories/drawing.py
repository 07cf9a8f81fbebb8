"""The drawing of the trajectories page: the map with its background, paths and overlays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.maps import (
    add_cloud,
    caption_map,
    describe_map,
    mark_upload,
    plot_map,
    ring_chosen,
)
from cxrlib.charts.style import Theme
from cxrlib.cohort import Cohort
from cxrlib.maps import Colouring, ReferenceCloud, Surface, SurfaceWish, Trajectory, describe_cloud
from cxrlib.reports import MapWish, describe_rings, map_page
from cxrlib.uploads import Placed
from ui.session.resources import Current
from ui.widgets.saving import Saving

__all__ = ["Drawing"]


@dataclass(frozen=True, eq=False)
class Drawing:
    """Hold the parts of a drawn map.

    Parameters
    ----------
    current : Current
    is_kept : ndarray of bool, shape (n_points,)
        What the filters keep of the map's points.
    surface : Surface or None
    colouring : Colouring
        Of all points.
    paths : sequence of Trajectory
    image_id : str or None
        The image beside the map.
    chosen : tuple of str
        Images that were lassoed, boxed or typed.
    reference : ReferenceCloud or None
    placed : Placed or None
        A new X-ray.
    scale : float
    """

    current: Current
    is_kept: NDArray[np.bool_]
    surface: Surface | None
    colouring: Colouring
    paths: Sequence[Trajectory]
    image_id: str | None
    chosen: tuple[str, ...]
    reference: ReferenceCloud | None
    placed: Placed | None
    scale: float

    @cached_property
    def points(self) -> pd.DataFrame:
        """Give the points in full, with their hover texts."""
        return self.current.marks[self.is_kept]

    @cached_property
    def kept_colouring(self) -> Colouring:
        """Give the colouring of those."""
        return self.colouring.take(self.is_kept)

    @property
    def surface_words(self) -> str:
        """Describe the background."""
        if self.surface is None:
            return "nothing"
        return f"{self.surface.label}, bandwidth {self.surface.wish.bandwidth:g}"

    def draw(self, *, theme: Theme) -> go.Figure:
        """Draw it as it stands on the page."""
        figure = self._draw_own(theme)
        return figure if self.placed is None else mark_upload(figure, self.placed, theme=theme)

    def draw_for_paper(self, *, theme: Theme = "light") -> go.Figure:
        """Draw it as it leaves: a new X-ray stays here."""
        return self._draw_own(theme)

    def _draw_own(self, theme: Theme) -> go.Figure:
        figure = plot_map(
            self.points,
            self.surface,
            self.paths,
            colouring=self.kept_colouring,
            theme=theme,
            selected_image_id=self.image_id,
            uirevision=self.current.mapped.projection.key,
            scale=self.scale,
            backdrop=self.current.marks[~self.is_kept],
        )
        if self.reference is not None:
            add_cloud(figure, self.reference.places, theme=theme, name=self.reference.name)
        return ring_chosen(figure, self.points, self.chosen, theme=theme, scale=self.scale)

    def describe(self) -> str:
        """Describe it in words, for those who do not see it."""
        return describe_map(self.points, self.surface, self.paths, colouring=self.kept_colouring)

    def write_caption(self, filters: Sequence[str]) -> str:
        """Describe the picture: one line, then on a second one how (not) to read it."""
        mapped = self.current.mapped
        caption = caption_map(
            self.points,
            cohort=mapped.cohort.name,
            extractor=mapped.extractor,
            method=mapped.projection.settings.method,
            features=mapped.projection.settings.features,
            surface=self.surface,
            colouring=self.kept_colouring,
            filters="; ".join(filters),
        )
        cloud = "" if self.reference is None else describe_cloud(self.reference)
        rings = describe_rings(self.points, self.chosen)
        return " ".join(filter(None, [caption, *rings, cloud, mapped.projection.remark]))

    def offer_page(self, wish: MapWish) -> Saving:
        """Offer the map as a page of its own."""
        return Saving(
            "Interactive page (HTML)",
            f"map-{date.today().isoformat()}.html",
            "text/html",
            lambda: map_page(self.current.mapped, wish),
        )

    def wish(self, selected: Cohort, filters: Sequence[str], surface: SurfaceWish) -> MapWish:
        """Make the wish for an exported page: the same as on screen, without an uploaded X-ray."""
        return MapWish(
            surface=surface if self.placed is None else replace(surface, kind="none"),
            patients=[path.patient_id for path in self.paths],
            colour_by=self.colouring.by,
            selected=selected,
            filters=filters,
            chosen=self.chosen,
            reference=self.reference,
        )
