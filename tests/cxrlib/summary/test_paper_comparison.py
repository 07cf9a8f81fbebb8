"""Tests of the comparison with the papers: its rule, and the real collection counted anew."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.literature import PUBLISHED, PublishedTable, find_table
from cxrlib.literature.paper_tables import TOTALS
from cxrlib.summary import (
    VERDICTS,
    compare_published,
    count_published,
    describe_comparison,
    list_unpublished_rows,
)
from cxrlib.summary.paper_comparison import COMPARISON_COLUMNS, compare_cells, count_verdicts
from tests.cohort_factory import make_cohort

OURS_COLUMNS = ("row", "column", "value", "n_images", "n_patients")
FRONTAL = ("PA", "AP", "AP Supine")


def copy_paper(table: PublishedTable) -> pd.DataFrame:
    """Make a cohort's numbers that are the paper's own."""
    cells = {(cell.row, cell.column): cell for cell in table.cells}
    sums = dict.fromkeys(cells, 0.0)
    for cell in table.cells:
        sums[cell.row, cell.column] += cell.value
    rows = [
        (*key, value, cells[key].n_images or 0, cells[key].n_patients or 0)
        for key, value in sums.items()
    ]
    return pd.DataFrame(rows, columns=list(OURS_COLUMNS))


def judge_one(
    value: float, *, n_images: int = 90, n_patients: int = 54, column: str = "age_mean"
) -> pd.Series:
    """Compare one number of Table 3's Eastern Asia: 54 patients, 90 images, mean age 55.14."""
    row = ("Eastern Asia", column, value, n_images, n_patients)
    ours = pd.DataFrame([row], columns=list(OURS_COLUMNS))
    table = compare_cells(PUBLISHED["table-3"], ours)
    chosen = (table["row"] == "Eastern Asia") & (table["column"] == column)
    return table[chosen].iloc[0]


def count_cells(root: Path, rows: list[dict[str, object]], name: str) -> dict[str, float]:
    """Count a small cohort as a published table does; give each row's first number."""
    cohort = load_cohort(make_cohort(root, rows, images={}), inspect_images=False)
    return count_published(cohort, name).groupby("row", sort=False)["value"].first().to_dict()


def test_table_7_has_articles_with_a_doi_only(tmp_path: Path) -> None:
    """Pages of websites are articles elsewhere, and rows of no published table."""
    rows: list[dict[str, object]] = [
        {"doi": "10.1148/rg.242035193"},
        {"doi": "", "url": "https://www.eurorad.org/case/16689"},
    ]
    counted = count_cells(tmp_path / "c", rows, "table-7")
    assert counted["10.1148/rg.242035193"] == 1
    assert set(counted) == set(PUBLISHED["table-7"].row_titles)


def test_a_stray_finding_takes_no_printed_row(tmp_path: Path) -> None:
    """The finding "Viral/SARS" that stands under no pneumonia is one of its own."""
    rows: list[dict[str, object]] = [
        {"finding": "Pneumonia/Viral/SARS"},
        {"finding": "Pneumonia/Viral/SARS"},
        {"finding": "Viral/SARS"},
    ]
    assert count_cells(tmp_path / "c", rows, "early-table-1")["Viral/SARS"] == 2


# ---- the rule


def test_the_rule_of_the_verdict() -> None:
    """Equal numbers agree; unequal ones differ only where all counts are the paper's."""
    assert judge_one(55.14)["verdict"] == "agrees"
    assert judge_one(55.14)["explanation"] == ""
    assert judge_one(56.0)["verdict"] == "difference"
    assert judge_one(56.0, n_patients=55)["verdict"] == "different cohort"
    assert judge_one(56.0, n_images=91)["verdict"] == "different cohort"
    near = judge_one(55.14, n_images=91)
    assert near["verdict"] == "agrees"
    assert near["explanation"].startswith("Equal although the cohorts differ: 54 patients")


@pytest.mark.parametrize(
    ("value", "is_equal"),
    [(55.1449, True), (55.135, True), (55.1451, False), (55.1349, False), (math.nan, False)],
)
def test_numbers_are_compared_as_printed(value: float, is_equal: bool) -> None:
    """A mean agrees if it is printed the same; half-way it may be rounded to either side."""
    assert (judge_one(value)["verdict"] == "agrees") is is_equal


def test_counts_are_compared_exactly() -> None:
    """A count is not rounded."""
    assert judge_one(16, column="survival_yes")["verdict"] == "agrees"
    assert judge_one(16.4, column="survival_yes")["verdict"] == "difference"


