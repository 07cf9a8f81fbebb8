"""The report of a run: one page, or everything in an archive; and what its exports carry."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from cxrlib.baselines.evaluation import is_own
from cxrlib.baselines.runs import Run, describe_spec, keep_run
from cxrlib.number_text import format_units
from cxrlib.reports import (
    AUTHOR,
    answer_items,
    format_document,
    gather_parts,
    make_manifest,
    make_run_document,
    make_run_report,
    pack_report,
)
from cxrlib.storage import Store
from cxrlib.summary import lay_out_frame
from ui.baselines.cached import load_entries
from ui.baselines.run_view import RunView
from ui.session.resources import find_cache
from ui.widgets.dense_table import show_dense_table
from ui.widgets.details import show_details
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.text import show_heading, show_quiet, show_text

__all__ = ["list_run_provenance", "show_report"]


def list_run_provenance(run: Run) -> list[str]:
    """List what every export of a run begins with, besides what is true of the cohort."""
    return [
        f"Run {run.id}: {describe_spec(run.spec)}",
        *run.result.features.origin,
        run.counts.describe(),
    ]


def show_report(view: RunView) -> None:
    """Show what can be saved of a run, which reporting items it answers, and how to repeat it."""
    run = view.run
    cohort = run.result.rows.cohort
    entries = load_entries(cohort, run.spec.task)
    show_text("Save this run as a report. It lists all runs of this task.")

    def write() -> dict[str, bytes]:
        store = Store(find_cache())
        return make_run_report(run, cohort, entries, more=gather_parts(run, store))

    _offer_files(view, write)
    show_details(
        "",
        [
            "The report holds the flow, the protocol, scores with intervals, the shortcuts, the "
            "paper's scores, licences, versions and seeds."
        ],
    )
    _show_command(run)
    _show_items(view)


def _offer_files(view: RunView, write: Callable[[], dict[str, bytes]]) -> None:
    page = Saving(
        "Save the page (HTML)",
        f"{view.stem}-report.html",
        "text/html",
        lambda: write()["report.html"],
    )
    everything = Saving(
        "Save everything (ZIP: page, tables, manifest)",
        f"{view.stem}-report.zip",
        "application/zip",
        lambda: pack_report(write()),
    )
    run = Saving(
        "Save the run (JSON)", f"{view.stem}.json", "application/json", partial(write_run, view)
    )
    with st.container(horizontal=True):
        offer_saving(page, key="baseline_report_html", type="secondary")
        offer_saving(
            everything, key="baseline_report_zip", type="secondary", icon=":material/folder_zip:"
        )
        offer_saving(
            run, key="baseline_report_json", type="secondary", icon=":material/data_object:"
        )


def write_run(view: RunView) -> bytes:
    """Write the run as JSON, as the command line does."""
    run, cohort = view.run, view.run.result.rows.cohort
    entries = load_entries(cohort, run.spec.task)
    parts = gather_parts(run, Store(find_cache()))
    return format_document(make_run_document(run, cohort, entries, more=parts)) + b"\n"


def _show_command(run: Run) -> None:
    """Show the command line that repeats the run, and let the reader keep it."""
    what = "call in Python" if is_own(run.spec.settings.model) else "command"
    show_quiet(f"This {what} repeats the run exactly; replace DIR by the cohort's folder:")
    st.code(run.spec.to_command(), language=None, wrap_lines=True)
    entries = load_entries(run.result.rows.cohort, run.spec.task)
    kept = any(entry.is_kept for entry in entries if entry.id == run.id)
    st.checkbox(
        "Mark this run as kept, in the run log and in reports",
        value=kept,
        key=f"baseline_keep_{run.id[:1]}",
        on_change=_keep,
        args=(run.id, not kept),
    )


def _keep(run_id: str, is_kept: bool) -> None:
    keep_run(Store(find_cache()), run_id, is_kept=is_kept)


def _show_items(view: RunView) -> None:
    """Show which items of the reporting guidelines a run answers."""
    run, cohort = view.run, view.run.result.rows.cohort
    show_heading("Reporting items (TRIPOD+AI, CLAIM)")
    table = answer_items(make_manifest(run, cohort, load_entries(cohort, run.spec.task)))
    n_author = int((table["answer"] == AUTHOR).sum())
    note = (
        f"The run answers {len(table) - n_author} of {format_units(len(table), 'item')} "
        "fully or in "
        f"part; the other {n_author} are marked “{AUTHOR}”: only the author of a study can answer "
        "them. Item numbers are the guidelines' own; titles are ours."
    )
    layout = lay_out_frame(
        # The title first: a line is named by what it asks for.
        table[["guideline", "title", "item", "part", "by", "answer"]],
        title="Reporting items",
        unit="Unit: item.",
        prose=["answer"],
        group="guideline",
        notes=[note],
    )
    show_dense_table(layout, key="baseline_items", max_height=480, **view.saved_as("items"))
