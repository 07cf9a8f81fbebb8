"""Settings of the map: extractor, views and projection method; kept in the address."""

import functools
from typing import Any

import streamlit as st

from cxrlib.cohort import Cohort, CohortEntry
from cxrlib.embedding import Features
from cxrlib.embedding.extractors import EXTRACTOR_NAMES, ExtractorInfo
from cxrlib.errors import ProjectionError
from cxrlib.maps import (
    METHODS,
    VIEWS,
    MapChoice,
    MapExtractor,
    ProjectionSettings,
    Widening,
    default_settings,
    describe_off_map,
    describe_settings,
    explain_unusable,
    list_widenings,
    plan_map,
    select_for_map,
)
from ui.session.asked_extractor import list_extractors
from ui.session.job_offers import offer_planned_map
from ui.session.resources import load_current, time_computed
from ui.widgets.choice import (
    choose_many,
    choose_number,
    choose_one,
    choose_whether,
    reset_choices,
)
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = [
    "choose_settings",
    "show_choice",
    "show_chosen_map_offer",
    "show_off_map",
]

MENU_WIDTH = 460  # pixels
NEIGHBOURS = (2, 500)
SEEDS = (0, 2**32 - 1)
FEATURES: tuple[Features, ...] = ("outputs", "embedding")


