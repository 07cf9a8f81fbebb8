"""The control of a map's reference cloud: which second cohort lies behind, if any."""

import functools

import streamlit as st

from cxrlib.catalogue import find_entry
from cxrlib.errors import CxrError, ProjectionError
from cxrlib.jobs import JobRequest
from cxrlib.reference_cloud import ReferenceCloud, place_reference
from cxrlib.store import Store
from ui.address import report_unknown
from ui.cohorts import current_entry
from ui.jobs import offer_job
from ui.resources import Current, find_cache, find_cohort, list_cohorts, time_computed
from ui.text import show_alert

__all__ = ["choose_reference", "load_reference"]

NONE = "none"


def choose_reference() -> str | None:
    """Let the reader put another of the server's cohorts behind the map; return its slug."""
    own = current_entry().slug
    others = [entry.slug for entry in list_cohorts() if entry.slug != own]
    options = [NONE, *others]
    # Another page's own cohort may have been behind this one: it cannot lie behind itself.
    if st.session_state.get("behind") not in (None, *options):
        st.session_state["behind"] = NONE
    report_unknown("behind", (*options, own).__contains__)
    slug = st.selectbox(
        "Behind the map",
        options,
        key="behind",
        bind="query-params",
        persist_state="session",
        width=220,
        disabled=not others,
        help="The images of a second cohort as grey crosses, each at its nearest images of this "
        "one. They are counted nowhere.",
    )
    return None if slug in (None, NONE) else str(slug)


def load_reference(current: Current, slug: str | None) -> ReferenceCloud | None:
    """Place a cohort behind the map; where it cannot be, say why and offer what is missing."""
    if slug is None:
        return None
    try:
        return _place(current, slug, time_computed())
    except ProjectionError as error:
        show_alert(str(error))
        _offer_embedding(current, slug)
    except CxrError as error:
        show_alert(str(error))
    return None


@functools.lru_cache(maxsize=8)
def _place(current: Current, slug: str, changed: tuple[int, ...]) -> ReferenceCloud:
    """Place it once for all sessions; ``changed`` makes new embeddings count."""
    return place_reference(current.mapped, find_cohort(slug), Store(find_cache()))


def _offer_embedding(current: Current, slug: str) -> None:
    """Offer to embed a cohort by the map's extractor, where it can be made anew by its name."""
    extractor = current.extractor
    entry = find_entry(list_cohorts(), slug)
    offer_job(
        JobRequest("embed", {"data": str(entry.path), "extractor": extractor.name}),
        label=f"{entry.title} by {extractor.title}",
        button="Embed it",
    )
