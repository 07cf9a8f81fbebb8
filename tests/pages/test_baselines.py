"""The baselines page, run without a browser."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from cxrlib.baselines.evaluation import LocoSettings
from cxrlib.baselines.features import add_feature_set, read_table_bytes
from cxrlib.baselines.runs import RunEntry, RunSpec, list_runs, make_run
from cxrlib.baselines.runs.run_jobs import make_spec
from cxrlib.baselines.tasks import read_task
from cxrlib.cli import app as cli
from cxrlib.cohort import join_paths, load_cohort, split_paths
from cxrlib.jobs.job_kinds import Work, check_parameters
from cxrlib.storage import Store
from tests.own_cohort_factory import make_own_cohort
from tests.pages.reading import written
from ui.baselines import cached, report, run_button, run_history
from ui.baselines.controls import RENAMED, SECTIONS
from ui.baselines.figures import FIGURES
from ui.baselines.run_history import escape_label

ROOT = Path(__file__).resolve().parents[2]
PAGE = "../pages/baselines.py"
TIMEOUT = 240  # seconds: the first run of a page makes five evaluations


@pytest.fixture
def page(on_demo: tuple[Path, Path]) -> AppTest:
    """Give the app on the small demo cohort, at the baselines page."""
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.run()
    return app.switch_page(PAGE).run()


def count_runs(on_demo: tuple[Path, Path]) -> int:
    """Count the runs in the book."""
    data, cache = on_demo
    store = Store(cache)
    return len(list_runs(store, load_cohort(data, store=store).fingerprint))


def test_opens_on_an_answer(page: AppTest) -> None:
    """The page opens on a run, with counts, protocol, a shortcut beside it, and the notice.

    The forest plot is the first part; reasons of what has no mark are text, not in the figure.
    """
    assert not page.exception
    assert page.title[0].value == "Does the prediction hold in other regions?"
    text = written(page)
    assert "Not for diagnosis" in text
    assert "protocol *corrected*" in text
    assert "logistic regression, C chosen in training regions" in text
    # The answer comes first: the image beside the best without it, and whether that is chance.
    assert text.index("From the image: ") < text.index("Without the image: ")
    assert "chance (0.5)" in text
    assert text.index("chance (0.5)") < text.index("made on this cohort and task")
    assert "made on this cohort and task" in text
    assert len(page.get("plotly_chart")) == 1
    assert page.session_state["detail"] == "forest plot"
    assert page.query_params["protocol"] in ("corrected", ["corrected"])


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_runs(page: AppTest, section: str) -> None:
    """Each part stands without an exception."""
    page.session_state["detail"] = section
    page.run()
    assert not page.exception, section


@pytest.mark.parametrize("figure", FIGURES["classes"])
def test_every_figure_runs(page: AppTest, figure: str) -> None:
    """Each is shown with its numbers, or offered as a job."""
    page.session_state["detail"] = "figures"
    page.session_state["figure"] = figure
    page.run()
    assert not page.exception, figure
    buttons = [button.label for button in page.button]
    assert ("Compute the learning curve" in buttons) == (figure == "learning curve")
    assert ("Compute what the model goes by" in buttons) == (figure == "importance")


def test_a_threshold_lists_what_it_misses(page: AppTest) -> None:
    """At 0 nothing is missed and at 1 everything is."""
    page.session_state["detail"] = "figures"
    page.session_state["figure"] = "threshold"
    page.session_state["threshold"] = 0.0
    page.run()
    assert not page.exception
    assert "No image of all groups at this threshold" in written(page)
    page.slider(key="threshold").set_value(1.0).run()
    assert not page.exception
    assert "Select a row to see the image" in written(page)


@pytest.mark.parametrize("part", RENAMED)
def test_choose_section_follows_links_made_before_a_part_was_renamed(
    page: AppTest, part: str
) -> None:
    """A link's older word for a part opens it, without a complaint."""
    page.query_params["detail"] = part
    page.run()
    assert not page.exception
    assert page.session_state["detail"] == RENAMED[part]
    assert "does not have" not in written(page)


