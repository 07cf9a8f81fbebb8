"""Rules about a patient id whose rows do not fit together."""

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.rule import Hit, Rule, list_hits, name_value

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
    """Find the images of ids whose ages lie further apart than their days do."""
    columns = ["patient_id", "age", "offset"]
    xrays = cohort.table.loc[cohort.table["is_xray"], columns]
    numbers = xrays[["age", "offset"]].astype("float64").groupby(xrays["patient_id"])
    low, high = numbers.min(), numbers.max()
    followed = (high["offset"] - low["offset"]).fillna(0) / 365.25
    apart = high["age"] - low["age"] > AGES_APART + followed
    words = {
        patient: f"{name_value(low['age'][patient])} to {name_value(high['age'][patient])}"
        for patient in apart.index[apart]
    }
    patients = cohort.table["patient_id"]
    return list_hits(cohort, patients.isin(words), "age", patients.map(words))


def find_changing_outcomes(cohort: Cohort) -> list[Hit]:
    """Find the images of ids whose "at any point" columns say yes and no."""
    return [hit for column in UNDATED for hit in _find_differing(cohort, column)]


def find_several_articles(cohort: Cohort) -> list[Hit]:
    """Find the images of ids that come from several articles."""
    return _find_differing(cohort, "article")


def _find_differing(cohort: Cohort, column: str) -> list[Hit]:
    """Find the images of ids with several recorded values in a column."""
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


RULES = (
    Rule(
        name="two sexes",
        severity="error",
        title="One patient id, two sexes",
        meaning="The id pools several people, or a cell is wrong: nothing that follows a patient "
        "over time can be trusted.",
        action="Compare with the articles; split the id or correct the cell.",
        find=find_two_sexes,
        clause="the patient's id is recorded as female and as male",
    ),
    Rule(
        name="ages apart",
        severity="error",
        title=f"One patient id, ages more than {AGES_APART} years apart",
        meaning="The id pools several people, or an age is wrong.",
        action="Compare with the articles; split the id or correct the age.",
        find=find_ages_apart,
        clause=f"the patient's id has ages more than {AGES_APART} years apart",
    ),
    Rule(
        name="outcome changes",
        severity="error",
        title="An outcome that holds for a patient changes between rows",
        meaning="Survival, ICU, tube and oxygen are recorded for the whole illness: one patient "
        "cannot have both answers.",
        action="Compare with the article and correct the rows, or split the id.",
        find=find_changing_outcomes,
        clause="an at-any-point column says yes and no within the patient",
    ),
    Rule(
        name="several articles",
        severity="warning",
        title="One patient id from several articles",
        meaning="The id may pool several people: articles seldom share a patient.",
        action="Compare the articles; split the id if they tell of different people.",
        find=find_several_articles,
        clause="the patient's images come from several articles",
    ),
)
