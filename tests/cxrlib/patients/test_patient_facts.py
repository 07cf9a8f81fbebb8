"""Undated facts and laboratory values of one patient."""

from pathlib import Path

import pandas as pd

from cxrlib.cohort import load_cohort
from cxrlib.patients import lab_table, list_undated_facts
from cxrlib.patients.patient_facts import DIFFERS
from tests.cohort_factory import make_cohort


def rows_of(root: Path, *rows: dict[str, object]) -> pd.DataFrame:
    """Load rows of one patient."""
    full = [{"patientid": "7", **row} for row in rows]
    return load_cohort(make_cohort(root, full), inspect_images=False).table


def test_a_fact_is_said_once_and_a_blank_is_nothing(tmp_path: Path) -> None:
    """Blank cells beside a value are not another value; a blank is not a no."""
    facts = dict(list_undated_facts(rows_of(tmp_path, {"survival": "Y", "age": 60}, {})))
    assert facts["Outcome"] == "survived"
    assert facts["Age"] == "60"
    assert facts["Intubated"] == ""
    assert facts["Location"] == ""


def test_values_that_differ_are_all_given(tmp_path: Path) -> None:
    """In the record's order, counted and marked."""
    table = rows_of(
        tmp_path, {"finding": "No Finding"}, {"finding": "Pneumonia"}, {"finding": "Pneumonia"}
    )
    said = f"No Finding (1 image), Pneumonia (2 images): {DIFFERS}"
    assert dict(list_undated_facts(table))["Finding"] == said
    assert list_undated_facts(table.iloc[::-1]) == list_undated_facts(table)


def test_unclear_is_told(tmp_path: Path) -> None:
    """Unclear is recorded."""
    facts = dict(list_undated_facts(rows_of(tmp_path, {"RT_PCR_positive": "Unclear"})))
    assert facts["RT-PCR positive"] == "unclear"


def test_values_stand_by_day_with_their_doubt(tmp_path: Path) -> None:
    """Implausible ones say what they perhaps are; the oxygen column is always in doubt."""
    table = rows_of(
        tmp_path,
        {"offset": 9, "temperature": 95.0},
        {"offset": 2, "pO2_saturation": 80, "temperature": 38.5},
        {"pO2_saturation": 105},
        {"offset": 3, "leukocyte_count": 4.0, "lymphocyte_count": 5.0},
    )
    lines = lab_table(table)
    days = [None if pd.isna(day) else day for day in lines["Day"]]
    assert list(zip(days, lines["Measure"], lines["Value"], lines["Doubt"], strict=True)) == [
        (2, "Temperature", 38.5, ""),
        (2, "Oxygen saturation", 80, "the column mixes % and mmHg"),
        (3, "Leukocytes", 4, ""),
        (3, "Lymphocytes", 5, "more than all leukocytes (4)"),
        (9, "Temperature", 95, "perhaps Fahrenheit"),
        (None, "Oxygen saturation", 105, "a pressure in mmHg"),
    ]


def test_one_value_in_two_images_of_a_day_is_one_line(tmp_path: Path) -> None:
    """Two views of one day share their values."""
    row: dict[str, object] = {"offset": 4, "temperature": 39}
    lines = lab_table(rows_of(tmp_path, row, row))
    assert len(lines) == 1
    assert lines.loc[0, "Images"] == 2


def test_nothing_measured_is_an_empty_table(tmp_path: Path) -> None:
    """The page then shows none."""
    assert lab_table(rows_of(tmp_path, {})).empty
