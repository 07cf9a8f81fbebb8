"""Tables in words: every cell with its denominator."""

from pathlib import Path

from cxrlib.cohort import load_cohort
from cxrlib.statistics import BY, summarise
from cxrlib.summary_words import describe_summary
from tests.cohort_factory import make_cohort

ROWS: list[dict[str, object]] = [
    {
        "patientid": f"p{i}",
        "age": 50 if i < 12 else "",
        "survival": ("Y", "N", "")[i % 3],
        "RT_PCR_positive": "Y",
        "sex": "M" if i % 2 else "F",
        "location": "Lima, Peru" if i < 15 else "",
    }
    for i in range(18)
]


def test_cells_state_what_they_rest_on(tmp_path: Path) -> None:
    """Shares have denominators, averages of few are counts, missing persons are a dash."""
    cohort = load_cohort(make_cohort(tmp_path / "c", ROWS, images={}), inspect_images=False)
    words = describe_summary(summarise(cohort, "region", unit="patient")).set_index("Region")
    assert words.index.tolist() == ["Americas", "Unknown", "Totals"]
    first = words.loc["Americas"]
    assert first["Survived"] == "5 of 10 (50 %, 24-76)"
    assert first["Age (years)"] == "50 (50-50), 12 of 15 patients"
    assert first["Persons"] == "–"
    assert first["RT-PCR positive"] == "15, no is never recorded"
    assert words.loc["Unknown", "Age (years)"] == "–"
    assert words.loc["Totals", "Images"] == "18"


def test_every_table_can_be_written(tmp_path: Path) -> None:
    """All groupings, with views, whole and empty, are text without NaN."""
    cohort = load_cohort(make_cohort(tmp_path / "c", ROWS, images={}), inspect_images=False)
    nothing = cohort.select(cohort.table["view"] == "L", "lateral")
    for by in BY:
        for each, n in ((cohort, len(summarise(cohort, by).table)), (nothing, 0)):
            words = describe_summary(summarise(each, by), views=True)
            assert len(words) == n + 1
            assert not words.isna().any(axis=None)
            assert not words.isin(["nan", "<NA>"]).any(axis=None)
            assert words.columns.is_unique
