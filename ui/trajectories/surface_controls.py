"""The controls of the map's colours and of its background."""

import functools
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from cxrlib.charts.maps import MAX_PANELS
from cxrlib.cohort import XRAY_VIEWS
from cxrlib.maps import (
    DEFINITIONS,
    SEVERITIES,
    Colouring,
    SurfaceWish,
    colour_points,
    list_colourings,
)
from ui.session.resources import Current
from ui.widgets.choice import choose_many, choose_number, choose_one

__all__ = [
    "choose_colour",
    "choose_panels",
    "choose_surface",
    "list_colours",
    "load_colouring",
]

NOTHING = "none"
BACKGROUNDS = {**{name: each.title for name, each in DEFINITIONS.items()}, NOTHING: NOTHING}
EVERY_VIEW = "all views"
#: How the bad images are drawn; the words are the values, as in the address.
KINDS: tuple[Literal["density", "share"], ...] = ("density", "share")
SMOOTHING = (0.2, 3.0)  # map units
#: Column of a severity score, and what it is called on screen.
SCORES = {column: f"{name} (0 to {top:g})" for column, (name, top) in SEVERITIES.items()}
#: Highest value that a threshold can have: a bound slider must not change its ends.
HIGHEST = max(top for _, top in SEVERITIES.values())


@functools.lru_cache(maxsize=16)
def list_colours(current: Current) -> tuple[str, ...]:
    """List the columns a map's points can be coloured by, once for all sessions."""
    return tuple(list_colourings(current.points, current.mapped.embeddings))


@functools.lru_cache(maxsize=128)
def load_colouring(current: Current, by: str) -> Colouring:
    """Load the colouring of all points of a map, once for all sessions.

    Take the rows that filters keep of it by `cxrlib.maps.Colouring.take`: colours stay.
    """
    return colour_points(current.points, by, embeddings=current.mapped.embeddings)


def choose_colour(current: Current) -> str:
    """Let the reader choose the column that colours the points; shape stays the state."""
    return choose_one(
        "colour",
        "Colour by",
        list_colours(current),
        is_menu=True,
        width=150,
        help="A column of the records or an output of the image features. Shape always shows the "
        "state; hollow grey points are not recorded.",
    )


def choose_panels(current: Current) -> list[str]:
    """Let the reader choose the columns of small maps, side by side."""
    return choose_many(
        "panels",
        "One map for each column",
        list_colours(current),
        max_selections=MAX_PANELS,
        select_all=False,
        placeholder="Select up to six columns",
    )


def choose_surface(views: Sequence[str]) -> SurfaceWish:
    """Let the reader choose the background of the map.

    Three controls for a row: which images, density or share, and the rest behind a button.

    Parameters
    ----------
    views : sequence of str
        Views on the map.
    """
    definition = choose_one(
        "density",
        "Background",
        BACKGROUNDS,
        is_menu=True,
        width=180,
        help="Which images are counted. The caption of the paper's Figure 3 counts images in ICU "
        "or intubated; its text adds the last image of patients who died.",
    )
    kind = choose_one(
        "surface",
        "Background shows",
        KINDS,
        help="Density: where such images are many; it also rises where all images are many. "
        "Share: their part of the images with a record, where enough are near.",
    )
    is_none = definition == NOTHING
    with st.popover("Background options", width="content"):
        view = choose_one(
            "within",
            "Images of view",
            [EVERY_VIEW, *(view for view in XRAY_VIEWS if view in views)],
            is_menu=True,
            help="AP images are mostly of patients in bed, PA images mostly not. One view alone "
            "keeps the background from showing the views.",
        )
        bandwidth = choose_number(
            "smoothing",
            "Smoothing",
            SMOOTHING,
            1.0,
            is_slider=True,
            step=0.1,
            help="Bandwidth (standard deviation of the kernel) in map units. 1.0 is the published "
            "value.",
        )
        has_scores = definition == "severity"
        severity = choose_one(
            "score",
            "Severity score",
            SCORES,
            is_menu=True,
            is_shown=has_scores,
            help="Mean of the raters' scores. Few images are scored.",
        )
        at_least = choose_number(
            "severity",
            "Lowest score counted",
            (0.0, HIGHEST),
            4.0,
            is_slider=True,
            is_shown=has_scores,
            step=0.5,
        )
    return SurfaceWish(
        kind="none" if is_none else kind,
        definition=next(iter(DEFINITIONS)) if is_none else definition,
        view=None if view == EVERY_VIEW else view,
        bandwidth=bandwidth,
        severity=severity,
        at_least=at_least,
    )
