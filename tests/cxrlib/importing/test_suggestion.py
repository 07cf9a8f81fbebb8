"""Tests of proposed mappings: from names and contents, each with its reason."""

from pathlib import Path

import pytest

from cxrlib.errors import CohortError
from cxrlib.importing import Importer, suggest_mapping
from tests.source_factory import draw, name_mapping, read_back, write_table


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Write films in two folders, and patients in a table of their own."""
    root = tmp_path / "hospital"
    films = [
        {"Subject ID": f"s{i // 2}", "key": f"k{i}", "Röhre": "AP" if i % 2 else "PA", "day": i}
        for i in range(8)
    ]
    people = [{"Subject ID": f"s{i}", "Geschlecht": "mw"[i % 2], "Age": 40 + i} for i in range(4)]
    write_table(root / "films.csv", films)
    write_table(root / "people.csv", people)
    for i in range(8):
        draw(root / f"disk{i % 2}" / f"k{i}.png", i)
    (root / "README.txt").write_text("Read me.\n")
    return root


def test_suggest_mapping_finds_images_tables_and_columns(hospital, tmp_path) -> None:
    """The proposal imports as it is: images found by name, views by content, keys joined."""
    text = suggest_mapping(hospital).text
    assert "# 100% of the values of 'key' name an image file." in text
    assert "# 100% of the values of 'Röhre' are of view" in text
    assert 'by = ["Subject ID"]' in text
    report = Importer(hospital, name_mapping(text)).run(tmp_path / "out")
    rows = read_back(tmp_path / "out")
    assert report.images.n_found == 8
    assert [row["view"] for row in rows] == ["PA", "AP"] * 4
    assert [row["patientid"] for row in rows] == [f"s{i // 2}" for i in range(8)]
    assert [row["offset"] for row in rows] == [str(i) for i in range(8)]
    assert [row["Geschlecht"] for row in rows] == ["m", "m", "w", "w"] * 2


def test_suggest_mapping_names_values_that_are_not_understood(tmp_path) -> None:
    """A code that nobody knows is listed, to be given a value."""
    rows = [{"patient": str(i), "sex": "M" if i % 2 else "X9", "file": ""} for i in range(4)]
    write_table(tmp_path / "s" / "a.csv", rows)
    text = suggest_mapping(tmp_path / "s").text
    assert '"X9" = "?"' in text
    assert "50% of its values are understood" in text


def test_suggest_mapping_takes_hostile_names(tmp_path) -> None:
    """Names of columns, files and values cannot leave their quotes or comments."""
    evil = 'a"\n[columns]\npatientid = "b'
    write_table(tmp_path / "s" / 'x"y.csv', [{evil: evil, "sex": "\n[x]", "id\x7f": "1"}] * 3)
    named = name_mapping(suggest_mapping(tmp_path / "s").text)
    assert set(named.mapping.columns) <= {"patientid", "sex", "modality"}


def test_suggest_mapping_refuses_a_folder_without_tables(tmp_path) -> None:
    """Nothing to propose from is said as such."""
    with pytest.raises(CohortError, match="has no table"):
        suggest_mapping(tmp_path)
    with pytest.raises(CohortError, match="no folder"):
        suggest_mapping(tmp_path / "no")
