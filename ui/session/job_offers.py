"""Offers of jobs in place of a missing result: a map of a cohort, the demo cohort."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cxrlib.cohort import COLLECTION, LICENCE_NOTICE, CohortEntry
from cxrlib.embedding.extractors import EXTRACTOR_NAMES, describe_extractor, find_weights
from cxrlib.jobs import JobRequest
from cxrlib.maps import default_settings, explain_no_map
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
    """Offer to embed what is missing and to compute the map."""
    settings = default_settings(find_cohort(entry.slug)).to_dict()
    parameters = {"data": str(entry.path), "extractor": extractor, "settings": settings}
    request = JobRequest("prepare", parameters)
    label = f"Map of {entry.title} by {title}"
    offer_job(request, label=label, button="Compute the map", primary=primary)


def offer_planned_map(
    entry: CohortEntry, kind: str, parameters: Mapping[str, Any], *, title: str
) -> None:
    """Offer a map with the reader's own settings, of `cxrlib.maps.plan_map`."""
    request = JobRequest(kind, {"data": str(entry.path), **parameters})
    label = f"Map of {entry.title}: {title}"
    offer_job(request, label=label, button="Compute this map", primary=True)


def show_missing_map(entry: CohortEntry) -> None:
    """Show in a map's place that there is none yet, and offer to compute it where possible."""
    if reason := explain_no_map(find_cohort(entry.slug)):
        show_text(f"{reason} The data page shows at which step images are left out.")
        return
    pretrained = EXTRACTOR_NAMES[0]
    extractor = "texture" if find_weights(pretrained) is None else pretrained
    title = describe_extractor(extractor).title
    show_text("This cohort has no map yet.")
    offer_map(entry, extractor, title=title, primary=True)
    show_quiet(
        f"Image features: {title}; others are on the data page. About a minute per thousand "
        "images; you can leave this page meanwhile."
    )


def show_demo_offer(entry: CohortEntry) -> bool:
    """Offer to generate the demo cohort where it is missing; tell whether it is offered."""
    is_missing = entry.is_demo and not entry.path.is_dir()
    if is_missing:
        offer_job(
            JobRequest("demo"),
            label="Demo cohort",
            button="Generate the demo (1-2 minutes)",
            primary=True,
        )
        st.space("small")
    return is_missing


def show_collection_offer() -> bool:
    """Offer to download the public collection, its licences first; tell whether it is offered."""
    if (find_cache() / COLLECTION / "metadata.csv").is_file():
        return False
    with st.expander("Download the public collection"):
        show_text(LICENCE_NOTICE)
        button = "Accept and download"
        offer_job(JobRequest("collection"), label="Public collection", button=button)
        show_quiet(
            "From GitHub, verified file by file; you then find it among the cohorts in the "
            "sidebar. Without internet: run python -m cxrlib fetch DIR on another machine."
        )
    return True
