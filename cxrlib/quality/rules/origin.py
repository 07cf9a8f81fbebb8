"""Rules about where an image is from, what it may be used for, and work left to do."""

from cxrlib.cohort import UNKNOWN, Cohort
from cxrlib.literature import read_licence
from cxrlib.quality.rules.rule import Hit, Rule, list_hits

__all__ = ["RULES", "describe_licence"]


def describe_licence(licence: str) -> str:
    """Say what a licence holds back, "" if it grants free use with attribution.

    Examples
    --------
    >>> describe_licence("CC BY-NC-ND 4.0"), describe_licence("CC BY 4.0")
    ('no derivatives, no commercial use', '')
    >>> describe_licence("listed as authorized for everyone")
    'not a licence that is known here'
    """
    found = read_licence(licence)
    if not found.is_granted:
        return "not a licence that is known here"
    held = {
        "no derivatives": not found.allows_changes,
        "no commercial use": found.is_noncommercial,
    }
    return ", ".join(words for words, holds in held.items() if holds)


def find_unknown_country(cohort: Cohort) -> list[Hit]:
    """Find images whose place is not recorded, or whose country is in no region."""
    table = cohort.table
    words = table["location"].fillna("")
    return list_hits(cohort, table["region"] == UNKNOWN, "location", words)


def find_no_licence(cohort: Cohort) -> list[Hit]:
    """Find images without a licence."""
    return list_hits(cohort, cohort.table["license"].isna(), "license")


def find_restrictive_licence(cohort: Cohort) -> list[Hit]:
    """Find images whose licence holds something back, or is not known."""
    licences = cohort.table["license"]
    held = {name: describe_licence(name) for name in licences.dropna().unique()}
    restricted = licences.isin([name for name, words in held.items() if words])
    words = licences.map(lambda name: f"{name}: {held[name]}", na_action="ignore")
    return list_hits(cohort, restricted, "license", words)


def find_no_article(cohort: Cohort) -> list[Hit]:
    """Find images without a DOI and without an address."""
    return list_hits(cohort, cohort.table["article"].isna(), "article")


def find_todo(cohort: Cohort) -> list[Hit]:
    """Find cells that say "todo"."""
    hits = []
    for column in ("finding", "view", "location", "date", "license", "clinical_notes"):
        cells = cohort.table[column].str.strip().str.casefold()
        hits += list_hits(cohort, cells == "todo", column)
    return hits


def find_unusable_finding(cohort: Cohort) -> list[Hit]:
    """Find images whose finding is blank, todo or Unknown."""
    return list_hits(cohort, ~cohort.table["usable_finding"], "finding")


RULES = (
    Rule(
        name="unknown country",
        severity="note",
        title="Country unknown",
        meaning="The image belongs to no region; it trains every held-out model and tests none.",
        action="Look the hospital up in the article.",
        find=find_unknown_country,
        clause="the country is not recorded, or not in the table of regions",
    ),
    Rule(
        name="no licence",
        severity="warning",
        title="No licence recorded",
        meaning="Nothing is granted: the image must not be passed on, and is shown here for "
        "study only.",
        action="Look the licence up at the source before any use beyond reading.",
        find=find_no_licence,
        clause="no licence is recorded: nothing is granted",
    ),
    Rule(
        name="restrictive licence",
        severity="note",
        title="Licence with restrictions",
        meaning="No derivatives forbids passing on changed copies, crops and overlays included; "
        "no commercial use forbids products.",
        action="Show such images unchanged and with their source.",
        find=find_restrictive_licence,
        clause="the licence forbids derivatives or commercial use, or is not known",
    ),
    Rule(
        name="no article",
        severity="warning",
        title="No DOI and no address",
        meaning="Nothing about the image can be checked, and nobody can be credited.",
        action="Look for the source by the file name or an image search.",
        find=find_no_article,
        clause="neither a DOI nor an address is recorded",
    ),
    Rule(
        name="todo",
        severity="warning",
        title="Marked as todo",
        meaning="The collection's own note that this record is not finished.",
        action="Finish the record from its article.",
        find=find_todo,
        clause="a cell says todo",
    ),
    Rule(
        name="no usable finding",
        severity="note",
        title="Finding blank, todo or Unknown",
        meaning="The image has no label; the published tables leave it out.",
        action="Look the finding up in the article.",
        find=find_unusable_finding,
        clause="the finding is blank, todo or Unknown",
    ),
)
