"""The controls of the map's colours and of what lies behind its points."""

import functools
from typing import Literal, cast

import streamlit as st

from cxrlib.charts.maps.small_multiples import MAX_PANELS
from cxrlib.cohort.metadata import FRONTAL_VIEWS
from cxrlib.maps.bad_state_definitions import DEFINITIONS, SEVERITIES
from cxrlib.maps.colouring import Colouring, colour_points, list_colourings
from cxrlib.maps.surfaces import SurfaceWish
from ui.session.resources import Current
from ui.widgets.address import report_unknown

__all__ = [
    "choose_colour",
    "choose_panels",
    "choose_surface",
    "list_colours",
    "load_colouring",
    "report_surface_address",
]

NOTHING = "none"
EVERY_VIEW = "all views"
#: What is drawn of the bad images; the words are the values, as in the address.
KINDS = ("density", "share")
SMOOTHING = (0.2, 3.0)  # map units
#: What a severity score is called on screen, to its column.
SCORES = {f"{name} (0 to {top:g})": column for column, (name, top) in SEVERITIES.items()}
#: Highest value that a threshold can have: a bound slider must not change its ends.
HIGHEST = max(top for _, top in SEVERITIES.values())


@functools.lru_cache(maxsize=16)
def list_colours(current: Current) -> tuple[str, ...]:
    """List what a map's points can be coloured by, once for all sessions."""
    return tuple(list_colourings(current.points, current.mapped.embeddings))


@functools.lru_cache(maxsize=128)
def load_colouring(current: Current, by: str) -> Colouring:
    """Read what all points of a map are coloured by, once for all sessions.

    Take the rows that filters keep of it by `cxrlib.maps.colouring.Colouring.take`: colours stay.
    """
    return colour_points(current.points, by, embeddings=current.mapped.embeddings)


def report_surface_address(current: Current) -> None:
    """Say what the address asks for and these controls do not have."""
    known = set(list_colours(current))
    report_unknown("colour", known.__contains__, most=1)
    report_unknown("panels", known.__contains__, most=MAX_PANELS)
    report_unknown("density", {*DEFINITIONS, NOTHING}.__contains__)
    report_unknown("surface", set(KINDS).__contains__)
    report_unknown("within", {*FRONTAL_VIEWS, EVERY_VIEW}.__contains__)
    report_unknown("score", set(SCORES).__contains__)
    report_unknown("severity", functools.partial(_is_between, low=0.0, high=HIGHEST))
    report_unknown("smoothing", functools.partial(_is_between, low=SMOOTHING[0], high=SMOOTHING[1]))


def _is_between(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False


def choose_colour(current: Current) -> str:
    """Let the reader choose what the points are coloured by; shape stays the state."""
    return str(
        st.selectbox(
            "Colour by",
            list_colours(current),
            key="colour",
            bind="query-params",
            persist_state="session",
            width=170,
            help="A column of the records or an output of the extractor. The shape of a point is "
            "its state in any case; what is not recorded is hollow and grey.",
        )
    )


def choose_panels(current: Current) -> list[str]:
    """Let the reader choose by what the same map is coloured in small, side by side."""
    return st.multiselect(
        "The same map, coloured by",
        list_colours(current),
        key="panels",
        bind="query-params",
        persist_state="session",
        max_selections=MAX_PANELS,
        select_all=False,
        placeholder="Choose up to six columns",
    )


def choose_surface() -> SurfaceWish:
    """Let the reader choose what lies behind the points.

    Three controls for a row: what is bad, density or share, and the rest behind "Shade".
    """
    definition = st.selectbox(
        "Behind the points",
        [*DEFINITIONS, NOTHING],
        key="density",
        bind="query-params",
        persist_state="session",
        width=180,
        help="Which images are counted as bad. The caption of the paper's Figure 3 counts images "
        "in the ICU or with a tube; its text adds the last image of patients who died.",
    )
    kind = st.segmented_control(
        "as",
        KINDS,
        default=KINDS[0],
        required=True,
        key="surface",
        bind="query-params",
        persist_state="session",
        width="content",
        help="A density rises where bad images are, and also where images are simply many. A "
        "share is of the images of which it is recorded, and is given where enough are near.",
    )
    with st.popover("Shade", width="content"):
        view = st.selectbox(
            "Within view",
            [EVERY_VIEW, *FRONTAL_VIEWS],
            key="within",
            bind="query-params",
            persist_state="session",
            help="AP images are mostly of patients in bed, PA images mostly not: within one view "
            "the shade does not only tell the views apart.",
        )
        bandwidth = _choose_smoothing()
        usual = SurfaceWish()
        severity, at_least = usual.severity, usual.at_least
        if definition == "severity":
            severity, at_least = _choose_severity()
    return SurfaceWish(
        kind=cast(
            Literal["density", "share", "none"], NOTHING if definition == NOTHING else str(kind)
        ),
        definition=next(iter(DEFINITIONS)) if definition == NOTHING else str(definition),
        view=None if view == EVERY_VIEW else str(view),
        bandwidth=bandwidth,
        severity=severity,
        at_least=at_least,
    )


def _choose_smoothing() -> float:
    low, high = SMOOTHING
    return float(
        st.slider(
            "Smoothing",
            min_value=low,
            max_value=high,
            value=1.0,
            step=0.1,
            key="smoothing",
            bind="query-params",
            persist_state="session",
            help="Bandwidth: the standard deviation of the kernel, in map units. 1.0 is the "
            "published value.",
        )
    )


def _choose_severity() -> tuple[str, float]:
    """Let the reader choose a score and from where on it is bad."""
    score = st.selectbox(
        "Severity score",
        list(SCORES),
        key="score",
        bind="query-params",
        persist_state="session",
        help="The mean of the raters' scores; few images are scored.",
    )
    at_least = st.slider(
        "Bad from",
        min_value=0.0,
        max_value=HIGHEST,
        value=4.0,
        step=0.5,
        key="severity",
        bind="query-params",
        persist_state="session",
    )
    return SCORES[str(score)], float(at_least)
