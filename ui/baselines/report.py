"""The report of a run: one page, or everything in an archive; and what its exports carry."""

from collections.abc import Sequence

import streamlit as st

from cxrlib.baselines.runs import Run, RunEntry, describe_spec, tell_runs
from cxrlib.cohort import Cohort
from cxrlib.number_text import name_units
from cxrlib.reports import (
    AUTHOR,
    answer_items,
    gather_parts,
    make_manifest,
    pack_report,
    write_run_report,
)
from cxrlib.storage import Store
from cxrlib.summary import lay_out_frame
from ui.baselines.cached import load_entries
from ui.baselines.run_history import show_command
from ui.session.resources import find_cache
from ui.widgets.dense_table import show_dense_table
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.text import show_heading, show_text

__all__ = ["list_lines", "show_report"]


def list_lines(run: Run) -> list[str]:
    """List what every export of a run says of it."""
    return [
        f"Run {run.id}: {describe_spec(run.spec)}",
        *run.result.features.origin,
        tell_runs(run.n_runs),
    ]


def show_report(cohort: Cohort, run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show what can be saved of a run, which reporting items it answers, and how to repeat it.

    Parameters
    ----------
    cohort : Cohort
    run : Run
    provenance : sequence of str
    stem : str
        Of the files' names.
    """
    entries = load_entries(cohort, run.spec.task)
    show_text(
        "The report holds the flow, the protocol in words, scores with intervals, the shortcuts, "
        "the printed numbers, licences, versions and seeds, and every run that was made on this "
        f"cohort and task, not only this one: {name_units(len(entries), 'run')}."
    )
    store = Store(find_cache())

    def write() -> dict[str, bytes]:
        return write_run_report(run, cohort, entries, more=gather_parts(run, store))

    with st.container(horizontal=True):
        page = Saving(
            "Page (HTML)", f"{stem}-report.html", "text/html", lambda: write()["report.html"]
        )
        offer_saving(page, key="baseline_report_html", type="secondary")
        everything = Saving(
            "Everything (ZIP: page, tables, manifest)",
            f"{stem}-report.zip",
            "application/zip",
            lambda: pack_report(write()),
        )
        offer_saving(
            everything, key="baseline_report_zip", type="secondary", icon=":material/folder_zip:"
        )
    show_command(run)
    _show_items(cohort, run, entries, provenance=provenance, stem=stem)


def _show_items(
    cohort: Cohort,
    run: Run,
    entries: Sequence[RunEntry],
    *,
    provenance: Sequence[str],
    stem: str,
) -> None:
    """Show which items of the reporting guidelines a run answers."""
    show_heading("Reporting items (TRIPOD+AI, CLAIM)")
    table = answer_items(make_manifest(run, cohort, entries))
    n_author = int((table["answer"] == AUTHOR).sum())
    note = (
        f"The run answers {len(table) - n_author} of {name_units(len(table), 'item')}, in whole or "
        f'in part; of the others only the author of a study knows: "{AUTHOR}". Numbers are the '
        "guidelines' own, titles are ours."
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
    show_dense_table(
        layout,
        key="baseline_items",
        provenance=provenance,
        file_stem=f"{stem}-items",
        max_height=480,
    )
