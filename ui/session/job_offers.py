"""Offers of work, where its result is missed: a map of a cohort, the demo cohort."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cxrlib.cohort import COLLECTION, CohortEntry
from cxrlib.embedding.extractors import EXTRACTOR_NAMES, find_weights
from cxrlib.jobs import JobRequest
from cxrlib.maps import explain_no_map
from ui.session.jobs import offer_job
from ui.session.resources import find_cache, find_cohort
from ui.widgets.text import show_quiet, show_text

__all__ = [
    "offer_map",
    "offer_planned_map",
    "show_collection_offer",
    "show_demo_offer",
    "show_missing_map",
]


def offer_map(entry: CohortEntry, extractor: str, *, title: str, primary: bool = False) -> None:
    """Offer to embed what is missing and to make the map."""
    request = JobRequest("prepare", {"data": str(entry.path), "extractor": extractor})
    offer_job(request, label=f"{entry.title} by {title}", button="Embed and map", primary=primary)


def offer_planned_map(
    entry: CohortEntry, kind: str, parameters: Mapping[str, Any], *, title: str
) -> None:
    """Offer a map by settings of one's own, of `cxrlib.maps.plan_map`."""
    request = JobRequest(kind, {"data": str(entry.path), **parameters})
    button = "Make this map" if kind == "map" else "Embed and map"
    offer_job(request, label=f"Map of {entry.title}: {title}", button=button, primary=True)


def show_missing_map(entry: CohortEntry) -> None:
    """Say in a map's place that there is none yet, and offer to make it where it can be."""
    if reason := explain_no_map(find_cohort(entry.slug)):
        show_text(f"{reason} The data page shows, step by step, what leaves the others out.")
        return
    pretrained = EXTRACTOR_NAMES[0]
    extractor = "texture" if find_weights(pretrained) is None else pretrained
    show_text("This cohort has no map yet: its images are to be embedded and laid out first.")
    offer_map(entry, extractor, title=extractor, primary=True)
    show_quiet(
        f"By the extractor {extractor!r}; the data page has the others. About a minute for a "
        "thousand images, for the whole server, whether this page stays open or not."
    )


def show_demo_offer(entry: CohortEntry) -> bool:
    """Offer to generate the demo where it is not there; tell whether it is offered."""
    is_missing = entry.is_demo and not entry.path.is_dir()
    if is_missing:
        offer_job(
            JobRequest("demo"),
            label="Demo cohort",
            button="Generate the demo (a minute or two)",
            primary=True,
        )
        st.space("small")
    return is_missing


def show_collection_offer() -> bool:
    """Offer to fetch the public collection, its licences first; tell whether it is offered."""
    from cxrlib.cohort import LICENCE_NOTICE

    if (find_cache() / COLLECTION / "metadata.csv").is_file():
        return False
    with st.expander("Fetch the public collection"):
        show_text(LICENCE_NOTICE)
        offer_job(
            JobRequest("collection"), label="The public collection", button="I agree: fetch it"
        )
        show_quiet(
            "From GitHub, checked file by file; it then stands among the cohorts at the left. "
            "Without internet on this machine: python -m cxrlib fetch DIR on another."
        )
    return True
