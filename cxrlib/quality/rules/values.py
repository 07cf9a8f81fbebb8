"""Rules about single values: not allowed, implausible for the unit, misplaced."""

import re
from dataclasses import dataclass

import pandas as pd

from cxrlib.cohort import METADATA_FILE, XRAY_VIEWS, Cohort
from cxrlib.quality.rules.rule import Hit, format_cell, list_hits, read_rules

__all__ = ["LIMITS", "RULES", "VOCABULARY", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Hold the plausible range of a measured value in a living patient, ends included.

    Parameters
    ----------
    column, unit : str
    low, high : float
    below, above : str
        What a value beyond an end may be.
    """

    column: str
    unit: str
    low: float
    high: float
    below: str
    above: str

    def explain(self, value: float) -> str:
        """Describe what is implausible about a value, "" if nothing."""
        if self.low <= value <= self.high:
            return ""
        guess = self.below if value < self.low else self.above
        return f"{format_cell(value)} {self.unit}: {guess}"


LIMITS = (
    Limits("age", "years", 0, 105, "", "implausibly old"),
    Limits("temperature", "°C", 30, 43, "perhaps a typing error", "perhaps Fahrenheit"),
    Limits("pO2_saturation", "%", 50, 100, "perhaps a pressure in mmHg", "a pressure in mmHg"),
    Limits("leukocyte_count", "10^9/L", 0.1, 100, "perhaps a typing error", "perhaps cells per µL"),
    Limits(
        "neutrophil_count", "10^9/L", 0.1, 50, "perhaps a typing error", "another unit, perhaps %"
    ),
    Limits(
        "lymphocyte_count", "10^9/L", 0.05, 10, "perhaps a typing error", "another unit, perhaps %"
    ),
)
"""Units are those of the collection's SCHEMA.md. Wide on purpose: these are no reference ranges."""

VOCABULARY = {"view": XRAY_VIEWS, "sex": ("F", "M")}
"""Words that the typed columns may hold; the yes-or-no columns cannot hold others."""
FINDING_HEADS = ("Pneumonia", "No Finding", "Tuberculosis", "todo", "Unknown")
"""First levels of findings in the collection."""

# 03/09/20: the third of September or the ninth of March.
SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{2,4}")


def find_strange_words(cohort: Cohort) -> list[Hit]:
    """Find cells with a value that their column does not allow."""
    lines = _list_cell_problems(cohort)
    hits = [Hit(at, column, value) for at, column, value in lines if column]
    seen = {(hit.at, hit.column) for hit in hits}
    for column, words in VOCABULARY.items():
        cells = cohort.table[column]
        strange = list_hits(cohort, cells.notna() & ~cells.isin(words), column)
        hits += [hit for hit in strange if (hit.at, column) not in seen]
    return hits


def find_strange_findings(cohort: Cohort) -> list[Hit]:
    """Find findings outside the collection's categories, or with blank levels."""
    finding = cohort.table["finding"]
    paths = [text.split("/") for text in finding.fillna("")]
    known = [
        levels[0] in FINDING_HEADS and all(level and level == level.strip() for level in levels)
        for levels in paths
    ]
    strange = ~pd.Series(known, index=finding.index, dtype=bool)
    return list_hits(cohort, finding.notna() & strange, "finding")


def find_misplaced(cohort: Cohort) -> list[Hit]:
    """Find rows whose cells do not line up with the header."""
    return [Hit(at, "", value) for at, column, value in _list_cell_problems(cohort) if not column]


def _list_cell_problems(cohort: Cohort) -> list[tuple[int, str, str]]:
    """List position, column and value of what the loader noted about rows of X-rays.

    Files have rules of their own, and so have places.
    """
    problems = cohort.problems
    told = problems[
        (problems["file"] == METADATA_FILE)
        & problems["row"].notna()
        & ~problems["column"].isin(["filename", "location"])
    ]
    if not len(told):
        return []
    is_xray = cohort.table["is_xray"].to_numpy()
    places = {int(row): at for at, row in enumerate(cohort.table["row"]) if is_xray[at]}
    columns = {"patientid": "patient_id"}
    lines = told[["row", "column", "value", "problem"]].itertuples(index=False, name=None)
    return [
        (places[int(row)], columns.get(column, column), f"{value or 'blank'}: {problem}")
        for row, column, value, problem in lines
        if int(row) in places
    ]


def find_repeated_names(cohort: Cohort) -> list[Hit]:
    """Find file names that occur in several rows."""
    names = cohort.table["filename"].where(cohort.table["is_xray"])
    return list_hits(
        cohort, names.ne("") & names.notna() & names.duplicated(keep=False), "filename"
    )


def find_implausible(cohort: Cohort) -> list[Hit]:
    """Find numbers that are implausible in their column's unit."""
    hits = []
    for limits in LIMITS:
        numbers = cohort.table[limits.column].astype("float64")
        odd = (numbers < limits.low) | (numbers > limits.high)
        words = numbers[odd].map(limits.explain).reindex(numbers.index)
        hits += list_hits(cohort, odd, limits.column, words)
    return [*hits, *_find_impossible_sums(cohort)]


def _find_impossible_sums(cohort: Cohort) -> list[Hit]:
    """Find counts of one kind of white cell above the total count."""
    table = cohort.table
    hits = []
    for column in ("neutrophil_count", "lymphocyte_count"):
        more = table[column] > table["leukocyte_count"]
        words = [
            f"{format_cell(part)}, but {format_cell(whole)} leukocytes in all"
            for part, whole in zip(table[column], table["leukocyte_count"], strict=True)
        ]
        hits += list_hits(cohort, more, column, pd.Series(words, index=table.index))
    return hits


def find_unclear_dates(cohort: Cohort) -> list[Hit]:
    """Find dates with ambiguous day and month."""
    dates = cohort.table["date"]
    found = [SLASHED.fullmatch(str(text).strip()) for text in dates]
    unclear = [
        match is not None
        and all(1 <= int(part) <= 12 for part in match.groups())
        and int(match[1]) != int(match[2])
        for match in found
    ]
    return list_hits(cohort, pd.Series(unclear, index=dates.index, dtype=bool), "date")


RULES = read_rules(
    {
        "outside vocabulary": find_strange_words,
        "unknown finding": find_strange_findings,
        "misplaced cell": find_misplaced,
        "file name repeated": find_repeated_names,
        "implausible value": find_implausible,
        "date unclear": find_unclear_dates,
    }
)
