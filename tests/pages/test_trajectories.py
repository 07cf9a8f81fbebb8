"""The trajectories page, run without a browser."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import ui.session.jobs
import ui.session.resources
import ui.trajectories.stage
import ui.widgets.figure
from cxrlib import NOTICE
from tests.cohort_factory import make_cohort
from tests.pages.reading import written

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120  # seconds


@pytest.fixture
def page(on_demo: tuple[Path, Path]) -> AppTest:
    """Give the app on the small demo cohort, not run yet."""
    return AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)


def test_opens_on_a_story(page: AppTest) -> None:
    """The page opens on two patients, with counts and no exception."""
    page.run()
    assert not page.exception
    assert page.title[0].value == "Where do patients move?"
    assert len(page.multiselect(key="patient").value) == 2
    assert "images of" in written(page)
    assert "day by day" in written(page)


def test_notice_cohort_and_features_stand_on_the_page(page: AppTest) -> None:
    """The permanent bar names the notice, the synthetic cohort and the extractor."""
    page.run()
    bar = "".join(str(e.proto.body) for e in page.get("html"))
    assert NOTICE in bar
    assert "synthetic" in bar.lower()
    assert "exture" in bar


def test_unknown_patient_in_the_address_is_reported(page: AppTest) -> None:
    """A patient that is not there is named, and the page goes on."""
    page.query_params["patient"] = "<b>nobody</b>"
    page.run()
    assert not page.exception
    assert "'<b>nobody</b>', which this page does not have" in written(page)
    assert "<b>nobody" not in "".join(e.proto.body for e in page.get("html"))


@pytest.mark.parametrize(("key", "value"), [("smoothing", "99"), ("density", "sideways")])
def test_unknown_setting_in_the_address_is_reported(page: AppTest, key: str, value: str) -> None:
    """A setting that does not exist is named, not swallowed."""
    page.query_params[key] = value
    page.run()
    assert not page.exception
    assert f"{key} '{value}', which this page does not have" in written(page)


@pytest.mark.parametrize("key", ["map_seed", "map_method", "behind", "how", "colour"])
def test_what_the_address_asks_in_vain_stands_above_the_controls(page: AppTest, key: str) -> None:
    """A report among the controls of a row pushes them apart."""
    page.query_params[key] = "sideways"
    page.run()
    assert not page.exception
    nodes = list(page.main)  # in the order of the page
    told = [i for i, each in enumerate(nodes) if _asks_for(each, key)]
    controls = next(i for i, each in enumerate(nodes) if getattr(each, "key", "") == "patient")
    assert len(told) == 1
    assert told[0] < controls


def _asks_for(node: Any, key: str) -> bool:
    """Tell whether a node is a report on a key of the address."""
    return getattr(node, "type", "") == "html" and f"asks for {key} " in node.proto.body


def test_the_numbers_of_the_map_can_be_saved(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made on the click: whatever is wrong with them shows only then."""
    made = []

    def keep(name: str, numbers: Any) -> None:
        if callable(numbers):
            made.append((name, numbers()))

    original = ui.widgets.figure.show_figure

    def show(figure: Any, **options: Any) -> Any:
        keep(options["key"], options["numbers"])
        return original(figure, **options)

    monkeypatch.setattr(ui.trajectories.stage, "show_figure", show)
    page.run()
    assert not page.exception
    assert [name for name, _ in made] == ["map"]
    assert "state" in made[0][1].columns


def test_no_patient_chosen_is_still_a_map(page: AppTest) -> None:
    """Without a path the map stands, and the panel says what to do."""
    page.run()
    page.multiselect(key="patient").set_value([]).run()
    assert not page.exception
    assert "Click an image" in written(page)


@pytest.mark.parametrize("kind", ["ICU or tube", "ICU, tube or death", "none"])
def test_each_density_is_drawn(page: AppTest, kind: str) -> None:
    """Every choice of the density runs and is named in the caption."""
    page.session_state["density"] = kind
    page.run()
    assert not page.exception
    assert ("Background: density" in written(page)) == (kind != "none")
    assert ("last before death" in written(page)) == (kind == "ICU, tube or death")


