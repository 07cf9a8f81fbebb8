"""Details below the map: the story, the paths in numbers, how to read the map."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cxrlib.charts.maps import describe_out
from cxrlib.cohort import STATE_TITLES, Cohort, SelectionStep
from cxrlib.maps import Trajectory, tabulate_flow
from cxrlib.number_text import format_units
from cxrlib.reports import describe_story, stops_table
from ui.session.resources import Current
from ui.widgets.origin import saved_today
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["show_details", "show_paths", "show_story"]


def show_story(current: Current, patients: Sequence[str]) -> None:
    """Show the story of the patients the page opens on, while they are chosen."""
    for line in _describe_story(current, tuple(patients)):
        show_text(line)


@functools.lru_cache(maxsize=32)
def _describe_story(current: Current, patients: tuple[str, ...]) -> tuple[str, ...]:
    """Describe it once for all sessions: finding whose files are on the map takes long."""
    return tuple(describe_story(current.mapped, patients))


def show_paths(
    paths: Sequence[Trajectory],
    *,
    origin: Sequence[str],
    filtered_out: Sequence[str] = (),
    left_out: pd.DataFrame,
) -> None:
    """Show the chosen paths as a table, a dash where a first day has no step.

    Parameters
    ----------
    paths : sequence of Trajectory
    origin : sequence of str
        Where they come from, `cxrlib.reports.list_provenance`.
    filtered_out : sequence of str
        Chosen patients of whom the filters leave no image.
    left_out : DataFrame
        The map's points that the filters leave out.
    """
    for patient in filtered_out:
        show_quiet(f"Patient {patient}: all images on the map are filtered out.")
    if not paths:
        return
    st.subheader("Paths day by day", anchor=False)
    show_path_notes(paths, left_out)
    number = st.column_config.NumberColumn
    table = stops_table(paths)
    mixed = table["n_in_state"] < table["n_images"]
    part = table["n_in_state"].astype(str) + " of " + table["n_images"].astype(str)
    titles = table["state"].map(STATE_TITLES)
    table["state"] = titles.where(~mixed, titles + " (" + part + ")")
    show_table(
        table.drop(columns="n_in_state"),
        key="paths",
        **saved_today("map-paths", origin),
        numbers=lambda: stops_table(paths),
        placeholder="–",
        column_config={
            "patient_id": "Patient",
            "day": number("Day", format="%g"),
            "n_images": "Images",
            "views": "Views",
            "state": "State",
            "days_since_previous": number("Days since previous", format="%g"),
            "step_map_units": number("Step, map units", format="%.2f"),
        },
    )


def show_details(current: Current, *, origin: Sequence[str]) -> None:
    """Show how to read the page, which images are on the map, and what was planted.

    Parameters
    ----------
    current : Current
    origin : sequence of str
        Where its tables come from, `cxrlib.reports.list_provenance`.
    """
    with st.expander("How to read the map"):
        st.markdown(HOW_TO_READ)
    with st.expander("Images included in the map"):
        show_selection(current, origin)
    if current.cohort.is_synthetic:
        with st.expander("Known truths in this synthetic cohort"):
            show_planted(current.cohort.planted)


HOW_TO_READ = """
- **A point is an image.** Similar images are close together. Large distances, directions and the
  axes mean nothing.
- **State.** *In ICU or intubated* (the paper's "bad"): recorded so on that day, or the last image
  of a patient who died. *Not in ICU, not intubated* (the paper's "good"): at least one of the two
  is recorded as no, or the last image of a survivor. *Not recorded*: none of these. A blank is not
  a no. Images with reasons for both count as in ICU or intubated. The state is that of the day: an
  early image of a patient who died later can be *not in ICU, not intubated*.
- **A path joins days, not images.** Images of one day have no known order: the path goes through
  their mean, and a thin line joins each image to it. Images without a day are not in the path.
- **Days** count from the first symptoms in some patients and from admission in others; the record
  does not say which. Day 5 can also mean "a few days".
- **The background** shows where images taken in ICU or while intubated are dense. It is not a risk:
  density also rises where there are many images, and views and hospitals form their own groups.
- **Nothing here is a diagnosis** or a forecast for a patient.
"""


def show_path_notes(paths: Sequence[Trajectory], left_out: pd.DataFrame) -> None:
    """Show what a path leaves out: filtered images, those without a day; and single days."""
    for path in paths:
        notes = []
        out = left_out.loc[left_out["patient_id"] == path.patient_id, "offset"]
        if len(out):
            notes.append(describe_out(out))
        if path.undated:
            notes.append(f"{len(path.undated)} of {path.n_images} images have no recorded day")
        if len(path.stops) == 1:
            notes.append("only one recorded day, so there is no path")
        if path.not_on_map:
            notes.append(f"{format_units(len(path.not_on_map), 'image')} not on the map")
        if notes:
            show_quiet(f"Patient {path.patient_id}: {'; '.join(notes)}.")


STEP_COLUMNS = ("Step", "Images", "Patients", "Images left out")


def show_selection(current: Current, origin: Sequence[str]) -> None:
    """Show each step from all rows to the images on the map, with the images it left out."""
    cohort = current.cohort
    words = "rows of metadata.csv; patients with an X-ray"
    whole = SelectionStep(words, cohort.n_images, cohort.n_patients, {})
    show_table(
        tabulate_flow([whole, *current.mapped.mapped.steps]).set_axis(STEP_COLUMNS, axis=1),
        key="map_steps",
        **saved_today("map-images", origin),
    )
    problems = current.cohort.problems
    if len(problems):
        st.markdown(f"**{len(problems):,} remarks on the cohort's files**")
        show_table(
            _format_problems(current.cohort),
            key="map_problems",
            **saved_today("remarks", origin),
        )


@functools.lru_cache(maxsize=8)
def _format_problems(cohort: Cohort) -> pd.DataFrame:
    """Write the remarks on a cohort's files as text, once for all sessions."""
    problems = cohort.problems
    return problems.astype(object).where(problems.notna(), "").astype(str)


def show_planted(planted: Mapping[str, Any]) -> None:
    """Show what was built into a synthetic cohort: its truths, in the words of its maker."""
    st.markdown(
        "Every patient, image and number here was generated. These facts were built in, to test "
        "whether a method finds them:"
    )
    for truth in planted.get("planted", {}).values():
        if words := truth.get("words"):
            show_text(f"{words}{_same_persons(truth.get('groups'))}")


def _same_persons(groups: object) -> str:
    """List groups of patient ids that are one person: ``" (216 = 900; 88 = 901)"``."""
    if not isinstance(groups, list) or not groups:
        return ""
    told = [" = ".join(map(str, group)) for group in groups if isinstance(group, list)]
    return f" ({'; '.join(told)})"
