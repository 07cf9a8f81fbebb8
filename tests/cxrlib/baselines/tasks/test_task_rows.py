"""Rows of a task: against plain loops, against the metadata itself, and with nothing left."""

import csv
import dataclasses
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.tasks import (
    PAPER_TASKS,
    Task,
    TaskRows,
    compare_labelled,
    count_classes,
    find_task,
    narrow_rows,
    read_task,
    take_rows,
)
from cxrlib.baselines.tasks.task_rows import CLASS_GROUPINGS, FLOW_COLUMNS, ROW_COLUMNS
from cxrlib.charts.cohort import describe_flow
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.number_text import FEW
from cxrlib.selection import Selection, parse_where, select
from tests.cohort_factory import draw_image, make_cohort

LINES = [
    *(task.name for task in PAPER_TASKS),
    "icu-stay; days=0..14; with day 0; views=PA,AP,AP Supine; without=nothing",
    "survival; days=any; finding=any",
    "column=age; days=-3..2; views=L,AP; without=survival:not recorded,in_icu:unclear",
    "column=in_icu; days=..5",
]


def load(folder: Path, rows: list[dict[str, object]], **made: Any) -> Cohort:
    """Load a cohort; persons are named by hand where they are wanted."""
    made.setdefault("images", {})
    return load_cohort(make_cohort(folder / "c", rows, **made), inspect_images=False)


def draw_rows(n: int, seed: int = 0) -> list[dict[str, object]]:
    """Draw rows of all kinds, blanks and nonsense among them."""
    rng = np.random.default_rng(seed)
    findings = [
        *("Pneumonia/Viral/COVID-19", "Pneumonia/Viral/SARS", "Pneumonia/Bacterial", "todo", ""),
        *("Pneumonia/Bacterial/Legionella", "No Finding", "Pneumonia/Fungal"),
    ]
    choices: dict[str, list[object]] = {
        "finding": list(findings),
        "view": ["PA", "AP", "PA", "AP", "AP Supine", "L", ""],
        "modality": ["X-ray", "X-ray", "X-ray", "CT"],
        "offset": ["", -2, 0, 1, 3, 5, 7, 7.5, 8, 20],
        "survival": ["Y", "N", "", "Unclear"],
        "went_icu": ["Y", "N", ""],
        "in_icu": ["Y", "N", ""],
        "intubated": ["Y", "N", ""],
        "intubation_present": ["Y", "N", "", "", "Unclear"],
        "sex": ["M", "F", ""],
        "age": [20, 45, 70, ""],
        "location": ["Rome, Italy", "Wuhan, China", "Lima, Peru", ""],
        "url": ["https://a.org/1", "https://b.org/2", ""],
    }
    rows = []
    for i in range(n):
        row: dict[str, object] = {"filename": f"image{i}.png", "patientid": f"p{i // 2}"}
        for column, values in choices.items():
            row[column] = values[rng.integers(len(values))]
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Draw a cohort; every third image has no file, some a score; p1 and p2 are one person."""
    scores = {f"image{i}.png": (i % 9, i % 7) for i in range(0, 400, 5)}
    images = {f"image{i}.png": np.zeros((2, 2), np.uint8) for i in range(400) if i % 3}
    cohort = load(tmp_path_factory.mktemp("drawn"), draw_rows(400), scores=scores, images=images)
    persons = cohort.table["patient_id"].replace({"p2": "p1"})
    return dataclasses.replace(cohort, table=cohort.table.assign(person_id=persons))


# ---- slow reference

Row = dict[str, Any]


def label_slowly(row: Row, task: Task) -> float | None:
    """Give a row's label by the words of the metadata."""
    finding = row["finding"] or ""
    if task.column == "covid-19":
        if finding in ("", "todo", "Unknown"):
            return None
        return float("COVID-19" in finding)
    if task.column == "viral":
        parts = finding.split("/")
        return {"Viral": 1.0, "Bacterial": 0.0}.get(parts[1] if len(parts) > 1 else "")
    value = row[task.column]
    if task.kind == "number":
        return None if value is None else float(value)
    return {"yes": 1.0, "no": 0.0}.get(value)


