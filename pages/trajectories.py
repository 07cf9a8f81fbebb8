"""Where do patients move? Paths of patients over the map of a cohort's images."""

from datetime import date
from functools import partial

import streamlit as st

from cxrlib.charts.document import MAP_QUESTION
from cxrlib.charts.trajectories import plot_map
from cxrlib.charts.words import describe_map
from cxrlib.density import estimate_density
from cxrlib.errors import ProjectionError
from cxrlib.report import points_table, provenance
from cxrlib.trajectories import (
    compute_trajectories,
    count_map,
    describe_counts,
    select_bad_points,
)
from ui.cohorts import current_entry
from ui.figure import show_figure
from ui.filters import current_selection, load_selected, show_empty
from ui.map_controls import (
    choose_density,
    choose_large,
    choose_patients,
    follow_cohort,
    report_address,
)
from ui.map_details import offer_page, show_details, show_paths, show_story, write_caption
from ui.map_image import find_shown_image, remember_click, show_map_image
from ui.map_view import keep_view, listen_to_view
from ui.offers import show_missing_map
from ui.resources import load_current
from ui.text import show_quiet

try:
    current = load_current(current_entry().slug)
except ProjectionError:
    st.title(MAP_QUESTION, anchor=False)
    show_missing_map(current_entry())
    st.stop()
projection, selection = current.mapped.projection, current_selection()
selected = current.cohort if selection.is_empty else load_selected(current.cohort, selection)
filters = selection.describe()
origin = provenance(current.mapped, filters=filters)
is_kept = current.marks["image_id"].isin(set(selected.table["image_id"]))
points, left_out = current.marks[is_kept], current.marks[~is_kept]
theme = st.context.theme.type or "light"

st.title(MAP_QUESTION, anchor=False)
st.markdown(describe_counts(count_map(points)))
if len(left_out):
    show_quiet(
        f"{len(left_out):,} of the map's {len(is_kept):,} images are left out by the "
        "filters; they are the faint dots. The map itself is the same: filters refit nothing."
    )

if points.empty:
    show_empty(current.cohort, selection)
options = current.patients
follow_cohort(options, current.story)
report_address(current)
with st.container(horizontal=True, vertical_alignment="bottom"):
    patients = choose_patients(options, current.story)
    choice = choose_density()
    large = choose_large()

kept_patients = set(points["patient_id"])
paths = compute_trajectories(
    selected.table, projection, [patient for patient in patients if patient in kept_patients]
)
density = None
if choice.is_drawn:
    bad = select_bad_points(points, include_deaths=choice.include_deaths)
    density = estimate_density(bad, bandwidth=choice.bandwidth)
image_id = find_shown_image(points, left_out, paths)

chart, panel = st.columns([2, 1], gap="medium")
with chart:
    draw = partial(
        plot_map,
        points,
        density,
        paths,
        selected_image_id=image_id,
        density_label=choice.label,
        uirevision=projection.key,
        scale=1.5 if large else 1.0,
        backdrop=left_out,
    )
    show_figure(
        keep_view(
            draw(theme=theme),
            projection.key,
            (selection, tuple(patients), choice, large, image_id, theme),
        ),
        key="map",
        alt=describe_map(points, density, paths, density_label=choice.label),
        numbers=lambda: points_table(current.points[is_kept]),
        caption=write_caption(current, points, choice, density, filters),
        provenance=origin,
        file_stem=f"map-{date.today().isoformat()}",
        heading=MAP_QUESTION,
        draw=draw,
        more=[offer_page(current, choice, paths, selected, filters)],
        on_select=remember_click,
        selection_mode="points",
        config={"doubleClick": "autosize"},
    )
    show_story(current, patients)
with panel:
    show_map_image(current, points, left_out, image_id)

gone = [patient for patient in patients if patient not in kept_patients]
show_paths(paths, origin=origin, filtered_out=gone, left_out=left_out)
show_details(current, origin=origin)
listen_to_view(projection.key, "map")
