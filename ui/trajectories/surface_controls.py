"""The controls of the map's colours and of what lies behind its points."""

import functools
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.charts.maps import MAX_PANELS
from cxrlib.cohort import FRONTAL_VIEWS
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
EVERY_VIEW = "all views"
#: What is drawn of the bad images; the words are the values, as in the address.
KINDS: tuple[Literal["density", "share"], ...] = ("density", "share")
SMOOTHING = (0.2, 3.0)  # map units
#: Column of a severity score, and what it is called on screen.
SCORES = {column: f"{name} (0 to {top:g})" for column, (name, top) in SEVERITIES.items()}
#: Highest value that a threshold can have: a bound slider must not change its ends.
HIGHEST = max(top for _, top in SEVERITIES.values())


@functools.lru_cache(maxsize=16)
def list_colours(current: Current) -> tuple[str, ...]:
    """List what a map's points can be coloured by, once for all sessions."""
    return tuple(list_colourings(current.points, current.mapped.embeddings))


@functools.lru_cache(maxsize=128)
def load_colouring(current: Current, by: str) -> Colouring:
    """Read what all points of a map are coloured by, once for all sessions.

    Take the rows that filters keep of it by `cxrlib.maps.Colouring.take`: colours stay.
    """
    return colour_points(current.points, by, embeddings=current.mapped.embeddings)


def choose_colour(current: Current, *, remarks: DeltaGenerator | None = None) -> str:
    """Let the reader choose what the points are coloured by; shape stays the state."""
    return choose_one(
        "colour",
        "Colour by",
        list_colours(current),
        is_menu=True,
        remarks=remarks,
        width=170,
        help="A column of the records or an output of the extractor. The shape of a point is "
        "its state in any case; what is not recorded is hollow and grey.",
    )


def choose_panels(current: Current, *, remarks: DeltaGenerator | None = None) -> list[str]:
    """Let the reader choose by what the same map is coloured in small, side by side."""
    return choose_many(
        "panels",
        "The same map, coloured by",
        list_colours(current),
        remarks=remarks,
        max_selections=MAX_PANELS,
        select_all=False,
        placeholder="Choose up to six columns",
    )


def choose_surface(*, remarks: DeltaGenerator | None = None) -> SurfaceWish:
    """Let the reader choose what lies behind the points.

    Three controls for a row: what is bad, density or share, and the rest behind "Shade".
    """
    definition = choose_one(
        "density",
        "Behind the points",
        [*DEFINITIONS, NOTHING],
        is_menu=True,
        remarks=remarks,
        width=180,
        help="Which images are counted as bad. The caption of the paper's Figure 3 counts images "
        "in the ICU or with a tube; its text adds the last image of patients who died.",
    )
    kind = choose_one(
        "surface",
        "as",
        KINDS,
        remarks=remarks,
        help="A density rises where bad images are, and also where images are simply many. A "
        "share is of the images of which it is recorded, and is given where enough are near.",
    )
    is_none = definition == NOTHING
    with st.popover("Shade", width="content"):
        view = choose_one(
            "within",
            "Within view",
            [EVERY_VIEW, *FRONTAL_VIEWS],
            is_menu=True,
            remarks=remarks,
            help="AP images are mostly of patients in bed, PA images mostly not: within one view "
            "the shade does not only tell the views apart.",
        )
        bandwidth = choose_number(
            "smoothing",
            "Smoothing",
            SMOOTHING,
            1.0,
            is_slider=True,
            remarks=remarks,
            step=0.1,
            help="Bandwidth: the standard deviation of the kernel, in map units. 1.0 is the "
            "published value.",
        )
        has_scores = definition == "severity"
        severity = choose_one(
            "score",
            "Severity score",
            SCORES,
            is_menu=True,
            is_shown=has_scores,
            remarks=remarks,
            help="The mean of the raters' scores; few images are scored.",
        )
        at_least = choose_number(
            "severity",
            "Bad from",
            (0.0, HIGHEST),
            4.0,
            is_slider=True,
            is_shown=has_scores,
            remarks=remarks,
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
