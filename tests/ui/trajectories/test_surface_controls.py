"""The controls of the map's colours and of what lies behind its points."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cxrlib.maps import DEFINITIONS, FORMER_COLOURINGS
from tests.pages.reading import written

APP = Path(__file__).with_name("surface_app.py")
TIMEOUT = 120  # seconds


@pytest.fixture
def page(on_demo: tuple[Path, Path]) -> AppTest:
    """Give the controls on the small demo cohort, not run yet."""
    return AppTest.from_file(str(APP), default_timeout=TIMEOUT)


def test_opens_on_the_paper(page: AppTest) -> None:
    """Open on states over the density of images in ICU or intubated."""
    page.run()
    assert not page.exception
    assert page.selectbox(key="colour").value == "state"
    assert "The density of images taken in ICU or while intubated" in written(page)
    assert "bandwidth=1.0" in written(page)


def test_every_definition_as_density_and_share(page: AppTest) -> None:
    """Draw each definition both ways, or say why not."""
    page.run()
    for kind in ("share", "density"):
        page.session_state["surface"] = kind
        for definition in DEFINITIONS:
            page.session_state["density"] = definition
            page.run()
            assert not page.exception
            assert f"kind='{kind}', definition='{definition}'" in written(page)


def test_share_within_a_view_in_colours(page: AppTest) -> None:
    """Follow all choices at once, from the address's names."""
    page.session_state["surface"] = "share"
    page.session_state["within"] = "AP"
    page.session_state["colour"] = "view"
    page.session_state["smoothing"] = 2.0
    page.session_state["panels"] = ["state", "view"]
    page.run()
    assert not page.exception
    assert "view='AP', bandwidth=2.0" in written(page)
    assert "Colour is view" in written(page)


@pytest.mark.parametrize("old", [*DEFINITIONS, "none"])
def test_old_links_still_open(page: AppTest, old: str) -> None:
    """Take what the address of an older version asks for, without a complaint."""
    page.query_params["density"] = old
    page.run()
    assert not page.exception
    assert "does not have" not in written(page)
    assert page.selectbox(key="density").value == old
    assert ("kind='none'" in written(page)) == (old == "none")


@pytest.mark.parametrize("old", ["tube in place", "ever in the ICU"])
def test_former_names_of_columns_still_open(page: AppTest, old: str) -> None:
    """Colour by the column that an older link names, on the map and on the small ones."""
    page.query_params["colour"] = old
    page.query_params["panels"] = ["view", old]
    page.run()
    assert not page.exception
    assert "does not have" not in written(page)
    assert page.selectbox(key="colour").value == FORMER_COLOURINGS[old]
    assert page.multiselect(key="panels").value == ["view", FORMER_COLOURINGS[old]]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", "<b>shape"), ("density", "sideways"), ("surface", "hills"), ("within", "L"),
        ("severity", "9"), ("smoothing", "nan"), ("panels", "output Nothing"), ("score", "7"),
    ],
)  # fmt: skip
def test_what_the_address_asks_for_in_vain_is_said(page: AppTest, key: str, value: str) -> None:
    """Name what is not there, and go on with what is."""
    page.query_params[key] = value
    page.run()
    assert not page.exception
    assert f"The address asks for {key} '{value}'" in written(page)


def test_severity_asks_for_a_score(page: AppTest) -> None:
    """Show score and threshold only where severity is chosen."""
    page.run()
    assert not [each for each in page.slider if each.key == "severity"]
    page.session_state["density"] = "severity"
    page.run()
    page.session_state["severity"] = 2.5
    page.session_state["score"] = "opacity score (0 to 6)"
    page.run()
    assert not page.exception
    assert "severity='opacity_mean', at_least=2.5" in written(page)