def judge_slowly(row: Row, task: Task) -> str | None:
    """Give the name of the step at which a row goes: the first whose sentence holds."""
    names = {"intubation_present": "no tube", "in_icu": "not in the ICU"}
    sentences = [
        ("X-ray", row["modality"] != "X-ray"),
        ("view", row["view"] not in task.views),
        ("usable finding", task.needs_finding and row["finding"] in (None, "todo", "Unknown")),
        ("labelled", label_slowly(row, task) is None),
        ("window", not is_in_window(row["offset"], task)),
        *(
            (names[column] if answer == "yes" else f"{column} not {answer}", row[column] == answer)
            for column, answer in task.without
        ),
        ("with a file", row["file_status"] != "ok"),
    ]
    return next((name for name, holds in sentences if holds), None)


def is_in_window(day: float | None, task: Task) -> bool:
    """Tell whether a day lies strictly between the ends, or is the day 0 that is let in."""
    if task.after is None and task.before is None:
        return True
    if day is None:
        return False
    is_after = task.after is None or day > task.after or (task.with_day_0 and day == 0)
    return is_after and (task.before is None or day < task.before)


def list_rows(cohort: Cohort) -> list[Row]:
    """List rows as plain dictionaries in the file's order, None where nothing is recorded."""
    table = cohort.table.astype(object).sort_values("row")
    rows: list[Any] = table.where(table.notna(), None).to_dict("records")
    return rows


@pytest.mark.parametrize("line", LINES)
def test_rows_and_flow_are_those_of_a_plain_loop(drawn: Cohort, line: str) -> None:
    """Which rows stay with which label, and what each step takes, image by image."""
    task = read_task(line)
    rows = take_rows(drawn, task)
    gone: Counter[str | None] = Counter()
    kept = []
    for row in list_rows(drawn):
        step = judge_slowly(row, task)
        gone[step] += step is not None
        kept += [row] if step is None else []
    assert rows.table["image_id"].tolist() == [row["image_id"] for row in kept]
    assert rows.table["y"].tolist() == [label_slowly(row, task) for row in kept]
    assert rows.table["person_id"].tolist() == [row["person_id"] for row in kept]
    assert rows.n_patients == len({row["patient_id"] for row in kept})
    assert rows.n_persons == len({row["person_id"] for row in kept})
    flow = rows.flow.set_index("step")
    for step in flow.index[1:]:
        assert flow.loc[step, "n_removed_images"] == gone[step], step
    assert sum(gone.values()) == drawn.n_images - len(kept)


@pytest.mark.parametrize("line", LINES)
def test_the_flow_adds_up(drawn: Cohort, line: str) -> None:
    """Each step leaves what the one before left less what went; reasons add up to that."""
    rows = take_rows(drawn, read_task(line), selection=Selection(region=("Europe", "Asia")))
    flow = rows.flow
    assert tuple(flow.columns) == FLOW_COLUMNS
    assert flow["step"].is_unique
    assert flow["step"].iloc[[0, 1, 2, -2, -1]].tolist() == [
        *("all rows", "X-ray", "view", "with a file", "in the filters")
    ]
    for unit in ("images", "patients"):
        left = flow[f"n_{unit}"].to_numpy()
        assert (left[:-1] - left[1:] == flow[f"n_removed_{unit}"].to_numpy()[1:]).all()
    assert flow["n_images"].iloc[-1] == rows.n_images
    assert flow["n_patients"].iloc[0] == drawn.n_patients
    assert flow["n_persons"].iloc[0] == drawn.n_persons
    for n, reasons in zip(flow["n_removed_images"], flow["reasons"], strict=True):
        counts = [int(part.split(" ")[0]) for part in reasons.split(", ") if part[:1].isdigit()]
        assert sum(counts) == n
        assert counts == sorted(counts, reverse=True)
    assert [step.n_images for step in rows.steps] == flow["n_images"].tolist()
    assert [sum(s.removed.values()) for s in rows.steps] == flow["n_removed_images"].tolist()
    assert str(rows.n_images) in describe_flow(rows.steps)


@pytest.mark.parametrize("line", LINES)
def test_order_of_rows_changes_nothing(drawn: Cohort, line: str) -> None:
    """A cohort whose table is shuffled has the same rows, flow and classes."""
    task = read_task(line)
    mixed = drawn.table.sample(frac=1, random_state=3)
    first = take_rows(drawn, task)
    for table in (mixed, mixed.reset_index(drop=True)):
        second = take_rows(dataclasses.replace(drawn, table=table), task)
        pd.testing.assert_frame_equal(first.table, second.table)
        pd.testing.assert_frame_equal(first.flow, second.flow)
        pd.testing.assert_frame_equal(count_classes(first), count_classes(second))


