"""The command ``tables``: what it prints is what the library counts."""

import csv
import io
import json
import re
from typing import get_args

import pytest
from typer.testing import CliRunner, Result

from cxrlib import NOTICE
from cxrlib.cli import app, tables
from cxrlib.summary import GROUPINGS, UNITS
from tests.cohort_factory import draw_image, make_cohort

ROWS: list[dict[str, object]] = [
    {"patientid": "a", "view": "PA", "location": "Lyon, France", "survival": "Y", "age": 50},
    {"patientid": "a", "view": "L", "location": "Lyon, France"},
    {"patientid": "b", "view": "AP", "location": "Lima, Peru", "survival": "N"},
    {"patientid": "c", "view": "AP", "finding": "todo"},
    {"patientid": "d", "modality": "CT", "view": "Axial", "filename": "d.nii"},
    {"patientid": "e", "view": "PA", "finding": "=1+1", "url": "http://x.org"},
]


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Write a cohort, and give the options that name it."""
    folder = tmp_path_factory.mktemp("tables")
    images = {f"image{i}.png": draw_image(i) for i in (1, 2, 3, 4, 6)}
    root = make_cohort(folder / "c", ROWS, images=images)
    return ["tables", "--data", str(root), "--cache", str(folder / "cache")]


def read_header(result: Result) -> list[str]:
    """Read the lines that say where a table comes from."""
    assert result.exit_code == 0, result.output
    return [line[2:] for line in result.stdout.splitlines() if line.startswith("# ")]


def read_csv(result: Result) -> dict[str, dict[str, str]]:
    """Read rows by their name, below those lines."""
    lines = result.stdout.splitlines(keepends=True)[len(read_header(result)) :]
    return {row["row"]: row for row in csv.DictReader(io.StringIO("".join(lines)))}


def test_csv_is_the_table_with_its_totals(data: list[str]) -> None:
    """Frontal images of a usable finding, as the paper counts; notes go to standard error."""
    result = run(*data, "--by", "region", "--unit", "patient")
    rows = read_csv(result)
    assert {name: row["n"] for name, row in rows.items()} == {
        "Americas": "1",
        "Europe": "1",
        "Unknown": "1",
        "Totals": "3",
    }
    assert rows["Europe"]["survival_yes"] == "1"
    assert rows["Americas"]["age_mean"] == ""
    assert "The unit is the patient" in result.stderr
    assert "with a diagnosis" in result.stderr


def test_csv_says_where_it_comes_from(data: list[str]) -> None:
    """Notice, cohort, fingerprint, filters, date, unit and counts, as files of the page."""
    told = json.loads(run(*data, "--format", "json").stdout)
    where = ("--where", "region=Europe")
    tables = (("tables", "--unit", "patient"), ("quality",), ("quality", "--table", "rules"))
    for command, *options in tables:
        header = read_header(run(command, *data[1:], *options, *where))
        assert header[0] == told["notice"] == NOTICE
        assert told["fingerprint"] in header[1]
        assert header[2] == "Filters: Region Europe"
        assert told["date"] in header[3]
        assert re.search(r"[Uu]nits?: (patient|flag)", header[4])
    counted = read_header(run(*data, "--unit", "patient"))
    assert any(line.startswith("Images included: ") for line in counted)
    assert any("The unit is the patient" in line for line in counted)


def test_each_table_counts_the_rows_of_the_papers(data: list[str]) -> None:
    """By view lateral images count too, by source all X-rays; --rows xrays takes all."""
    n = {}
    for by in GROUPINGS:
        n[by] = read_csv(run(*data, "--by", by))["Totals"]["n"]
    assert n["region"] == n["finding"] == n["finding-view"] == n["sub-region"] == "3"
    assert n["view"] == "4"
    assert n["source"] == n["article"] == "5"
    assert read_csv(run(*data, "--by", "region", "--rows", "xrays"))["Totals"]["n"] == "5"


def test_json_holds_no_nan_and_says_what_was_counted(data: list[str]) -> None:
    """Strict JSON with unit, filters and fingerprint."""
    result = run(*data, "--by", "view", "--format", "json", "--where", "region=Europe")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    answer = json.loads(result.stdout, parse_constant=refuse)
    assert (answer["by"], answer["unit"], answer["where"]) == ("view", "image", "region=Europe")
    assert [row["row"] for row in answer["rows"]] == ["PA", "L", "Totals"]
    assert answer["rows"][1]["survival_share"] is None
    assert len(answer["fingerprint"]) == 64


def test_a_spreadsheet_runs_no_cell(data: list[str]) -> None:
    """A finding that looks like a formula is text in CSV."""
    result = run(*data, "--by", "finding")
    assert result.exit_code == 0
    assert not any(line.startswith("=") for line in result.stdout.splitlines())
    assert ",=1+1" not in result.stdout


def test_other_tables_and_an_empty_selection(data: list[str]) -> None:
    """What is missing, a Table One, and no image at all: all print, none fails."""
    for kind in ("missing", "one"):
        result = run(*data, "--table", kind, "--by", "region", "--format", "json")
        assert json.loads(result.stdout)["rows"]
    empty = run(*data, "--by", "region", "--where", "view=L")
    assert read_csv(empty)["Totals"]["n"] == "0"
    assert "No X-ray is left" in empty.stderr


def test_words_that_are_not_there_are_refused(data: list[str]) -> None:
    """A wrong grouping is not understood (2); a wrong filter value is not possible (1)."""
    assert run(*data, "--by", "hospital").exit_code == 2
    assert run(*data, "--where", "view=XX").exit_code == 1


def test_the_commands_words_are_the_librarys() -> None:
    """Groupings and units are spelled out for the help; they are all there."""
    assert get_args(tables.By) == tuple(GROUPINGS)
    assert get_args(tables.Unit) == UNITS
