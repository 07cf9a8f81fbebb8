"""Tests of the shipped tables: whole, clean, described, and every name in them leads somewhere."""

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from cxrlib.baselines.tasks.tasks import TASK_COLUMNS
from cxrlib.literature import csv_tables, read_rows
from cxrlib.literature.csv_tables import FOLDER
from cxrlib.reports.reporting_checklists import ITEMS, _format_parts, _list_conditions
from tests.cxrlib.reports.test_reporting_checklists import make_small_manifest

ROOT = Path(__file__).resolve().parents[3]
NAMES = sorted(path.stem for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("name", NAMES)
def test_read_rows_finds_clean_cells(name: str) -> None:
    """No column is named twice, no cell has spaces around it or a line break, no line is empty."""
    rows = read_rows(name)
    header = (FOLDER / f"{name}.csv").read_text("utf-8").splitlines()[0]
    assert rows
    assert len(rows[0]) == header.count(",") - header.count(", ") + 1
    for row in rows:
        assert any(row.values())
        for cell in row.values():
            assert cell == cell.strip()
            assert cell.isprintable()


def test_read_rows_names_a_line_of_another_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell too few, or an unquoted comma, is an error and no shifted number."""
    monkeypatch.setattr(csv_tables, "FOLDER", tmp_path)
    (tmp_path / "broken.csv").write_text("row,Images\na,1\nb,1,000\n", "utf-8")
    with pytest.raises(ValueError, match=r"Line 3 of broken\.csv has 3 cells"):
        read_rows("broken")


def test_every_file_is_described() -> None:
    """The folder's README names each file."""
    text = (FOLDER / "README.md").read_text("utf-8")
    described = set(re.findall(r"`([\w-]+)\.(?:csv|bib)`", text))
    described |= {f"table-{number}" for number in range(8, 15)}  # "table-8 to table-14"
    assert described == {*NAMES, "papers"}


def test_columns_are_those_of_the_tables() -> None:
    """Each printed column is described once, in the printed order."""
    columns = read_rows("columns")
    for table in (row["name"] for row in read_rows("tables")):
        printed = dict.fromkeys(r["printed column"] for r in columns if r["table"] == table)
        assert ["row", "printed row", *printed] == list(read_rows(table)[0])


def test_notes_are_about_tables_and_tasks() -> None:
    """No note hangs on a misspelt table or task; `PublishedTable` has the rest of its tests."""
    tables = {row["name"] for row in read_rows("tables")}
    tasks = {f"table-{row['table of means']}": set[str]() for row in read_rows("tasks")}
    for row in read_rows("tasks"):
        tasks[f"table-{row['table of means']}"].add(row["task"])
    for note in read_rows("notes"):
        assert note["table"] in tables | set(tasks)
        if note["table"] in tasks:
            assert note["row"] in {"", *tasks[note["table"]]}
            assert not note["column"]


def test_task_cards_are_of_columns_that_tasks_have() -> None:
    """No text hangs on a misspelt column or part, and only caveats are several."""
    found = Counter(
        (column, row["part"])
        for row in read_rows("task-cards")
        for column in row["columns"].split("; ")
    )
    assert {column for column, _ in found} <= set(TASK_COLUMNS)
    assert all(part == "caveat" for (_, part), n in found.items() if n > 1)
    parts = {"recorded", "horizon", "question", "motivation", "caveat"}
    assert {part for _, part in found} == parts


def test_answers_are_those_of_the_items() -> None:
    """Each is of some item, ends with a text for all other runs, and has no strange brace."""
    answers = read_rows("reporting-answers")
    assert {row["name"] for row in answers} == {item["answer"] for item in ITEMS if item["answer"]}
    last = {row["name"]: row["when"] for row in answers}
    assert set(last.values()) == {""}
    manifest = make_small_manifest()
    known = {*manifest, *_format_parts(manifest)}
    fields = {
        re.split(r"[\[.]", field)[0]
        for row in answers
        for _, field, *_ in string.Formatter().parse(row["text"])
        if field is not None
    }
    assert fields <= known
    assert set(_format_parts(manifest)) <= fields
    assert not set(_format_parts(manifest)) & set(manifest)
    assert {row["when"] for row in answers} == set(_list_conditions(manifest))
