"""Tasks: the paper's seven as data, one line that reads back, and lines that are refused."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxrlib.baselines.tasks import (
    FORMED,
    PAPER_TASKS,
    Task,
    find_task,
    form_task,
    list_task_columns,
    read_task,
)
from cxrlib.baselines.tasks.tasks import TASK_COLUMNS, read_labels
from cxrlib.cohort import YES_NO_COLUMNS, Cohort, load_cohort
from cxrlib.errors import SelectionError
from tests.cohort_factory import make_cohort

NO_TUBE = ("intubation_present", "yes")
IN_ICU = ("in_icu", "yes")


def load(folder: Path, rows: list[dict[str, object]], **made: Any) -> Cohort:
    """Load a cohort without pictures."""
    return load_cohort(make_cohort(folder / "c", rows, images={}, **made), inspect_images=False)


# ---- the paper's


def test_the_papers_tasks_are_those_of_its_tables() -> None:
    """Names, columns, positive classes, windows and exclusions stand as in Tables 5 and 6."""
    expected = [
        ("covid-19", "classes", "covid-19", "COVID-19", "negative", (0, 8), ()),
        ("viral-or-bacterial", "classes", "viral", "viral", "negative", (0, 8), ()),
        ("survival", "classes", "survival", "survived", "negative", (0, 8), (NO_TUBE,)),
        ("icu-stay", "classes", "went_icu", "went to the ICU", "positive", (0, 8),
         (NO_TUBE, IN_ICU)),
        ("intubated", "classes", "intubated", "intubated", "positive", (0, 8), (NO_TUBE,)),
        ("geographic-extent", "number", "geographic_mean", "", "", (None, None), ()),
        ("opacity", "number", "opacity_mean", "", "", (None, None), ()),
    ]  # fmt: skip
    found = [
        (t.name, t.kind, t.column, t.positive, t.event, (t.after, t.before), t.without)
        for t in PAPER_TASKS
    ]
    assert found == expected
    assert {task.views for task in PAPER_TASKS} == {("PA", "AP")}
    assert not any(task.with_day_0 for task in PAPER_TASKS)
    assert all(task.is_published for task in PAPER_TASKS)
    assert len({hash(task) for task in PAPER_TASKS}) == len(PAPER_TASKS)


def test_a_changed_task_is_not_the_papers() -> None:
    """Whoever sets another question is not compared with the published number."""
    task = find_task("icu-stay")
    assert not replace(task, before=14).is_published
    assert not read_task("icu-stay; views=PA").is_published
    assert not read_task("column=went_icu").is_published
    assert read_task("icu-stay; days=0..8; views=AP,PA").is_published


# ---- one line


def list_changes() -> list[dict[str, Any]]:
    """List ways in which a task can differ."""
    views = [("PA", "AP"), ("AP Supine",), ("PA", "AP", "AP Supine", "L")]
    days = [
        (0, 8, False),
        (0, 14, True),
        (None, None, False),
        (-3.5, None, False),
        (None, 2, False),
    ]
    without = [(), (NO_TUBE,), (IN_ICU, NO_TUBE, ("survival", "not recorded"))]
    return [
        {"views": v, "after": a, "before": b, "with_day_0": zero, "without": w, "needs_finding": f}
        for v, (a, b, zero), w, f in itertools.product(views, days, without, (True, False))
    ]


@pytest.mark.parametrize("name", [*[t.name for t in PAPER_TASKS], *TASK_COLUMNS])
def test_a_line_reads_back_as_the_same_task(name: str) -> None:
    """Whatever is changed, the line tells it: the same task, and the same line again."""
    names = [task.name for task in PAPER_TASKS]
    origins = [find_task(name)] if name in names else []
    if name in TASK_COLUMNS:
        origins.append(read_task(f"column={name}"))
    for origin in origins:
        lines = set()
        for changes in list_changes():
            task = replace(origin, **changes)
            line = task.to_text()
            assert read_task(line) == task, line
            assert read_task(line).to_text() == line
            lines.add(line)
        assert len(lines) == len(list_changes())


def test_a_paper_task_is_written_by_its_name_alone() -> None:
    """Links to the paper's tasks are short, and a formed task is known by its column."""
    assert [task.to_text() for task in PAPER_TASKS] == [task.name for task in PAPER_TASKS]
    assert read_task("column=survival").to_text() == "column=survival"
    assert read_task("column=survival").name == FORMED


