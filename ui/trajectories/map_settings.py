"""Which map is looked at: the extractor, its views, how they are laid out; kept in the address."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.cohort import Cohort, CohortEntry
from cxrlib.embedding import Features
from cxrlib.embedding.extractors import EXTRACTOR_NAMES
from cxrlib.errors import ProjectionError
from cxrlib.maps import (
    METHODS,
    VIEWS,
    MapChoice,
    MapExtractor,
    ProjectionSettings,
    describe_settings,
    explain_unusable,
    plan_map,
)
from ui.session.asked_extractor import list_extractors
from ui.session.job_offers import offer_planned_map
from ui.session.resources import load_current, time_computed
from ui.widgets.choice import choose_many, choose_number, choose_one, reset_choices
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = [
    "choose_settings",
    "show_chosen_map_offer",
    "tell_choice",
]

PAPER = ProjectionSettings()
MENU_WIDTH = 460  # pixels
NEIGHBOURS = (2, 500)
SEEDS = (0, 2**32 - 1)
FEATURES: tuple[Features, ...] = ("outputs", "embedding")


def choose_settings(
    entry: CohortEntry, cohort: Cohort, *, remarks: DeltaGenerator | None = None
) -> MapChoice:
    """Let the reader choose what the map is made of; the paper's settings by default.

    Parameters
    ----------
    entry : CohortEntry
        The cohort in use.
    cohort : Cohort
        The same, loaded.
    remarks : DeltaGenerator, optional
        A container for what the address asks for in vain; here by default.

    Returns
    -------
    MapChoice
        For `ui.session.resources.load_current`, which raises ProjectionError where no such map is
        in the cache: `show_chosen_map_offer` then stands in its place.
    """
    extractors = list_extractors(cohort, time_computed())
    usual = _find_usual(entry, extractors)
    menu = st.popover("Map settings", icon=":material/tune:", width="content")
    with menu, st.container(width=MENU_WIDTH, gap="small"):
        show_quiet(
            "Each choice is a map of its own, computed once for everybody and kept. The paper's "
            "settings are the defaults."
        )
        title = choose_one(
            "map_extractor",
            "Extractor",
            [each.title for each in extractors],
            default=usual.title,
            is_menu=True,
            remarks=remarks,
            help="Those with embeddings of this cohort, or whose weights are on this machine. "
            "The paper used DenseNet-121, all.",
        )
        settings = _choose_layout(remarks)
        st.button(
            "Back to the paper's settings",
            key="map_reset",
            on_click=_reset,
            args=(usual.title,),
            disabled=settings == PAPER and title == usual.title,
        )
    chosen = next((each for each in extractors if each.title == title), usual)
    if settings == PAPER and chosen == usual:
        return MapChoice()
    return MapChoice(chosen.key, settings)


def tell_choice(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> None:
    """Say outside the menu that the map is another than the usual one; else nothing."""
    if choice != MapChoice():
        name = _find_chosen(entry, cohort, choice).title
        show_quiet(f"Chosen map: {name}, {describe_settings(choice.settings)}.")


def show_chosen_map_offer(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> None:
    """Say in a map's place why it is not there, and offer to make it where it can be made.

    While it is made its progress stands here, in every session that has chosen it.
    """
    if reason := explain_unusable(cohort, choice.settings):
        show_alert(reason)
        return
    extractor = _find_chosen(entry, cohort, choice)
    words = describe_settings(choice.settings)
    show_text(f"This map is not in the cache yet: {extractor.title}, {words}.")
    kind, parameters = plan_map(extractor, choice.settings)
    offer_planned_map(entry, kind, parameters, title=f"{extractor.title}, {words}")
    if kind == "prepare":
        show_quiet("Images that are not embedded yet are embedded first, which takes longest.")
    else:
        show_quiet(
            "Seconds for a thousand images; half a minute where the computing process starts "
            "afresh. The map is made for the whole server, whether this page stays open or not."
        )


def _find_chosen(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> MapExtractor:
    """Find the extractor of a choice."""
    extractors = list_extractors(cohort, time_computed())
    usual = _find_usual(entry, extractors)
    return next((each for each in extractors if each.key == choice.extractor), usual)


def _find_usual(entry: CohortEntry, extractors: tuple[MapExtractor, ...]) -> MapExtractor:
    """Find the extractor that is shown without a choice, or would be made first."""
    try:
        key = load_current(entry.slug).extractor.key
    except ProjectionError:
        key = ""
    by_name = {each.name: each for each in reversed(extractors)}
    first = by_name.get(EXTRACTOR_NAMES[0]) or by_name["texture"]
    return next((each for each in extractors if each.key == key), first)


# ---- the widgets


def _choose_layout(remarks: DeltaGenerator | None) -> ProjectionSettings:
    """Let the reader choose features, views and method with what it takes."""
    features = choose_one(
        "map_features",
        "Made from",
        FEATURES,
        default=PAPER.features,
        remarks=remarks,
        help="The extractor's named outputs, as in the paper, or its whole embedding.",
    )
    views = choose_many(
        "map_views",
        "Views on the map",
        VIEWS,
        default=PAPER.views,
        remarks=remarks,
        placeholder="Choose one or more",
        help="They are laid out together. The filters at the left refit nothing; this does.",
    )
    method = choose_one(
        "map_method",
        "Laid out by",
        METHODS,
        default=PAPER.method,
        remarks=remarks,
        help="UMAP keeps neighbours together. PCA draws the two directions in which images differ "
        "most: quick, linear, without a seed.",
    )
    layout = _choose_umap(is_shown=method == "umap", remarks=remarks)
    # In one order, whatever the order they were chosen in: it is one map.
    ordered = tuple(view for view in VIEWS if view in views)
    return ProjectionSettings(
        "pca" if method == "pca" else "umap", features, views=ordered, **layout
    )


def _choose_umap(**told: Any) -> dict[str, Any]:  # noqa: ANN401  (where, and whether at all)
    """Let the reader choose neighbours, minimum distance and seed."""
    with st.container(horizontal=True, gap="small"):
        neighbours = choose_number(
            "map_neighbours",
            "Neighbours",
            NEIGHBOURS,
            PAPER.n_neighbors,
            width=138,
            help="How many of an image's nearest UMAP keeps near: few show detail, many the whole.",
            **told,
        )
        distance = choose_number(
            "map_distance",
            "Minimum distance",
            (0.0, 1.0),
            PAPER.min_dist,
            step=0.05,
            width=150,
            help="How close two images may come, in map units, 0 to 1.",
            **told,
        )
        seed = choose_number(
            "map_seed",
            "Seed",
            SEEDS,
            PAPER.seed,
            width=138,
            help="Another seed, another map: what stays is worth more.",
            **told,
        )
    return {"n_neighbors": neighbours, "min_dist": distance, "seed": seed}


def _reset(usual: str) -> None:
    """Set all back: deleting what a widget is bound to does nothing, the address has it."""
    reset_choices(
        {
            "map_extractor": usual,
            "map_features": PAPER.features,
            "map_views": list(PAPER.views),
            "map_method": PAPER.method,
            "map_neighbours": PAPER.n_neighbors,
            "map_distance": PAPER.min_dist,
            "map_seed": PAPER.seed,
        }
    )
