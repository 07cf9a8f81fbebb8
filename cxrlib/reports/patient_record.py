"""The record of one patient as a file: a table or JSON, with flags, licences and provenance."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from cxrlib import NOTICE
from cxrlib.cohort import Cohort, refuse_patient
from cxrlib.literature import METADATA_LICENCE, credit, describe_licences, licence_of, shorten
from cxrlib.number_text import format_units
from cxrlib.patients import MEASURES, UNDATED, describe_doubt, find_clock
from cxrlib.quality import Ledger, find_flags
from cxrlib.reports.provenance import csv_with_header, list_provenance
from cxrlib.summary import RECORDED_COLUMNS

FACTS = (*UNDATED, "country", "region")
"""What is recorded of a patient without a day; it is in the row of each image."""

TITLES = {
    **RECORDED_COLUMNS,
    **{limits.column: f"{RECORDED_COLUMNS[limits.column]}, {limits.unit}" for limits in MEASURES},
    "age": "Age, years",
    "pO2_saturation": f"{RECORDED_COLUMNS['pO2_saturation']}, % or mmHg",
    "image_id": "Image",
    "row": "Row in the metadata",
    "patient_id": "Patient",
    "person_id": "Person",
    "finding_type": "Type of finding",
    "finding_genus": "Genus of finding",
    "usable_finding": "Usable finding",
    "modality": "Modality",
    "is_xray": "X-ray",
    "country": "Country",
    "sub_region": "Sub-region",
    "region": "Region",
    "filename": "File",
    "file_status": "File status",
    "file_reason": "Why the file cannot be read",
    "sha256": "SHA-256 of the file",
    "width": "Width, pixels",
    "height": "Height, pixels",
    "source": "Source",
    "url": "Web address",
    "license": "Licence as recorded",
    "other_notes": "Other notes",
    "geographic_mean": "Geographic extent, 0-8",
    "opacity_mean": "Opacity, 0-6",
    "has_lung_box": "Has lung boxes",
    "has_lung_mask": "Has a lung mask",
    "is_last_image": "Last image",
    "state": "State",
    "state_reasons": "Reasons for the state",
    "state_overlap": "Reasons for both states recorded",
    "same_person_as": "Same person as patient",
    "flags": "Flags",
    "licence": "Licence as read",
    "passing_on": "May be passed on",
    "credit": "Credit",
}
"""Every column of a record in words, numbers with their unit."""


def find_images(cohort: Cohort, patient_id: str) -> pd.DataFrame:
    """Return the rows of a patient's X-rays by day, those without a day last.

    Raises
    ------
    SelectionError
        If the cohort has no X-ray of such a patient.
    """
    table = cohort.table
    rows = table[table["is_xray"] & (table["patient_id"] == patient_id)]
    if rows.empty:
        known = table.loc[table["is_xray"], "patient_id"].dropna()
        raise refuse_patient(patient_id, known, of=f"cohort {cohort.name!r} with an X-ray")
    return rows.sort_values(["offset", "row"], kind="stable", na_position="last")


def list_same_person(cohort: Cohort, patient_id: str) -> list[str]:
    """List other patient ids that belong to the same person, found by near-identical images."""
    xrays = cohort.table[cohort.table["is_xray"]]
    persons = xrays.loc[xrays["patient_id"] == patient_id, "person_id"].dropna()
    others = xrays.loc[xrays["person_id"].isin(persons), "patient_id"]
    return [name for name in others.unique().tolist() if name != patient_id]


def record_table(cohort: Cohort, patient_id: str, ledger: Ledger | None = None) -> pd.DataFrame:
    """Tabulate all that is recorded of a patient's X-rays.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort: a record is not cut by filters.
    patient_id : str
    ledger : Ledger, optional
        The cohort's flags; found unless given.

    Returns
    -------
    DataFrame
        A row an image by day, with the columns of the cohort's table and same_person_as (other
        ids of the same person) and flags (rules that flag the image), parted by "; ", licence (as
        read), passing_on (what may be passed on: everything but the image itself may), credit.

    Raises
    ------
    SelectionError
        If the cohort has no X-ray of such a patient.
    """
    rows = find_images(cohort, patient_id)
    flags = _flags_of(cohort, rows, ledger)
    origins = _rows(rows[["filename", "article", "source", "license"]])
    licences = [licence_of(row, is_synthetic=cohort.is_synthetic) for row in origins]
    by_image = flags.drop_duplicates(["image_id", "rule"]).groupby("image_id")["rule"]
    names = by_image.agg("; ".join)
    added = pd.DataFrame(
        {
            "same_person_as": "; ".join(list_same_person(cohort, patient_id)),
            "flags": rows["image_id"].map(names).fillna(""),
            "licence": [licence.name for licence in licences],
            "passing_on": [licence.passing_on for licence in licences],
            "credit": [credit(row, is_synthetic=cohort.is_synthetic) for row in origins],
        },
        index=rows.index,
    )
    return rows.join(added).reset_index(drop=True)


def record_csv(cohort: Cohort, patient_id: str, ledger: Ledger | None = None) -> bytes:
    """Encode `record_table` as CSV, under lines on its source and what its flags mean.

    Raises
    ------
    SelectionError
        If the cohort has no X-ray of such a patient.
    """
    table = record_table(cohort, patient_id, ledger)
    flags = _flags_of(cohort, table, ledger).drop_duplicates("rule")
    lines = _origin(cohort, table, patient_id)
    columns = flags[["rule", "severity", "meaning"]].itertuples(index=False, name=None)
    lines += [f"Flag {rule!r} ({severity}): {meaning}" for rule, severity, meaning in columns]
    return csv_with_header(table, lines)


def record_json(cohort: Cohort, patient_id: str, ledger: Ledger | None = None) -> bytes:
    """Encode a patient's record as JSON.

    Returns
    -------
    bytes
        notice, provenance, cohort, patient (its other ids, undated facts with each value that is
        recorded), images (all columns, flags, licence, credit), laboratory (each value with its
        unit and what is odd about it), rules (what the flags mean), licences (lines). What is not
        recorded is null. Markup in notes is written as escapes: it takes effect nowhere.

    Raises
    ------
    SelectionError
        If the cohort has no X-ray of such a patient.
    """
    rows = find_images(cohort, patient_id)
    flags = _flags_of(cohort, rows, ledger)
    answer = {
        "notice": NOTICE,
        "provenance": _origin(cohort, rows, patient_id)[1:],
        "cohort": {
            "name": cohort.name,
            "fingerprint": cohort.fingerprint,
            "is_synthetic": cohort.is_synthetic,
        },
        "patient": _describe_patient(cohort, rows, patient_id),
        "images": [_describe_image(cohort, row, flags) for row in _rows(rows)],
        "laboratory": _list_laboratory(rows),
        "rules": _explain_rules(flags),
        "licences": describe_licences(rows, is_synthetic=cohort.is_synthetic),
    }
    text = json.dumps(answer, indent=2, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("ascii")


def _rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _flags_of(cohort: Cohort, rows: pd.DataFrame, ledger: Ledger | None) -> pd.DataFrame:
    """Return the flags of some images."""
    ledger = find_flags(cohort) if ledger is None else ledger
    return ledger.keep(rows["image_id"]).table


def _origin(cohort: Cohort, rows: pd.DataFrame, patient_id: str) -> list[str]:
    """List what a record is, the notice first."""
    return [
        *list_provenance(cohort),
        f"Record of patient {shorten(patient_id)!r}: all {format_units(len(rows), 'X-ray')}",
        "Images are not included; notes are quoted from the articles named",
        *([] if cohort.is_synthetic else [METADATA_LICENCE]),
        *describe_licences(rows, is_synthetic=cohort.is_synthetic),
    ]


def _describe_patient(cohort: Cohort, rows: pd.DataFrame, patient_id: str) -> dict[str, Any]:
    days = [_to_json(day) for day in rows["offset"].dropna().unique()]
    return {
        "patient_id": patient_id,
        "person_id": _to_json(rows["person_id"].iloc[0]),
        "same_person_as": list_same_person(cohort, patient_id),
        "n_images": len(rows),
        "n_images_with_file": int((rows["file_status"] == "ok").sum()),
        "days": days,
        "day_counts_from": find_clock(rows) if days else None,
        "facts": {name: _list_values(rows[name]) for name in FACTS},
        "facts_note": "Undated: true at some point of the illness, not on the day of an image. "
        "Several values differ between images; an empty list means not recorded.",
    }


def _list_values(column: pd.Series) -> list[Any]:
    """List the distinct values that are recorded."""
    values = [_to_json(value) for value in column.unique()]
    return [value for value in values if value is not None and value != "not recorded"]


def _describe_image(cohort: Cohort, row: Mapping[str, Any], flags: pd.DataFrame) -> dict[str, Any]:
    own = flags[flags["image_id"] == row["image_id"]]
    licence = licence_of(row, is_synthetic=cohort.is_synthetic)
    return {
        **{name: _to_json(value) for name, value in row.items()},
        "flags": own[["rule", "severity", "column", "value"]].to_dict("records"),
        "licence": {**asdict(licence), "passing_on": licence.passing_on},
        "credit": credit(row, is_synthetic=cohort.is_synthetic),
    }


def _list_laboratory(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """List each laboratory value with its unit, and what is odd about it."""
    return [
        {
            "image_id": row["image_id"],
            "day": _to_json(row["offset"]),
            "name": limits.column,
            "value": _to_json(row[limits.column]),
            "unit": limits.unit,
            "doubt": describe_doubt(limits, float(row[limits.column]), row["leukocyte_count"])
            or None,
        }
        for row in _rows(rows[["image_id", "offset", *(limits.column for limits in MEASURES)]])
        for limits in MEASURES
        if not pd.isna(row[limits.column])
    ]


def _explain_rules(flags: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Explain each rule that flags an image here."""
    rules = flags.drop_duplicates("rule").to_dict("records")
    parts = ("severity", "meaning", "action")
    return {rule["rule"]: {part: rule[part] for part in parts} for rule in rules}


def _to_json(value: object) -> Any:  # noqa: ANN401 (what JSON holds)
    """Turn a cell into what JSON can hold; whole numbers lose their point."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    return None if value is pd.NA or value is pd.NaT else value
