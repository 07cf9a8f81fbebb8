"""Where do patients move? Paths of patients over the map of a cohort's images."""

import streamlit as st

from cxrlib.charts.maps import MAP_QUESTION
from cxrlib.errors import ProjectionError
from cxrlib.maps import MapChoice, scale_smoothing
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection
from ui.session.job_offers import show_missing_map
from ui.session.resources import find_cohort, load_current
from ui.trajectories.details import show_details, show_paths
from ui.trajectories.faithfulness import show_faithfulness
from ui.trajectories.lasso import find_selected, show_selection
from ui.trajectories.map_settings import (
    choose_settings,
    show_choice,
    show_chosen_map_offer,
    show_off_map,
)
from ui.trajectories.map_view import listen_to_view
from ui.trajectories.paper_figure import offer_paper_patients, show_paper_difference
from ui.trajectories.patient_controls import (
    choose_large,
    choose_patients,
    follow_cohort,
    report_address,
    style_controls,
)
from ui.trajectories.reference_cohort import choose_reference, load_reference, show_overlay
from ui.trajectories.scene import Scene, show_counts, show_left_out
from ui.trajectories.small_multiples import show_multiples
from ui.trajectories.stage import show_stage
from ui.trajectories.surface_controls import choose_colour, choose_surface
from ui.widgets.address import reports_in
from ui.widgets.lack import show_lack

entry = current_entry()
cohort = find_cohort(entry.slug)
style_controls()
st.title(MAP_QUESTION, anchor=False)
head = st.container(gap="small")
row = st.container(horizontal=True, vertical_alignment="bottom")
second_row = st.container(horizontal=True, vertical_alignment="bottom")
below_controls = st.container(gap="small")
with second_row, reports_in(head):
    choice = choose_settings(entry, cohort)
try:
    current = load_current(entry.slug, choice)
except ProjectionError:
    show_off_map(cohort, choice)
    if choice == MapChoice():
        show_missing_map(entry)
    else:
        show_chosen_map_offer(entry, cohort, choice)
    st.stop()

with second_row, reports_in(head):
    behind = choose_reference()
with below_controls:
    current, reference = load_reference(current, behind)
    show_overlay(cohort, behind, reference)
scene = Scene(current, reference, cohort, current_selection())
with head:
    show_counts(scene)
    n_on_map = current.mapped.mapped.n_images
    show_off_map(cohort, choice, extractor=current.extractor, n_on_map=n_on_map)
    show_choice(entry, cohort, choice)
    show_left_out(scene)
    show_lack(cohort, "in_icu", "intubation_present", "survival")
    show_lack(cohort, "offset")
    follow_cohort(current.patients, current.story)
    report_address(current)
with row, reports_in(head):
    patients = choose_patients(current.patients, current.story)
    colour = choose_colour(current)
    projection = current.mapped.projection
    wish = scale_smoothing(choose_surface(projection.settings.views), projection)
with second_row:
    offer_paper_patients(current, patients)
    large = choose_large()

paths = scene.find_paths(patients)
chosen = find_selected(current)
drawing = show_stage(
    scene,
    paths,
    patients=patients,
    wish=wish,
    colour=colour,
    chosen=chosen,
    large=large,
    remarks=below_controls,
)
origin, filters = scene.origin, scene.filters
show_selection(current, scene.points, chosen, provenance=origin, filters=filters)
gone = [patient for patient in patients if patient not in scene.kept_patients]
show_paths(paths, origin=origin, filtered_out=gone, left_out=scene.left_out)
show_faithfulness(current, paths, wish=wish, provenance=origin, filters=filters)
with reports_in(head):
    show_multiples(current, scene.is_kept, provenance=origin)
show_paper_difference(current, density=drawing.surface_words, origin=origin)
show_details(current, origin=origin)
listen_to_view(current.mapped.projection.key, "map")
