"""On whom a run's number rests: single persons, sex and age, calibration in the large."""

import functools
from collections.abc import Sequence
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
from cxrlib.number_text import name_units
from ui.images.patient_link import offer_patient
from ui.widgets.chart import show_chart
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_heading, show_quiet

__all__ = ["show_persons"]

MOST_PERSONS = 12  # of the list on screen; what is saved has all


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


def show_persons(run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show on whom the number rests, scores by sex and age, and the calibration in the large."""
    _show_influence(run, provenance, stem)
    _show_subgroups(run, provenance, stem)
    _show_calibration(run, provenance, stem)


def _show_influence(run: Run, provenance: Sequence[str], stem: str) -> None:
    show_heading("Who changes the number most when left out")
    try:
        table = _load_influence(run)
    except SelectionError as error:
        show_alert(str(error))
        return
    top = table.head(MOST_PERSONS)
    score = st.column_config.NumberColumn(format="%.2f")
    chosen = show_table(
        _write_influence(top),
        # Of one run: a line chosen there is another person here.
        key=f"baseline_influence_{run.id}",
        provenance=provenance,
        file_stem=f"{stem}-influence",
        numbers=table,
        selection_mode="single-row",
        on_select="rerun",
        column_config={
            "score": score,
            "without": score,
            "change": st.column_config.NumberColumn(format="%+.3f"),
        },
    )
    show_quiet(
        "Pooled within groups; the models stay as they are. Choose a line to open the patient. "
        f"The first {len(top)} of {name_units(len(table), 'person')}."
    )
    places = chosen["selection"]["rows"]
    if places and places[0] < len(top):
        _offer_person(run, str(top["person_id"].iloc[places[0]]))


def _write_influence(table: pd.DataFrame) -> pd.DataFrame:
    """Write what each person changes; why there is no change only where that is so."""
    shown = pd.DataFrame(
        {
            "person": table["person_id"],
            "held out": table["fold"],
            "images": table["n_images"],
            "score": table["score"].astype(float),
            "without": table["without"].astype(float),
            "change": table["change"].astype(float),
            "why": table["reason"],
        }
    )
    return shown if (shown["why"] != "").any() else shown.drop(columns="why")


def _offer_person(run: Run, person_id: str) -> None:
    """Offer the patient of that image of a person that is furthest off."""
    ids = rank_images(run.result)["image_id"]
    is_theirs = run.predictions["person_id"].astype(str) == person_id
    theirs = ids[ids.isin(run.predictions.loc[is_theirs, "image_id"])]
    if len(theirs):
        offer_patient(str(theirs.iloc[0]))


def _show_subgroups(run: Run, provenance: Sequence[str], stem: str) -> None:
    table = _load_subgroups(run)
    show_chart(
        partial(plot_subgroups, table),
        key="subgroups",
        alt=describe_subgroups(table),
        heading="By sex and age",
        caption="Only pairs of one held-out group are compared; 95 % intervals over persons.",
        numbers=table,
        provenance=provenance,
        stem=stem,
    )


def _show_calibration(run: Run, provenance: Sequence[str], stem: str) -> None:
    try:
        table = _load_calibration(run)
    except SelectionError as error:
        show_heading("Calibration in the large")
        show_quiet(str(error))
        return
    settings = run.spec.settings
    unit = (run.spec.task.unit or "as recorded") if run.spec.task.kind == "number" else ""
    show_chart(
        partial(plot_calibration, table, hold_out=settings.hold_out, unit=unit),
        key="calibration",
        alt=describe_calibration(table, hold_out=settings.hold_out, unit=unit),
        heading="Calibration in the large",
        caption="Mean prediction less what is recorded, 95 % intervals over persons. How common an "
        "outcome is here is a matter of who published: a model is off wherever that differs.",
        numbers=table,
        provenance=provenance,
        stem=stem,
    )
