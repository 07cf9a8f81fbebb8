"""A server with nothing but the upload panel, behind the gate that the dashboard has."""

import streamlit as st

from ui.images import image_route
from ui.shell.upload_gate import guard_uploads

app = st.App(
    "../ui/trajectories/upload_app.py", routes=[*image_route.routes()], middleware=[guard_uploads()]
)
