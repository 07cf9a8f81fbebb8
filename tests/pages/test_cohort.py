"""The cohort page, run without a browser."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from cxrlib.cohort import load_cohort
from cxrlib.literature import PUBLISHED, find_table
from cxrlib.quality.rules import RULES
from cxrlib.selection import FILTERS
from cxrlib.summary import Comparison, summarise
from tests.cohort_factory import make_cohort
from tests.pages.reading import written
from ui.cohort.controls import SCOPES, SECTIONS
from ui.cohort.group_comparison import KINDS
from ui.cohort.head import _describe
from ui.cohort.published_tables import _describe_beyond, _format_place
from ui.cohort.quality_ledger import lay_out_flags, lay_out_rules
from ui.widgets.chart import _filter_by_click
from ui.widgets.former_labels import list_former_labels
from ui.widgets.group_table import lay_out_groups

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120  # seconds


@pytest.fixture
def page(served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Give the app on the small demo cohort, on its cohort page."""
    data, cache = served_demo
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.delenv("CXR_EXTRACTOR", raising=False)
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.run()
    app.switch_page("../pages/cohort.py").run()
    return app


def read_column(page: AppTest, title: str) -> list[str]:
    """Read a column of the dense table that has it."""
    for element in page.get("html"):
        if "<table" in element.proto.body:
            table = ET.fromstring(element.proto.body)  # noqa: S314 (the page's own)
            titles = ["".join(th.itertext()) for th in table.iterfind(".//thead//th")]
            if title in titles:
                rows = table.iterfind(".//tbody/tr")
                return ["".join(row[titles.index(title)].itertext()) for row in rows]
    raise AssertionError(title)


def test_opens_on_counts_with_their_denominators(page: AppTest) -> None:
    """The sentence counts images, patients and persons; the tables name their unit."""
    assert not page.exception
    assert page.title[0].value == "Who is in this cohort?"
    text = written(page)
    assert "Survival is recorded for" in text
    assert "of 30 patients" in text
    assert "Unit: patient." in text
    assert "Yes, of patients with a recorded answer" in text


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_runs(page: AppTest, section: str) -> None:
    """No section fails, in any unit, on all X-rays too."""
    page.session_state["section"] = section
    for unit in ("images", "patients", "persons"):
        page.session_state["unit"] = unit
        page.run()
        assert not page.exception, (section, unit)
    page.session_state["images"] = "all X-rays"
    page.run()
    assert not page.exception


@pytest.mark.parametrize("key", ["section", "unit", "images"])
def test_what_the_address_asks_in_vain_is_reported(page: AppTest, key: str) -> None:
    """A word that is none of the choices is named, as text."""
    page.query_params[key] = "<i>sideways</i>"
    page.run()
    assert not page.exception
    assert f"{key} '<i>sideways</i>', which this page does not have" in written(page)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        *(("groups", key) for key in ("compare", "outcome")),
        *(("quality", "rule"), ("papers", "table"), ("tables", "by"), ("missing", "missing_by")),
    ],
)
def test_each_sections_choices_are_reported_too(page: AppTest, section: str, key: str) -> None:
    """A choice of a section that a link asks for in vain is named."""
    page.session_state["section"] = section
    page.query_params[key] = "sideways"
    page.run()
    assert not page.exception
    assert f"{key} 'sideways', which this page does not have" in written(page)


def test_two_values_that_a_link_asks_for_in_vain_are_reported(page: AppTest) -> None:
    """Column and values are choices of a link as well."""
    page.session_state["section"] = "groups"
    page.session_state["compare"] = "two values of a column"
    for key in ("column", "first", "second"):
        page.query_params[key] = "sideways"
    page.run()
    assert not page.exception
    for key in ("column", "first", "second"):
        assert f"{key} 'sideways', which this page does not have" in written(page)


def test_another_column_begins_with_its_own_values(page: AppTest) -> None:
    """Two values of a column are kept until another column is chosen; no value is missed then."""
    page.session_state["section"] = "groups"
    page.session_state["compare"] = "two values of a column"
    page.run()
    assert page.selectbox(key="column").options[:3] == ["View", "Region", "Sub-region"]
    page.selectbox(key="first").select("AP").run()
    assert page.selectbox(key="second").value != "AP"
    page.selectbox(key="column").select("sex").run()
    assert not page.exception
    assert {page.selectbox(key=key).value for key in ("first", "second")} == {"F", "M"}
    assert "which this page does not have" not in written(page)


def test_links_with_former_labels_are_followed(page: AppTest) -> None:
    """A link made before a label was reworded opens the same choice, and nothing is reported."""
    page.session_state["section"] = "groups"
    page.query_params["compare"] = "filters against the rest"
    page.query_params["images"] = "frontal, usable finding"
    page.query_params["view"] = "AP"
    page.run()
    assert not page.exception
    assert page.session_state["compare"] == "filtered images vs the rest"
    assert page.session_state["images"] == "frontal, with a diagnosis"
    assert "which this page does not have" not in written(page)


