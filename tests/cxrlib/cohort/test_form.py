"""The form of metadata.csv, in one place."""

from pathlib import Path

import pytest

from cxrlib.cohort import (
    METADATA_FILE,
    format_form,
    list_lacking_columns,
    load_cohort,
    read_form,
    read_value,
    write_template,
)
from cxrlib.cohort.metadata import COLUMNS, ESSENTIAL_COLUMNS, NUMBER_COLUMNS, YES_NO_COLUMNS
from cxrlib.errors import CohortError

DOCUMENT = Path(__file__).parents[3] / "docs" / "your-cohort.md"


def test_read_form_has_the_columns_of_the_loader() -> None:
    """Names, types and what is needed agree."""
    form = read_form()
    assert set(form) == set(COLUMNS)
    assert {each.name for each in form.values() if each.type == "number"} == set(NUMBER_COLUMNS)
    assert {each.name for each in form.values() if each.type == "yes/no"} == set(YES_NO_COLUMNS)
    needed = {each.name for each in form.values() if each.need == "needed"}
    assert needed == set(ESSENTIAL_COLUMNS)


def test_read_form_gives_examples_that_are_read_as_they_are() -> None:
    """No example needs a rule."""
    for name, column in read_form().items():
        assert read_value(name, column.example) == (column.example, "")


def test_document_holds_the_form() -> None:
    """Write it anew with `format_form` after a change of columns.csv."""
    assert "\n".join(format_form()) in DOCUMENT.read_text(encoding="utf-8")


def test_load_cohort_says_what_is_lost_without_a_column(tmp_path: Path) -> None:
    """The words are the form's."""
    text = "patientid,filename,view,finding\nP1,a.png,PA,No Finding\n"
    (tmp_path / METADATA_FILE).write_text(text)
    lacks = list_lacking_columns(load_cohort(tmp_path, inspect_images=False)).set_index("column")
    assert lacks.at["offset", "without"] == read_form()["offset"].without


def test_load_cohort_lists_what_was_read_by_a_rule(tmp_path: Path) -> None:
    """Each value once with its rows; a state of the United States is in its country."""
    rows = [
        'P1,a.png,PA,50+,"Boston, MA",1',
        'P2,b.png,ap erect,50+,"Berlin, DE",0',
        'P3,c.png,DX,"38,5","Toronto, Ontario",maybe',
    ]
    head = "patientid,filename,view,age,location,survival"
    (tmp_path / METADATA_FILE).write_text("\n".join([head, *rows]) + "\n")
    cohort = load_cohort(tmp_path, inspect_images=False)
    found = cohort.readings.set_index(["column", "value"])[["read_as", "n_rows"]]
    assert {key: tuple(row) for key, row in found.iterrows()} == {
        ("age", "50+"): ("50", 2),
        ("age", "38,5"): ("38.5", 1),
        ("survival", "1"): ("yes", 1),
        ("survival", "0"): ("no", 1),
        ("location", "Boston, MA"): ("United States", 1),
        ("location", "Toronto, Ontario"): ("Canada", 1),
    }
    assert cohort.table["region"].tolist() == ["Americas", "Unknown", "Americas"]
    wrong = cohort.problems.dropna(subset="row").set_index(["row", "column"])["problem"]
    assert wrong[3, "location"] == "it could be Delaware or Germany: write the country after it"
    assert wrong[4, "view"].startswith("not one of PA")
    assert (4, "survival") in wrong.index


def test_write_template_can_be_filled_and_is_never_written_over(tmp_path: Path) -> None:
    """From an empty folder to a cohort with one row."""
    root = write_template(tmp_path / "new")
    with pytest.raises(CohortError, match="no rows"):
        load_cohort(root)
    with (root / METADATA_FILE).open("a") as file:
        file.write("P001,P001.png,PA,No Finding\n")
    cohort = load_cohort(root)
    assert cohort.table["view"].tolist() == ["PA"]
    with pytest.raises(CohortError, match="not empty"):
        write_template(root)
