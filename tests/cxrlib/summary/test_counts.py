"""The tables of a cohort, judged by a naive count, by what was planted and by the paper."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.cohort.persons import merge_persons
from cxrlib.errors import SelectionError
from cxrlib.number_text import compute_wilson
from cxrlib.storage import Store
from cxrlib.summary import GROUPINGS, UNITS, Summary, select_published, summarise
from cxrlib.summary.counts import OUTCOMES, TITLES
from cxrlib.synthetic.records import COLUMNS, SimulatedCohort, simulate_courses
from tests.cohort_factory import format_csv, make_cohort
from tests.cohort_statistics import assert_same_cells, count_group, count_naively, list_rows


@pytest.fixture(scope="module")
def simulated() -> SimulatedCohort:
    """Simulate the demo's records without its images."""
    return simulate_courses(seed=7, n_patients=120)


@pytest.fixture(scope="module")
def demo(simulated: SimulatedCohort, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load the simulated records; persons are those that were planted."""
    root = tmp_path_factory.mktemp("simulated")
    (root / "images").mkdir()
    text = format_csv(simulated.rows, header=COLUMNS)
    (root / "metadata.csv").write_text(text, encoding="utf-8")
    cohort = load_cohort(root, inspect_images=False)
    pairs = [(first, second) for first, second in simulated.same_person]
    persons = merge_persons(cohort.table["patient_id"].unique(), pairs)
    table = cohort.table.assign(person_id=cohort.table["patient_id"].map(persons).astype("str"))
    return dataclasses.replace(cohort, table=table)


@pytest.fixture(scope="module")
def real(real_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load the real collection."""
    return load_cohort(real_root, store=Store(tmp_path_factory.mktemp("cache")))


def pick(summary: Summary, row: str, column: str) -> float:
    """Give one cell."""
    return float(summary.with_totals().set_index("row").loc[row, column])


# ---- slow reference


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("unit", UNITS)
def test_every_cell_is_what_a_naive_count_gives(demo: Cohort, by: str, unit: str) -> None:
    """Plain loops over plain rows agree with each cell, totals included."""
    for cohort in (demo, select_published(demo, by)):
        summary = summarise(cohort, by, unit=unit)
        assert_same_cells(summary.table, count_naively(cohort, by, unit))
        assert_same_cells(summary.totals, {"Totals": count_group(list_rows(cohort), unit)})


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_every_cell_of_the_real_collection(real: Cohort, unit: str) -> None:
    """The same on the real collection, by every grouping."""
    for by in GROUPINGS:
        cohort = select_published(real, by)
        summary = summarise(cohort, by, unit=unit)
        assert_same_cells(summary.table, count_naively(cohort, by, unit))
        assert_same_cells(summary.totals, {"Totals": count_group(list_rows(cohort), unit)})


def test_a_row_is_the_cohort_of_its_images_alone(demo: Cohort) -> None:
    """Counting only the images of a view gives its row: patients in two views count in both."""
    for unit in UNITS:
        whole = summarise(demo, "view", unit=unit).table
        for view in ("PA", "AP", "AP Supine", "L"):
            only = demo.select(demo.table["view"] == view, view)
            alone = summarise(only, "view", unit=unit).table
            expected = whole[whole["row"] == view].reset_index(drop=True)
            counts = [name for name in expected.columns if not name.startswith("rt_pcr")]
            pd.testing.assert_frame_equal(alone[counts], expected[counts])


# ---- planted truth


def test_the_demo_counts_what_was_planted(demo: Cohort, simulated: SimulatedCohort) -> None:
    """Images, patients, persons and outcomes are those of the generator."""
    xrays = [row for row in simulated.rows if row["modality"] == "X-ray"]
    summary = summarise(demo, "region", unit="patient")
    assert summary.n_images == len(xrays) == len(simulated.tasks)
    assert summary.n_patients == len({row["patientid"] for row in xrays}) == 120
    assert summary.n_persons == 120 - len(simulated.same_person)
    truth = {patient.patient_id: patient for patient in simulated.patients}
    by_region: dict[str, set[str]] = {}
    for patient in simulated.patients:
        by_region.setdefault(patient.region or "Unknown", set()).add(patient.patient_id)
    assert dict(zip(summary.table["row"], summary.table["n"], strict=True)) == {
        region: len(ids) for region, ids in by_region.items()
    }
    for row in summary.table.to_dict("records"):
        ids = by_region[row["row"]]
        died = {name for name in ids if truth[name].died}
        assert row["survival_no"] <= len(died)
        assert row["survival_yes"] <= len(ids - died)
    recorded = {row["patientid"] for row in xrays if row["survival"]}
    assert pick(summary, "Totals", "survival_recorded") == len(recorded)
    assert pick(summary, "Totals", "survival_no") == sum(truth[name].died for name in recorded)


def test_persons_are_fewer_than_patients_where_ids_were_planted_twice(
    demo: Cohort, simulated: SimulatedCohort
) -> None:
    """The unit person merges the planted pairs, and only them."""
    assert simulated.same_person
    patients = summarise(demo, "view", unit="patient")
    persons = summarise(demo, "view", unit="person")
    assert patients.n_total - persons.n_total == len(simulated.same_person)


# ---- definitions


def make_small(tmp_path: Path, rows: list[dict[str, object]]) -> Cohort:
    """Load a cohort without looking at images; each patient is a person."""
    cohort = load_cohort(make_cohort(tmp_path / "c", rows), inspect_images=False)
    return dataclasses.replace(
        cohort, table=cohort.table.assign(person_id=cohort.table["patient_id"])
    )


def test_a_patient_has_the_first_recorded_value_of_each_column(tmp_path: Path) -> None:
    """Blanks and unusable findings are passed over, each column by itself."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "age": "", "sex": "M", "finding": "todo", "survival": ""},
        {"patientid": "a", "age": 40, "sex": "F", "finding": "Tuberculosis", "survival": "N"},
        {"patientid": "a", "age": 80, "sex": "", "survival": "Y", "RT_PCR_positive": "Unclear"},
        {"patientid": "b", "age": "", "RT_PCR_positive": "Y"},
    ]
    cohort = make_small(tmp_path, rows)
    summary = summarise(cohort, "region", unit="patient")
    cells = summary.totals.iloc[0]
    assert (cells["n"], cells["n_images"], cells["age_known"]) == (2, 4, 1)
    assert cells["age_mean"] == cells["age_median"] == 40
    assert (cells["sex_male"], cells["sex_not_recorded"]) == (1, 1)
    assert (cells["male_ratio"], cells["male_share"]) == (0.5, 1.0)
    assert (cells["survival_yes"], cells["survival_no"], cells["survival_not_recorded"]) == (
        0,
        1,
        1,
    )
    assert (cells["covid_yes"], cells["covid_no"]) == (1, 1)
    assert (cells["rt_pcr_yes"], cells["rt_pcr_unclear"]) == (1, 1)
    assert any("age (1), sex (1), survival (1)" in note for note in summary.notes)


def test_positive_tests_alone_make_no_rate(tmp_path: Path) -> None:
    """Without a negative RT-PCR no share is given; with one it is."""
    rows: list[dict[str, object]] = [{"RT_PCR_positive": "Y"}, {"RT_PCR_positive": "Y"}]
    summary = summarise(make_small(tmp_path / "1", rows), "region")
    assert np.isnan(summary.totals["rt_pcr_share"].iloc[0])
    assert any("RT-PCR" in note for note in summary.notes)
    summary = summarise(make_small(tmp_path / "2", [*rows, {"RT_PCR_positive": "N"}]), "region")
    assert summary.totals["rt_pcr_share"].iloc[0] == pytest.approx(2 / 3)
    assert not any("RT-PCR" in note for note in summary.notes)


def test_shares_have_wilson_intervals_of_the_recorded(demo: Cohort) -> None:
    """Denominators are yes and no; what is unclear or blank is in none."""
    table = summarise(demo, "sub-region", unit="patient").table
    for name in OUTCOMES:
        recorded = table[f"{name}_yes"] + table[f"{name}_no"]
        assert (table[f"{name}_recorded"] == recorded).all()
        rest = table[f"{name}_unclear"] + table[f"{name}_not_recorded"]
        assert (recorded + rest == table["n"]).all()
    low, high = compute_wilson(table["survival_yes"], table["survival_recorded"])
    np.testing.assert_array_equal(table["survival_low"], low)
    np.testing.assert_array_equal(table["survival_high"], high)


def test_rows_that_add_up_to_more_are_explained(tmp_path: Path) -> None:
    """A patient with two views counts in both, the note says how far the sum is off."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "view": "PA"},
        {"patientid": "a", "view": "L"},
        {"patientid": "b", "view": "L"},
    ]
    summary = summarise(make_small(tmp_path, rows), "view", unit="patient")
    assert summary.table["n"].tolist() == [1, 2]
    assert summary.n_total == 2
    assert any("add up to 3, not 2" in note for note in summary.notes)


