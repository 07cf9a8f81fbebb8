"""Patients, a row each: against a slow reference, whatever the order of rows."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.maps import find_planted_patients
from cxrlib.patients import (
    choose_opening_patient,
    select_patients,
    suggest_patients_of_paper,
    summarise_patients,
)
from cxrlib.patients.patient_list import COLUMNS, FACTS
from cxrlib.quality import find_flags
from tests.cohort_factory import make_cohort
from tests.patient_factory import ODD_IDS, make_ledger, make_patient_table, wrap_table


def reference(table: pd.DataFrame, patient_id: str) -> dict[str, object]:
    """Summarise one patient, slowly."""
    rows = table[table["patient_id"] == patient_id].sort_values("row")
    days = [float(day) for day in rows["offset"] if not pd.isna(day)]
    found: dict[str, object] = {
        "n_images": len(rows),
        "n_with_file": sum(status == "ok" for status in rows["file_status"]),
        "n_days": len(set(days)),
        "n_undated": len(rows) - len(days),
        "first_day": min(days) if days else None,
        "last_day": max(days) if days else None,
        "days_spanned": max(days) - min(days) if days else None,
    }
    differs = []
    for name in FACTS:
        blank = ("not recorded", "Unknown")
        known = [each for each in rows[name] if not pd.isna(each) and each not in blank]
        is_answer = name in ("survival", "went_icu", "intubated")
        found[name] = known[0] if known else "not recorded" if is_answer else None
        if len(set(known)) > 1:
            differs.append(name)
    found["differs"] = tuple(differs)
    return found


def plain(value: object) -> object:
    """Give None for what is missing."""
    return None if not isinstance(value, tuple) and pd.isna(value) else value


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Make 120 patients, their rows mixed and some of their facts in conflict."""
    ids = [*ODD_IDS, *(str(i) for i in range(103))]
    table = make_patient_table(ids, seed=3)
    rng = np.random.default_rng(0)
    odd = rng.uniform(size=len(table)) < 0.2
    table.loc[odd, "finding"] = "Pneumonia/Fungal"
    table.loc[rng.uniform(size=len(table)) < 0.2, "country"] = pd.NA
    table["row"] = rng.permutation(len(table)) + 2
    return table


def test_each_patient_is_as_counted_slowly(table) -> None:
    """Counts, days, first values and what differs."""
    patients = summarise_patients(wrap_table(table))
    assert tuple(patients.columns) == COLUMNS
    assert set(patients["patient_id"]) == set(table["patient_id"])
    for row in patients.to_dict("records"):
        for name, value in reference(table, row["patient_id"]).items():
            assert plain(row[name]) == value, (row["patient_id"], name)


def test_the_order_of_rows_changes_nothing(table) -> None:
    """The file's order is by row, wherever a row stands."""
    mixed = table.sample(frac=1, random_state=1).reset_index(drop=True)
    first, second = (summarise_patients(wrap_table(each)) for each in (table, mixed))
    pd.testing.assert_frame_equal(first, second)


def test_flags_are_counted_by_severity(table) -> None:
    """All of them, errors and warnings; without a ledger they are missing, not 0."""
    ledger = make_ledger(table)
    patients = summarise_patients(wrap_table(table), ledger)
    for row in patients.head(20).to_dict("records"):
        flags = ledger.table[ledger.table["patient_id"] == row["patient_id"]]["severity"]
        counts = [len(flags), (flags == "error").sum(), (flags == "warning").sum()]
        assert [row["n_flags"], row["n_errors"], row["n_warnings"]] == counts
    assert patients["n_flags"].sum() == len(ledger.table)
    assert summarise_patients(wrap_table(table))["n_flags"].isna().all()


def load(tmp_path: Path, rows: list[dict[str, object]], **more: object) -> Cohort:
    """Load a cohort of some rows."""
    folder = make_cohort(tmp_path / "cohort", rows, **more)  # type: ignore[arg-type]
    return load_cohort(folder, inspect_images=False)


def test_a_patient_in_words(tmp_path) -> None:
    """Views most first, blanks said, a file that is not there, a fact that differs."""
    rows = [
        {"patientid": "a10", "view": "AP", "offset": -3, "finding": "No Finding"},
        {"patientid": "a10", "view": "AP", "offset": 5.5, "survival": "N", "location": "X, Japan"},
        {"patientid": "a10", "view": "PA", "offset": ""},
        {"patientid": "a10", "view": "", "offset": 5.5, "location": "Y, Spain"},
        {"patientid": "a9"},
        {"patientid": "ct", "modality": "CT", "view": "Axial"},
    ]
    cohort = load(tmp_path, rows, scores={"image1.png": (1, 2)})
    patients = summarise_patients(cohort)
    assert patients["patient_id"].tolist() == ["a9", "a10"]
    row = patients.iloc[1]
    assert row["views"] == "AP 2, PA 1, not recorded 1"
    assert (row["first_day"], row["last_day"], row["days_spanned"]) == (-3, 5.5, 8.5)
    assert (row["n_days"], row["n_undated"]) == (2, 1)
    assert (row["outcome"], row["country"]) == ("died", "Japan")
    assert row["finding"] == "No Finding"
    assert row["differs"] == ("region", "country", "finding")
    assert row["has_scores"]
    assert pd.isna(row["person_id"])
    assert row["shares_person_with"] == ()


