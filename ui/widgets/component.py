"""Parts of a page with a script of their own, which the browser runs."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["load_component", "read_sent"]


@functools.cache
def load_component(module: str, html: str | None = None) -> Any:  # noqa: ANN401
    """Register a component once: doing so again in each run is logged as a warning.

    Parameters
    ----------
    module : str
        Path of the module that shows it; script and style stand beside it under its name.
    html : str, optional
        What stands there before the script runs. Without a style either, nothing is seen.

    Returns
    -------
    callable
        Streamlit's own, of a type it does not export.
    """
    script, style = Path(module).with_suffix(".js"), Path(module).with_suffix(".css")
    css = style.read_text() if style.exists() else None
    html = html or (None if css else "<span hidden></span>")
    return st.components.v2.component(
        f"cxr_{script.stem}", js=script.read_text(), css=css, html=html
    )


def read_sent(key: str, name: str) -> object:
    """Return what a component sends under a name in this run, None where it sends nothing."""
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None
