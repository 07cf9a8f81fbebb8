"""Columns of one's own: any can be predicted, a line holds any name, faults have sentences."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.baselines.tasks import (
    form_task,
    list_task_columns,
    make_card,
    read_task,
    take_rows,
)
from cxrlib.baselines.tasks.own_columns import OwnColumn, parse_own_column
from cxrlib.baselines.tasks.tasks import read_labels
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from tests.own_cohort_factory import make_own_cohort

NAMES = ["site", "a;b", "a:b", 'say "x"', "a,b=c", "it's", " edge", "Größe", '"', ";", "x" * 90]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a cohort with columns of its own."""
    return make_own_cohort(tmp_path_factory.mktemp("own") / "c")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["extra", "number", "finding", "category"])
def test_task_of_any_name_reads_back(kind: str, name: str) -> None:
    """A line holds names of any signs, with all other terms behind it."""
    value = name[::-1] if kind == "category" else ""
    own = OwnColumn("extra" if kind == "category" else kind, name, value)
    assert parse_own_column(own.to_text()) == own
    task = read_task(f"column={own.to_text()}; views=PA; days=0..8; with day 0; finding=any")
    assert task.column == own.to_text()
    assert read_task(task.to_text()) == task
    assert task.kind == ("number" if kind == "number" else "classes")
    assert make_card(task).question
    assert not set(task.title + task.positive) & set("<>[]*_`$")


def test_task_column_has_one_spelling() -> None:
    """Quotes that are not needed, and blanks, make no other task."""
    first, second = read_task('column= extra:"site" : "A"'), read_task("column=extra:site:A")
    assert first == second
    assert hash(first) == hash(second)


def test_own_tasks_have_no_window_and_need_no_finding_unless_asked() -> None:
    """A record of one's own need not have days; those of the record stay as they are."""
    task = read_task("column=extra:Later")
    assert (task.has_window, task.needs_finding) == (False, False)
    assert task.to_text() == "column=extra:Later"
    assert read_task("column=sex").has_window


def test_read_labels_of_own_columns(cohort: Cohort) -> None:
    """Answers, numbers and a category against the rest, by a plain loop over the cells."""
    table = cohort.table
    expected = {
        "extra:Later": [{"yes": 1.0, "no": 0.0}[v] for v in table["extra:Later"]],
        "extra:copy": [{"yes": 1.0, "no": 0.0}[v] for v in table["extra:copy"]],
        "number:crp": [float(v) for v in table["extra:crp"]],
        "number:icu_los": table["extra:icu_los"].to_numpy(float, na_value=np.nan),
        'extra:stage:"a;b=c"': [float(v == "a;b=c") for v in table["extra:stage"]],
        "sex": [{"M": 1.0, "F": 0.0}[v] for v in table["sex"]],
    }  # fmt: skip
    for column, labels in expected.items():
        np.testing.assert_array_equal(read_labels(cohort, column), labels)


def test_read_labels_of_a_finding_takes_what_is_below_it(tmp_path: Path) -> None:
    """A path has its whole branch; unusable findings are no label; case does not matter."""
    findings = [
        *("Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial", "No Finding", "todo", "Pneumonia"),
        *("Pneumonia/Viral", "Pneumonia/Viral/SARS", "Pneumonia/Viralx"),
    ]
    cohort = make_own_cohort(tmp_path / "c", n_images=8, own={"finding": list(findings)})
    nan = np.nan
    viral = read_labels(cohort, "finding:pneumonia/viral")
    np.testing.assert_array_equal(viral, [1, 0, 0, nan, 0, 1, 1, 0])
    np.testing.assert_array_equal(
        read_labels(cohort, "finding:Pneumonia"), [1, 1, 0, nan, 1, 1, 1, 1]
    )
    with pytest.raises(SelectionError, match="Did you mean 'Pneumonia/Viral/SARS'"):
        read_labels(cohort, "finding:Pneumonia/Viral/SARZ")


def test_read_task_takes_a_number_column_by_its_name(cohort: Cohort) -> None:
    """Written as any extra column, it is settled by the cohort; without one it is not known."""
    assert read_task("column=extra:crp", cohort).to_text() == "column=number:crp"
    assert read_task("column=extra:crp; views=AP", cohort).kind == "number"
    with pytest.raises(SelectionError, match=r"of the type number.* Write column=number:crp\."):
        take_rows(cohort, read_task("column=extra:crp"))


REFUSED = {
    "column=extra:Latre": r"no extra column 'Latre' in 'c'\. Did you mean 'Later'",
    "column=extra:later": "Did you mean 'Later'",
    "column=extra:empty": "has no value in any row, so it cannot be predicted",
    "column=extra:remarks": "holds text with 60 values",
    "column=extra:site": r"has 3 categories .* as in column=extra:site:[ABC]\.",
    "column=extra:stage": r"name the one to predict against the rest",
    "column=extra:stage:severe": "has no value 'severe'",
    "column=extra:stage:mid": "Did you mean 'mild'",
    "column=extra:Later:yes": r"Write column=extra:Later\.",
    "column=number:Later": r"of the type yes/no.* Write column=extra:Later\.",
    "column=finding:Tuberculosis": "No image of 'c' has the finding 'Tuberculosis'",
}


@pytest.mark.parametrize("line", REFUSED)
def test_own_columns_that_cannot_be_predicted_have_a_sentence(cohort: Cohort, line: str) -> None:
    """What is wrong with the column, and what to write."""
    with pytest.raises(SelectionError, match=REFUSED[line]) as caught:
        take_rows(cohort, read_task(line, cohort))
    assert str(caught.value).endswith((".", "?"))


def test_an_extra_column_of_a_cohort_without_any_names_the_way(tmp_path: Path) -> None:
    """Where there are only known columns, a label file is named."""
    from cxrlib.cohort import load_cohort
    from tests.cohort_factory import make_cohort

    cohort = load_cohort(make_cohort(tmp_path / "c", images={}), inspect_images=False)
    with pytest.raises(SelectionError, match="--labels"):
        take_rows(cohort, read_task("column=extra:Later"))


def test_list_task_columns_offers_own_columns_with_counts(cohort: Cohort) -> None:
    """Answers, numbers and each category; text and empty columns are not offered."""
    columns = {each.column: each for each in list_task_columns(cohort)}
    own = [name for name in columns if name.startswith(("extra:", "number:"))]
    values = ["extra:stage:mild", "extra:stage:moderate"]
    assert {"extra:Later", "number:icu_los", "number:crp", 'extra:stage:"a;b=c"', *values} <= {*own}
    assert not any("remarks" in name or "empty" in name for name in own)
    later = columns["extra:Later"]
    assert (later.n_labelled, later.n_positive, later.n_negative) == (60, 30, 30)
    assert columns["extra:const"].reason == "All 60 X-rays with a value have 'yes'."
    with pytest.raises(SelectionError, match="all 60 X-rays with a value have 'yes'"):
        form_task(cohort, "extra:const")
    assert form_task(cohort, "extra:crp").to_text() == "column=number:crp"


def test_take_rows_of_an_own_column_counts_why_rows_go(cohort: Cohort) -> None:
    """The flow names the column and what is not recorded."""
    rows = take_rows(cohort, read_task("column=number:icu_los"))
    step = rows.flow.set_index("step").loc["labelled"]
    assert (step["n_images"], step["reasons"]) == (30, "30 icu los: not recorded")
    assert rows.table["extra:site"].isin(["A", "B", "C"]).all()