def test_a_choice_makes_no_run_and_the_button_does(
    page: AppTest, on_demo: tuple[Path, Path]
) -> None:
    """Turning to another protocol offers a run; it is made, counted and shown on the button."""
    before = count_runs(on_demo)
    page.segmented_control(key="baseline_protocol").set_value("published").run()
    if not [button for button in page.button if button.key == "baseline_go"]:
        pytest.skip("Another test of this session has made that run.")
    assert not page.exception
    assert count_runs(on_demo) == before
    assert "has not been run yet" in written(page)
    page.button(key="baseline_go").click().run()
    assert not page.exception
    assert count_runs(on_demo) == before + 1
    assert "protocol *published*" in written(page)


def test_choose_settings_offers_models_and_a_slow_one_as_a_job(page: AppTest) -> None:
    """The model stands in the address; with the published protocol it is the paper's."""
    assert page.query_params["estimator"] in ("linear", ["linear"])
    page.selectbox(key="baseline_estimator").set_value("forest").run()
    assert not page.exception
    assert page.query_params["estimator"] in ("forest", ["forest"])
    text = written(page)
    assert "A random forest of 500 trees takes seconds" in text
    assert [button for button in page.button if button.label == "Run as a job (up to a minute)"]
    page.segmented_control(key="baseline_protocol").set_value("published").run()
    assert not page.exception
    assert page.query_params["estimator"] in ("paper", ["paper"])
    # The only one there is: a choice of one, not a control that is switched off.
    box = page.selectbox(key="baseline_estimator")
    assert (box.value, len(box.options), box.disabled) == ("paper", 1, False)
    page.segmented_control(key="baseline_protocol").set_value("corrected").run()
    assert page.query_params["estimator"] in ("linear", ["linear"])


@pytest.mark.parametrize(
    ("address", "model"),
    [
        ({"protocol": "published"}, "paper"),
        ({"protocol": "corrected", "estimator": "linear:0.01"}, "linear:0.01"),
        ({"estimator": "neighbours"}, "neighbours"),
    ],
)
def test_find_spec_follows_the_model_of_a_link(
    page: AppTest, address: dict[str, str], model: str
) -> None:
    """A link of before there was a choice means the protocol's own, whatever is on screen."""
    page.selectbox(key="baseline_estimator").set_value("boosting").run()
    for name, value in address.items():
        page.query_params[name] = value
    if "estimator" not in address:
        del page.query_params["estimator"]
    page.run()
    assert not page.exception
    assert page.selectbox(key="baseline_estimator").value == model


def test_find_spec_names_a_model_of_a_link_that_is_none(page: AppTest) -> None:
    """And one that was given in Python is not run, but said to be."""
    page.query_params["estimator"] = "oracle"
    page.run()
    assert "There is no model 'oracle'" in written(page)
    page.query_params["estimator"] = "own:SVC(C=*2*)#0123abcd"
    page.run()
    assert not page.exception
    assert "SVC(C=*2*) was given in Python" in written(page)


def test_an_address_is_followed_and_its_faults_are_said(page: AppTest) -> None:
    """What a link names is shown; what does not exist is named, as text."""
    page.query_params["task"] = "<b>nothing</b>"
    page.query_params["hold_out"] = "planet"
    page.query_params["protocol"] = "published"
    page.run()
    assert not page.exception
    text = written(page)
    assert "<b>nothing</b>" in text
    assert "planet" in text
    assert "<b>nothing" not in "".join(e.proto.body for e in page.get("html"))
    assert page.segmented_control(key="baseline_protocol").value == "published"


def test_a_task_of_the_paper_and_one_of_the_readers_own(page: AppTest) -> None:
    """The cards turn the task; the last one forms another of a column of the cohort."""
    page.pills(key="baseline_task").set_value("Survival").run()
    assert not page.exception
    assert page.query_params["task"] in ("survival", ["survival"])
    page.pills(key="baseline_task").set_value("your own").run()
    assert not page.exception
    assert "column=" in str(page.query_params["task"])


def test_a_selection_that_leaves_nothing_is_said(page: AppTest) -> None:
    """Filters that leave no image of the task give a sentence, no crash."""
    page.session_state["age"] = (0, 1)
    page.run()
    assert not page.exception


