"""Which data are available, and what is missing? Files, image features, jobs, the cache."""

from functools import partial

import streamlit as st

from cxrlib.charts.cohort import describe_flow, plot_flow
from cxrlib.cohort import count_cohort
from cxrlib.errors import CxrError
from cxrlib.maps import list_flow, tabulate_flow
from cxrlib.reports import list_provenance
from ui.data.own_features import show_own_features
from ui.data.status_tables import (
    describe_files,
    show_cache,
    show_extra_columns,
    show_identity,
    show_lacks,
    show_missing_files,
    show_problems,
    show_readings,
)
from ui.data.work_panel import show_extractors, show_jobs, show_thumbnails
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection
from ui.session.job_offers import show_collection_offer, show_demo_offer
from ui.session.resources import find_cohort
from ui.shell.frame import describe_cohort
from ui.widgets.figure import show_figure
from ui.widgets.origin import saved_today
from ui.widgets.text import show_alert, show_quiet, show_text

entry = current_entry()

st.title("Which data are available, and what is missing?", anchor=False)
try:
    cohort = find_cohort(entry.slug)
except CxrError as error:
    show_alert(str(error), "error")
    show_demo_offer(entry)
    show_collection_offer()
    show_jobs()
    show_cache()
    st.stop()

counts = count_cohort(cohort)
show_text(describe_files(counts))
flow = list_flow(cohort)
origin = list_provenance(cohort)
draw = partial(plot_flow, flow)
show_figure(
    draw,
    key="flow",
    alt=describe_flow(flow),
    numbers=lambda: tabulate_flow(flow),
    caption=f"{describe_cohort(cohort)}: images left after each step, from the rows of "
    "metadata.csv to the map. Hatched: removed at that step.",
    **saved_today("cohort-flow", origin),
    heading="From metadata rows to images on the map",
    config={"displayModeBar": False},
)
if not current_selection().is_empty:
    show_quiet("This page counts the whole cohort; filters do not apply here.")
show_lacks(cohort, origin)
show_extractors(entry, cohort)
show_thumbnails(entry, cohort)
show_collection_offer()
show_own_features(cohort)
show_extra_columns(cohort, origin)
show_jobs()
show_identity(cohort)
show_readings(cohort, origin)
show_problems(cohort, origin)
show_missing_files(cohort, origin)
show_cache()
