"""Figures of a run: curves, calibration, a threshold and what it misses, benefit, refits."""

import functools
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import (
    POOLED,
    Cells,
    CurveKind,
    Refit,
    format_held_out,
    format_score,
    is_number,
    list_mistakes,
    load_refit,
    read_event_predictions,
    read_reason,
)
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.reports import (
    ReportPart,
    make_benefit_part,
    make_confusion_part,
    make_curve_part,
    make_refit_part,
    make_reliability_part,
)
from cxrlib.storage import Store
from ui.baselines.controls import ALL_GROUPS
from ui.baselines.predicted_images import show_image_list
from ui.baselines.run_button import NO_PIXELS, make_request
from ui.baselines.run_view import RunView, show_part
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.choice import choose_number, choose_one
from ui.widgets.details import show_reasons
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = ["FIGURES", "show_figures"]

_CURVES: dict[str, tuple[CurveKind, str]] = {
    "ROC": ("roc", "AUROC"),
    "precision-recall": ("precision-recall", "average precision"),
}
_REFITS: dict[str, Refit] = {"learning curve": "learning-curve", "importance": "importance"}
FIGURES = {
    "classes": (*_CURVES, "calibration", "threshold", "net benefit", *_REFITS),
    "number": ("predicted and observed", *_REFITS),
}
"""Figures by the kind of task."""

TOGETHER = "all together"
_CELLS = {"found": "found", "missed": "missed", "false_alarms": "false alarms", "passed": "passed"}
_WORDS: dict[Refit, tuple[str, str]] = {
    "learning-curve": (
        "Would more persons help? Models are trained on a share of the training persons, ten "
        "times each, and predict the same test images.",
        "Compute the learning curve",
    ),
    "importance": (
        "What does the model go by? Linear models show their coefficients, others what the score "
        "loses when a feature is permuted. Models are fitted again on resampled persons.",
        "Compute what the model goes by",
    ),
}

_load_curve = functools.lru_cache(maxsize=32)(make_curve_part)
_load_reliability = functools.lru_cache(maxsize=32)(make_reliability_part)
_load_benefit = functools.lru_cache(maxsize=32)(make_benefit_part)


def show_figures(view: RunView) -> None:
    """Show the figure that is chosen; only that is computed."""
    kind = view.run.spec.task.kind
    known = [figure for figures in FIGURES.values() for figure in figures]
    figure = choose_one("figure", "Figure", FIGURES[kind], known=known)
    try:
        if figure in _CURVES:
            curve, area = _CURVES[figure]
            within = f"within {format_held_out(None, view.hold_out)}"
            _show_with_numbers(view, _load_curve(view.run, curve), (area,), within)
        elif figure == "threshold":
            _show_threshold(view)
        elif figure == "net benefit":
            _show_benefit(view)
        elif figure in _REFITS:
            _show_refit(view, _REFITS[figure])
        else:
            _show_with_numbers(view, _load_reliability(view.run), ("slope", "intercept"))
    except SelectionError as error:
        show_alert(str(error))