def test_former_labels_lead_to_labels_of_today() -> None:
    """Each label now is one that the page has; none of earlier versions is one today."""
    former = list_former_labels()
    labels = {rule.title for rule in RULES} | {each.label for each in FILTERS.values()}
    labels |= {*SCOPES, *KINDS}
    for key in ("images", "compare", "column", "rule"):
        assert set(former[key].values()) <= labels
        assert not set(former[key]) & labels


def test_choices_are_words_and_each_is_one(page: AppTest) -> None:
    """A link names a choice by its words: none is a raw name, no two are the same."""
    places = [_format_place(table) for table in PUBLISHED.values()]
    titles = [rule.title for rule in RULES]
    labels = [each.label for each in FILTERS.values()]
    for words in (places, titles, labels):
        assert len(set(words)) == len(words)
        assert not any(re.search(r"[a-z0-9][-_][a-z0-9]*_|_|-\d", each) for each in words)
    assert "Table 3 of December 2020" in places
    assert "Table 1 of March 2020" in places


def test_rules_keep_their_numbers_and_lose_no_sentence() -> None:
    """What each rule means and what to do are in the table; a file has the ledger's own columns."""
    rules = pd.DataFrame(
        {
            "rule": ["a", "b"],
            "severity": ["error", "note"],
            "title": ["<b>A</b>", "B"],
            "n_flags": pd.array([2, None], dtype="Int64"),
            **{name: [1, 2] for name in ("n_images", "n_patients")},
            **{name: [1, 2] for name in ("n_images_left", "n_patients_left")},
            "meaning": ["It means.", "Something."],
            "action": ["Do this.", "Do that."],
        }
    )
    layout = lay_out_rules(rules)
    assert [row.kind for row in layout.rows] == ["group", "row", "group", "row"]
    assert [cell.text for cell in layout.rows[1].cells][-2:] == ["It means.", "Do this."]
    assert layout.rows[3].cells[1].text == "–"
    assert layout.numbers is rules


@pytest.mark.parametrize(
    ("kind", "difference", "words"),
    [
        ("median", 2.5, "+2.5 years (−0.5 to +5)"),
        ("median", 0.0, "0 years (−0.5 to +5)"),
        ("share", 0.285, "+29 points (−1 to +5)"),
        ("share", 0.005, "+1 points (−1 to +5)"),
        ("share", -0.004, "0 points (−1 to +5)"),
    ],
)
def test_halves_are_written_in_groups(kind: str, difference: float, words: str) -> None:
    """Median ages keep their half years; no half is rounded to the even number."""
    factor = 1 if kind == "median" else 0.01
    row = {
        "title": "Age",
        "value": "",
        "kind": kind,
        "reason": "",
        "difference": difference,
        "low": -0.5 * factor,
        "high": 5 * factor,
        **{f"{side}{end}": 20 for side in ("first", "second") for end in ("_n", "_of")},
        "first": 58.5 * factor,
        "second": 56 * factor,
    }
    compared = Comparison(pd.DataFrame([row]), "A", "B", 20, 20, "patient", 10, 0, ())
    cells = [cell.text for cell in lay_out_groups(compared).rows[0].cells]
    assert cells[-1] == words
    few = row | {"low": np.nan, "high": np.nan, "reason": "not estimable: few"}
    compared = replace(compared, table=pd.DataFrame([few]))
    cell = lay_out_groups(compared).rows[0].cells[-1].text
    assert cell == f"{words.partition(' (')[0]}; interval not estimable: few"
    if kind == "median":
        assert cells[2:4] == ["58.5 years, median of 20", "56 years, median of 20"]


def test_rows_that_no_paper_has_are_named(tmp_path: Path) -> None:
    """A pneumonia that Table 1 lacks is not dropped in silence; of empty rows nothing is said."""
    findings = ["Pneumonia/Viral/COVID-19", "Pneumonia/Viral/<b>New"]
    rows = [{"finding": each} for each in findings]
    cohort = load_cohort(make_cohort(tmp_path / "new", rows, images={}), inspect_images=False)
    told = _describe_beyond(cohort, find_table("table-1"))
    assert told.endswith("1 row, “Viral/<b>New”.")
    known = cohort.select(cohort.table["finding"] == findings[0], "known")
    assert _describe_beyond(known, find_table("table-1")) == ""
    many = [{"finding": f"Pneumonia/Viral/New{i:02}"} for i in range(12)]
    crowd = load_cohort(make_cohort(tmp_path / "many", many, images={}), inspect_images=False)
    assert "12 rows" in (told := _describe_beyond(crowd, find_table("table-1")))
    assert told.endswith("“Viral/New07” and 4 more.")


