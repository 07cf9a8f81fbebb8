"""What a run is: the same from its address, its command line and its record."""

import itertools
import shlex
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from cxrlib.baselines.evaluation import CORRECTED, PUBLISHED, LocoSettings
from cxrlib.baselines.runs import RunSpec, describe_spec
from cxrlib.baselines.runs.run_spec import MAX_RESAMPLES
from cxrlib.baselines.tasks import PAPER_TASKS, find_task, read_task
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from tests.cohort_factory import make_cohort

SPECS = (
    RunSpec(find_task("covid-19"), "outputs"),
    RunSpec(
        read_task("icu-stay; views=PA,AP,AP Supine; days=0..14; with day 0"),
        "texture:outputs",
        LocoSettings(PUBLISHED, "sub-region", is_strict=True, seed=7, n_resamples=200),
        "view=AP; age=20..60",
    ),
    RunSpec(find_task("opacity"), "outputs", LocoSettings(estimator="linear:0.10")),
    RunSpec(find_task("survival"), "outputs", LocoSettings(estimator="forest", seed=3)),
    RunSpec(read_task("column=age; days=any"), "my features; 'quoted'.parquet", where="view=PA"),
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load three images of two views."""
    rows: list[dict[str, object]] = [
        {"view": "AP", "age": 20},
        {"view": "PA", "age": 60},
        {"view": "AP Supine"},
    ]
    return load_cohort(make_cohort(tmp_path_factory.mktemp("spec") / "c", rows))


@pytest.mark.parametrize("spec", SPECS)
def test_address_gives_the_run_back(spec: RunSpec, cohort: Cohort) -> None:
    """A link opens the very run that it was copied from."""
    query = parse_qs(urlencode(spec.to_query(), doseq=True))
    assert RunSpec.from_query(query, cohort) == (spec, [])


def test_run_spec_takes_embedding_for_the_papers_word(cohort: Cohort) -> None:
    """In a link, in a record and in code: the same run as by the word of older links."""
    task = find_task("icu-stay")
    old = RunSpec(task, "texture:intermediate")
    assert RunSpec(task, "texture:embedding") == old
    assert RunSpec.from_dict(old.to_dict() | {"features": "texture:embedding"}) == old
    query = old.to_query() | {"features": ["texture:embedding"]}
    assert RunSpec.from_query(query, cohort) == (old, [])


@pytest.mark.parametrize("spec", SPECS)
def test_record_gives_the_run_back(spec: RunSpec) -> None:
    """Nothing of a run is lost in its record."""
    assert RunSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize("spec", SPECS)
def test_command_line_holds_each_setting(spec: RunSpec) -> None:
    """A shell parts the line into the very values, whatever quotes are in them."""
    words = shlex.split(spec.to_command("a folder"))
    assert words[:6] == ["python", "-m", "cxrlib", "loco", "--data", "a folder"]
    values = dict(itertools.pairwise(words))
    assert read_task(values["--task"]) == spec.task
    assert values["--features"] == spec.features
    assert values["--model"] == spec.settings.model
    assert values["--protocol"] == spec.settings.protocol.name
    assert values["--hold-out"] == spec.settings.hold_out
    assert ("--strict" in words) == spec.settings.is_strict
    assert values.get("--where", "") == spec.where
    assert (int(values["--seed"]), int(values["--resamples"])) == (
        spec.settings.seed,
        spec.settings.n_resamples,
    )


def test_unusable_values_are_reported_and_default(cohort: Cohort) -> None:
    """An address that anyone wrote gives a run, and a sentence for each value it cannot use."""
    query = {
        "task": "no such",
        "protocol": "best",
        "hold_out": "continent",
        "strict": "perhaps",
        "seed": ["-1"],
        "resamples": [str(MAX_RESAMPLES + 1)],
        "estimator": "oracle",
        "features": ["a", "b"],
        "view": ["Oblique"],
        "other": "passed over",
    }
    spec, complaints = RunSpec.from_query(query, cohort)
    assert spec == RunSpec(PAPER_TASKS[0], "outputs", LocoSettings())
    assert len(complaints) == 9
    values = ("no such", "best", "continent", "perhaps", "-1", "10001", "features", "oracle")
    for value in (*values, "Oblique"):
        assert any(value in complaint for complaint in complaints), value


@pytest.mark.parametrize("text", ["1.0", "١", "1e3", "9" * 400, " 1", "0x1"])
def test_numbers_are_plain_digits_only(text: str, cohort: Cohort) -> None:
    """No other writing of a number is guessed at."""
    _, complaints = RunSpec.from_query({"seed": text}, cohort)
    assert len(complaints) == 1


def test_an_empty_address_is_the_default(cohort: Cohort) -> None:
    """Nothing asked for, nothing to complain of."""
    spec, complaints = RunSpec.from_query({}, cohort)
    assert not complaints
    assert spec.settings.protocol is CORRECTED


def test_filters_have_one_spelling() -> None:
    """The same filters in another order are the same run."""
    task = find_task("survival")
    first = RunSpec(task, "outputs", where="view=PA,AP;  age=20..60")
    assert first == RunSpec(task, "outputs", where="age=20..60; view=AP,PA")


def test_a_protocol_of_ones_own_is_refused() -> None:
    """What no command line can name is no run of the book."""
    own = LocoSettings(protocol=replace(PUBLISHED, is_standardised=True))
    with pytest.raises(SelectionError, match="published, corrected"):
        RunSpec(find_task("survival"), "outputs", own)


def test_run_spec_refuses_a_name_that_no_record_can_hold() -> None:
    """A file may be called by bytes that are no text."""
    with pytest.raises(SelectionError, match=r"'f\\udcff.csv' .*not valid UTF-8.*Rename"):
        RunSpec(find_task("survival"), "f\udcff.csv")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "0"},
        {"is_strict": 1},
        {"protocol": "x"},
        {"task": "x"},
        {"where": "x=1"},
        {"task": 5},
        {"where": 5},
        {"estimator": "oracle"},
        {"estimator": None},
    ],
)
def test_a_damaged_record_is_no_run(change: dict[str, object]) -> None:
    """A value of another type or meaning is refused."""
    with pytest.raises((SelectionError, TypeError)):
        RunSpec.from_dict(SPECS[0].to_dict() | change)


@pytest.mark.parametrize(("protocol", "model"), [("published", "paper"), ("corrected", "linear")])
def test_link_without_a_model_means_the_protocols_own(
    protocol: str, model: str, cohort: Cohort
) -> None:
    """Links of before there was a choice go on to open."""
    spec, complaints = RunSpec.from_query({"protocol": protocol}, cohort)
    assert not complaints
    assert spec.settings.model == model


def test_record_without_a_model_means_the_papers() -> None:
    """What was kept before there was a choice was C = 1, and is called so."""
    former = SPECS[0].to_dict()
    del former["estimator"]
    assert RunSpec.from_dict(former).settings.model == "paper"


def test_link_with_a_model_that_the_protocol_does_not_take_keeps_its_own(cohort: Cohort) -> None:
    """With a sentence on what to choose."""
    spec, (complaint,) = RunSpec.from_query(
        {"protocol": "published", "estimator": "forest"}, cohort
    )
    assert spec.settings.model == "paper"
    assert "fits the paper's models only, not 'forest'" in complaint


def test_run_with_an_estimator_of_ones_own_is_repeated_in_python() -> None:
    """No command line can name it."""
    own = LocoSettings(estimator="own:SVC(C=3)#0123abcd", seed=5)
    line = RunSpec(find_task("survival"), "outputs", own).to_command()
    assert line.startswith("cxrlib.evaluate_loco(cxrlib.load_cohort('DIR'), 'survival', ")
    assert "estimator=SVC(C=3), " in line
    assert "seed=5" in line
    compile(line, "line", "eval")


def test_words_name_what_differs() -> None:
    """Two runs of one task are told apart in a list."""
    assert describe_spec(SPECS[1]) == (
        "icu-stay; views=PA,AP,AP Supine; days=0..14; with day 0; texture:outputs; paper; "
        "published, by sub-region, strict, seed 7; filters: View AP, Age 20 to 60 years"
    )


def test_records_name_no_folder(tmp_path: Path) -> None:
    """The folder of a cohort is the reader's: it stands in no link."""
    assert "DIR" in SPECS[0].to_command()
    assert str(tmp_path) not in str(SPECS[0].to_query())


def test_sums_and_shortcuts_taken_away_survive_links_commands_and_records(cohort: Cohort) -> None:
    """What a run is asked for reads back as it was written; an older record has neither."""
    settings = LocoSettings(erase="view+source", match="view")
    spec = RunSpec(find_task("icu-stay"), "texture:embedding + age-sex", settings)
    assert spec.features == "texture:intermediate+age-sex"
    query = spec.to_query()
    assert RunSpec.from_query(query, cohort) == (spec, [])
    typed = {**query, "features": ["texture:embedding age-sex"], "erase": ["view source"]}
    assert RunSpec.from_query(typed, cohort) == (spec, [])
    assert RunSpec.from_dict(spec.to_dict()) == spec
    assert "--erase view+source --match view" in spec.to_command()
    assert "view and source erased, classes matched by view" in describe_spec(spec)
    older = RunSpec(find_task("icu-stay"), "view").to_dict()
    del older["erase"], older["match"]
    assert RunSpec.from_dict(older) == RunSpec(find_task("icu-stay"), "view")