def _show_with_numbers(
    view: RunView, part: ReportPart, columns: Sequence[str], pooled: str = TOGETHER
) -> None:
    """Show a figure with the numbers of its groups beside it."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_part(view, part)
    numbers = part.table if part.shown is None else part.shown
    rows = [
        {
            **_name_row(row, pooled),
            **{name.replace("_", " "): _format_cell(row, name) for name in columns},
            "images": row["n_images"],
            "persons": row["n_persons"],
        }
        for row in numbers.to_dict("records")
    ]
    reasons = [
        (next(iter(_name_row(row, pooled).values())), why)
        for row in numbers.to_dict("records")
        if (why := read_reason(row))
    ]
    with right:
        show_table(
            pd.DataFrame(rows),
            key=f"baseline_{part.name}",
            numbers=numbers,
            **view.saved_as(f"{part.name}-groups"),
        )
        show_reasons(f"Not estimable: {len(reasons)} of {format_units(len(rows), 'row')}", reasons)


def _name_row(row: Cells, pooled: str) -> dict[str, str]:
    if is_number(row.get("threshold")):
        return {"threshold": format_score(row["threshold"])}
    fold = str(row["fold"])
    return {"held out": pooled if fold == POOLED else fold}


def _format_cell(row: Cells, name: str) -> str:
    """Write a number of a table with its interval, whichever way its ends are called."""
    if not is_number(row.get(name)):
        return "not estimable"
    ends = (row.get(f"{name}_low", row.get("low")), row.get(f"{name}_high", row.get("high")))
    if name.startswith("treat") or not all(map(is_number, ends)):
        return format_score(row[name])
    return f"{format_score(row[name])} ({' to '.join(map(format_score, ends))})"


def _show_threshold(view: RunView) -> None:
    """Show what a threshold finds and misses, and the images it gets wrong."""
    run = view.run
    predicted = read_event_predictions(run.result)
    threshold = choose_number(
        "threshold",
        f"Call an image {predicted.name!r} above a predicted probability of",
        (0.0, 1.0),
        0.5,
        is_slider=True,
        step=0.01,
    )
    part = make_confusion_part(run, threshold)
    show_part(view, part)
    _show_cells(view, part)
    words = {"missed": f"{predicted.name}, not found", "false_alarms": "False alarms"}
    left, right = st.columns(2)
    with left:
        cell = choose_one("wrong", "Images that are wrong", words)
    with right:
        folds = [ALL_GROUPS, *run.folds["fold"]]
        fold = choose_one("fold", "Test images of", folds, is_menu=True, width=340)
    table = list_mistakes(run.result, threshold, cell, None if fold == ALL_GROUPS else fold)
    if table.empty:
        show_text(f"No image of {fold} at this threshold.")
        return
    persons = run.predictions.set_index("image_id")["person_id"]
    n_persons = persons.loc[table["image_id"]].nunique()
    caption = (
        f"{format_units(len(table), 'image')} of {format_units(n_persons, 'person')}, the farthest "
        f"from the threshold first. Select a row to see the image."
    )
    details = f"“Predicted” is the model's uncalibrated probability of {predicted.name!r}."
    show_image_list(view, table, name=cell.replace("_", "-"), caption=caption, details=details)


def _show_cells(view: RunView, part: ReportPart) -> None:
    """Show the table of what is found and missed, in images and in persons."""
    rows = [
        {
            **_name_row({**row, "threshold": None}, TOGETHER),
            **{
                title: f"{format_units(row[name], 'image')}, "
                f"{format_units(row[f'{name}_persons'], 'person')}"
                for name, title in _CELLS.items()
            },
        }
        for row in part.table.to_dict("records")
    ]
    show_table(
        pd.DataFrame(rows),
        key="baseline_confusion",
        numbers=part.table,
        **view.saved_as("confusion"),
    )


def _show_benefit(view: RunView) -> None:
    """Show the net benefit of all test images, or of a held-out group."""
    folds = {POOLED: ALL_GROUPS, **{name: name for name in view.run.folds["fold"]}}
    labels = {label: fold for fold, label in folds.items()}
    label = choose_one("fold", "Test images of", list(labels), is_menu=True, width=340)
    part = _load_benefit(view.run, labels[label])
    _show_with_numbers(view, part, ("model", "treat_all"))


def _show_refit(view: RunView, of: Refit) -> None:
    """Show a learning curve or importances, or offer the job that computes them."""
    run = view.run
    if run.result.features.kind == "pixels":
        show_quiet(NO_PIXELS)
        return
    table = load_refit(run.result, of, Store(find_cache()))
    if table is None:
        intro, button = _WORDS[of]
        show_text(intro)
        offer_job(
            make_request("refit", view.entry, run.spec, of=of),
            label=f"{button}: {run.spec.task.title}, {run.spec.features}",
            button=button,
        )
        return
    part = make_refit_part(run, of, table)
    if of == "learning-curve":  # the answer first
        caption, answer, details = part.words
        show_text(answer)
        part = replace(part, words=(caption, details))
    show_part(view, part)
