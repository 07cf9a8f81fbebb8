"""Who is in this cohort? Counts by region, view and finding, and data quality."""

from datetime import date

import streamlit as st

from cxrlib.reports import list_provenance
from ui.cohort.controls import (
    choose_scope,
    choose_section,
    choose_unit,
    load_scope,
    offer_all_xrays,
)
from ui.cohort.group_comparison import show_groups
from ui.cohort.head import show_head
from ui.cohort.overview import show_distributions, show_overview
from ui.cohort.part import Part
from ui.cohort.published_tables import show_papers
from ui.cohort.quality_ledger import show_quality
from ui.cohort.summary_tables import show_missing, show_table_one, show_tables
from ui.images.montage import show_montage
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection, load_selected, show_empty
from ui.session.resources import find_cohort
from ui.widgets.lack import show_lack
from ui.widgets.limits_panel import show_limits

entry = current_entry()
cohort, selection = find_cohort(entry.slug), current_selection()
filtered = load_selected(cohort, selection)

st.title("Who is in this cohort?", anchor=False)
with st.container(horizontal=True, vertical_alignment="bottom"):
    scope = choose_scope()
    unit = choose_unit()
    show_limits(is_synthetic=cohort.is_synthetic)
counted = load_scope(filtered, scope)
if counted.n_images == 0:
    if filtered.n_images:
        offer_all_xrays(filtered)
        for column in ("view", "finding"):
            show_lack(cohort, column)
    else:
        show_empty(cohort, selection)
    st.stop()
show_head(counted, filtered)
show_lack(cohort, "survival", "went_icu", "intubated")
section = choose_section()

origin = list_provenance(cohort, filters=[f"X-rays: {scope}", *selection.describe()])
part = Part(origin, f"{entry.slug}-{date.today().isoformat()}", unit)
if section in ("overview", "tables"):
    show_lack(cohort, "location")
if section == "overview":
    show_overview(counted, part)
elif section == "tables":
    show_tables(counted, load_scope(filtered, scope, with_lateral=True), part)
    show_table_one(counted, part)
elif section == "ages":
    show_distributions(counted, part)
elif section == "missing":
    show_missing(counted, part)
elif section == "groups":
    whole = load_scope(load_selected(cohort, type(selection)()), scope)
    show_groups(whole, counted, selection, part)
elif section == "images":
    show_montage(counted, slug=entry.slug)
elif section == "quality":
    show_quality(cohort, counted, part)
elif section == "papers":
    show_papers(filtered, part)
