"""The part of the patients page with the patient on the map, and patients with a similar course."""

from collections.abc import Sequence
from functools import lru_cache, partial

import streamlit as st

from cxrlib.charts.maps import describe_map, plot_map
from cxrlib.charts.patients import describe_points, plot_similar_patients
from cxrlib.cohort import Cohort
from cxrlib.embedding import FeatureSpace
from cxrlib.maps import compute_trajectory
from cxrlib.patients import (
    SimilarPatients,
    describe_similar_patients,
    find_similar_patients,
    list_notes,
)
from cxrlib.reports import list_provenance, points_table
from ui.patients.choice import SHOWN, choose_patient
from ui.patients.output_course import find_extractor
from ui.session.current_cohort import current_entry
from ui.session.features import load_feature_space
from ui.session.resources import Current, load_current
from ui.widgets.choice import choose_one, choose_whether
from ui.widgets.figure import show_figure
from ui.widgets.origin import Origin
from ui.widgets.page_link import show_page_link
from ui.widgets.table import show_table
from ui.widgets.text import show_heading, show_quiet, show_text

__all__ = ["show_similar_patients"]

WINDOWS = {days: f"{days} days" for days in (3, 5, 7)}


def show_similar_patients(
    cohort: Cohort, patient_id: str, *, origin: Origin, filters: Sequence[str]
) -> None:
    """Show a patient's path on a small map, and the patients with a similar course.

    Parameters
    ----------
    cohort : Cohort
    patient_id : str
    origin : Origin
    filters : sequence of str
        In words; they refit no map and leave out no neighbour.
    """
    if find_extractor() is None:
        return
    current = load_current(current_entry().slug)
    of_map = Origin(list_provenance(current.mapped, filters=filters), origin.stem)
    _show_map(current, patient_id, of_map)
    _show_nearest(cohort, current, patient_id, origin, is_filtered=bool(filters))


def _show_map(current: Current, patient_id: str, origin: Origin) -> None:
    """Show the path on the map, with the way to the page of trajectories."""
    points, projection = current.points, current.mapped.projection
    path = compute_trajectory(current.cohort.table, projection, patient_id)
    if not path.n_images:
        show_quiet(
            "None of this patient's images is on the map: it shows frontal X-rays with a readable "
            "file and a diagnosis."
        )
        return
    draw = partial(plot_map, points, None, [path], uirevision=f"{projection.key}-small", scale=0.8)
    show_figure(
        draw,
        key="small_map",
        alt=describe_map(points, None, [path], density_label=""),
        numbers=lambda: points_table(points[points["patient_id"] == patient_id]),
        caption="All images of the cohort by state. Near points look alike to the extractor; "
        "long distances and directions mean nothing.",
        **origin.saved_as("map", f"Patient: {patient_id}"),
        heading=f"Patient {patient_id} on the map",
        config={"displayModeBar": False},
    )
    show_page_link(
        "trajectories",
        "Show patient on the trajectories page",
        asked={"patient": patient_id},
        icon=":material/timeline:",
    )


@lru_cache(maxsize=256)
def _find_nearest(
    cohort: Cohort, space: FeatureSpace, patient_id: str, window: int, *, other_sources: bool
) -> SimilarPatients:
    return find_similar_patients(
        cohort.table,
        space,
        patient_id,
        window=window,
        other_sources=other_sources,
    )


def _show_nearest(
    cohort: Cohort, current: Current, patient_id: str, origin: Origin, *, is_filtered: bool
) -> None:
    """Show the patients whose images were most alike on the same days, beside random ones."""
    space = load_feature_space(cohort, current.extractor)
    show_heading("Patients with a similar course")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = choose_one("window", "Match days within", WINDOWS)
        other_sources = choose_whether(
            "other_sources",
            "Other sources only",
            help="Images from one article or site look alike for reasons other than the course.",
        )
    courses = _find_nearest(cohort, space, patient_id, window, other_sources=other_sources)
    show_text(describe_similar_patients(courses))
    if courses.table.empty:
        return
    # Without the map: a distance depends on the numbers and on what the reader has chosen above.
    basis = (
        f"Extractor: {current.extractor.title}",
        f"Patient: {patient_id}",
        f"Days matched within {window} days; "
        f"{'other articles and sites only' if other_sources else 'patients of any source'}",
        *(["The filters exclude no similar patient"] if is_filtered else []),
    )
    show_figure(
        partial(plot_similar_patients, courses),
        key="near",
        alt=describe_similar_patients(courses),
        numbers=lambda: courses.table,
        caption=describe_points(courses),
        **origin.saved_as("near", *basis),
        heading=f"Patient {patient_id}: patients with a similar course",
        config={"displayModeBar": False},
    )
    show_table(
        courses.table.drop(columns="person_id"),
        key="nearest",
        **origin.saved_as("nearest", *basis),
        numbers=courses.table,
        column_config={
            "rank": "Rank",
            "patient_ids": "Patient",
            "distance": st.column_config.NumberColumn("Mean image distance, SD", format="%.2f"),
            "n_aligned": f"Days matched, of {courses.n_days}",
            "n_images": "Images used",
            "shares": "Same source",
        },
    )
    _offer_patients(courses)
    with st.expander("Details"):
        for note in list_notes(courses):
            show_quiet(note)


def _offer_patients(courses: SimilarPatients) -> None:
    """Offer to turn to one of the nearest."""
    with st.container(horizontal=True):
        for patient_id in [each.split(", ")[0] for each in courses.table["patient_ids"][:5]]:
            st.button(
                f"Open patient {patient_id}"[:60],
                key=f"open_{patient_id}",
                type="tertiary",
                on_click=_open,
                args=(patient_id,),
            )


def _open(patient_id: str) -> None:
    st.session_state[SHOWN] = choose_patient(st.session_state[SHOWN], patient_id)
