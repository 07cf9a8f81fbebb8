"""What stands on every page: the notice, which cohort is shown and which features."""

from html import escape
from pathlib import Path

import streamlit as st

from cxrlib import NOTICE
from cxrlib.errors import CxrError
from ui.resources import Current, load_current
from ui.text import show_alert

STYLE = Path(__file__).with_name("frame.css")


def show_frame() -> None:
    """Show the notice bar, or the reason why there is no cohort to show, and stop there."""
    st.html(STYLE)
    try:
        with st.spinner("Reading the cohort and its map"):
            current = load_current()
    except CxrError as error:
        show_notice_bar(cohort="none", extractor="none")
        st.title("There is no cohort to show")
        show_alert(str(error), "error")
        st.stop()
    show_notice_bar(cohort=describe_cohort(current), extractor=current.extractor.title)


def describe_cohort(current: Current) -> str:
    """Name the cohort; a generated one says so even if its name does not."""
    name = current.cohort.name
    if current.cohort.is_synthetic and "synthetic" not in name.lower():
        return f"{name} (synthetic)"
    return name


def show_notice_bar(*, cohort: str, extractor: str) -> None:
    """Show the thin permanent bar: notice, cohort, extractor."""
    theme = st.context.theme.type or "light"
    ground = st.get_option(f"theme.{theme}.backgroundColor")
    st.html(
        f'<div class="cxr-notice" role="note" aria-label="Notice" style="background: {ground}">'
        f"<strong>{escape(NOTICE)}</strong>"
        f"<span>Cohort: {escape(cohort)}</span>"
        f"<span>Extractor: {escape(extractor)}</span>"
        "</div>"
    )
