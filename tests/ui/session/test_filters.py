"""The filters of the sidebar, run without a browser on a page of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.state.query_params import QueryParams
from streamlit.testing.v1 import AppTest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.selection import FILTERS, Selection, parse_where, select
from tests.cohort_factory import make_cohort
from tests.pages.reading import written

SCRIPT = """
import streamlit as st
from ui.session.filters import current_selection, load_selected, show_empty, show_filters

cohort = st.session_state["given"]
selection = show_filters(cohort)
assert current_selection() == selection
if not load_selected(cohort, selection).n_images:
    show_empty(cohort, selection)
st.session_state["result"] = selection
"""
MARKUP = "**bold** [x](http://x.org) <b>&amp; :smile:"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Give eight X-rays of four patients; one licence is markup."""
    rows: list[dict[str, object]] = [
        {
            "patientid": f"p{i // 2}",
            "view": "PA" if i % 2 else "AP Supine",
            "offset": [0, 1, 2, 7, 30, -90, "", ""][i],
            "age": ["", 20, 30, 40, 50, 60, 70, 80][i],
            "survival": "Y" if i < 4 else "",
            "location": "Rome, Italy" if i < 6 else "",
            "license": MARKUP if i == 7 else "CC BY",
        }
        for i in range(8)
    ]
    root = make_cohort(tmp_path_factory.mktemp("filtered") / "cohort", rows, images={})
    return load_cohort(root, inspect_images=False)


@pytest.fixture
def page(cohort: Cohort) -> Iterator[AppTest]:
    """Give a page of filters alone, not run yet."""
    page = AppTest.from_string(SCRIPT, default_timeout=120)
    page.session_state["given"] = cohort
    yield page
    assert not page.exception


def result(page: AppTest) -> Selection:
    """Give the selection of the last run."""
    found = page.session_state["result"]
    assert isinstance(found, Selection)
    return found


def test_opens_unfiltered(page: AppTest) -> None:
    """Nothing is left out, nothing can be reset, and no reason is listed."""
    page.run()
    assert result(page).is_empty
    assert "<strong>8</strong> of 8 X-rays" in written(page)
    assert "4 of 4 patients" in written(page)
    assert not page.button
    assert not any(e.label == "Why images are left out" for e in page.expander)


def test_every_filter_has_a_widget(page: AppTest) -> None:
    """No filter of a selection is missing in the sidebar."""
    page.run()
    shown = {w.key for w in page.sidebar.multiselect} | {w.key for w in page.sidebar.select_slider}
    assert shown == set(FILTERS)


def test_a_choice_filters_and_says_so(page: AppTest, cohort: Cohort) -> None:
    """Counts, chips and reasons follow what is chosen."""
    page.run()
    page.multiselect(key="view").set_value(["PA"])
    page.select_slider(key="day").set_range("0", "7")
    page.run()
    assert result(page) == parse_where("view=PA; day=0..7")
    left = select(cohort, result(page))
    text = written(page)
    assert f"<strong>{left.n_images}</strong> of 8 X-rays" in text
    assert "<span>View PA</span>" in text
    assert "<span>Day 0 to 7</span>" in text
    assert "view AP Supine</th><td>4</td><td>4</td>" in text
    assert "day not recorded</th><td>1</td>" in text


@pytest.mark.parametrize(
    "line", ["view=PA; survival=yes", "day=..7", "age=25..60", "without=no day; region=Unknown"]
)
def test_a_link_opens_the_same_selection(page: AppTest, line: str) -> None:
    """What `to_query` writes the widgets read."""
    selection = parse_where(line)
    for name, values in selection.to_query().items():
        page.query_params[name] = values
    page.run()
    assert result(page) == selection
    assert "cannot be used" not in written(page)


def test_numbers_of_a_link_need_not_be_recorded(page: AppTest) -> None:
    """A range between numbers that no image has is followed, and survives the next run."""
    page.query_params["age"] = ["25.5", "200"]
    page.run()
    assert result(page) == Selection(age=(25.5, 200))
    page.multiselect(key="view").set_value(["PA"]).run()
    assert result(page) == Selection(age=(25.5, 200), view=("PA",))


def test_unknown_values_of_a_link_are_reported(page: AppTest) -> None:
    """What is not there is named with what is; the rest of the link is followed."""
    page.query_params["view"] = ["PA", "<i>Sideways"]
    page.query_params["day"] = ["yesterday", "7"]
    page.query_params["sex"] = "M"
    page.run()
    assert result(page) == parse_where("view=PA; day=..7")
    for words in ("view '<i>Sideways'", "'AP Supine'", "'yesterday'", "sex 'M'"):
        assert words in written(page)
    assert "<i>" not in "".join(element.proto.body for element in page.get("html"))


def test_many_unknown_values_are_counted(page: AppTest) -> None:
    """A long list of nonsense does not flood the page."""
    page.query_params["view"] = [f"v{i}" for i in range(30)]
    page.run()
    assert "'v3'" in written(page)
    assert "'v4'" not in written(page)
    assert "And 26 more." in written(page)


def test_text_of_the_cohort_is_shown_as_text(page: AppTest) -> None:
    """Markup in a value stands in chip and reasons as it is written."""
    page.run()
    page.multiselect(key="licence").set_value([MARKUP]).run()
    assert result(page) == Selection(licence=(MARKUP,))
    assert f"<span>Licence {MARKUP}</span>" in written(page)
    assert "<b>" not in "".join(element.proto.body for element in page.get("html"))
    assert not any(MARKUP in str(e.value) for e in page.markdown)