def test_counts_of_both_stand_beside_the_number() -> None:
    """Patients where patients are counted, images where images are."""
    each = judge_one(56.0, n_patients=50)
    assert (each["counted"], each["n_paper"], each["n_ours"]) == ("patients", 54, 50)
    assert "54 patients and 90 images in the paper, 50 and 90 here." in each["explanation"]
    table = compare_cells(PUBLISHED["table-4"], copy_paper(PUBLISHED["table-4"]))
    assert set(table["counted"]) == {"images"}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_papers_own_numbers_agree(name: str) -> None:
    """A cohort whose numbers are the paper's agrees with all of them, none twice."""
    table = compare_cells(PUBLISHED[name], copy_paper(PUBLISHED[name]))
    assert set(table["verdict"]) == {"agrees"}
    assert list(table.columns) == list(COMPARISON_COLUMNS)
    assert not table[["row", "column"]].duplicated().any()


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_synthetic_cohort_agrees_with_nothing(name: str) -> None:
    """No number of a made-up cohort is a reproduction, even where it is equal."""
    ours = copy_paper(PUBLISHED[name])
    table = compare_cells(PUBLISHED[name], ours, is_synthetic=True)
    assert set(table["verdict"]) == {"different cohort"}
    assert table["explanation"].str.startswith("Synthetic cohort").all()


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_nothing_of_ours_is_a_different_cohort(name: str) -> None:
    """An empty selection differs in nothing and agrees in nothing."""
    table = compare_cells(PUBLISHED[name], pd.DataFrame(columns=list(OURS_COLUMNS)))
    assert set(table["verdict"]) == {"different cohort"}
    assert table["ours"].isna().all()


def test_the_order_of_ours_means_nothing() -> None:
    """Rows of ours in another order give the same comparison."""
    ours = copy_paper(PUBLISHED["table-3"])
    shuffled = ours.sample(frac=1, random_state=3)
    first = compare_cells(PUBLISHED["table-3"], ours)
    pd.testing.assert_frame_equal(first, compare_cells(PUBLISHED["table-3"], shuffled))


def test_a_row_printed_twice_is_added_up() -> None:
    """Salehi et al. stand in Table 7 twice, with one image each: two."""
    table = compare_cells(PUBLISHED["table-7"], copy_paper(PUBLISHED["table-7"]))
    one = table[(table["title"] == "Salehi et al. [2020]") & (table["column"] == "n_ap_supine")]
    assert one["paper"].tolist() == [2]


def test_remarks_and_notes_are_in_the_explanation() -> None:
    """What is known of a number stands beside it, and what our side says of it."""
    ours = copy_paper(PUBLISHED["table-1"]).assign(remark="Counted on a Tuesday.")
    ours.loc[ours["row"] == "Bacterial/Streptococcus", ["value", "n_images"]] = [18, 697]
    table = compare_cells(PUBLISHED["table-1"], ours).set_index("row")
    each = table.loc["Bacterial/Streptococcus"]
    assert each["verdict"] == "different cohort"
    assert "679 images in the paper, 697 here" in each["explanation"]
    assert "prints 18" in each["explanation"]
    assert table["explanation"].str.endswith("Counted on a Tuesday.").all()


def test_rows_that_the_paper_lacks_are_listed() -> None:
    """A finding of ours that is not in the paper's table is named, not dropped in silence."""
    ours = pd.DataFrame([("Viral/New", "n_images", 3, 697, 423)], columns=list(OURS_COLUMNS))
    assert list_unpublished_rows(PUBLISHED["table-1"], ours) == ("Viral/New",)
    assert len(compare_cells(PUBLISHED["table-1"], ours)) == 20


def test_numbers_that_cannot_be_compared_are_refused() -> None:
    """A missing column, a number given twice, a table that is not there."""
    ours = copy_paper(PUBLISHED["table-1"])
    with pytest.raises(SelectionError, match="lack the column 'value'"):
        compare_cells(PUBLISHED["table-1"], ours.drop(columns="value"))
    with pytest.raises(SelectionError, match="'n_images' of 'Viral/COVID-19' twice"):
        compare_cells(PUBLISHED["table-1"], pd.concat([ours, ours]))
    with pytest.raises(SelectionError, match="No published table is called 'table-2'"):
        find_table("table-2")