def test_feature_sets_that_are_not_here_say_what_to_do(page: AppTest) -> None:
    """The paper's network is not on this machine: the page says how to get it."""
    page.selectbox(key="baseline_features").set_value("intermediate").run()
    assert not page.exception
    text = written(page)
    assert "cannot be run yet" in text
    assert "densenet121" in text.lower()


@pytest.mark.parametrize(
    "task",
    [
        "icu-stay; days=1000..2000",
        "icu-stay; days=0.5..7.5",
        "icu-stay; 1<=days<=7",
        "icu-stay; days<=7.5",
        "icu-stay; views=Axial",
        "icu-stay; without=survival:no",
    ],
)
def test_a_task_of_an_address_can_be_shown_and_kept(page: AppTest, task: str) -> None:
    """What a link asks for stands in the form as it is: using that changes nothing."""
    page.query_params["task"] = task
    page.run()
    assert not page.exception
    next(each for each in page.button if each.label == "Use this task").click().run()
    assert not page.exception
    assert page.query_params["task"] in (task, [task])


def test_a_name_of_a_file_is_no_markdown() -> None:
    """What a file of features is called stands in a label as it is."""
    assert escape_label("$x$ *a* ![b](c) :red[d]\n_e_.csv") == (
        r"\$x\$ \*a\* !\[b\](c) \:red\[d\] \_e\_.csv"
    )


def test_the_answer_says_what_the_image_adds(page: AppTest) -> None:
    """A quiet line under the answer, on all shortcuts."""
    assert "Beyond all shortcuts the image" in written(page)


def test_a_sum_of_sets_and_an_erased_view_are_shown_by_a_link(page: AppTest) -> None:
    """The address of a sum opens it; what is taken away stands in the headline, beside the plain.

    The button asks for it, and the choices show what the address says.
    """
    page.query_params["features"] = "texture:outputs+age-sex"
    page.query_params["erase"] = "view"
    page.query_params["match"] = "nonsense"
    page.run()
    assert not page.exception
    assert "Cannot match 'nonsense'" in written(page)
    assert page.multiselect(key="baseline_plus").value == ["age-sex"]
    assert page.multiselect(key="baseline_erase").value == ["view"]
    for button in page.button:
        if button.key == "baseline_go":
            button.click().run()
    assert not page.exception
    text = written(page)
    assert "**view erased**" in text
    assert "View erased: AUROC" in text
    page.multiselect(key="baseline_plus").set_value(["view", "age-sex"]).run()
    assert page.query_params["features"] in (
        "texture:outputs+view+age-sex",
        ["texture:outputs+view+age-sex"],
    )
    page.multiselect(key="baseline_erase").set_value([]).run()
    assert not page.exception
    assert not page.query_params.get("erase")


# ---- labels and groups of one's own


