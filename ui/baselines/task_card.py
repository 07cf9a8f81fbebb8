"""A task on screen: its card, and the steps from the cohort to the images it uses."""

import functools
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.baselines.features import find_leaks
from cxrlib.baselines.tasks import Card, TaskRows, compare_labelled, count_classes, make_card
from cxrlib.charts.cohort import describe_differences, plot_differences
from cxrlib.errors import SelectionError
from cxrlib.number_text import NOTHING, format_tenths, format_units
from cxrlib.reports import csv_with_header
from ui.widgets.details import show_details
from ui.widgets.figure import show_figure
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_heading, show_quiet, show_text

__all__ = ["show_leaks", "show_question", "show_task"]

GROUPINGS = ("region", "sub-region", "country", "source", "view", "sex")
CLASS_WORDS = {
    "n_images": "images",
    "n_persons": "persons",
    "n_positive": "positive images",
    "n_negative": "negative images",
    "n_positive_persons": "positive persons",
    "n_negative_persons": "negative persons",
}
NUMBER_COLUMNS = ("mean", "sd", "lowest", "highest")
PERSONS = "Patient ids that share an image count as one person"
LABELLED = "Labelled and unlabelled images compared"
#: How the flow shows the steps whose names in files are older than the words on screen.
STEP_LABELS = {
    "X-ray": "X-rays",
    "usable finding": "with a diagnosis",
    "window": "days included",
    "no tube": "not intubated",
    "not in the ICU": "not in ICU",
}
STYLE = Path(__file__).with_name("baselines.css")
CARD_TITLES = {
    "question": "Clinical question",
    "population": "Population",
    "moment": "Moment of prediction",
    "outcome": "Outcome",
    "horizon": "Horizon",
    "motivation": "Why it matters",
}


def show_question(rows: TaskRows, place: DeltaGenerator) -> None:
    """Show the question, and how many images and persons it can be asked of."""
    st.html(STYLE)
    count = f"{format_units(rows.n_images, 'image')} of {format_units(rows.n_persons, 'person')}"
    with place:
        show_text(f"{rows.task.title}, {count}.", lead=make_card(rows.task).question)


_find_leaks = functools.lru_cache(maxsize=32)(find_leaks)


def show_leaks(rows: TaskRows) -> None:
    """Warn of columns of the record that give the label away without any image."""
    leaks = _find_leaks(rows)
    if not leaks:
        return
    show_alert(leaks[0].describe())
    show_details("", (leak.describe() for leak in leaks[1:]))


def show_task(rows: TaskRows, *, provenance: Sequence[str], stem: str) -> None:
    """Show a task's card, its classes by group, and labelled beside unlabelled images.

    Parameters
    ----------
    rows : TaskRows
    provenance : sequence of str
        `cxrlib.reports.list_provenance`, with the filters.
    stem : str
        Of the files' names.
    """
    st.html(_format_flow(rows.flow))
    st.html(_format_card(make_card(rows.task)))
    flow = Saving(
        "Save the flow (CSV)",
        f"{stem}-flow.csv",
        "text/csv",
        lambda: csv_with_header(rows.flow, provenance),
    )
    offer_saving(flow, key="baseline_flow_save")
    show_heading("Classes by group" if rows.task.kind == "classes" else "Numbers by group")
    by = st.segmented_control(
        "Group",
        GROUPINGS,
        default=GROUPINGS[0],
        required=True,
        key="baseline_classes_by",
        label_visibility="collapsed",
    )
    table = count_classes(rows, str(by))
    shown = table.rename(columns={"group": str(by), **CLASS_WORDS})
    for name in NUMBER_COLUMNS:
        if name in shown:
            shown[name] = [NOTHING if pd.isna(v) else format_tenths(v) for v in shown[name]]
    show_table(
        shown,
        key="baseline_classes",
        provenance=provenance,
        file_stem=f"{stem}-classes",
        numbers=table,
    )
    _show_labelled(rows, provenance, f"{stem}-labelled")


_compare_labelled = functools.lru_cache(maxsize=32)(compare_labelled)


def _show_labelled(rows: TaskRows, provenance: Sequence[str], stem: str) -> None:
    """Compare labelled with unlabelled images, among the X-rays of these views and days."""
    show_heading(LABELLED)
    try:
        compared = _compare_labelled(rows.cohort, rows.task)
    except SelectionError as error:
        show_quiet(str(error))
        return
    show_figure(
        partial(plot_differences, compared),
        key="labelled",
        alt=describe_differences(compared),
        numbers=compared.table,
        caption=f"{compared.first.capitalize()} "
        f"({format_units(compared.n_first, compared.unit)}) minus {compared.second} "
        f"({format_units(compared.n_second, compared.unit)}), same views "
        "and days. 95 % intervals, bootstrap over patients.",
        provenance=provenance,
        file_stem=stem,
        heading=LABELLED,
    )
    show_details("", compared.notes)


def _format_card(card: Card) -> str:
    items = "".join(
        f"<div><dt>{escape(title)}</dt><dd>{escape(str(getattr(card, name)))}</dd></div>"
        for name, title in CARD_TITLES.items()
        if getattr(card, name)
    )
    caveats = "".join(f"<li>{escape(caveat)}</li>" for caveat in card.caveats)
    know = f"<div class='cxr-card-know'><h4>Before you interpret this</h4><ul>{caveats}</ul></div>"
    return f"<section class='cxr-card'><dl>{items}</dl>{know if caveats else ''}</section>"


def _format_flow(flow: pd.DataFrame) -> str:
    """Format a flow as a list that runs from left to right, and down where there is no room."""
    steps = []
    for step in flow.to_dict("records"):
        gone = int(step["n_removed_images"])
        out = (
            f"<span class='cxr-out' title='{escape(str(step['reasons']), quote=True)}'>"
            f"− {gone:,}</span>"
            if gone
            else ""
        )
        name = STEP_LABELS.get(str(step["step"]), str(step["step"]))
        steps.append(
            f"<li>{out}<span class='cxr-step'>{escape(name)}</span>"
            f"<strong>{format_units(int(step['n_images']), 'image')}</strong>"
            f"<span>{format_units(int(step['n_patients']), 'patient')}</span>"
            f"<span title='{PERSONS}'>{format_units(int(step['n_persons']), 'person')}</span></li>"
        )
    label = "aria-label='Images left after each condition'"
    return f"<ol class='cxr-flow' {label}>{''.join(steps)}</ol>"
