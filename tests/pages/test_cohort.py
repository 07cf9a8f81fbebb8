"""The cohort page, run without a browser."""

from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.cohort_choices import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60  # seconds


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


def written(page: AppTest) -> str:
    """Give all text on the page."""
    kinds = ("title", "markdown", "caption", "subheader")
    texts = [str(e.value) for kind in kinds for e in page.get(kind)]
    return "\n".join([*texts, *(unescape(e.proto.body) for e in page.get("html"))])


def test_opens_on_counts_with_their_denominators(page: AppTest) -> None:
    """The sentence counts images, patients and persons; the tables name their unit."""
    assert not page.exception
    assert page.title[0].value == "Who is in this cohort?"
    text = written(page)
    assert "whether they survived is recorded for" in text
    assert "of 30 patients" in text
    assert "Unit: patient." in text
    assert "Yes, of patients recorded" in text


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


def test_an_empty_selection_says_what_to_loosen(page: AppTest) -> None:
    """Filters that leave nothing lead to a sentence, not to empty tables."""
    page.session_state["view"] = ["L"]
    page.run()
    assert not page.exception
    assert "No image is left" in written(page)


def test_filters_count_and_the_groups_follow(page: AppTest) -> None:
    """With a filter the selection can be set against the rest, with intervals or a reason."""
    page.session_state["view"] = ["AP"]
    page.session_state["section"] = "groups"
    page.session_state["compare"] = "filters against the rest"
    page.run()
    assert not page.exception
    text = written(page)
    assert "View AP" in text
    assert "the rest" in text
    assert len(page.dataframe) == 1
    differences = page.dataframe[0].value["Difference"]
    assert differences.str.contains(r"to|not estimable").all()


def test_limits_are_in_reach_in_every_section(page: AppTest) -> None:
    """What the collection cannot tell and what the program is not for stand on the page."""
    assert "What this program must not be used for" in written(page)
