"""Rules about what an image looks like. All of them say "perhaps": a person decides."""

import pandas as pd

from cxrlib.cohort import FRONTAL_VIEWS, Cohort
from cxrlib.quality.rules.files import look_up
from cxrlib.quality.rules.rule import Hit, Rule, list_hits

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
    """Find images that are coloured throughout."""
    coloured = _number(cohort, "coloured")
    words = coloured.map(lambda part: f"{part:.0%} of the pixels coloured", na_action="ignore")
    return list_hits(cohort, coloured >= MIN_TINT, "filename", words)


def find_inverted(cohort: Cohort) -> list[Hit]:
    """Find frontal images whose black and white are perhaps swapped."""
    upright = _number(cohort, "upright")
    frontal = cohort.table["view"].isin(FRONTAL_VIEWS)
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


RULES = (
    Rule(
        name="perhaps text",
        severity="note",
        title="Perhaps text burned in",
        meaning="Words such as SUPINE or a scanner's legend tell the view, the ward and the "
        "hospital: a network may read them instead of the lungs.",
        action="Look at the image; leave such images out to see whether a result hangs on them.",
        find=find_text,
        clause="there is perhaps text in the image",
        needs_images=True,
    ),
    Rule(
        name="perhaps arrows",
        severity="warning",
        title="Perhaps arrows or marks drawn in",
        meaning="An arrow points at the finding and gives the answer away; a coloured legend or "
        "a number tells who read or made the image.",
        action="Look at the image; leave it out of training and of tests.",
        find=find_arrows,
        clause="there are perhaps arrows or marks in the image",
        needs_images=True,
    ),
    Rule(
        name="tinted",
        severity="note",
        title="Tinted image",
        meaning="A photograph of a screen or a coloured print: the first channel is a grey scale "
        "of its own.",
        action="Look for a grey copy at the source.",
        find=find_tinted,
        clause="the image is coloured throughout",
        needs_images=True,
    ),
    Rule(
        name="perhaps inverted",
        severity="warning",
        title="Perhaps black and white swapped",
        meaning="Networks are trained on bright bones; a negative gives them nonsense.",
        action="Look at the image; invert it when the data are mended.",
        find=find_inverted,
        clause="black and white are perhaps swapped",
        needs_images=True,
    ),
    Rule(
        name="few greys",
        severity="warning",
        title="Few grey levels",
        meaning="The copy lost its shades to a small palette or to a threshold: soft opacities "
        "are gone.",
        action="Look for a better copy at the source.",
        find=find_few_greys,
        clause="the image has few grey levels",
        needs_images=True,
    ),
)
