"""A run on screen: its answer in a sentence, the forest plot with its shortcuts, the folds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from cxrlib.baselines.evaluation import (
    MEAN,
    POOLED,
    Cells,
    Null,
    is_number,
    name_fold,
    name_held_out,
    name_metric,
    write_interval,
)
from cxrlib.baselines.runs import Run, tell_runs
from cxrlib.charts.scores import (
    describe_forest,
    find_chance,
    list_scores,
    make_axis,
    plot_forest,
    read_scores,
)
from cxrlib.cohort import UNKNOWN
from cxrlib.number_text import name_units
from cxrlib.reports import list_series
from ui.baselines.cached import load_entries
from ui.baselines.controls import open_cell
from ui.widgets.choice import choose_one
from ui.widgets.figure import show_figure
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = [
    "choose_metric",
    "show_answer",
    "show_folds",
    "show_forest",
]

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
    "n_guarded": "training images left out by guards",
    "guarded_by": "guards",
    "events_per_parameter": "events per parameter",
    "reason": "why there is no score",
}


def choose_metric(run: Run) -> str:
    """Let the reader choose a score among those that the task has."""
    return choose_one(
        "metric",
        "Score",
        {metric: name_metric(metric) for metric in run.scores["metric"]},
        help="Of the clinical event: death, bacterial, not COVID-19, the ICU, a tube. The paper's "
        "positive class is often the majority, so that its AUPRC is high for a guess.",
    )


def show_answer(run: Run, metric: str) -> None:
    """Answer the page's question in a sentence or two, with what the shortcuts reach beside it."""
    st.markdown(_describe_answer(run, metric))


def _describe_answer(run: Run, metric: str) -> str:
    """Write the answer: our words and numbers only, no text of the cohort."""
    settings, rows = run.spec.settings, run.result.rows
    what = (
        f"**{rows.task.title}** from {name_units(rows.n_images, 'image')} of "
        f"{name_units(rows.n_persons, 'person')}, each {settings.hold_out} held out once, protocol "
        f"*{settings.protocol.name}*: "
    )
    cells = read_scores(run.scores, metric)
    for fold in (MEAN, POOLED):
        cell = cells.get(fold, {})
        if is_number(cell.get("value")):
            return " ".join(
                filter(
                    None,
                    (
                        f"{what}{_tell_score(run, metric, fold, cell)}",
                        _tell_chance(run, metric, fold, cell),
                        _tell_groups(run) if fold == POOLED else "",
                        _tell_shortcut(run, metric, fold),
                        _tell_control(run, metric, fold),
                    ),
                )
            )
    scored = [fold for fold, cell in cells.items() if is_number(cell.get("value"))]
    if scored:
        reason = cells.get(MEAN, {}).get("reason") or ""
        return f"{what}no mean can be given. {reason}"
    return f"{what}**not estimable** in any {settings.hold_out}; the reasons stand below."


def _tell_score(run: Run, metric: str, fold: str, cell: Cells) -> str:
    """Write a score over all groups with the images that it rests on: never all of the task."""
    whole = name_fold(fold, run.spec.settings.hold_out, cell).lower()
    tested = ""
    if is_number(cell.get("n_images")) and is_number(cell.get("n_persons")):
        tested = (
            f" ({name_units(int(cell['n_images']), 'test image')} of "
            f"{name_units(int(cell['n_persons']), 'person')})"
        )
    name = _name_score(run, metric) or name_metric(metric)
    return f"{name} {write_interval(cell)}, {whole}{tested}."


def _tell_chance(run: Run, metric: str, fold: str, cell: Cells) -> str:
    """Say where chance lies to the interval: the reader's first question."""
    chance = find_chance(metric, run.folds, event=run.spec.task.event).get(fold)
    if chance is None:
        chance = make_axis(metric, ()).line
    if chance is None or not is_number(cell.get("low")) or not is_number(cell.get("high")):
        return ""
    level = f"{chance:.2g}"
    if float(cell["low"]) > chance:
        return f"The interval lies above chance ({level})."
    if float(cell["high"]) < chance:
        return f"The interval lies below chance ({level})."
    return f"The interval includes chance ({level}): this cannot be told from guessing."


def _tell_groups(run: Run) -> str:
    """Say how many groups have a score of their own, where there is no mean over them."""
    folds = run.folds[run.folds["fold"] != UNKNOWN]
    n_scored = int(folds["is_scored"].astype(bool).sum())
    groups = name_held_out(len(folds), run.spec.settings.hold_out)
    return f"{n_scored or 'None'} of {groups} can be scored alone: there is no mean over them."


