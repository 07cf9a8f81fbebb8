"""Links of earlier versions: options that had another label in the address then."""

import functools
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.runtime.state import get_session_state

from cxrlib.literature import read_rows
from cxrlib.maps import DEFINITIONS, FORMER_COLOURINGS

__all__ = ["follow_former_labels", "list_former_labels"]


@functools.cache
def list_former_labels() -> Mapping[str, Mapping[str, str]]:
    """List today's label by the former one, by parameter: the library's, and those of the table."""
    former = {
        "colour": dict(FORMER_COLOURINGS),
        "panels": dict(FORMER_COLOURINGS),
        "density": {name: each.title for name, each in DEFINITIONS.items()},
    }
    for row in read_rows("former_labels", Path(__file__).parent):
        former.setdefault(row["parameter"], {})[row["before"]] = row["now"]
    return former


def follow_former_labels(key: str) -> None:
    """Read former labels of an option in the address as today's; call it before the widget.

    Parameters
    ----------
    key : str
        Name of the parameter in the address, and of the widget.
    """
    former = list_former_labels().get(key, {})
    asked = st.query_params.get_all(key)
    if not any(value in former for value in asked):
        return
    # Streamlit's own: what a widget is bound to, `st.query_params` lets nobody write.
    with get_session_state().query_params() as parameters:
        parameters.set_with_no_forward_msg(key, [former.get(value, value) for value in asked])
        parameters.set_initial_query_params_from_current()
