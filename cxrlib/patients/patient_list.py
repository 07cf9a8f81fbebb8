"""Patients as a list: one row a patient, to find one and to sort by what there is of each.

A patient is an id as recorded. Two ids can be one person: this is shown, not corrected.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.cohort import PAPER_PATIENTS, XRAY_VIEWS, Cohort, sort_naturally
from cxrlib.maps import find_planted_patients
from cxrlib.quality import Ledger

ENOUGH_IMAGES = 5
"""Images of a patient that shows a course: the page opens on one that has as many."""

FIGURE_PATIENTS: Mapping[str, str] = {
    "19": "1-s2.0-S0929664620300449-gr2_lrg-a.jpg",
    "318": "1-s2.0-S1341321X20301124-gr3_lrg-a.png",
}
"""Patients of Figures 5 and 6 of the paper, each with a file that tells the real collection."""

OUTCOMES = {"no": "died", "yes": "survived", "unclear": "unclear", "not recorded": "not recorded"}
"""Survival as recorded, and what it says of a patient. It has no date."""

FACTS = ("age", "sex", "region", "country", "finding", "survival", "went_icu", "intubated")
"""Columns of which a patient has the first value recorded."""

COLUMNS = (
    *("patient_id", "person_id", "shares_person_with"),
    *("n_images", "n_with_file", "n_days", "n_undated", "first_day", "last_day", "days_spanned"),
    *("views", *FACTS, "outcome", "differs"),
    *("n_flags", "n_errors", "n_warnings", "has_scores", "n_kept"),
)

_BLANKS = ("not recorded", "Unknown", "")
_VIEW_RANKS = {view: rank for rank, view in enumerate(XRAY_VIEWS)}


def summarise_patients(cohort: Cohort, ledger: Ledger | None = None) -> pd.DataFrame:
    """Summarise a cohort's patients, a row a patient with an X-ray, in natural order of ids.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort: a patient's images are theirs whatever is filtered. See
        `select_patients` for those of a selection.
    ledger : Ledger, optional
        The cohort's flags (`cxrlib.quality.find_flags`). Without, flags are missing: not 0.

    Returns
    -------
    DataFrame
        `COLUMNS`, numbered from 0:

        - ``patient_id``; ``person_id``, missing if images were not inspected;
          ``shares_person_with``, a tuple of the other ids of that person;
        - ``n_images``, all X-rays, and ``n_with_file`` of them; ``n_days``, distinct days;
          ``n_undated`` images; ``first_day``, ``last_day`` and ``days_spanned``, the days
          between, missing where no day is recorded;
        - ``views``, such as "PA 3, AP 2"; images without a view stand as "not recorded";
        - `FACTS`: the first value recorded, in the file's order, as Table 3 of the paper takes
          patients; ``outcome``, ``survival`` in words; ``differs``, a tuple of those facts of
          which images of the patient have several values;
        - ``n_flags`` in the ledger, ``n_errors`` and ``n_warnings`` of them;
        - ``has_scores``: a severity score of an image is there; ``n_kept``: as ``n_images``.
    """
    xrays = cohort.table[cohort.table["is_xray"]].sort_values("row", kind="stable")
    codes, ids = _number_patients(xrays["patient_id"])
    n = len(ids)
    table = pd.DataFrame({"patient_id": pd.Series(ids, dtype="str")})
    table["person_id"] = _take_first(xrays["person_id"], codes, n)[0]
    table["shares_person_with"] = _list_other_ids(table)
    _add_counts(table, xrays, codes)
    table["views"] = _describe_views(xrays["view"], codes, n)
    _add_facts(table, xrays, codes)
    _add_flags(table, ledger)
    table["has_scores"] = _count(codes, n, xrays["geographic_mean"].notna()) > 0
    table["n_kept"] = table["n_images"]
    return table[list(COLUMNS)]


def select_patients(patients: pd.DataFrame, selected: Cohort) -> pd.DataFrame:
    """Keep the patients that have an X-ray in a selection.

    Parameters
    ----------
    patients : DataFrame
        Of `summarise_patients`, of the whole cohort.
    selected : Cohort
        A selection of that cohort.

    Returns
    -------
    DataFrame
        Those rows, numbered anew. ``n_kept`` counts the patient's X-rays in the selection; all
        else is still of all their X-rays.
    """
    kept = selected.table.loc[selected.table["is_xray"], "patient_id"].value_counts()
    n_kept = patients["patient_id"].map(kept).fillna(0).astype("int64")
    return patients.assign(n_kept=n_kept)[n_kept > 0].reset_index(drop=True)


# ---- whom to open on


def choose_opening_patient(
    patients: pd.DataFrame,
    *,
    suggested: Sequence[str] = (),
    planted: Mapping[str, Any] | None = None,
) -> str | None:
    """Choose the patient a page opens on: one that shows a course.

    Parameters
    ----------
    patients : DataFrame
        Of `summarise_patients` or `select_patients`.
    suggested : sequence of str
        Of `suggest_patients_of_paper`; the first with at least `ENOUGH_IMAGES` is taken.
    planted : mapping, optional
        What was planted in a synthetic cohort; the patients of its story come next.

    Returns
    -------
    str or None
        Else who has most days among those with as many images to look at, else who has most
        images; ties go to the first in the list. None if there is no patient.
    """
    if patients.empty:
        return None
    enough = patients[patients["n_with_file"] >= ENOUGH_IMAGES]
    shown = set(enough["patient_id"])
    for patient_id in (*suggested, *find_planted_patients(planted or {})):
        if patient_id in shown:
            return patient_id
    order = ["n_days", "n_with_file"] if len(enough) else ["n_with_file", "n_images"]
    rows = (enough if len(enough) else patients).sort_values(order, ascending=False, kind="stable")
    return str(rows["patient_id"].iloc[0])


def suggest_patients_of_paper(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Suggest the patients the paper shows, each with its figure.

    Parameters
    ----------
    table : DataFrame
        A cohort's table.

    Returns
    -------
    list of (str, str)
        Patient and figure; [] unless the table has all five, each with the file that it is
        known by: another cohort can have the same numbers.
    """
    known = {**FIGURE_PATIENTS, **PAPER_PATIENTS}
    rows = table[table["patient_id"].isin(list(known))]
    pairs = set(zip(rows["patient_id"], rows["image_id"], strict=True))
    if not pairs.issuperset(known.items()):
        return []
    figures = {"19": "Figure 5", "318": "Figure 6"}
    return [(patient_id, figures.get(patient_id, "Figure 3")) for patient_id in known]


