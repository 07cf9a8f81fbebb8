"""Below the map: its story, its caption, the paths in numbers, how to read it, its page."""

import functools
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from cxrlib.charts.maps import describe_out
from cxrlib.cohort import Cohort
from cxrlib.maps import Trajectory
from cxrlib.reports import stops_table, tell_story
from ui.session.resources import Current
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["show_details", "show_paths", "show_story"]


def show_story(current: Current, patients: Sequence[str]) -> None:
    """Tell the story of the patients the page opens on, while they are chosen."""
    for line in _tell_story(current, tuple(patients)):
        show_text(line)


@functools.lru_cache(maxsize=32)
def _tell_story(current: Current, patients: tuple[str, ...]) -> tuple[str, ...]:
    """Tell it once for all sessions: whose files are on the map is a long question."""
    return tuple(tell_story(current.mapped, patients))


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
        show_quiet(f"Patient {patient}: the filters leave none of its images on the map.")
    if not paths:
        return
    st.subheader("The paths, day by day", anchor=False)
    show_path_notes(paths, left_out)
    number = st.column_config.NumberColumn
    table = stops_table(paths)
    mixed = table["n_in_state"] < table["n_images"]
    part = table["n_in_state"].astype(str) + " of " + table["n_images"].astype(str)
    table["state"] = table["state"].where(~mixed, table["state"] + " (" + part + ")")
    show_table(
        table.drop(columns="n_in_state"),
        key="paths",
        provenance=origin,
        file_stem=f"map-paths-{date.today().isoformat()}",
        numbers=lambda: stops_table(paths),
        placeholder="–",
        column_config={
            "patient_id": "Patient",
            "day": number("Day", format="%g"),
            "n_images": "Images",
            "views": "Views",
            "state": "State",
            "days_since_previous": st.column_config.NumberColumn(
                "Days since previous", format="%g"
            ),
            "step_map_units": st.column_config.NumberColumn("Step, map units", format="%.2f"),
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
    with st.expander("How to read this"):
        st.markdown(HOW_TO_READ)
    with st.expander("Which images are on the map"):
        show_selection(current, origin)
    if current.cohort.is_synthetic:
        with st.expander("What was planted in this synthetic cohort"):
            show_planted(current.cohort.planted)


HOW_TO_READ = """
- **A point is an image.** Images that the extractor finds alike lie close together. Distances far
  apart, directions and the axes mean nothing.
- **State.** *Bad*: recorded in the ICU, or with a tube in place, or the last image of a patient who
  died. *Good*: recorded as not in the ICU, as without a tube, or the last image of a survivor.
  *Unknown*: none of these is recorded. A blank is not a no. Where reasons speak for both, bad is
  drawn. So an early image of a patient who died later can be good: the state is of that day.
- **A path joins days, not images.** Images of one day have no known order: the path goes through
  their mean, and each hangs on it. Images without a day are not in the path.
- **Days** count from the first symptoms in some patients and from admission in others; the record
  does not say which. Day 5 also stands for "a few days".
- **The shade** is where images taken in the ICU or with a tube are dense (and last images before
  death, if you choose so). It is not a risk: it also rises where there are simply many images, and
  views and hospitals gather in places of their own.
- **Nothing here is a diagnosis** or a forecast for a patient.
"""


def show_path_notes(paths: Sequence[Trajectory], left_out: pd.DataFrame) -> None:
    """Say what a path leaves out: filtered images, those without a day; and single days."""
    for path in paths:
        notes = []
        out = left_out.loc[left_out["patient_id"] == path.patient_id, "offset"]
        if len(out):
            notes.append(describe_out(out))
        if path.undated:
            notes.append(f"{len(path.undated)} of its {path.n_images} images have no recorded day")
        if len(path.stops) == 1:
            notes.append("a single day, so there is no path")
        if path.not_on_map:
            notes.append(f"{len(path.not_on_map)} images are not on the map")
        if notes:
            show_quiet(f"Patient {path.patient_id}: {'; '.join(notes)}.")


def show_selection(current: Current, origin: Sequence[str]) -> None:
    """Show each step from all rows to the images on the map, with what it left out."""
    rows = [
        {
            "Step": step.label,
            "Images left": step.n_images,
            "Patients left": step.n_patients,
            "Left out, images": "; ".join(f"{n:,} {why}" for why, n in step.removed.items()),
        }
        for step in current.mapped.mapped.steps
    ]
    total = {
        "Step": "rows of metadata.csv; patients with an X-ray",
        "Images left": current.cohort.n_images,
        "Patients left": current.cohort.n_patients,
        "Left out, images": "",
    }
    stamp = date.today().isoformat()
    show_table(
        pd.DataFrame([total, *rows]),
        key="map_steps",
        provenance=origin,
        file_stem=f"map-images-{stamp}",
    )
    problems = current.cohort.problems
    if len(problems):
        st.markdown(f"**{len(problems):,} remarks on the cohort's files**")
        show_table(
            _write_problems(current.cohort),
            key="map_problems",
            provenance=origin,
            file_stem=f"remarks-{stamp}",
        )


@functools.lru_cache(maxsize=8)
def _write_problems(cohort: Cohort) -> pd.DataFrame:
    """Write the remarks on a cohort's files as text, once for all sessions."""
    problems = cohort.problems
    return problems.astype(object).where(problems.notna(), "").astype(str)


def show_planted(planted: Mapping[str, Any]) -> None:
    """Show what was built into a synthetic cohort: its truths, in the words of its maker."""
    st.markdown(
        "Every patient, image and number here was generated. These truths were built in, so that "
        "a method can be judged by whether it finds them:"
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
