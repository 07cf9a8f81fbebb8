"""A page of its own for how far the map can be believed: the map's page has it among much else."""

import streamlit as st

from cxrlib.maps import SurfaceWish, compute_trajectories
from cxrlib.reports import list_provenance
from ui.session.current_cohort import current_entry
from ui.session.resources import load_current
from ui.shell.frame import show_frame
from ui.trajectories.faithfulness import show_faithfulness

st.set_page_config(layout="wide")
show_frame()
current = load_current(current_entry().slug)
patients = st.query_params.get("patient", "").split()
show_faithfulness(
    current,
    compute_trajectories(current.cohort.table, current.mapped.projection, patients),
    wish=SurfaceWish(definition=st.query_params.get("density", "ICU or tube")),
    provenance=list_provenance(current.mapped),
)
