"""All feature sets of a task side by side: a table of scores by held-out group."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from cxrlib.baselines.evaluation import name_metric
from cxrlib.baselines.features import FeatureChoice
from cxrlib.baselines.runs import Run, RunSpec
from cxrlib.charts.scores import describe_score_table, find_chance, list_scores, plot_score_table
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.reports import list_shortcuts, make_series
from ui.baselines.cached import load_run, run_now
from ui.baselines.controls import open_cell
from ui.widgets.figure import show_figure
from ui.widgets.text import show_alert, show_quiet

__all__ = ["show_sets"]


def show_sets(
    cohort: Cohort,
    run: Run,
    choices: Sequence[FeatureChoice],
    metric: str,
    *,
    provenance: Sequence[str],
    stem: str,
) -> None:
    """Show the scores of every feature set that was run, and offer to run the others.

    Parameters
    ----------
    cohort : Cohort
    run : Run
        The one on screen: task, protocol, filters and what is held out are its.
    choices : sequence of FeatureChoice
    metric : str
    provenance : sequence of str
    stem : str
        Of the files' names.
    """
    wanted = [choice for choice in choices if _can_run(choice, run.spec)]
    found, missing, refused = _find_runs(cohort, run, wanted)
    if missing:
        _offer(cohort, run.spec, missing)
    series = [
        *(make_series(each) for each in found.values()),
        # On the images of the run on screen: nobody has to run them.
        *list_shortcuts(run),
    ]
    chance = find_chance(metric, run.folds, event=run.spec.task.event)
    hold_out = run.spec.settings.hold_out
    draw = partial(
        plot_score_table, series, metric, folds=run.folds, hold_out=hold_out, chance=chance
    )
    show_figure(
        draw,
        key="score_table",
        alt=describe_score_table(series, metric, hold_out=hold_out),
        numbers=lambda: list_scores(series, metric, folds=run.folds, chance=chance),
        caption=f"{name_metric(metric)}, protocol {run.spec.settings.protocol.name}. Rows may rest "
        "on different images where a feature set lacks some. The best of many runs is not the "
        "one to expect elsewhere.",
        provenance=provenance,
        file_stem=f"{stem}-sets",
        heading=f"{run.spec.task.title}: all feature sets",
        on_select=partial(open_cell, "score_table", run.spec),
        selection_mode="points",
    )
    for title, reason in refused.items():
        show_quiet(f"{title}: {reason}")
    _tell_absent([choice for choice in choices if not choice.is_ready])


def _can_run(choice: FeatureChoice, spec: RunSpec) -> bool:
    """Tell whether a set can be run while the reader waits: the network on pixels is a job."""
    if choice.name == spec.features:
        return True
    return choice.is_ready and choice.kind not in ("pixels", "shortcut")


def _tell_absent(choices: Sequence[FeatureChoice]) -> None:
    """Say which sets are not here, and once for all of one network what to do."""
    titles: dict[str, list[str]] = {}
    for choice in choices:
        titles.setdefault(f"{choice.why_not} {choice.what_to_do}", []).append(choice.title)
    if titles:
        with st.expander(f"{len(choices)} feature sets that cannot be run yet"):
            for words, names in titles.items():
                show_quiet(f"{'; '.join(names)}: {words}")


def _find_runs(
    cohort: Cohort, run: Run, wanted: Sequence[FeatureChoice]
) -> tuple[dict[str, Run], list[FeatureChoice], dict[str, str]]:
    """Find the runs that were made, those that were not, and why some cannot be."""
    found: dict[str, Run] = {}
    missing: list[FeatureChoice] = []
    refused: dict[str, str] = {}
    for choice in wanted:
        try:
            each = load_run(cohort, replace(run.spec, features=choice.name))
        except SelectionError as error:
            refused[choice.title] = str(error)
            continue
        if each is None:
            missing.append(choice)
        else:
            found[choice.name] = each
    return found, missing, refused


def _offer(cohort: Cohort, spec: RunSpec, missing: Sequence[FeatureChoice]) -> None:
    """Offer to run what is missing; each run counts and is listed."""
    label = f"Run the other {len(missing)} feature sets"
    if not st.button(label, key="baseline_run_sets"):
        show_quiet(f"Not run yet: {', '.join(choice.title for choice in missing)}.")
        return
    bar = st.progress(0.0)
    for place, choice in enumerate(missing):
        bar.progress(
            place / len(missing),
            text=f"{choice.title}: {place + 1} of {len(missing)}. What is done stays done if you "
            "leave.",
        )
        try:
            run_now(cohort, replace(spec, features=choice.name))
        except SelectionError as error:
            show_alert(f"{choice.title}: {error}")
    st.rerun()
