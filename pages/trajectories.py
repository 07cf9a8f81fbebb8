"""Where do patients move? Paths of patients over the map of a cohort's images."""

import streamlit as st

from cxrlib.charts.trajectories import plot_map
from cxrlib.charts.words import describe_map
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
from ui.text import show_quiet
from ui.trajectory_parts import (
    Background,
    choose_bandwidth,
    choose_density,
    list_patients,
    remember_click,
    report_address,
    show_caption,
    show_details,
    show_export,
    show_paths,
    show_steps_through,
    show_story,
    shown_image,
)

current = load_current()
points = current.points
theme = st.context.theme.type or "light"

st.title("Where do patients move?", anchor=False)
st.markdown(describe_counts(count_map(points)))

options = list_patients(points)
report_address(options)
who, what, smooth = st.columns([5, 3, 2], gap="medium")
with who:
    patients = choose_patients(options, current.story)
with what:
    kind = choose_density()
with smooth:
    background = Background(kind, choose_bandwidth())
paths = [compute_trajectory(current.cohort.table, current.mapped.projection, p) for p in patients]
density = None
if background.density:
    bad = select_bad_points(points, include_deaths=background.include_deaths)
    density = estimate_density(bad, bandwidth=background.bandwidth)
image_id = shown_image(points, paths)

chart, panel = st.columns([2, 1], gap="medium")
with chart:
    figure = plot_map(
        points,
        density,
        paths,
        theme=theme,
        selected_image_id=image_id,
        density_label=background.label,
        uirevision=current.mapped.projection.key,
    )
    st.plotly_chart(
        figure,
        theme=None,
        key="map",
        on_select=remember_click,
        selection_mode="points",
        config={"displaylogo": False, "scrollZoom": True},
        alt=describe_map(points, density, paths, density_label=background.label),
    )
    show_story(current, patients)
    show_caption(current, background, density)
    show_paths(paths)
with panel:
    if image_id is None:
        show_quiet("Click an image on the map to see it here.")
    else:
        show_image_panel(current.cohort, points[points["image_id"] == image_id].iloc[0])
        show_steps_through(points, image_id)

show_details(current)
show_export(current, background, paths)
