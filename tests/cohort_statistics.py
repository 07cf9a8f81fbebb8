"""A slow and obvious way to count a cohort, to judge the fast one by.

It shares nothing with the library but the cohort's table: plain loops over plain rows.
"""

import math
import statistics
from collections.abc import Callable
from typing import Any

import pandas as pd

from cxrlib.cohort import Cohort

Row = dict[str, Any]

ANSWERS = ("survival", "went_icu", "intubated", "RT_PCR_positive")


def list_rows(cohort: Cohort) -> list[Row]:
    """List the X-rays in file order, missing values as None."""
    table = cohort.table.astype(object).sort_values("row")
    rows = table.where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows if row["is_xray"]]


def name_finding(row: Row) -> str:
    """Name the row of Table 1 that an image is in."""
    parts = [part.strip() for part in (row["finding"] or "not recorded").split("/")]
    if parts[0] != "Pneumonia":
        return row["finding"] or "not recorded"
    kind = parts[1] if len(parts) > 1 and parts[1] else "Unknown"
    genus = "Not applicable" if kind in ("Lipoid", "Aspiration") else "Unknown"
    genus = parts[2] if len(parts) > 2 and parts[2] else genus
    return f"Pneumonia/{kind}/{genus}"


def name_of(column: str) -> Callable[[Row], str]:
    """Name a row by a column."""
    return lambda row: row[column] or "not recorded"


NAMES: dict[str, Callable[[Row], str]] = {
    "finding": name_finding,
    "finding-view": lambda row: f"{name_finding(row)}, {row['view'] or 'not recorded'}",
    "region": name_of("region"),
    "sub-region": name_of("sub_region"),
    "country": name_of("country"),
    "view": name_of("view"),
    "source": name_of("source"),
    "article": name_of("article"),
}


def first_recorded(rows: list[Row], column: str) -> Any:
    """Give the first value of a column that is not blank."""
    for row in rows:
        value = row[column]
        if column == "finding" and not row["usable_finding"]:
            continue
        if value is not None and value != "not recorded":
            return value
    return None


def count_naively(cohort: Cohort, by: str, unit: str) -> dict[str, Row]:
    """Count a cohort: the cells of a summary by the name of its row."""
    groups: dict[str, list[Row]] = {}
    for row in list_rows(cohort):
        groups.setdefault(NAMES[by](row), []).append(row)
    return {name: count_group(rows, unit) for name, rows in groups.items()}


def count_group(rows: list[Row], unit: str) -> Row:
    """Count one group."""
    units: dict[str, list[Row]] = {}
    for row in rows:
        units.setdefault(row[f"{unit}_id"], []).append(row)
    cells: Row = {
        "n": len(units),
        "n_images": len(rows),
        "n_patients": len({row["patient_id"] for row in rows}),
        "n_persons": len({row["person_id"] for row in rows}),
    }
    for view, name in (("PA", "pa"), ("AP", "ap"), ("AP Supine", "ap_supine"), ("L", "lateral")):
        cells[f"n_{name}"] = sum(row["view"] == view for row in rows)
    others = ("PA", "AP", "AP Supine", "L")
    cells["n_other_view"] = sum(row["view"] not in others for row in rows)
    members = list(units.values())
    cells |= count_ages([first_recorded(each, "age") for each in members])
    sexes = [first_recorded(each, "sex") for each in members]
    cells |= {"sex_male": sexes.count("M"), "sex_female": sexes.count("F")}
    cells["sex_not_recorded"] = sexes.count(None)
    cells["male_ratio"] = sexes.count("M") / len(sexes)
    known = sexes.count("M") + sexes.count("F")
    cells["male_share"] = sexes.count("M") / known if known else math.nan
    for column in ANSWERS:
        name = "rt_pcr" if column == "RT_PCR_positive" else column
        cells |= count_answers(name, [first_recorded(each, column) for each in members])
    findings = [first_recorded(each, "finding") for each in members]
    words = {True: "yes", False: "no"}
    return cells | count_answers(
        "covid", [None if each is None else words["COVID-19" in each] for each in findings]
    )


def count_ages(ages: list[float | None]) -> Row:
    """Average the ages that are known."""
    known = sorted(float(age) for age in ages if age is not None)
    quartiles = [math.nan] * 3
    if len(known) == 1:
        quartiles = known * 3
    elif known:
        quartiles = statistics.quantiles(known, n=4, method="inclusive")
    return {
        "age_known": len(known),
        "age_q1": quartiles[0],
        "age_median": quartiles[1],
        "age_q3": quartiles[2],
        "age_mean": statistics.fmean(known) if known else math.nan,
    }


def count_answers(name: str, answers: list[str | None]) -> Row:
    """Count yes, no, unclear and blank."""
    yes, no = answers.count("yes"), answers.count("no")
    cells: Row = {
        f"{name}_yes": yes,
        f"{name}_no": no,
        f"{name}_unclear": answers.count("unclear"),
        f"{name}_not_recorded": answers.count(None),
        f"{name}_recorded": yes + no,
    }
    if name != "rt_pcr":
        cells[f"{name}_share"] = yes / (yes + no) if yes + no else math.nan
    return cells


def assert_same_cells(table: pd.DataFrame, cells: dict[str, Row]) -> None:
    """Compare every cell of a table with those counted naively; other rows are empty."""
    rows = table.set_index("row")
    assert set(cells) <= set(rows.index)
    assert (rows.loc[~rows.index.isin(list(cells)), "n_images"] == 0).all()
    for name, truth in cells.items():
        for column, value in truth.items():
            ours = float(rows.loc[name, column])
            same = math.isnan(ours) if math.isnan(value) else math.isclose(ours, value)
            assert same, f"{name!r}, {column}: {ours}, counted naively {value}"
