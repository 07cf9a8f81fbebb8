"""Links of earlier versions: options that had another label in the address then."""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.state import get_session_state

__all__ = ["follow_former_labels"]


def follow_former_labels(key: str, former: Mapping[str, str]) -> None:
    """Read former labels of an option in the address as today's; call it before the widget.

    Parameters
    ----------
    key : str
        Name of the parameter in the address, and of the widget.
    former : mapping
        Today's label by the former one.
    """
    asked = st.query_params.get_all(key)
    if not any(value in former for value in asked):
        return
    # Streamlit's own: what a widget is bound to, `st.query_params` lets nobody write.
    with get_session_state().query_params() as parameters:
        parameters.set_with_no_forward_msg(key, [former.get(value, value) for value in asked])
        parameters.set_initial_query_params_from_current()
