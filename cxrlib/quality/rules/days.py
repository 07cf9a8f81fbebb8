"""Rules about days: which day an image was taken, and which image is the last."""

import pandas as pd

from cxrlib.cohort import FRONTAL_VIEWS, Cohort
from cxrlib.quality.rules.rule import Hit, Rule, list_hits

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
    return list_hits(cohort, cohort.table["offset"].isna(), "offset", _name_days(cohort))


def find_negative_day(cohort: Cohort) -> list[Hit]:
    """Find images from before day 0."""
    return list_hits(cohort, cohort.table["offset"] < 0, "offset", _name_days(cohort))


def find_far_day(cohort: Cohort) -> list[Hit]:
    """Find images from months before or after day 0."""
    return list_hits(cohort, cohort.table["offset"].abs() > FAR_DAYS, "offset", _name_days(cohort))


def find_few_days(cohort: Cohort) -> list[Hit]:
    """Find images of day 5."""
    return list_hits(cohort, cohort.table["offset"] == FEW_DAYS, "offset", _name_days(cohort))


def find_unknown_clock(cohort: Cohort) -> list[Hit]:
    """Find images with a day of which neither a column nor the source says what it counts from."""
    table = cohort.table
    where = table["offset"].notna() & ~table["article"].isin(CLOCKS)
    return list_hits(cohort, where, "offset", _name_days(cohort))


def find_undefined_last(cohort: Cohort) -> list[Hit]:
    """Find frontal images that may be the patient's last, but a day is missing."""
    return _find_last(cohort, tied=False)


def find_tied_last(cohort: Cohort) -> list[Hit]:
    """Find frontal images that share the patient's latest day."""
    return _find_last(cohort, tied=True)


def _find_last(cohort: Cohort, *, tied: bool) -> list[Hit]:
    """Find images whose being the last is undefined, of fully dated patients or of others."""
    table = cohort.table
    frontal = table["is_xray"] & table["view"].isin(FRONTAL_VIEWS)
    undefined = frontal & (table["is_last_image"] == "undefined")
    patients = table["patient_id"]
    is_dated = table["offset"].notna()
    # Of the images that compete, as far as they are here; who is the last was found on all.
    all_dated = (is_dated | ~frontal).groupby(patients).transform("all")
    where = undefined & (all_dated if tied else ~all_dated)
    return list_hits(cohort, where, "offset", _name_days(cohort))


def _name_days(cohort: Cohort) -> pd.Series:
    """Write each image's day in words."""
    days = cohort.table["offset"]
    words = ["not recorded" if pd.isna(day) else f"day {day:g}" for day in days]
    return pd.Series(words, index=days.index, dtype="str")


RULES = (
    Rule(
        name="no day",
        severity="note",
        title="Day not recorded",
        meaning="The image has no place in its patient's course, and falls out of every window "
        "of days.",
        action="Look the day up in the article.",
        find=find_no_day,
        clause="the day is not recorded",
    ),
    Rule(
        name="negative day",
        severity="warning",
        title="Day before day 0",
        meaning="The image was taken before symptoms or admission, or the sign is a slip: some "
        "sources give days until discharge.",
        action="Compare with the article; do not use it as an image of the illness unchecked.",
        find=find_negative_day,
        clause="the day lies before day 0",
    ),
    Rule(
        name="day out of range",
        severity="warning",
        title=f"More than {FAR_DAYS} days from day 0",
        meaning="An earlier or a follow-up image, not one of the acute illness; it stretches "
        "every axis of days.",
        action="Leave it out of questions about the acute illness.",
        find=find_far_day,
        clause=f"the day lies more than {FAR_DAYS} days from day 0",
    ),
    Rule(
        name="day perhaps imputed",
        severity="note",
        title=f"Day {FEW_DAYS}, which also stands for “a few days”",
        meaning=f"The collection writes {FEW_DAYS} where a report says “after a few days”: such "
        "days are guesses and pile up at one number.",
        action="Compare with the article where the exact day matters.",
        find=find_few_days,
        clause=f"the day is {FEW_DAYS}, which also stands for a few days",
    ),
    Rule(
        name="clock unknown",
        severity="note",
        title="Day counted from symptoms or from admission",
        meaning="No column says which, and who is admitted has been ill for days: days of two "
        "patients cannot be compared exactly. Only the Hannover repository is known to count, from "
        "admission; its images are not listed.",
        action="Compare days within a patient; between patients only roughly.",
        find=find_unknown_clock,
        clause="the record does not say what the day is counted from",
    ),
    Rule(
        name="last image undefined",
        severity="note",
        title="Last image undefined: a day is missing",
        meaning="Any of these could be the patient's last image, so survival marks none of them.",
        action="Look the missing day up in the article; the order of rows is no evidence.",
        find=find_undefined_last,
        clause="it may be the patient's last image, but a day is missing",
    ),
    Rule(
        name="last image tied",
        severity="note",
        title="Last image tied: several on the latest day",
        meaning="Survival marks none of them as last; the paper's notebook marks all.",
        action="Look the times up in the article.",
        find=find_tied_last,
        clause="several images share the patient's latest day",
    ),
)