def test_unknown_counts_of_the_paper_are_no_difference() -> None:
    """Where the paper does not say how many it counted, nothing is called a difference."""
    table = PUBLISHED["early-table-1"]
    cells = tuple(replace(cell, n_images=None) for cell in table.cells)
    compared = compare_cells(replace(table, cells=cells), copy_paper(table).assign(value=-1))
    assert set(compared["verdict"]) == {"different cohort"}
    assert compared["n_paper"].isna().all()
    assert compared["explanation"].str.startswith("The paper does not give").all()


def test_verdicts_are_counted() -> None:
    """Each verdict has its count, in the sentence as well."""
    table = compare_cells(PUBLISHED["table-3"], copy_paper(PUBLISHED["table-3"]))
    assert count_verdicts(table) == dict(zip(VERDICTS, (165, 0, 0), strict=True))
    sentence = describe_comparison(table)
    assert sentence.startswith("165 of 165 numbers agree (165 from equal counts), 0 differ")


# ---- whole cohorts


def test_a_small_cohort_is_counted_as_the_paper_counts(tmp_path: Path) -> None:
    """Two patients of Italy: one of three images whose outcome is on the second only."""
    place = {"location": "Brescia, Italy", "sex": "M"}
    rows = [
        {**place, "patientid": "1", "age": 60},
        {**place, "patientid": "1", "age": 61, "survival": "N", "view": "AP"},
        {**place, "patientid": "1", "view": "L", "survival": "Y"},
        {**place, "patientid": "2", "sex": "", "finding": "Tuberculosis", "survival": "Y"},
        {**place, "patientid": "3", "finding": "todo"},
    ]
    cohort = load_cohort(make_cohort(tmp_path, rows), inspect_images=False)
    table = compare_published(cohort, "table-3")
    italy = table[table["row"] == "Southern Europe"].set_index("column")["ours"].to_dict()
    assert italy == {
        **dict.fromkeys(italy, 0),
        "n_patients": 2,
        "n_images": 3,
        "age_mean": 60,
        "male_ratio": 0.5,
        "survival_yes": 1,
        "survival_no": 1,
        "n_covid": 1,
    }
    lateral = compare_published(cohort, "table-4").set_index(["row", "column"])["ours"]
    assert lateral["L", "survival_yes"] == 1
    assert lateral["L", "n_images"] == 1


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_cohort_with_nothing_in_it_is_compared_all_the_same(name: str, tmp_path: Path) -> None:
    """A selection that leaves no image has zeros, and no average."""
    cohort = load_cohort(make_cohort(tmp_path), inspect_images=False)
    empty = cohort.select(cohort.table["view"] == "none", "nothing")
    table = compare_published(empty, name)
    assert count_verdicts(table)["difference"] == 0
    means = table["column"].isin(["age_mean", "male_ratio"])
    assert table.loc[means, "ours"].isna().all()
    assert (table.loc[~means, "ours"] == 0).all()


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_synthetic_folder_is_recognised(name: str, tmp_path: Path) -> None:
    """A folder that says it is made up agrees with nothing, zeros included."""
    root = make_cohort(tmp_path, planted={"is_synthetic": True, "name": "Made up"})
    cohort = load_cohort(root, inspect_images=False)
    assert cohort.is_synthetic
    assert set(compare_published(cohort, name)["verdict"]) == {"different cohort"}


# ---- the real collection, counted row by row without the library's statistics


@pytest.fixture(scope="module")
def real(real_root: Path) -> Cohort:
    """Load the collection's records."""
    return load_cohort(real_root, inspect_images=False)


def first_known(rows: list[dict]) -> dict:
    """Merge rows of one id: the first value of each column that is recorded."""
    merged: dict = {}
    for row in rows:
        for name, value in row.items():
            blank = value == "not recorded" or pd.isna(value)
            if merged.get(name) is None:
                merged[name] = None if blank else value
    return merged


def describe_rows(rows: list[dict]) -> Iterator[tuple[str, float]]:
    """Count what the papers' Tables 3 and 4 count."""
    ages = [row["age"] for row in rows if row["age"] is not None and not pd.isna(row["age"])]
    yield "age_mean", sum(ages) / len(ages) if ages else math.nan
    for name in ("survival", "went_icu", "intubated"):
        n_yes = sum(row[name] == "yes" for row in rows)
        n_no = sum(row[name] == "no" for row in rows)
        yield f"{name}_yes", n_yes
        yield f"{name}_no", n_no
        yield f"{name}_recorded", n_yes + n_no
    yield "n_covid", sum("COVID-19" in (row["finding"] or "") for row in rows)
    yield "n_rt_pcr", sum(row["RT_PCR_positive"] == "yes" for row in rows)
    yield "male_ratio", sum(row["sex"] == "M" for row in rows) / len(rows) if rows else math.nan


