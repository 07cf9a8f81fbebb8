"""A caption of one line, the rest of it behind "Details"."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from ui.widgets.text import show_quiet

__all__ = ["show_details"]


def show_details(caption: str, details: Iterable[str] = ()) -> None:
    """Show a caption, and the sentences behind "Details"; blank ones are passed over."""
    if caption:
        show_quiet(caption)
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in details if sentence)
    if sentences:
        st.html(f"<details class='cxr-quiet'><summary>Details</summary>{sentences}</details>")
