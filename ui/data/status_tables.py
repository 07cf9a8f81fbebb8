"""The data page's tables: what the cohort is, what could not be read, what the cache holds."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.maps import list_cache
from cxrlib.number_text import name_units
from cxrlib.storage import Store
from ui.session.resources import find_cache
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["describe_files", "show_cache", "show_identity", "show_problems"]


def describe_files(counts: Mapping[str, object]) -> str:
    """Say how many X-rays there are, and what became of their files.

    Parameters
    ----------
    counts : mapping
        Result of `cxrlib.cohort.count_cohort`.
    """
    lacking = [
        f"{counts[name]:,} {words}"
        for name, words in (
            ("n_missing", "without a file"),
            ("n_unreadable", "whose file cannot be read"),
            ("n_outside", "refused, since their file lies outside the folder"),
        )
        if counts[name]
    ]
    n_xrays, n_patients, n_persons = (
        name_units(int(str(counts[name])), noun)
        for name, noun in (("n_xray", "X-ray"), ("n_patients", "patient"), ("n_persons", "person"))
    )
    return (
        f"{n_xrays} of {n_patients} ({n_persons}): "
        f"{counts['n_xray_with_file']:,} with a readable file"
        f"{', ' if lacking else ', which is all'}{', '.join(lacking)}."
    )


def show_identity(cohort: Cohort) -> None:
    """Show what tells this cohort from any other."""
    st.subheader("Fingerprint", anchor=False)
    st.code(cohort.fingerprint, language=None)
    show_quiet(
        "SHA-256 over metadata, annotations and the contents of the X-rays' files: the same "
        "cohort has the same one on any machine. Every export carries it."
    )


def show_problems(cohort: Cohort, *, origin: Sequence[str], file_stem: str) -> None:
    """Show what could not be read as it stands: file, row, column, value, and what was done.

    Parameters
    ----------
    cohort : Cohort
    origin : sequence of str
        `cxrlib.reports.list_provenance`, on top of the saved table.
    file_stem : str
        Of its file.
    """
    st.subheader("What could not be read", anchor=False)
    problems = cohort.problems
    if problems.empty:
        show_quiet("Every file, row and value could be read as it stands.")
        return
    show_text(
        f"{len(problems):,} remarks on the cohort's files. Nothing was dropped for them: the last "
        "column says what was done."
    )
    text = st.column_config.TextColumn
    show_table(
        problems.astype(object).where(problems.notna(), "").astype(str),
        key="problems",
        provenance=origin,
        file_stem=file_stem,
        column_config={
            "file": text("File", width=180),
            "row": text("Row", width=50),
            "column": text("Column", width=80),
            "value": text("Value", width=170),
            "problem": text("Problem", width="medium"),
            "action": text("What was done", width="medium"),
        },
    )


def show_cache() -> None:
    """Show what the cache holds, with size and age."""
    st.subheader("In the cache", anchor=False)
    table = list_cache(Store(find_cache()))
    if table.empty:
        show_quiet("The cache is empty.")
        return
    total = table["n_bytes"].sum() / 1e6
    show_text(
        f"{int(table['n_files'].sum()):,} files, {total:,.0f} MB, for all cohorts of this server. "
        "Deleting the cache loses time, nothing else."
    )
    now = pd.Timestamp.now(tz="UTC")
    shown = pd.DataFrame(
        {
            "What": table["what"].map(WORDS).fillna(table["what"]),
            "Of what": table["name"],
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
            "Of what": st.column_config.TextColumn(width="large"),
            "Files": number(format="localized"),
            "Size, MB": number(format="%.1f"),
        },
    )


WORDS = {
    "demo": "demo cohort",
    "embeddings": "embeddings",
    "file-index": "hashes of files",
    "jobs": "records of jobs",
    "maps": "map",
    "near-duplicates": "near-identical images",
    "signatures": "signatures of images",
    "spreads": "maps by other seeds",
    "thumbnails": "thumbnails",
}


def _age(passed: pd.Timedelta) -> str:
    """Say how long ago, in the largest unit that fits."""
    seconds = max(passed.total_seconds(), 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            n = int(seconds // length)
            return f"{n} {unit}{'s' if n > 1 else ''}"
    return "under a minute"
