"""The part of the patients page with the record, and with files of it: CSV, JSON, images as ZIP."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cxrlib.cohort import STATE_TITLES, Cohort
from cxrlib.errors import CxrError
from cxrlib.literature import METADATA_LICENCE, describe_licences
from cxrlib.number_text import NOTHING
from cxrlib.quality import Ledger, find_flags
from cxrlib.reports import TITLES, pack_images, plan_pack, record_csv, record_json, record_table
from ui.widgets.origin import Origin
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet

__all__ = ["format_cells", "show_record"]

FIRST = ("offset", "view", "state")


def show_record(cohort: Cohort, rows: pd.DataFrame, origin: Origin) -> None:
    """Show all that is recorded of a patient, one row per image, and offer it as files.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        The patient's X-rays.
    origin : Origin
    """
    licences = describe_licences(rows, is_synthetic=cohort.is_synthetic)
    if not cohort.is_synthetic:
        licences.append(METADATA_LICENCE)
    patient_id, ledger = str(rows["patient_id"].iloc[0]), find_flags(cohort)
    table = record_table(cohort, patient_id, ledger)
    shown = format_cells(table)
    show_table(
        shown,
        key="record",
        **origin.saved_as("record", f"Patient: {patient_id}", *licences),
        label="Save this table (CSV)",
    )
    n_blank = len(table.columns) - len(shown.columns)
    if n_blank:
        show_quiet(f"{n_blank} empty columns are hidden here; the files include them.")
    for line in licences:
        show_quiet(line)
    if refusal := plan_pack(cohort, rows).refusal:
        show_quiet(refusal)
    with st.container(horizontal=True):
        for saving in _list_savings(cohort, rows, patient_id, ledger, origin.stem):
            offer_saving(saving, key=f"save_{saving.file.rsplit('.', 1)[-1]}", type="secondary")


def format_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Format a record: titles with units, whole years, a dash where nothing is recorded.

    Parameters
    ----------
    table : DataFrame
        Of `cxrlib.reports.record_table`.

    Returns
    -------
    DataFrame
        Text. What tells images apart comes first; columns in which nothing is recorded are left
        out. States are in clinical words.
    """
    table = table.assign(state=table["state"].map(STATE_TITLES))
    order = [*FIRST, *(name for name in table.columns if name not in FIRST)]
    written = {
        TITLES[name]: [_format_cell(cell, name) for cell in table[name].tolist()] for name in order
    }
    told = {name: cells for name, cells in written.items() if set(cells) != {NOTHING}}
    return pd.DataFrame(told, dtype="str")


def _format_cell(cell: object, column: str) -> str:
    if pd.isna(cell) or cell in ("", "not recorded"):  # type: ignore[call-overload]
        return NOTHING
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return (f"{cell:.0f}" if column == "age" else f"{cell:g}").replace("-", "−")
    return str(cell)


def _list_savings(
    cohort: Cohort, rows: pd.DataFrame, patient_id: str, ledger: Ledger, stem: str
) -> list[Saving]:
    """List what a record can be saved as; the files are made when they are asked for."""
    make_csv = partial(record_csv, cohort, patient_id, ledger)
    make_json = partial(record_json, cohort, patient_id, ledger)
    return [
        Saving("Save record (CSV)", f"{stem}.csv", "text/csv", make_csv),
        Saving("Save record (JSON)", f"{stem}.json", "application/json", make_json),
        *_offer_images(cohort, rows, stem),
    ]


def _offer_images(cohort: Cohort, rows: pd.DataFrame, stem: str) -> list[Saving]:
    """Offer the unmodified files whose licence lets them go out; none where none may."""
    plan = plan_pack(cohort, rows)
    if plan.refusal:
        return []

    def pack() -> bytes:
        try:
            return pack_images(cohort, rows, title=f"Patient {rows['patient_id'].iloc[0]}").data
        except CxrError as error:  # a download has no other place for words
            return str(error).encode()

    size = f"{plan.n_bytes / 2**20:.1f} MiB"
    label = f"Save images as published (ZIP): {plan.n_allowed} of {plan.n_images}, {size}"
    return [Saving(label, f"{stem}.zip", "application/zip", pack)]
