"""Rules about the yes-or-no columns: contradictions, and answers without a date."""

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.rule import Hit, Rule, list_hits

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
    """Find answers that are seldom both right, and tests that do not fit the finding."""
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
    """Find images with reasons for a good and for a bad state."""
    return list_hits(
        cohort, cohort.table["state_overlap"], "state_reasons", cohort.table["state_reasons"]
    )


def find_undated(cohort: Cohort) -> list[Hit]:
    """Find images of patients who were in the ICU or had a tube, nobody says when."""
    table = cohort.table
    hits = []
    for ever, now in DATED.items():
        for silence in ("not recorded", "unclear"):
            where = (table[ever] == "yes") & (table[now] == silence)
            hits += list_hits(cohort, where, ever, f"yes, but {now} is {silence}")
    return hits


RULES = (
    Rule(
        name="contradiction",
        severity="error",
        title="Answers that cannot both be right",
        meaning="One column says that it happened, another that it never did: a label or a state "
        "made of them is wrong for one.",
        action="Compare with the article and correct the wrong cell.",
        find=find_contradictions,
        clause="two yes-or-no columns contradict each other",
    ),
    Rule(
        name="unlikely together",
        severity="warning",
        title="Answers that are seldom both right",
        meaning="A tube outside of an ICU, a successful extubation before a death, a positive "
        "test under another finding: possible, but often a slip.",
        action="Compare with the article.",
        find=find_unlikely,
        clause="recorded answers are seldom both right",
    ),
    Rule(
        name="state overlap",
        severity="warning",
        title="Reasons for a good and for a bad state",
        meaning="The image counts as bad here; another rule would count it as good.",
        action="Leave such images out to see whether a result hangs on them.",
        find=find_overlaps,
        clause="there are reasons for a good and for a bad state",
    ),
    Rule(
        name="undated flag",
        severity="note",
        title="In the ICU or with a tube at some point, nobody says when",
        meaning="The image may be from before, during or after: it must not be drawn as a period "
        "or read as a state.",
        action="Look up in the article whether the image falls into it.",
        find=find_undated,
        clause="ICU or tube is recorded at some point, but not for this image",
    ),
)
