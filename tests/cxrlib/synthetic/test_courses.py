"""Tests of the simulated patients and their records, at full size and without images."""

import time

import pandas as pd
import pytest

from cxrlib.synthetic import SimulatedCohort, simulate_courses
from cxrlib.synthetic.annotations import true_scores
from cxrlib.synthetic.course import STORY_IDS
from cxrlib.synthetic.places import HOSPITALS
from cxrlib.synthetic.records import COLUMNS
from cxrlib.synthetic.truth import describe_planted

DENSE = ("Africa", "Americas", "Asia", "Europe")


@pytest.fixture(scope="module")
def cohort() -> SimulatedCohort:
    """Simulate the demo's metadata at full size."""
    return simulate_courses(seed=20200918, n_patients=250)


@pytest.fixture(scope="module")
def window(cohort) -> pd.DataFrame:
    """Give the rows every classification task starts from: PA or AP, days 1 to 7."""
    table = pd.DataFrame(cohort.rows)
    table = table[table["modality"] == "X-ray"].copy()
    regions = {hospital.location: hospital.region for hospital in HOSPITALS}
    table["region"] = table["location"].str.strip().map(regions)
    table["day"] = pd.to_numeric(table["offset"])
    table["finding"] = table["finding"].str.strip()
    return table[table["view"].isin(["PA", "AP"]) & table["day"].between(1, 7)]


def count_classes(rows: pd.DataFrame, label: pd.Series) -> pd.DataFrame:
    """Count patients by region (rows) and class (columns)."""
    groups = rows.assign(label=label.astype(str)).groupby(["region", "label"])
    return groups["patientid"].nunique().unstack(fill_value=0)


