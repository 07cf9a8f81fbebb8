"""The frame around every page: page settings, the permanent notice, the navigation."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from ui.frame import show_frame  # noqa: E402  (the path above must stand first)

st.set_page_config(
    page_title="Chest X-ray cohorts", page_icon=":material/radiology:", layout="wide"
)

page = st.navigation(
    [
        st.Page(
            ROOT / "pages" / "trajectories.py",
            title="Trajectories",
            icon=":material/timeline:",
            url_path="trajectories",
            default=True,
        )
    ]
)
show_frame()
page.run()
