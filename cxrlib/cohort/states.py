"""The state of a patient at an image: good, bad or unknown.

After section 5.4 of Cohen et al. 2020 (Prospective Predictions) and its Figure 3:

- bad: in the ICU, or intubated, or the last image of a patient who died;
- good: not in the ICU, or not intubated, or the last image of a survivor.

An image can have reasons for both; the paper draws such points one way and arrows the
other. Here bad wins and the overlap is marked.

**Last image.** Only frontal X-rays (`Cohort.frontal_views`) compete, each patient's among
themselves, whatever their finding; a patient is a `patient_id` as recorded. An image is

- "no" where another frontal image of the patient is surely later (a larger offset);
- "yes" where every other one is surely earlier, or there is no other;
- "undefined" otherwise: a tie for the latest day, an offset not recorded that could be the
  latest, and every image that is not a frontal X-ray.

Nothing is guessed from the order of rows. Of 697 frontal images with a usable finding in the
real collection 72 are "undefined"; 122 are bad and 224 good; 18 have reasons for both: 8 in
the ICU without a tube, 8 bad ones that are a survivor's last, 5 that are the last of a
patient who died and have a good reason (3 images are in two of these groups). With
``ties="all"`` every image of the latest day counts as last, as in the paper's notebook: the
overlaps are then 20, 10 of them a survivor's last. 25 patients died, 9 of them with a single
frontal image; for 22 the last image is known.
"""

from collections.abc import Sequence

import pandas as pd

from cxrlib.cohort.metadata import PAPER_FRONTAL_VIEWS

BAD_REASONS = ("in the ICU", "intubated", "last image of a patient who died")
GOOD_REASONS = ("not in the ICU", "not intubated", "last image of a survivor")

STATE_TITLES = {
    "bad": "In ICU or intubated",
    "good": "Not in ICU, not intubated",
    "unknown": "Not recorded",
}
"""Labels of the states in legends and filters: the paper's bad and good, in clinical words."""

# Of the two recorded columns, what is said where only the other one is a no.
_BLANKS = {"not in the ICU": "intubation not recorded", "not intubated": "ICU not recorded"}


def describe_state(state: str, reasons: str = "") -> str:
    """Describe the state of an image in clinical words, from what is recorded of it.

    Parameters
    ----------
    state : str
        "bad", "good" or "unknown".
    reasons : str, default ""
        Its state_reasons; without them only the title of the state is given.

    Returns
    -------
    str
        As the end of a sentence, in lower case.

    Examples
    --------
    >>> describe_state("bad", "in the ICU; intubated")
    'in ICU, intubated'
    >>> describe_state("good", "not intubated")
    'not intubated; ICU not recorded'
    >>> describe_state("good", "not in the ICU; not intubated; last image of a survivor")
    'not in ICU, not intubated'
    >>> describe_state("good", "last image of a survivor")
    'last image of a survivor; ICU and intubation not recorded'
    >>> describe_state("unknown")
    'ICU and intubation not recorded'
    """
    if state == "unknown":
        return "ICU and intubation not recorded"
    said = [reason for reason in reasons.split("; ") if reason]
    own = [reason for reason in said if reason in (BAD_REASONS, GOOD_REASONS)[state == "good"]]
    if not own:
        title = STATE_TITLES[state]
        return title[0].lower() + title[1:]
    dated = [reason for reason in own if not reason.startswith("last image")] or own
    text = ", ".join(dated).replace("in the ICU", "in ICU")
    if state == "bad" or len(dated) == 2:
        return text
    return f"{text}; {_BLANKS.get(dated[0], 'ICU and intubation not recorded')}"


def find_last_images(
    table: pd.DataFrame,
    *,
    ties: str = "undefined",
    frontal: Sequence[str] = PAPER_FRONTAL_VIEWS,
) -> pd.Series:
    """Find the images that are the last of their patient.

    Parameters
    ----------
    table : DataFrame
        Rows with patient_id, offset (days), view and is_xray. All rows of a cohort: which
        image is the last must not depend on a selection.
    ties : {"undefined", "all"}
        Whether images tied for the latest day are undefined, or all of them last. The
        second is the published way, kept to compare counts; an undated image is then
        passed over where another has a day.
    frontal : sequence of str
        Views of the images that compete.

    Returns
    -------
    Series of str
        "yes", "no" or "undefined", on the table's index.

    Raises
    ------
    ValueError
        For another value of `ties`.
    """
    if ties not in ("undefined", "all"):
        raise ValueError(f"ties is {ties!r}: it must be 'undefined' or 'all'.")
    rows = table[table["is_xray"] & table["view"].isin(frontal)]
    offset = rows["offset"].astype("float64")
    patients = offset.groupby(rows["patient_id"])
    latest = patients.transform("max")
    n_dated = patients.transform("count")
    n_images = patients.transform("size")
    n_latest = (offset == latest).groupby(rows["patient_id"]).transform("sum")

    earlier = offset < latest
    single = n_images == 1
    if ties == "all":
        last = (offset == latest) | single
    else:
        last = ((offset == latest) & (n_latest == 1) & (n_dated == n_images)) | single
    answer = pd.Series("undefined", index=table.index, dtype="str")
    answer[earlier.index[earlier]] = "no"
    answer[last.index[last]] = "yes"
    return answer


def label_states(
    table: pd.DataFrame,
    *,
    ties: str = "undefined",
    frontal: Sequence[str] = PAPER_FRONTAL_VIEWS,
) -> pd.DataFrame:
    """Label each image good, bad or unknown, with the reasons.

    Parameters
    ----------
    table : DataFrame
        All rows of a cohort, with patient_id, offset, view, is_xray, in_icu,
        intubation_present and survival.
    ties : {"undefined", "all"}
    frontal : sequence of str
        See `find_last_images`.

    Returns
    -------
    DataFrame
        Columns is_last_image ("yes", "no", "undefined"), state ("good", "bad", "unknown":
        bad wins), state_reasons (joined by "; ", bad ones first, "" without any) and
        state_overlap (good and bad reasons both), on the table's index.
    """
    last = find_last_images(table, ties=ties, frontal=frontal)
    is_last = last == "yes"
    bad = [
        table["in_icu"] == "yes",
        table["intubation_present"] == "yes",
        is_last & (table["survival"] == "no"),
    ]
    good = [
        table["in_icu"] == "no",
        table["intubation_present"] == "no",
        is_last & (table["survival"] == "yes"),
    ]
    is_bad = bad[0] | bad[1] | bad[2]
    is_good = good[0] | good[1] | good[2]
    state = pd.Series("unknown", index=table.index, dtype="str")
    state[is_good] = "good"
    state[is_bad] = "bad"
    return pd.DataFrame(
        {
            "is_last_image": last,
            "state": state,
            "state_reasons": _join_reasons([*bad, *good], [*BAD_REASONS, *GOOD_REASONS]),
            "state_overlap": is_bad & is_good,
        }
    )


def _join_reasons(flags: list[pd.Series], reasons: list[str]) -> pd.Series:
    """Join the reasons that hold, row by row."""
    rows = zip(*(flag.to_numpy(dtype=bool) for flag in flags), strict=True)
    joined = [
        "; ".join(reason for reason, holds in zip(reasons, row, strict=True) if holds)
        for row in rows
    ]
    return pd.Series(joined, index=flags[0].index, dtype="str")
