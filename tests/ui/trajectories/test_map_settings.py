"""The menu of the map's settings, the offer in a map's place, Figure 3, and what is played."""

from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui.session.job_offers
import ui.session.resources
import ui.trajectories.paper_figure
from cxrlib.cohort import PAPER_PATIENTS
from cxrlib.jobs import JobRequest
from cxrlib.maps import MapChoice, MappedImage, ProjectionSettings, Stop, Trajectory
from tests.pages.reading import written
from ui.trajectories.map_play import list_days

TIMEOUT = 120  # seconds


def script() -> None:
    """Choose a map; show that it is there, or the offer in its place."""
    import streamlit as st

    from cxrlib.errors import ProjectionError
    from ui.session.current_cohort import current_entry
    from ui.session.resources import find_cohort, load_current
    from ui.trajectories.map_settings import choose_settings, show_choice, show_chosen_map_offer

    entry = current_entry()
    cohort = find_cohort(entry.slug)
    choice = choose_settings(entry, cohort)
    st.session_state["choice"] = choice
    st.session_state["map"] = None
    try:
        st.session_state["map"] = load_current(entry.slug, choice)
        show_choice(entry, cohort, choice)
    except ProjectionError:
        show_chosen_map_offer(entry, cohort, choice)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[JobRequest]:
    """Collect the jobs that are offered, and start none."""
    jobs: list[JobRequest] = []
    monkeypatch.setattr(
        ui.session.job_offers, "offer_job", lambda request, **_: jobs.append(request)
    )
    return jobs


@pytest.fixture
def page(on_demo: tuple[Path, Path], offered: list[JobRequest]) -> AppTest:
    """Give the menu on the small demo cohort, not run yet."""
    return AppTest.from_function(script, default_timeout=TIMEOUT)


def test_the_paper_settings_are_the_defaults(page: AppTest, offered: list[JobRequest]) -> None:
    """Without a choice it is the map that other pages use, the same object."""
    page.run()
    assert not page.exception
    assert page.session_state["choice"] == MapChoice()
    entry = ui.session.resources.list_cohorts()[0]
    assert page.session_state["map"] is ui.session.resources.load_current(entry.slug)
    assert not offered
    assert "Map settings: " not in written(page)
    assert page.button(key="map_reset").disabled


def test_another_map_is_offered_in_its_place(page: AppTest, offered: list[JobRequest]) -> None:
    """A choice that is not in the cache is offered as a job of these very settings."""
    page.run()
    page.number_input(key="map_seed").set_value(5)
    page.multiselect(key="map_views").set_value(["L", "PA"]).run()
    assert not page.exception
    chosen = page.session_state["choice"]
    # The views stand in one order, however they were chosen: it is one map and one job.
    assert chosen.settings == ProjectionSettings(seed=5, views=("PA", "L"))
    assert "not computed yet" in written(page)
    (request,) = offered
    assert request.kind == "map"
    assert request.parameters["settings"]["views"] == ["PA", "L"]
    assert request.parameters["settings"]["seed"] == 5
    assert request.parameters["extractor"] == chosen.extractor


def test_what_cannot_be_made_is_not_offered(page: AppTest, offered: list[JobRequest]) -> None:
    """Too many neighbours, no view: said in words, without a button."""
    page.run()
    page.number_input(key="map_neighbours").set_value(500).run()
    assert "neighbours are too many" in written(page)
    page.multiselect(key="map_views").set_value([]).run()
    assert not page.exception
    assert "needs at least one view" in written(page)
    assert not offered
    page.button(key="map_reset").click().run()
    assert page.session_state["choice"] == MapChoice()
    assert page.session_state["map"] is not None


def test_components_need_no_neighbours(page: AppTest, offered: list[JobRequest]) -> None:
    """PCA hides what it does not use, and does not let it make another map."""
    page.run()
    page.number_input(key="map_neighbours").set_value(500)
    page.segmented_control(key="map_method").set_value("PCA").run()
    assert not page.exception
    assert page.session_state["choice"].settings == ProjectionSettings(method="pca")
    assert len(offered) == 1
    assert not page.number_input


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("map_extractor", "<b>none</b>"),
        ("map_features", "pixels"),
        ("map_views", "AP;"),
        ("map_method", "umap"),
        ("map_neighbours", "1"),
        ("map_neighbours", "3.5"),
        ("map_distance", "nan"),
        ("map_seed", "-1"),
    ],
)
def test_unknown_settings_of_the_address_are_named(page: AppTest, key: str, value: str) -> None:
    """What the address asks for and there is not is named, and the page goes on."""
    page.query_params[key] = value
    page.run()
    assert not page.exception
    assert f"{key} '{value}', which this page does not have" in written(page)
    assert "<b>none" not in "".join(e.proto.body for e in page.get("html"))


# ---- the paper


def paper_script() -> None:
    """Offer the patients of Figure 3 and the comparison."""
    import streamlit as st

    from ui.session.current_cohort import current_entry
    from ui.session.resources import load_current
    from ui.trajectories.paper_figure import offer_paper_patients, show_paper_difference

    current = load_current(current_entry().slug)
    st.session_state.setdefault("patient", ["1"])
    offer_paper_patients(current, st.session_state["patient"])
    show_paper_difference(current, density="none", origin=["a line"])


def test_figure_3_is_one_click_away(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the paper's patients are on the map, a click chooses them; elsewhere nothing shows."""
    own = AppTest.from_function(paper_script, default_timeout=TIMEOUT).run()
    assert not own.exception
    assert not own.button
    assert not own.expander
    monkeypatch.setattr(ui.trajectories.paper_figure, "_is_paper_map", lambda current: True)
    own = AppTest.from_function(paper_script, default_timeout=TIMEOUT).run()
    assert not own.exception
    assert "465 images" in "".join(unescape(e.proto.body) for e in own.get("html"))
    own.button(key="paper_patients").click().run()
    assert own.session_state["patient"] == list(PAPER_PATIENTS)
    assert own.button(key="paper_patients").disabled


# ---- the player


def make_stop(day: float, *states: str) -> Stop:
    """Make a day of images in states."""
    images = tuple(MappedImage(f"{state}.png", 0.0, 0.0, "AP", state) for state in states)
    return Stop(day, 0.0, 0.0, states[0], images)


def test_days_of_all_paths_are_played_in_order() -> None:
    """Join the days of several patients, rising, and say what each brings."""
    ways = [
        Trajectory(name, name, "yes", stops, steps=(), undated=(), not_on_map=())
        for name, stops in (
            ("7", (make_stop(-2, "good"), make_stop(4.5, "bad", "good"))),
            ("<b>", (make_stop(4.5, "unknown", "unknown"), make_stop(9, "bad"))),
        )
    ]
    assert list_days(ways) == [
        {"day": -2, "name": "day −2", "words": "patient 7: not in ICU, not intubated"},
        {
            "day": 4.5,
            "name": "day 4.5",
            "words": "patient 7: in ICU or intubated (1 of 2 images); "
            "patient <b>: ICU and intubation not recorded, 2 images",
        },
        {"day": 9, "name": "day 9", "words": "patient <b>: in ICU or intubated"},
    ]
    assert list_days([]) == []
