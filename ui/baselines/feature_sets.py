"""All feature sets of a task side by side: a table of scores by held-out group."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from cxrlib.baselines.evaluation import format_metric, is_slow
from cxrlib.baselines.features import FeatureChoice
from cxrlib.baselines.runs import Run, RunSpec
from cxrlib.charts.scores import describe_score_table, find_chance, list_scores, plot_score_table
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.reports import list_shortcuts, make_series
from ui.baselines.cached import load_run, run_now
from ui.baselines.controls import open_cell
from ui.baselines.run_view import RunView
from ui.widgets.details import show_details
from ui.widgets.figure import show_figure
from ui.widgets.text import show_alert, show_quiet

__all__ = ["show_feature_sets"]


def show_feature_sets(view: RunView) -> None:
    """Show the scores of every feature set that was run, and offer to run the others."""
    run, metric, hold_out = view.run, view.metric, view.hold_out
    found, missing, refused = _find_runs(view)
    if missing and is_slow(run.spec.settings.model):
        show_quiet(
            f"Not run with this model yet: {', '.join(choice.title for choice in missing)}. Choose "
            "one above to run it."
        )
    elif missing:
        _offer(run.result.rows.cohort, run.spec, missing)
    series = [
        *map(make_series, found),
        # On the images of the run on screen: nobody has to run them.
        *list_shortcuts(run),
    ]
    chance = find_chance(metric, run.folds, event=run.spec.task.event)
    show_figure(
        partial(
            plot_score_table, series, metric, folds=run.folds, hold_out=hold_out, chance=chance
        ),
        key="score_table",
        alt=describe_score_table(series, metric, hold_out=hold_out),
        numbers=lambda: list_scores(series, metric, folds=run.folds, chance=chance),
        caption=f"{format_metric(metric)} by held-out {hold_out}; {run.spec.describe_model()}; "
        f"protocol {run.spec.settings.protocol.name}. The best of many runs overstates what to "
        "expect elsewhere.",
        heading=f"{run.spec.task.title}: all feature sets",
        on_select=partial(open_cell, "score_table", run.spec),
        selection_mode="points",
        **view.saved_as("sets"),
    )
    show_details("", ["Rows can rest on different images: some sets lack values for a few."])
    for title, reason in refused.items():
        show_quiet(f"{title}: {reason}")
    _show_absent([choice for choice in view.choices if not choice.is_ready])


def _can_run(choice: FeatureChoice, spec: RunSpec) -> bool:
    """Tell whether a set can be run while the reader waits: the network on pixels is a job."""
    if choice.name == spec.features:
        return True
    return choice.is_ready and choice.kind not in ("pixels", "shortcut")


def _show_absent(choices: Sequence[FeatureChoice]) -> None:
    """Show which sets cannot be run, and once for all of one network what to do."""
    titles: dict[str, list[str]] = {}
    for choice in choices:
        titles.setdefault(f"{choice.why_not} {choice.what_to_do}", []).append(choice.title)
    if titles:
        with st.expander(f"{format_units(len(choices), 'feature set')} not ready to run"):
            for words, names in titles.items():
                show_quiet(f"{'; '.join(names)}: {words}")


def _find_runs(view: RunView) -> tuple[list[Run], list[FeatureChoice], dict[str, str]]:
    """Find the runs that were made, the sets that were not run, and why some cannot be."""
    run = view.run
    found: list[Run] = []
    missing: list[FeatureChoice] = []
    refused: dict[str, str] = {}
    for choice in view.choices:
        if not _can_run(choice, run.spec):
            continue
        try:
            each = load_run(run.result.rows.cohort, replace(run.spec, features=choice.name))
        except SelectionError as error:
            refused[choice.title] = str(error)
            continue
        if each is None:
            missing.append(choice)
        else:
            found.append(each)
    return found, missing, refused


def _offer(cohort: Cohort, spec: RunSpec, missing: Sequence[FeatureChoice]) -> None:
    """Offer to run what is missing; each run counts and is listed."""
    count = f"{len(missing)} feature sets" if len(missing) > 1 else "feature set"
    if not st.button(f"Run the other {count}", key="baseline_run_sets"):
        show_quiet(f"Not run yet: {', '.join(choice.title for choice in missing)}.")
        return
    bar = st.progress(0.0)
    for place, choice in enumerate(missing):
        bar.progress(
            place / len(missing),
            text=f"{choice.title}: {place + 1} of {len(missing)}. Finished runs are kept if you "
            "leave.",
        )
        try:
            run_now(cohort, replace(spec, features=choice.name))
        except SelectionError as error:
            show_alert(f"{choice.title}: {error}")
    st.rerun()
