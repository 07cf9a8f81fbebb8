"""A run on screen: its answer in a sentence, the forest plot with its shortcuts, the folds."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import streamlit as st

from cxrlib.baselines.evaluation import (
    MEAN,
    POOLED,
    Cells,
    format_fold,
    format_held_out,
    format_interval,
    format_metric,
    is_number,
    read_reason,
)
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import (
    describe_forest,
    find_chance,
    list_scores,
    make_axis,
    plot_forest,
    read_scores,
)
from cxrlib.cohort import UNKNOWN
from cxrlib.number_text import format_units
from cxrlib.reports import list_series
from ui.baselines.cached import load_entries
from ui.baselines.controls import open_cell
from ui.baselines.published_scores import find_published
from ui.baselines.run_view import RunView
from ui.widgets.choice import choose_one
from ui.widgets.figure import show_figure
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["choose_metric", "show_answer", "show_folds", "show_forest"]

UNTRAINED = "densenet121-untrained:"
FOLD_WORDS = {
    "n_train_images": "training images",
    "n_train_persons": "training persons",
    "n_images": "test images",
    "n_persons": "test persons",
    "n_positive": "positive images",
    "n_negative": "negative images",
    "n_positive_persons": "positive persons",
    "n_negative_persons": "negative persons",
    "n_guarded": "training images left out (same person or article)",
    "guarded_by": "left out by",
    "events_per_parameter": "events per parameter",
    "reason": "why there is no score",
}


def choose_metric(run: Run) -> str:
    """Let the reader choose a score among those that the task has."""
    return choose_one(
        "metric",
        "Score",
        {metric: format_metric(metric) for metric in run.scores["metric"]},
        help="“Of the event” scores the clinical event: death, bacterial, not COVID-19, ICU, "
        "intubation. The paper's positive class is often the majority, so that even a guess has a "
        "high AUPRC.",
    )


def show_answer(run: Run, metric: str) -> None:
    """Answer the page's question in a sentence or two, with what the shortcuts reach beside it."""
    st.markdown(_describe_answer(run, metric))


def _describe_answer(run: Run, metric: str) -> str:
    """Describe the answer: our words and numbers only, no text of the cohort."""
    cells = read_scores(run.scores, metric)
    scored = [fold for fold, cell in cells.items() if is_number(cell.get("value"))]
    fold = next((fold for fold in (MEAN, POOLED) if fold in scored), "")
    if fold:
        parts = [
            _describe_verdict(run, metric, fold, cells[fold]),
            _describe_shortcut(run, metric, fold),
            _describe_control(run, metric, fold),
        ]
    elif scored:
        parts = ["**No mean can be given.**", read_reason(cells.get(MEAN))]
    else:
        parts = [f"**Not estimable** in any {run.spec.settings.hold_out}: see the reasons below."]
    answer = " ".join(filter(None, parts))
    return f"{answer}\n\n{_describe_basis(run, fold, cells.get(fold, {}))}"


def _describe_verdict(run: Run, metric: str, fold: str, cell: Cells) -> str:
    """Describe a score over all groups, and how its interval lies to chance."""
    name = _format_score_name(run, metric) or format_metric(metric)
    over = format_fold(fold, run.spec.settings.hold_out, cell)
    score = f"{name} {format_interval(cell)}, {over[:1].lower()}{over[1:]}"
    chance = find_chance(metric, run.folds, event=run.spec.task.event).get(fold)
    if chance is None:
        chance = make_axis(metric, ()).line
    if chance is None or not is_number(cell.get("low")) or not is_number(cell.get("high")):
        return f"{score}."
    if float(cell["low"]) > chance:
        return f"**Above chance ({chance:.2g})**: {score}."
    if float(cell["high"]) < chance:
        return f"**Below chance ({chance:.2g})**: {score}."
    return f"**Not distinguishable from chance ({chance:.2g})**: {score}."


def _describe_basis(run: Run, fold: str, cell: Cells) -> str:
    """Describe what the answer is of, and why fewer images are scored than the task has."""
    settings, rows = run.spec.settings, run.result.rows
    reasons = []
    n_images, n_persons = cell.get("n_images"), cell.get("n_persons")
    if is_number(n_images) and is_number(n_persons) and n_images < rows.n_images:
        why = "can be compared within their" if fold == POOLED else "are in a scored"
        count = f"{format_units(int(n_images), 'image')} ({format_units(int(n_persons), 'person')})"
        reasons.append(f"{count} {why} {settings.hold_out}.")
    if fold == POOLED:
        reasons.append(_describe_groups(run))
    return (
        f"**{rows.task.title}**, {format_units(rows.n_images, 'image')} of "
        f"{format_units(rows.n_persons, 'person')}, each {settings.hold_out} held out once, "
        "protocol "
        f"*{settings.protocol.name}*. {' '.join(reasons)}"
    )


