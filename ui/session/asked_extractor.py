"""By which extractor a map can be, and which of them a link asks for before its page is drawn."""

import functools

import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.maps import MapExtractor, list_map_extractors
from cxrlib.storage import Store
from ui.session.resources import find_cache, time_computed

__all__ = ["find_asked_extractor", "list_extractors"]


def find_asked_extractor(cohort: Cohort) -> str | None:
    """Return the title of the extractor that is chosen for the map, or asked for by a link.

    The frame names it before the page has drawn its widgets. None where there is no choice, or
    none that can be had.
    """
    asked = st.session_state.get("map_extractor") or st.query_params.get("map_extractor")
    titles = {each.title for each in list_extractors(cohort, time_computed())}
    return str(asked) if asked in titles else None


@functools.lru_cache(maxsize=8)
def list_extractors(cohort: Cohort, changed: tuple[int, ...]) -> tuple[MapExtractor, ...]:
    """List them once for all sessions; ``changed`` lists them again."""
    return tuple(list_map_extractors(cohort, Store(find_cache())))
