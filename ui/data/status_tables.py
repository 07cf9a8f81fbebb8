"""The data page's tables: the cohort's fingerprint, problems of its files, the cache's contents."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrlib.cohort import (
    EXTRA,
    Cohort,
    ExtraColumn,
    check_pages,
    list_lacking_columns,
    list_missing_files,
)
from cxrlib.maps import list_cache
from cxrlib.number_text import format_units
from cxrlib.storage import Store
from ui.session.resources import find_cache
from ui.widgets.origin import saved_today
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = [
    "describe_files",
    "show_cache",
    "show_extra_columns",
    "show_identity",
    "show_lacks",
    "show_missing_files",
    "show_problems",
    "show_readings",
]


def describe_files(counts: Mapping[str, object]) -> str:
    """Describe how many X-rays there are, and the state of their files.

    Parameters
    ----------
    counts : mapping
        Result of `cxrlib.cohort.count_cohort`.
    """
    files = [
        f"{counts[name]:,} {words}"
        for name, words in (
            ("n_xray_with_file", "with a readable file"),
            ("n_missing", "without a file"),
            ("n_unreadable", "with an unreadable file"),
            ("n_outside", "refused (file outside the folder)"),
        )
        if counts[name]
    ]
    n_xrays, n_patients = (
        format_units(int(str(counts[name])), noun)
        for name, noun in (("n_xray", "X-ray"), ("n_patients", "patient"))
    )
    same = counts["n_patients"] == counts["n_persons"]
    persons = "" if same else f" ({counts['n_persons']:,} persons: some have several ids)"
    return f"{n_xrays} of {n_patients}{persons}: {', '.join(files) or 'none'}."


def show_identity(cohort: Cohort) -> None:
    """Show the cohort's fingerprint."""
    st.subheader("Fingerprint", anchor=False)
    st.code(cohort.fingerprint, language=None)
    show_quiet(
        "SHA-256 of metadata, annotations and image files. The same cohort has the same "
        "fingerprint on any machine; every export states it."
    )


def show_extra_columns(cohort: Cohort, origin: Sequence[str]) -> None:
    """Show the columns of metadata.csv beyond the known ones: each is kept, with its type.

    Parameters
    ----------
    cohort : Cohort
    origin : sequence of str
        `cxrlib.reports.list_provenance`, on top of the saved table.
    """
    if not cohort.extra:
        return
    st.subheader("Extra columns", anchor=False)
    number = format_units(len(cohort.extra), "column")
    show_text(
        f"{number} of metadata.csv beyond the known ones, all kept. On the baselines page those of "
        "type yes/no, number or category can be predicted, and those of type yes/no or category "
        "held out."
    )
    n_rows = len(cohort.table)
    table = pd.DataFrame(
        {
            "column": column.name,
            "type": column.kind,
            f"rows with a value, of {n_rows:,}": column.n_values,
            "values": _describe_values(cohort, column),
        }
        for column in cohort.extra
    )
    show_table(table, key="extra_columns", **saved_today("extra-columns", origin))


def _describe_values(cohort: Cohort, column: ExtraColumn) -> str:
    """Count the values of a column; of numbers give the range."""
    if column.values:
        return column.describe().partition(": ")[2]
    if column.kind != "number":
        return ""
    numbers = pd.to_numeric(cohort.table[f"{EXTRA}{column.name}"], errors="coerce")
    return f"{numbers.min():g} to {numbers.max():g}"


def show_problems(cohort: Cohort, origin: Sequence[str]) -> None:
    """Show the problems of the cohort's files: file, row, column, value, and what was done.

    Parameters
    ----------
    cohort : Cohort
    origin : sequence of str
        `cxrlib.reports.list_provenance`, on top of the saved table.
    """
    st.subheader("Problems in the files", anchor=False)
    problems = cohort.problems
    if problems.empty:
        show_quiet("None: every file, row and value could be read.")
        return
    show_text(
        f"{format_units(len(problems), 'problem')}. No image was dropped; the last column says "
        "what was done."
    )
    text = st.column_config.TextColumn
    show_table(
        problems.astype(object).where(problems.notna(), "").astype(str),
        key="problems",
        **saved_today("remarks", origin),
        column_config={
            "file": text("File", width=150),
            "row": text("Row", width=40),
            "column": text("Column", width=80),
            "value": text("Value", width=120),
            "problem": text("Problem", width=330),
            "action": text("What was done", width="medium"),
        },
    )


