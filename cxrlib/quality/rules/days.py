"""Rules about days: when an image was taken, and which image is the last."""

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.rule import Hit, list_hits, read_rules

__all__ = ["CLOCKS", "FAR_DAYS", "FEW_DAYS", "RULES"]

FEW_DAYS = 5
"""SCHEMA.md of the collection: "after a few days" is written as 5."""
FAR_DAYS = 90
"""Days from day 0 beyond which an image shows no acute illness any more, or not yet."""

CLOCKS = {"10.6084/m9.figshare.12275009": "admission (Hannover repository)"}
"""Articles whose days are known to be counted from one thing. The Hannover repository gives the
days from an image to admission ("admission_offset"), which the collection took negated."""


def find_no_day(cohort: Cohort) -> list[Hit]:
    """Find images without a day."""
    return list_hits(cohort, cohort.table["offset"].isna(), "offset", _derive_days(cohort))


def find_negative_day(cohort: Cohort) -> list[Hit]:
    """Find images from before day 0."""
    return list_hits(cohort, cohort.table["offset"] < 0, "offset", _derive_days(cohort))


def find_far_day(cohort: Cohort) -> list[Hit]:
    """Find images from months before or after day 0."""
    return list_hits(
        cohort, cohort.table["offset"].abs() > FAR_DAYS, "offset", _derive_days(cohort)
    )


def find_few_days(cohort: Cohort) -> list[Hit]:
    """Find images of day 5."""
    return list_hits(cohort, cohort.table["offset"] == FEW_DAYS, "offset", _derive_days(cohort))


def find_unknown_clock(cohort: Cohort) -> list[Hit]:
    """Find images with a day whose starting point is not recorded."""
    table = cohort.table
    where = table["offset"].notna() & ~table["article"].isin(CLOCKS)
    return list_hits(cohort, where, "offset", _derive_days(cohort))


def find_undefined_last(cohort: Cohort) -> list[Hit]:
    """Find frontal images that may be the patient's last, but a day is missing."""
    return _find_last(cohort, tied=False)


def find_tied_last(cohort: Cohort) -> list[Hit]:
    """Find frontal images that share the patient's latest day."""
    return _find_last(cohort, tied=True)


def _find_last(cohort: Cohort, *, tied: bool) -> list[Hit]:
    """Find frontal images that may be the last, of fully dated patients or of the others."""
    table = cohort.table
    frontal = table["is_xray"] & table["view"].isin(cohort.frontal_views)
    undefined = frontal & (table["is_last_image"] == "undefined")
    patients = table["patient_id"]
    is_dated = table["offset"].notna()
    # Among the images present; which one is the last was found on all.
    all_dated = (is_dated | ~frontal).groupby(patients).transform("all")
    where = undefined & (all_dated if tied else ~all_dated)
    return list_hits(cohort, where, "offset", _derive_days(cohort))


def _derive_days(cohort: Cohort) -> pd.Series:
    """Give each image's day in words."""
    days = cohort.table["offset"]
    words = ["not recorded" if pd.isna(day) else f"day {day:g}" for day in days]
    return pd.Series(words, index=days.index, dtype="str")


RULES = read_rules(
    {
        "no day": find_no_day,
        "negative day": find_negative_day,
        "day out of range": find_far_day,
        "day perhaps imputed": find_few_days,
        "clock unknown": find_unknown_clock,
        "last image undefined": find_undefined_last,
        "last image tied": find_tied_last,
    }
)
