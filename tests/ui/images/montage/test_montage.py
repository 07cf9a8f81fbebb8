"""What the montage sends to the browser, and what it takes from it."""

import json
from dataclasses import asdict
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import ui.images.montage.montage
from cxrlib.charts.style import PALETTES, contrast
from cxrlib.cohort import Cohort, load_cohort
from tests.cohort_factory import make_cohort
from ui.images.montage.montage import Wish, make_tiles, read_wish

FILE = Path(ui.images.montage.montage.__file__)

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Give a cohort with odd ids and a file that is not there."""
    rows = [
        {"patientid": HOSTILE, "filename": "a #1 <b>.png", "offset": -2.5},
        {"patientid": "2", "filename": "gone.png", "view": "", "finding": ""},
        *[{"patientid": i, "filename": f"{i}.png", "offset": 1} for i in range(10, 150)],
    ]
    folder = make_cohort(tmp_path_factory.mktemp("montage") / "cohort", rows)
    (folder / "images" / "gone.png").unlink()
    return folder


@pytest.fixture(scope="module")
def cohort(folder) -> Cohort:
    """Load it."""
    return load_cohort(folder, inspect_images=False)


def test_tiles_hold_what_json_can(cohort) -> None:
    """Tags in words, an address of this server; a missing file is said, not left out."""
    tiles = make_tiles(cohort.table.head(2), "own", False)
    first, second = json.loads(json.dumps(tiles))
    assert first["url"].startswith("/xray/own/a%20%231%20%3Cb%3E.png?kind=thumb&")
    assert (first["patient"], first["day"], first["view"]) == (HOSTILE, "−2.5", "PA")
    assert first["words"] == ""
    assert (second["url"], second["words"]) == (None, "no file")
    assert (second["day"], second["view"]) == ("–", "–")
    assert second["alt"].endswith("finding not recorded")


def test_what_is_asked_for_joins_what_was_set() -> None:
    """A click changes one thing; the rest stays."""
    kept = asdict(Wish("view", 3, "a.png", "sheet"))
    assert read_wish(kept, None, sheet="sheet") == Wish("view", 3, "a.png", "sheet")
    asked = {"sheet": "sheet", "page": 4}
    assert read_wish(kept, asked, sheet="sheet") == Wish("view", 4, "a.png", "sheet")
    assert read_wish(kept, {"opened": None}, sheet="sheet").opened is None
    assert read_wish(kept, {"order": "file", "page": 1, "sheet": "sheet"}, sheet="sheet") == Wish(
        "file", 1, "a.png", "sheet"
    )


def test_another_sheet_opens_on_its_first_page() -> None:
    """A page of one selection is not that of another; order and open image stay."""
    kept = asdict(Wish("view", 3, "a.png", "before"))
    assert read_wish(kept, {"sheet": "before", "page": 9}, sheet="now") == Wish(
        "view", 1, "a.png", "now"
    )


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "page",
        [],
        {"page": "2", "sheet": "s"},
        {"page": True, "sheet": "s"},
        {"page": 1.5, "sheet": "s"},
        {"page": float("nan"), "sheet": "s"},
        {"order": "size"},
        {"order": ["view"]},
        {"opened": 3},
        {"opened": {"id": "a"}},
    ],
)
def test_what_makes_no_sense_is_passed_over(sent) -> None:
    """A browser may send anything, a session may hold what an older server wrote."""
    assert read_wish(sent, sent, sheet="s") == Wish(sheet="s")


def show_folder(folder: str) -> None:
    """Show a sheet, as a script."""
    from pathlib import Path

    import streamlit as st

    from cxrlib.cohort import load_cohort
    from ui.images.montage import show_sheet

    cohort = load_cohort(Path(folder), inspect_images=False)
    if st.session_state.get("empty"):
        cohort = cohort.select(cohort.table["view"] == "none", "none")
    opened = show_sheet(cohort, slug="own", key="sheet")
    st.text(f"opened {opened}")


def run(folder: Path, **state: object) -> AppTest:
    """Run the script with something in its session."""
    page = AppTest.from_function(show_folder, args=(str(folder),))
    for name, value in state.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception
    return page


def sent(page: AppTest) -> dict:
    """Read what a page sends to the component."""
    found = [block.proto for block in page.main.children.values() if "bidi" in block.type]
    return json.loads(found[0].json)


def test_only_a_page_is_sent(folder) -> None:
    """Sixty of 142 tiles, and where they stand."""
    data = sent(run(folder))
    assert len(data["tiles"]) == 60
    assert [data[k] for k in ("page", "nPages", "first", "last", "nImages")] == [1, 3, 1, 60, 142]
    assert data["opened"] is None
    assert data["openedPage"] is None


def test_a_link_opens_the_same_sheet(folder) -> None:
    """Order, page and open image are in the address, and come from it; the session's go before."""
    wish = asdict(Wish("view", 2, "149.png", ""))
    first = run(folder, sheet_wish=wish)
    asked = {"order": "view", "opened": "149.png"}  # the page was another sheet's
    assert dict(first.query_params) == asked
    page = AppTest.from_function(show_folder, args=(str(folder),))
    page.query_params.update({**asked, "page": "2"})
    page.run()
    data = sent(page)
    assert (data["order"], data["page"], data["opened"]) == ("view", 2, "149.png")
    page.session_state["sheet_wish"] = {**page.session_state["sheet_wish"], "page": 1}
    page.run()
    assert sent(page)["page"] == 1
    assert dict(page.query_params) == asked
    page.query_params["page"] = "3"  # back, or another link
    page.run()
    assert sent(page)["page"] == 3