# ---- the table


def test_the_table_is_plain(drawn: Cohort) -> None:
    """Columns, index and types are those promised, with blanks written one way."""
    table = take_rows(drawn, find_task("covid-19")).table
    assert tuple(table.columns) == ROW_COLUMNS
    assert table.index.tolist() == list(range(len(table)))
    assert table["row"].is_monotonic_increasing
    for column in ("offset", "age", "y"):
        assert table[column].dtype == np.float64
    words = table.drop(columns=["offset", "age", "y", "row"])
    assert not words.isna().any(axis=None)
    assert {"", "M", "F"} == set(table["sex"])
    assert "" in set(table["article"])
    assert "" in set(table["source"])
    assert {"Europe", "Asia", "Americas", "Unknown"} == set(table["region"])
    assert table["age"].isna().any()
    assert set(zip(table["label"], table["y"], strict=True)) == {
        ("COVID-19", 1.0),
        ("other pneumonia or finding", 0.0),
    }


def test_numbers_are_labels_in_words(tmp_path: Path) -> None:
    """A score is written without a needless point."""
    rows: list[dict[str, object]] = [{}, {}, {}]
    scores = {"image1.png": (3, 1), "image2.png": (3.3333333, 0), "image3.png": (0, 6)}
    cohort = load(tmp_path, rows, scores=scores)
    found = take_rows(cohort, find_task("geographic-extent"), need_file=False).table
    assert found["label"].tolist() == ["3", "3.33333", "0"]
    assert found["y"].tolist() == [3, 3.3333333, 0]


def test_the_window_lies_strictly_between(tmp_path: Path) -> None:
    """Day 0 and day 8 go; day 0 is let in if asked for; without a window undated rows stay."""
    days: list[object] = ["", -1, 0, 0.5, 7.5, 8]
    cohort = load(tmp_path, [{"offset": day} for day in days])

    def list_days(line: str) -> list[float]:
        return take_rows(cohort, read_task(line), need_file=False).table["offset"].tolist()

    assert list_days("covid-19") == [0.5, 7.5]
    assert list_days("covid-19; with day 0") == [0, 0.5, 7.5]
    assert list_days("covid-19; days=..8") == [-1, 0, 0.5, 7.5]
    assert list_days("covid-19; days=0..") == [0.5, 7.5, 8]
    assert list_days("covid-19; days=-1..0.5") == [0]
    assert list_days("covid-19; days=0.5..") == [7.5, 8]
    np.testing.assert_equal(list_days("covid-19; days=any"), [np.nan, -1, 0, 0.5, 7.5, 8])
    flow = take_rows(cohort, find_task("covid-19")).flow.set_index("step")
    assert flow.loc["window", "reasons"] == (
        "1 day 0, 1 day 8 or after, 1 day before 0, 1 day not recorded"
    )


def test_files_are_needed_unless_one_says_otherwise(tmp_path: Path) -> None:
    """A missing file and one that is no image go in a step of their own."""
    rows: list[dict[str, object]] = [{"offset": 3} for _ in range(3)]
    root = make_cohort(tmp_path / "c", rows, images={"image1.png": draw_image(1)})
    (root / "images" / "image2.png").write_text("no image")
    cohort = load_cohort(root)
    task = find_task("covid-19")
    assert take_rows(cohort, task).table["image_id"].tolist() == ["image1.png"]
    flow = take_rows(cohort, task).flow.set_index("step")
    assert flow.loc["with a file", "reasons"] == "1 file: no file, 1 file: unreadable"
    without = take_rows(cohort, task, need_file=False)
    assert without.n_images == 3
    assert "with a file" not in set(without.flow["step"])


def test_persons_are_patients_where_they_are_not_known(tmp_path: Path) -> None:
    """A cohort whose images were not inspected still has groups to keep together."""
    cohort = load(tmp_path, [{"patientid": "a", "offset": 1}, {"patientid": "a", "offset": 2}])
    rows = take_rows(cohort, find_task("covid-19"), need_file=False)
    assert cohort.n_persons is None
    assert rows.table["person_id"].tolist() == ["a", "a"]
    assert rows.flow["n_persons"].tolist() == rows.flow["n_patients"].tolist()


