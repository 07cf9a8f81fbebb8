"""A page of its own for images chosen on the map, and for a cohort behind it."""

import streamlit as st

from cxrlib.reports import list_provenance
from ui.session.current_cohort import current_entry
from ui.session.resources import load_current
from ui.shell.frame import show_frame
from ui.trajectories.lasso import find_selected, show_selection
from ui.trajectories.reference_cohort import choose_reference, load_reference

st.set_page_config(layout="wide")
show_frame()
current = load_current(current_entry().slug)
current, cloud = load_reference(current, choose_reference())
chosen = find_selected(current)
show_selection(
    current, current.points, chosen, provenance=list_provenance(current.mapped), filters=()
)
st.session_state["seen"] = (chosen, None if cloud is None else cloud.n_images)
