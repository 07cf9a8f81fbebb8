"""The head of the patients page: one sentence on the patient, and what is recorded undated."""

import re
from collections.abc import Collection
from datetime import date
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.number_text import NOTHING, name_units
from cxrlib.patients import list_undated_facts
from ui.widgets.text import show_quiet, show_text

__all__ = [
    "describe_patient",
    "describe_same_person",
    "name_files",
    "shorten_id",
    "show_facts",
    "show_head",
]

MOST_ID = 60  # signs of an id
MOST_NAMED = 40  # signs of an id in the name of a file


def show_head(summary: pd.Series, rows: pd.DataFrame, *, kept: Collection[str]) -> None:
    """Say who the patient is, in a sentence; who else is the same person; what filters leave.

    Parameters
    ----------
    summary : Series
        The patient's row of `cxrlib.patients.summarise_patients`.
    rows : DataFrame
        The patient's X-rays.
    kept : collection of str
        Images of the current selection.
    """
    show_text(describe_patient(summary), lead=f"Patient {shorten_id(summary['patient_id'])}:")
    notes = [describe_same_person(summary["shares_person_with"])]
    n_out = sum(image_id not in kept for image_id in rows["image_id"])
    if n_out:
        notes.append(
            f"The filters leave out {n_out} of the {name_units(len(rows), 'X-ray')} of this "
            "patient: shown faint, so that the course stays whole."
        )
    if note := " ".join(filter(None, notes)):
        show_quiet(note)


def shorten_id(patient_id: str) -> str:
    """Shorten an id that would fill the head of the page; the list and the files have it whole.

    Examples
    --------
    >>> shorten_id("326a"), len(shorten_id("x" * 500))
    ('326a', 60)
    """
    return patient_id if len(patient_id) <= MOST_ID else f"{patient_id[: MOST_ID - 1]}…"


def name_files(slug: str, patient_id: str, day: date) -> str:
    """Name files of a patient, so that those of two patients can lie in one folder.

    Examples
    --------
    >>> name_files("demo", "326a", date(2026, 1, 31))
    'demo-patient-326a-2026-01-31'
    >>> name_files("demo", "../a b", date(2026, 1, 31))
    'demo-patient-a_b-2026-01-31'
    """
    harmless = re.sub(r"[^A-Za-z0-9._-]+", "_", patient_id)[:MOST_NAMED].strip("._-")
    return f"{slug}-patient-{harmless}{'-' if harmless else ''}{day.isoformat()}"


def describe_patient(summary: pd.Series) -> str:
    """Say a patient's images, days, views and outcome in one sentence.

    Parameters
    ----------
    summary : Series
        Of `cxrlib.patients.summarise_patients`.
    """
    words = name_units(int(summary["n_images"]), "X-ray")
    if missing := int(summary["n_images"] - summary["n_with_file"]):
        words += f" ({missing} without a readable file)"
    parts = [f"{words} ({summary['views']}){_describe_days(summary)}"]
    outcome = "differs between images" if "survival" in summary["differs"] else summary["outcome"]
    parts.append(f"outcome {outcome}")
    for name in ("finding", "country"):
        if name in summary["differs"]:
            parts.append(f"{name} differs between images")
        elif _is_known(summary[name]):
            parts.append(str(summary[name]))
    return "; ".join(parts) + "."


def _is_known(value: object) -> bool:
    return isinstance(value, str) and value not in ("", "Unknown", "not recorded")


def _describe_days(summary: pd.Series) -> str:
    n_days, n_undated = int(summary["n_days"]), int(summary["n_undated"])
    if not n_days:
        return ", none with a recorded day"
    first, last = (_say_day(summary[name]) for name in ("first_day", "last_day"))
    words = f" on day {first}" if n_days == 1 else f" on {n_days} days, from day {first} to {last}"
    return words + (f"; {n_undated} without a day" if n_undated else "")


def _say_day(value: float) -> str:
    return f"{float(value):g}".replace("-", "−")


def describe_same_person(others: Collection[str]) -> str:
    """Say which other ids are the same person, "" if none is known.

    Examples
    --------
    >>> describe_same_person(("178",))
    'The same person as patient 178: they share a near-identical image.'
    """
    if not others:
        return ""
    noun = "patient" if len(others) == 1 else "patients"
    return f"The same person as {noun} {', '.join(others)}: they share a near-identical image."


def show_facts(rows: pd.DataFrame) -> None:
    """Show what is recorded of the patient without a date: beside the axis, never on it."""
    facts = list_undated_facts(rows)
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value or NOTHING)}</dd></div>"
        for name, value in facts
    )
    st.html(
        '<section class="cxr-undated" aria-label="Recorded without a date">'
        "<p>At any point, no date recorded</p>"
        f"<dl>{items}</dl></section>"
    )
