"""The drawing of the trajectories page: the map with its background, paths and overlays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import plotly.graph_objects as go

from cxrlib.charts.maps import mark_upload
from cxrlib.charts.style import Theme
from cxrlib.cohort import Cohort
from cxrlib.maps import SurfaceWish
from cxrlib.reports import MapDrawing, MapWish, map_page
from cxrlib.uploads import Placed
from ui.widgets.saving import Saving

__all__ = ["Drawing"]


@dataclass(frozen=True, eq=False)
class Drawing(MapDrawing):
    """Hold the parts of a map as this page draws it.

    Parameters
    ----------
    image_id : str or None
        The image beside the map.
    placed : Placed or None
        An uploaded X-ray.
    scale : float
    """

    image_id: str | None
    placed: Placed | None
    scale: float

    @property
    def surface_words(self) -> str:
        """Describe the background."""
        if self.surface is None:
            return "nothing"
        return f"{self.surface.label}, bandwidth {self.surface.wish.bandwidth:g}"

    def draw(self, *, theme: Theme) -> go.Figure:
        """Draw it as it is on the page."""
        figure = self.draw_for_paper(theme=theme)
        return figure if self.placed is None else mark_upload(figure, self.placed, theme=theme)

    def draw_for_paper(self, *, theme: Theme = "light") -> go.Figure:
        """Draw it as it is saved: without an uploaded X-ray."""
        return self.plot(
            theme=theme,
            scale=self.scale,
            selected_image_id=self.image_id,
            uirevision=self.mapped.projection.key,
        )

    def describe_picture(self, filters: Sequence[str]) -> str:
        """Describe the picture, with a remark on its settings."""
        return f"{super().describe_picture(filters)} {self.mapped.projection.remark}".rstrip()

    def offer_page(self, wish: MapWish) -> Saving:
        """Offer the map as a page of its own."""
        return Saving(
            "Interactive page (HTML)",
            f"map-{date.today().isoformat()}.html",
            "text/html",
            lambda: map_page(self.mapped, wish),
        )

    def wish(self, selected: Cohort, filters: Sequence[str], surface: SurfaceWish) -> MapWish:
        """Make the wish for an exported page: the same as on screen, without an uploaded X-ray."""
        return MapWish(
            surface=surface if self.placed is None else replace(surface, kind="none"),
            patients=[path.patient_id for path in self.paths],
            colour_by=self.colouring.by,
            selected=selected,
            filters=filters,
            chosen=tuple(self.chosen),
            reference=self.reference,
        )
