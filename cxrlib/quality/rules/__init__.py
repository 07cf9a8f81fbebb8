"""The rules of the quality ledger, one small pure function each, by what they look at."""

from cxrlib.quality.rules import days, duplicates, files, looks, origin, outcomes, patients, values
from cxrlib.quality.rules.rule import SEVERITIES, Hit, Rule, Severity

__all__ = ["RULES", "SEVERITIES", "Hit", "Rule", "Severity"]

RULES: tuple[Rule, ...] = (
    *files.RULES,
    *duplicates.RULES,
    *patients.RULES,
    *days.RULES,
    *outcomes.RULES,
    *values.RULES,
    *origin.RULES,
    *looks.RULES,
)
"""All rules, in the order in which they are shown."""
