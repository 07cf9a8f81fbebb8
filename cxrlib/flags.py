"""Flags: what may make an image unfit for a question, one yes or no an image each.

A flag removes nothing. A selection can leave the flagged images out.
"""

import pandas as pd

from cxrlib.cohort import Cohort

__all__ = ["FLAGS", "list_flags"]

FLAGS = {
    "no file": "no image file lies in the cohort's folder",
    "unreadable": "the file cannot be decoded, or its name leaves the folder",
    "near duplicate": "another image is nearly identical",
    "person under two ids": "a near-identical image stands under another patient's id",
    "no usable finding": "the finding is blank, todo or Unknown",
    "no day": "the day is not recorded",
    "no age": "the age is not recorded",
    "no licence": "no licence is recorded: nothing is granted",
    "state unknown": "neither a good nor a bad state is recorded",
    "state overlap": "there are reasons for a good and for a bad state",
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
    table, pairs = cohort.table, cohort.duplicates
    twins = {*pairs["image_id_1"], *pairs["image_id_2"]}
    across = pairs[pairs["patient_id_1"] != pairs["patient_id_2"]]
    shared = {*across["patient_id_1"], *across["patient_id_2"]}
    flags = {
        "no file": table["file_status"] == "no file",
        "unreadable": table["file_status"].isin(["unreadable", "outside"]),
        "near duplicate": table["image_id"].isin(twins),
        "person under two ids": table["patient_id"].isin(shared),
        "no usable finding": ~table["usable_finding"],
        "no day": table["offset"].isna(),
        "no age": table["age"].isna(),
        "no licence": table["license"].isna(),
        "state unknown": table["state"] == "unknown",
        "state overlap": table["state_overlap"],
    }
    return pd.DataFrame(flags).astype(bool)[list(FLAGS)]
