"""Two groups: counts, and intervals judged by planted differences and by a slow bootstrap."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.cohort import describe_ages
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.number_text import FEW, NOTHING
from cxrlib.selection import Selection
from cxrlib.summary import (
    compare_groups,
    compare_recorded,
    lay_out_summary,
    list_ages,
    make_table_one,
    split_by_column,
    split_by_selection,
    summarise,
)
from tests.cohort_factory import make_cohort


def make_groups(folder: Path, *, n: int = 60, share: float = 0.9, seed: int = 0) -> Cohort:
    """Make n patients with two images each: PA die with 0.1, AP with `share`; PA are younger."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for i in range(n):
        view = ("PA", "AP")[i % 2]
        died = rng.random() < (share if view == "AP" else 0.1)
        age = round(rng.normal(70 if view == "AP" else 50, 8))
        row = {"patientid": f"p{i}", "view": view, "survival": "N" if died else "Y", "age": age}
        rows += [row, row | {"filename": f"second{i}.png"}]
    cohort = load_cohort(make_cohort(folder / "c", rows, images={}), inspect_images=False)
    return dataclasses.replace(
        cohort, table=cohort.table.assign(person_id=cohort.table["patient_id"])
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Make groups that differ."""
    return make_groups(tmp_path_factory.mktemp("groups"))


def pick(table: pd.DataFrame, variable: str, value: str) -> pd.Series:
    """Give a row."""
    found = table[(table["variable"] == variable) & (table["value"] == value)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_planted_difference_is_found(planted: Cohort) -> None:
    """Counts are right, and intervals of age and survival leave 0 out on the right side."""
    masks = split_by_column(planted, "view", "PA", "AP")
    result = compare_groups(planted, *masks, names=("PA", "AP"))
    assert (result.n_first, result.n_second) == (30, 30)
    survived = pick(result.table, "survival", "yes")
    first = planted.table[masks[0]].drop_duplicates("patient_id")
    assert survived["first_n"] == (first["survival"] == "yes").sum()
    assert survived["first_of"] == survived["first_persons"] == 30
    assert survived["low"] > 0.4
    assert survived["low"] < survived["difference"] < survived["high"]
    age = pick(result.table, "age", "median")
    assert age["first"] == np.median(first["age"].astype(float))
    assert age["high"] < -5


def test_random_groups_rarely_differ(tmp_path: Path) -> None:
    """Of 40 comparisons of nothing about 5 % exclude 0."""
    excluded = []
    for seed in range(40):
        cohort = make_groups(tmp_path / str(seed), n=80, share=0.1, seed=seed)
        masks = split_by_column(cohort, "view", "PA", "AP")
        result = compare_groups(cohort, *masks, variables=("survival",), n_resamples=400, seed=seed)
        row = result.table.iloc[0]
        excluded.append(not row["low"] <= 0 <= row["high"])
    assert np.mean(excluded) <= 0.15


def test_intervals_are_those_of_a_slow_bootstrap(planted: Cohort) -> None:
    """Drawing persons one by one and counting again gives the same ends, but for chance."""
    masks = split_by_column(planted, "view", "PA", "AP")
    row = pick(compare_groups(planted, *masks, n_resamples=4000).table, "age", "median")
    rng = np.random.default_rng(1)
    by_person = [rows for _, rows in planted.table.groupby("person_id")]
    differences = []
    for _ in range(800):
        drawn = [by_person[i] for i in rng.integers(len(by_person), size=len(by_person))]
        ages: dict[str, list[float]] = {"PA": [], "AP": []}
        for rows in drawn:
            ages[rows["view"].iloc[0]].append(float(rows["age"].iloc[0]))
        differences.append(np.median(ages["PA"]) - np.median(ages["AP"]))
    low, high = np.quantile(differences, [0.025, 0.975])
    assert row["low"] == pytest.approx(low, abs=1.0)
    assert row["high"] == pytest.approx(high, abs=1.0)


def test_persons_are_resampled_not_images(planted: Cohort) -> None:
    """Two images a patient make the interval of images no narrower than that of patients."""
    masks = split_by_column(planted, "view", "PA", "AP")
    widths = []
    for unit in ("patient", "image"):
        row = pick(compare_groups(planted, *masks, unit=unit).table, "survival", "yes")
        widths.append(row["high"] - row["low"])
    assert widths[1] == pytest.approx(widths[0], abs=1e-9)


def test_seed_and_row_order_decide_nothing_but_chance(planted: Cohort) -> None:
    """Same seed, same numbers, also of a shuffled table; another seed moves the ends a little."""
    shuffled = dataclasses.replace(
        planted, table=planted.table.sample(frac=1, random_state=1).reset_index(drop=True)
    )
    tables = [
        compare_groups(each, *split_by_column(each, "view", "PA", "AP"), seed=seed).table
        for each, seed in ((planted, 0), (planted, 0), (shuffled, 0), (planted, 1))
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])
    assert not tables[0]["low"].equals(tables[3]["low"])


def test_few_persons_have_no_interval(tmp_path: Path) -> None:
    """Nine persons in one group give counts and the reason; images of them do not mend it."""
    cohort = make_groups(tmp_path, n=18)
    masks = split_by_column(cohort, "view", "PA", "AP")
    survived = pick(compare_groups(cohort, *masks).table, "survival", "yes")
    assert np.isnan(survived["low"])
    assert "9 persons" in survived["reason"]
    assert np.isfinite(survived["difference"])
    age = pick(compare_groups(cohort, *masks, unit="image").table, "age", "median")
    assert age["first_of"] == 18
    assert np.isnan(age["low"])
    assert "9 persons" in age["reason"]


@pytest.mark.parametrize(("n", "is_shown"), [(FEW - 1, False), (FEW, True)])
def test_a_median_of_few_is_not_shown_anywhere(tmp_path: Path, n: int, is_shown: bool) -> None:
    """Groups, tables, Table One and the chart's words go by one threshold."""
    cohort = make_groups(tmp_path, n=2 * n)
    row = pick(
        compare_groups(cohort, *split_by_column(cohort, "view", "PA", "AP")).table, "age", "median"
    )
    assert row["first_of"] == row["second_of"] == n
    assert [np.isfinite(row[name]) for name in ("first", "second", "difference")] == [is_shown] * 3
    assert ("not estimable" in row["reason"]) is not is_shown
    layout = lay_out_summary(summarise(cohort, "view", unit="patient"), title="X-rays by view")
    place = [column.title for column in layout.columns].index("Age, years")
    ages = [row.cells[place].text for row in layout.rows if row.cells[0].text in ("PA", "AP")]
    assert len(ages) == 2
    assert [text != NOTHING for text in ages] == [is_shown] * 2
    one = make_table_one(cohort, "view", unit="patient").table
    texts = one.loc[(one["variable"] == "age") & one["group"].isin(["PA", "AP"]), "text"]
    assert ["(" in text for text in texts] == [is_shown] * 2
    saved = layout.numbers.set_index("row").loc[["PA", "AP"]]
    assert saved["age_known"].tolist() == [n, n]
    for name in ("age_median", "age_q1", "age_q3", "age_mean"):
        assert saved[name].notna().tolist() == [is_shown] * 2, name
    told = one[(one["variable"] == "age") & one["group"].isin(["PA", "AP"])]
    assert told["number"].notna().tolist() == [is_shown] * 2
    words = describe_ages(list_ages(cohort.select_xrays()).head(n))
    assert ("median" in words.replace("too few for a median", "")) is is_shown


@pytest.mark.parametrize("owner", ["person", "patient"])
def test_reasons_and_notes_name_who_is_drawn(planted: Cohort, owner: str) -> None:
    """Patients are drawn where persons are not known, and words say so."""
    table = planted.table.copy()
    few = table["patient_id"].isin(table["patient_id"].unique()[:9])
    if owner == "patient":
        table["person_id"] = pd.array([None] * len(table), dtype="str")
    table.loc[few & ~table["patient_id"].duplicated(), "view"] = "AP Supine"
    cohort = dataclasses.replace(planted, table=table)
    result = compare_groups(cohort, table["view"] == "AP Supine")
    assert f"9 {owner}s in one group" in pick(result.table, "survival", "yes")["reason"]
    notes = " ".join(result.notes)
    assert f"9 {owner}s with images in both groups" in notes
    assert "bootstrap over patients." in notes  # as everywhere on screen, persons or not


def test_sources_without_a_line_are_counted(tmp_path: Path) -> None:
    """Groups say as Table One does that only the six largest sources have a line."""
    rows = [{"url": f"https://s{i}.org/x"} for i in range(8) for _ in range(8 - i)]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    first = pd.Series(np.arange(len(rows)) % 2 == 0, index=cohort.table.index)
    result = compare_groups(cohort, first, n_resamples=20)
    assert (result.table["variable"] == "source").sum() == 6
    told = "Only the 6 largest of 8 sources are listed."
    assert told in result.notes
    assert told in make_table_one(cohort).notes
    assert told not in compare_groups(cohort, first, variables=("age",), n_resamples=20).notes


def test_a_selection_is_compared_with_the_rest(planted: Cohort) -> None:
    """The rest is every other X-ray."""
    chosen, rest = split_by_selection(planted, Selection(view=("AP",)))
    assert (chosen ^ rest).all()
    first, second = (
        compare_groups(planted, *masks, n_resamples=50) for masks in ((chosen, rest), (chosen,))
    )
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.first == "selection"


def test_who_is_recorded_is_compared_with_who_is_not(tmp_path: Path) -> None:
    """Planted: those of unknown outcome are young; a patient with one recorded image has it."""
    rows: list[dict[str, object]] = []
    for i in range(40):
        row = {"patientid": f"p{i}", "age": 70 if i % 2 else 30 + i % 5}
        rows.append(row | {"survival": "Y" if i % 2 else ""})
        rows.append(row | {"filename": f"second{i}.png"})
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    result = compare_recorded(cohort, "survival")
    assert (result.n_first, result.n_second) == (20, 20)
    assert result.first == "Survival recorded"
    assert pick(result.table, "age", "median")["low"] > 30
    with pytest.raises(SelectionError, match=r"'age'.*survival"):
        compare_recorded(cohort, "age")


def test_masks_that_cannot_be_groups_are_refused(planted: Cohort) -> None:
    """An image in both groups, a mask of another length, a range."""
    everything = pd.Series(True, index=planted.table.index)
    with pytest.raises(SelectionError, match="120 images would be in both"):
        compare_groups(planted, everything, everything)
    with pytest.raises(SelectionError, match="3 values for 120"):
        compare_groups(planted, everything.head(3))
    with pytest.raises(SelectionError, match="range"):
        split_by_column(planted, "age", "1", "2")
    with pytest.raises(SelectionError, match="leaves out flagged images"):
        split_by_column(planted, "without", "no file", "no day")
    with pytest.raises(SelectionError, match="no filter 'height'"):
        split_by_column(planted, "height", "1", "2")
    with pytest.raises(SelectionError, match="'height'"):
        compare_groups(planted, everything, variables=("height",))


def test_an_empty_group_is_no_error(planted: Cohort) -> None:
    """Everything against nothing: counts of 0, no interval, a reason."""
    everything = pd.Series(True, index=planted.table.index)
    result = compare_groups(planted, everything)
    assert result.n_second == 0
    assert (result.table["reason"] != "").all()
    nothing = compare_groups(planted, ~everything, ~everything)
    assert (nothing.n_first, nothing.n_second) == (0, 0)
