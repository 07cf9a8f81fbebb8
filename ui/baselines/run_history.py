"""Runs on screen: all that were made on this cohort and task, two of them compared, the report."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import is_number, name_metric, write_interval
from cxrlib.baselines.runs import Run, RunEntry, RunSpec, compare_runs, keep_run, tell_runs
from cxrlib.cohort import Cohort
from cxrlib.number_text import name_units
from cxrlib.storage import Store
from ui.baselines.cached import load_entries, load_run
from ui.baselines.controls import ask
from ui.session.resources import find_cache
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = ["show_command", "show_comparison", "show_history", "write_label"]

HEADLINES = ("auroc", "correlation", "concordance")  # by which runs are told apart
SHOWN = 12  # runs at the side; the report has them all


def show_history(cohort: Cohort, spec: RunSpec, run: Run | None) -> None:
    """Show the runs of this cohort and task, newest first, each a click away."""
    entries = load_entries(cohort, spec.task)
    show_quiet(tell_runs(len(entries)) if entries else "No run was made on this task yet.")
    for entry in reversed(entries[-SHOWN:]):
        _show_entry(entry, is_shown=run is not None and entry.id == run.id)
    if len(entries) > SHOWN:
        show_quiet(f"The newest {SHOWN} of {len(entries):,}; the report lists all.")


def _show_entry(entry: RunEntry, *, is_shown: bool) -> None:
    if entry.spec is None:
        show_alert(f"Run {entry.id}: {entry.words}")
        return
    st.button(
        ("▸ " if is_shown else "") + write_label(entry.features_title),
        key=f"baseline_run_{entry.id}",
        type="tertiary",
        help=f"Run {entry.id}, {datetime.fromtimestamp(entry.made, UTC):%Y-%m-%d %H:%M} UTC",
        on_click=ask,
        args=(entry.spec,),
    )
    show_quiet(f"{_write_settings(entry.spec)}. {_write_headline(entry)}")


def write_label(text: str) -> str:
    """Write text for a label, which is Markdown: a file of features is called as anybody likes."""
    return re.sub(r"([\\`*_\[\]$:~<])", r"\\\1", " ".join(text.split()))


def _write_settings(spec: RunSpec) -> str:
    """Write what tells a run from others on the same features."""
    settings = spec.settings
    words = [settings.protocol.name, settings.hold_out]
    words += ["strict"] * settings.is_strict + ["filtered"] * bool(spec.where)
    return ", ".join(words).capitalize()


def _write_headline(entry: RunEntry) -> str:
    """Write a run's mean, or else its pooled score, or that neither can be given."""
    count = f"of {name_units(entry.n_images, 'image')}"
    for head in entry.headlines:
        if head.metric in HEADLINES and is_number(head.value):
            words = write_interval({"value": head.value, "low": head.low, "high": head.high})
            return f"{name_metric(head.metric)}, {head.fold}: {words}, {count}"
    return f"Nothing estimable, {count}"


def show_comparison(
    cohort: Cohort, run: Run, metric: str, *, provenance: Sequence[str], stem: str
) -> None:
    """Let the reader choose a second run, and show the paired differences with intervals."""
    entries = load_entries(cohort, run.spec.task)
    others = {e.id: e for e in reversed(entries) if e.spec is not None and e.id != run.id}
    if not others:
        show_quiet("Change features, protocol or filters and run again: two runs can be compared.")
        return
    chosen = st.selectbox(
        "Compare this run with",
        list(others),
        format_func=lambda name: f"{others[name].words} ({name})",
        key="baseline_other",
    )
    spec = others[str(chosen)].spec
    other = None if spec is None else load_run(cohort, spec)
    if other is None:
        show_alert("That run is not in the cache any more. Choose it at the side and run it again.")
        return
    comparison = compare_runs(run, other)
    if comparison.table is None:
        show_text(comparison.reason)
        return
    table = comparison.table[comparison.table["metric"] == metric]
    show_table(
        _write_differences(table),
        key="baseline_difference",
        provenance=[*provenance, f"Compared with run {other.id}: {others[other.id].words}"],
        file_stem=f"{stem}-difference",
        numbers=comparison.table,
    )
    show_quiet(
        "This run less the other, on the same images; 95 % intervals of resamples that draw the "
        "same persons for both. " + " ".join(comparison.remarks)
    )


def _write_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Write differences with their intervals, or the reason why there is none."""
    return pd.DataFrame(
        {
            "held out": table["fold"],
            "difference (95 % interval)": [
                write_interval({"value": row["difference"], "low": row["low"], "high": row["high"]})
                if is_number(row["difference"])
                else "not estimable"
                for row in table.to_dict("records")
            ],
            "why": table["reason"],
        }
    )


def show_command(run: Run) -> None:
    """Show the command line that repeats the run, and let the reader keep it."""
    show_quiet("The same digits on the command line, DIR being the cohort's folder:")
    st.code(run.spec.to_command(), language=None, wrap_lines=True)
    entries = load_entries(run.result.rows.cohort, run.spec.task)
    kept = any(entry.is_kept for entry in entries if entry.id == run.id)
    st.checkbox(
        "Keep this run (a mark in the run book and the report)",
        value=kept,
        key=f"baseline_keep_{run.id[:1]}",
        on_change=_keep,
        args=(run.id, not kept),
    )


def _keep(run_id: str, is_kept: bool) -> None:
    keep_run(Store(find_cache()), run_id, is_kept=is_kept)