def _describe_groups(run: Run) -> str:
    """Describe how many groups have a score of their own, where there is no mean over them."""
    folds = run.folds[run.folds["fold"] != UNKNOWN]
    n_scored = int(folds["is_scored"].astype(bool).sum())
    groups = format_held_out(len(folds), run.spec.settings.hold_out)
    return f"Only {n_scored} of {groups} can be scored alone, so there is no mean."


def _describe_shortcut(run: Run, metric: str, fold: str) -> str:
    """Describe the shortcut that scores best without looking at an image."""
    if run.result.features.kind == "shortcut":
        return "This feature set does not use the image."
    found = {
        result.features.title: read_scores(result.scores, metric).get(fold, {})
        for result in run.shortcuts.values()
    }
    best = _find_best(found, metric)
    return f"Best without the image: {best}." if best else ""


def _describe_control(run: Run, metric: str, fold: str) -> str:
    """Describe the untrained network that scores best, where one was run on the same."""
    if run.spec.features.startswith(UNTRAINED):
        return "This network is untrained: a control."
    entries = load_entries(run.result.rows.cohort, run.spec.task)
    found: dict[str, Cells] = {
        entry.features_title: {"value": head.value, "low": head.low, "high": head.high}
        for entry in entries
        if entry.spec is not None
        and entry.spec.features.startswith(UNTRAINED)
        and replace(entry.spec, features=run.spec.features) == run.spec
        and (head := entry.find(fold, metric)) is not None
    }
    best = _find_best(found, metric)
    return f"Best with random weights: {best}." if best else ""


def _find_best(cells: Mapping[str, Cells], metric: str) -> str:
    """Describe which of some named scores is best; "" where there is none."""
    scored = {title: cell for title, cell in cells.items() if is_number(cell.get("value"))}
    if not scored:
        return ""
    sign = -1 if metric == "mae" else 1
    title, cell = max(scored.items(), key=lambda item: sign * float(item[1]["value"]))
    return f"*{title}*, {format_interval(cell)}"


def show_forest(view: RunView) -> None:
    """Show the score in each held-out group beside that of the shortcuts, and of chance."""
    run, metric, hold_out = view.run, view.metric, view.hold_out
    series = list_series(run, null=view.null, metric=metric, printed=find_published(run, metric))
    chance = find_chance(metric, run.folds, event=run.spec.task.event)
    title = _format_score_name(run, metric)
    draw = partial(
        plot_forest,
        series,
        metric,
        folds=run.folds,
        hold_out=hold_out,
        chance=chance,
        unit=run.spec.task.unit,
        title=title,
    )
    if run.scores.loc[run.scores["metric"] == metric, "value"].notna().any():
        # Not in the caption: that goes with the figure to paper.
        show_quiet("Click a mark to see its test images below.")
    show_figure(
        draw,
        key="forest",
        alt=describe_forest(series, metric, hold_out=hold_out, title=title),
        numbers=lambda: list_scores(series, metric, folds=run.folds, chance=chance),
        caption=f"Protocol {run.spec.settings.protocol.name}; 95 % intervals, bootstrap over "
        "patients. Shortcuts use the same images' records, not the images.",
        heading=f"{run.spec.task.title}: {format_metric(metric)} by held-out {hold_out}",
        on_select=partial(open_cell, "forest", run.spec),
        selection_mode="points",
        **view.saved_as("forest"),
    )
    for name, reason in run.refused.items():
        show_quiet(f"Shortcut {name!r} could not be run: {reason}")


def _format_score_name(run: Run, metric: str) -> str:
    """Name what a published score is of, since the metric alone would mislead; "" of others."""
    is_hard = run.spec.settings.protocol.ranking == "class" and run.spec.task.kind == "classes"
    return f"{format_metric(metric)} of the predicted class" if is_hard else ""


def show_folds(view: RunView) -> None:
    """Show what was held out: training and test rows, classes, guards, events per parameter."""
    run, settings = view.run, view.run.spec.settings
    shown = run.folds[["fold", *(name for name in FOLD_WORDS if name in run.folds)]]
    shown = shown.loc[:, ~shown.isna().all()]
    n_groups = int((shown["fold"] != UNKNOWN).sum())
    with st.expander(f"Details: {format_held_out(n_groups, view.hold_out)}, protocol, intervals"):
        show_table(
            shown.rename(columns={"fold": view.hold_out, **FOLD_WORDS}),
            key="baseline_folds",
            numbers=run.folds,
            **view.saved_as("folds"),
        )
        show_quiet(
            f"{run.result.features.title}: {run.result.features.n_parameters:,} parameters, "
            "counted as in the paper. Events: training images of the smaller class."
        )
        show_text(
            f"Intervals: {settings.n_resamples:,} bootstrap resamples of patients; the models are "
            "not fitted again."
        )
        for sentence in (*settings.protocol.describe(), *run.notes):
            show_text(sentence)
