"""A cohort counted as in the papers, table by table.

The numbers are those of `cxrlib.summary.counts`; what is the papers' here is the choice of rows,
units and names: frontal views and usable findings, patients in Table 3 and images in Table 4,
male ratios of all, articles whatever the finding.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from cxrlib.cohort import UNKNOWN, Cohort
from cxrlib.literature import PUBLISHED, find_table
from cxrlib.summary.counts import VIEW_COLUMNS, Summary, select_published, summarise

OURS_COLUMNS = ("row", "column", "value", "n_images", "n_patients", "remark")
"""A line a number: its row and column in the published table (by our names), the number, the
images and patients it was taken from, and words on its denominator. ``remark`` may be left out
where numbers come from elsewhere."""

# Columns of Tables 3 and 4 that the statistics call otherwise.
_NAMES = {"n_covid": "covid_yes", "n_rt_pcr": "rt_pcr_yes"}
_NOTHING = {"age_mean": math.nan, "male_ratio": math.nan, "male_share": math.nan}

Row = Mapping[str, Any]
Line = tuple[str, str, float, int, int, str]


def count_published(cohort: Cohort, name: str) -> pd.DataFrame:
    """Count a cohort as in a published table.

    Parameters
    ----------
    cohort : Cohort
        As it is selected; the table's own selection is made on top.
    name : str
        One of `cxrlib.literature.PUBLISHED`.

    Returns
    -------
    DataFrame
        `OURS_COLUMNS`: the rows of the published table, with 0 where the cohort has nothing,
        then those that only the cohort has.

    Raises
    ------
    SelectionError
        If there is no such table.
    """
    find_table(name)
    return pd.DataFrame(list(_COUNTERS[name](cohort)), columns=list(OURS_COLUMNS))


def _count(cohort: Cohort, by: str, unit: str = "image") -> Summary:
    return summarise(select_published(cohort, by), by, unit=unit)


def _read_rows(name: str, table: pd.DataFrame) -> dict[str, Row]:
    """Give the numbers of each row by its name, the published rows first."""
    records: list[Any] = table.to_dict("records")
    found: dict[str, Row] = {}
    for each in records:  # pneumonia first: "Viral/COVID-19" alone is another finding
        found.setdefault(each["row"].removeprefix("Pneumonia/"), each)
    nothing = {**dict.fromkeys(table.columns, 0), **_NOTHING}
    order = dict.fromkeys([*PUBLISHED[name].row_titles, *found])
    return {row: found.get(row, nothing) for row in order}


# ---- the tables


def _count_table_1(cohort: Cohort) -> Iterator[Line]:
    """Count pneumonia by type and genus."""
    summary = _count(cohort, "finding")
    rows = summary.table[summary.table["finding"] == "Pneumonia"]
    for row, numbers in _read_rows("table-1", rows).items():
        yield row, "n_images", numbers["n_images"], summary.n_images, summary.n_patients, ""


def _count_table_3(cohort: Cohort) -> Iterator[Line]:
    """Count patients by sub-region, and all."""
    summary = _count(cohort, "sub-region", "patient")
    for row, numbers in _read_rows("table-3", summary.with_totals()).items():
        for column in ("n_patients", "n_images"):
            yield row, column, numbers[column], summary.n_images, summary.n_patients, ""
        yield from _list_numbers("table-3", row, numbers)


def _count_table_4(cohort: Cohort) -> Iterator[Line]:
    """Count images by view, the lateral too."""
    rows = _read_rows("table-4", _count(cohort, "view").table)
    views = PUBLISHED["table-4"].row_titles
    n_images = sum(rows[view]["n_images"] for view in views)
    for row, numbers in rows.items():
        yield row, "n_images", numbers["n_images"], n_images, 0, ""
        yield from _list_numbers("table-4", row, numbers)


def _count_table_7(cohort: Cohort) -> Iterator[Line]:
    """Count images by article with a DOI and view, whatever the finding."""
    table = _count(cohort, "article").table
    rows = _read_rows("table-7", table[table["row"].str.startswith("10.")])
    parts = {
        "n_pa_ap": (VIEW_COLUMNS["PA"], VIEW_COLUMNS["AP"]),
        "n_ap_supine": (VIEW_COLUMNS["AP Supine"],),
        "n_lateral": (VIEW_COLUMNS["L"],),
    }
    for column, views in parts.items():
        counts = {row: sum(numbers[view] for view in views) for row, numbers in rows.items()}
        whole = sum(counts[row] for row in PUBLISHED["table-7"].row_titles)
        for row, n in counts.items():
            yield row, column, n, whole, 0, ""


def _count_early_table_1(cohort: Cohort) -> Iterator[Line]:
    """Count findings by view."""
    summary = _count(cohort, "finding")
    for row, numbers in _read_rows("early-table-1", summary.table).items():
        for column in ("n_pa", "n_ap", "n_ap_supine"):
            yield row, column, numbers[column], summary.n_images, summary.n_patients, ""


def _count_text(cohort: Cohort) -> Iterator[Line]:
    """Count what the text of the paper states about the collection."""
    summary = _count(cohort, "sub-region", "patient")
    totals = summary.totals.iloc[0]
    table = select_published(cohort, "sub-region").table
    n_lateral = int(_count(cohort, "view").totals["n_lateral"].iloc[0])
    name = table["filename"].str.lower()
    counts = {
        "xrays": summary.n_images + n_lateral,
        "frontal": summary.n_images,
        "pa_ap": totals["n_pa"] + totals["n_ap"],
        "ap_supine": totals["n_ap_supine"],
        "lateral": n_lateral,
        "patients": summary.n_patients,
        "men": totals["sex_male"],
        "women": totals["sex_female"],
        "countries": table.loc[table["country"] != UNKNOWN, "country"].nunique(),
        "jpeg": name.str.endswith((".jpg", ".jpeg")).sum(),
        "png": name.str.endswith(".png").sum(),
        "lung_boxes": table["has_lung_box"].sum(),
        "lung_masks": table["has_lung_mask"].sum(),
    }
    for row, n in counts.items():
        yield row, "n", int(n), summary.n_images, summary.n_patients, ""


_COUNTERS: Mapping[str, Callable[[Cohort], Iterator[Line]]] = {
    "table-1": _count_table_1,
    "table-3": _count_table_3,
    "table-4": _count_table_4,
    "table-7": _count_table_7,
    "text": _count_text,
    "early-table-1": _count_early_table_1,
}


def _list_numbers(name: str, row: str, numbers: Row) -> Iterator[Line]:
    """List the numbers of a row of Tables 3 and 4 besides its size."""
    remarks = {"age_mean": _describe_ages(numbers), "male_ratio": _describe_sex(numbers)}
    for column in PUBLISHED[name].columns:
        if column.whole is None:
            value = numbers[_NAMES.get(column.name, column.name)]
            remark = remarks.get(column.name, "")
            yield row, column.name, value, numbers["n_images"], numbers["n_patients"], remark


def _describe_ages(numbers: Row) -> str:
    return f"Age recorded for {numbers['age_known']:,} of {numbers['n']:,}."


def _describe_sex(numbers: Row) -> str:
    n_known = numbers["sex_male"] + numbers["sex_female"]
    if not n_known:
        return "Sex not recorded."
    n_male, share = numbers["sex_male"], numbers["male_share"]
    return f"Male: {n_male:,} of {n_known:,} with recorded sex ({share:.2f})."
