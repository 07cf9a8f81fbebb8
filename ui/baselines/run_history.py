"""Runs on screen: all that were made on this cohort and task, and two of them compared."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import (
    describe_grouping,
    format_interval,
    format_metric,
    is_number,
    parse_estimator,
)
from cxrlib.baselines.runs import Run, RunEntry, RunSpec, compare_runs, describe_run_count
from cxrlib.cohort import Cohort
from cxrlib.number_text import format_units
from ui.baselines.cached import load_entries, load_run
from ui.baselines.controls import ask
from ui.baselines.run_view import RunView, escape_label, show_details
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = ["escape_label", "show_comparison", "show_history"]

HEADLINES = ("auroc", "correlation", "concordance")  # by which runs are told apart
SHOWN = 12  # runs at the side; the report has them all


def show_history(cohort: Cohort, spec: RunSpec, run: Run | None) -> None:
    """Show the runs of this cohort and task, newest first, each a click away."""
    entries = load_entries(cohort, spec.task)
    show_quiet(describe_run_count(len(entries)) if entries else "No runs of this task yet.")
    for entry in reversed(entries[-SHOWN:]):
        _show_entry(entry, is_shown=run is not None and entry.id == run.id)
    if len(entries) > SHOWN:
        show_quiet(f"The newest {SHOWN} of {len(entries):,} runs; the report lists all.")


def _show_entry(entry: RunEntry, *, is_shown: bool) -> None:
    if entry.spec is None:
        show_alert(f"Run {entry.id}: {entry.words}")
        return
    st.button(
        ("▸ " if is_shown else "") + escape_label(entry.features_title),
        key=f"baseline_run_{entry.id}",
        type="tertiary",
        help=f"Run {entry.id}, {datetime.fromtimestamp(entry.made, UTC):%Y-%m-%d %H:%M} UTC",
        on_click=ask,
        args=(entry.spec,),
    )
    show_quiet(f"{_describe_settings(entry.spec)}. {_describe_headline(entry)}")


def _describe_settings(spec: RunSpec) -> str:
    """Describe what tells a run from others on the same features."""
    settings = spec.settings
    words = [settings.protocol.name, describe_grouping(settings.hold_out).removeprefix("by ")]
    # The protocol's own is not named: nearly all have it.
    words += [parse_estimator(settings.model).text or settings.model] * bool(settings.estimator)
    words += ["strict"] * settings.is_strict + ["filtered"] * bool(spec.where)
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


def _describe_headline(entry: RunEntry) -> str:
    """Describe a run's mean, or else its pooled score, or that neither can be given."""
    count = format_units(entry.n_images, "image")
    for head in entry.headlines:
        if head.metric in HEADLINES and is_number(head.value):
            score = format_interval({"value": head.value, "low": head.low, "high": head.high})
            return f"{format_metric(head.metric)} {score}, {head.fold}; {count}"
    return f"Not estimable; {count}"


def show_comparison(view: RunView) -> None:
    """Let the reader choose a second run, and show the paired differences with intervals."""
    run = view.run
    cohort = run.result.rows.cohort
    entries = load_entries(cohort, run.spec.task)
    others = {e.id: e for e in reversed(entries) if e.spec is not None and e.id != run.id}
    if not others:
        show_quiet("To compare two runs, change features, protocol or filters and run again.")
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
        show_alert("That run is no longer stored. Choose it in the list at the side to run again.")
        return
    comparison = compare_runs(run, other)
    if comparison.table is None:
        show_text(comparison.reason)
        return
    origin = [*view.provenance, f"Compared with run {other.id}: {others[other.id].words}"]
    show_table(
        _lay_out_differences(comparison.table[comparison.table["metric"] == view.metric]),
        key="baseline_difference",
        numbers=comparison.table,
        **(view.saved_as("difference") | {"provenance": origin}),
    )
    show_quiet(
        "This run minus the other, on the same images. 95 % intervals, bootstrap over patients."
    )
    show_details(
        "Each bootstrap resample draws the same patients for both runs.", *comparison.remarks
    )


def _lay_out_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Lay out differences with their intervals, or the reason why there is none."""
    return pd.DataFrame(
        {
            "held out": row["fold"],
            "difference (95 % interval)": format_interval(
                {**row, "value": row["difference"]}, with_sd=False
            )
            if is_number(row["difference"])
            else "not estimable",
            "reason": row["reason"],
        }
        for row in table.to_dict("records")
    )
