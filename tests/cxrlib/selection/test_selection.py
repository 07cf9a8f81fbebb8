"""The selection: its languages, and which rows it leaves."""

import itertools
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.quality import list_flags
from cxrlib.selection import (
    FILTERS,
    Selection,
    check_selection,
    explain_out,
    find_loosening,
    list_choices,
    parse_where,
    select,
)
from tests.cohort_factory import make_cohort

HOSTILE = (
    'Korea, "South"; view=PA',
    "a=b;c",
    "**bold** [x](http://x.org) :smile:",
    "<script>alert(1)</script>",
    "not recorded ",
    "&amp;%2C+",
    "x..y",
    "Čeľusť\u202e",
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Give 300 rows with random values and blanks in every filtered column, some CT."""
    rng = np.random.default_rng(0)

    def draw(*options: object) -> object:
        return options[rng.integers(len(options))]

    rows = [
        {
            "patientid": int(rng.integers(90)),
            "view": draw("PA", "AP", "AP Supine", "L", ""),
            "modality": draw("X-ray", "X-ray", "X-ray", "CT"),
            "sex": draw("M", "F", ""),
            "age": draw("", 0.5, 20, 45, 60, 61, 90),
            "offset": draw("", -360, -1, 0, 1, 7, 8, 30),
            "finding": draw(
                "Pneumonia/Viral/COVID-19", "Pneumonia", "Pneumonia/Viral", "todo", "", *HOSTILE
            ),
            "location": draw("Rome, Italy", "Cairo, Egypt", "", "Wuhan, China", "Atlantis"),
            "license": draw("CC BY", "", *HOSTILE),
            "url": draw("https://radiopaedia.org/1", "http://www.sirm.org/2", ""),
            **{
                column: draw("Y", "N", "Unclear", "")
                for column in (
                    *("RT_PCR_positive", "survival", "intubated", "intubation_present"),
                    *("went_icu", "in_icu"),
                )
            },
        }
        for _ in range(300)
    ]
    root = make_cohort(tmp_path_factory.mktemp("selection") / "cohort", rows, images={})
    return load_cohort(root, inspect_images=False)


Row = dict[Hashable, Any]
RANGES = {
    "age": [(20.0, 60.0), (-math.inf, 45.0), (60.5, math.inf), (91.0, 99.0)],
    "day": [(0.0, 7.0), (-math.inf, 0.0), (8.0, math.inf), (1.0, 1.0)],
}


def list_wanted(cohort: Cohort, name: str) -> list[object]:
    """List what a filter can be asked for: each value alone, and the first two together."""
    if FILTERS[name].kind == "range":
        return list(RANGES[name])
    values = [choice.value for choice in list_choices(cohort, name)]
    return [(value,) for value in values] + [tuple(values[:2])]


def keeps_slowly(row: Row, flags: Row, name: str, wanted: Any) -> bool:
    """Judge one row by one filter, the plain way."""
    if name == "without":
        return not any(flags[flag] for flag in wanted)
    cell: Any = row[FILTERS[name].column]
    if FILTERS[name].kind == "range":
        return not pd.isna(cell) and wanted[0] <= float(cell) <= wanted[1]
    text: str = "not recorded" if pd.isna(cell) else str(cell)
    if name == "finding":
        path = "/".join(part.strip() for part in text.split("/"))
        return any(path == value or path.startswith(f"{value}/") for value in wanted)
    return text in wanted


def select_slowly(cohort: Cohort, filters: dict[str, object]) -> list[str]:
    """List the images a selection keeps, row by row."""
    rows = cohort.table.to_dict("records")
    flags = list_flags(cohort).to_dict("records")
    return [
        str(row["image_id"])
        for row, has in zip(rows, flags, strict=True)
        if row["is_xray"] and all(keeps_slowly(row, has, n, w) for n, w in filters.items())
    ]


# ---- rows


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_alone_keeps_what_the_slow_way_keeps(cohort: Cohort, name: str) -> None:
    """Every value of every filter leaves the rows that a plain loop leaves."""
    for wanted in list_wanted(cohort, name):
        selected = select(cohort, Selection(**{name: wanted}))  # type: ignore[arg-type]
        assert selected.table["image_id"].tolist() == select_slowly(cohort, {name: wanted})


def test_pairs_of_filters_keep_what_the_slow_way_keeps(cohort: Cohort) -> None:
    """Filters add up: each pair leaves the rows of both."""
    for first, second in itertools.combinations(FILTERS, 2):
        filters = {name: list_wanted(cohort, name)[0] for name in (first, second)}
        selected = select(cohort, Selection(**filters))  # type: ignore[arg-type]
        assert selected.table["image_id"].tolist() == select_slowly(cohort, filters)


def test_without_filters_all_xrays_are_left(cohort: Cohort) -> None:
    """The empty selection leaves the X-rays, and says what else there was."""
    selected = select(cohort, Selection())
    assert selected.n_images == int(cohort.table["is_xray"].sum())
    assert [step.label for step in selected.steps] == ["X-rays"]


def test_steps_account_for_every_row(cohort: Cohort) -> None:
    """A step a filter; what the steps removed and what is left is the whole cohort."""
    selection = parse_where("view=PA,AP; age=20..60; survival=yes,not recorded; without=no-day")
    selected = select(cohort, selection)
    assert [step.label for step in selected.steps] == ["X-rays", *selection.describe()]
    n_removed = sum(sum(step.removed.values()) for step in selected.steps)
    assert n_removed + selected.n_images == cohort.n_images
    assert selected.steps[2].removed.keys() == {"age below 20", "age above 60", "age not recorded"}
    assert selected.steps[-1].n_patients == selected.n_patients


def test_order_of_rows_changes_nothing(cohort: Cohort, tmp_path: Path) -> None:
    """The same rows in another order are selected alike."""
    selection = parse_where("view=PA,L; day=..7; in_icu=not recorded,no")
    text = (cohort.root / "metadata.csv").read_text().splitlines(keepends=True)
    other = tmp_path / "cohort"
    other.mkdir()
    (other / "metadata.csv").write_text("".join([text[0], *reversed(text[1:])]))
    turned = select(load_cohort(other, inspect_images=False), selection)
    assert turned.table["image_id"].tolist()[::-1] == (
        select(cohort, selection).table["image_id"].tolist()
    )


def test_a_selection_of_a_selection_is_both(cohort: Cohort) -> None:
    """Selecting twice is selecting by both."""
    first, second = Selection(view=("PA",)), Selection(day=(0, 7))
    twice = select(select(cohort, first), second)
    once = select(cohort, Selection(view=("PA",), day=(0, 7)))
    assert twice.table.equals(once.table)


# ---- why the rest are out


def test_reasons_add_up(cohort: Cohort) -> None:
    """The images of the table are those left out; each is counted once."""
    selection = parse_where("view=PA; age=20..; went_icu=yes,no; without=state-overlap")
    table = explain_out(cohort, selection)
    n_out = int(cohort.table["is_xray"].sum()) - select(cohort, selection).n_images
    assert int(table["n_images"].sum()) == n_out
    by_filter = table.groupby("filter", sort=False)["n_images"].sum()
    steps = select(cohort, selection).steps[1:]
    assert by_filter.tolist() == [sum(step.removed.values()) for step in steps if step.removed]
    for name, label in (("view", "view L"), ("age", "age not recorded")):
        step = next(s for s in steps if label in s.removed)
        line = table[(table["filter"] == name) & (table["reason"] == label)].iloc[0]
        assert line["n_images"] == step.removed[label]


def test_images_out_for_one_reason_come_back_without_it(cohort: Cohort) -> None:
    """What only one filter leaves out is what dropping it brings back."""
    selection = parse_where("view=PA,AP; day=0..30; sex=M,F; survival=yes,not recorded")
    table = explain_out(cohort, selection)
    n_now = select(cohort, selection).n_images
    for name in selection.active:
        n_back = int(table.loc[table["filter"] == name, "n_only"].sum())
        assert select(cohort, selection.drop(name)).n_images == n_now + n_back


def test_nothing_out_is_an_empty_table(cohort: Cohort) -> None:
    """Without filters no reason is listed, and the columns are there."""
    table = explain_out(cohort, Selection())
    assert table.empty
    assert list(table.columns) == ["filter", "reason", "n_images", "n_patients", "n_only"]


def test_loosening_names_what_dropping_leaves(cohort: Cohort) -> None:
    """For an empty result each helpful filter is listed with what remains without it."""
    selection = parse_where("age=91..99; view=PA")
    assert select(cohort, selection).n_images == 0
    ways = find_loosening(cohort, selection)
    pa = select(cohort, Selection(view=("PA",)))
    assert [(way.name, way.n_images, way.n_patients) for way in ways] == [
        ("age", pa.n_images, pa.n_patients)
    ]
    assert ways[0].label == "Age 91 to 99 years"


def test_loosening_is_empty_where_no_single_filter_helps(cohort: Cohort) -> None:
    """Two filters that each leave nothing cannot be mended one at a time."""
    assert find_loosening(cohort, parse_where("age=91..99; day=400..")) == []


# ---- languages


def test_values_have_no_order() -> None:
    """Order and repeats of values make no other selection, nor another key."""
    one, other = Selection(view=("PA", "AP", "PA")), Selection(view=("AP", "PA"))
    assert one == other
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert one.key != Selection(view=("AP",)).key


def test_to_query_survives_an_address(cohort: Cohort) -> None:
    """Written into an address and read again every single choice is the same selection."""
    for name in FILTERS:
        for wanted in list_wanted(cohort, name):
            selection = Selection(**{name: wanted})  # type: ignore[arg-type]
            address = urlencode(selection.to_query(), doseq=True)
            assert Selection.from_query(parse_qs(address), cohort) == (selection, [])


def test_to_where_survives_the_command_line(cohort: Cohort) -> None:
    """Written as a line and read again every single choice is the same selection."""
    for name in FILTERS:
        for wanted in list_wanted(cohort, name):
            selection = Selection(**{name: wanted})  # type: ignore[arg-type]
            assert parse_where(selection.to_where()) == selection
            assert check_selection(cohort, selection) is selection


def test_ranges_are_written_without_needless_points() -> None:
    """An address and a line say 7, not 7.0; an open end has its word."""
    selection = Selection(age=(20, 60.5), day=(-math.inf, 7))
    assert selection.to_query() == {"age": ["20", "60.5"], "day": ["first", "7"]}
    assert selection.to_where() == "age=20..60.5; day=..7"
    assert selection.describe() == ["Age 20 to 60.5 years", "Day up to 7"]


def test_a_range_open_at_both_ends_is_none() -> None:
    """Nothing is asked for, so what is not recorded stays."""
    assert Selection(age=(-math.inf, math.inf)).is_empty
    assert parse_where("day=..").is_empty


def test_unknown_values_of_an_address_are_returned(cohort: Cohort) -> None:
    """What does not exist is named with a hint; the rest is used; other parameters pass."""
    query = {
        "view": ["PA", "pa", "Sideways"],
        "patient": ["7"],
        "survival": "no",
        "region": [""],
        "without": ["no day", "no-day"],
        "day": ["1", "tomorrow"],
        "age": ["40"],
    }
    selection, unknown = Selection.from_query(query, cohort)
    assert selection == Selection(
        view=("PA",), survival=("no",), without=("no day",), day=(1, math.inf)
    )
    assert [(u.name, u.value) for u in unknown] == [
        ("view", "pa"),
        ("view", "Sideways"),
        ("age", "40"),
        ("day", "tomorrow"),
        ("without", "no-day"),
    ]
    assert "Did you mean 'PA'?" in str(unknown[0])
    assert "'AP Supine'" in str(unknown[1])
    assert "two ends" in str(unknown[2])


def test_turned_ends_of_an_address_are_turned_back(cohort: Cohort) -> None:
    """An address has no first and second end, as a slider has none."""
    assert Selection.from_query({"day": ["7", "0"]}, cohort)[0] == Selection(day=(0, 7))


def test_both_ends_at_one_open_end_mean_the_outermost_number(cohort: Cohort) -> None:
    """A slider drawn together at its end keeps the highest or the lowest recorded number."""
    oldest, _ = Selection.from_query({"age": ["oldest", "oldest"]}, cohort)
    assert oldest == Selection(age=(90, math.inf))
    first, _ = Selection.from_query({"day": ["first", "first"]}, cohort)
    assert first == Selection(day=(-math.inf, -360))


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "0x10", "١٢", "1_000", "--1"])
def test_no_number_is_no_end(cohort: Cohort, number: str) -> None:
    """What Python would read as a number and a reader would not is reported."""
    selection, unknown = Selection.from_query({"day": [number, "7"]}, cohort)
    assert [u.value for u in unknown] == [number]
    assert selection == Selection(day=(-math.inf, 7))


def test_check_names_a_value_the_cohort_lacks(cohort: Cohort) -> None:
    """The command line is told what it perhaps meant."""
    with pytest.raises(SelectionError, match=r"region 'Eurpoe'\. Did you mean 'Europe'"):
        check_selection(cohort, Selection(region=("Eurpoe",)))
    with pytest.raises(SelectionError, match="the flag 'near-duplicates'"):
        check_selection(cohort, Selection(without=("near-duplicates",)))


@pytest.mark.parametrize("ends", [(7, 1), (math.nan, 1), (math.inf, math.inf)])
def test_a_range_that_holds_nothing_is_refused(ends: tuple[float, float]) -> None:
    """No selection is made of a range that no number can be in."""
    with pytest.raises(SelectionError, match="is empty"):
        Selection(day=ends)


def test_long_lists_are_shortened_in_words() -> None:
    """A chip names three values and counts the rest."""
    chips = Selection(country=tuple("abcdef"), without=("no day",)).describe()
    assert chips == ["Country a, b, c and 3 more", "Without no day"]


# ---- the real collection


def test_real_counts(real_root: Path) -> None:
    """The paper's rows: frontal images with a usable finding; the window of its tasks."""
    cohort = load_cohort(real_root, inspect_images=False)
    assert select(cohort, Selection()).n_images == 866
    frontal = select(cohort, parse_where("view=PA,AP,AP Supine; without=no-usable-finding"))
    assert (frontal.n_images, frontal.n_patients) == (697, 423)
    assert select(cohort, parse_where("view=PA,AP")).n_images == 547
    assert select(cohort, parse_where("rt_pcr=yes")).n_images == 315
    assert select(cohort, parse_where("survival=not recorded")).n_images == 525
    assert select(cohort, parse_where("region=Unknown")).n_images == 56


def test_real_pairs_against_the_raw_file(real_root: Path) -> None:
    """Each pair of common columns keeps what pandas counts in metadata.csv itself."""
    cohort = load_cohort(real_root, inspect_images=False)
    raw = pd.read_csv(real_root / "metadata.csv", dtype=str, keep_default_na=False)
    raw = raw.apply(lambda cells: cells.str.strip())
    raw = raw[raw["modality"] == "X-ray"]
    words = {"Y": "yes", "N": "no", "Unclear": "unclear", "": "not recorded"}
    columns = {
        "view": raw["view"],
        "sex": raw["sex"].replace("", "not recorded"),
        "licence": raw["license"].replace("", "not recorded"),
        **{n: raw[n].map(words) for n in ("survival", "went_icu", "in_icu", "intubated")},
    }
    day = pd.to_numeric(raw["offset"], errors="coerce")
    for (first, a), (second, b) in itertools.combinations(columns.items(), 2):
        values = (a.value_counts().index[0], b.value_counts().index[1])
        both = (a == values[0]) & (b == values[1]) & day.between(0, 30)
        selection = Selection(**{first: (values[0],), second: (values[1],)}, day=(0, 30))  # type: ignore[arg-type]
        selected = select(cohort, selection)
        expected = (int(both.sum()), int(raw.loc[both, "patientid"].nunique()))
        assert (selected.n_images, selected.n_patients) == expected
