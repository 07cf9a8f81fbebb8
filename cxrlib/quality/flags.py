"""Flags: what may make an image unsuitable, yes or no for each image.

A flag removes no image. A selection can leave the flagged images out. Every rule of the quality
ledger is a flag; two more mark what is not recorded, which is not an error.
"""

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.quality.ledger import mark_images
from cxrlib.quality.rules import RULES

FLAGS = {
    **{rule.name: rule.clause for rule in RULES},
    "no age": "the age is not recorded",
    "state unknown": "neither ICU nor intubation is recorded",
}
"""Each flag and what it says about an image, as a clause."""


def list_flags(cohort: Cohort) -> pd.DataFrame:
    """List which flags each image has.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    DataFrame of bool
        A row an image on the index of the cohort's table, a column a flag, in the order of
        `FLAGS`. Near-identical images and shared persons are those of the whole cohort that
        was loaded: a flag does not go away because the other image was left out.
    """
    table = cohort.table
    flags = mark_images(cohort)
    flags["no age"] = table["age"].isna() & table["is_xray"]
    flags["state unknown"] = (table["state"] == "unknown") & table["is_xray"]
    return flags[list(FLAGS)].astype(bool)