def test_order_repeats_and_letters_say_nothing() -> None:
    """Two lines that ask for the same are one task."""
    first = read_task("survival; views=PA,AP Supine,AP; without=in_icu:yes,intubation_present:yes")
    second = read_task(
        " survival ;without = intubation_present:yes , in_icu : yes,in_icu:yes;; "
        "views= ap supine, ap ,pa,PA; days = 0 .. 8 ; finding = usable"
    )
    assert first == second
    assert hash(first) == hash(second)
    assert first.views == ("PA", "AP", "AP Supine")
    assert read_task("survival; days=-0..8") == find_task("survival")
    assert replace(find_task("survival"), after=0, before=8.0) == find_task("survival")


REFUSED: Mapping[str, str] = {
    "": "There is no task ''",
    "icu": "no task 'icu'",
    "icu_stay": "Did you mean 'icu-stay'",
    "formed": "no task 'formed'",
    "name=survival": "its name or its column",
    "column=": "cannot be predicted",
    "column=view": "neither a yes/no nor a number column",
    "column=finding": "cannot be predicted",
    "column=extra:": "not understood",
    "column=extra:a:b:c": "not understood",
    'column=extra:"a': "has no partner",
    'column=extra:"a"b': "not understood",
    'column=extra:a"b"': "not understood",
    "column=number:a:b": "not understood",
    "column=finding:": "not understood",
    "column=__class__": "cannot be predicted",
    "column=survivel": "Did you mean 'survival'",
    "survival; views=": "not understood",
    "survival; views=PA,,AP": "no view ''",
    'survival; views="PA"': "no view",
    "survival; views=P:A": "no view",
    "survival; days=8": "not understood",
    "survival; days=..": "not understood",
    "survival; days=a..8": "not understood",
    "survival; days=0..8..9": "not understood",
    "survival; days=nan..8": "not understood",
    "survival; days=8..0": "Give the smaller number first",
    "survival; days=3..3": "Give the smaller number first",
    "survival; days=0..1e999": "not understood",
    "survival; days=0..1e300": "a hundred years",
    "survival; days=1..8; with day 0": "needs a window that starts at day 0",
    "survival; days=any; with day 0": "needs a window that starts at day 0",
    "survival; with day 0=no": "not understood",
    "survival; without=in_icu": "Write a column with its answer",
    "survival; without=in_icu:maybe": "no answer 'maybe'",
    "survival; without=sex:M": "not a yes/no column",
    "survival; finding=some": "not understood",
    "survival; before=9": "not understood",
    "survival; views=PA; views=AP": "twice",
    "survival; days=0..8; days=any": "twice",
    "survival; column=went_icu": "not understood",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_that_is_not_understood_is_refused(line: str) -> None:
    """The message says which part is wrong, and it is a full sentence."""
    with pytest.raises(SelectionError) as caught:
        read_task(line)
    assert REFUSED[line] in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_no_line_breaks_the_reader() -> None:
    """Whatever an address holds, it is a task or a refusal of moderate length."""
    rng = np.random.default_rng(7)
    parts = [
        *("icu-stay", "column=", "survival", "views=", "PA", "days=", "..", "any", "0", "-", "1e9"),
        *("with day 0", "without=", "in_icu", ":", "yes", ";", ",", "=", '"', "\n", "\0", "\ud800"),
        *("<b>", "finding=any", " ", "8", "٣", "x" * 500),
    ]
    n_read, longest = 0, 0
    for _ in range(4000):
        line = "".join(parts[i] for i in rng.integers(len(parts), size=rng.integers(1, 10)))
        try:
            task = read_task(line)
        except SelectionError as error:
            longest = max(longest, len(str(error)))
            continue
        n_read += 1
        assert read_task(task.to_text()) == task
    assert n_read > 10
    assert longest < 600


@pytest.mark.parametrize(
    "changes",
    [
        {"after": float("nan")},
        {"before": float("nan")},
        {"before": float("inf")},
        {"after": float("-inf")},
        {"after": 8},
        {"views": ()},
        {"views": ("",)},
        {"views": ("PA; days=any",)},
        {"without": (("survival", "Y"),)},
        {"without": (("age", "yes"),)},
        {"column": "sha256"},
    ],
)
def test_a_task_of_parts_that_do_not_fit_is_refused(changes: dict[str, Any]) -> None:
    """There is no task that its line could not tell."""
    with pytest.raises(SelectionError):
        replace(find_task("survival"), **changes)


# ---- in a cohort


def test_labels_are_yes_and_no_alone() -> None:
    """Every column that can be predicted has words for both classes, or is of numbers."""
    for column, label in TASK_COLUMNS.items():
        assert bool(label.positive) == bool(label.negative)
        task = read_task(f"column={column}")
        assert task.kind == ("classes" if label.positive else "number")
        assert (column in YES_NO_COLUMNS) <= (task.kind == "classes")
    assert set(YES_NO_COLUMNS) <= set(TASK_COLUMNS)


def test_labels_are_read_off_the_record(tmp_path: Path) -> None:
    """Unclear and blank are no label; a finding says COVID-19 wherever the word stands."""
    findings = [
        *("Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial/Streptococcus", "todo", "Unknown", ""),
        *("COVID-19, ARDS", "No Finding", "pneumonia/viral/covid-19", "Pneumonia/Viral"),
    ]
    survival = ["Y", "N", "Unclear", "", "Y", "N", "y", "no", "?"]
    rows: list[dict[str, object]] = [
        {"finding": finding, "survival": answer, "age": age}
        for finding, answer, age in zip(
            findings, survival, [5, "", 0, 1, 2, 3, 4, "x", 90], strict=True
        )
    ]
    cohort = load(tmp_path, rows, scores={"image2.png": (3.5, 0), "image4.png": ("", 6)})
    nan = float("nan")

    def read(column: str) -> list[float]:
        return read_labels(cohort, column).tolist()

    np.testing.assert_equal(read("covid-19"), [1, 0, nan, nan, nan, 1, 0, 1, 0])
    np.testing.assert_equal(read("viral")[:5], [1, 0, nan, nan, nan])
    np.testing.assert_equal(read("viral")[8], 1)
    np.testing.assert_equal(read("survival"), [1, 0, nan, nan, 1, 0, 1, 0, nan])
    np.testing.assert_equal(read("age"), [5, nan, 0, 1, 2, 3, 4, nan, 90])
    np.testing.assert_equal(read("geographic_mean")[:4], [nan, 3.5, nan, nan])
    with pytest.raises(SelectionError, match="cannot be predicted"):
        read_labels(cohort, "license")


def test_columns_are_counted_over_xrays(tmp_path: Path) -> None:
    """A CT row has no say; persons are patients where the images were not inspected."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "survival": "Y", "went_icu": "Y", "temperature": 37},
        {"patientid": "a", "survival": "Y", "went_icu": "Y", "temperature": 37},
        {"patientid": "b", "survival": "N", "went_icu": "Y", "view": "L"},
        {"patientid": "c", "survival": "N", "modality": "CT", "view": "Axial"},
    ]
    cohort = load(tmp_path, rows)
    columns = {each.column: each for each in list_task_columns(cohort)}
    findings = ["finding:Pneumonia", "finding:Pneumonia/Viral", "finding:Pneumonia/Viral/COVID-19"]
    assert list(columns) == [*TASK_COLUMNS, *findings]
    survival = columns["survival"]
    assert (survival.n_labelled, survival.n_positive, survival.n_negative) == (3, 2, 1)
    assert (survival.n_persons, survival.reason) == (2, "")
    assert columns["went_icu"].reason == ("All 3 X-rays with a value have 'went to the ICU'.")
    assert columns["temperature"].reason == "All 2 X-rays with a value have '37'."
    assert columns["intubated"].reason == "It is not recorded for any X-ray."
    assert columns["geographic_mean"].n_labelled == 0


def test_a_task_is_formed_of_a_column_that_varies(tmp_path: Path) -> None:
    """One class, nothing recorded and other columns are refused with the reason."""
    rows: list[dict[str, object]] = [
        {"survival": "Y", "went_icu": "Y", "age": 40},
        {"survival": "N", "went_icu": "Y", "age": 50},
    ]
    cohort = load(tmp_path, rows)
    formed = form_task(
        cohort, "survival", views=["AP", "PA"], before=14, with_day_0=True, without=[IN_ICU]
    )
    assert formed == read_task("column=survival; days=0..14; with day 0; without=in_icu:yes")
    assert (formed.name, formed.positive, formed.event) == (FORMED, "survived", "negative")
    assert form_task(cohort, "age", after=None, before=None).kind == "number"
    assert not form_task(cohort, "age", needs_finding=False).needs_finding
    with pytest.raises(SelectionError, match="all 2 X-rays with a value have 'went"):
        form_task(cohort, "went_icu")
    with pytest.raises(SelectionError, match="not recorded for any X-ray"):
        form_task(cohort, "opacity_mean")
    with pytest.raises(SelectionError, match="neither a yes/no nor a number column"):
        form_task(cohort, "source")
    with pytest.raises(SelectionError, match="Give the smaller number first"):
        form_task(cohort, "age", after=5, before=5)


def test_windows_are_told_in_words() -> None:
    """Each end that is open is left out of the sentence."""
    told = {
        "survival": "after day 0 and before day 8",
        "survival; days=0..14; with day 0": "from day 0 and before day 14",
        "survival; days=..3.5": "before day 3.5",
        "survival; days=-2..": "after day -2",
        "opacity": "any day, recorded or not",
    }
    for line, words in told.items():
        task: Task = read_task(line)
        assert task.describe_window() == words
        assert task.has_window == (line != "opacity")
