"""What the list of patients sends to the browser, and what it takes from it."""

import gc
import json
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import ui.patients.patient_list.patient_list
from cxrlib.charts.style import PALETTES
from cxrlib.patients import summarise_patients
from tests.patient_factory import ODD_IDS, make_ledger, make_patient_table, wrap_table
from ui.patients.patient_list import load_patients, patient_list
from ui.patients.patient_list.patient_list import MOST_TEXT, pack_patients

FILE = Path(ui.patients.patient_list.patient_list.__file__)


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Summarise patients of odd ids."""
    table = make_patient_table(ODD_IDS)
    return summarise_patients(wrap_table(table), make_ledger(table))


def unpack(packed: bytes) -> dict:
    """Read what the browser gets."""
    return json.loads(packed[16:])


def test_ids_go_whole_and_each_column_has_a_value_a_patient(patients) -> None:
    """What is sent back must be the id; blanks are null, or a text of their own."""
    columns = unpack(pack_patients(patients))
    assert columns["patient_id"] == patients["patient_id"].tolist()
    assert set(columns["patient_id"]) == set(ODD_IDS)
    for name, column in columns.items():
        if isinstance(column, list):
            assert len(column) == len(patients), name
        elif "codes" in column:
            texts = [column["names"][code] for code in column["codes"]]
            assert texts == patients[name].fillna("not recorded").tolist()
    assert columns["n_flags"] == patients["n_flags"].tolist()
    spans = [None if pd.isna(each) else each for each in patients["days_spanned"]]
    assert columns["days_spanned"] == spans


def test_who_was_not_judged_has_no_flags(patients) -> None:
    """Missing is null, not 0."""
    columns = unpack(pack_patients(patients.assign(n_errors=pd.NA, n_warnings=pd.NA)))
    assert set(columns["n_errors"]) == {None}


def test_few_have_other_ids_and_only_those_go(patients) -> None:
    """By place, as texts."""
    others = [("a", "<b>")] + [()] * (len(patients) - 1)
    columns = unpack(pack_patients(patients.assign(shares_person_with=others)))
    assert columns["shares_person_with"] == {"0": ["a", "<b>"]}


def test_long_texts_are_cut(patients) -> None:
    """A finding of a whole page is not a line's."""
    columns = unpack(pack_patients(patients.assign(finding="x" * 5000)))
    assert columns["finding"]["names"] == ["x" * (MOST_TEXT - 1) + "…"]


def test_a_list_is_packed_once_and_forgotten_with_it(patients) -> None:
    """The same object gives the same bytes; the same content the same name."""
    own = patients.copy()
    packed = pack_patients(own)
    assert pack_patients(own) is packed
    assert pack_patients(patients)[:16] == packed[:16]
    assert pack_patients(patients.head(2))[:16] != packed[:16]
    number = id(own)
    del own
    gc.collect()
    assert number not in patient_list._PACKED


def test_patients_of_a_selection_are_the_same_object() -> None:
    """So that they are packed once; without flags where the folder has none to look at."""
    table = make_patient_table(["1", "2", "3"])
    cohort = wrap_table(table)
    selected = cohort.select(cohort.table["view"] == "AP", "AP")
    before = patient_list.find_flags
    patient_list.find_flags = lambda cohort: make_ledger(cohort.table)
    try:
        assert load_patients(cohort, selected) is load_patients(cohort, selected)
    finally:
        patient_list.find_flags = before


def show_some() -> None:
    """Show a list, as a script."""
    import streamlit as st

    from ui.patients.patient_list import read_asked, show_patient_list

    patients = st.session_state["given"]
    before = read_asked(patients, key="list")
    asked = show_patient_list(patients, chosen="7", key="list", suggested=[("7", "Figure 1")])
    st.text(repr((before, asked)))


def run(patients: pd.DataFrame) -> AppTest:
    """Run the script."""
    page = AppTest.from_function(show_some)
    page.session_state["given"] = patients
    page.run()
    assert not page.exception
    return page


def test_lines_go_apart_from_what_changes(patients) -> None:
    """Two messages: the lines, and a few words that name them."""
    page = run(patients)
    assert page.text[0].value == "(None, None)"
    blocks = [each.proto for each in walk(page.main) if "bidi" in each.type]
    assert blocks[0].bytes == pack_patients(patients)
    data = json.loads(blocks[1].json)
    assert data["lines"] == pack_patients(patients)[:16].decode()
    assert (data["chosen"], data["suggested"]) == ("7", [["7", "Figure 1"]])


def walk(block) -> list:
    """List the elements of a block, those of blocks in it too."""
    found = []
    for each in block.children.values():
        found += walk(each) if hasattr(each, "children") else [each]
    return found


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({"id": "007"}, "007"),
        ({"id": ODD_IDS[5]}, ODD_IDS[5]),
        ({"id": "nobody"}, None),
        ({"id": 7}, None),
        ({"id": ["7"]}, None),
        ({}, None),
        ("7", None),
        (None, None),
    ],
)
def test_only_a_patient_of_the_list_can_be_asked_for(patients, monkeypatch, sent, asked) -> None:
    """A browser may send anything."""
    state = {"list": {"asked": sent}}
    monkeypatch.setattr(patient_list.st, "session_state", state)
    assert patient_list.read_asked(patients, key="list") == asked


def test_text_of_files_never_becomes_markup() -> None:
    """The browser's part writes no HTML."""
    code = FILE.with_suffix(".js").read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
        assert word not in code


def test_outcomes_have_the_colours_of_states() -> None:
    """Colour means the same on all pages."""
    style = FILE.with_suffix(".css").read_text()
    for colour in PALETTES["light"].states.values():
        assert colour.lower() in style