def test_filters_come_last_and_keep_what_a_selection_keeps(drawn: Cohort) -> None:
    """Counts before the filters are the task's; the rows are those of both."""
    task = find_task("covid-19")
    selection = parse_where("region=Europe; age=..50; without=no-day")
    whole, some = take_rows(drawn, task), take_rows(drawn, task, selection=selection)
    pd.testing.assert_frame_equal(some.flow.iloc[:-1], whole.flow)
    kept = set(select(drawn, selection).table["image_id"])
    expected = [image_id for image_id in whole.table["image_id"] if image_id in kept]
    assert some.table["image_id"].tolist() == expected
    assert 0 < len(expected) < whole.n_images
    reasons = some.flow["reasons"].iloc[-1]
    assert "region Asia" in reasons
    assert "age" in reasons
    assert take_rows(drawn, task, selection=Selection()).flow.equals(whole.flow)


def test_a_later_stage_adds_a_step_of_its_own(drawn: Cohort) -> None:
    """Rows that go later are counted as those before, and the flow goes on adding up."""
    rows = take_rows(drawn, find_task("covid-19"))
    regions = rows.table["region"]
    reasons = [None if region == "Europe" else f"region {region}" for region in regions]
    some = narrow_rows(rows, reasons, step="folds", title="In a region that is tested")
    assert some.table["image_id"].tolist() == rows.table["image_id"][regions == "Europe"].tolist()
    assert some.table.index.tolist() == list(range(some.n_images))
    pd.testing.assert_frame_equal(some.flow.iloc[:-1], rows.flow)
    last = some.flow.iloc[-1]
    assert (last["n_images"], last["n_patients"]) == (some.n_images, some.n_patients)
    assert last["n_persons"] == some.n_persons
    assert last["n_removed_images"] == rows.n_images - some.n_images
    assert last["n_removed_patients"] == rows.n_patients - some.n_patients
    assert sum(some.steps[-1].removed.values()) == last["n_removed_images"]
    assert narrow_rows(rows, [None] * rows.n_images, step="a", title="A").n_images == rows.n_images
    assert narrow_rows(rows, ["x"] * rows.n_images, step="a", title="A").n_images == 0
    with pytest.raises(SelectionError, match="has 2 reasons for"):
        narrow_rows(rows, ["x", None], step="a", title="A")


# ---- nothing left


@pytest.mark.parametrize("line", ["opacity", "survival", "column=temperature", "covid-19"])
def test_nothing_left_is_an_answer(tmp_path: Path, line: str) -> None:
    """No severity file, no column, no row in the window: empty tables, and the reasons."""
    cohort = load(tmp_path, [{"offset": 20}, {"offset": ""}])
    rows = take_rows(cohort, read_task(line))
    assert rows.n_images == rows.n_persons == rows.n_patients == 0
    assert tuple(rows.table.columns) == ROW_COLUMNS
    assert rows.table["y"].dtype == np.float64
    assert rows.flow["n_images"].iloc[-1] == 0
    assert "".join(rows.flow["reasons"])
    assert count_classes(rows).empty
    full = take_rows(cohort, read_task(f"{line}; days=any"), need_file=False)
    assert list(count_classes(rows)) == list(count_classes(full))
    result = compare_labelled(cohort, read_task(line), n_resamples=20)
    assert result.table["low"].isna().all()
    assert (result.table["reason"] != "").all()


def test_a_view_that_is_not_there_is_refused(drawn: Cohort) -> None:
    """A known view may be missing; an unknown one is misspelt."""
    assert take_rows(drawn, read_task("covid-19; views=AP Erect")).n_images == 0
    for ask in (take_rows, compare_labelled):
        with pytest.raises(SelectionError, match="no view 'APX'"):
            ask(drawn, read_task("covid-19; views=APX"))


def test_markup_in_a_record_stays_text(tmp_path: Path) -> None:
    """Reasons and groups hold what the record says, as text: whoever shows them escapes it."""
    rows: list[dict[str, object]] = [
        {"offset": 1, "finding": "<img src=x>", "location": "<b>x</b>", "patientid": "=1+1"},
        {"offset": 1, "view": "<script>", "finding": "todo"},
    ]
    found = take_rows(load(tmp_path, rows), find_task("covid-19"), need_file=False)
    assert "1 view <script>" in set(found.flow["reasons"])
    assert found.table["patient_id"].tolist() == ["=1+1"]
    assert count_classes(found, "country")["n_images"].tolist() == [1]