def task_counts(window: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Count patients of each class by region, for the five tasks of the protocol."""
    usable = window[~window["finding"].isin(["todo", "Unknown", ""])]
    germs = window[window["finding"].str.contains("Viral|Bacterial")]
    free = window[window["intubation_present"] != "Y"]
    survival = free[free["survival"] != ""]
    icu = free[(free["went_icu"] != "") & (free["in_icu"] != "Y")]
    intubated = free[free["intubated"] != ""]
    return {
        "COVID-19": count_classes(usable, usable["finding"].str.contains("COVID-19")),
        "viral": count_classes(germs, germs["finding"].str.contains("Viral")),
        "survival": count_classes(survival, survival["survival"]),
        "ICU": count_classes(icu, icu["went_icu"]),
        "intubated": count_classes(intubated, intubated["intubated"]),
    }


def test_simulation_takes_less_than_two_seconds() -> None:
    """Tests at full size stay cheap: no image is rendered."""
    start = time.process_time()
    simulate_courses(seed=5, n_patients=250)
    assert time.process_time() - start < 2


def test_columns_are_those_of_the_real_collection(real_root) -> None:
    """The header equals the real one, its nameless last column included."""
    header = (real_root / "metadata.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == list(COLUMNS)


def test_size(cohort) -> None:
    """About 250 patients and 800 radiographs, file names and story ids unique."""
    table = pd.DataFrame(cohort.rows)
    assert table["patientid"].nunique() == 250
    assert 760 <= (table["modality"] == "X-ray").sum() <= 880
    names = [task.filename for task in cohort.tasks]
    assert len(set(names)) == len(names)
    assert set(STORY_IDS) <= set(table["patientid"])


@pytest.mark.parametrize("task", ["COVID-19", "viral", "survival", "ICU", "intubated"])
def test_every_task_has_three_dense_regions_and_one_empty_one(window, task) -> None:
    """Three regions hold ten patients of each class; Oceania holds fewer than five of one."""
    counts = task_counts(window)[task]
    dense = [region for region in counts.index if counts.loc[region].min() >= 10]
    assert len(dense) >= 3, counts.to_string()
    assert counts.loc["Oceania"].min() < 5


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_class_counts_do_not_hang_on_the_seed(seed) -> None:
    """Outcomes are drawn by rank, so other seeds are dense as well (eight at least)."""
    rows = pd.DataFrame(simulate_courses(seed=seed, n_patients=250).rows)
    regions = {hospital.location: hospital.region for hospital in HOSPITALS}
    rows["region"] = rows["location"].str.strip().map(regions)
    day = pd.to_numeric(rows["offset"])
    rows = rows[rows["view"].isin(["PA", "AP"]) & day.between(1, 7)]
    for task, counts in task_counts(rows).items():
        assert (counts.min(axis=1) >= 8).sum() >= 3, task


def test_regions_views_and_findings_vary(cohort) -> None:
    """Five regions and blanks, the four views, several findings."""
    table = pd.DataFrame(cohort.rows)
    countries = table["location"].str.split(",").str[-1].str.strip()
    assert {"", "France", "Ghana", "New Zealand", "India", "Brazil"} <= set(countries)
    assert {"PA", "AP", "AP Supine", "L", "AP Erect"} <= set(table["view"])
    assert table["finding"].nunique() >= 12


def test_odd_values_are_there(cohort) -> None:
    """Blanks, codes, ties, negative days and odd numbers at the real collection's rates."""
    table = pd.DataFrame(cohort.rows)
    days = table["offset"].replace("", None).dropna().astype(int)
    counts = days.value_counts()
    assert (days < 0).sum() >= 3
    assert counts[5] > 1.3 * max(counts[4], counts[6])
    assert 0.18 < (table["offset"] == "").mean() < 0.32
    assert 0.15 < (table["license"] == "").mean() < 0.35
    assert "95" in set(table["temperature"])
    assert table["location"].str.endswith(" ").sum() == 2
    assert {"todo", "Unknown"} <= set(table["finding"].str.strip())
    assert (table["modality"] == "CT").sum() >= 10
    tricks = {task.trick for task in cohort.tasks}
    assert {"missing", "truncated", "png named jpg", "rgba", "palette", "copy"} <= tricks
    tied = table[table["offset"] != ""].duplicated(["patientid", "offset"])
    assert tied.sum() > 20


def test_undated_flags_are_constant_within_a_patient(cohort) -> None:
    """went_icu, intubated and survival hold for the patient, not for the day."""
    table = pd.DataFrame(cohort.rows)
    table = table[table["modality"] == "X-ray"]
    for column in ("survival", "went_icu", "intubated", "extubated"):
        assert table.groupby("patientid")[column].nunique().max() == 1


def test_severity_predicts_outcomes_in_every_dense_region(cohort) -> None:
    """The worse the peak, the worse the outcome, everywhere."""
    people = pd.DataFrame(
        {
            "region": [patient.region for patient in cohort.patients],
            "peak": [patient.peak for patient in cohort.patients],
            "died": [patient.died for patient in cohort.patients],
            "icu": [patient.went_icu for patient in cohort.patients],
        }
    )
    for region in DENSE:
        part = people[people["region"] == region]
        for outcome in ("died", "icu"):
            assert part["peak"][part[outcome]].mean() > part["peak"][~part[outcome]].mean() + 0.2


def test_style_predicts_within_regions_and_flips_between_them(cohort) -> None:
    """Sicker patients carry the style's sign of their region; over all regions it says little."""
    people = pd.DataFrame(
        {
            "region": [patient.region for patient in cohort.patients],
            "style": [patient.hospital.style_sign for patient in cohort.patients],
            "icu": [patient.went_icu for patient in cohort.patients],
        }
    )
    people = people[people["region"] != ""]
    gap = people[people["icu"]].groupby("region")["style"].mean()
    gap -= people[~people["icu"]].groupby("region")["style"].mean()
    assert (gap[["Asia", "Americas"]] > 0.8).all()
    assert (gap[["Europe", "Africa"]] < -0.8).all()
    overall = people.groupby("icu")["style"].mean()
    assert abs(overall[True] - overall[False]) < 0.45


def test_no_article_crosses_a_region(cohort) -> None:
    """Articles stay within a region, as in the real collection; shared sites do not."""
    table = pd.DataFrame(cohort.rows)
    regions = {hospital.location: hospital.region for hospital in HOSPITALS}
    table["region"] = table["location"].str.strip().map(regions).fillna("")
    assert table.groupby("url")["region"].nunique().max() == 1
    site = table["url"].str.split("/").str[2]
    assert table.groupby(site)["region"].nunique().max() >= 4
    assert table["url"].str.contains("example.org").all()


def test_story_contrasts_two_courses(cohort) -> None:
    """One worsens to tube and death, one recovers; at least five dated frontal images each."""
    table = pd.DataFrame(cohort.rows)
    worse, better = (table[table["patientid"] == name] for name in STORY_IDS)
    for rows in (worse, better):
        frontal = rows[rows["view"].isin(["PA", "AP", "AP Supine"]) & (rows["offset"] != "")]
        assert len(frontal) >= 5
        assert frontal["in_icu"].isin(["Y", "N"]).all()
    assert set(worse["survival"]) == {"N"}
    assert "Y" in set(worse["in_icu"])
    assert "Y" in set(worse["intubation_present"])
    assert set(better["survival"]) == {"Y"}
    assert set(better["in_icu"]) == {"N"}


def test_scores_follow_severity_within_their_ranges() -> None:
    """No opacity scores 0; full lungs score 8 and 6."""
    assert true_scores((0.0,) * 6) == (0.0, 0.0)
    assert true_scores((1.0,) * 6) == (8.0, 6.0)


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    """The seed decides everything."""
    first = simulate_courses(seed=3, n_patients=40)
    assert first == simulate_courses(seed=3, n_patients=40)
    assert first.rows != simulate_courses(seed=4, n_patients=40).rows


def test_planted_truth_is_told(cohort) -> None:
    """planted.json names what is synthetic, the story, and each planted effect."""
    planted = describe_planted(cohort)
    assert planted["synthetic"] is True
    assert planted["name"] == "Demo (synthetic)"
    assert set(planted["planted"]) >= {"style", "severity", "same_person", "not_estimable"}
    assert len(planted["planted"]["same_person"]["groups"]) >= 4
    assert planted["story"]["patients"] == list(STORY_IDS)
