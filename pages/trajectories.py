"""Where do patients move? Paths of patients over the map of a cohort's images."""

from datetime import date

import streamlit as st

from cxrlib.charts.document import MAP_QUESTION
from cxrlib.errors import ProjectionError
from cxrlib.map_choices import MapChoice, scale_smoothing
from cxrlib.report import points_table, provenance, tell_behind
from cxrlib.surfaces import estimate_surface
from cxrlib.trajectories import compute_trajectories, count_map, describe_counts
from ui.cohorts import current_entry
from ui.figure import show_figure
from ui.filters import current_selection, load_selected, show_empty
from ui.map_belief import show_belief
from ui.map_controls import choose_large, choose_patients, follow_cohort, report_address
from ui.map_details import show_details, show_paths, show_story
from ui.map_drawing import Drawing
from ui.map_image import find_shown_image, show_map_image
from ui.map_multiples import show_multiples
from ui.map_paper import offer_paper_patients, show_paper_difference
from ui.map_play import show_player
from ui.map_reference import choose_reference, load_reference
from ui.map_selection import (
    CHART_CONFIG,
    SELECTION_MODE,
    find_selected,
    keep_tool,
    offer_parquet,
    remember_selection,
    show_selection,
)
from ui.map_settings import choose_settings, show_chosen_map_offer, tell_choice
from ui.map_surface import choose_colour, choose_surface, load_colouring, report_surface_address
from ui.map_view import keep_view, listen_to_view
from ui.offers import show_missing_map
from ui.resources import find_cohort, load_current
from ui.text import show_quiet
from ui.upload_panel import show_upload

entry = current_entry()
cohort = find_cohort(entry.slug)
st.title(MAP_QUESTION, anchor=False)
head = st.container(gap="small")
row = st.container(horizontal=True, vertical_alignment="bottom")
second_row = st.container(horizontal=True, vertical_alignment="bottom")
below_controls = st.container(gap="small")
with second_row:
    choice = choose_settings(entry, cohort, remarks=head)
try:
    current = load_current(entry.slug, choice)
except ProjectionError:
    if choice == MapChoice():
        show_missing_map(entry)
    else:
        show_chosen_map_offer(entry, cohort, choice)
    st.stop()

with second_row:
    behind = choose_reference(remarks=head)
with below_controls:
    current, reference = load_reference(current, behind)
projection, selection = current.mapped.projection, current_selection()
selected = cohort if selection.is_empty else load_selected(cohort, selection)
filters = selection.describe()
origin = [*provenance(current.mapped, filters=filters), *tell_behind(reference)]
is_kept = current.marks["image_id"].isin(set(selected.table["image_id"])).to_numpy(dtype=bool)
points, left_out = current.marks[is_kept], current.marks[~is_kept]
theme = st.context.theme.type or "light"
with head:
    st.markdown(describe_counts(count_map(points)))
    tell_choice(entry, cohort, choice)
    if len(left_out):
        show_quiet(
            f"{len(left_out):,} of the map's {len(is_kept):,} images are left out by the "
            "filters; they are the faint dots. The map itself is the same: filters refit nothing."
        )
    if points.empty:
        show_empty(cohort, selection)
    follow_cohort(current.patients, current.story)
    report_address(current)
    report_surface_address(current)
with row:
    patients = choose_patients(current.patients, current.story)
    colour = choose_colour(current)
    wish = scale_smoothing(choose_surface(), projection)
with second_row:
    offer_paper_patients(current, patients)
    large = choose_large()

kept_patients = set(points["patient_id"])
paths = compute_trajectories(
    selected.table, projection, [each for each in patients if each in kept_patients]
)
chosen = find_selected(current)
image_id = find_shown_image(points, left_out, paths)
chart, panel = st.columns([2, 1], gap="medium")
with chart:
    # The upload stands below the map, which marks it: its place is read first.
    above, below = st.container(), st.container()
    with below:
        placed = show_upload(current)
    if placed and wish.kind != "none":
        with below_controls:
            show_quiet("No shade stands behind the points beside an X-ray that was brought.")
    kept = None if selection.is_empty else is_kept
    drawing = Drawing(
        current,
        is_kept,
        # Beside an X-ray that somebody brought stands no density and no share.
        None if placed else estimate_surface(current.points, wish, kept=kept),
        load_colouring(current, colour),
        paths,
        image_id,
        chosen,
        reference,
        placed,
        1.5 if large else 1.0,
    )
    drawn = (
        selection,
        tuple(patients),
        wish,
        colour,
        chosen,
        reference,
        placed and (placed.x, placed.y),
        large,
        image_id,
    )
    with above:
        show_figure(
            keep_view(keep_tool(drawing.draw(theme=theme)), projection.key, (*drawn, theme)),
            key="map",
            alt=drawing.describe(),
            numbers=lambda: points_table(current.points[is_kept]),
            caption=drawing.write_caption(filters),
            provenance=origin,
            file_stem=f"map-{date.today().isoformat()}",
            heading=MAP_QUESTION,
            draw=drawing.draw_for_paper,
            more=[
                drawing.offer_page(drawing.wish(selected, filters, wish)),
                offer_parquet(current, points["image_id"].tolist(), origin),
            ],
            on_select=remember_selection,
            selection_mode=SELECTION_MODE,
            config=CHART_CONFIG,
        )
        show_player(paths, chart="map")
        show_story(current, patients)
with panel:
    show_map_image(current, points, left_out, image_id)

show_selection(current, points, chosen, provenance=origin, filters=filters)
gone = [patient for patient in patients if patient not in kept_patients]
show_paths(paths, origin=origin, filtered_out=gone, left_out=left_out)
show_belief(current, paths, provenance=origin, filters=filters)
show_multiples(current, is_kept, provenance=origin)
show_paper_difference(current, density=drawing.surface_words, origin=origin)
show_details(current, origin=origin)
listen_to_view(projection.key, "map")