@pytest.fixture
def own_page(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Give the page on a cohort with columns of its own, and a second one beside it."""
    folder = tmp_path_factory.mktemp("own")
    roots = [
        make_own_cohort(folder / name, n_images=60, seed=seed, prefix=name).root
        for seed, name in enumerate(("first", "second"))
    ]
    monkeypatch.setenv("CXR_DATA", join_paths(roots))
    monkeypatch.setenv("CXR_CACHE", str(folder / "cache"))
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.query_params["features"] = "age-sex"
    app.query_params["task"] = "column=extra:Later"
    return app


def press_run(app: AppTest) -> AppTest:
    """Press the button that makes a run, where there is one."""
    buttons = [button for button in app.button if button.label == "Run"]
    return buttons[0].click().run() if buttons else app


def test_own_label_is_predicted_over_parts_of_persons(own_page: AppTest) -> None:
    """A column of one's own by a link, persons held out, and the warning of what gives it away."""
    own_page.query_params["hold_out"] = "persons:4"
    own_page.run()
    app = press_run(own_page.switch_page(PAGE).run())
    assert not app.exception
    text = written(app)
    assert "ver 4 parts of the persons, protocol *corrected*" in text
    assert app.title[0].value == "Does the prediction hold in other persons?"
    assert "“copy” gives the label away: AUROC 1.00 alone (60 images)" in text


def test_own_columns_are_offered_with_counts(own_page: AppTest) -> None:
    """The form has answers, numbers and categories; the groups have columns and cohorts."""
    app = own_page.run().switch_page(PAGE).run()
    offered = next(box for box in app.selectbox if box.label == "Predict")
    assert "Later (60 X-rays labelled, 30 yes)" in offered.options
    assert "crp (60 X-rays labelled)" in offered.options
    assert any(each.startswith("stage: mild (60 X-rays labelled, ") for each in offered.options)
    groups = next(box for box in app.selectbox if box.label == "Held out")
    assert {"“site” group", "5 parts of the persons", "test on second"} <= set(groups.options)


def test_held_out_may_be_another_cohort(own_page: AppTest) -> None:
    """Chosen by its name, it is tested on; a link that names a stranger says what there is."""
    app = own_page.run().switch_page(PAGE).run()
    groups = next(box for box in app.selectbox if box.label == "Held out")
    app = press_run(groups.set_value("test on:second").run())
    assert not app.exception
    text = written(app)
    assert "Trained on the first cohort, tested on cohort second" in text
    assert "60 images for training, 60 for the test." in text
    groups = next(box for box in app.selectbox if box.label == "Held out")
    assert groups.options.count("test on second") == 1
    assert groups.value == "cohort:second"
    app.query_params["hold_out"] = "cohort:elsewhere"
    app.run()
    assert "no second cohort 'elsewhere' to test on" in written(app)


def test_find_hold_out_refuses_a_cohort_that_goes_by_the_name_of_another(
    own_page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address names a cohort, so of two of one name only the first could be tested on."""
    roots = [
        make_own_cohort(tmp_path / name, n_images=20, seed=seed).root
        for seed, name in enumerate(("own", "a/twin", "b/twin"))
    ]
    monkeypatch.setenv("CXR_DATA", join_paths(roots))
    app = own_page.run().switch_page(PAGE).run()
    groups = next(box for box in app.selectbox if box.label == "Held out")
    twins = [each for each in groups.options if each.startswith("test on twin")]
    app = groups.set_value(f"test on:{'twin-2'}").run()
    assert len(twins) == 2
    assert "Two cohorts of this server would be called 'twin' in a run" in written(app)


def test_your_own_turns_to_a_column_of_ones_own_first(own_page: AppTest) -> None:
    """Columns that the reader brought come before those that every record has."""
    app = own_page.run().switch_page(PAGE).run()
    app.pills(key="baseline_task").set_value("Survival").run()
    app.pills(key="baseline_task").set_value("your own").run()
    assert not app.exception
    assert "column=extra:Later" in str(app.query_params["task"])


def test_features_of_ones_own_are_run_without_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cohort that has rows and features and no picture at all gets its run."""
    cohort = make_own_cohort(tmp_path / "c", n_images=60)
    for each in (tmp_path / "c" / "images").iterdir():
        each.unlink()
    cohort = load_cohort(tmp_path / "c")
    table = pd.DataFrame({"image_id": cohort.table["image_id"], "size": range(60)})
    store = Store(tmp_path / "cache")
    add_feature_set(
        read_table_bytes(table.to_csv(index=False).encode(), "a.csv"), "r", cohort, store
    )
    monkeypatch.setenv("CXR_DATA", str(tmp_path / "c"))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.query_params["task"], app.query_params["features"] = "column=extra:Later", "r"
    app = app.run().switch_page(PAGE).run()
    assert not app.exception
    assert "60 images of 60 persons" in written(app)
    assert "Run" in [button.label for button in app.button]
    text = written(press_run(app))
    assert "protocol *corrected*" in text
    # They look at no picture, and the last shortcut is none of "all".
    assert "From the image" not in text
    assert "Beyond all shortcuts but the other recorded columns these features" in text
    app.session_state["detail"] = "runs"
    app.run()
    assert not {"filters", "kept"} & set(read_runs(app))
    app.session_state["detail"], app.session_state["figure"] = "figures", "threshold"
    app.query_params["hold_out"] = "persons:4"
    text = written(press_run(app.run()))
    assert "each of 4 parts of the persons held out once" in text
    assert "persons:4" not in text


def test_labels_of_a_file_are_predicted_and_reach_a_job(
    own_page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that fits no image is refused with the nearest id; one that does is attached."""
    monkeypatch.setenv("CXR_ALLOW_UPLOADS", "1")
    given: list[Any] = []
    monkeypatch.setattr(st, "file_uploader", lambda *_, **__: given.pop() if given else None)
    app = own_page.run().switch_page(PAGE).run()
    ids = list(load_cohort(split_paths(os.environ["CXR_DATA"])[0]).table["image_id"])
    give(given, ["nowhere.png,yes"])
    app.run()
    assert not app.exception
    assert "None of the 1 image id of label file 'mine.csv'" in written(app)
    rows = [f"{each},{'yes' if i % 3 else 'no'}" for i, each in enumerate(ids)]
    give(given, [*rows, "other.png,no"])
    app.run()
    assert not app.exception
    assert "1 of 61 image ids in it matches no image of the cohort: 'other.png'" in written(app)
    asked: list[Any] = []
    monkeypatch.setattr(run_button, "offer_job", lambda request, **_: asked.append(request))
    app.query_params["task"], app.query_params["estimator"] = "column=extra:Relapsed", "forest"
    app.run()
    assert not app.exception
    parameters = check_parameters("slow-loco", asked[-1].parameters)
    work = Work(parameters, Path(os.environ["CXR_CACHE"]), lambda *_: None, lambda: False)
    assert "Relapsed" in [each.name for each in work.load_tested().extra]
    assert make_spec(parameters).labels == "mine.csv"
    app.button(key="own_labels_remove").click().run()
    assert not app.exception
    assert "mine.csv" not in written(app)


def give(given: list[Any], rows: list[str]) -> None:
    """Give a label file as a browser would."""
    data = "\n".join(["image_id,Relapsed", *rows]).encode()
    given.append(SimpleNamespace(name="mine.csv", getvalue=lambda: data))


def test_places_that_are_not_recorded_suggest_persons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cohort without places has a sentence in place of an empty figure."""
    root = make_own_cohort(tmp_path / "c", has_places=False).root
    monkeypatch.setenv("CXR_DATA", str(root))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.query_params["task"], app.query_params["features"] = "column=extra:Later", "age-sex"
    app = press_run(app.run().switch_page(PAGE).run())
    assert not app.exception
    assert "None of the 60 images has a region recorded" in written(app)


# ---- runs


@pytest.fixture
def ticked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the places that are ticked in the table of runs: a browser ticks, a test cannot."""
    rows: list[int] = []
    show = run_history.show_table

    def show_ticked(table: pd.DataFrame, **options: Any) -> Any:
        show(table, **options)
        return SimpleNamespace(selection=SimpleNamespace(rows=[r for r in rows if r < len(table)]))

    monkeypatch.setattr(run_history, "show_table", show_ticked)
    return rows


def open_runs(page: AppTest) -> AppTest:
    """Open the table of all runs."""
    page.session_state["detail"] = "runs"
    page.run()
    assert not page.exception
    return page


def read_runs(page: AppTest) -> pd.DataFrame:
    """Read the table of runs among those of the page."""
    return next(each.value for each in page.dataframe if "note" in each.value)


def make_more(on_demo: tuple[Path, Path]) -> list[RunEntry]:
    """Make three further runs of the demo; list all, the newest first."""
    data, cache = on_demo
    store = Store(cache)
    cohort = load_cohort(data, store=store)
    few = LocoSettings(n_resamples=50)
    for task, where in (("icu-stay", ""), ("icu-stay; days<=30", "view=AP"), ("opacity", "")):
        make_run(cohort, store, RunSpec(read_task(task), "age-sex", few, where))
    return list_runs(store, cohort.fingerprint)[::-1]


def test_runs_of_all_tasks_are_in_one_table(page: AppTest, on_demo: tuple[Path, Path]) -> None:
    """Other tasks too, counted as such; words and a task narrow the table."""
    entries = make_more(on_demo)
    open_runs(page)
    table = read_runs(page)
    assert len(table) == len(entries)
    assert {"opacity", "icu-stay", "icu-stay; days<=30"} <= set(table["task"])
    assert "on this outcome by other definitions" in written(page)
    page.selectbox(key="baseline_runs_task").set_value("opacity").run()
    assert set(read_runs(page)["task"]) == {"opacity"}
    page.selectbox(key="baseline_runs_task").set_value("all tasks").run()
    page.text_input(key="baseline_runs_text").set_value("age-sex view AP").run()
    assert set(read_runs(page)["filters"]) == {"view=AP"}
    page.text_input(key="baseline_runs_text").set_value("no such words").run()
    assert not page.exception
    assert "None of the" in written(page)


def test_ticked_runs_are_drawn_and_two_are_compared(
    page: AppTest, on_demo: tuple[Path, Path], ticked: list[int]
) -> None:
    """A forest plot of both with its numbers, and their difference on the images both have."""
    entries = make_more(on_demo)
    tasks = [entry.spec.task.to_text() if entry.spec else "" for entry in entries]
    features = [entry.spec.features if entry.spec else "" for entry in entries]
    pairs = list(zip(tasks, features, strict=True))
    ticked += [pairs.index((task, "age-sex")) for task in ("icu-stay", "icu-stay; days<=30")]
    open_runs(page)
    text = written(page)
    assert "Paired difference" in text
    assert "images that both have." in text
    assert len(page.get("plotly_chart")) == 1
    ticked[:] = [tasks.index("opacity")]
    page.run()
    assert not page.exception
    assert "another kind of task" in written(page)
    assert "predict different labels" in written(page) or "no image in common" in written(page)


def test_a_note_is_kept_as_text(page: AppTest, on_demo: tuple[Path, Path]) -> None:
    """What is noted stands in the table and the log, nothing of it is executed."""
    open_runs(page)
    field = next(each for each in page.text_input if each.label.startswith("Note on run"))
    field.set_value("<b>odd</b> $x$ :red[y]").run()
    assert not page.exception
    assert "<b>odd</b> $x$ :red[y]" in set(read_runs(page)["note"])
    assert "<b>odd" not in "".join(e.proto.body for e in page.get("html"))
    data, cache = on_demo
    store = Store(cache)
    entries = list_runs(store, load_cohort(data, store=store).fingerprint)
    assert [e.note for e in entries if e.note] == ["<b>odd</b> $x$ :red[y]"]
    next(each for each in page.text_input if each.label.startswith("Note")).set_value("").run()
    assert not any(read_runs(page)["note"])


def test_a_clicked_run_is_opened_with_its_filters(
    page: AppTest, on_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Task, features and filters are those of the run whose cell was clicked."""
    entries = make_more(on_demo)
    place = next(i for i, e in enumerate(entries) if e.spec and e.spec.where == "view=AP")
    state: dict[str, Any] = {
        "k": SimpleNamespace(selection=SimpleNamespace(cells=[(place, "run")]))
    }
    asked = []
    monkeypatch.setattr(run_history.st, "session_state", state)
    monkeypatch.setattr(run_history, "ask", asked.append)
    monkeypatch.setattr(run_history, "reset_filters", lambda names: state.update(reset=list(names)))
    run_history._open_clicked("k", entries)
    assert asked == [entries[place].spec]
    assert state["view"] == ["AP"]
    assert "view" not in state["reset"]
    assert "age" in state["reset"]


def test_page_writes_the_document_of_the_command(on_demo: tuple[Path, Path], monkeypatch) -> None:
    """The same keys and digits, to the byte."""
    data, cache = on_demo
    make_more(on_demo)
    words = ["--task", "icu-stay", "--features", "age-sex", "--resamples", "50", "--format", "json"]
    result = CliRunner().invoke(cli, ["loco", "--data", str(data), "--cache", str(cache), *words])
    assert result.exit_code == 0, result.output
    for module in (report, cached):
        monkeypatch.setattr(module, "find_cache", lambda: cache)
    cached._load_entries.cache_clear()
    store = Store(cache)
    few = LocoSettings(n_resamples=50)
    spec = RunSpec(read_task("icu-stay"), "age-sex", few)
    run = make_run(load_cohort(data, store=store), store, spec)
    assert report.write_run(SimpleNamespace(run=run)).decode() == result.stdout
