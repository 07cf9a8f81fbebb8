"""A page with nothing but the list of patients, for looking at it.

``?kind=`` says whose: ``real`` (of CXR_DATA), ``many`` (10,000 made up), ``odd`` (odd ids),
``few`` (a selection of the real ones) or ``none``. ``?width=`` gives the pixels of its column.
"""

import functools
import os
import time
from pathlib import Path

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.patients import choose_opening_patient, suggest_patients_of_paper, summarise_patients
from cxrlib.storage import Store
from tests.patient_factory import ODD_IDS, make_ledger, make_patient_table, wrap_table
from ui.patients.patient_list import load_patients, read_asked, show_patient_list


@functools.cache
def load_real() -> Cohort:
    """Load the cohort of CXR_DATA."""
    root = Path(__file__).resolve().parents[2]
    return load_cohort(Path(os.environ["CXR_DATA"]), store=Store(root / "cache"))


@functools.cache
def make(kind: str) -> pd.DataFrame:
    """Make or load the patients of a kind."""
    if kind in ("real", "few", "none"):
        cohort = load_real()
        table = cohort.table
        keep = {"real": table["is_xray"], "few": table["view"] == "L", "none": table["row"] < 0}
        return load_patients(cohort, cohort.select(keep[kind], kind))
    ids = ODD_IDS if kind == "odd" else [f"{i}{'a' * (i % 9 == 0)}" for i in range(1, 10_001)]
    table = make_patient_table(ids)
    return summarise_patients(wrap_table(table), make_ledger(table))


st.set_page_config(layout="wide")
kind = st.query_params.get("kind", "real")
patients = make(kind)
start = time.perf_counter()
suggested = suggest_patients_of_paper(load_real().table) if kind in ("real", "few") else []
asked = read_asked(patients, key="patients")
if asked is not None:
    st.session_state["shown"] = asked
chosen = st.session_state.get("shown") or st.query_params.get("patient")
if chosen is None:
    chosen = choose_opening_patient(patients, suggested=[each for each, _ in suggested])
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
if "width" in st.query_params:
    pixels = int(st.query_params["width"])
    width = f"width: {pixels}px !important; flex: none !important; min-width: 0 !important"
    st.html(f"<style>[data-testid='stColumn']:first-child {{{width}}}</style>")
left, right = st.columns([1, 3], gap="medium")
with left:
    show_patient_list(patients, chosen=chosen, key="patients", suggested=suggested)
spent = time.perf_counter() - start
with right:
    st.text(f"Shown: {chosen}")
    st.html(f"<p class='runs'>Runs: {st.session_state['runs']}</p>")
    st.html(f"<p class='spent'>{1000 * spent:.1f} ms</p>")
    st.text_input("Something to write in", key="words")
    for i in range(60):
        st.text(f"Line {i} of the page")
