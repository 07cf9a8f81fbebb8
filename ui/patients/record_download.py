"""The part of the patients page that saves: the record as CSV and JSON, the images as ZIP."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.errors import CxrError
from cxrlib.literature import METADATA_LICENCE, describe_licences
from cxrlib.number_text import NOTHING
from cxrlib.quality import find_flags
from cxrlib.reports import TITLES, pack_images, plan_pack, record_csv, record_json, record_table
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet

__all__ = ["put_in_words", "show_record"]

FIRST = ("offset", "view", "state")


def show_record(
    cohort: Cohort, rows: pd.DataFrame, *, provenance: Sequence[str], stem: str
) -> None:
    """Show all that is recorded of a patient, a row an image, and offer it as files.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        The patient's X-rays.
    provenance : sequence of str
    stem : str
        Of the files' names.
    """
    licences = describe_licences(rows, is_synthetic=cohort.is_synthetic)
    if not cohort.is_synthetic:
        licences.append(METADATA_LICENCE)
    patient_id, ledger = str(rows["patient_id"].iloc[0]), find_flags(cohort)
    table = record_table(cohort, patient_id, ledger)
    shown = put_in_words(table)
    show_table(
        shown,
        key="record",
        provenance=[*provenance, f"Patient: {patient_id}", *licences],
        file_stem=f"{stem}-record",
        label="Save what is shown as CSV",
    )
    n_blank = len(table.columns) - len(shown.columns)
    if n_blank:
        show_quiet(f"{n_blank} columns hold nothing for this patient; the files have them.")
    for line in licences:
        show_quiet(line)
    if refusal := plan_pack(cohort, rows).refusal:
        show_quiet(refusal)
    with st.container(horizontal=True):
        for saving in _list_savings(cohort, rows, patient_id, stem):
            offer_saving(saving, key=f"save_{saving.file.rsplit('.', 1)[-1]}", type="secondary")


def put_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Put a record into words: titles with units, whole years, a dash where nothing is recorded.

    Parameters
    ----------
    table : DataFrame
        Of `cxrlib.reports.record_table`.

    Returns
    -------
    DataFrame
        Text. What tells images apart stands first; columns in which nothing is recorded are not
        there.
    """
    order = [*FIRST, *(name for name in table.columns if name not in FIRST)]
    written = {
        TITLES[name]: [_write_cell(cell, name) for cell in table[name].tolist()] for name in order
    }
    told = {name: cells for name, cells in written.items() if set(cells) != {NOTHING}}
    return pd.DataFrame(told, dtype="str")


def _write_cell(cell: object, column: str) -> str:
    if pd.isna(cell) or cell in ("", "not recorded"):  # type: ignore[call-overload]
        return NOTHING
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return (f"{cell:.0f}" if column == "age" else f"{cell:g}").replace("-", "−")
    return str(cell)


def _list_savings(cohort: Cohort, rows: pd.DataFrame, patient_id: str, stem: str) -> list[Saving]:
    """List what a record can be saved as; the files are made when they are asked for."""
    ledger = find_flags(cohort)
    return [
        Saving(
            "Record (CSV)",
            f"{stem}.csv",
            "text/csv",
            lambda: record_csv(cohort, patient_id, ledger),
        ),
        Saving(
            "Record (JSON)",
            f"{stem}.json",
            "application/json",
            lambda: record_json(cohort, patient_id, ledger),
        ),
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
    label = f"Images as published (ZIP): {plan.n_allowed} of {plan.n_images}, {size}"
    return [Saving(label, f"{stem}.zip", "application/zip", pack)]
