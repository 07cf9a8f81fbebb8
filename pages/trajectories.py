"""Where do patients move? Paths of patients over the map of a cohort's images."""

import streamlit as st
from cxrlib.charts.trajectories import describe_map, plot_map

from cxrlib.density import estimate_density
from cxrlib.trajectories import (
    compute_trajectory,
    count_map,
    describe_counts,
    select_bad_points,
)
from ui.controls import choose_patients
from ui.image_panel import show_image_panel
from ui.resources import load_current
from ui.trajectory_parts import (
    choose_background,
    list_patients,
    remember_click,
    show_caption,
    show_details,
    show_export,
    show_steps_through,
    shown_image,
)

current = load_current()
points = current.points
theme = st.context.theme.type or "light"

st.title("Where do patients move?", anchor=False)
st.markdown(describe_counts(count_map(points)))

background = choose_background()
patients = choose_patients(list_patients(points), current.story)
paths = [compute_trajectory(current.cohort.table, current.mapped.projection, p) for p in patients]
density = None
if background.density:
    bad = select_bad_points(points, include_deaths=background.include_deaths)
    density = estimate_density(bad, bandwidth=background.bandwidth)
image_id = shown_image(points, paths)

chart, panel = st.columns([2, 1], gap="medium")
with chart:
    figure = plot_map(points, density, paths, theme=theme, selected_image_id=image_id)
    st.plotly_chart(
        figure,
        theme=None,
        key="map",
        on_select=remember_click,
        selection_mode="points",
        config={"displaylogo": False, "scrollZoom": True},
        alt=describe_map(points, density, paths),
    )
    show_caption(current, background, density)
with panel:
    if image_id is None:
        st.info("Click an image on the map to see it here.")
    else:
        show_image_panel(current.cohort, points.set_index("image_id", drop=False).loc[image_id])
        show_steps_through(points, image_id)

show_details(current, paths)
show_export(current, figure, paths)
