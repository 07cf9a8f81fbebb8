"""A page of its own for the upload panel: the map's page has it among much else."""

import streamlit as st

from cxrlib.uploads import Placed
from ui.session.resources import list_cohorts, load_current
from ui.shell.frame import show_frame
from ui.trajectories.upload_panel import show_upload

st.set_page_config(layout="wide")
show_frame()
placed: Placed | None = show_upload(load_current(list_cohorts()[0].slug))
st.markdown("placed" if placed else "nothing placed")
