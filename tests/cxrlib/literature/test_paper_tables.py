"""Tests of the papers' numbers: each against the papers' own sums, and against their text."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from cxrlib.cohort import XRAY_VIEWS, parse_finding
from cxrlib.literature import PUBLISHED, PublishedTable, read_rows
from cxrlib.literature.paper_tables import TOTALS

PAPER_FILE = "2020-12-prospective-predictions.txt"
EARLY_FILE = "2020-03-covid-19-image-data-collection.txt"


def sum_columns(table: PublishedTable) -> Counter[str]:
    """Add up each column's rows, the row of totals left out."""
    sums: Counter[str] = Counter()
    for cell in table.cells:
        if cell.row != TOTALS:
            sums[cell.column] += cell.value
    return sums


def read_row(table: PublishedTable, row: str) -> dict[str, float]:
    """Give a row's numbers by column."""
    return {cell.column: cell.value for cell in table.cells if cell.row == row}


# ---- against the papers' own sums: a slip of the pen in one number breaks one of them


def test_the_rows_of_table_3_add_up_to_its_totals() -> None:
    """Patients, images and everything counted add up to the printed totals."""
    table = PUBLISHED["table-3"]
    sums, totals = sum_columns(table), read_row(table, TOTALS)
    for name in ("n_patients", "n_images", "n_covid", "n_rt_pcr"):
        assert sums[name] == totals[name], name
    for name in ("survival", "went_icu", "intubated"):
        assert sums[f"{name}_yes"] + sums[f"{name}_no"] == totals[f"{name}_recorded"], name
    assert (totals["n_images"], totals["n_patients"]) == (679, 412)
    assert table.find_column("n_images").whole == (679, 412)


def test_the_means_of_table_3_add_up_to_its_total() -> None:
    """Ages and male ratios, weighted by patients, come near the printed totals.

    Not closer: the paper's ages are of those whose age is known, who are not printed.
    """
    table = PUBLISHED["table-3"]
    rows = [read_row(table, row) for row in table.row_titles if row != TOTALS]
    totals = read_row(table, TOTALS)
    for name, tolerance in (("age_mean", 0.5), ("male_ratio", 0.01)):
        mean = sum(row[name] * row["n_patients"] for row in rows) / totals["n_patients"]
        assert mean == pytest.approx(totals[name], abs=tolerance)


def test_the_views_of_table_4_add_up_to_what_the_text_says() -> None:
    """518 PA or AP, 161 AP Supine and 82 lateral: 761 images, 679 of them frontal (section 3)."""
    size = {row: read_row(PUBLISHED["table-4"], row)["n_images"] for row in ("PA", "AP")}
    assert sum(size.values()) == 518
    sums = sum_columns(PUBLISHED["table-4"])
    assert sums["n_images"] == 761
    assert sums["n_images"] - read_row(PUBLISHED["table-4"], "L")["n_images"] == 679


def test_the_covid_images_of_table_1_are_those_of_table_4() -> None:
    """468 frontal COVID-19 images by finding and by view."""
    covid = read_row(PUBLISHED["table-1"], "Viral/COVID-19")["n_images"]
    views = [read_row(PUBLISHED["table-4"], view)["n_covid"] for view in ("PA", "AP", "AP Supine")]
    assert covid == sum(views)


@pytest.mark.parametrize("name", ["table-1", "table-7", "early-table-1"])
def test_wholes_and_notes_fit_the_sums(name: str) -> None:
    """What the tables' rows add up to is what their columns and notes say."""
    table, sums = PUBLISHED[name], sum_columns(PUBLISHED[name])
    if name == "table-7":
        assert [column.whole for column in table.columns] == [
            (int(sums[column.name]), None) for column in table.columns
        ]
    else:
        assert f"{int(sum(sums.values()))} " in table.notes[0]


# ---- names


def test_rows_are_named_as_in_a_cohort() -> None:
    """Findings, sub-regions, views and articles are written as the cohort's table has them."""
    sub_regions = {place["sub-region"] for place in read_rows("m49")} | {"Unknown", TOTALS}
    assert set(PUBLISHED["table-3"].row_titles) <= sub_regions
    assert set(PUBLISHED["table-4"].row_titles) <= set(XRAY_VIEWS)
    for row in PUBLISHED["table-1"].row_titles:
        kind, genus = row.split("/")
        given = [level for level in (kind, genus) if level not in ("Unknown", "Not applicable")]
        found = parse_finding("/".join(["Pneumonia", *given]))
        assert [level for level in (found.kind, found.genus) if level] == given
    articles = PUBLISHED["table-7"].row_titles
    assert len(articles) == 75
    assert all(re.fullmatch(r"10\.\d{4,}/\S+", name) and name == name.lower() for name in articles)


def test_notes_are_about_rows_and_columns_that_exist() -> None:
    """No note hangs on a misspelt name."""
    for table in PUBLISHED.values():
        columns = {column.name for column in table.columns}
        assert set(table.row_notes) <= set(table.row_titles)
        assert set(table.column_notes) <= columns
        assert set(table.cell_notes) <= {(cell.row, cell.column) for cell in table.cells}


def test_decimals_are_those_printed() -> None:
    """5.5 is one decimal, 40.00 two, a count none."""
    decimals = {(cell.row, cell.column): cell.decimals for cell in PUBLISHED["table-3"].cells}
    assert decimals["Northern Africa", "age_mean"] == 2
    assert decimals[TOTALS, "age_mean"] == 1
    assert decimals[TOTALS, "n_patients"] == 0


