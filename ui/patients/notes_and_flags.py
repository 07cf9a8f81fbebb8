"""The part of the patients page with clinical notes and quality flags, image by image."""

import itertools
import re
from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.number_text import format_units
from cxrlib.quality import find_flags, get_rule
from cxrlib.quality.rules import SEVERITIES
from ui.patients.image_pair import list_image_names
from ui.widgets.text import show_quiet

__all__ = ["show_notes", "split_notes"]

#: Signs of a common beginning from which on it is written once.
WORTH_SPLITTING = 80
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
    names = list_image_names(rows)
    for column, title in NOTES:
        st.html(_format_notes(title, _group_notes(rows, column, names), len(rows)))
    flags = find_flags(cohort).keep(rows["image_id"]).table
    st.html(_format_flags(flags, names))
    if len(flags):
        show_quiet("Flags remove no image; the cohort page can leave flagged images out.")


def _group_notes(
    rows: pd.DataFrame, column: str, names: dict[str, str]
) -> list[tuple[str, list[str]]]:
    """Group images by their note: the same words often stand at each of a patient's images."""
    notes: dict[str, list[str]] = {}
    for image_id, text in zip(rows["image_id"], rows[column], strict=True):
        if isinstance(text, str) and text.strip():
            notes.setdefault(text.strip(), []).append(names[str(image_id)])
    return list(notes.items())


def split_notes(notes: Sequence[str]) -> tuple[str, list[str]]:
    """Split off the sentences that all notes begin with: what is left is each image's own.

    Parameters
    ----------
    notes : sequence of str
        Notes that differ.

    Returns
    -------
    str
        The common beginning; "" for a single note, and for a beginning too short to be worth it.
    list of str
        The rest of each note; "" where there is none.

    Examples
    --------
    >>> split_notes(["Fever for a week. Clear lungs.", "Fever for a week. Consolidation."])
    ('', ['Fever for a week. Clear lungs.', 'Fever for a week. Consolidation.'])
    """
    parts = [re.split(r"(?<=[.!?])(?=\s)", note) for note in notes]
    n_common = 0
    if len(notes) > 1:
        same = itertools.takewhile(lambda each: len(set(each)) == 1, zip(*parts, strict=False))
        n_common = len(list(same))
    common = "".join(parts[0][:n_common]) if n_common else ""
    if len(common) < WORTH_SPLITTING:
        return "", list(notes)
    return common, ["".join(part[n_common:]).strip() for part in parts]


def _format_notes(title: str, notes: list[tuple[str, list[str]]], n_images: int) -> str:
    """Format notes; all of them are somebody's text and escaped."""
    common, rests = split_notes([text for text, _ in notes])
    told = [
        (_format_where(where, n_images), rest or "No further text.")
        for (_, where), rest in zip(notes, rests, strict=True)
    ]
    if common:
        where = [name for _, names in notes for name in names]
        told.insert(0, (f"{_format_where(where, n_images)}, shared text", common))
    lines = "".join(f"<dt>{escape(where)}</dt><dd>{escape(text)}</dd>" for where, text in told)
    body = f"<dl>{lines}</dl>" if lines else "<p>None recorded.</p>"
    return f'<section class="cxr-notes"><h4>{escape(title)}</h4>{body}</section>'


def _format_where(names: Sequence[str], n_images: int) -> str:
    """Format the names of images; all of several as such."""
    return f"All {n_images} images" if len(names) == n_images > 1 else "; ".join(names)


def _format_flags(flags: pd.DataFrame, names: dict[str, str]) -> str:
    """Format flags by rule, the gravest first, with the images of each value."""
    title = f"Data quality: {format_units(len(flags), 'flag')} on "
    title += f"{flags['image_id'].nunique()} of {format_units(len(names), 'image')}"
    parts = []
    by_rule = list(flags.groupby(["severity", "rule"], sort=False))
    for (severity, rule), group in sorted(by_rule, key=lambda each: _rank(each[0][0])):
        first, name = group.iloc[0], get_rule(str(rule)).title
        parts.append(
            f"<dt><strong>{escape(name)}</strong> ({escape(str(severity))})</dt>"
            f"<dd>{escape(str(first['meaning']))} {escape(str(first['action']))}"
            f"<ul>{_format_hits(group, names)}</ul></dd>"
        )
    body = f"<dl>{''.join(parts)}</dl>" if parts else "<p>No flags.</p>"
    return f'<section class="cxr-notes"><h4>{escape(title)}</h4>{body}</section>'


def _rank(severity: object) -> int:
    return next((i for i, name in enumerate(SEVERITIES) if name == severity), len(SEVERITIES))


def _format_hits(group: pd.DataFrame, names: dict[str, str]) -> str:
    """Format what a rule found: each value once, with its images."""
    hits: dict[str, list[str]] = {}
    for image_id, column, value in zip(
        group["image_id"], group["column"], group["value"], strict=True
    ):
        hits.setdefault(_format_value(column, value), []).append(names[str(image_id)])
    return "".join(
        f"<li>{escape(_format_where(where, len(names)))}{value}</li>"
        for value, where in hits.items()
    )


def _format_value(column: object, value: object) -> str:
    shown = "" if pd.isna(value) else str(value)  # type: ignore[call-overload]
    where = "" if pd.isna(column) else str(column)  # type: ignore[call-overload]
    told = f"{where} {shown!r}" if shown and where else shown or where
    return f": {escape(told)}" if told else ""
