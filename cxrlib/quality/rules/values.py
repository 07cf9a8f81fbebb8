"""Rules about single values: outside the vocabulary, implausible by their unit, misplaced."""

import re
from dataclasses import dataclass

import pandas as pd

from cxrlib.cohort import METADATA_FILE, XRAY_VIEWS, Cohort
from cxrlib.quality.rules.rule import Hit, Rule, list_hits, name_value

__all__ = ["LIMITS", "RULES", "VOCABULARY", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Hold what a measured value can be in its unit, in a living patient; both ends included.

    Parameters
    ----------
    column, unit : str
    low, high : float
    below, above : str
        What a value beyond an end perhaps is.
    """

    column: str
    unit: str
    low: float
    high: float
    below: str
    above: str

    def explain(self, value: float) -> str:
        """Say what is odd about a value, "" if nothing."""
        if self.low <= value <= self.high:
            return ""
        guess = self.below if value < self.low else self.above
        return f"{name_value(value)} {self.unit}: {guess}"


LIMITS = (
    Limits("age", "years", 0, 105, "", "older than all but a few people"),
    Limits("temperature", "°C", 30, 43, "perhaps a slip", "perhaps Fahrenheit"),
    Limits("pO2_saturation", "%", 50, 100, "perhaps a pressure in mmHg", "a pressure in mmHg"),
    Limits("leukocyte_count", "10^9/L", 0.1, 100, "perhaps a slip", "perhaps cells per µL"),
    Limits("neutrophil_count", "10^9/L", 0.1, 50, "perhaps a slip", "another unit, perhaps %"),
    Limits("lymphocyte_count", "10^9/L", 0.05, 10, "perhaps a slip", "another unit, perhaps %"),
)
"""Units are those of the collection's SCHEMA.md. Wide on purpose: these are no reference ranges."""

VOCABULARY = {"view": XRAY_VIEWS, "sex": ("F", "M")}
"""Words that the typed columns may hold; the yes-or-no columns cannot hold others."""
FINDING_HEADS = ("Pneumonia", "No Finding", "Tuberculosis", "todo", "Unknown")
"""First levels of findings in the collection."""

# 03/09/20: the third of September or the ninth of March.
SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{2,4}")


def find_strange_words(cohort: Cohort) -> list[Hit]:
    """Find cells that held no word of their column's vocabulary, or no number."""
    lines = _list_cell_problems(cohort)
    hits = [Hit(at, column, value) for at, column, value in lines if column]
    seen = {(hit.at, hit.column) for hit in hits}
    for column, words in VOCABULARY.items():
        cells = cohort.table[column]
        strange = list_hits(cohort, cells.notna() & ~cells.isin(words), column)
        hits += [hit for hit in strange if (hit.at, column) not in seen]
    return hits


def find_strange_findings(cohort: Cohort) -> list[Hit]:
    """Find findings that start with no word of the collection's tree, or have blank levels."""
    finding = cohort.table["finding"]
    paths = [text.split("/") for text in finding.fillna("")]
    known = [
        levels[0] in FINDING_HEADS and all(level and level == level.strip() for level in levels)
        for levels in paths
    ]
    strange = ~pd.Series(known, index=finding.index, dtype=bool)
    return list_hits(cohort, finding.notna() & strange, "finding")


def find_misplaced(cohort: Cohort) -> list[Hit]:
    """Find rows whose cells do not lie under the header."""
    return [Hit(at, "", value) for at, column, value in _list_cell_problems(cohort) if not column]


def _list_cell_problems(cohort: Cohort) -> list[tuple[int, str, str]]:
    """List position, column and value of what the reader wrote down about rows of X-rays.

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
    """Find file names that stand in several rows."""
    names = cohort.table["filename"].where(cohort.table["is_xray"])
    return list_hits(
        cohort, names.ne("") & names.notna() & names.duplicated(keep=False), "filename"
    )


def find_implausible(cohort: Cohort) -> list[Hit]:
    """Find numbers that cannot be right in their column's unit."""
    hits = []
    for limits in LIMITS:
        numbers = cohort.table[limits.column].astype("float64")
        odd = (numbers < limits.low) | (numbers > limits.high)
        words = numbers[odd].map(limits.explain).reindex(numbers.index)
        hits += list_hits(cohort, odd, limits.column, words)
    return [*hits, *_find_impossible_sums(cohort)]


def _find_impossible_sums(cohort: Cohort) -> list[Hit]:
    """Find counts of one kind of white cell above the count of all."""
    table = cohort.table
    hits = []
    for column in ("neutrophil_count", "lymphocyte_count"):
        more = table[column] > table["leukocyte_count"]
        words = [
            f"{name_value(part)}, but {name_value(whole)} leukocytes in all"
            for part, whole in zip(table[column], table["leukocyte_count"], strict=True)
        ]
        hits += list_hits(cohort, more, column, pd.Series(words, index=table.index))
    return hits


def find_unclear_dates(cohort: Cohort) -> list[Hit]:
    """Find dates whose day and month can be swapped."""
    dates = cohort.table["date"]
    found = [SLASHED.fullmatch(str(text).strip()) for text in dates]
    unclear = [
        match is not None
        and all(1 <= int(part) <= 12 for part in match.groups())
        and int(match[1]) != int(match[2])
        for match in found
    ]
    return list_hits(cohort, pd.Series(unclear, index=dates.index, dtype=bool), "date")


RULES = (
    Rule(
        name="outside vocabulary",
        severity="warning",
        title="A value that its column does not know",
        meaning="The cell is read as not recorded, or kept but counted nowhere.",
        action="Correct the cell in metadata.csv.",
        find=find_strange_words,
        clause="a cell holds no word or number that its column knows",
    ),
    Rule(
        name="unknown finding",
        severity="warning",
        title="A finding outside of the collection's tree",
        meaning="It counts as a kind of its own, so tables by type or genus miss it.",
        action="Write it as a path, such as Pneumonia/Viral/COVID-19.",
        find=find_strange_findings,
        clause="the finding is not in the collection's tree",
    ),
    Rule(
        name="misplaced cell",
        severity="warning",
        title="Cells that do not lie under the header",
        meaning="A comma or a quote too many or too few: other cells of the row may have moved.",
        action="Compare the row with the file in a text editor.",
        find=find_misplaced,
        clause="cells of the row do not lie under the header",
    ),
    Rule(
        name="file name repeated",
        severity="error",
        title="A file name that stands in several rows",
        meaning="Several records claim one image: what holds for one may not hold for the other.",
        action="Keep one row, or name each row's own file.",
        find=find_repeated_names,
        clause="another row has the same file name",
    ),
    Rule(
        name="implausible value",
        severity="warning",
        title="A number that cannot be right in its unit",
        meaning="Most often another unit: °F, mmHg, %, cells per µL. An average over the column "
        "mixes units.",
        action="Compare with the article; do not average the column.",
        find=find_implausible,
        clause="a measured value cannot be right in its unit",
    ),
    Rule(
        name="date unclear",
        severity="note",
        title="A date whose day and month can be swapped",
        meaning="03/09/20 is March in one country and September in another.",
        action="Write the month as a word, or year first.",
        find=find_unclear_dates,
        clause="day and month of the date can be swapped",
    ),
)