def list_rows(cohort: Cohort, views: tuple[str, ...], *, usable: bool = True) -> list[dict]:
    """List X-rays of some views as plain dicts."""
    records = cohort.table.to_dict("records")
    chosen = [row for row in records if row["is_xray"] and row["view"] in views]
    return [row for row in chosen if row["usable_finding"] or not usable]


def recount_table_1(cohort: Cohort) -> pd.DataFrame:
    """Count pneumonia by the parts of the finding."""
    rows = list_rows(cohort, FRONTAL)
    counts: dict[str, int] = {}
    for row in rows:
        head, *levels = row["finding"].split("/")
        if head == "Pneumonia":
            kind, genus = [*levels, "Unknown", "Unknown"][:2]
            name = f"{kind}/{'Not applicable' if kind in ('Lipoid', 'Aspiration') else genus}"
            counts[name] = counts.get(name, 0) + 1
    n_patients = len({row["patient_id"] for row in rows})
    lines = [(name, "n_images", n, len(rows), n_patients) for name, n in counts.items()]
    return pd.DataFrame(lines, columns=list(OURS_COLUMNS))


def recount_table_3(cohort: Cohort) -> pd.DataFrame:
    """Count patients by sub-region, each id once."""
    rows = list_rows(cohort, FRONTAL)
    by_patient: dict[str, list[dict]] = {}
    for row in rows:
        by_patient.setdefault(row["patient_id"], []).append(row)
    patients = [first_known(group) for group in by_patient.values()]
    lines = []
    for name in PUBLISHED["table-3"].row_titles:
        chosen = [each for each in patients if name in (each["sub_region"], TOTALS)]
        n = sum(name in (row["sub_region"], TOTALS) for row in rows)
        lines.append((name, "n_patients", len(chosen), len(rows), len(patients)))
        lines.append((name, "n_images", n, len(rows), len(patients)))
        lines += [(name, *pair, n, len(chosen)) for pair in describe_rows(chosen)]
    return pd.DataFrame(lines, columns=list(OURS_COLUMNS))


def recount_table_4(cohort: Cohort) -> pd.DataFrame:
    """Count images by view."""
    views = tuple(PUBLISHED["table-4"].row_titles)
    n_all = len(list_rows(cohort, views))
    lines = []
    for name in views:
        rows = list_rows(cohort, (name,))
        n_patients = len({row["patient_id"] for row in rows})
        lines.append((name, "n_images", len(rows), n_all, 0))
        lines += [(name, *pair, len(rows), n_patients) for pair in describe_rows(rows)]
    return pd.DataFrame(lines, columns=list(OURS_COLUMNS))


def recount_table_7(cohort: Cohort) -> pd.DataFrame:
    """Count images by article and view, whatever the finding."""
    groups = {"n_pa_ap": ("PA", "AP"), "n_ap_supine": ("AP Supine",), "n_lateral": ("L",)}
    lines = []
    for column, views in groups.items():
        rows = list_rows(cohort, views, usable=False)
        chosen = [
            row["article"] for row in rows if row["article"] in PUBLISHED["table-7"].row_titles
        ]
        lines += [
            (name, column, chosen.count(name), len(chosen), 0)
            for name in PUBLISHED["table-7"].row_titles
        ]
    return pd.DataFrame(lines, columns=list(OURS_COLUMNS))


def recount_early_table_1(cohort: Cohort) -> pd.DataFrame:
    """Count findings by view."""
    rows = list_rows(cohort, FRONTAL)
    columns = {"n_pa": "PA", "n_ap": "AP", "n_ap_supine": "AP Supine"}
    lines = []
    for name in PUBLISHED["early-table-1"].row_titles:
        for column, view in columns.items():
            n = sum(name in row["finding"] and row["view"] == view for row in rows)
            lines.append((name, column, n, len(rows), 0))
    return pd.DataFrame(lines, columns=list(OURS_COLUMNS))


