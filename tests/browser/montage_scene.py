"""The script behind `montage_app`: the montage above, tables below."""

import pandas as pd
import streamlit as st

from cxrlib.reports import list_provenance
from cxrlib.summary import lay_out_summary, select_published, summarise
from ui.images.montage import show_montage
from ui.session.current_cohort import current_entry
from ui.session.filters import load_selected, show_filters
from ui.shell.frame import show_frame
from ui.widgets.dense_table import show_dense_table

st.set_page_config(layout="wide", initial_sidebar_state=264)
entry = current_entry()
cohort = show_frame()
if cohort is None:
    st.stop()
shown = load_selected(cohort, show_filters(cohort))
if "n" in st.query_params:
    kept = shown.table.index < int(st.query_params["n"])
    shown = shown.select(pd.Series(kept), "the first ones")
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.html(f"<p class='runs'>Runs: {st.session_state['runs']}</p>")
show_montage(shown, slug=entry.slug)
for by, unit in (("region", "patient"), ("finding", "image"), ("source", "image")):
    layout = lay_out_summary(
        summarise(select_published(shown, by), by, unit=unit), title=f"X-rays by {by}"
    )
    show_dense_table(
        layout,
        key=f"table_{by}",
        provenance=list_provenance(shown),
        file_stem=by,
        max_height=420 if by == "source" else None,
    )
