"""The frame of every page: the notice, the cohort and the image features that are shown."""

import contextlib
from collections.abc import Callable
from html import escape
from pathlib import Path

import streamlit as st

from cxrlib import NOTICE
from cxrlib.charts.style import PALETTES
from cxrlib.cohort import Cohort, CohortEntry
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
        Gives the title of the extractor that this page shows, where the reader has chosen another.
    """
    st.html(STYLE)
    listen_to_menus()
    entry = current_entry()
    try:
        with _show_loading(entry.slug):
            cohort = find_cohort(entry.slug)
            extractor = find_extractor(cohort) or _find_title(entry.slug)
    except CxrError:
        _show_notice_bar(_describe_unusable(entry))
        return None
    notes = (f"Note: {note}" for note in cohort.notes)
    _show_notice_bar(f"Cohort: {describe_cohort(cohort)}", f"Image features: {extractor}", *notes)
    return cohort


def _describe_unusable(entry: CohortEntry) -> str:
    """Describe a cohort that cannot be shown."""
    if entry.is_demo and not entry.path.is_dir():
        return "Demo cohort: not generated yet"
    return f"Cohort {entry.title}: cannot be read"


def _show_loading(slug: str) -> contextlib.AbstractContextManager[None]:
    """Show that the cohort is read, the first time: a spinner takes a thread of its own."""
    if st.session_state.get(READ) == slug:
        return contextlib.nullcontext()
    st.session_state[READ] = slug
    return st.spinner("Loading the cohort and its map")


def _find_title(slug: str) -> str:
    """Find the title of the extractor behind the map that is shown."""
    try:
        return load_current(slug).extractor.title
    except ProjectionError:
        return "no map yet"


def describe_cohort(cohort: Cohort) -> str:
    """Give the cohort's name; a generated one says so even if its name does not."""
    if cohort.is_synthetic and "synthetic" not in cohort.name.lower():
        return f"{cohort.name} (synthetic)"
    return cohort.name


def _show_notice_bar(*parts: str) -> None:
    """Show the thin permanent bar: the notice, then cohort and image features."""
    theme = st.context.theme.type or "light"
    ground = st.get_option(f"theme.{theme}.backgroundColor")
    spans = "".join(f"<span>{escape(part)}</span>" for part in parts)
    st.html(
        f"<style>:root {{ --cxr-accent: {PALETTES[theme].accent}; "
        f"--cxr-ground: {ground} }}</style>"
        f'<div class="cxr-notice" role="note" aria-label="Notice" style="background: {ground}">'
        f"<strong>{escape(NOTICE)}</strong>{spans}</div>"
    )
