"""Missing data: by column, by region, by source.

A blank is not a no. Which fields were filled in can tell more about a patient than their values.
"""

import numpy as np
import pandas as pd

from cxrlib.cohort import UNKNOWN, YES_NO_COLUMNS, Cohort
from cxrlib.errors import SelectionError
from cxrlib.summary.groupings import GROUPINGS, Groups, part_images
from cxrlib.summary.units import BLANK, UNCLEAR, Units, read_images, take_units

RECORDED_COLUMNS = {
    "offset": "Day",
    "sex": "Sex",
    "age": "Age",
    "finding": "Finding",
    "RT_PCR_positive": "RT-PCR positive",
    "survival": "Survival",
    "went_icu": "Ever in ICU",
    "in_icu": "In ICU at time of image",
    "intubated": "Intubated",
    "intubation_present": "Intubated at time of image",
    "extubated": "Extubated",
    "needed_supplemental_O2": "Supplemental oxygen",
    "temperature": "Temperature",
    "pO2_saturation": "Oxygen saturation",
    "leukocyte_count": "Leukocytes",
    "neutrophil_count": "Neutrophils",
    "lymphocyte_count": "Lymphocytes",
    "view": "View",
    "date": "Date",
    "location": "Location",
    "article": "Article",
    "license": "Licence",
    "clinical_notes": "Clinical notes",
}
"""Columns of a cohort's table that can be blank, and their titles."""

ALL = "all"


def describe_missingness(
    cohort: Cohort, *, by: str = "column", unit: str = "image"
) -> pd.DataFrame:
    """Count what is recorded and what is not.

    Parameters
    ----------
    cohort : Cohort
        Its X-rays are counted.
    by : str, default "column"
        "column" for the whole cohort, else a grouping of `cxrlib.summary.GROUPINGS`,
        such as "region" or "source", for each of its rows.
    unit : {"image", "patient", "person"}, default "image"
        A patient or person has a value if any of their images in the row has one.

    Returns
    -------
    DataFrame
        A row a group and column: group ("all" for the whole cohort), column, title, unit, n
        (units of the group), n_recorded, n_unclear, n_not_recorded (they add up to n) and
        share_recorded (NaN of nothing). A finding that is "todo" or "Unknown" and a
        location without a country are not recorded.

    Raises
    ------
    SelectionError
        If there is no such grouping or unit.
    """
    images = read_images(cohort)
    if by == "column":
        whole = np.zeros(len(images.table), dtype=int)
        groups = Groups(whole, pd.DataFrame({"row": [ALL]}))
    elif by in GROUPINGS:
        groups = part_images(images.table, by)
    else:
        raise SelectionError(
            f"Missing data cannot be shown by {by[:60]!r}. Choose one of: column, "
            f"{', '.join(GROUPINGS)}."
        )
    units = take_units(cohort, unit, groups.codes)
    n_groups, n_columns = len(groups.labels), len(RECORDED_COLUMNS)
    counts = np.array(
        [
            _count_column(units, *_find_recorded(images.table, images.codes, column), n_groups)
            for column in RECORDED_COLUMNS
        ]
    )
    # By group first, the columns in their order.
    n_recorded, n_unclear = counts.transpose(1, 2, 0).reshape(2, -1)
    n = np.repeat(np.bincount(units.group, minlength=n_groups), n_columns)
    share = np.divide(n_recorded, n, out=np.full(len(n), np.nan), where=n > 0)
    table = pd.DataFrame(
        {
            "group": np.repeat(groups.labels["row"].to_numpy(dtype=object), n_columns),
            "column": list(RECORDED_COLUMNS) * n_groups,
            "title": list(RECORDED_COLUMNS.values()) * n_groups,
            "unit": unit,
            "n": n,
            "n_recorded": n_recorded,
            "n_unclear": n_unclear,
            "n_not_recorded": n - n_recorded - n_unclear,
            "share_recorded": share,
        }
    )
    return table.astype(dict.fromkeys(("group", "column", "title", "unit"), "str"))


def _find_recorded(
    table: pd.DataFrame, codes: dict[str, np.ndarray], column: str
) -> tuple[np.ndarray, np.ndarray]:
    """Find which images have a value, and which an unclear one."""
    nowhere = np.zeros(len(table), dtype=bool)
    if column in YES_NO_COLUMNS:
        is_unclear = codes[column] == UNCLEAR
        return (codes[column] != BLANK) & ~is_unclear, is_unclear
    if column == "finding":
        return table["usable_finding"].to_numpy(dtype=bool), nowhere
    if column == "location":
        return (table["country"] != UNKNOWN).to_numpy(dtype=bool), nowhere
    return table[column].notna().to_numpy(dtype=bool), nowhere


def _count_column(
    units: Units, is_recorded: np.ndarray, is_unclear: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count who has a value of a column, and who an unclear one only, by group."""
    recorded = units.have_any(is_recorded)
    unclear = units.have_any(is_unclear) & ~recorded
    n_recorded, n_unclear = (
        np.bincount(units.group[marks], minlength=n_groups) for marks in (recorded, unclear)
    )
    return n_recorded, n_unclear
