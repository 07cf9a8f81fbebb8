"""Flags: what may make an image unfit for a question, one yes or no an image each.

A flag removes nothing. A selection can leave the flagged images out. Every rule of the quality
ledger is a flag; two more say what is not recorded, which is no fault of a record.
"""

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.quality.ledger import mark_images
from cxrlib.quality.rules import RULES

__all__ = ["FLAGS", "list_flags"]

FLAGS = {
    **{rule.name: rule.clause for rule in RULES},
    "no age": "the age is not recorded",
    "state unknown": "neither a good nor a bad state is recorded",
}
"""Flag and what it says of an image, as a clause."""


def list_flags(cohort: Cohort) -> pd.DataFrame:
    """Tell which flags each image has.

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
