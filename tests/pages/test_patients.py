"""The patients page, run without a browser."""

import os
import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxrlib.cohort import load_cohort
from cxrlib.patients import Pair
from cxrlib.reports import record_table
from tests.cohort_factory import make_cohort
from tests.pages.reading import written
from ui.patients.choice import make_turn_key
from ui.patients.head import make_file_stem, shorten_id
from ui.patients.image_pair import list_image_names
from ui.patients.notes_and_flags import split_notes
from ui.patients.output_course import lay_out_compared
from ui.patients.record_download import format_cells
from ui.patients.sections import PARTS
from ui.session.shown_patient import Shown

ROOT = Path(__file__).resolve().parents[2]
PAGE = "../pages/patients.py"
TIMEOUT = 120  # seconds


@pytest.fixture
def app(served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Give the app on the small demo cohort, at the patients page, not run there yet."""
    data, cache = served_demo
    return open_app(data, cache, monkeypatch)


def open_app(data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Give the app on a cohort; the first run leads to the first page."""
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.delenv("CXR_EXTRACTOR", raising=False)
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.run()
    return app.switch_page(PAGE)


def as_list(value: object) -> list[object]:
    """Give the values of a parameter: a test has one alone as text where the run did not set it."""
    return list(value) if isinstance(value, list) else [value]


def test_opens_on_a_patient_with_a_course(app: AppTest) -> None:
    """The page opens on somebody with five images or more, in the address, and says it all."""
    app.run().run()  # the first leaves the page before, to whose widget the address belonged
    assert not app.exception
    assert app.title[0].value == "How did this patient change?"
    shown = app.session_state["shown_patient"]
    assert [shown.patient_id] == as_list(app.query_params["patient"])
    words = written(app)
    assert f"Patient {shown.patient_id}:" in words
    assert "X-rays" in words
    assert "dates not recorded" in words
    assert "recorded per image, not as periods" in words


@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs(app: AppTest, part: str) -> None:
    """Each part of the page stands without an exception."""
    app.session_state["part"] = part
    app.run()
    assert not app.exception


def test_unknown_patient_and_image_in_the_address_are_reported(app: AppTest) -> None:
    """Who is not there is named, markup stays text, and the page goes on."""
    app.run()
    app.query_params["patient"] = "<b>no/body</b>"
    app.query_params["image"] = "nothing.png"
    app.run()
    assert not app.exception
    words = written(app)
    assert "'<b>no/body</b>', which this page does not have" in words
    assert "nothing.png" in words
    assert "<b>no/body" not in "".join(e.proto.body for e in app.get("html"))
    shown = app.session_state["shown_patient"].patient_id
    assert [shown] == as_list(app.query_params["patient"])


HARD = {
    "one image": [{"patientid": "a"}],
    "only laterals": [{"patientid": "a", "view": "L", "offset": str(d)} for d in (0, 4)],
    "no offsets": [{"patientid": "a", "offset": ""}] * 3,
    "a year apart": [{"patientid": "a", "offset": str(day)} for day in (-360, 0, 365)],
    "same day": [{"patientid": "a", "offset": "5"}] * 4,
    "hostile id": [{"patientid": "a b/../<img src=x onerror=1>", "offset": "1"}] * 2,
    "many": [{"patientid": "a", "offset": str(i // 3)} for i in range(60)],
}


@pytest.mark.parametrize("rows", HARD.values(), ids=list(HARD))
def test_hard_patients_stand(
    rows: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patients with little or odd record are shown, and every part says what is the case."""
    root = make_cohort(tmp_path / "cohort", [dict(row) for row in rows])
    app = open_app(root, tmp_path / "cache", monkeypatch)
    for part in PARTS:
        app.session_state["part"] = part
        app.run()
        assert not app.exception
    assert "<img" not in "".join(e.proto.body for e in app.get("html"))


@pytest.mark.parametrize(
    ("rows", "labels", "heading"),
    [
        ([("1", "PA"), ("5", "PA")], ["Prior", "Current"], "Compared with a prior"),
        ([("5", "PA"), ("5", "PA")], ["First", "Second"], "Two images side by side"),
        ([("", "PA"), ("", "PA")], ["First", "Second"], "Two images side by side"),
        ([("1", "PA"), ("5", "L")], ["First", "Second"], "Two images side by side"),
        ([("5", "PA")], ["Prior", "Current"], "One image"),
    ],
)
def test_only_a_prior_is_called_one(
    rows: list[tuple[str, str]],
    labels: list[str],
    heading: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two images of unknown order, of one day or of views not to be compared none is prior."""
    table = [{"patientid": "a", "offset": day, "view": view} for day, view in rows]
    root = make_cohort(tmp_path / "cohort", table)
    app = open_app(root, tmp_path / "cache", monkeypatch).run()
    assert [box.label for box in app.selectbox if box.label != "Cohort"] == labels
    assert heading in written(app)


def test_unreadable_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A patient whose files cannot be read has a page that says so."""
    root = make_cohort(tmp_path / "cohort", [{"patientid": "a"}, {"patientid": "a"}])
    for file in (root / "images").iterdir():
        file.write_bytes(b"no image")
    app = open_app(root, tmp_path / "cache", monkeypatch).run()
    assert not app.exception
    assert "No image of this patient has a readable file" in written(app)


def test_names_tell_images_of_one_day_apart() -> None:
    """Day, view, and which of several; a file that cannot be read is said."""
    rows = pd.DataFrame(
        {
            "image_id": ["a", "b", "c", "d"],
            "offset": [3.0, 3.0, float("nan"), -2.0],
            "view": ["AP", "AP", None, "PA"],
            "file_status": ["ok", "ok", "ok", "no file"],
        }
    )
    assert list_image_names(rows) == {
        "a": "Day 3, AP (1 of 2)",
        "b": "Day 3, AP (2 of 2)",
        "c": "Day not recorded, view not recorded",
        "d": "Day −2, PA: no readable file",
    }


def test_another_cohort_does_not_keep_the_patient(app: AppTest) -> None:
    """What was shown belongs to one cohort."""
    app.session_state["shown_patient"] = Shown("another-cohort", "nobody")
    app.run()
    assert not app.exception
    assert app.session_state["shown_patient"].slug != "another-cohort"


def test_the_address_of_a_patient_is_written_at_once(app: AppTest) -> None:
    """Of a chosen pair nothing is left in the address of the next patient: no step between."""
    app.run().run()  # until the first ends, the page before has the parameter
    shown = app.session_state["shown_patient"]
    app.session_state["shown_patient"] = Shown(shown.slug, shown.patient_id, "gone.png", "no.png")
    app.run()
    assert not app.exception
    assert not any(app.query_params.get("image", []))
    assert not any(app.query_params.get("prior", []))
    assert as_list(app.query_params["patient"]) == [shown.patient_id]


def test_what_all_notes_begin_with_is_written_once() -> None:
    """Whole sentences only, and nothing is lost."""
    start = "A woman of 72 years came with fever and dry cough. She was given oxygen on the ward."
    notes = [f"{start} Clear lungs.", f"{start} Consolidation. She died.", start]
    common, rests = split_notes(notes)
    assert common == start
    assert rests == ["Clear lungs.", "Consolidation. She died.", ""]
    assert split_notes(notes[:1]) == ("", notes[:1])
    assert split_notes(["Fever. Well.", "Fever. Dead."])[0] == ""
    assert split_notes([]) == ("", [])


def test_flags_and_notes_name_all_images_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands at every image is written once, and what is live in a note is text."""
    row = {"patientid": "a", "finding": "todo", "clinical_notes": "<img src=x> **b**"}
    root = make_cohort(tmp_path / "cohort", [{**row, "offset": str(day)} for day in range(4)])
    app = open_app(root, tmp_path / "cache", monkeypatch)
    app.session_state["part"] = "notes and flags"
    app.run()
    assert not app.exception
    words = written(app)
    assert "All 4 images: finding 'todo'" in words
    assert "<strong>Diagnosis not entered</strong>" in words  # as on the cohort page
    assert "All 4 images</dt><dd><img src=x> **b**" in words
    assert "<img" not in "".join(e.proto.body for e in app.get("html"))


def test_outputs_of_the_pair_stand_in_sentences() -> None:
    """What a change is worth is prose that wraps; the file keeps the numbers."""
    compared = pd.DataFrame(
        {
            "output": ["Zone asymmetry"],
            "first": [1.23456],
            "second": [float("nan")],
            "change": [float("nan")],
            "usual": [2.0],
            "most": [3.0],
            "words": ["not known: one of the images has no values"],
        }
    )
    layout = lay_out_compared(compared)
    assert [cell.line for cell in layout.rows[0].cells] == [
        *("Zone asymmetry", "1.23", "–", "–"),
        "Not known: one of the images has no values.",
    ]
    assert layout.columns[-1].is_prose
    assert layout.numbers is compared
    titles = [column.title for column in layout.columns]
    assert titles == ["Output", "Prior", "Current", "Change", "Larger than same-day variation?"]
    unordered = [column.title for column in lay_out_compared(compared, ("first", "second")).columns]
    assert unordered[1:4] == ["First", "Second", "Difference"]
    assert "change" not in " ".join(unordered).lower()


def test_a_record_is_put_in_words(tmp_path: Path) -> None:
    """Titles, whole years, yes and no; columns without a value are left out, no row is."""
    row = {"patientid": "a", "age": 55.0, "temperature": 36.4, "survival": "Y"}
    rows = [{**row, "offset": -2}, {"patientid": "a", "age": 55.0}]
    cohort = load_cohort(make_cohort(tmp_path, rows))
    shown = format_cells(record_table(cohort, "a"))
    assert shown["Age, years"].tolist() == ["55", "55"]
    assert list(shown)[:3] == ["Day", "View", "State"]
    assert shown["Day"].tolist() == ["−2", "–"]
    assert shown["Temperature, °C"].tolist() == ["36.4", "–"]
    assert shown["Survival"].tolist() == ["yes", "–"]
    assert shown["X-ray"].tolist() == ["yes", "yes"]
    assert not {"Extubated", "Clinical notes", "Why the file cannot be read"} & set(shown)


def test_a_long_id_does_not_fill_the_page() -> None:
    """The head has its beginning."""
    assert shorten_id("x" * 60) == "x" * 60
    assert shorten_id("x" * 61) == "x" * 59 + "…"


@pytest.mark.parametrize("patient_id", ["../../etc/passwd", "<img src=x>", "x" * 500, "מ", "a\nb"])
def test_names_of_files_are_harmless(patient_id: str) -> None:
    """Whatever the id; and two patients' files are told apart."""
    day = date(2026, 1, 31)
    name = make_file_stem("own", patient_id, day)
    assert re.fullmatch(r"own-patient-[A-Za-z0-9._-]*2026-01-31", name)
    assert len(name) < 80
    assert make_file_stem("own", "19", day) != make_file_stem("own", "318", day)


def test_a_link_by_an_image_leads_to_its_patient(app: AppTest) -> None:
    """Another page's link names the image alone, and the address stays as it is: Back leaves."""
    app.run().run()
    cohort = load_cohort(Path(os.environ["CXR_DATA"]), inspect_images=False)
    shown = app.session_state["shown_patient"].patient_id
    other = cohort.table[cohort.table["is_xray"] & (cohort.table["patient_id"] != shown)].iloc[0]
    del app.query_params["patient"]
    app.query_params["image"] = other["image_id"]
    app.run()
    assert not app.exception
    found = app.session_state["shown_patient"]
    assert (found.patient_id, found.image_id) == (other["patient_id"], other["image_id"])
    assert not any(app.query_params.get("patient", []))
    app.query_params["image"] = "nothing.png"
    app.run()
    assert "nothing.png" in written(app)
    assert app.session_state["shown_patient"].patient_id == found.patient_id


def test_the_way_to_and_from_the_map_is_a_link(app: AppTest) -> None:
    """A link keeps the cohort and the filters in the address, which a button would not."""
    app.session_state["part"] = "where it leads"
    app.run()
    (link,) = app.get("page_link")
    patient_id = app.session_state["shown_patient"].patient_id
    assert (link.proto.page, link.proto.query_string) == ("trajectories", f"patient={patient_id}")
    app.switch_page("../pages/trajectories.py").run()
    (link,) = app.get("page_link")
    assert link.proto.page == "patients"
    assert set(parse_qs(link.proto.query_string)) <= {"image", "prior"}
    assert parse_qs(link.proto.query_string)["image"]


def test_back_to_the_bare_address_is_left_alone(app: AppTest) -> None:
    """Written to again it would be a step forward, and Back would never leave the page."""
    app.run().run()  # until the first ends, the page before has the parameter
    assert app.query_params["patient"]
    del app.query_params["patient"]
    app.run()
    assert not app.exception
    assert not app.query_params.get("patient")
    app.session_state["part"] = "record"
    app.run()
    shown = app.session_state["shown_patient"]
    assert as_list(app.query_params["patient"]) == [shown.patient_id]


def test_names_of_widgets_are_few_and_never_twice_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Streamlit never forgets a key: a thousand pairs must not need a thousand of them."""
    monkeypatch.setattr(st, "session_state", {})
    pairs = [Pair(f"{i % 60}.png", None, "chosen") for i in range(1000)]
    names = [make_turn_key("timeline", "a", pair) for pair in pairs]
    assert len(set(names)) <= 10
    assert all(one != two for one, two in pairwise(names))
    assert make_turn_key("timeline", "a", pairs[-1]) == names[-1]
    assert make_turn_key("timeline", "b", pairs[-1]) != names[-1]


def test_an_outcome_that_differs_is_not_said_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither death nor survival is told of a patient of whom both are recorded."""
    rows = [{"patientid": "a", "offset": day, "survival": y} for day, y in (("1", "N"), ("9", "Y"))]
    app = open_app(make_cohort(tmp_path / "cohort", rows), tmp_path / "cache", monkeypatch).run()
    assert not app.exception
    assert "Outcome differs between images" in written(app)


TWO_COHORTS = """
import pandas as pd
import streamlit as st
from ui.patients.choice import find_shown, update_address
state = st.session_state
table = pd.DataFrame({"is_xray": [True], "image_id": ["5.png"], "patient_id": ["5"]})
shown = state.pop("chosen", None) or find_shown(state["slug"], table, {"5", "7"}, lambda: "7")
update_address(shown)
"""


def test_find_shown_passes_over_what_a_switch_of_cohort_left_in_the_address() -> None:
    """The browser puts the new cohort beside the other one's patient, and Back leads there."""

    def show(slug: str, **given: object) -> str:
        page.session_state["slug"] = slug
        for name, value in given.items():
            page.session_state[name] = value
        page.run()
        assert not page.exception
        assert page.session_state["shown_patient"].slug == slug
        return str(page.session_state["shown_patient"].patient_id)

    page = AppTest.from_string(TWO_COHORTS, default_timeout=TIMEOUT)
    page.query_params["patient"] = "5"
    assert show("ours") == "5"
    assert show("theirs") == "7"
    page.query_params["patient"] = "5"  # Back
    assert show("theirs") == "7"
    assert as_list(page.query_params["patient"]) == ["7"]
    assert show("theirs", chosen=Shown("theirs", "5")) == "5"
    assert show("theirs", chosen=Shown("theirs", "7")) == "7"
    page.query_params["patient"] = "5"  # Back, to where this cohort's own was shown
    assert show("theirs") == "5"


@pytest.mark.parametrize(("key", "label"), PARTS.items())
def test_choose_part_reads_links_made_before(app: AppTest, key: str, label: str) -> None:
    """The key of a part, which addresses once held, and its label of today lead to it."""
    for value in (key, label):
        app.query_params["part"] = value
        app.run()
        assert not app.exception
        assert app.session_state["part"] == key
        assert "does not have" not in written(app)