def test_every_column_has_a_title(demo: Cohort) -> None:
    """A page can head each column in words."""
    summary = summarise(demo, "article", unit="person")
    assert set(summary.table.columns) <= set(TITLES)
    assert {level for by in GROUPINGS for level in summarise(demo, by).levels} <= set(TITLES)
    assert summary.table.columns.equals(summary.totals.columns)


# ---- invariance, bad input


def test_the_order_of_rows_changes_nothing(demo: Cohort) -> None:
    """A shuffled table counts the same: the file's own order decides what comes first."""
    shuffled = dataclasses.replace(
        demo, table=demo.table.sample(frac=1, random_state=3).reset_index(drop=True)
    )
    for by in GROUPINGS:
        for unit in UNITS:
            first, second = (summarise(each, by, unit=unit) for each in (demo, shuffled))
            pd.testing.assert_frame_equal(first.with_totals(), second.with_totals())
            assert first.notes == second.notes


def test_an_empty_selection_has_totals_of_zero(demo: Cohort) -> None:
    """No row, no warning, NaN for what cannot be averaged, a note that says so."""
    nothing = demo.select(pd.Series(False, index=demo.table.index), "nothing")
    for by in GROUPINGS:
        for unit in UNITS:
            summary = summarise(nothing, by, unit=unit)
            assert len(summary.table) == 0
            assert summary.n_total == summary.totals["n_images"].iloc[0] == 0
            assert np.isnan(summary.totals["age_mean"].iloc[0])
            assert any("No X-ray is left" in note for note in summary.notes)