# ---- against the text of the papers, where it is at hand


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Read the papers' texts, or skip: they are found by CXR_PAPERS only."""
    value = os.environ.get("CXR_PAPERS")
    if not value:
        pytest.skip("CXR_PAPERS is not set: the papers' texts are not at hand.")
    return {name: (Path(value) / name).read_text("utf-8") for name in (PAPER_FILE, EARLY_FILE)}


def typed_columns(name: str) -> list[list[str]]:
    """Read a table's file by columns of printed cells, the names of ours left out."""
    return [
        list(column) for column in zip(*(row.values() for row in read_rows(name)), strict=True)
    ][1:]


def between(text: str, start: str, end: str) -> str:
    """Cut the part of a text from one line to another."""
    begin = text.index(start)
    return text[begin : text.index(end, begin)]


def blocks(text: str) -> list[str]:
    """Split a text at its empty lines."""
    return [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]


def test_table_1_is_the_papers(texts: dict[str, str]) -> None:
    """The counts stand in the text in this order, and each row's name does."""
    part = between(texts[PAPER_FILE], "Table 1: Counts", "Figure 1: Age per patient")
    titles, counts = typed_columns("table-1")
    assert part.split("Image Count\n")[1].split() == counts
    genera = re.search(r"COVID-19 \(SARSr.*?(?=\n\nBacterial)", part, re.DOTALL)
    assert genera is not None
    assert genera.group().split("\n") == [title.partition(", ")[2] for title in titles]


def test_table_3_is_the_papers(texts: dict[str, str]) -> None:
    """Each column of thirteen sub-regions stands in the text as a block, the totals apart."""
    part = blocks(between(texts[PAPER_FILE], "Male\nRatio", "Table 1: Counts"))
    titles, *columns = typed_columns("table-3")
    assert part[1 : 1 + len(columns)] == ["\n".join(column[:-1]) for column in columns]
    assert part[1 + len(columns) : 1 + 2 * len(columns)] == [column[-1] for column in columns]
    names = between(texts[PAPER_FILE], "Northern Africa\nLatin", "\n\nAsia\n").split("\n")
    assert [title.partition(", ")[2] or title for title in titles[:-1]] == names


def test_table_4_is_the_papers(texts: dict[str, str]) -> None:
    """Each column of four views stands in the text as a block."""
    part = blocks(between(texts[PAPER_FILE], "Table 4: Statistics", "3.1 Data Collection"))
    titles, *columns = typed_columns("table-4")
    start = part.index("\n".join(columns[0]))
    assert part[start : start + len(columns)] == ["\n".join(column) for column in columns]
    assert "\n".join(titles) in part


def test_table_7_is_the_papers(texts: dict[str, str]) -> None:
    """Citations and counts stand in the text in this order, in two runs (58 and 18 rows)."""
    part = between(texts[PAPER_FILE], "Table 7: Papers", "C.2 Output of models")
    columns = typed_columns("table-7")
    for rows in (slice(0, 58), slice(58, None)):
        for column in columns:
            assert "\n".join(column[rows]) in part
    assert len(columns[0]) == 58 + 18


def test_the_articles_of_table_7_are_the_references(texts: dict[str, str]) -> None:
    """All but three DOIs stand in the paper's references, under the first author's name."""
    part = between(texts[PAPER_FILE], "\nReferences\n", "\nAppendix\n")
    references = re.sub(r"\s+", "", part).lower()
    missing = set()
    for row in read_rows("table-7"):
        doi, title, *_ = row.values()
        author = re.split(r" et al\.| and | \[", title)[0].split()[-1].lower()
        ends = [match.start() for match in re.finditer(re.escape(doi), references)]
        if not any(author in references[max(0, end - 1500) : end] for end in ends):
            missing.add(author)
    assert missing == {"winther", "cai", "allen"}


def test_the_early_table_1_is_the_papers(texts: dict[str, str]) -> None:
    """Each row stands in the text as it was typed."""
    for row in read_rows("early-table-1"):
        _, *cells = row.values()
        assert "\t".join(cells) in texts[EARLY_FILE]


def test_the_wholes_are_the_papers(texts: dict[str, str]) -> None:
    """The sizes in the notes and columns stand in the papers' running text."""
    text = " ".join(texts[PAPER_FILE].split())
    assert "761 images were collected, of which 679 are frontal and 82 are lateral" in text
    assert "518 are standard frontal PA/AP" in text
    assert "M/F ratio is 230/139" in text
    assert "679 frontal chest X-ray images from 412 people from 26 countries" in text
    assert "123 frontal view X-rays" in texts[EARLY_FILE]


def test_the_counts_of_the_text_are_the_papers(texts: dict[str, str]) -> None:
    """Each number stands in the paper in its words."""
    text = " ".join(texts[PAPER_FILE].split())
    words = {
        "xrays": "761 images were",
        "frontal": "679 are frontal",
        "lateral": "82 are lateral",
        "pa_ap": "518 are standard frontal",
        "ap_supine": "161 are AP Supine",
        "patients": "412 people",
        "men": "M/F ratio is 230/",
        "women": "/139. In total",
        "countries": "26 different countries",
        "jpeg": "367 JPEG",
        "png": "171 PNG",
        "lung_boxes": "167 images annotated",
        "lung_masks": "209 generated lung",
    }
    for cell in PUBLISHED["text"].cells:
        assert f"{cell.value:.0f}" in words[cell.row]
        assert words[cell.row] in text, cell
