"""A run on screen: the forest plot with its shortcuts, the held-out groups."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.baselines.evaluation import format_held_out, format_metric
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import (
    describe_forest,
    find_chance,
    list_scores,
    plot_forest,
)
from cxrlib.cohort import UNKNOWN
from cxrlib.reports import list_series
from ui.baselines.answer import format_score_name
from ui.baselines.controls import open_cell
from ui.baselines.published_scores import find_published
from ui.baselines.run_view import RunView
from ui.widgets.choice import choose_one
from ui.widgets.figure import show_figure
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["choose_metric", "show_folds", "show_forest"]

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


def choose_metric(run: Run, place: DeltaGenerator) -> str:
    """Let the reader choose a score among those that the task has."""
    with place:
        return choose_one(
            "metric",
            "Score",
            {metric: format_metric(metric) for metric in run.scores["metric"]},
            is_menu=True,
            width=200,
            help="“Of the event” scores the clinical event: death, bacterial, not COVID-19, ICU, "
            "intubation. The paper's positive class is often the majority, so that even a guess "
            "has a high AUPRC.",
        )


def show_forest(view: RunView) -> None:
    """Show the score in each held-out group beside that of the shortcuts, and of chance."""
    run, metric, hold_out = view.run, view.metric, view.hold_out
    series = list_series(run, null=view.null, metric=metric, printed=find_published(run, metric))
    chance = find_chance(metric, run.folds, event=run.spec.task.event)
    title = format_score_name(run, metric)
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
        show_quiet("Click a mark for its test images.")
    show_figure(
        draw,
        key="forest",
        alt=describe_forest(series, metric, hold_out=hold_out, title=title),
        numbers=lambda: list_scores(series, metric, folds=run.folds, chance=chance),
        caption="95 % intervals, bootstrap over patients.",
        heading=f"{run.spec.task.title}: {format_metric(metric)} by held-out {hold_out}; "
        f"{run.spec.describe_model()}, protocol {run.spec.settings.protocol.name}",
        on_select=partial(open_cell, "forest", run.spec),
        selection_mode="points",
        **view.saved_as("forest"),
    )
    for name, reason in run.refused.items():
        show_quiet(f"Shortcut {name!r} could not be run: {reason}")


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