def test_ids_of_one_person_are_named(table) -> None:
    """Each names the others, in natural order."""
    merged = table.copy()
    merged.loc[merged["patient_id"].isin(["5", "40", "9"]), "person_id"] = "5"
    patients = summarise_patients(wrap_table(merged)).set_index("patient_id")
    shared = patients["shares_person_with"]
    assert (shared["5"], shared["9"], shared["40"]) == (("9", "40"), ("5", "40"), ("5", "9"))
    assert (shared.map(len) > 0).sum() == 3


def test_no_patient_is_a_list_of_none(table) -> None:
    """An empty cohort has the same columns."""
    empty = summarise_patients(wrap_table(table.iloc[:0]), make_ledger(table))
    assert tuple(empty.columns) == COLUMNS
    assert empty.empty
    assert choose_opening_patient(empty) is None


def test_a_selection_keeps_whole_patients(table) -> None:
    """Who has an image in it stays, with all of theirs; how many are in it is counted."""
    cohort = wrap_table(table)
    patients = summarise_patients(cohort)
    selected = cohort.select(cohort.table["view"] == "L", "lateral")
    kept = select_patients(patients, selected)
    lateral = table[table["view"] == "L"].groupby("patient_id").size()
    assert dict(zip(kept["patient_id"], kept["n_kept"], strict=True)) == lateral.to_dict()
    whole = patients.set_index("patient_id")["n_images"]
    assert (kept.set_index("patient_id")["n_images"] == whole[kept["patient_id"]]).all()
    assert select_patients(patients, cohort).equals(patients)


def make_list(**images: int) -> pd.DataFrame:
    """Make a list of patients with so many images each, a day each."""
    n = list(images.values())
    ids = pd.Series(list(images), dtype="str")
    return pd.DataFrame({"patient_id": ids, "n_images": n, "n_with_file": n, "n_days": n})


def test_it_opens_on_a_course() -> None:
    """On one suggested that has five images, else of the story, else on most days."""
    patients = make_list(a=4, b=5, c=9, d=6)
    story = {"story": {"patients": ["a", "d", 3]}}
    assert choose_opening_patient(patients) == "c"
    assert choose_opening_patient(patients, planted=story) == "c"  # not a list of texts
    story["story"]["patients"].pop()
    assert choose_opening_patient(patients, planted=story) == "d"
    assert choose_opening_patient(patients, suggested=["a", "b"], planted=story) == "b"
    assert choose_opening_patient(make_list(a=1, b=3, c=3)) == "b"


@pytest.mark.parametrize("planted", [{}, {"story": 3}, {"story": {"patients": "ab"}}])
def test_a_story_may_be_anything(planted) -> None:
    """What is no list of ids names nobody."""
    assert find_planted_patients(planted) == ()


def test_ten_thousand_patients_are_summarised_at_once() -> None:
    """In processor time, with room for a slow machine: 0.2 s where it was measured."""
    table = make_patient_table([f"{i}{'a' * (i % 7 == 0)}" for i in range(10_000)])
    ledger, cohort = make_ledger(table), wrap_table(table)
    start = time.process_time()
    patients = summarise_patients(cohort, ledger)
    assert time.process_time() - start < 2
    assert len(patients) == 10_000


def test_the_patients_of_the_paper_are_those_of_its_collection(table) -> None:
    """The same numbers elsewhere are other patients."""
    assert suggest_patients_of_paper(table.assign(patient_id="19")) == []
    assert suggest_patients_of_paper(table) == []


def test_the_real_collection(real_root) -> None:
    """449 ids; 24 share a person; 318 opens, being of Figure 6 with five images."""
    cohort = load_cohort(real_root, inspect_images=False)
    patients = summarise_patients(cohort, find_flags(cohort))
    assert len(patients) == 449
    assert patients["n_images"].sum() == 866
    assert patients["outcome"].value_counts().to_dict() == {
        "not recorded": 314,
        "survived": 109,
        "died": 26,
    }
    rows = patients.set_index("patient_id")
    assert rows.loc["436", "views"] == "AP Supine 22"
    assert rows.loc["360b", "days_spanned"] == 360
    assert rows.loc["318", "differs"] == ("finding",)
    suggested = suggest_patients_of_paper(cohort.table)
    assert [each for each, _ in suggested] == ["19", "318", "178", "205", "332"]
    opening = choose_opening_patient(patients, suggested=[each for each, _ in suggested])
    assert opening == "318"
