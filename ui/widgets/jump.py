"""Bring a part of the page into view after a click elsewhere."""

import functools
from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["jump_to"]

CODE = Path(__file__).with_suffix(".js")


def jump_to(key: str) -> None:
    """Scroll to the container with a key; call it in the one run that follows the click.

    Parameters
    ----------
    key : str
        Of the container.
    """
    _component()(key="jump", data={"to": key}, height="content")


@functools.cache
def _component() -> Any:  # noqa: ANN401  (Streamlit's own callable, of a type it does not export)
    """Register the component once: doing so again in each run is logged as a warning."""
    return st.components.v2.component("cxr_jump", js=CODE.read_text(), html="<span hidden></span>")