def test_very_many_reasons_and_long_ones_stay_readable(tmp_path: Path) -> None:
    """Rare reasons are told together, a long value is cut, and the counts still add up."""
    rows: list[dict[str, object]] = [
        {"offset": 3, "finding": f"Pneumonia/Fungal/{'x' * 500}{i // 2}"} for i in range(60)
    ]
    rows += [{"offset": 3, "finding": f"finding {i // 3}"} for i in range(60)]
    flow = take_rows(load(tmp_path, rows), find_task("viral-or-bacterial")).flow.set_index("step")
    reasons = str(flow.loc["labelled", "reasons"])
    assert len(reasons) < 1000
    counts = [int(part.split(" ")[0]) for part in reasons.split(", ")]
    assert sum(counts) == flow.loc["labelled", "n_removed_images"] == 120
    assert reasons.endswith("27 for 9 other reasons")


# ---- classes


@pytest.mark.parametrize("by", CLASS_GROUPINGS)
def test_classes_are_those_of_plain_counting(drawn: Cohort, by: str) -> None:
    """Images and persons of each class, or the numbers, group by group."""
    for line in ("covid-19", "opacity"):
        rows = take_rows(drawn, read_task(line), need_file=False)
        records: list[Any] = rows.table.to_dict("records")
        counted: list[Any] = count_classes(rows, by).to_dict("records")
        column = by.replace("-", "_")
        names = {record[column] or "not recorded" for record in records}
        assert {line["group"] for line in counted} == names
        for found in counted:
            mine = [r for r in records if (r[column] or "not recorded") == found["group"]]
            assert found["n_images"] == len(mine)
            assert found["n_persons"] == len({r["person_id"] for r in mine})
            check_group(found, mine, is_number=line == "opacity")


def check_group(found: Row, mine: list[Row], *, is_number: bool) -> None:
    """Compare a group's counts, or its numbers, with its rows."""
    if not is_number:
        for name, y in (("positive", 1), ("negative", 0)):
            of_class = [r for r in mine if r["y"] == y]
            assert found[f"n_{name}"] == len(of_class)
            assert found[f"n_{name}_persons"] == len({r["person_id"] for r in of_class})
        return
    numbers = [r["y"] for r in mine]
    assert (found["lowest"], found["highest"]) == (min(numbers), max(numbers))
    is_few = len(numbers) < FEW
    mean, sd = (np.nan, np.nan) if is_few else (statistics.mean(numbers), statistics.stdev(numbers))
    assert found["mean"] == pytest.approx(mean, nan_ok=True)
    assert found["sd"] == pytest.approx(sd, nan_ok=True)


def test_groups_stand_largest_first_and_unknown_last(drawn: Cohort) -> None:
    """What is not recorded is a group, and the last one however large."""
    regions = count_classes(take_rows(drawn, find_task("covid-19")))
    known = regions["n_images"].iloc[:-1]
    assert known.is_monotonic_decreasing
    assert regions["group"].iloc[-1] == "Unknown"
    assert count_classes(take_rows(drawn, find_task("covid-19")), "source")["group"].iloc[-1] == (
        "not recorded"
    )
    with pytest.raises(SelectionError, match="cannot be counted by 'continent'"):
        count_classes(take_rows(drawn, find_task("covid-19")), "continent")


# ---- who is labelled


def test_a_planted_difference_between_labelled_and_others_is_found(tmp_path: Path) -> None:
    """Where the old alone have an outcome, the ages of both groups say so; rows outside do not."""
    rows: list[dict[str, object]] = []
    for i in range(120):
        is_old = i % 2 == 0
        row = {"patientid": f"p{i}", "offset": 3, "age": 70 + i % 9 if is_old else 40 + i % 9}
        rows.append(row | {"survival": ("Y" if i % 4 else "N") if is_old else ""})
    # Outside of the window, with a tube, supine and unusable: none of them has a say.
    rows += [{"patientid": f"x{i}", "offset": 30, "age": 5} for i in range(40)]
    rows += [{"patientid": f"t{i}", "offset": 3, "intubation_present": "Y"} for i in range(40)]
    rows += [{"patientid": f"s{i}", "offset": 3, "view": "AP Supine"} for i in range(40)]
    rows += [{"patientid": f"f{i}", "offset": 3, "finding": "todo"} for i in range(40)]
    result = compare_labelled(load(tmp_path, rows), find_task("survival"))
    assert (result.first, result.n_first) == ("labelled", 60)
    assert (result.second, result.n_second) == ("not labelled", 60)
    assert result.unit == "patient"
    age = result.table.set_index("variable").loc["age"]
    assert age["first"] == pytest.approx(74, abs=1)
    assert age["second"] == pytest.approx(44, abs=1)
    assert 25 < age["low"] <= age["difference"] <= age["high"] < 35


