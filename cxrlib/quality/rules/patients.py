"""Rules about patient ids whose rows contradict each other."""

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.rule import Hit, format_cell, list_hits, read_rules

__all__ = ["AGES_APART", "RULES"]

AGES_APART = 2
"""Years between the ages of one id that two birthdays and rounding cannot explain."""
UNDATED = ("survival", "went_icu", "intubated", "extubated", "needed_supplemental_O2")
"""Columns that say "at any point": constant within a patient."""
SILENT = ("not recorded", "unclear")


def find_two_sexes(cohort: Cohort) -> list[Hit]:
    """Find the images of ids recorded as female and as male."""
    return _find_differing(cohort, "sex")


def find_ages_apart(cohort: Cohort) -> list[Hit]:
    """Find the images of ids whose ages differ by more than the time between images."""
    columns = ["patient_id", "age", "offset"]
    xrays = cohort.table.loc[cohort.table["is_xray"], columns]
    numbers = xrays[["age", "offset"]].astype("float64").groupby(xrays["patient_id"])
    low, high = numbers.min(), numbers.max()
    followed = (high["offset"] - low["offset"]).fillna(0) / 365.25
    apart = high["age"] - low["age"] > AGES_APART + followed
    words = {
        patient: f"{format_cell(low['age'][patient])} to {format_cell(high['age'][patient])}"
        for patient in apart.index[apart]
    }
    patients = cohort.table["patient_id"]
    return list_hits(cohort, patients.isin(words), "age", patients.map(words))


def find_changing_outcomes(cohort: Cohort) -> list[Hit]:
    """Find the images of ids with both yes and no for one outcome."""
    return [hit for column in UNDATED for hit in _find_differing(cohort, column)]


def find_several_articles(cohort: Cohort) -> list[Hit]:
    """Find the images of ids that come from several articles."""
    return _find_differing(cohort, "article")


def _find_differing(cohort: Cohort, column: str) -> list[Hit]:
    """Find the images of ids with several values in a column."""
    table = cohort.table
    known = table["is_xray"] & table[column].notna() & ~table[column].isin(SILENT)
    found: dict[str, set[str]] = {}
    for patient, text in zip(table["patient_id"][known], table[column][known], strict=True):
        found.setdefault(patient, set()).add(text)
    words = {
        patient: " and ".join(sorted(values))
        for patient, values in found.items()
        if len(values) > 1
    }
    if not words:
        return []
    patients = cohort.table["patient_id"]
    return list_hits(cohort, patients.isin(words), column, patients.map(words))


RULES = read_rules(
    {
        "two sexes": find_two_sexes,
        "ages apart": find_ages_apart,
        "outcome changes": find_changing_outcomes,
        "several articles": find_several_articles,
    }
)
