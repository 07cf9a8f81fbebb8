"""Can it be predicted elsewhere? Baselines with one region, country or source held out."""

from dataclasses import replace
from datetime import date

import streamlit as st

from cxrlib.baselines.evaluation import keep_scored
from cxrlib.errors import SelectionError
from cxrlib.reports import list_provenance
from ui.baselines.cached import list_choices, load_rows, load_run
from ui.baselines.controls import (
    PART,
    change_task,
    choose_section,
    choose_settings,
    choose_task,
    find_spec,
    jump_where_wished,
    write_address,
)
from ui.baselines.feature_sets import show_sets
from ui.baselines.influence import show_persons
from ui.baselines.permutation_null import find_null, show_chance
from ui.baselines.protocol_steps import show_shift, show_walk
from ui.baselines.published_scores import find_printed, show_paper
from ui.baselines.report import list_lines, show_report
from ui.baselines.result import choose_metric, show_answer, show_folds, show_forest
from ui.baselines.run_button import offer_run
from ui.baselines.run_history import show_comparison, show_history
from ui.baselines.task_card import show_flow, show_question, show_task
from ui.baselines.test_images import show_images
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection
from ui.session.resources import find_cohort
from ui.widgets.limits_panel import show_limits
from ui.widgets.text import show_alert

entry = current_entry()
cohort, selection = find_cohort(entry.slug), current_selection()
choices = list_choices(cohort)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Can it be predicted elsewhere?", anchor=False, width="stretch")
    show_limits(is_synthetic=cohort.is_synthetic)
head = st.container(gap="small")
spec = find_spec(entry.slug, cohort, choices)
choose_task(cohort, spec)
with st.container(horizontal=True, vertical_alignment="bottom"):
    choose_settings(spec, choices)
    change_task(cohort, spec)
    run_place = st.container(width="content")
write_address(spec)
spec = replace(spec, where=selection.to_where())
choice = next(each for each in choices if each.name == spec.features)
try:
    rows = load_rows(cohort, spec.task, selection)
    run = load_run(cohort, spec) if choice.is_ready else None
except SelectionError as error:
    show_alert(str(error))
    st.stop()

origin = list_provenance(cohort, filters=selection.describe())
stem = f"{entry.slug}-{spec.task.name}-{date.today().isoformat()}"
with head:
    show_question(rows)
show_flow(rows if run is None else keep_scored(run.result))
main, side = st.columns([4, 1], gap="medium")
with side, st.container(key="baseline_runs", gap="small"):
    show_history(cohort, spec, run)
if run is None:
    with main:
        if rows.n_images:
            offer_run(entry, cohort, spec, choice, place=run_place)
        else:
            show_alert(
                "No image of this task is left. Take a filter away at the side, or widen the days "
                "or views under “Change the task”; the flow above says where the images went."
            )
    show_task(rows, provenance=origin, stem=stem)
    st.stop()

lines, run_stem = [*origin, *list_lines(run)], f"{stem}-{run.id}"
with main:
    metric = choose_metric(run)
    null = find_null(run)
    with head:
        show_answer(run, metric)
    show_forest(
        run, metric, null=null, printed=find_printed(run, metric), provenance=lines, stem=run_stem
    )
    show_folds(run, provenance=lines, stem=run_stem)
with st.container(key=PART):
    section = choose_section()
jump_where_wished()
if section == "feature sets":
    show_sets(cohort, run, choices, metric, provenance=lines, stem=run_stem)
elif section == "test images":
    show_images(cohort, run, provenance=lines, stem=run_stem)
elif section == "chance":
    show_chance(entry, run, null, metric, provenance=lines, stem=run_stem)
elif section == "shift":
    show_shift(entry, run, provenance=lines, stem=run_stem)
elif section == "protocols":
    show_walk(run, metric, provenance=lines, stem=run_stem)
elif section == "persons":
    show_persons(run, provenance=lines, stem=run_stem)
elif section == "paper":
    show_paper(run, provenance=lines, stem=run_stem)
elif section == "runs":
    show_comparison(cohort, run, metric, provenance=lines, stem=run_stem)
elif section == "report":
    show_report(cohort, run, provenance=lines, stem=run_stem)
else:
    show_task(rows, provenance=origin, stem=stem)