def test_rows_that_are_no_xrays_are_not_counted(demo: Cohort) -> None:
    """CT rows stand in the metadata and in no table; the note says how many."""
    assert not demo.table["is_xray"].all()
    summary = summarise(demo, "view")
    assert summary.n_images == demo.table["is_xray"].sum()
    assert any("not X-rays are not counted" in note for note in summary.notes)


def test_persons_of_images_that_were_not_inspected_are_missing(tmp_path: Path) -> None:
    """They are not counted as 0, and the unit is refused in words."""
    cohort = load_cohort(make_cohort(tmp_path / "c", [{}, {}]), inspect_images=False)
    summary = summarise(cohort, "view", unit="patient")
    assert summary.n_persons is None
    assert summary.table["n_persons"].isna().all()
    with pytest.raises(SelectionError, match="not inspected"):
        summarise(cohort, "view", unit="person")


def test_unknown_words_are_refused(demo: Cohort) -> None:
    """Grouping and unit are named, with what there is."""
    with pytest.raises(SelectionError, match="'hospital'"):
        summarise(demo, "hospital")
    with pytest.raises(SelectionError, match=r"'row'.*image, patient, person"):
        summarise(demo, "view", unit="row")
    with pytest.raises(SelectionError, match="'hospital'"):
        select_published(demo, "hospital")


def test_each_table_counts_the_papers_rows(tmp_path: Path) -> None:
    """Places and findings: frontal and usable; views: lateral too; articles: all X-rays."""
    rows: list[dict[str, object]] = [
        {"view": "PA", "finding": "Pneumonia"},
        {"view": "AP Supine", "finding": "todo"},
        {"view": "L", "finding": "Tuberculosis"},
        {"view": "L", "finding": "Unknown"},
        {"view": "Axial", "finding": "Pneumonia", "modality": "CT"},
    ]
    cohort = make_small(tmp_path, rows)
    n_images = {by: select_published(cohort, by).n_images for by in GROUPINGS}
    frontal = ("finding", "finding-view", "region", "sub-region", "country")
    assert n_images == {**dict.fromkeys(frontal, 1), "view": 2, "source": 4, "article": 4}


def test_negative_tests_are_looked_for_in_every_image(tmp_path: Path) -> None:
    """One that is not its patient's first makes a share, and no note denies it."""
    rows: list[dict[str, object]] = [
        {"patientid": "1", "RT_PCR_positive": "Y"},
        {"patientid": "1", "RT_PCR_positive": "N"},
    ]
    summary = summarise(make_small(tmp_path, rows), "view", unit="patient")
    assert pick(summary, "Totals", "rt_pcr_share") == 1
    assert not any("as negative" in note for note in summary.notes)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Markup, separators and look-alikes of rows are rows of their own."""
    names = ["<b>x</b>", "Viral/COVID-19", "Totals", "a, PA", "=1+1", "Pneumonia//"]
    rows: list[dict[str, object]] = [{"finding": name, "url": name} for name in names]
    summary = summarise(make_small(tmp_path, rows), "finding")
    assert set(names[:5]) <= set(summary.table["row"])
    assert summary.table["row"].is_unique
    assert summary.table["n"].sum() == len(names)


# ---- the real collection


def test_the_real_collection_is_the_papers_table_3_and_4(real_root: Path) -> None:
    """The state of the data is a later one; cells that did not change are the printed ones."""
    real = load_cohort(real_root, inspect_images=False)
    summary = summarise(select_published(real), "sub-region", unit="patient")
    assert (summary.n_images, summary.n_patients, summary.n_total) == (697, 423, 423)
    printed = {
        "Eastern Asia": (54, 90, 55.14, 16, 6, 6, 5, 8, 6, 50, 40, 0.35),
        "Western Europe": (53, 92, 52.83, 19, 2, 19, 29, 1, 1, 49, 5, 0.60),
        "Australia and New Zealand": (42, 60, 50.48, 4, 0, 1, 1, 1, 1, 1, 2, 0.57),
    }
    columns = [
        *("n_patients", "n_images", "age_mean", "survival_yes", "survival_no"),
        *("went_icu_yes", "went_icu_no", "intubated_yes", "intubated_no"),
        *("covid_yes", "rt_pcr_yes", "male_ratio"),
    ]
    for row, cells in printed.items():
        for column, cell in zip(columns, cells, strict=True):
            assert pick(summary, row, column) == pytest.approx(cell, abs=0.0051), (row, column)
    views = summarise(select_published(real, "view"), "view")
    supine = [pick(views, "AP Supine", name) for name in ("survival_yes", "survival_no")]
    assert supine == [51, 20]
