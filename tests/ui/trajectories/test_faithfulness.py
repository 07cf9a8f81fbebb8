"""How reliable the map is, run without a browser."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import ui.trajectories.faithfulness
from cxrlib.maps import Spread
from tests.pages.reading import written
from ui.trajectories.faithfulness import PARTS
from ui.widgets.former_labels import list_former_labels

APP = Path(__file__).with_name("faithfulness_app.py")
TIMEOUT = 120  # seconds


@pytest.fixture
def page(on_demo: tuple[Path, Path]) -> AppTest:
    """Give the section on the small demo cohort, not run yet."""
    return AppTest.from_file(str(APP), default_timeout=TIMEOUT)


def choose(page: AppTest, part: str, *patients: str) -> str:
    """Run the section with a part and patients chosen; give all its text."""
    page.session_state["belief"] = part
    page.query_params["patient"] = " ".join(patients)
    page.run()
    assert not page.exception
    return written(page)


def find_patients() -> list[str]:
    """Give the patients with most days on the map."""
    from ui.session.resources import list_cohorts, load_current

    return list(load_current(list_cohorts()[0].slug).patients[:2])


@pytest.mark.parametrize(
    ("part", "words"),
    [(PARTS[0], "Select a patient above"), (PARTS[1], "No step to measure")],
)
def test_without_a_patient_it_says_what_to_do(page: AppTest, part: str, words: str) -> None:
    """No chart, no exception."""
    assert words in choose(page, part)


@pytest.mark.parametrize("former", list_former_labels()["belief"])
def test_links_with_former_labels_still_open(page: AppTest, former: str) -> None:
    """A part is found by what it was called before."""
    page.query_params["belief"] = former
    page.run()
    assert not page.exception
    assert "does not have" not in written(page)
    assert page.session_state["belief"] == list_former_labels()["belief"][former]


def test_shares_stand_with_their_reasons(page: AppTest) -> None:
    """A cohort of thirty persons has too few of others: the table says so, in numbers."""
    patients = find_patients()
    text = choose(page, PARTS[0], *patients)
    assert "not a forecast" in text
    table = page.dataframe[0].value
    assert set(table["Patient"]) <= set(patients)
    assert table["Remark"].ne("").any()
    assert (table["Among the nearest"].eq("not estimable") == table["Persons"].ne("")).any()


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("tube", "images taken while intubated, among images with intubation recorded"),
        ("ICU, tube or death", "last before death, among images with ICU, intubation or"),
        ("current filter", "counts images that the filters keep, but no filter is set"),
    ],
)
def test_bad_is_what_is_chosen_behind_the_points(
    page: AppTest, definition: str, words: str
) -> None:
    """It is said in words; what no filter leaves out is no definition."""
    page.query_params["density"] = definition
    assert words in choose(page, PARTS[0], *find_patients())


def test_steps_and_the_offer_of_seeds(page: AppTest) -> None:
    """Steps stand at once; the seeds are asked for by a button."""
    text = choose(page, PARTS[1], *find_patients())
    assert "is an artefact of the map" in text
    assert page.dataframe[0].value["seeds_low"].isna().all()
    assert [button.label for button in page.button if "seeds" in button.label] == [
        "Compute 10 maps with other seeds"
    ]


def test_the_whole_map_before_and_after_its_seeds(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measures with what chance gives; then how far images move."""
    text = choose(page, PARTS[2])
    assert "With 15 neighbours: " in text
    assert "Trust only what persists across seeds" in text

    def load(embeddings: object, settings: object, store: object) -> Spread:
        from ui.session.resources import list_cohorts, load_current

        projection = load_current(list_cohorts()[0].slug).mapped.projection
        places = projection.coordinates.astype(float)
        moved = [places + shift for shift in (0.0, 0.5, 1.0)]
        return Spread(projection.image_ids, places, np.stack(moved), (1, 2, 3))

    monkeypatch.setattr(ui.trajectories.faithfulness, "load_spread", load)
    ui.trajectories.faithfulness._find_spread.cache_clear()
    try:
        text = choose(page, PARTS[2])
    finally:
        ui.trajectories.faithfulness._find_spread.cache_clear()
    assert "With 3 other seeds, half of the" in text
    assert not [button for button in page.button if "seeds" in button.label]
