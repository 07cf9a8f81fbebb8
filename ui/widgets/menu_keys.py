"""The keyboard's way into menus such as "Save"; the script beside has the reason."""

import functools
from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["listen_to_menus"]

CODE = Path(__file__).with_suffix(".js")


def listen_to_menus() -> None:
    """Mount the listener; it takes no room and shows nothing."""
    _component()(key="menu_keys", height="content")


@functools.cache
def _component() -> Any:  # noqa: ANN401  (Streamlit's own callable, of a type it does not export)
    """Register the component once: doing so again in each run is logged as a warning."""
    return st.components.v2.component(
        "cxr_menu_keys", js=CODE.read_text(), html="<span hidden></span>"
    )
