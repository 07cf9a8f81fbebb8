"""The patients a score depends on, the score by sex and age, and its calibration."""

import functools
from functools import partial

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import (
    check_calibration,
    find_influence,
    rank_images,
    score_subgroups,
)
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import (
    describe_calibration,
    describe_subgroups,
    plot_calibration,
    plot_subgroups,
)
from cxrlib.errors import SelectionError
from ui.baselines.run_view import RunView, show_details
from ui.images.patient_link import offer_patient
from ui.widgets.chart import show_chart
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_heading, show_quiet

__all__ = ["show_influence"]

MOST_PERSONS = 12  # of the list on screen; what is saved has all
CALIBRATION = "Calibration in the large"


@functools.lru_cache(maxsize=32)
def _load_influence(run: Run) -> pd.DataFrame:
    """Find once how each person moves the pooled score."""
    return find_influence(run.result)


@functools.lru_cache(maxsize=32)
def _load_subgroups(run: Run) -> pd.DataFrame:
    """Score the subgroups of a run once."""
    return score_subgroups(run.result)


@functools.lru_cache(maxsize=32)
def _load_calibration(run: Run) -> pd.DataFrame:
    """Check the calibration of a run once."""
    return check_calibration(run.result)


def show_influence(view: RunView) -> None:
    """Show whom the score depends on, scores by sex and age, and the calibration in the large."""
    _show_influence(view)
    _show_subgroups(view)
    _show_calibration(view)


def _show_influence(view: RunView) -> None:
    show_heading("Persons with the most influence on the score")
    try:
        table = _load_influence(view.run)
    except SelectionError as error:
        show_alert(str(error))
        return
    top = table.head(MOST_PERSONS)
    score = st.column_config.NumberColumn(format="%.2f")
    chosen = show_table(
        _lay_out_influence(top),
        # Of one run: a line chosen there is another person here.
        key=f"baseline_influence_{view.run.id}",
        numbers=table,
        selection_mode="single-row",
        on_select="rerun",
        column_config={
            "score": score,
            "score without": score,
            "change": st.column_config.NumberColumn(format="%+.3f"),
        },
        **view.saved_as("influence"),
    )
    show_quiet(
        f"Pooled score without each person: the {len(top)} largest changes of {len(table):,} "
        "persons. Select a row to open the patient."
    )
    show_details(
        "Pairs are compared within a held-out group. The models are not fitted again.",
        "A person is one patient, or several patient ids that share an image.",
    )
    places = chosen["selection"]["rows"]
    if places and places[0] < len(top):
        _offer_person(view.run, str(top["person_id"].iloc[places[0]]))


def _lay_out_influence(table: pd.DataFrame) -> pd.DataFrame:
    """Lay out what each person changes; why there is no change only where that is so."""
    columns = {
        "person_id": "person",
        "fold": "held out",
        "n_images": "images",
        "score": "score",
        "without": "score without",
        "change": "change",
        "reason": "reason",
    }
    kinds = dict.fromkeys(("score", "without", "change"), float)
    shown = table[list(columns)].astype(kinds).rename(columns=columns)
    return shown if (shown["reason"] != "").any() else shown.drop(columns="reason")


def _offer_person(run: Run, person_id: str) -> None:
    """Offer the patient of that image of a person that has the largest error."""
    ids = rank_images(run.result)["image_id"]
    is_theirs = run.predictions["person_id"].astype(str) == person_id
    theirs = ids[ids.isin(run.predictions.loc[is_theirs, "image_id"])]
    if len(theirs):
        offer_patient(str(theirs.iloc[0]))


def _show_subgroups(view: RunView) -> None:
    table = _load_subgroups(view.run)
    show_chart(
        partial(plot_subgroups, table),
        key="subgroups",
        alt=describe_subgroups(table),
        heading="By sex and age",
        caption=f"Pairs within one {view.hold_out} and one group only. 95 % intervals, bootstrap "
        "over patients.",
        numbers=table,
        provenance=view.provenance,
        stem=view.stem,
    )


def _show_calibration(view: RunView) -> None:
    try:
        table = _load_calibration(view.run)
    except SelectionError as error:
        show_heading(CALIBRATION)
        show_quiet(str(error))
        return
    task = view.run.spec.task
    unit = (task.unit or "as recorded") if task.kind == "number" else ""
    show_chart(
        partial(plot_calibration, table, hold_out=view.hold_out, unit=unit),
        key="calibration",
        alt=describe_calibration(table, hold_out=view.hold_out, unit=unit),
        heading=CALIBRATION,
        caption="Mean prediction minus what was recorded. 95 % intervals, bootstrap over patients.",
        numbers=table,
        provenance=view.provenance,
        stem=view.stem,
    )
    show_details(
        f"How common an outcome is in a {view.hold_out} depends on which cases were published "
        "there, and a model is miscalibrated wherever that differs from its training images."
    )
