"""Runs on screen: all that were made on this cohort, several in one figure, two in pairs."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import format_interval, format_metric, is_number
from cxrlib.baselines.runs import (
    LONGEST_NOTE,
    Run,
    RunEntry,
    RunSpec,
    compare_runs,
    filter_entries,
    name_estimator,
    tabulate_runs,
    write_note,
)
from cxrlib.baselines.tasks import Task
from cxrlib.charts.scores import Series, describe_forest, list_scores, plot_forest
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.reports import list_provenance, make_series
from cxrlib.selection import FILTERS
from cxrlib.storage import Store
from ui.baselines.cached import count_runs_of, load_entries, load_run
from ui.baselines.controls import ask
from ui.baselines.run_view import RunView, escape_label
from ui.session.filters import reset_filters
from ui.session.jobs import kept_trouble
from ui.session.resources import find_cache
from ui.widgets.details import show_details
from ui.widgets.figure import show_figure
from ui.widgets.table import show_table
from ui.widgets.text import show_heading, show_quiet, show_text

__all__ = ["escape_label", "show_history", "show_runs"]

ALL_TASKS = "all tasks"
MOST_DRAWN = 8  # runs of one forest plot
TABLE_HEIGHT = 360  # pixels; more runs scroll
LONGEST_NAME = 70  # signs of a run's name beside its marks
TABLE_WORDS = {
    "held_out": "held out",
    "filters": "filters",
    "n_images": "images",
    "n_persons": "persons",
    "seconds": "seconds",
    "kept": "kept",
    "note": "note",
}


def show_history(cohort: Cohort, spec: RunSpec) -> None:
    """Say how many runs were made."""
    show_quiet(count_runs_of(cohort, spec.task).describe())


def show_runs(view: RunView) -> None:
    """Show all runs of the cohort: to sort, filter, open, note, draw together and compare."""
    cohort = view.run.result.rows.cohort
    every = load_entries(cohort)
    counts = count_runs_of(cohort, view.run.spec.task).describe()
    show_text("The best of many runs looks good by chance alone.")
    entries = _choose_entries(every)
    if not entries:
        show_quiet(f"None of the {format_units(len(every), 'run')} is of this task and text.")
        return
    chosen = _show_table(view, entries, counts)
    _show_note(chosen[0] if len(chosen) == 1 else _find_own(every, view.run))
    if not chosen:
        show_quiet(
            "Tick runs to draw them in one figure, two of one outcome to compare them in pairs."
        )
        return
    runs = _load_runs(cohort, chosen)
    if runs:
        _plot_runs(view, runs)
    pair = runs if len(runs) == 2 else [view.run, *runs]
    if len(pair) == 2 and pair[0].id != pair[1].id:
        _show_difference(view, pair[0], pair[1])


# ---- the table


def _choose_entries(every: Sequence[RunEntry]) -> list[RunEntry]:
    """Let the reader choose a task and words; the newest run comes first."""
    tasks: dict[str, Task] = {e.spec.task.to_text(): e.spec.task for e in every if e.spec}
    if st.session_state.get("baseline_runs_task") not in tasks:  # of another cohort
        st.session_state["baseline_runs_task"] = ALL_TASKS
    left, right = st.columns([3, 2])
    text = left.text_input("Find in runs", key="baseline_runs_text", max_chars=200)
    task = right.selectbox("Task", [ALL_TASKS, *sorted(tasks)], key="baseline_runs_task")
    return filter_entries(every, text=text, task=tasks.get(str(task)))[::-1]


def _show_table(view: RunView, entries: list[RunEntry], counts: str) -> list[RunEntry]:
    """Show the runs; return those that are ticked."""
    table = tabulate_runs(entries)
    # Of its own for each list: a tick is a place in it.
    digest = hashlib.sha256("".join(entry.id for entry in entries).encode()).hexdigest()
    key = f"baseline_runs_table_{digest[:8]}"
    cohort = view.run.result.rows.cohort
    state = show_table(
        lay_out_runs(entries, table, view.run.id),
        key=key,
        numbers=table,
        provenance=[*list_provenance(cohort), counts],
        file_stem=f"{view.entry.slug}-runs-{date.today().isoformat()}",
        height=min(TABLE_HEIGHT, 40 + 35 * len(entries)),
        on_select=partial(_open_clicked, key, entries),
        selection_mode=["multi-row", "single-cell"],
        placeholder="–",
        column_config={
            "features": st.column_config.Column(width=190),
            "task": st.column_config.Column(width=130),
            "score": st.column_config.NumberColumn(format="%.2f"),
            "seconds": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    show_quiet("Click a cell to open its run. ▸ is the run above.")
    places = [place for place in state.selection.rows if place < len(entries)]
    return [entries[place] for place in places[:MOST_DRAWN]]


def lay_out_runs(entries: Sequence[RunEntry], table: pd.DataFrame, shown: str) -> pd.DataFrame:
    """Lay the table of runs out for the screen; `shown` is the id of the run above."""
    intervals = [
        format_interval(row).partition(" ")[2].strip("()") if is_number(row["low"]) else ""
        for row in table.to_dict("records")
    ]
    of = [
        f"{format_metric(metric)}, {fold}" if isinstance(metric, str) else ""
        for metric, fold in zip(table["metric"], table["fold"], strict=True)
    ]
    strict = [", strict" if each is True else "" for each in table["strict"]]
    removal = [f", {each}" if each and isinstance(each, str) else "" for each in table["removal"]]
    told = pd.DataFrame(
        {
            "run": [("▸ " if run == shown else "") + run for run in table["run"]],
            "task": table["task"],
            "features": [entry.features_title or entry.words for entry in entries],
            "estimator": table["estimator"],
            "protocol": [
                f"{name}{more}{taken}"
                for name, more, taken in zip(
                    table["protocol"].fillna(""), strict, removal, strict=True
                )
            ],
        }
    )
    score = pd.DataFrame({"score": table["value"], "95 % interval": intervals, "of": of})
    others = table[list(TABLE_WORDS)].rename(columns=TABLE_WORDS)
    made = [each[:16] for each in table["made"]]
    laid = pd.concat(
        [told, others[["held out", "filters"]], score, others.iloc[:, 2:].assign(made=made)], axis=1
    ).rename(columns={"made": "made (UTC)"})
    # Nothing was filtered or kept: what is on the right then needs no scrolling.
    is_told = {name: laid[name].map(bool).any() for name in ("filters", "kept")}
    return laid.drop(columns=[name for name, is_there in is_told.items() if not is_there])


def _open_clicked(key: str, entries: Sequence[RunEntry]) -> None:
    """Open the run of the cell that was clicked, with its filters; for a callback."""
    cells = st.session_state[key].selection.cells
    place = int(cells[0][0]) if cells else len(entries)
    spec = entries[place].spec if place < len(entries) else None
    if spec is None:
        return
    query = spec.selection.to_query()
    reset_filters(name for name in FILTERS if name not in query)
    for name, values in query.items():
        is_range = FILTERS[name].kind == "range"
        st.session_state[name] = tuple(values) if is_range else list(values)
    ask(spec)


# ---- notes


def _find_own(entries: Sequence[RunEntry], run: Run) -> RunEntry | None:
    return next((entry for entry in entries if entry.id == run.id), None)


def _show_note(entry: RunEntry | None) -> None:
    """Let the reader note something on a run."""
    if entry is None:
        return
    key = f"baseline_note_{entry.id}"
    st.text_input(
        f"Note on run {entry.id}",
        value=entry.note,
        key=key,
        max_chars=LONGEST_NOTE,
        on_change=_take_note,
        args=(key, entry.id),
    )


def _take_note(key: str, run_id: str) -> None:
    with kept_trouble():
        write_note(Store(find_cache()), run_id, st.session_state[key])


# ---- several runs


def _load_runs(cohort: Cohort, chosen: Sequence[RunEntry]) -> list[Run]:
    """Load the runs that are stored, and name the others."""
    runs, missing = [], []
    for entry in chosen:
        run = None
        with contextlib.suppress(SelectionError):  # of labels that are not attached here
            run = None if entry.spec is None else load_run(cohort, entry.spec)
        if run is None or run.id != entry.id:
            missing.append(entry.id)
        else:
            runs.append(run)
    if missing:
        show_quiet(
            f"Not stored in this version: {', '.join(missing)}. Click the run, then make it again."
        )
    return runs


def _plot_runs(view: RunView, runs: Sequence[Run]) -> None:
    """Plot the chosen runs in one forest plot, each on its own images."""
    metric = view.metric
    scored = [run for run in runs if run.scores["metric"].eq(metric).any()]
    if len(scored) < len(runs):
        n_other = format_units(len(runs) - len(scored), "run")
        show_quiet(f"{n_other} without {format_metric(metric)}: another kind of task.")
    if not scored:
        return
    series = list_run_series(scored)
    held_out = {run.spec.settings.hold_out for run in scored}
    hold_out = held_out.pop() if len(held_out) == 1 else "group"
    show_figure(
        partial(plot_forest, series, metric, hold_out=hold_out),
        key="runs_forest",
        alt=describe_forest(series, metric, hold_out=hold_out),
        numbers=lambda: list_scores(series, metric),
        caption="Each run on its own images; 95 % intervals, bootstrap over patients. The best of "
        "many runs overstates what to expect elsewhere.",
        heading=f"{format_metric(metric)} of {format_units(len(scored), 'run')}",
        provenance=[
            *list_provenance(view.run.result.rows.cohort),
            *(f"{each.name}: run {run.id}" for each, run in zip(series, scored, strict=True)),
            view.run.counts.describe(),
        ],
        file_stem=f"{view.entry.slug}-runs-forest-{date.today().isoformat()}",
    )


def list_run_series(runs: Sequence[Run]) -> list[Series]:
    """List runs as series of a chart, each named by what tells it from the others."""
    parts = [
        (
            run.result.features.title,
            run.spec.task.to_text(),
            name_estimator(run.spec),
            run.spec.settings.protocol.name,
            f"by {run.spec.settings.hold_out}",
            "strict" if run.spec.settings.is_strict else "",
            run.spec.settings.removal,
            ", ".join(run.spec.selection.describe()),
        )
        for run in runs
    ]
    differs = [len(set(column)) > 1 for column in zip(*parts, strict=True)]
    differs[0] |= not any(differs)
    names = [
        "; ".join(part for part, is_told in zip(each, differs, strict=True) if is_told and part)
        for each in parts
    ]
    names = [
        name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in names
    ]
    return [
        replace(
            make_series(run),
            name=name if names.count(name) == 1 else f"{name} ({run.id})",
            key=run.id,
        )
        for run, name in zip(runs, names, strict=True)
    ]


def _show_difference(view: RunView, first: Run, second: Run) -> None:
    """Show the paired differences of two runs with intervals."""
    show_heading("Paired difference")
    comparison = compare_runs(first, second)
    if comparison.table is None:
        show_text(comparison.reason)
        return
    table = comparison.table
    metric = view.metric if table["metric"].eq(view.metric).any() else table["metric"].iloc[0]
    words = f"Run {first.id} minus run {second.id}. {comparison.describe_images()}"
    show_table(
        _lay_out_differences(table[table["metric"] == metric]),
        key="baseline_difference",
        numbers=table,
        **(view.saved_as("difference") | {"provenance": [*view.provenance, words]}),
    )
    show_details(
        f"{format_metric(metric)}. {words} 95 % intervals, bootstrap over patients.",
        ["Each bootstrap resample draws the same patients for both runs.", *comparison.remarks],
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
