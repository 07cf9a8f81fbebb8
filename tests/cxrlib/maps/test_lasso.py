"""Images chosen on the map: addresses there and back, and the rest beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import SelectionError
from cxrlib.maps import (
    MOST_IN_ADDRESS,
    MappedCohort,
    chosen_table,
    compare_chosen,
    describe_chosen,
    describe_rows,
    find_rows,
    format_rows,
    map_points,
    read_clicked,
)
from cxrlib.maps.lasso import read_rows
from cxrlib.summary import compare_numbers
from tests.cohort_factory import make_cohort


@pytest.fixture
def points(mapped_cohort: MappedCohort) -> pd.DataFrame:
    """Give the small cohort's images on its map."""
    return map_points(mapped_cohort.mapped.table, mapped_cohort.projection)


# ---- addresses


def test_rows_come_back_as_they_went() -> None:
    """Any set of rows, in any order, is read as the same set."""
    generator = np.random.default_rng(0)
    for _ in range(50):
        rows = generator.choice(np.arange(2, 90), size=generator.integers(1, 40), replace=False)
        spans = read_rows(format_rows(rows.tolist()))
        read = [row for first, last in spans for row in range(first, last + 1)]
        assert read == sorted(rows.tolist())
        assert format_rows(rows[::-1].tolist()) == format_rows(rows.tolist())


@pytest.mark.parametrize("text", ["a", "3-1", "1,,2", "-4", "1-2-3", "1.5", "<b>", "9" * 40, "1;2"])
def test_an_address_that_is_not_understood_is_named(text: str) -> None:
    """It raises where rows are read, and is said where a page asks."""
    with pytest.raises(SelectionError, match="cannot be read"):
        read_rows(text)
    read = find_rows(pd.DataFrame({"row": [2], "image_id": ["a"]}), text)
    assert not read.image_ids
    assert "cannot be read" in read.remarks[0]


def test_rows_are_those_of_the_file(points: pd.DataFrame) -> None:
    """An address finds the images it was written from, in the order of the file."""
    some = points.iloc[[5, 1, 7]]
    found = find_rows(points, format_rows(some["row"].tolist()))
    assert found.image_ids == tuple(some.sort_values("row")["image_id"])
    assert not found.remarks
    shuffled = points.sample(frac=1, random_state=3)
    assert find_rows(shuffled, format_rows(some["row"].tolist())) == found


def test_rows_without_an_image_are_counted(points: pd.DataFrame) -> None:
    """A row of a CT, of no file, or beyond the end is said; the others are found."""
    row = int(points["row"].iloc[0])
    found = find_rows(points, f"{row},99998-99999")
    assert found.image_ids == (points["image_id"].iloc[0],)
    assert "2 rows" in found.remarks[0]
    one = find_rows(points, "99999").remarks[0]
    assert "1 row of" in one
    assert "No image on this map in 1 row" in one


def test_an_address_holds_few_images() -> None:
    """A span of a thousand million rows costs nothing and chooses nothing."""
    table = pd.DataFrame({"row": range(2, 102), "image_id": [f"i{n}" for n in range(100)]})
    assert len(find_rows(table, f"2-{MOST_IN_ADDRESS + 1}").image_ids) == MOST_IN_ADDRESS
    wide = find_rows(table, "1-999999999")
    assert not wide.image_ids
    assert "100 images" in wide.remarks[0]
    assert len(find_rows(table, "1-999999999", most=None).image_ids) == 100


def test_a_blank_address_asks_for_nothing(points: pd.DataFrame) -> None:
    """No remark either."""
    assert find_rows(points, "  ").remarks == ()


def test_very_many_rows_are_named_in_short() -> None:
    """A header line stays a line."""
    assert len(describe_rows(range(0, 100_000, 2))) < 500


# ---- the chart


def test_what_a_chart_says_was_clicked() -> None:
    """Ids, lists of an id, places; a backdrop or a forged entry is passed over."""
    points: list[dict[str, object]] = [
        {"customdata": ["a", "p1"]},
        {"customdata": "b"},
        {"customdata": ["a", "p1"]},
        {},
        {"customdata": []},
        {"customdata": None},
        {"customdata": [2]},
        {"customdata": [-1]},
        {"customdata": [99]},
    ]
    assert read_clicked(points) == ("a", "b")


# ---- against the rest


