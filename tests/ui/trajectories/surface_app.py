"""A page of the map's colours and surface alone, on the cohort that the server was given."""

import streamlit as st

from cxrlib.charts.maps import describe_map, plot_map, plot_multiples
from cxrlib.maps import estimate_surface
from ui.session.resources import list_cohorts, load_current
from ui.trajectories.surface_controls import (
    choose_colour,
    choose_panels,
    choose_surface,
    load_colouring,
)

current = load_current(list_cohorts()[0].slug)
with st.container(horizontal=True, vertical_alignment="bottom"):
    by = choose_colour(current)
    wish = choose_surface(("PA", "AP", "AP Supine"))
panels = choose_panels(current)
surface = estimate_surface(current.points, wish)
colouring = load_colouring(current, by)
plot_map(current.marks, surface, colouring=colouring)
if panels:
    plot_multiples(current.marks, [load_colouring(current, each) for each in panels])
st.text(describe_map(current.points, surface, colouring=colouring))
st.text(f"wish {wish}")