def test_reset_takes_every_filter_back(page: AppTest) -> None:
    """One click leaves the whole cohort."""
    page.run()
    page.multiselect(key="view").set_value(["PA"])
    page.multiselect(key="without").set_value(["no day"])
    page.select_slider(key="age").set_range("30", "oldest")
    page.run()
    assert len(result(page).active) == 3
    page.button(key="reset_filters").click().run()
    assert result(page).is_empty
    assert "<strong>8</strong> of 8 X-rays" in written(page)


def test_chips_remove_their_filter(page: AppTest) -> None:
    """The cross of a chip takes its filter away and leaves the others."""
    page.run()
    page.multiselect(key="view").set_value(["PA"])
    page.multiselect(key="survival").set_value(["yes", "not recorded"])
    page.select_slider(key="day").set_range("0", "7")
    page.run()
    assert "<span>Survival: not recorded or survived</span>" in written(page)
    assert page.button(key="remove_view").label == "Remove the View filter"
    page.button(key="remove_view").click().run()
    page.button(key="remove_day").click().run()
    assert result(page) == Selection(survival=("yes", "not recorded"))


def test_reset_filters_is_one_step_of_the_history(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Back leads to the filters again, not to some of them: each message is a step."""
    page.query_params.update({"view": "PA", "without": "no day", "age": ["30", "oldest"]})
    page.run()
    assert len(result(page).active) == 3
    sent: list[str] = []
    send = QueryParams._send_query_param_msg
    monkeypatch.setattr(
        QueryParams,
        "_send_query_param_msg",
        lambda self: (sent.append(str(self)), send(self))[1],
    )
    page.button(key="reset_filters").click().run()
    assert result(page).is_empty
    assert sent == ["{}"]


def test_an_empty_result_says_which_filter_to_loosen(page: AppTest) -> None:
    """The page names the filter, and the button takes it away."""
    page.run()
    page.multiselect(key="survival").set_value(["yes"])
    page.multiselect(key="region").set_value(["Unknown"])
    page.run()
    text = written(page)
    assert "No image is left. Without 'Region Unknown': 4 images of 2 patients." in text
    assert "Without 'Survived': 2 images of 1 patient." in text
    page.button(key="loosen_filters").click().run()
    assert result(page) == Selection(survival=("yes",))


def test_another_cohort_drops_what_it_does_not_have(
    page: AppTest, tmp_path: Path, cohort: Cohort
) -> None:
    """Values of the cohort before are dropped aloud; what both have stays."""
    page.run()
    page.multiselect(key="view").set_value(["PA", "AP Supine"])
    page.multiselect(key="licence").set_value([MARKUP])
    page.select_slider(key="day").set_range("-90", "7")
    page.run()
    other = load_cohort(make_cohort(tmp_path / "other", [{"offset": 3}]), inspect_images=False)
    page.session_state["given"] = other
    page.run()
    assert result(page) == parse_where("view=PA; day=-90..7")
    assert "This cohort does not have 'AP Supine', '**bold**" in written(page)


def test_a_cohort_without_numbers_has_sliders(tmp_path: Path) -> None:
    """Where no age is recorded the slider has its two open ends."""
    page = AppTest.from_string(SCRIPT, default_timeout=120)
    page.session_state["given"] = load_cohort(make_cohort(tmp_path / "c"), inspect_images=False)
    page.run()
    assert not page.exception
    assert page.select_slider(key="age").options == ["youngest", "oldest"]
    page.select_slider(key="age").set_range("oldest", "oldest").run()
    assert not page.exception
    assert result(page).is_empty


def test_many_numbers_are_thinned(tmp_path: Path) -> None:
    """A slider has stops that a hand can hit, the outermost numbers among them."""
    rows = [{"offset": i / 2} for i in range(1000)]
    root = make_cohort(tmp_path / "c", rows, images={})
    page = AppTest.from_string(SCRIPT, default_timeout=120)
    page.session_state["given"] = load_cohort(root, inspect_images=False)
    page.run()
    stops = page.select_slider(key="day").options
    assert len(stops) <= 152
    assert [*stops[:2], *stops[-2:]] == ["first", "0", "499.5", "last"]


def test_the_oldest_numbers_of_links_are_forgotten(page: AppTest) -> None:
    """However many ranges a session was asked for, that of the newest link is followed."""
    page.session_state["filters_asked_numbers"] = {"age": [20.25 + i for i in range(20)]}
    page.query_params["age"] = ["50.25", "99"]
    page.run()
    assert result(page) == Selection(age=(50.25, 99))
    assert "cannot be used" not in written(page)
    stops = page.select_slider(key="age").options
    assert not {"20.25", "21.25"} & set(stops)
    assert {"22.25", "39.25", "50.25", "99"} <= set(stops)


def test_reasons_beyond_the_list_are_summed_without_patients(tmp_path: Path) -> None:
    """Patients of several reasons do not add up: a dash, not a blank."""
    rows = [{"patientid": f"p{i}", "license": f"Licence {i}"} for i in range(30)]
    root = make_cohort(tmp_path / "c", rows, images={})
    page = AppTest.from_string(SCRIPT, default_timeout=120)
    page.session_state["given"] = load_cohort(root, inspect_images=False)
    page.run()
    page.multiselect(key="licence").set_value(["Licence 0"]).run()
    assert not page.exception
    assert "other reasons</th><td>9</td><td>–</td>" in written(page)