def _tell_shortcut(run: Run, metric: str, fold: str) -> str:
    """Name the shortcut that comes furthest without looking at an image."""
    if run.result.features.kind == "shortcut":
        return "This looks at no image."
    found = {
        result.features.title: read_scores(result.scores, metric).get(fold, {})
        for result in run.shortcuts.values()
    }
    best = _find_best(found, metric)
    return f"Without looking at an image, {best}." if best else ""


def _tell_control(run: Run, metric: str, fold: str) -> str:
    """Name the untrained network that came furthest, where one was run on the same."""
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
    return f"With random weights, {best}." if best else ""


def _find_best(cells: Mapping[str, Cells], metric: str) -> str:
    """Say which of some named scores is best, and what it is; "" where there is none."""
    scored = {title: cell for title, cell in cells.items() if is_number(cell.get("value"))}
    if not scored:
        return ""
    sign = -1 if metric == "mae" else 1
    title, cell = max(scored.items(), key=lambda item: sign * float(item[1]["value"]))
    return f"*{title}* reaches {write_interval(cell)}"


def show_forest(
    run: Run,
    metric: str,
    *,
    null: Null | None,
    printed: Mapping[str, float],
    provenance: Sequence[str],
    stem: str,
) -> None:
    """Show the score in each held-out group beside that of the shortcuts, and of chance."""
    series = list_series(run, null=null, metric=metric, printed=printed)
    hold_out = run.spec.settings.hold_out
    chance = find_chance(metric, run.folds, event=run.spec.task.event)
    draw = partial(
        plot_forest,
        series,
        metric,
        folds=run.folds,
        hold_out=hold_out,
        chance=chance,
        unit=run.spec.task.unit,
        title=_name_score(run, metric),
    )
    if run.scores.loc[run.scores["metric"] == metric, "value"].notna().any():
        # Not in the caption: that goes with the figure to paper.
        show_quiet("A click on a mark opens its test images below.")
    show_figure(
        draw,
        key="forest",
        alt=describe_forest(series, metric, hold_out=hold_out, title=_name_score(run, metric)),
        numbers=lambda: list_scores(series, metric, folds=run.folds, chance=chance),
        caption=_write_caption(run),
        provenance=provenance,
        file_stem=f"{stem}-forest",
        heading=f"{run.spec.task.title}: {name_metric(metric)} by held-out {hold_out}",
        on_select=partial(open_cell, "forest", run.spec),
        selection_mode="points",
    )
    for name, reason in run.refused.items():
        show_quiet(f"Shortcut {name!r} could not be run: {reason}")


def _name_score(run: Run, metric: str) -> str:
    """Name a score; a published one says what it is of, since its name alone would mislead."""
    is_hard = run.spec.settings.protocol.ranking == "class" and run.spec.task.kind == "classes"
    return f"{name_metric(metric)} of the predicted class" if is_hard else ""


def _write_caption(run: Run) -> str:
    settings = run.spec.settings
    what = "scores on predicted classes" if settings.protocol.ranking == "class" else "ranked"
    n_guarded = int(run.folds["n_guarded"].sum())
    cost = f"Guards left out {name_units(n_guarded, 'training image')}, all groups together. "
    return (
        f"Protocol {settings.protocol.name} ({what}); intervals: 95 %, "
        f"{settings.n_resamples:,} resamples of persons, no refit. Shortcuts look at no image and "
        f"stand on the same images. {cost if n_guarded else ''}{tell_runs(run.n_runs)}"
    )


def show_folds(run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show what was held out: training and test rows, classes, guards, events per parameter."""
    shown = run.folds[["fold", *(name for name in FOLD_WORDS if name in run.folds)]]
    shown = shown.loc[:, ~shown.isna().all()]
    with st.expander(f"What was held out, {name_units(len(shown), 'group')}"):
        show_table(
            shown.rename(columns={"fold": run.spec.settings.hold_out, **FOLD_WORDS}),
            key="baseline_folds",
            provenance=provenance,
            file_stem=f"{stem}-folds",
            numbers=run.folds,
        )
        n_parameters = run.result.features.n_parameters
        show_quiet(
            f"{run.result.features.title}: {n_parameters:,} parameters as the paper counts them. "
            "Events: training images of the smaller class."
        )
        for sentence in (*run.spec.settings.protocol.describe(), *run.notes):
            show_text(sentence)