def test_a_comparison_leaves_out_what_the_task_is_made_of(drawn: Cohort) -> None:
    """The label itself and what images are left out by would only repeat the split."""
    variables = {
        line: set(compare_labelled(drawn, read_task(line), n_resamples=20).table["variable"])
        for line in ("icu-stay", "survival", "viral-or-bacterial")
    }
    assert not {"went_icu", "in_icu"} & variables["icu-stay"]
    assert "survival" in variables["icu-stay"]
    assert "survival" not in variables["survival"]
    assert "covid" not in variables["viral-or-bacterial"]


def test_each_who_could_be_labelled_is_in_one_group(drawn: Cohort) -> None:
    """By image, the labelled are the task's rows with or without a file."""
    task = find_task("icu-stay")
    result = compare_labelled(drawn, task, unit="image", n_resamples=20)
    rows = take_rows(drawn, task, need_file=False)
    assert result.n_first == rows.n_images
    could = [
        row
        for row in list_rows(drawn)
        if judge_slowly({**row, "went_icu": "yes"}, task) in (None, "with a file")
    ]
    assert result.n_first + result.n_second == len(could)


# ---- the real collection

PLACES = {
    "Africa": "Egypt",
    "Americas": "Argentina, Brazil, Canada, Colombia, United States",
    "Asia": (
        "Afghanistan, China, Hong Kong, Iran, Israel, Japan, Jordan, Malaysia, Pakistan, "
        "Philippines, Qatar, Saudi Arabia, Singapore, South Korea, Taiwan, Thailand, Turkey, "
        "Vietnam"
    ),
    "Europe": (
        "Austria, Belgium, Denmark, Germany, Greece, Hungary, Italy, Malta, Portugal, Russia, "
        "Spain, Sweden, United Kingdom"
    ),
    "Oceania": "Australia, New Zealand",
    "Unknown": "",
}
REGION_OF = {place: region for region, places in PLACES.items() for place in places.split(", ")}

# Task, its rows by the metadata, those with a file, and by region the images of the positive and
# the negative class, or those with a score.
COUNTED = """
covid-19 160 159 Europe 69/15,Asia 39/2,Americas 10/3,Oceania 3/4,Africa 0/3,Unknown 11/1
viral-or-bacterial 155 154 Europe 73/7,Asia 41/0,Americas 13/0,Oceania 3/3,Africa 3/0,Unknown 11/1
survival 55 55 Europe 20/3,Asia 20/3,Americas 5/1,Oceania 1/0,Unknown 2/0
icu-stay 46 45 Europe 14/15,Asia 1/9,Americas 0/4,Oceania 2/0,Unknown 1/0
intubated 38 37 Europe 8/8,Asia 2/10,Americas 0/6,Oceania 2/0,Unknown 1/1
geographic-extent 90 89 Europe 38,Asia 35,Americas 5,Oceania 2,Unknown 10
opacity 90 89 Europe 38,Asia 35,Americas 5,Oceania 2,Unknown 10
"""


@pytest.fixture(scope="module")
def real(real_root: Path) -> Cohort:
    """Load the real collection."""
    return load_cohort(real_root, inspect_images=False)


