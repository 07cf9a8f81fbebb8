"""Tests of `cxrlib.cohort.import_notes`."""

import json

import pytest

from cxrlib.cohort import ProblemLog, load_cohort, read_import_notes
from cxrlib.reports import list_provenance
from tests.cohort_factory import make_cohort


def test_read_import_notes_gives_none_without_an_import(tmp_path) -> None:
    """A cohort that was not imported says nothing more."""
    problems = ProblemLog()
    assert read_import_notes(tmp_path, problems) == ()
    assert problems.to_table().empty


def test_notes_stand_in_every_export(tmp_path) -> None:
    """A note is one line of the provenance, on one line and without control characters."""
    root = make_cohort(tmp_path / "c")
    note = "Survival is\nassumed\x1b[2J."
    (root / "import.json").write_text(json.dumps({"notes": [note], "columns": {"age": {}}}))
    cohort = load_cohort(root)
    assert cohort.notes == ("Survival is assumed[2J.",)
    assert "Note: Survival is assumed[2J." in list_provenance(cohort)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"notes": "x"}',
        b'{"notes": [1]}',
        b"\xff",
        b'{"notes": ["' + b"x" * 401 + b'"]}',
    ],
)
def test_read_import_notes_does_not_pass_over_a_damaged_file(tmp_path, content) -> None:
    """What an import said and cannot be read is not taken for nothing."""
    (tmp_path / "import.json").write_bytes(content)
    problems = ProblemLog()
    notes = read_import_notes(tmp_path, problems)
    assert "cannot be read" in notes[0]
    assert len(problems.to_table()) == 1