def show_lacks(cohort: Cohort, origin: Sequence[str]) -> None:
    """Show which parts of the pages lack a column, and the columns without a value.

    Parameters
    ----------
    cohort : Cohort
    origin : sequence of str
        `cxrlib.reports.list_provenance`, on top of the saved table.
    """
    lacks = list_lacking_columns(cohort)
    if lacks.empty:
        return
    st.subheader("What the pages can show", anchor=False)
    pages = check_pages(cohort)
    n_works = int(pages["works"].sum())
    missing = pages[~pages["works"]]
    show_text(f"{n_works} of {len(pages)} parts of the pages have the columns and files they need.")
    for page, part, lacking in missing[["page", "part", "lacks"]].itertuples(index=False):
        show_text(f"{part}: needs {lacking}.", lead=f"{page}.")
    number = format_units(len(lacks), "column")
    with st.expander(f"{number} without a value, and what each would bring"):
        text = st.column_config.TextColumn
        show_table(
            lacks,
            key="lacks",
            **saved_today("columns-without-a-value", origin),
            column_config={
                "column": text("Column", width=150),
                "need": text("Need", width=70),
                "lack": text("metadata.csv has", width=110),
                "without": text("Without it", width="large"),
            },
        )


def show_missing_files(cohort: Cohort, origin: Sequence[str]) -> None:
    """Show which X-rays have no file, behind a line that counts them.

    Parameters
    ----------
    cohort : Cohort
    origin : sequence of str
        `cxrlib.reports.list_provenance`, on top of the saved table.
    """
    missing = list_missing_files(cohort)
    if missing.empty:
        return
    text = st.column_config.TextColumn
    with st.expander(f"{format_units(len(missing), 'missing file')}"):
        show_quiet("Put them into the folder images/ under these names, and load the page again.")
        show_table(
            missing,
            key="missing_files",
            **saved_today("missing-files", origin),
            column_config={
                "row": st.column_config.NumberColumn("Row", width=60),
                "patient_id": text("Patient", width=120),
                "filename": text("File", width="large"),
                "reason": text("Reason", width="large"),
            },
        )


def show_readings(cohort: Cohort, origin: Sequence[str]) -> None:
    """Show the values that are not in our form and were understood: each once, with its rows.

    Parameters
    ----------
    cohort : Cohort
    origin : sequence of str
        `cxrlib.reports.list_provenance`, on top of the saved table.
    """
    readings = cohort.readings
    if readings.empty:
        return
    st.subheader("Values read by a rule", anchor=False)
    n_cells = format_units(int(readings["n_rows"].sum()), "cell")
    show_text(
        f"{n_cells} of metadata.csv are written another way than here. Check what each became."
    )
    text = st.column_config.TextColumn
    show_table(
        readings.assign(read_as=readings["read_as"].replace("", "not recorded"))[
            ["column", "value", "read_as", "rule", "n_rows"]
        ],
        key="readings",
        **saved_today("readings", origin),
        column_config={
            "column": text("Column", width=120),
            "value": text("Written", width=120),
            "read_as": text("Read as", width=120),
            "rule": text("Rule", width=300),
            "n_rows": st.column_config.NumberColumn("Rows", width=60),
        },
    )


def show_cache() -> None:
    """Show what the cache holds, with size and age."""
    st.subheader("Cache", anchor=False)
    table = list_cache(Store(find_cache()))
    if table.empty:
        show_quiet("The cache is empty.")
        return
    total = table["n_bytes"].sum() / 1e6
    show_text(
        f"{int(table['n_files'].sum()):,} files, {total:,.0f} MB, for all cohorts of this server. "
        "If you delete it, everything is computed again."
    )
    now = pd.Timestamp.now(tz="UTC")
    shown = pd.DataFrame(
        {
            "Content": table["what"].map(WORDS).fillna(table["what"]),
            "Details": table["name"],
            "Files": table["n_files"],
            "Size, MB": table["n_bytes"] / 1e6,
            "Age": [_age(now - changed) for changed in table["changed"]],
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        column_config={
            "Details": st.column_config.TextColumn(width="large"),
            "Files": number(format="localized"),
            "Size, MB": number(format="%.1f"),
        },
    )


WORDS = {
    "appearance": "image appearance",
    "demo": "demo cohort",
    "embeddings": "embeddings",
    "fits": "fitted models",
    "feature-sets": "feature sets of your own",
    "file-index": "file hashes",
    "jobs": "job records",
    "labels": "label files of jobs",
    "maps": "map",
    "near-duplicates": "near-identical images",
    "nulls": "permutation nulls",
    "pixels": "small images",
    "run-book": "run log",
    "runs": "runs",
    "shifts": "region shifts",
    "signatures": "image signatures",
    "spreads": "maps with other seeds",
    "thumbnails": "thumbnails",
}


def _age(passed: pd.Timedelta) -> str:
    """Format a duration in the largest unit that fits."""
    seconds = max(passed.total_seconds(), 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return format_units(int(seconds // length), unit)
    return "less than a minute"
