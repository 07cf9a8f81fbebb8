"""Runs as JSON: one form for the command line, the manifest of a report and the page's export.

``docs/run-json.md`` describes the keys. A key that goes, or means something else, raises the
version of its document.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cxrlib import NOTICE, __version__
from cxrlib.baselines.runs import RunComparison, RunEntry
from cxrlib.cohort import Cohort
from cxrlib.reports.run_manifest import gather_entry
from cxrlib.storage import to_records

RUNS_SCHEMA, COMPARISON_SCHEMA = "cxrlib-runs", "cxrlib-comparison"
LIST_VERSION = 1
"""Of both."""


def make_runs_document(
    cohort: Cohort, entries: Sequence[RunEntry], n_cohort: int, *, today: date | None = None
) -> dict[str, Any]:
    """Gather a list of runs as plain values.

    Parameters
    ----------
    cohort : Cohort
    entries : sequence of RunEntry
        Those to list.
    n_cohort : int
        All that were made on the cohort.
    today : date, optional
    """
    return _start(RUNS_SCHEMA, cohort, today) | {
        "n_listed": len(entries),
        "n_cohort": n_cohort,
        "runs": [gather_entry(entry) for entry in entries],
    }


def make_comparison_document(
    cohort: Cohort,
    comparison: RunComparison,
    entries: tuple[RunEntry, RunEntry],
    *,
    today: date | None = None,
) -> dict[str, Any]:
    """Gather the paired differences of two runs, first less second, as plain values."""
    table = comparison.table
    return _start(COMPARISON_SCHEMA, cohort, today) | {
        "first": gather_entry(entries[0]),
        "second": gather_entry(entries[1]),
        "images": {
            "first": comparison.n_first,
            "second": comparison.n_second,
            "both": comparison.n_both,
            "words": comparison.describe_images(),
        },
        "reason": comparison.reason,
        "remarks": list(comparison.remarks),
        "differences": [] if table is None else to_records(table),
    }


def _start(schema: str, cohort: Cohort, today: date | None) -> dict[str, Any]:
    return {
        "schema": schema,
        "version": LIST_VERSION,
        "notice": NOTICE,
        "made_by": {"cxrlib": __version__, "written": (today or date.today()).isoformat()},
        "cohort": {
            "name": cohort.name,
            "fingerprint": cohort.fingerprint,
            "is_synthetic": cohort.is_synthetic,
        },
    }


def format_document(document: Mapping[str, Any]) -> bytes:
    """Write a document as JSON in ASCII."""
    text = json.dumps(document, indent=1, allow_nan=False)
    # So that it can stand inside a page: markup in a text from a file takes effect nowhere.
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("ascii")