def choose_settings(entry: CohortEntry, cohort: Cohort) -> MapChoice:
    """Let the reader choose what the map is made of; by default `default_settings`.

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
    usual, plain = _find_usual(entry, extractors), default_settings(cohort)
    of_paper = plain == ProjectionSettings()
    menu = st.popover("Map settings", icon=":material/tune:", width="content")
    with menu, st.container(width=MENU_WIDTH, gap="small"):
        show_quiet(
            "Each combination is a map of its own, computed once and kept. Default: the paper's "
            f"settings{'' if of_paper else ', and AP Erect too, which is frontal here'}."
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
        settings = _choose_layout(plain)
        st.button(
            "Restore the paper's settings" if of_paper else "Restore the default settings",
            key="map_reset",
            on_click=_reset,
            args=(usual.title, plain),
            disabled=settings == plain and title == usual.title,
        )
    chosen = next((each for each in extractors if each.title == title), usual)
    if settings == plain and chosen == usual:
        return MapChoice()
    return MapChoice(chosen.key, settings)


def show_choice(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> None:
    """Show outside the menu that the map is another than the usual one; else nothing."""
    if choice != MapChoice():
        name = _find_chosen(entry, cohort, choice).title
        settings = choice.settings or default_settings(cohort)
        show_quiet(f"Map settings: {name}, {describe_settings(settings)}.")


def show_chosen_map_offer(entry: CohortEntry, cohort: Cohort, choice: MapChoice) -> None:
    """Show in place of a map why it is not there, and offer to compute it where that can be done.

    While it is computed its progress is shown here, in every session that has chosen it.
    """
    settings = choice.settings or default_settings(cohort)
    if reason := explain_unusable(cohort, settings):
        show_alert(reason)
        return
    extractor = _find_chosen(entry, cohort, choice)
    words = describe_settings(settings)
    show_text(f"This map is not computed yet: {extractor.title}, {words}.")
    kind, parameters = plan_map(extractor, settings)
    offer_planned_map(entry, kind, parameters, title=f"{extractor.title}, {words}")
    if kind == "prepare":
        show_quiet("Images without features are processed first, which takes longest.")
    else:
        show_quiet(
            "Takes seconds to half a minute for a thousand images. The map is computed for the "
            "whole server, whether this page stays open or not."
        )


def show_off_map(
    cohort: Cohort,
    choice: MapChoice,
    *,
    extractor: ExtractorInfo | None = None,
    n_on_map: int | None = None,
) -> None:
    """Show why X-rays are not on the map; where most are not, offer what would bring them.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    choice : MapChoice
    extractor, n_on_map
        As `cxrlib.maps.describe_off_map`; without a map neither is given.
    """
    settings = choice.settings or default_settings(cohort)
    told = _describe_off_map(cohort, settings, extractor, n_on_map)
    if not told:
        return
    show_quiet(told)
    n_mapped = select_for_map(cohort, settings).n_images if n_on_map is None else n_on_map
    if 2 * n_mapped >= cohort.select_xrays().n_images:
        return
    with st.container(horizontal=True, gap="small"):
        for each in _list_widenings(cohort, settings):
            st.button(
                f"{each.label} ({each.n_more:,})",
                key=f"widen_{each.label}",
                on_click=_widen,
                args=(each.settings,),
                help="Another map, computed once and kept. Map settings take them out again.",
            )


@functools.lru_cache(maxsize=32)
def _describe_off_map(
    cohort: Cohort,
    settings: ProjectionSettings,
    extractor: ExtractorInfo | None,
    n_on_map: int | None,
) -> str:
    return describe_off_map(cohort, settings, extractor=extractor, n_on_map=n_on_map)


@functools.lru_cache(maxsize=32)
def _list_widenings(cohort: Cohort, settings: ProjectionSettings) -> list[Widening]:
    return list_widenings(cohort, settings)


def _widen(settings: ProjectionSettings) -> None:
    """Choose the views and diagnoses of wider settings; the rest stays as chosen."""
    st.session_state["map_views"] = list(settings.views)
    st.session_state["map_undiagnosed"] = not settings.needs_finding


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


def _choose_layout(plain: ProjectionSettings) -> ProjectionSettings:
    """Let the reader choose features, views and method with what it takes."""
    _follow_views(plain.views)
    features = choose_one(
        "map_features",
        "Features",
        FEATURES,
        default=plain.features,
        help="The model's named outputs, as in the paper, or its whole embedding.",
    )
    views = choose_many(
        "map_views",
        "Views on the map",
        VIEWS,
        default=plain.views,
        placeholder="Select one or more",
        help="Other views compute a new map; the filters at the left do not.",
    )
    undiagnosed = choose_whether(
        "map_undiagnosed",
        "Also images without a diagnosis",
        help="The paper maps images with a diagnosis.",
    )
    method = choose_one(
        "map_method",
        "Method",
        METHODS,
        default=plain.method,
        help="UMAP keeps neighbours together. PCA shows the two directions in which images differ "
        "most: fast, linear, deterministic.",
    )
    layout = _choose_umap(plain, is_shown=method == "umap")
    # In one order, whatever the order they were chosen in: it is one map.
    ordered = tuple(view for view in VIEWS if view in views)
    return ProjectionSettings(
        "pca" if method == "pca" else "umap",
        features,
        views=ordered,
        needs_finding=not undiagnosed,
        **layout,
    )


def _follow_views(usual: tuple[str, ...]) -> None:
    """Turn the views that were another cohort's by default into this one's; others stay."""
    former = st.session_state.get("map_views_usual")
    if former not in (None, usual) and tuple(st.session_state.get("map_views", ())) == former:
        st.session_state["map_views"] = list(usual)
    st.session_state["map_views_usual"] = usual


def _choose_umap(plain: ProjectionSettings, **shown: Any) -> dict[str, Any]:  # noqa: ANN401  (where, and whether at all)
    """Let the reader choose neighbours, minimum distance and seed."""
    with st.container(horizontal=True, gap="small"):
        neighbours = choose_number(
            "map_neighbours",
            "Neighbours",
            NEIGHBOURS,
            plain.n_neighbors,
            width=138,
            help="Neighbours that UMAP keeps close: few show local detail, many the overall "
            "structure.",
            **shown,
        )
        distance = choose_number(
            "map_distance",
            "Minimum distance",
            (0.0, 1.0),
            plain.min_dist,
            step=0.05,
            width=150,
            help="Smallest distance between two images, in map units, 0 to 1.",
            **shown,
        )
        seed = choose_number(
            "map_seed",
            "Seed",
            SEEDS,
            plain.seed,
            width=138,
            help="Different seeds give different maps. Trust only what persists across seeds.",
            **shown,
        )
    return {"n_neighbors": neighbours, "min_dist": distance, "seed": seed}


def _reset(usual: str, plain: ProjectionSettings) -> None:
    """Set all back: deleting what a widget is bound to does nothing, the address has it."""
    reset_choices(
        {
            "map_extractor": usual,
            "map_features": plain.features,
            "map_views": list(plain.views),
            "map_undiagnosed": False,
            "map_method": plain.method,
            "map_neighbours": plain.n_neighbors,
            "map_distance": plain.min_dist,
            "map_seed": plain.seed,
        }
    )
