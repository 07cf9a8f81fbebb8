"""Text that comes from a cohort's files or from the address, shown as text.

Streamlit reads most strings as Markdown, where an address becomes a link and ``:name:`` an icon
even if every sign is escaped. So whatever is not written in this program goes through here, as
HTML with every sign escaped.
"""

from html import escape
from typing import Literal

import streamlit as st

__all__ = ["show_alert", "show_heading", "show_quiet", "show_text"]

Alert = Literal["warning", "error"]


def show_heading(text: str) -> None:
    """Show a heading of the third rank."""
    st.html(f"<h3 class='cxr-heading'>{escape(text)}</h3>")


def show_text(text: str, *, lead: str = "") -> None:
    """Show a paragraph, its lead in bold."""
    # Apart, so that an id in a script from right to left does not turn the sentence round.
    bold = f"<strong><bdi>{escape(lead)}</bdi></strong> " if lead else ""
    st.html(f"<p class='cxr-text'>{bold}{escape(text)}</p>")


def show_quiet(text: str) -> None:
    """Show a caption: smaller, quieter."""
    st.html(f"<p class='cxr-quiet'>{escape(text)}</p>")


def show_alert(text: str, kind: Alert = "warning") -> None:
    """Show an alert: a triangle or a cross, words, and a bar at the side."""
    sign = {"warning": "\N{WARNING SIGN}\N{VARIATION SELECTOR-15}", "error": "\N{BALLOT X}"}[kind]
    st.html(
        f"<div class='cxr-alert cxr-{kind}' role='alert'>"
        f"<span aria-hidden='true'>{sign}</span><span>{escape(text)}</span></div>"
    )