def test_missing_cohort_says_what_to_do(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is not there gives a message under the notice, not a stack trace."""
    monkeypatch.setenv("CXR_DATA", "/there/is/no/such/folder")
    page.run()
    assert not page.exception
    assert "/there/is/no/such/folder" in written(page)


def test_cohort_without_a_map_offers_to_make_it(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With an empty cache a button makes the map, and its progress takes the button's place."""
    monkeypatch.setenv("CXR_CACHE", str(tmp_path))
    monkeypatch.setattr(ui.session.jobs.JobQueue, "keep_worker", lambda self: None)
    page.run()
    assert not page.exception
    assert "This cohort has no map yet" in written(page)
    next(b for b in page.button if b.label == "Compute the map").click().run()
    assert not page.exception
    assert [job.kind for job in ui.session.jobs.JobQueue(tmp_path).list()] == ["prepare"]
    assert "waiting" in written(page)


def test_a_cohort_that_can_have_no_map_says_why(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two distinct images, one of them twice, make no map: no button promises one."""
    rows = [{"finding": "Pneumonia"}] * 2 + [{"finding": "todo"}] * 3
    monkeypatch.setenv("CXR_DATA", str(make_cohort(tmp_path / "few", rows)))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    page.run()
    assert not page.exception
    assert "A map needs 3 or more distinct X-rays" in written(page)
    assert "there are 2." in written(page)
    assert not any(button.label == "Compute the map" for button in page.button)
    page.switch_page("../pages/data.py").run()
    assert not page.exception
    assert "A map needs 3 or more distinct X-rays" in written(page)
    assert not any(button.label == "Compute the map" for button in page.button)


def test_many_unknown_values_of_the_address_are_counted(page: AppTest) -> None:
    """Ten are named, the others counted."""
    page.query_params["patient"] = [f"nobody-{i:02}" for i in range(13)]
    page.run()
    assert not page.exception
    assert "'nobody-09' and 3 more, which this page does not have" in written(page)
    assert "nobody-10" not in written(page)


def test_days_that_the_filters_leave_out_are_named(page: AppTest) -> None:
    """A path that skips days says which, under the map and beside the image."""
    page.run()
    table = current(page).points.dropna(subset="offset")
    n_days = table.groupby("patient_id")["offset"].nunique()
    patient = str(n_days.index[n_days > 2][0])
    days = sorted(table.loc[table["patient_id"] == patient, "offset"].unique())
    page.query_params["patient"] = patient
    page.query_params["day"] = ["first", f"{days[-2]:g}"]
    fresh = restart(page)
    fresh.run()
    assert not fresh.exception
    n = int(((table["patient_id"] == patient) & (table["offset"] > days[-2])).sum())
    words = f"he filters leave out {n} of this patient's images on the map (day {days[-1]:g})"
    assert written(fresh).count(words) == 2


def test_an_image_that_the_filters_leave_out_is_named(page: AppTest) -> None:
    """A link to it says so for as long as it is out; without the filter it is shown."""
    page.run()
    row = current(page).points.iloc[0]
    other = next(v for v in ("PA", "AP") if v != row["view"])
    page.query_params["image"] = row["image_id"]
    page.query_params["view"] = other
    fresh = restart(page)
    words = f"The filters leave image '{row['image_id']}' out: view {row['view']}."
    for _ in range(2):
        fresh.run()
        assert not fresh.exception
        assert words in written(fresh)
        assert fresh.query_params["image"] == row["image_id"]
    fresh.button(key="reset_filters").click().run()
    assert words not in written(fresh)
    assert fresh.query_params["image"] == row["image_id"]


def test_an_image_that_is_not_on_the_map_has_its_reason(page: AppTest) -> None:
    """A lateral image of the cohort is there, only not on the map."""
    page.run()
    table = current(page).cohort.table
    lateral = table.loc[table["view"] == "L", "image_id"].iloc[0]
    page.query_params["image"] = lateral
    fresh = restart(page)
    fresh.run()
    assert not fresh.exception
    assert f"Image '{lateral}' of the address is not on the map: its view is L." in written(fresh)
    assert "which this page does not have" not in written(fresh)


def current(page: AppTest) -> ui.session.resources.Current:
    """Give the cohort and map that the page shows."""
    assert not page.exception
    return ui.session.resources.load_current(ui.session.resources.list_cohorts()[0].slug)


def restart(page: AppTest) -> AppTest:
    """Give a new session on the address of a page."""
    fresh = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    for name in page.query_params:
        fresh.query_params[name] = page.query_params[name]
    return fresh


def first_image(root: Path, patient: str) -> str:
    """Give the id of a patient's first image, whatever its file type."""
    return next(root.glob(f"images/demo-{int(patient):03d}-1.*")).name


def test_a_sixth_path_is_not_offered(page: AppTest, served_demo: tuple[Path, Path]) -> None:
    """With as many paths as can be drawn the page says so, and does not fail."""
    page.run()
    patients = page.multiselect(key="patient")
    patients.set_value(patients.options[:5]).run()
    other = patients.options[5]
    page.session_state["shown_image"] = first_image(served_demo[0], other)
    page.run()
    assert not page.exception
    assert f"Patient {other}, day" in written(page)
    assert "remove one to draw" in written(page)
    assert not any(button.label == "Draw the path" for button in page.button)


def test_previous_and_next_lead_through_a_patient(page: AppTest) -> None:
    """The button shows the image before; from there, next leads back."""
    page.run()
    before = [line for line in written(page).splitlines() if "of this patient" in line]
    next(button for button in page.button if button.label == "Previous").click().run()
    assert not page.exception
    assert [line for line in written(page).splitlines() if "of this patient" in line] != before
    next(button for button in page.button if button.label == "Next").click().run()
    assert [line for line in written(page).splitlines() if "of this patient" in line] == before


def test_the_browsers_back_shows_the_image_before(page: AppTest) -> None:
    """An address that changes without a click is followed: the page does not write it back."""
    page.run()
    shown = []
    for _ in range(2):
        next(button for button in page.button if button.label == "Previous").click().run()
        shown.append(page.query_params["image"])
    page.query_params["image"] = shown[0]
    page.run()
    assert page.query_params["image"] == shown[0]
    next(button for button in page.button if button.label == "Previous").click().run()
    assert page.query_params["image"] == shown[1]
    del page.query_params["image"]
    page.run()
    assert "image" not in page.query_params


def test_a_newly_chosen_patient_takes_the_place_of_the_image_in_the_address(
    page: AppTest,
) -> None:
    """The image beside the map is one of the patient chosen last."""
    page.run()
    next(button for button in page.button if button.label == "Previous").click().run()
    chosen = page.multiselect(key="patient")
    other = next(option for option in chosen.options if option not in chosen.value)
    chosen.set_value([*chosen.value, other]).run()
    assert not page.exception
    assert "image" not in page.query_params


def test_more_patients_than_can_be_drawn_are_reported(page: AppTest) -> None:
    """A link with too many patients says that only the first are shown."""
    page.run()
    page.query_params["patient"] = list(page.multiselect(key="patient").options[:7])
    page.run()
    assert not page.exception
    assert "asks for 7 values of patient; the first 5 are shown" in written(page)


def test_an_image_named_in_the_address_is_shown(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """A link to an image opens on it."""
    page.query_params["image"] = first_image(served_demo[0], "29")
    page.run()
    assert not page.exception
    assert "Patient 29, day 1, " in written(page)


def test_an_image_that_is_not_there_is_reported(page: AppTest) -> None:
    """A link to an image the map does not have says so and falls back to the story."""
    page.query_params["image"] = "../../etc/passwd"
    page.run()
    assert not page.exception
    assert "image '../../etc/passwd', which this page does not have" in written(page)
    assert "Patient 12, day" in written(page)


def test_the_bar_names_the_extractor_of_the_chosen_map(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another extractor's map, there or not yet, is not announced as the server's own."""
    monkeypatch.setattr(ui.session.jobs.JobQueue, "keep_worker", lambda self: None)
    page.run()
    assert "Image features: Simple texture" in written(page)
    (other,) = (
        title for title in page.selectbox(key="map_extractor").options if "untrained" in title
    )
    page.selectbox(key="map_extractor").set_value(other).run()
    assert not page.exception
    assert f"Image features: {other}" in written(page)
    assert "not computed yet" in written(page)
