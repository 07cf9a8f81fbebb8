"""The frame around every page: page settings, the notice, the cohort and its filters, the pages."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# The path above must stand first.
from cxrlib.errors import CxrError  # noqa: E402
from ui.session.asked_extractor import find_asked_extractor  # noqa: E402
from ui.session.current_cohort import choose_cohort, cohort_parameters  # noqa: E402
from ui.session.filters import show_filters  # noqa: E402
from ui.shell.frame import show_frame  # noqa: E402
from ui.widgets.text import show_alert  # noqa: E402

st.set_page_config(
    page_title="Chest X-ray cohorts",
    page_icon=str(ROOT / "ui" / "favicon.svg"),
    layout="wide",
    initial_sidebar_state=264,  # pixels: the room is the figure's
)

ICONS = {
    "cohort": "groups",
    "patients": "person_search",
    "trajectories": "timeline",
    "baselines": "fact_check",
    "data": "database",
}
pages = {
    name: st.Page(
        ROOT / "pages" / f"{name}.py",
        title=name.capitalize(),
        icon=f":material/{icon}:",
        url_path=name,
    )
    for name, icon in ICONS.items()
}
trajectories = pages["trajectories"]


def start() -> None:
    """Redirect the bare address to the first page, whose own address is then in links."""
    asked = cohort_parameters() | {key: st.query_params.get_all(key) for key in st.query_params}
    try:
        st.switch_page(trajectories, query_params=asked)
    except st.errors.StreamlitAPIException:
        # Streamlit keeps what a widget is bound to for itself; the session brings it back.
        st.switch_page(trajectories, query_params={})


page = st.navigation(
    [st.Page(start, title="Start", default=True, visibility="hidden"), *pages.values()]
)
if page.title != "Start":
    with st.sidebar:
        choose_cohort()
    # The map can be by another extractor than the one the server opens on.
    cohort = show_frame(find_asked_extractor) if page is trajectories else show_frame()
    if cohort is not None:
        show_filters(cohort)
try:
    page.run()
except CxrError as error:  # a known error is a message; an unknown one shows as it is
    show_alert(str(error), "error")
