"""The choice of a cohort, kept in the address; run without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from ui.session.current_cohort import choose_cohort, cohort_parameters
st.session_state["result"] = (choose_cohort().slug, cohort_parameters())
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Give a page with the choice alone, among two cohorts."""
    monkeypatch.setenv("CXR_DATA", str(tmp_path / "ours"))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    return AppTest.from_string(SCRIPT, default_timeout=120)


def result(page: AppTest) -> tuple[str, dict[str, str]]:
    """Give the cohort of the last run, and what an address says of it."""
    assert not page.exception
    slug, said = page.session_state["result"]
    return slug, said


def asked(page: AppTest) -> str | None:
    """Give the cohort in the address."""
    values = page.query_params.get("cohort")
    return values[0] if isinstance(values, list) else values


def test_the_first_cohort_stands_in_the_address(page: AppTest) -> None:
    """A link copied without any choice opens the same cohort on a server of another order."""
    page.run()
    assert result(page) == ("ours", {"cohort": "ours"})
    assert asked(page) == "ours"
    page.run()
    assert asked(page) == "ours"


def test_a_link_opens_its_cohort_and_a_choice_follows(page: AppTest) -> None:
    """What the address names is chosen; what is chosen is written."""
    page.query_params["cohort"] = "demo"
    page.run()
    assert result(page) == ("demo", {"cohort": "demo"})
    page.selectbox(key="cohort").set_value("ours").run()
    assert result(page) == ("ours", {"cohort": "ours"})


def test_an_unknown_cohort_is_reported_and_replaced(page: AppTest) -> None:
    """The first is shown; from the next run on, the address says so."""
    page.query_params["cohort"] = "nowhere"
    page.run()
    assert "'nowhere', which this page does not have" in page.get("html")[0].proto.body.replace(
        "&#x27;", "'"
    )
    assert result(page)[0] == "ours"
    page.run().run()
    assert result(page)[0] == "ours"
    assert asked(page) == "ours"


def test_without_a_choice_the_address_says_nothing(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with one cohort has no widget, and links without a name in them."""
    monkeypatch.delenv("CXR_DATA")
    page.run()
    assert result(page) == ("demo", {})
    assert not page.selectbox
    assert asked(page) is None
