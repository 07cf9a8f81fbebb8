"""A summary as a table to read, checked against plain counting."""

import re

import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.summary import GROUPINGS, lay_out_summary, select_published, summarise
from cxrlib.summary.counts import OUTCOMES
from cxrlib.summary.summary_layout import PARTS, TONES
from tests.cohort_factory import make_cohort

ROWS = [
    *[{"patientid": i, "location": "Rome, Italy", "age": 40 + i, "sex": "M", "survival": "Y"}
      for i in range(12)],
    {"patientid": 20, "location": "Rome, Italy", "survival": "N", "view": "AP"},
    {"patientid": 21, "location": "Rome, Italy", "view": "AP", "finding": "No Finding"},
    {"patientid": 22, "location": "Lagos, Nigeria", "age": 30, "sex": "F"},
    {"patientid": 23, "location": "<script>alert(1)</script>", "view": "L"},
]  # fmt: skip


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    """Give a small cohort whose counts are known."""
    folder = make_cohort(tmp_path_factory.mktemp("layout") / "cohort", ROWS)
    return load_cohort(folder, inspect_images=False)


def read(layout) -> dict[str, dict[str, str]]:
    """Read a layout as row name, column title to cell."""
    titles = [column.title for column in layout.columns]
    return {
        row.cells[0].line: dict(zip(titles, (cell.line for cell in row.cells), strict=True))
        for row in layout.rows
        if row.kind != "group"
    }


def test_every_cell_gives_its_denominator(cohort) -> None:
    """Shares as count, denominator, share, interval; an average of few is not shown."""
    cells = read(lay_out_summary(summarise(cohort, "region"), title="t"))
    assert cells["Europe"]["Survival"].startswith("12 of 13 (92 %, ")
    assert cells["Europe"]["Age, years"] == "45.5 (42.8-48.3), 12 of 14 images"
    assert cells["Africa"]["Age, years"] == "1 of 1 image"
    assert cells["Africa"]["Survival"] == "–"
    assert cells["Europe"]["Male"].startswith("12 of 12 (100 %")
    assert cells["Total"]["Images"] == "16"


def test_yes_alone_is_no_share(tmp_path) -> None:
    """Where no RT-PCR is recorded as negative there is a count, and not 100 %."""
    rows = [{"RT_PCR_positive": "Y"}, {"RT_PCR_positive": "Y"}, {}]
    for more, words in (
        ([], "2, negatives not recorded"),
        ([{"RT_PCR_positive": "N"}], "2 of 3 ("),
    ):
        folder = make_cohort(tmp_path / str(len(more)), [*rows, *more], images={})
        summary = summarise(load_cohort(folder, inspect_images=False), "region")
        cells = read(lay_out_summary(summary, title="t", parts=("outcomes",)))
        assert cells["Total"]["RT-PCR positive"].startswith(words)


def test_bars_are_of_all_and_add_up(cohort) -> None:
    """Yes, no and what is not recorded fill the cell; a reader is told what each is."""
    summary = summarise(cohort, "region")
    layout = lay_out_summary(summary, title="t", parts=("outcomes",))
    for row in layout.rows:
        for cell in row.cells[1:]:
            assert sum(share for _, share in cell.bar.parts) == pytest.approx(1)
    europe = next(row for row in layout.rows if row.cells[0].text == "Europe")
    assert dict(europe.cells[1].bar.parts) == pytest.approx(
        {"full": 12 / 14, "half": 1 / 14, "pale": 1 / 14}
    )
    assert europe.cells[1].bar.words == "12 yes, 1 not, 1 not recorded or unclear, of 14"
    assert layout.tones == TONES
    assert not lay_out_summary(summary, title="t", parts=("counts",)).tones


def test_groups_stand_above_their_rows(cohort) -> None:
    """A finding without a genus is in no group, also where it follows one."""
    layout = lay_out_summary(summarise(cohort, "finding"), title="t", parts=("counts",))
    kinds = [(row.kind, row.cells[0].text, row.in_group) for row in layout.rows]
    assert kinds == [
        ("group", "Pneumonia, Viral", False),
        ("row", "COVID-19", True),
        ("row", "No Finding", False),
        ("total", "Total", False),
    ]


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("unit", ["image", "patient"])
def test_all_tables_are_laid_out(cohort, by, unit) -> None:
    """Each names its unit, leaves out empty rows, and saves every number."""
    summary = summarise(cohort, by, unit=unit)
    layout = lay_out_summary(summary, title="t")
    assert layout.unit.startswith(f"Unit: {unit}.")
    shown = [row for row in layout.rows if row.kind == "row"]
    assert len(shown) == (summary.table["n_images"] > 0).sum()
    assert len(layout.numbers) == len(summary.table) + 1


def test_nothing_left_is_a_table_of_nothing(cohort) -> None:
    """An empty selection has its header and a total of 0."""
    empty = cohort.select(cohort.table["view"] == "no such", "none")
    layout = lay_out_summary(summarise(empty, "region"), title="t")
    assert [row.kind for row in layout.rows] == ["total"]
    assert {cell.line for cell in layout.rows[0].cells[1:]} == {"0", "–"}


def test_an_unknown_part_is_named(cohort) -> None:
    """Say which there are."""
    with pytest.raises(ValueError, match=f"no parts.*'colour'.*{PARTS[0]}"):
        lay_out_summary(summarise(cohort, "view"), title="t", parts=("colour",))


def test_the_real_table_by_region(real_root) -> None:
    """The shares on screen are those of plain counting, in the real collection."""
    cohort = select_published(load_cohort(real_root, inspect_images=False))
    cells = read(lay_out_summary(summarise(cohort, "region"), title="t", parts=PARTS))
    assert cells["Total"]["Images"] == "697"
    assert cells["Total"]["Patients"] == "423"
    titles = ["Survival", "Ever in ICU", "Intubated"]
    for region, rows in cohort.table.groupby("region"):
        for title, column in zip(titles, list(OUTCOMES.values())[:3], strict=True):
            yes, no = ((rows[column] == answer).sum() for answer in ("yes", "no"))
            found = re.match(r"(\d+) of (\d+) ", cells[region][title])
            counted = found and (int(found[1]), int(found[2]))
            assert counted == ((yes, yes + no) if yes + no else None)
