"""How each change from the published to the corrected protocol moves the score of a run."""

import functools

import streamlit as st

from cxrlib.errors import SelectionError
from cxrlib.reports import make_steps_part
from ui.baselines.run_view import RunView, show_part
from ui.widgets.text import show_quiet

__all__ = ["show_protocol_steps"]

_load_steps = functools.lru_cache(maxsize=16)(make_steps_part)


def show_protocol_steps(view: RunView) -> None:
    """Show how the score changes from the published protocol to the corrected one."""
    try:
        with st.spinner("Evaluating each step …"):
            part = _load_steps(view.run, view.metric)
    except SelectionError as error:
        show_quiet(str(error))
        return
    show_part(view, part)