def test_chosen_images_against_the_rest_by_hand(
    mapped_cohort: MappedCohort, points: pd.DataFrame
) -> None:
    """Counts and means are those of the plain tables; too few persons have no interval."""
    ids = points["image_id"].iloc[:4].tolist()
    chosen = compare_chosen(
        mapped_cohort.cohort, points, [*ids, "no such image"], mapped_cohort.embeddings
    )
    own, rest = points.iloc[:4], points.iloc[4:]
    assert (chosen.n_images, chosen.n_rest, chosen.n_left_out) == (4, len(rest), 1)
    table = chosen.shares.table.set_index(["variable", "value"])
    bad = table.loc[("state", "in ICU or intubated, where recorded")]
    assert (bad["first_n"], bad["first_of"]) == (
        (own["state"] == "bad").sum(),
        (own["state"] != "unknown").sum(),
    )
    known = table.loc[("state", "recorded")]
    assert (known["second_n"], known["second_of"]) == (
        (rest["state"] != "unknown").sum(),
        len(rest),
    )
    assert "not estimable" in bad["reason"]
    assert chosen.outputs is not None
    outputs = mapped_cohort.embeddings.outputs
    places = pd.Index(mapped_cohort.embeddings.image_ids).get_indexer(pd.Index(rest["image_id"]))
    first = chosen.outputs.table.iloc[0]
    assert first["second_n"] == len(rest)
    assert np.isnan(first["second"])  # fewer than ten images have no mean
    assert outputs[places].shape[0] == first["second_of"]
    assert "Not counted: 1 more selected image," in describe_chosen(chosen)


def test_the_order_of_rows_and_names_changes_nothing(
    mapped_cohort: MappedCohort, points: pd.DataFrame
) -> None:
    """Points and ids may come in any order."""
    ids = points["image_id"].iloc[:5].tolist()
    one = compare_chosen(mapped_cohort.cohort, points, ids, mapped_cohort.embeddings)
    two = compare_chosen(
        mapped_cohort.cohort,
        points.sample(frac=1, random_state=1),
        ids[::-1],
        mapped_cohort.embeddings,
    )
    pd.testing.assert_frame_equal(one.shares.table, two.shares.table)
    assert one.image_ids == two.image_ids


def test_only_what_the_filters_leave_is_counted(
    mapped_cohort: MappedCohort, points: pd.DataFrame
) -> None:
    """The rest is the points, not the cohort; a choice wholly left out is refused."""
    kept = points.iloc[:6]
    chosen = compare_chosen(mapped_cohort.cohort, kept, points["image_id"].iloc[[0, 8]].tolist())
    assert (chosen.n_images, chosen.n_rest, chosen.n_left_out) == (1, 5, 1)
    assert chosen.outputs is None
    with pytest.raises(SelectionError, match="None of the 1 selected image"):
        compare_chosen(mapped_cohort.cohort, kept, [points["image_id"].iloc[8]])


def test_all_images_chosen_leave_no_rest(mapped_cohort: MappedCohort, points: pd.DataFrame) -> None:
    """No error and no warning: the rest has no share."""
    chosen = compare_chosen(
        mapped_cohort.cohort, points, points["image_id"].tolist(), mapped_cohort.embeddings
    )
    assert chosen.n_rest == 0
    assert chosen.shares.table["low"].isna().all()


def test_the_list_of_chosen_images(points: pd.DataFrame) -> None:
    """In the file's order, whatever the map's."""
    table = chosen_table(points.iloc[::-1], points["image_id"].iloc[:3].tolist())
    assert table["row"].is_monotonic_increasing
    assert len(table) == 3


@pytest.mark.parametrize("n_copies", [1, 3])
def test_intervals_are_over_persons(tmp_path: Path, n_copies: int) -> None:
    """Twice the images of the same persons make no interval narrower; a planted step is found."""
    rows: list[dict[str, object]] = [
        {"patientid": f"p{i}", "filename": f"f{i}-{copy}.png"}
        for i in range(40)
        for copy in range(n_copies)
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    number = cohort.table["patient_id"].str[1:].astype(int)
    noise = np.random.default_rng(4).normal(size=40)
    values = pd.DataFrame({"step": 2.0 * (number < 20) + noise[number]})
    compared = compare_numbers(cohort, number < 20, None, values).table.iloc[0]
    own, rest = 2.0 + noise[:20], noise[20:]
    assert compared["difference"] == pytest.approx(own.mean() - rest.mean())
    error = np.sqrt(own.var() / 20 + rest.var() / 20)
    assert compared["high"] - compared["low"] == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert 0 < compared["low"] < compared["difference"] < compared["high"]
