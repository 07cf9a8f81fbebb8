"""The head of the patients page: the patient in a few words, and what is recorded undated."""

import re
from collections.abc import Collection
from datetime import date
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.number_text import NOTHING, format_units
from cxrlib.patients import list_undated_facts
from ui.widgets.text import show_quiet, show_text

__all__ = ["make_file_stem", "shorten_id", "show_facts", "show_head"]

MOST_ID = 60  # signs of an id
MOST_NAMED = 40  # signs of an id in the name of a file


def show_head(summary: pd.Series, rows: pd.DataFrame, *, kept: Collection[str]) -> None:
    """Show who the patient is, who else is the same person, and what the filters leave out.

    Parameters
    ----------
    summary : Series
        The patient's row of `cxrlib.patients.summarise_patients`.
    rows : DataFrame
        The patient's X-rays.
    kept : collection of str
        Images of the current selection.
    """
    show_text(_describe_patient(summary), lead=f"Patient {shorten_id(summary['patient_id'])}:")
    notes = []
    if others := summary["shares_person_with"]:
        noun = "patient" if len(others) == 1 else "patients"
        notes.append(f"Same person as {noun} {', '.join(others)} (near-identical images).")
    if n_out := sum(image_id not in kept for image_id in rows["image_id"]):
        notes.append(
            f"The filters leave out {n_out} of this patient's {format_units(len(rows), 'X-ray')}; "
            "they are shown faint."
        )
    if notes:
        show_quiet(" ".join(notes))


def shorten_id(patient_id: str) -> str:
    """Shorten an id that would fill the head of the page; the list and the files have it whole.

    Examples
    --------
    >>> shorten_id("326a"), len(shorten_id("x" * 500))
    ('326a', 60)
    """
    return patient_id if len(patient_id) <= MOST_ID else f"{patient_id[: MOST_ID - 1]}…"


def make_file_stem(slug: str, patient_id: str, day: date) -> str:
    """Make the stem of a patient's files, so that those of two patients fit in one folder.

    Examples
    --------
    >>> make_file_stem("demo", "326a", date(2026, 1, 31))
    'demo-patient-326a-2026-01-31'
    >>> make_file_stem("demo", "../a b", date(2026, 1, 31))
    'demo-patient-a_b-2026-01-31'
    """
    harmless = re.sub(r"[^A-Za-z0-9._-]+", "_", patient_id)[:MOST_NAMED].strip("._-")
    return f"{slug}-patient-{harmless}{'-' if harmless else ''}{day.isoformat()}"


OUTCOMES = {"died": "Died", "survived": "Survived"}


def _describe_patient(summary: pd.Series) -> str:
    """Describe a patient's images, days, views and outcome in a few words each."""
    words = format_units(int(summary["n_images"]), "X-ray")
    if missing := int(summary["n_images"] - summary["n_with_file"]):
        words += f" ({missing} without a readable file)"
    parts = [f"{words} ({summary['views']}){_describe_days(summary)}"]
    outcome = summary["outcome"]
    parts.append(OUTCOMES.get(outcome, f"Outcome {outcome}"))
    if "survival" in summary["differs"]:
        parts[-1] = "Outcome differs between images"
    for name in ("finding", "country"):
        value = summary[name]
        if name in summary["differs"]:
            parts.append(f"{name.capitalize()} differs between images")
        elif value == "todo":
            parts.append("Diagnosis not entered")
        elif not pd.isna(value) and value not in ("", "Unknown", "not recorded"):
            parts.append(str(value))
    return ". ".join(parts) + "."


def _describe_days(summary: pd.Series) -> str:
    n_days, n_undated = int(summary["n_days"]), int(summary["n_undated"])
    if not n_days:
        return ", no day recorded"
    first, last = (f"{summary[name]:g}".replace("-", "−") for name in ("first_day", "last_day"))
    words = f" on day {first}" if n_days == 1 else f" on {n_days} days, day {first} to {last}"
    return words + (f"; {n_undated} without a day" if n_undated else "")


def show_facts(rows: pd.DataFrame) -> None:
    """Show what is recorded of the patient without a date: apart from the axis of days."""
    facts = list_undated_facts(rows)
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value or NOTHING)}</dd></div>"
        for name, value in facts
    )
    st.html(
        '<section class="cxr-undated" aria-label="Recorded without a date">'
        "<p>During the illness (dates not recorded)</p>"
        f"<dl>{items}</dl></section>"
    )