def recount_text(cohort: Cohort) -> pd.DataFrame:
    """Count what the paper says in its text."""
    rows, lateral = list_rows(cohort, FRONTAL), list_rows(cohort, ("L",))
    sex: dict[str, str | None] = {}
    for row in rows:
        known = None if pd.isna(row["sex"]) else row["sex"]
        sex[row["patient_id"]] = sex.get(row["patient_id"]) or known
    names = [row["filename"].lower() for row in rows]
    counts = {
        "xrays": len(rows) + len(lateral),
        "frontal": len(rows),
        "pa_ap": sum(row["view"] != "AP Supine" for row in rows),
        "ap_supine": sum(row["view"] == "AP Supine" for row in rows),
        "lateral": len(lateral),
        "patients": len(sex),
        "men": list(sex.values()).count("M"),
        "women": list(sex.values()).count("F"),
        "countries": len({row["country"] for row in rows} - {"Unknown"}),
        "jpeg": sum(name.endswith((".jpg", ".jpeg")) for name in names),
        "png": sum(name.endswith(".png") for name in names),
        "lung_boxes": sum(row["has_lung_box"] for row in rows),
        "lung_masks": sum(row["has_lung_mask"] for row in rows),
    }
    lines = [(name, "n", n, len(rows), len(sex)) for name, n in counts.items()]
    return pd.DataFrame(lines, columns=list(OURS_COLUMNS))


RECOUNTS = {
    "table-1": recount_table_1,
    "table-3": recount_table_3,
    "table-4": recount_table_4,
    "table-7": recount_table_7,
    "text": recount_text,
    "early-table-1": recount_early_table_1,
}


@pytest.mark.parametrize("name", list(RECOUNTS))
def test_the_statistics_give_what_was_counted_row_by_row(real: Cohort, name: str) -> None:
    """Every number, and the counts it was taken from, is the same as counted anew."""
    first, second = (
        compare_cells(PUBLISHED[name], ours)[["row", "column", "ours", "n_ours", "verdict"]]
        for ours in (count_published(real, name), RECOUNTS[name](real))
    )
    pd.testing.assert_frame_equal(first, second, check_dtype=False)
    assert len(first) == len({(cell.row, cell.column) for cell in PUBLISHED[name].cells})


@pytest.mark.parametrize("name", list(RECOUNTS))
def test_the_real_collection_never_differs_where_the_counts_agree(real: Cohort, name: str) -> None:
    """Each number either agrees or is of a different cohort."""
    table = compare_cells(PUBLISHED[name], RECOUNTS[name](real))
    assert count_verdicts(table)["difference"] == 0
    assert table["ours"].notna().all()


def test_what_the_real_collection_agrees_in(real: Cohort) -> None:
    """How many numbers agree, differ, and are of a different cohort, table by table."""
    found = {
        name: tuple(count_verdicts(compare_cells(PUBLISHED[name], recount(real))).values())
        for name, recount in RECOUNTS.items()
    }
    assert found == {
        "table-1": (16, 0, 4),
        "table-3": (119, 0, 46),
        "table-4": (21, 0, 23),
        "table-7": (220, 0, 5),
        "text": (0, 0, 13),
        "early-table-1": (3, 0, 12),
    }


def test_the_order_of_rows_means_nothing(real: Cohort) -> None:
    """The same records in another order give the same comparison, table by table."""
    shuffled = replace(real, table=real.table.sample(frac=1, random_state=7, ignore_index=True))
    for name in PUBLISHED:
        first, second = (compare_published(cohort, name) for cohort in (real, shuffled))
        pd.testing.assert_frame_equal(first, second)


def test_how_much_agrees_from_equal_counts(real: Cohort) -> None:
    """Seven sub-regions have ten numbers each whose counts are the paper's; all agree."""
    table = compare_published(real, "table-3")
    same = table[table["same_counts"]]
    assert set(same["verdict"]) == {"agrees"}
    assert same["row"].nunique() == 7
    # The two columns of counts themselves are parts of a whole that has grown.
    assert len(same) == 7 * 10


def test_seven_sub_regions_are_the_papers(real: Cohort) -> None:
    """Where patients and images are as many as in the paper, every number of Table 3 agrees."""
    table = compare_cells(PUBLISHED["table-3"], recount_table_3(real))
    numbers = table[table["row"] != TOTALS].groupby("row", sort=False)["verdict"]
    exact = [row for row, verdicts in numbers if set(verdicts) == {"agrees"}]
    assert exact == [
        *("Northern Africa", "Latin America and the Caribbean", "Eastern Asia"),
        *("South-eastern Asia", "Southern Asia", "Western Europe", "Australia and New Zealand"),
    ]


def test_what_the_paper_does_not_have(real: Cohort) -> None:
    """The collection's last state has no finding and no sub-region that the paper lacks."""
    for name in ("table-1", "table-3", "table-4"):
        assert list_unpublished_rows(PUBLISHED[name], RECOUNTS[name](real)) == ()
