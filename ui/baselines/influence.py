"""The patients a score depends on, the score by sex and age, and its calibration."""

import functools

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import rank_images
from cxrlib.baselines.runs import Run
from cxrlib.errors import SelectionError
from cxrlib.reports import (
    ReportPart,
    make_calibration_part,
    make_influence_part,
    make_subgroups_part,
)
from ui.baselines.run_view import RunView, show_part
from ui.images.patient_link import offer_patient
from ui.widgets.details import show_details
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_heading, show_quiet

__all__ = ["show_influence"]

# More than a report shows: this table scrolls.
_load_influence = functools.lru_cache(maxsize=32)(functools.partial(make_influence_part, most=12))
_load_subgroups = functools.lru_cache(maxsize=32)(make_subgroups_part)
_load_calibration = functools.lru_cache(maxsize=32)(make_calibration_part)

COLUMNS = {
    "person_id": "person",
    "fold": "held out",
    "n_images": "images",
    "score": "score",
    "without": "score without",
    "change": "change",
    "reason": "reason",
}


def show_influence(view: RunView) -> None:
    """Show whom the score depends on, scores by sex and age, and the calibration in the large."""
    try:
        _show_persons(view, _load_influence(view.run))
    except SelectionError as error:
        show_alert(str(error))
    show_part(view, _load_subgroups(view.run))
    try:
        calibration = _load_calibration(view.run)
    except SelectionError as error:
        show_quiet(f"Calibration cannot be checked: {error}")
    else:
        show_part(view, calibration)


def _show_persons(view: RunView, part: ReportPart) -> None:
    show_heading(part.title)
    top = part.table if part.shown is None else part.shown
    score = st.column_config.NumberColumn(format="%.2f")
    change = st.column_config.NumberColumn(format="%+.3f")
    chosen = show_table(
        _lay_out(top),
        # Of one run: a line chosen there is another person here.
        key=f"baseline_influence_{view.run.id}",
        numbers=part.table,
        selection_mode="single-row",
        on_select="rerun",
        column_config={"score": score, "score without": score, "change": change},
        **view.saved_as(part.name),
    )
    caption, details = part.words
    show_details(f"{caption} Select a row to open the patient.", [details])
    places = chosen["selection"]["rows"]
    if places and places[0] < len(top):
        _offer_person(view.run, str(top["person_id"].iloc[places[0]]))


def _lay_out(table: pd.DataFrame) -> pd.DataFrame:
    """Lay out what each person changes; why there is no change only where that is so."""
    kinds = dict.fromkeys(("score", "without", "change"), float)
    shown = table[list(COLUMNS)].astype(kinds).rename(columns=COLUMNS)
    return shown if (shown["reason"] != "").any() else shown.drop(columns="reason")


def _offer_person(run: Run, person_id: str) -> None:
    """Offer the patient of that image of a person that has the largest error."""
    ids = rank_images(run.result)["image_id"]
    is_theirs = run.predictions["person_id"].astype(str) == person_id
    theirs = ids[ids.isin(run.predictions.loc[is_theirs, "image_id"])]
    if len(theirs):
        offer_patient(str(theirs.iloc[0]))
