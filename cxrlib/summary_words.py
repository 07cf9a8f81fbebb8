"""The cells of a cohort's table in words: count, denominator, share and interval.

For screens and printed tables. Whoever wants to calculate takes the numbers of the summary.
"""

from typing import Any

import pandas as pd

from cxrlib.groups import get_grouping
from cxrlib.intervals import NOTHING, describe_average, describe_share
from cxrlib.statistics import OUTCOMES, TITLES, VIEW_COLUMNS, Summary

__all__ = ["describe_summary"]

WORDS = {
    "survival": "Survived",
    "went_icu": "Went to the ICU",
    "intubated": "Intubated",
    "covid": "COVID-19",
    "rt_pcr": "RT-PCR positive",
}
"""Titles of the questions, asked so that yes is counted."""


def describe_summary(summary: Summary, *, views: bool = False) -> pd.DataFrame:
    """Write a table of a cohort in words, the totals last.

    Parameters
    ----------
    summary : Summary
    views : bool, default False
        Whether to count images by view as well.

    Returns
    -------
    DataFrame of str
        Columns by their titles: the levels, Images, Patients, Persons, Age (median and
        quartiles, or the counts where fewer than ten are known), Male and the outcomes as
        "96 of 121 (79 %, 71-86)". An en dash stands where nothing is recorded.
    """
    rows = summary.with_totals().to_dict("records")
    words = [_describe_row({str(name): cell for name, cell in row.items()}, views) for row in rows]
    levels = list(get_grouping(summary.by).levels)
    labels = summary.with_totals()[levels].rename(columns=TITLES)
    labels.iloc[-1, 0] = "Totals"
    if not len(summary.table):
        labels = labels.fillna("")
    return pd.concat([labels, pd.DataFrame(words)], axis=1).astype("str")


def _describe_row(row: dict[str, Any], views: bool) -> dict[str, str]:
    """Write one row; keys are titles."""
    counted = ["n_images", "n_patients", "n_persons"]
    counted += [*VIEW_COLUMNS.values(), "n_other_view"] if views else []
    words = {TITLES[name]: _describe_count(row[name]) for name in counted}
    words["Age (years)"] = describe_average(
        *(row[name] for name in ("age_median", "age_q1", "age_q3")),
        n_known=row["age_known"],
        n_of=row["n"],
        unit=row["unit"],
    )
    words["Male"] = describe_share(row["sex_male"], row["sex_male"] + row["sex_female"])
    for name in OUTCOMES:
        yes, recorded = row[f"{name}_yes"], row[f"{name}_recorded"]
        words[WORDS[name]] = describe_share(yes, recorded)
        if yes and pd.isna(row[f"{name}_share"]):
            # Only positive tests are recorded.
            words[WORDS[name]] = f"{yes:,}, no is never recorded"
    return words


def _describe_count(cell: Any) -> str:  # noqa: ANN401 - int, or pandas' mark of a missing one
    return NOTHING if pd.isna(cell) else f"{cell:,}"
