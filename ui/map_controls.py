"""The controls of the map: whose paths, which density, how smooth, how large."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cxrlib.charts.words import DENSITY_LABEL
from cxrlib.pipeline import explain_off_map
from cxrlib.report import DEATHS_LABEL
from ui.address import report_unknown
from ui.cohorts import is_cohort_new
from ui.resources import Current
from ui.text import show_alert

__all__ = [
    "MAX_PATIENTS",
    "DensityChoice",
    "choose_density",
    "choose_large",
    "choose_patients",
    "follow_cohort",
    "report_address",
]

MAX_PATIENTS = 5  # more paths than this are a tangle
SMOOTHING = (0.2, 3.0)  # map units
KINDS = {
    "icu-or-tube": "ICU or tube",
    "with-deaths": "ICU, tube or death",
    "none": "none",
}


@dataclass(frozen=True)
class DensityChoice:
    """Hold which images' density is drawn behind the points, and its bandwidth in map units."""

    kind: str
    bandwidth: float

    @property
    def is_drawn(self) -> bool:
        """Tell whether a density is drawn."""
        return self.kind != "none"

    @property
    def include_deaths(self) -> bool:
        """Tell whether last images of patients who died count as bad."""
        return self.kind == "with-deaths"

    @property
    def label(self) -> str:
        """Say which images the density is of."""
        return DEATHS_LABEL if self.include_deaths else DENSITY_LABEL


def follow_cohort(options: Sequence[str], story: Sequence[str]) -> None:
    """Open on the story again after the reader has changed the cohort.

    Call it before what is read from the address: the patients and the image there are still
    those of the other cohort.
    """
    if is_cohort_new():
        st.session_state["patient"] = _opening(options, story)
        st.query_params.pop("image", None)
        _follow_choice()


def _opening(options: Sequence[str], story: Sequence[str]) -> list[str]:
    known = set(options)
    return [patient for patient in story if patient in known][:MAX_PATIENTS]


def report_address(current: Current) -> None:
    """Say what the address asks for and this page does not have."""
    report_unknown("patient", current.patients.__contains__, most=MAX_PATIENTS)
    report_unknown("image", current.has_image)
    _report_off_map(current)
    report_unknown("density", set(KINDS.values()).__contains__)
    report_unknown("smoothing", _is_smoothing)


def _report_off_map(current: Current) -> None:
    """Say why an image of the cohort that the address asks for is not on the map."""
    asked = st.query_params.get("image", "")
    if current.has_image(asked) and current.find_point(asked) is None:
        why = explain_off_map(current.cohort, asked, current.mapped.projection.settings)
        show_alert(f"Image {asked[:60]!r} of the address is not on the map: {why}.")


def _is_smoothing(text: str) -> bool:
    try:
        return SMOOTHING[0] <= float(text) <= SMOOTHING[1]
    except ValueError:
        return False


def choose_patients(options: Sequence[str], story: Sequence[str]) -> list[str]:
    """Let the reader choose whose paths are drawn; open on the story."""
    return st.multiselect(
        "Paths of patients",
        options,
        default=_opening(options, story),
        key="patient",
        bind="query-params",
        persist_state="session",
        max_selections=MAX_PATIENTS,
        select_all=False,
        on_change=_follow_choice,
        placeholder="Choose patients by id",
        width=310,
        help="Patients with most dated days on the map stand first.",
    )


def _follow_choice() -> None:
    """Show an image of the chosen patients after the choice has changed."""
    st.session_state.pop("shown_image", None)


def choose_density() -> DensityChoice:
    """Let the reader choose which images' density is drawn, and how smooth it is."""
    low, high = SMOOTHING
    kind = st.segmented_control(
        "Density of images",
        list(KINDS),
        default="icu-or-tube",
        required=True,
        format_func=lambda key: KINDS[key],
        key="density",
        bind="query-params",
        persist_state="session",
        width="content",
        help="The caption of the paper's Figure 3 counts images in the ICU or with a tube; its "
        "text adds the last image of patients who died.",
    )
    bandwidth = st.slider(
        "Smoothing",
        min_value=low,
        max_value=high,
        value=1.0,
        step=0.1,
        key="smoothing",
        bind="query-params",
        persist_state="session",
        width=170,
        help="Bandwidth of the density: the standard deviation of its kernel, in map units. "
        "1.0 is the published value.",
    )
    return DensityChoice(str(kind), float(bandwidth))


def choose_large() -> bool:
    """Let the reader draw the map large, for a projector."""
    return st.toggle(
        "Large", key="large", bind="query-params", persist_state="session", width="content"
    )
