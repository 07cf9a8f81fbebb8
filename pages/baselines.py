"""Does the prediction hold in other regions? Baselines with one region, country or source out."""

from dataclasses import replace
from datetime import date

import streamlit as st

from cxrlib.errors import CxrError, SelectionError
from cxrlib.reports import list_provenance
from ui.baselines.answer import show_answer
from ui.baselines.cached import list_choices, load_rows, load_run
from ui.baselines.controls import (
    FOREST,
    IMAGES,
    PART,
    ask_question,
    change_task,
    choose_features,
    choose_section,
    choose_settings,
    choose_task,
    find_choice,
    find_spec,
    jump_where_wished,
    keep_address,
)
from ui.baselines.feature_sets import show_feature_sets
from ui.baselines.figures import show_figures
from ui.baselines.image_adds import show_image_adds
from ui.baselines.influence import show_influence
from ui.baselines.own_labels import attach_own_labels, name_labels, show_own_labels
from ui.baselines.permutation_null import find_null, show_permutation_null
from ui.baselines.predicted_images import show_test_images
from ui.baselines.protocol_steps import show_protocol_steps
from ui.baselines.published_scores import show_published_scores
from ui.baselines.region_shift import show_region_shift
from ui.baselines.report import list_run_provenance, show_report
from ui.baselines.result import choose_metric, show_folds, show_forest
from ui.baselines.run_button import offer_run
from ui.baselines.run_history import show_history, show_runs
from ui.baselines.run_view import RunView
from ui.baselines.second_cohort import load_tested
from ui.baselines.sensitivity import show_sensitivity
from ui.baselines.task_card import show_leaks, show_question, show_task
from ui.baselines.ways_on import offer_ways_on
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection
from ui.session.resources import find_cohort
from ui.widgets.limits_panel import show_limits
from ui.widgets.text import show_alert

SHOW = {
    FOREST: show_forest,
    "sensitivity": show_sensitivity,
    "feature sets": show_feature_sets,
    "figures": show_figures,
    IMAGES: show_test_images,
    "permutation test": show_permutation_null,
    "region shift": show_region_shift,
    "protocols": show_protocol_steps,
    "influence": show_influence,
    "paper": show_published_scores,
    "runs": show_runs,
    "report": show_report,
}

entry = current_entry()
own, selection = find_cohort(entry.slug), current_selection()
cohort = attach_own_labels(own)
choices = list_choices(cohort)
with st.container(horizontal=True, vertical_alignment="bottom"):
    title = st.container()
    show_limits(is_synthetic=cohort.is_synthetic)
head = st.container(gap="small")
spec = find_spec(cohort, choices)
title.title(ask_question(spec.settings.hold_out), anchor=False)
choose_task(cohort, spec)
with st.container(horizontal=True, vertical_alignment="bottom"):
    choose_features(spec, choices)
with st.container(horizontal=True, vertical_alignment="bottom"):
    choose_settings(cohort, spec)
    change_task(cohort, spec)
    score_place = st.container(width="content")
    run_place = st.container(width="content")
keep_address(spec)
try:
    cohort = attach_own_labels(load_tested(own, spec.settings.hold_out))
except CxrError as error:
    show_alert(str(error))
    st.stop()
choices = list_choices(cohort)
spec = replace(spec, where=selection.to_where(), labels=name_labels())
choice = find_choice(spec, choices)
try:
    rows = load_rows(cohort, spec)
    run = load_run(cohort, spec) if choice.is_ready else None
except SelectionError as error:
    show_alert(str(error))
    offer_ways_on(own, spec)
    st.stop()

origin = list_provenance(cohort, filters=selection.describe())
stem = f"{entry.slug}-{spec.task.name}-{date.today().isoformat()}"
show_own_labels(cohort)
show_leaks(rows)
if run is None:
    show_question(rows, head)
    if rows.n_images:
        offer_run(entry, cohort, spec, choice, place=run_place)
    else:
        show_alert(
            "No images match this task and these filters. Remove a filter at the side, or widen "
            "days or views under “Change the task”. The steps below show where images are left out."
        )
        offer_ways_on(own, spec)
    show_task(rows, provenance=origin, stem=stem)
    st.stop()

metric = choose_metric(run, score_place)
lines = [*origin, *list_run_provenance(run)]
offered = tuple(dict.fromkeys([*choices, choice]))  # a sum stands beside its parts
view = RunView(entry, run, offered, metric, find_null(run), lines, f"{stem}-{run.id}")
show_question(run.result.rows, head)
with head:
    show_answer(run, metric)
    adds_place = st.container()
with st.container(key=PART):
    show_history(cohort, spec)
    section = choose_section()
jump_where_wished()
if section in SHOW:
    SHOW[section](view)
else:
    show_task(run.result.rows, provenance=origin, stem=stem)
    show_folds(view)
show_image_adds(view, adds_place)
