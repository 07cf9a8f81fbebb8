"""How did this patient change? One patient's images through time."""

from datetime import date
from functools import partial

import streamlit as st

from cxrlib.reports import list_provenance
from ui.patients.choice import (
    choose_patient,
    find_pair,
    find_shown,
    report_patient,
    update_address,
)
from ui.patients.head import make_file_stem, show_facts, show_head
from ui.patients.image_pair import show_pair
from ui.patients.notes_and_flags import show_notes
from ui.patients.output_course import show_course
from ui.patients.patient_list import load_everybody, load_patients, read_asked, show_patient_list
from ui.patients.record_download import show_record
from ui.patients.sections import choose_part
from ui.patients.similar_patients import show_similar_patients
from ui.patients.timeline import show_timeline
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection, load_selected, show_empty
from ui.session.resources import find_cohort
from ui.widgets.lack import show_lack
from ui.widgets.origin import Origin

LIST = "patient_list"

entry = current_entry()
cohort, selection = find_cohort(entry.slug), current_selection()
selected = load_selected(cohort, selection)
patients = load_patients(cohort, selected)

st.title("How did this patient change?", anchor=False)
if patients.empty:
    show_empty(cohort, selection)
    st.stop()

everybody = load_everybody(cohort)
report_patient(everybody)
choose_opening = partial(everybody.choose_opening, patients)
shown = find_shown(entry.slug, cohort.table, everybody, choose_opening)
if (asked := read_asked(patients, key=LIST)) is not None:
    shown = choose_patient(shown, asked)
rows = cohort.table[cohort.table["is_xray"] & (cohort.table["patient_id"] == shown.patient_id)]
shown, pair = find_pair(shown, rows)
update_address(shown)

own = selected.table["patient_id"] == shown.patient_id
kept = set(selected.table.loc[own, "image_id"])
filters = selection.describe()
stem = make_file_stem(entry.slug, shown.patient_id, date.today())
origin = Origin(list_provenance(cohort, filters=filters), stem)
beside, main = st.columns([1, 3], gap="medium")
with beside:
    show_patient_list(patients, chosen=shown.patient_id, key=LIST, suggested=everybody.suggested)
with main:
    show_head(everybody.find(shown.patient_id), rows, kept=kept)
    show_facts(rows)
    show_timeline(cohort, rows, pair, kept=kept, origin=origin)
    show_lack(cohort, "offset")
    show_pair(cohort, rows, pair)
    part = choose_part()
    if part == "outputs over time":
        show_course(cohort, rows, pair, kept=kept, origin=origin)
    elif part == "where it leads":
        show_similar_patients(cohort, shown.patient_id, origin=origin, filters=filters)
    elif part == "notes and flags":
        show_notes(cohort, rows)
    else:
        show_record(cohort, rows, origin)
