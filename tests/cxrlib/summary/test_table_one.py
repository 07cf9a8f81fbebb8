"""Table One: counts, what is missing, and its words."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.summary import make_table_one, summarise
from tests.cohort_factory import make_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load forty patients with two images each, in two countries and one blank."""
    rows: list[dict[str, object]] = []
    for i in range(40):
        row = {
            "patientid": f"p{i}",
            "age": "" if i % 4 == 0 else 40 + i,
            "sex": ("M", "F", "")[i % 3],
            "survival": ("Y", "N", "", "Unclear")[i % 4],
            "RT_PCR_positive": "Y" if i % 2 else "",
            "location": ("Paris, France", "Lima, Peru", "")[i % 3],
        }
        rows.append(row | {"in_icu": "N"})
        rows.append(row | {"in_icu": "Y" if i < 8 else "", "filename": f"second{i}.png"})
    root = make_cohort(tmp_path_factory.mktemp("one") / "c", rows, images={})
    return load_cohort(root, inspect_images=False)


def test_numbers_are_those_of_the_summary(cohort: Cohort) -> None:
    """Two ways through the library agree on every share and median, whole and by region."""
    one = make_table_one(cohort, "region", unit="patient").table
    summary = summarise(cohort, "region", unit="patient").to_shown()
    summary["row"] = summary["row"].replace("Totals", "Overall")
    for cells in summary.to_dict("records"):
        group = one[one["group"] == cells["row"]].set_index("variable")
        assert group.loc["n", "n_yes"] == cells["n"]
        assert group.loc["age", "number"] == pytest.approx(cells["age_median"], nan_ok=True)
        assert group.loc["age", "n_missing"] == cells["n"] - cells["age_known"]
        assert group.loc["survival", "n_yes"] == cells["survival_yes"]
        assert group.loc["survival", "n_known"] == cells["survival_recorded"]
        assert group.loc["sex", "n_yes"] == cells["sex_male"]
        assert group.loc["sex", "n_missing"] == cells["sex_not_recorded"]


def test_known_and_missing_are_all(cohort: Cohort) -> None:
    """What is missing is counted in each row of each group."""
    table = make_table_one(cohort, "view", unit="image").table
    assert (table["n_known"] + table["n_missing"] == table["n"]).all()
    assert (table["n_yes"] <= table["n_known"]).all()


def test_what_is_dated_counts_on_any_image(cohort: Cohort) -> None:
    """A patient whose second image is in the ICU was there, though the first says no."""
    table = make_table_one(cohort, unit="patient").table.set_index("variable")
    assert tuple(table.loc["in_icu", ["n_yes", "n_known"]]) == (8, 40)


def test_positive_tests_alone_are_no_share(cohort: Cohort) -> None:
    """The words say that negatives are not recorded."""
    row = make_table_one(cohort).table.set_index("variable").loc["RT_PCR_positive"]
    assert row["text"] == "20, negatives not recorded"
    assert np.isnan(row["number"])


def test_the_wide_table_has_missing_overall_and_a_column_a_group(cohort: Cohort) -> None:
    """Shares in words with their intervals; nothing is called p."""
    wide = make_table_one(cohort, "region").to_wide()
    head = ["Variable", "Value", "Missing", "Overall", "Americas", "Europe", "Unknown"]
    assert wide.columns.tolist() == head
    assert "Region" not in set(wide["Variable"])  # the groups themselves
    survived = wide[wide["Variable"] == "Survived"].iloc[0]
    assert survived["Missing"] == 20
    assert survived["Overall"].startswith("10 of 20 (50 %, ")


@pytest.mark.parametrize(("n", "is_said"), [(6, False), (7, True)])
def test_sources_without_a_line_are_said(tmp_path: Path, n: int, is_said: bool) -> None:
    """Six sources have lines; of more the table says how many there are."""
    rows: list[dict[str, object]] = [{"url": f"https://s{i}.org/a"} for i in range(n)]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    one = make_table_one(cohort)
    assert (one.table["variable"] == "source").sum() == 6
    assert any(note.startswith("Only the 6 largest of 7 sources") for note in one.notes) is is_said


def test_values_that_are_called_as_columns_are_told_apart(tmp_path: Path) -> None:
    """A file may call a view "Overall" or "Value": nothing is lost or counted twice."""
    views = ["Overall", "Unit", "Value", "Variable", "title", "Overall (view)", "PA"]
    cohort = load_cohort(
        make_cohort(tmp_path / "c", [{"view": view} for view in views], images={}),
        inspect_images=False,
    )
    one = make_table_one(cohort, "view", unit="image")
    wide = one.to_wide()
    assert wide.columns.is_unique
    assert wide.columns[:4].tolist() == ["Variable", "Value", "Missing", "Overall"]
    assert {"Overall (view)", "Overall (view) (view)", "Value (view)", "title"} < set(wide)
    counts = wide.iloc[0, 3:].tolist()
    assert counts == ["7", *["1"] * 7]
    assert one.table.groupby("group", sort=False)["n"].first().tolist() == [7, *[1] * 7]


def test_an_average_of_few_is_not_shown(tmp_path: Path) -> None:
    """Six known ages of eight patients are a count."""
    rows: list[dict[str, object]] = [{"age": "" if i < 2 else 50} for i in range(8)]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    table = make_table_one(cohort).table.set_index("variable")
    assert table.loc["age", "text"] == "6 of 8 patients"


def test_nobody_makes_a_table_of_dashes(cohort: Cohort) -> None:
    """An empty selection has its rows, all missing."""
    nobody = cohort.select(cohort.table["view"] == "L", "lateral")
    one = make_table_one(nobody, "region")
    assert one.table["group"].unique().tolist() == ["Overall"]
    assert (one.table["n"] == 0).all()
