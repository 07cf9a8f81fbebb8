"""What is not recorded, judged by counting rows one by one."""

from pathlib import Path

import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.summary import RECORDED_COLUMNS, describe_missingness
from tests.cohort_factory import make_cohort

ROWS: list[dict[str, object]] = [
    {
        "patientid": "a",
        "age": 50,
        "survival": "",
        "location": "Lyon, France",
        "url": "http://x.org",
    },
    {"patientid": "a", "age": "", "survival": "Unclear", "location": "Lyon, France"},
    {"patientid": "b", "age": "", "survival": "Unclear", "RT_PCR_positive": "Y"},
    {"patientid": "b", "age": "", "survival": "N", "finding": "todo"},
    {"patientid": "c", "age": 70, "finding": "", "view": ""},
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load five X-rays of three patients."""
    root = make_cohort(tmp_path_factory.mktemp("missing") / "c", ROWS)
    return load_cohort(root, inspect_images=False)


def pick(cohort: Cohort, column: str, *, unit: str = "image", **at: str) -> tuple[int, int, int]:
    """Give recorded, unclear and not recorded of a column."""
    by = at.get("by", "column")
    table = describe_missingness(cohort, by=by, unit=unit)
    row = table[(table["column"] == column) & (table["group"] == at.get("group", "all"))]
    return tuple(row[["n_recorded", "n_unclear", "n_not_recorded"]].iloc[0])


def test_images_are_counted_one_by_one(cohort: Cohort) -> None:
    """A blank, an unclear answer, an unusable finding and a blank place are told apart."""
    assert pick(cohort, "age") == (2, 0, 3)
    assert pick(cohort, "survival") == (1, 2, 2)
    assert pick(cohort, "finding") == (3, 0, 2)
    assert pick(cohort, "location") == (2, 0, 3)
    assert pick(cohort, "RT_PCR_positive") == (1, 0, 4)


def test_a_place_without_a_country_is_not_recorded(tmp_path: Path) -> None:
    """A hospital whose country is left blank is in no country."""
    rows: list[dict[str, object]] = [
        {"location": "General Hospital,"},
        {"location": "Lyon, France"},
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    assert pick(cohort, "location") == (1, 0, 1)


def test_a_patient_has_what_any_image_has(cohort: Cohort) -> None:
    """A recorded answer beats an unclear one, an unclear one beats none."""
    assert pick(cohort, "age", unit="patient") == (2, 0, 1)
    assert pick(cohort, "survival", unit="patient") == (1, 1, 1)


def test_groups_are_counted_apart(cohort: Cohort) -> None:
    """By region and by source each row has all columns, and they add up to the whole."""
    assert pick(cohort, "age", by="region", group="Europe") == (1, 0, 1)
    assert pick(cohort, "age", by="source", group="x.org") == (1, 0, 0)
    for by in ("region", "source", "view", "finding"):
        table = describe_missingness(cohort, by=by)
        whole = describe_missingness(cohort).set_index("column")
        for column in ("n", "n_recorded", "n_unclear", "n_not_recorded"):
            sums = table.groupby("column")[column].sum()
            assert sums.to_dict() == whole[column].to_dict(), (by, column)
        assert table.groupby("group")["column"].apply(list).map(len).eq(len(RECORDED_COLUMNS)).all()


def test_counts_add_up(cohort: Cohort) -> None:
    """Recorded, unclear and not recorded are all of them."""
    for unit in ("image", "patient"):
        table = describe_missingness(cohort, by="region", unit=unit)
        parts = table["n_recorded"] + table["n_unclear"] + table["n_not_recorded"]
        assert (parts == table["n"]).all()
        assert (table["share_recorded"] == table["n_recorded"] / table["n"]).all()


def test_nothing_and_strangers(cohort: Cohort) -> None:
    """No image has a share of nothing; an unknown grouping is named."""
    nothing = cohort.select(cohort.table["age"].eq(1).fillna(False).astype(bool), "nobody")
    assert describe_missingness(nothing)["share_recorded"].isna().all()
    assert len(describe_missingness(nothing, by="region")) == 0
    with pytest.raises(SelectionError, match=r"'colour'.*column, finding"):
        describe_missingness(cohort, by="colour")
