"""Rules about how an image looks. Each is a hint: a person decides."""

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.files import look_up
from cxrlib.quality.rules.rule import Hit, list_hits, read_rules

__all__ = [
    "FEW_GREYS",
    "MIN_COLOURED",
    "MIN_EXTREMES",
    "MIN_LETTERS",
    "MIN_MARKS",
    "MIN_TINT",
    "RULES",
    "UPSIDE_DOWN",
]

MIN_LETTERS = 5
"""Letters in a row that are surely no side marker; with 4 ribs and spines came up."""
MIN_MARKS = 2
MIN_COLOURED = 0.0005
"""Share of coloured pixels from which on something is drawn in colour."""
MIN_TINT = 0.3
"""Share of coloured pixels from which on the whole image is tinted."""
UPSIDE_DOWN = -0.3
"""Correlation with a drawn chest; real frontal films reach -0.17, their negatives mostly -0.5."""
FEW_GREYS = 64
MIN_EXTREMES = 0.8
"""Share of nearly black and nearly white pixels; radiographs reach 0.52."""


def _number(cohort: Cohort, measure: str) -> pd.Series:
    return look_up(cohort, measure).astype("float64")


def find_text(cohort: Cohort) -> list[Hit]:
    """Find images with a row of letters."""
    letters = _number(cohort, "n_letters")
    words = letters.map(lambda n: f"a row of {n:.0f} letters", na_action="ignore")
    return list_hits(cohort, letters >= MIN_LETTERS, "filename", words)


def find_arrows(cohort: Cohort) -> list[Hit]:
    """Find images with flat white marks on the body, or something drawn in colour."""
    marks, coloured = _number(cohort, "n_marks"), _number(cohort, "coloured")
    some = marks.map(lambda n: f"{n:.0f} flat white marks", na_action="ignore")
    drawn = (coloured >= MIN_COLOURED) & (coloured < MIN_TINT)
    share = coloured.map(lambda part: f"{part:.2%} of the pixels coloured", na_action="ignore")
    return [
        *list_hits(cohort, marks >= MIN_MARKS, "filename", some),
        *list_hits(cohort, drawn, "filename", share),
    ]


def find_tinted(cohort: Cohort) -> list[Hit]:
    """Find images that are tinted as a whole."""
    coloured = _number(cohort, "coloured")
    words = coloured.map(lambda part: f"{part:.0%} of the pixels coloured", na_action="ignore")
    return list_hits(cohort, coloured >= MIN_TINT, "filename", words)


def find_inverted(cohort: Cohort) -> list[Hit]:
    """Find frontal images that may be inverted."""
    upright = _number(cohort, "upright")
    frontal = cohort.table["view"].isin(cohort.frontal_views)
    words = upright.map(lambda r: f"correlation with a chest {r:.2f}", na_action="ignore")
    return list_hits(cohort, frontal & (upright <= UPSIDE_DOWN), "filename", words)


def find_few_greys(cohort: Cohort) -> list[Hit]:
    """Find images with few grey levels, or of nearly black and white only."""
    greys, extremes = _number(cohort, "n_greys"), _number(cohort, "extremes")
    levels = greys.map(lambda n: f"{n:.0f} grey levels", na_action="ignore")
    share = extremes.map(lambda part: f"{part:.0%} black or white", na_action="ignore")
    few = greys < FEW_GREYS
    return [
        *list_hits(cohort, few, "filename", levels),
        *list_hits(cohort, ~few & (extremes >= MIN_EXTREMES), "filename", share),
    ]


RULES = read_rules(
    {
        "perhaps text": find_text,
        "perhaps arrows": find_arrows,
        "tinted": find_tinted,
        "perhaps inverted": find_inverted,
        "few greys": find_few_greys,
    }
)
