"""The stage of the trajectories page: the map, its player and an image beside it."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.charts.maps import MAP_QUESTION
from cxrlib.maps import SurfaceWish, Trajectory, estimate_surface
from cxrlib.reports import points_table
from ui.trajectories.details import show_story
from ui.trajectories.drawing import Drawing
from ui.trajectories.image_beside import find_shown_image, show_map_image
from ui.trajectories.lasso import (
    CHART_CONFIG,
    SELECTION_MODE,
    keep_tool,
    offer_parquet,
    remember_selection,
)
from ui.trajectories.map_play import show_player
from ui.trajectories.map_view import keep_view
from ui.trajectories.scene import Scene
from ui.trajectories.surface_controls import load_colouring
from ui.trajectories.upload_panel import show_upload
from ui.widgets.figure import show_figure
from ui.widgets.origin import saved_today
from ui.widgets.text import show_quiet

__all__ = ["show_stage"]

LARGE = 1.5  # times as large, for a projector


def show_stage(
    scene: Scene,
    paths: Sequence[Trajectory],
    *,
    patients: Sequence[str],
    wish: SurfaceWish,
    colour: str,
    chosen: tuple[str, ...],
    large: bool,
    remarks: DeltaGenerator,
) -> Drawing:
    """Show the map, below it a new X-ray, the player and the story, beside it an image.

    Parameters
    ----------
    scene : Scene
    paths : sequence of Trajectory
        Those drawn.
    patients : sequence of str
        Those chosen, whether the filters leave a path of them or not.
    wish : SurfaceWish
        The background.
    colour : str
        What they are coloured by.
    chosen : tuple of str
        Images that were lassoed, boxed or typed.
    large : bool
    remarks : DeltaGenerator
        A container for what is not drawn, and why.

    Returns
    -------
    Drawing
        What was drawn.
    """
    current = scene.current
    image_id = find_shown_image(scene.points, scene.left_out, paths)
    chart, panel = st.columns([2, 1], gap="medium")
    with chart:
        # The upload stands below the map, which marks it: its place is read first.
        above, below = st.container(), st.container()
        with below:
            placed = show_upload(current)
        if placed and wish.kind != "none":
            with remarks:
                show_quiet("The density layer is hidden while an uploaded X-ray is shown.")
        kept = None if scene.selection.is_empty else scene.is_kept
        drawing = Drawing(
            current.mapped,
            current.marks,
            scene.is_kept,
            # Beside an uploaded X-ray neither density nor share is shown.
            None if placed else estimate_surface(current.points, wish, kept=kept),
            load_colouring(current, colour),
            paths,
            chosen,
            scene.reference,
            image_id,
            placed,
            LARGE if large else 1.0,
        )
        place = placed and (placed.x, placed.y)
        drawn = (scene.selection, tuple(patients), wish, colour, chosen, scene.reference, place)
        with above:
            _show_map(scene, drawing, wish, (*drawn, large, image_id))
        show_player(paths, chart="map")
        show_story(current, patients)
    with panel:
        show_map_image(current, scene.points, scene.left_out, image_id)
    return drawing


def _show_map(scene: Scene, drawing: Drawing, wish: SurfaceWish, drawn: tuple[object, ...]) -> None:
    """Show the chart with its caption and all that is saved of it."""
    current, filters = scene.current, scene.filters
    theme = st.context.theme.type or "light"
    figure = keep_tool(drawing.draw(theme=theme))
    show_figure(
        keep_view(figure, current.mapped.projection.key, (*drawn, theme)),
        key="map",
        alt=drawing.describe(),
        numbers=lambda: points_table(current.points[scene.is_kept]),
        caption=drawing.describe_picture(filters),
        **saved_today("map", scene.origin),
        heading=MAP_QUESTION,
        draw=drawing.draw_for_paper,
        more=[
            drawing.offer_page(drawing.wish(scene.selected, filters, wish)),
            offer_parquet(current, scene.points["image_id"].tolist(), scene.origin),
        ],
        on_select=remember_selection,
        selection_mode=SELECTION_MODE,
        config=CHART_CONFIG,
    )