def test_a_link_to_what_is_not_there_is_reported(folder) -> None:
    """Each part that makes no sense is named, as text; a page too far is the last."""
    page = AppTest.from_function(show_folder, args=(str(folder),))
    page.query_params.update({"order": "<i>size</i>", "page": "²", "opened": "gone"})
    page.run()
    assert not page.exception
    text = " ".join(unescape(element.proto.body) for element in page.get("html"))
    for name, value in (("order", "<i>size</i>"), ("page", "²"), ("opened", "gone")):
        assert f"{name} {value!r}, which this page does not have" in text
    assert not page.query_params
    page.query_params["page"] = "999999"
    page.run()
    assert sent(page)["page"] == 3


def test_what_is_open_is_told_to_the_page(folder) -> None:
    """An image of the selection is open, one of another is not; its page is known."""
    page = run(folder, sheet_wish={"opened": "149.png", "order": "patient"})
    assert page.text[0].value == "opened 149.png"
    assert sent(page)["openedPage"] == 3
    page = run(folder, sheet_wish={"opened": "elsewhere.png"})
    assert page.text[0].value == "opened None"


def test_nothing_left_is_an_empty_sheet(folder) -> None:
    """An empty selection is shown as such."""
    page = run(folder, empty=True, sheet_wish={"opened": "149.png", "page": 3})
    data = sent(page)
    assert (data["tiles"], data["nImages"], data["first"]) == ([], 0, 0)
    assert page.text[0].value == "opened None"


def test_states_have_the_colours_of_the_map() -> None:
    """And are seen on black."""
    style = FILE.with_suffix(".css").read_text()
    for theme in ("dark",):
        for state in ("bad", "good"):
            assert PALETTES[theme].states[state].lower() in style
            assert PALETTES[theme].rims[state].lower() in style
    for colour in PALETTES["dark"].states.values():
        assert contrast(colour, "#000000") >= 3


def test_text_of_files_never_becomes_markup() -> None:
    """The browser's part writes no HTML."""
    assert (
        not pd.Series(["innerHTML", "outerHTML", "insertAdjacent", "document.write"])
        .map(FILE.with_suffix(".js").read_text().__contains__)
        .any()
    )
