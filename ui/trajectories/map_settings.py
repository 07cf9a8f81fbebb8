"""Settings of the map: extractor, views and projection method; kept in the address."""

from typing import Any

import streamlit as st

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
    "show_choice",
    "show_chosen_map_offer",
]

PAPER = ProjectionSettings()
MENU_WIDTH = 460  # pixels
NEIGHBOURS = (2, 500)
SEEDS = (0, 2**32 - 1)
FEATURES: tuple[Features, ...] = ("outputs", "embedding")


def choose_settings(entry: CohortEntry, cohort: Cohort) -> MapChoice:
    """Let the reader choose what the map is made of; the paper's settings by default.

    Parameters
    ----------
    entry : CohortEntry
        The cohort in use.
    cohort : Cohort
        The same, loaded.

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
            "Each combination is a map of its own, computed once and kept. Default: the paper's "
            "settings."
        )
        title = choose_one(
            "map_extractor",
            "Image features",
            [each.title for each in extractors],
            default=usual.title,
            is_menu=True,
            help="Models with features of this cohort, or with weights on this server. The paper "
            "used DenseNet-121, all.",
        )
        settings = _choose_layout()
        st.button(
            "Restore the paper's settings",
            key="map_reset",
            on_click=_reset,
            args=(usual.title,),
            disabled=settings == PAPER and title == usual.title,
        )
    chosen = next((each for each in extractors if each.title == title), usual)
    if settings == PAPER and chosen == usual:
        return MapChoice()
    return MapChoice(chosen.key, settings)


def show_choice(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> None:
    """Show outside the menu that the map is another than the usual one; else nothing."""
    if choice != MapChoice():
        name = _find_chosen(entry, cohort, choice).title
        show_quiet(f"Map settings: {name}, {describe_settings(choice.settings)}.")


def show_chosen_map_offer(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> None:
    """Show in place of a map why it is not there, and offer to compute it where that can be done.

    While it is computed its progress is shown here, in every session that has chosen it.
    """
    if reason := explain_unusable(cohort, choice.settings):
        show_alert(reason)
        return
    extractor = _find_chosen(entry, cohort, choice)
    words = describe_settings(choice.settings)
    show_text(f"This map is not computed yet: {extractor.title}, {words}.")
    kind, parameters = plan_map(extractor, choice.settings)
    offer_planned_map(entry, kind, parameters, title=f"{extractor.title}, {words}")
    if kind == "prepare":
        show_quiet("Images without features are processed first, which takes longest.")
    else:
        show_quiet(
            "Takes seconds to half a minute for a thousand images. The map is computed for the "
            "whole server, whether this page stays open or not."
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


def _choose_layout() -> ProjectionSettings:
    """Let the reader choose features, views and method with what it takes."""
    features = choose_one(
        "map_features",
        "Features",
        FEATURES,
        default=PAPER.features,
        help="The model's named outputs, as in the paper, or its whole embedding.",
    )
    views = choose_many(
        "map_views",
        "Views on the map",
        VIEWS,
        default=PAPER.views,
        placeholder="Select one or more",
        help="Other views compute a new map; the filters at the left do not.",
    )
    method = choose_one(
        "map_method",
        "Method",
        METHODS,
        default=PAPER.method,
        help="UMAP keeps neighbours together. PCA shows the two directions in which images differ "
        "most: fast, linear, deterministic.",
    )
    layout = _choose_umap(is_shown=method == "umap")
    # In one order, whatever the order they were chosen in: it is one map.
    ordered = tuple(view for view in VIEWS if view in views)
    return ProjectionSettings(
        "pca" if method == "pca" else "umap", features, views=ordered, **layout
    )


def _choose_umap(**shown: Any) -> dict[str, Any]:  # noqa: ANN401  (where, and whether at all)
    """Let the reader choose neighbours, minimum distance and seed."""
    with st.container(horizontal=True, gap="small"):
        neighbours = choose_number(
            "map_neighbours",
            "Neighbours",
            NEIGHBOURS,
            PAPER.n_neighbors,
            width=138,
            help="Neighbours that UMAP keeps close: few show local detail, many the overall "
            "structure.",
            **shown,
        )
        distance = choose_number(
            "map_distance",
            "Minimum distance",
            (0.0, 1.0),
            PAPER.min_dist,
            step=0.05,
            width=150,
            help="Smallest distance between two images, in map units, 0 to 1.",
            **shown,
        )
        seed = choose_number(
            "map_seed",
            "Seed",
            SEEDS,
            PAPER.seed,
            width=138,
            help="Different seeds give different maps. Trust only what persists across seeds.",
            **shown,
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
