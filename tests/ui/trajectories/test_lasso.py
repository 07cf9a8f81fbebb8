"""Images chosen on the map and a cohort behind it, run without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.reading import written
from ui.trajectories.lasso import PARTS
from ui.widgets.former_labels import list_former_labels

APP = Path(__file__).with_name("lasso_app.py")
TIMEOUT = 120  # seconds


@pytest.fixture
def page(on_demo: tuple[Path, Path]) -> AppTest:
    """Give the section on the small demo cohort, not run yet."""
    return AppTest.from_file(str(APP), default_timeout=TIMEOUT)


def run(page: AppTest) -> str:
    """Run the section; give all its text."""
    page.run()
    assert not page.exception
    return written(page)


def test_rows_can_be_typed(page: AppTest) -> None:
    """Without a mouse; the address then holds them, and a button ends it."""
    assert "Selected images" not in run(page)
    page.text_input(key="map_rows_typed").input("2-12, 5000")
    text = run(page)
    assert "Selected images" in text
    assert "rows" in page.query_params
    assert len(page.session_state["seen"][0]) <= 11
    page.button(key="choose_none").click()
    assert "Selected images" not in run(page)
    assert "rows" not in page.query_params


@pytest.mark.parametrize("part", PARTS)
def test_a_link_opens_the_same_images(page: AppTest, part: str) -> None:
    """Counts, tables, pictures and list, each by the address."""
    page.query_params["rows"] = "2-30"
    page.session_state["chosen"] = part
    text = run(page)
    assert "selected; the rest of the map" in text
    assert "A link to this page includes them" in text


@pytest.mark.parametrize("former", list_former_labels()["chosen"])
def test_links_with_former_labels_still_open(page: AppTest, former: str) -> None:
    """A part is found by what it was called before."""
    page.query_params["rows"] = "2-30"
    page.query_params["chosen"] = former
    assert "does not have" not in run(page)
    assert page.session_state["chosen"] == list_former_labels()["chosen"][former]


@pytest.mark.parametrize("rows", ["<b>x", "90000-90001", "1-999999999"])
def test_a_link_that_asks_for_nothing_there_is_told(page: AppTest, rows: str) -> None:
    """Words, no exception, nothing chosen; markup stays text."""
    page.query_params["rows"] = rows
    text = run(page)
    assert "cxr-alert" in text
    assert not page.session_state["seen"][0]


def test_a_cohort_alone_has_none_to_put_behind(page: AppTest) -> None:
    """The control is there, and says none."""
    page.query_params["behind"] = "elsewhere"
    assert "does not have" in run(page)
    assert page.session_state["seen"][1] is None