def test_papers_name_what_is_only_here(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line stands on the page."""
    monkeypatch.setattr(
        "ui.cohort.published_tables.list_unpublished_rows", lambda *_: ("<i>new</i>",)
    )
    page.session_state["section"] = "papers"
    page.run()
    assert not page.exception
    assert "1 row, “<i>new</i>”." in written(page)


def test_flags_of_a_rule_are_a_dense_table(page: AppTest) -> None:
    """Each flag is a row with its whole value; rows have no thousands set apart."""
    page.session_state["section"] = "quality"
    page.run()
    assert not page.exception
    assert read_column(page, "Value")
    assert not page.get("arrow_data_frame")


def test_of_very_many_flags_the_first_are_shown() -> None:
    """What is left is said; a file has all of them and the ledger's own columns."""
    flags = pd.DataFrame(
        {
            "rule": "a",
            "image_id": [f"i{n}" for n in range(12)],
            "patient_id": "p",
            "row": range(1995, 2007),
            "column": "view",
            "value": "<b>x</b>" * 40,
        }
    )
    layout = lay_out_flags(flags, title="Flags: A", most=10)
    assert len(layout.rows) == 10
    assert "12 flags" in layout.unit
    assert "first 10 of 12 flags" in layout.notes[0]
    assert layout.numbers is flags
    assert [cell.text for cell in layout.rows[9].cells] == [
        "i9",
        "p",
        "2004",
        "view",
        "<b>x</b>" * 40,
    ]
    assert lay_out_flags(flags, title="Flags: A", most=12).notes == ()


def test_no_country_is_said(tmp_path: Path) -> None:
    """Where no country is known the sentence says so, not "from 0 countries"."""
    cohort = load_cohort(make_cohort(tmp_path / "none", [{"location": ""}, {"location": "?"}]))
    text = _describe(cohort, summarise(cohort, "region", unit="patient"))
    assert "with no country recorded" in text


def test_an_empty_selection_says_what_to_loosen(page: AppTest) -> None:
    """Filters that leave nothing lead to a sentence, not to empty tables."""
    page.session_state["view"] = ["L"]
    page.run()
    assert not page.exception
    assert "No image is included" in written(page)


def test_filters_count_and_the_groups_follow(page: AppTest) -> None:
    """With a filter the selection can be set against the rest, with intervals or a reason."""
    page.session_state["view"] = ["AP"]
    page.session_state["section"] = "groups"
    page.session_state["compare"] = "filtered images vs the rest"
    page.run()
    assert not page.exception
    text = written(page)
    assert "View AP" in text
    assert "the rest" in text
    differences = read_column(page, "Difference (95 % interval)")
    assert differences
    assert all(" to " in each or "not estimable" in each for each in differences)


def test_limits_are_in_reach_in_every_section(page: AppTest) -> None:
    """What the collection cannot tell and what the program is not for stand on the page."""
    assert "What not to use this program for" in written(page)


def test_a_rule_that_leaves_out_can_be_taken_back_in(page: AppTest) -> None:
    """What a rule leaves out has no flags left to show; its button is there still."""
    page.session_state["section"] = "quality"
    page.session_state["images"] = "all X-rays"
    page.session_state["rule"] = "near duplicate"
    page.run()
    assert [button.label for button in page.button if button.key == "rule_leave_out"] == [
        "Leave these images out"
    ]
    page.button(key="rule_leave_out").click().run()
    assert page.session_state["without"] == ["near duplicate"]
    assert page.selectbox(key="rule").value == "near duplicate"
    assert page.button(key="rule_leave_out").label == "Include these images"
    page.button(key="rule_leave_out").click().run()
    assert not page.exception
    assert page.session_state["without"] == []


def test_images_that_are_not_counted_are_offered(page: AppTest) -> None:
    """Where filters leave only X-rays that the first choice of images leaves out, one says so."""
    page.session_state["view"] = ["L"]
    page.run()
    text = written(page)
    assert "none is frontal" in text
    assert "Reset the filters" not in text
    page.button(key="count_all_xrays").click().run()
    assert not page.exception
    assert page.session_state["images"] == "all X-rays"
    assert "Survival is recorded for" in written(page)


def test_no_reason_is_said_twice(page: AppTest) -> None:
    """A difference between few persons says once that it is not estimable."""
    page.session_state["section"] = "groups"
    page.run()
    differences = read_column(page, "Difference (95 % interval)")
    assert any("not estimable" in each for each in differences)
    assert not any(each.count("not estimable") > 1 for each in differences)


def test_a_second_click_takes_the_filters_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A click sets what a mark stands for, also in place of another; the same again clears it."""
    state: dict[str, object] = {"country": ["China"], "view": ["AP"]}
    monkeypatch.setattr("streamlit.session_state", state)
    for country, left in [("Italy", ["Italy"]), ("Italy", []), ("China", ["China"])]:
        points = [{"customdata": ["country", country]}]
        state["world"] = SimpleNamespace(selection=SimpleNamespace(points=points))
        _filter_by_click("world")
        assert state["country"] == left
    assert state["view"] == ["AP"]


def test_one_of_each_is_written_as_one(tmp_path: Path) -> None:
    """A cohort of one image is from one country, of one patient."""
    cohort = load_cohort(make_cohort(tmp_path / "one", [{"location": "Italy"}]))
    text = _describe(cohort, summarise(cohort, "region", unit="patient"))
    assert text.startswith("1 image of 1 patient (1 person) from 1 country.")
    assert text.endswith("for 0 of 1 patient.")
