"""The controls of the reference cohort: which second cohort is overlaid on the map, and how."""

import functools
from dataclasses import dataclass
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort, find_entry, join_cohorts, list_shared_persons
from cxrlib.errors import CxrError, ProjectionError
from cxrlib.jobs import JobRequest
from cxrlib.maps import ReferenceOverlay, load_fitted, map_points, place_reference
from cxrlib.number_text import format_units
from cxrlib.storage import Store
from ui.session.current_cohort import current_entry
from ui.session.jobs import offer_job
from ui.session.resources import Current, find_cache, find_cohort, list_cohorts, time_computed
from ui.widgets.choice import choose_one
from ui.widgets.details import show_details
from ui.widgets.text import show_alert, show_quiet

__all__ = ["ReferenceChoice", "choose_reference", "load_reference", "show_overlay"]

NONE = "none"
MOST_NAMED = 6  # persons in both cohorts, in the line above the map
PROJECTED, FITTED = "projected", "mapped together"


@dataclass(frozen=True)
class ReferenceChoice:
    """Hold which cohort is overlaid, None for none, and whether the map is of both."""

    slug: str | None = None
    is_fitted: bool = False


def choose_reference() -> ReferenceChoice:
    """Let the reader overlay another of the server's cohorts on the map."""
    own = current_entry().slug
    others = [entry.slug for entry in list_cohorts() if entry.slug != own]
    options = [NONE, *others]
    slug = choose_one(
        "behind",
        "Overlay a second cohort",
        options,
        is_menu=True,
        is_shown=bool(others),
        known=[own],  # overlaid on another page's cohort: it cannot be overlaid on itself
        width=220,
        help="Shows the images of a second cohort as grey crosses. They are never counted.",
    )
    how = choose_one(
        "how",
        "Overlay is",
        (PROJECTED, FITTED),
        is_shown=slug != NONE,
        help="Projected: each image goes to its nearest images, and the map stays as it is. "
        "Mapped together: a new map of both cohorts, as in the paper.",
    )
    return ReferenceChoice() if slug == NONE else ReferenceChoice(slug, how == FITTED)


def load_reference(
    current: Current, choice: ReferenceChoice
) -> tuple[Current, ReferenceOverlay | None]:
    """Load the overlay of a cohort; where there is none, show why and offer what is missing.

    Returns
    -------
    current : Current
        The same, or that of the map of both cohorts: use it from here on.
    cloud : ReferenceOverlay or None
    """
    if choice.slug is None:
        return current, None
    try:
        cohort = find_cohort(choice.slug)
        placed = _place(current, cohort, time_computed())
        if not choice.is_fitted:
            return current, placed
        if fitted := _fit(current, cohort, time_computed()):
            return fitted
        show_quiet("The joint map is not computed yet. Until then the second cohort is projected.")
        _offer_fit(current, choice.slug)
    except ProjectionError as error:
        show_alert(str(error))
        _offer_embedding(current, choice.slug)
        return current, None
    except CxrError as error:
        show_alert(str(error))
        return current, None
    return current, placed


def show_overlay(cohort: Cohort, choice: ReferenceChoice, overlay: ReferenceOverlay | None) -> None:
    """Show the overlay's legend, and the persons who are in both cohorts, by their ids.

    Parameters
    ----------
    cohort : Cohort
        The page's own, whole.
    choice : ReferenceChoice
    overlay : ReferenceOverlay or None
        None where nothing is drawn; persons in both are named all the same.
    """
    if choice.slug is None:
        return
    if overlay is not None:
        how = "mapped together" if overlay.is_fitted else "projected"
        n_images = format_units(overlay.n_images, "image")
        st.html(
            "<p class='cxr-text cxr-overlay-key'><span aria-hidden='true'>\N{MULTIPLICATION X}"
            f"</span> Grey crosses: {n_images} of <bdi>{escape(overlay.name)}</bdi>, {how}, never "
            "counted.</p>"
        )
    try:
        shared = _find_shared(cohort, find_cohort(choice.slug))
    except CxrError:  # the same cohort twice, or one that cannot be read: that is said above
        return
    _show_shared(shared)


def _show_shared(shared: pd.DataFrame) -> None:
    """Name the persons in both cohorts: the first in a line, all of them behind Details."""
    if shared.empty:
        show_quiet("No person is known to be in both cohorts, by nearly identical images.")
        return
    columns = shared[["first_ids", "second_ids"]].itertuples(index=False)
    named = [a if a == b else f"{a} (there {b})" for a, b in columns]
    are = "person is" if len(named) == 1 else "persons are"
    rest = f" and {len(named) - MOST_NAMED:,} more" if len(named) > MOST_NAMED else ""
    told = f"{len(named):,} {are} in both cohorts: {', '.join(named[:MOST_NAMED])}{rest}."
    show_details(told, [", ".join(named)] if rest else [])


@functools.lru_cache(maxsize=8)
def _find_shared(first: Cohort, second: Cohort) -> pd.DataFrame:
    """Find the persons in both once for all sessions; the store keeps which images are alike."""
    return list_shared_persons(join_cohorts(first, second, store=Store(find_cache())))


@functools.lru_cache(maxsize=8)
def _place(current: Current, cohort: Cohort, changed: tuple[int, ...]) -> ReferenceOverlay:
    """Place it once for all sessions; ``changed`` makes new embeddings count."""
    return place_reference(current.mapped, cohort, Store(find_cache()))


@functools.lru_cache(maxsize=8)
def _fit(
    current: Current, cohort: Cohort, changed: tuple[int, ...]
) -> tuple[Current, ReferenceOverlay] | None:
    """Load the map of both once for all sessions; None where it is not computed."""
    fitted = load_fitted(current.mapped, cohort, Store(find_cache()))
    if fitted is None:
        return None
    points = map_points(fitted.mapped.mapped.table, fitted.mapped.projection)
    return Current(fitted.mapped, points, current.story), fitted.cloud


def _offer_fit(current: Current, slug: str) -> None:
    """Offer to compute the map of both cohorts."""
    own, entry = current_entry(), find_entry(list_cohorts(), slug)
    parameters = {
        "data": str(own.path),
        "reference": str(entry.path),
        "extractor": current.extractor.key,
        "settings": current.mapped.projection.settings.to_dict(),
    }
    offer_job(
        JobRequest("map-with", parameters),
        label=f"Map of {own.title} with {entry.title}",
        button="Compute the joint map",
    )


def _offer_embedding(current: Current, slug: str) -> None:
    """Offer to embed a cohort by the map's extractor, where it can be made anew by its name."""
    extractor = current.extractor
    entry = find_entry(list_cohorts(), slug)
    offer_job(
        JobRequest("embed", {"data": str(entry.path), "extractor": extractor.name}),
        label=f"{entry.title} by {extractor.title}",
        button="Embed the second cohort",
    )