@pytest.mark.parametrize("line", COUNTED.strip().splitlines())
def test_the_real_collection_has_the_usable_rows_of_the_protocol(real: Cohort, line: str) -> None:
    """Rows per task and the classes per region; two images of the tasks have no file."""
    name, usable, with_file, regions = line.split(maxsplit=3)
    task = find_task(name)
    rows = take_rows(real, task, need_file=False)
    assert rows.n_images == int(usable)
    flow = take_rows(real, task).flow.set_index("step")
    assert flow["n_images"].iloc[-2:].tolist() == [int(usable), int(with_file)]
    assert flow.loc["view", "n_images"] == 547
    columns = ["n_positive", "n_negative"] if task.kind == "classes" else ["n_images"]
    counted = {
        str(group): "/".join(str(n) for n in numbers)
        for group, numbers in count_classes(rows).set_index("group")[columns].iterrows()
    }
    assert counted == dict(region.rsplit(" ", 1) for region in regions.split(","))


def read_metadata(root: Path) -> dict[int, dict[str, str]]:
    """Read the rows of the file itself by their number, with nothing of the library."""
    with (root / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        place: {name: (value or "").strip() for name, value in row.items()}
        for place, row in enumerate(rows, start=2)
    }


def read_severity(root: Path) -> set[str]:
    """Read which file names have a score."""
    lines = (root / "annotations" / "covid-severity-scores.csv").read_text().splitlines()
    return {line.split(",")[0] for line in lines if line and not line.startswith("#")}


def is_in_task(row: dict[str, str], name: str, scored: set[str]) -> bool:
    """Judge a frontal row with a usable finding by the sentences of the protocol."""
    if name in ("geographic-extent", "opacity"):
        return row["filename"] in scored
    if not row["offset"] or not 0 < float(row["offset"]) < 8:
        return False
    if name == "covid-19":
        return True
    if name == "viral-or-bacterial":
        return row["finding"].startswith(("Pneumonia/Viral", "Pneumonia/Bacterial"))
    column = {"survival": "survival", "icu-stay": "went_icu", "intubated": "intubated"}[name]
    is_left_out = row["intubation_present"] == "Y" or (name == "icu-stay" and row["in_icu"] == "Y")
    return row[column] in ("Y", "N") and not is_left_out


def test_the_real_rows_are_those_of_the_file_itself(real: Cohort, real_root: Path) -> None:
    """Recounted from metadata.csv: the same rows, one by one."""
    scored = read_severity(real_root)
    usable = {
        place: row
        for place, row in read_metadata(real_root).items()
        if row["modality"] == "X-ray"
        and row["view"] in ("PA", "AP")
        and row["finding"] not in ("", "todo", "Unknown")
    }
    assert len(usable) == 535
    for task in PAPER_TASKS:
        found = take_rows(real, task, need_file=False).table["row"].tolist()
        expected = [n for n, row in usable.items() if is_in_task(row, task.name, scored)]
        assert found == expected, task.name


def test_the_real_regions_are_those_of_the_places(real: Cohort, real_root: Path) -> None:
    """Every row of a task lies in the region of the last part of its location."""
    rows = read_metadata(real_root)
    for task in PAPER_TASKS:
        table = take_rows(real, task, need_file=False).table
        for place, region in zip(table["row"], table["region"], strict=True):
            country = rows[place]["location"].split(",")[-1].strip()
            assert REGION_OF[country] == region, country


def test_the_real_labels_are_those_of_the_file(real: Cohort, real_root: Path) -> None:
    """Positive is the paper's True."""
    rows = read_metadata(real_root)
    readers = {
        "covid-19": lambda row: "COVID-19" in row["finding"],
        "viral-or-bacterial": lambda row: "/Viral" in row["finding"],
        "survival": lambda row: row["survival"] == "Y",
        "icu-stay": lambda row: row["went_icu"] == "Y",
        "intubated": lambda row: row["intubated"] == "Y",
    }
    for name, is_positive in readers.items():
        table = take_rows(real, find_task(name), need_file=False).table
        for place, y in zip(table["row"], table["y"], strict=True):
            assert y == is_positive(rows[place]), (name, place)


def test_the_real_icu_labels_go_with_what_is_recorded(real: Cohort) -> None:
    """Most positives have no answer to "in the ICU", nearly all negatives say no."""
    rows: TaskRows = take_rows(real, find_task("icu-stay"), need_file=False)
    answers = real.table.set_index("image_id")["in_icu"].astype("str")
    told = rows.table["image_id"].map(answers)
    counts = Counter(zip(rows.table["y"], told, strict=True))
    assert counts[1.0, "not recorded"] == 15
    assert counts[0.0, "no"] == 27
    assert len(rows.table) == 18 + 28
