"""Show the patients as a list beside a page: search, sort, choose one by mouse or key.

The list goes to the browser once. Searching, sorting and scrolling happen there; what is asked
of the server is the patient to show.
"""

import functools
import hashlib
import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.patients import (
    choose_opening_patient,
    select_patients,
    suggest_patients_of_paper,
    summarise_patients,
)
from cxrlib.quality import find_flags
from ui.widgets.component import load_component, read_sent

__all__ = [
    "Everybody",
    "load_everybody",
    "load_patients",
    "pack_patients",
    "read_asked",
    "show_patient_list",
]

PLACE = Path(__file__).with_name("place.css")
MOST_TEXT = 120  # signs of a text that are shown; ids go whole, to be sent back
BLANK = "not recorded"


@functools.lru_cache(maxsize=32)
def load_patients(cohort: Cohort, selected: Cohort) -> pd.DataFrame:
    """Summarise the patients of a selection once for all sessions.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort.
    selected : Cohort
        A selection of it, as `ui.session.filters.load_selected` returns it.

    Returns
    -------
    DataFrame
        Of `cxrlib.patients.select_patients`; do not change it in place.
    """
    return select_patients(load_everybody(cohort).patients, selected)


@dataclass(frozen=True, eq=False)
class Everybody:
    """Hold the patients of a whole cohort, whatever is filtered; a container of their ids.

    Parameters
    ----------
    patients : DataFrame
        Of `cxrlib.patients.summarise_patients`.
    suggested : tuple of (str, str)
        Of `cxrlib.patients.suggest_patients_of_paper`: patient and figure.
    planted : mapping or None
        `Cohort.planted`.
    """

    patients: pd.DataFrame
    suggested: tuple[tuple[str, str], ...]
    planted: Mapping[str, Any] | None

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {patient_id: i for i, patient_id in enumerate(self.patients["patient_id"])}

    def __contains__(self, patient_id: object) -> bool:
        """Tell whether the cohort has an X-ray of such a patient."""
        return patient_id in self._places

    def find(self, patient_id: str) -> pd.Series:
        """Return the row of a patient of this cohort."""
        return self.patients.iloc[self._places[patient_id]]

    def choose_opening(self, patients: pd.DataFrame) -> str:
        """Choose whom to open on among the patients of a selection, of whom there is one."""
        suggested = [patient_id for patient_id, _ in self.suggested]
        chosen = choose_opening_patient(patients, suggested=suggested, planted=self.planted)
        return str(chosen)


@functools.lru_cache(maxsize=4)
def load_everybody(cohort: Cohort) -> Everybody:
    """Summarise all patients of a cohort once for all sessions."""
    return Everybody(
        summarise_patients(cohort, find_flags(cohort)),
        tuple(suggest_patients_of_paper(cohort.table)),
        cohort.planted,
    )


def show_patient_list(
    patients: pd.DataFrame,
    *,
    chosen: str | None,
    key: str,
    suggested: Sequence[tuple[str, str]] = (),
    height: int = 560,
) -> str | None:
    """Show a list of patients.

    Parameters
    ----------
    patients : DataFrame
        Of `load_patients`: the same object at every run, so that it is packed once.
    chosen : str or None
        The patient shown on the page; one that is not in the list is said to be out of it.
    key : str
        Names this list; its search, order and place are kept under it in the browser.
    suggested : sequence of (str, str)
        Patients to offer above the list, each with why, such as ("19", "Figure 5").
    height : int
        Pixels of the lines, where the list stands beside the page.

    Returns
    -------
    str or None
        The patient the reader asks for in this run; `read_asked` tells it before the list is
        shown.
    """
    asked = read_asked(patients, key=key)
    packed = pack_patients(patients)
    name = packed[:16].decode()
    st.html(PLACE)
    with st.container(key=f"cxr_patients_{key}", gap=None):
        # The lines come apart from what changes: an unchanged message is not sent again.
        load_component(__file__)(key=f"{key}_lines", data=packed, height="content")
        load_component(__file__)(
            key=key,
            data={
                "key": key,
                "lines": name,
                "chosen": chosen,
                "height": height,
                "suggested": [list(each) for each in suggested],
            },
            on_asked_change=lambda: None,
            height="content",
        )
    return asked


def read_asked(patients: pd.DataFrame, *, key: str) -> str | None:
    """Return the patient the reader asks for in this run, if the list has it.

    Call it before the page decides whom to show: one run is then enough.
    """
    asked = read_sent(key, "asked")
    patient_id = asked.get("id") if isinstance(asked, Mapping) else None
    if not isinstance(patient_id, str):
        return None
    return patient_id if (patients["patient_id"] == patient_id).any() else None


# ---- what the browser gets

_PACKED: dict[int, tuple[weakref.ref[pd.DataFrame], bytes]] = {}


def pack_patients(patients: pd.DataFrame) -> bytes:
    """Pack a list into what the browser takes; the same object is packed once.

    Returns
    -------
    bytes
        Sixteen signs that name the content, then JSON: a list a column, in the order of the rows.
    """
    kept = _PACKED.get(id(patients))
    if kept is not None and kept[0]() is patients:
        return kept[1]
    content = json.dumps(_describe_columns(patients), separators=(",", ":")).encode()
    packed = hashlib.sha256(content).hexdigest()[:16].encode() + content
    number = id(patients)
    _PACKED[number] = (weakref.ref(patients, lambda _: _PACKED.pop(number, None)), packed)
    return packed


def _describe_columns(patients: pd.DataFrame) -> dict[str, Any]:
    """Turn columns into lists; texts that repeat are numbered."""
    numbers = ("n_images", "n_kept", "n_with_file", "n_undated", "n_days", "n_flags")
    more = ("n_errors", "n_warnings", "days_spanned", "first_day", "age")
    texts = ("views", "region", "country", "finding", "sex", "outcome", "went_icu", "intubated")
    columns: dict[str, Any] = {"patient_id": patients["patient_id"].tolist()}
    for name in (*numbers, *more):
        columns[name] = [None if pd.isna(each) else each for each in patients[name].tolist()]
    for name in texts:
        columns[name] = _number_texts(patients[name])
    for name in ("shares_person_with", "differs"):
        # Few have any: only those go.
        columns[name] = {
            str(i): list(each)[:20] for i, each in enumerate(patients[name]) if len(each)
        }
    return columns


def _number_texts(values: pd.Series) -> dict[str, list[Any]]:
    """Give each text of a column a number."""
    codes, names = pd.factorize(values.fillna(BLANK).to_numpy(dtype=object))
    return {"codes": codes.tolist(), "names": [_shorten(str(name)) for name in names]}


def _shorten(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
