"""Rules about the yes/no columns: contradictions, and answers without a date."""

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.rule import Hit, list_hits, read_rules

__all__ = ["CONTRADICTIONS", "RULES", "UNLIKELY"]

Clash = tuple[str, str, str, str]

CONTRADICTIONS: tuple[Clash, ...] = (
    ("in_icu", "yes", "went_icu", "no"),
    ("intubation_present", "yes", "intubated", "no"),
    ("extubated", "yes", "intubated", "no"),
    ("intubated", "yes", "needed_supplemental_O2", "no"),
    ("intubation_present", "yes", "needed_supplemental_O2", "no"),
)
"""Answers that cannot both be right: the first is a case of what the second denies."""

UNLIKELY: tuple[Clash, ...] = (
    ("intubated", "yes", "went_icu", "no"),
    ("intubation_present", "yes", "in_icu", "no"),
    ("extubated", "yes", "survival", "no"),
)
"""Answers that can both be right, but seldom are: outside of an ICU, or "successfully" extubated
(the collection's word) and dead."""

DATED = {"went_icu": "in_icu", "intubated": "intubation_present"}
"""An "at any point" column, and the one that says whether at this image."""


def find_contradictions(cohort: Cohort) -> list[Hit]:
    """Find answers that cannot both be right."""
    return _find_clashes(cohort, CONTRADICTIONS)


def find_unlikely(cohort: Cohort) -> list[Hit]:
    """Find unlikely combinations of answers, and tests that do not fit the finding."""
    return [*_find_clashes(cohort, UNLIKELY), *_find_misfits(cohort)]


def _find_clashes(cohort: Cohort, clashes: tuple[Clash, ...]) -> list[Hit]:
    table = cohort.table
    hits = []
    for column, value, other, denied in clashes:
        where = (table[column] == value) & (table[other] == denied)
        hits += list_hits(cohort, where, column, f"{value}, but {other} {denied}")
    return hits


def _find_misfits(cohort: Cohort) -> list[Hit]:
    """Find results of the RT-PCR for SARS-CoV-2 that do not fit the finding."""
    table = cohort.table
    finding = table["finding"].fillna("")
    is_covid = finding.str.casefold().str.contains("covid-19", regex=False)
    # "No Finding" with a positive test is a clear image of an infected patient: no misfit.
    other = table["usable_finding"] & ~is_covid & (finding != "No Finding")
    positive, negative = (table["RT_PCR_positive"] == answer for answer in ("yes", "no"))
    return [
        *list_hits(cohort, positive & other, "RT_PCR_positive", "yes, but finding " + finding),
        *list_hits(cohort, negative & is_covid, "RT_PCR_positive", "no, but finding " + finding),
    ]


def find_overlaps(cohort: Cohort) -> list[Hit]:
    """Find images with evidence for both states."""
    return list_hits(
        cohort, cohort.table["state_overlap"], "state_reasons", cohort.table["state_reasons"]
    )


def find_undated(cohort: Cohort) -> list[Hit]:
    """Find images of patients in ICU or intubated on an unknown day."""
    table = cohort.table
    hits = []
    for ever, now in DATED.items():
        for silence in ("not recorded", "unclear"):
            where = (table[ever] == "yes") & (table[now] == silence)
            hits += list_hits(cohort, where, ever, f"yes, but {now} is {silence}")
    return hits


RULES = read_rules(
    {
        "contradiction": find_contradictions,
        "unlikely together": find_unlikely,
        "state overlap": find_overlaps,
        "undated flag": find_undated,
    }
)
