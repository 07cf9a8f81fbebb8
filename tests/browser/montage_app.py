"""A page with nothing but the montage and tables, for looking at them.

``?n=`` keeps that many images, 0 for none. The cohort is the demo, or the one of CXR_DATA.
"""

from pathlib import Path

import streamlit as st

from ui.images import image_route

app = st.App(Path(__file__).with_name("montage_scene.py"), routes=image_route.routes())