# ---- columns


def _number_patients(patient_ids: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Give the patients numbers in natural order; return the number of each row, and the ids."""
    codes, ids = pd.factorize(patient_ids.to_numpy(dtype=object))
    ordered = sort_naturally(ids)
    places = {patient_id: place for place, patient_id in enumerate(ordered)}
    return np.array([places[each] for each in ids], dtype=int)[codes], ordered


def _count(codes: np.ndarray, n: int, marks: pd.Series | np.ndarray) -> np.ndarray:
    """Count the marked rows of each patient."""
    return np.bincount(codes[np.asarray(marks, dtype=bool)], minlength=n)


def _list_other_ids(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """List, for each patient, the other ids of the same person."""
    others: list[tuple[str, ...]] = [()] * len(table)
    persons = table["person_id"]
    shared = persons[persons.notna() & persons.duplicated(keep=False)]
    ids = table["patient_id"].to_numpy(dtype=object)
    for places in shared.groupby(shared).indices.values():
        rows = shared.index.to_numpy()[places]
        for row in rows:
            others[row] = tuple(ids[other] for other in rows if other != row)
    return others


def _add_counts(table: pd.DataFrame, xrays: pd.DataFrame, codes: np.ndarray) -> None:
    """Add how many images there are, with a file and by day."""
    n = len(table)
    days = xrays["offset"].to_numpy(dtype=float, na_value=np.nan)
    dated = ~np.isnan(days)
    pairs = pd.DataFrame({"patient": codes[dated], "day": days[dated]})
    by_patient = pairs.groupby("patient")["day"]
    table["n_images"] = np.bincount(codes, minlength=n)
    table["n_with_file"] = _count(codes, n, xrays["file_status"] == "ok")
    table["n_days"] = by_patient.nunique().reindex(table.index, fill_value=0)
    table["n_undated"] = _count(codes, n, ~dated)
    table["first_day"] = by_patient.min().reindex(table.index).astype("Float64")
    table["last_day"] = by_patient.max().reindex(table.index).astype("Float64")
    table["days_spanned"] = table["last_day"] - table["first_day"]


def _describe_views(views: pd.Series, codes: np.ndarray, n: int) -> pd.Series:
    """Describe the views of each patient, most images first; ties as radiologists list them."""
    kinds, names = pd.factorize(views.fillna("not recorded").to_numpy(dtype=object))
    counts = np.zeros((n, len(names)), dtype=np.int64)
    np.add.at(counts, (codes, kinds), 1)
    # Few combinations are there, and each is put into words once.
    combinations, which = np.unique(counts, axis=0, return_inverse=True)
    words = [_describe_combination(names, row) for row in combinations]
    return pd.Series([words[i] for i in which.reshape(-1)], dtype="str")


def _describe_combination(names: np.ndarray, counts: np.ndarray) -> str:
    there = [(str(names[i]), int(count)) for i, count in enumerate(counts) if count]
    there.sort(key=lambda pair: (-pair[1], _VIEW_RANKS.get(pair[0], len(_VIEW_RANKS)), pair[0]))
    return ", ".join(f"{name} {count}" for name, count in there)


def _add_facts(table: pd.DataFrame, xrays: pd.DataFrame, codes: np.ndarray) -> None:
    """Add the first value recorded of each fact, and of which a patient has several."""
    n = len(table)
    several = np.zeros((n, len(FACTS)), dtype=bool)
    for i, name in enumerate(FACTS):
        table[name], several[:, i] = _take_first(xrays[name], codes, n)
    for name in ("survival", "went_icu", "intubated"):
        table[name] = table[name].fillna("not recorded")
    table["outcome"] = table["survival"].map(OUTCOMES)
    combinations, which = np.unique(several, axis=0, return_inverse=True)
    names = [tuple(np.array(FACTS)[row].tolist()) for row in combinations]
    table["differs"] = [names[i] for i in which.reshape(-1)]


def _take_first(values: pd.Series, codes: np.ndarray, n: int) -> tuple[pd.Series, np.ndarray]:
    """Take each patient's first value that is recorded, and tell who has several."""
    is_number = pd.api.types.is_numeric_dtype(values.dtype)
    kinds, names = pd.factorize(values.astype("Float64" if is_number else "object"))
    blanks = [i for i, name in enumerate(names) if name in _BLANKS]
    known = np.flatnonzero((kinds >= 0) & ~np.isin(kinds, blanks))
    owners, chosen = codes[known], kinds[known]
    first = np.full(n, -1)
    first[owners[::-1]] = chosen[::-1]  # backwards: the first of a patient is written last
    several = np.zeros(n, dtype=bool)
    several[owners[chosen != first[owners]]] = True
    taken = pd.Series(names, dtype="Float64" if is_number else "str").reindex(first)
    return taken.reset_index(drop=True), several


def _add_flags(table: pd.DataFrame, ledger: Ledger | None) -> None:
    """Add the numbers of flags, by their severity."""
    names = ("n_flags", "n_errors", "n_warnings")
    if ledger is None:
        for name in names:
            table[name] = pd.Series(pd.NA, index=table.index, dtype="Int64")
        return
    severity = ledger.table["severity"]
    for name, marks in zip(
        names, (severity != "", severity == "error", severity == "warning"), strict=True
    ):
        counts = ledger.table.loc[marks, "patient_id"].value_counts()
        table[name] = table["patient_id"].map(counts).fillna(0).astype("Int64")
