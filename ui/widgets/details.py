"""A caption of one line, the rest of it behind "Details"; reasons behind what they are of."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from ui.widgets.text import show_quiet

__all__ = ["show_details", "show_reasons"]


def show_details(caption: str, details: Iterable[str] = ()) -> None:
    """Show a caption, and the sentences behind "Details"; blank ones are passed over."""
    if caption:
        show_quiet(caption)
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in details if sentence)
    if sentences:
        st.html(f"<details class='cxr-quiet'><summary>Details</summary>{sentences}</details>")


def show_reasons(title: str, reasons: Iterable[tuple[str, str]], *, is_open: bool = False) -> None:
    """Show why some things have no value: a line of how many, the reasons behind it."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(why)}</dd>" for name, why in reasons)
    if rows:
        kind = f"class='cxr-quiet cxr-reasons'{' open' * is_open}"
        st.html(f"<details {kind}><summary>{escape(title)}</summary><dl>{rows}</dl></details>")
