"""Rules about origin and licence of an image, and records not finished."""

from cxrlib.cohort import UNKNOWN, Cohort
from cxrlib.literature import read_licence
from cxrlib.quality.rules.rule import Hit, list_hits, read_rules

__all__ = ["RULES", "describe_licence"]


def describe_licence(licence: str) -> str:
    """Describe what a licence forbids, "" if it grants free use with attribution.

    Examples
    --------
    >>> describe_licence("CC BY-NC-ND 4.0"), describe_licence("CC BY 4.0")
    ('no derivatives, no commercial use', '')
    >>> describe_licence("listed as authorized for everyone")
    'not a known licence'
    """
    found = read_licence(licence)
    if not found.is_granted:
        return "not a known licence"
    held = {
        "no derivatives": not found.allows_changes,
        "no commercial use": found.is_noncommercial,
    }
    return ", ".join(words for words, holds in held.items() if holds)


def find_unknown_country(cohort: Cohort) -> list[Hit]:
    """Find images whose country is not recorded or in no region."""
    table = cohort.table
    words = table["location"].fillna("")
    return list_hits(cohort, table["region"] == UNKNOWN, "location", words)


def find_no_licence(cohort: Cohort) -> list[Hit]:
    """Find images without a licence."""
    return list_hits(cohort, cohort.table["license"].isna(), "license")


def find_restrictive_licence(cohort: Cohort) -> list[Hit]:
    """Find images whose licence has restrictions or is not known."""
    licences = cohort.table["license"]
    held = {name: describe_licence(name) for name in licences.dropna().unique()}
    restricted = licences.isin([name for name, words in held.items() if words])
    words = licences.map(lambda name: f"{name}: {held[name]}", na_action="ignore")
    return list_hits(cohort, restricted, "license", words)


def find_no_article(cohort: Cohort) -> list[Hit]:
    """Find images without a DOI and without a web address."""
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


RULES = read_rules(
    {
        "unknown country": find_unknown_country,
        "no licence": find_no_licence,
        "restrictive licence": find_restrictive_licence,
        "no article": find_no_article,
        "todo": find_todo,
        "no usable finding": find_unusable_finding,
    }
)
