"""What stands on every page: the notice, which cohort is shown and which features."""

import contextlib
from collections.abc import Callable
from html import escape
from pathlib import Path

import streamlit as st

from cxrlib import NOTICE
from cxrlib.charts.style import PALETTES
from cxrlib.cohort import Cohort
from cxrlib.errors import CxrError, ProjectionError
from ui.session.current_cohort import current_entry
from ui.session.resources import find_cohort, load_current
from ui.widgets.menu_keys import listen_to_menus

READ = "cohort_read"  # in the session's state: the slug that was read for it
STYLE = Path(__file__).with_name("frame.css")


def show_frame(
    find_extractor: Callable[[Cohort], str | None] = lambda _: None,
) -> Cohort | None:
    """Show the notice bar; return the cohort, or None where it cannot be used.

    A page that needs the cohort says why it cannot (`cxrlib.errors.CxrError`); the data page
    works without one.

    Parameters
    ----------
    find_extractor : callable, optional
        Names the extractor that this page shows, where the reader has chosen another.
    """
    st.html(STYLE)
    listen_to_menus()
    entry = current_entry()
    try:
        with _tell_reading(entry.slug):
            cohort = find_cohort(entry.slug)
            extractor = find_extractor(cohort) or _name_extractor(entry.slug)
    except CxrError:
        show_notice_bar(cohort=f"{entry.title}, which cannot be used", extractor="none")
        return None
    show_notice_bar(cohort=describe_cohort(cohort), extractor=extractor)
    return cohort


def _tell_reading(slug: str) -> contextlib.AbstractContextManager[None]:
    """Say that the cohort is read, the first time: the words take a thread of their own."""
    if st.session_state.get(READ) == slug:
        return contextlib.nullcontext()
    st.session_state[READ] = slug
    return st.spinner("Reading the cohort and its map")


def _name_extractor(slug: str) -> str:
    """Name the extractor behind what is shown."""
    try:
        return load_current(slug).extractor.title
    except ProjectionError:
        return "no map yet"


def describe_cohort(cohort: Cohort) -> str:
    """Name the cohort; a generated one says so even if its name does not."""
    if cohort.is_synthetic and "synthetic" not in cohort.name.lower():
        return f"{cohort.name} (synthetic)"
    return cohort.name


def show_notice_bar(*, cohort: str, extractor: str) -> None:
    """Show the thin permanent bar: notice, cohort, extractor."""
    theme = st.context.theme.type or "light"
    ground = st.get_option(f"theme.{theme}.backgroundColor")
    st.html(
        f"<style>:root {{ --cxr-accent: {PALETTES[theme].accent}; "
        f"--cxr-ground: {ground} }}</style>"
        f'<div class="cxr-notice" role="note" aria-label="Notice" style="background: {ground}">'
        f"<strong>{escape(NOTICE)}</strong>"
        f"<span>Cohort: {escape(cohort)}</span>"
        f"<span>Extractor: {escape(extractor)}</span>"
        "</div>"
    )
