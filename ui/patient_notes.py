"""The part of the patients page with clinical notes and quality flags, image by image."""

from html import escape

import pandas as pd
import streamlit as st

from cxrlib.charts.words import count_words
from cxrlib.cohort import Cohort
from cxrlib.quality import find_flags
from ui.patient_pair import name_images
from ui.text import show_quiet

__all__ = ["show_notes"]

NOTES = (("clinical_notes", "Clinical notes"), ("other_notes", "Other notes"))


def show_notes(cohort: Cohort, rows: pd.DataFrame) -> None:
    """Show the notes as text, each once, and each image's flags with the rule explained.

    Parameters
    ----------
    cohort : Cohort
        The whole one: a rule that compares images sees only those it is given.
    rows : DataFrame
        The patient's X-rays.
    """
    names = name_images(rows)
    for column, title in NOTES:
        st.html(_write_notes(title, _group_notes(rows, column, names)))
    flags = find_flags(cohort).keep(rows["image_id"]).table
    st.html(_write_flags(flags, names))
    if len(flags):
        show_quiet(
            "A flag removes nothing. The cohort page's section “quality” counts each rule over "
            "the cohort and leaves flagged images out if asked."
        )


def _group_notes(
    rows: pd.DataFrame, column: str, names: dict[str, str]
) -> list[tuple[str, list[str]]]:
    """Group images by their note: the same words often stand at each of a patient's images."""
    notes: dict[str, list[str]] = {}
    for image_id, text in zip(rows["image_id"], rows[column], strict=True):
        if isinstance(text, str) and text.strip():
            notes.setdefault(text.strip(), []).append(names[str(image_id)])
    return list(notes.items())


def _write_notes(title: str, notes: list[tuple[str, list[str]]]) -> str:
    """Write notes; all of them are somebody's text and escaped."""
    lines = "".join(
        f"<dt>{escape('; '.join(where))}</dt><dd>{escape(text)}</dd>" for text, where in notes
    )
    body = f"<dl>{lines}</dl>" if lines else "<p>None recorded.</p>"
    return f'<section class="cxr-notes"><h4>{escape(title)}</h4>{body}</section>'


def _write_flags(flags: pd.DataFrame, names: dict[str, str]) -> str:
    """Write flags by rule, the gravest first as the ledger has them, with their images."""
    title = f"Quality flags: {count_words(len(flags), 'flag')} on "
    title += f"{flags['image_id'].nunique()} of {count_words(len(names), 'image')}"
    parts = []
    for (severity, rule), group in flags.groupby(["severity", "rule"], sort=False):
        hits = "".join(
            f"<li>{escape(names[str(image_id)])}{_write_value(column, value)}</li>"
            for image_id, column, value in zip(
                group["image_id"], group["column"], group["value"], strict=True
            )
        )
        first = group.iloc[0]
        parts.append(
            f"<dt><strong>{escape(str(rule))}</strong> ({escape(str(severity))})</dt>"
            f"<dd>{escape(str(first['meaning']))} {escape(str(first['action']))}"
            f"<ul>{hits}</ul></dd>"
        )
    body = f"<dl>{''.join(parts)}</dl>" if parts else "<p>No rule found anything.</p>"
    return f'<section class="cxr-notes"><h4>{escape(title)}</h4>{body}</section>'


def _write_value(column: object, value: object) -> str:
    shown = "" if pd.isna(value) else str(value)  # type: ignore[call-overload]
    where = "" if pd.isna(column) else str(column)  # type: ignore[call-overload]
    told = f"{where} {shown!r}" if shown and where else shown or where
    return f": {escape(told)}" if told else ""
