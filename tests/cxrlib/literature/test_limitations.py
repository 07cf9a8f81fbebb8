"""Tests of the limits: complete, sourced, short."""

import os
import re
from pathlib import Path

import pytest

from cxrlib.literature import LIMITS, NOT_FOR, Limit

REFERENCES = Path(__file__).resolve().parents[3] / "docs" / "references.md"
ENTRIES = (*LIMITS, *NOT_FOR)


def test_what_a_reader_must_find_is_there() -> None:
    """Each bias that the papers name, and each use that must not be served."""
    names = {limit.name for limit in ENTRIES}
    assert len(names) == len(ENTRIES)
    assert names >= {
        *("selection-bias", "publication-bias", "omitted-normal-values", "absent-variables"),
        *("processing", "imaging-societies", "diagnosis", "triage", "allocation"),
    }


@pytest.mark.parametrize("limit", ENTRIES, ids=lambda limit: limit.name)
def test_entries_are_short_and_sourced(limit: Limit) -> None:
    """One to three sentences and at least one place in a paper that docs/references.md lists."""
    keys = set(re.findall(r"^\| (\w+) \|", REFERENCES.read_text("utf-8"), re.MULTILINE))
    assert limit.sources
    assert {source.reference for source in limit.sources} <= keys
    assert len(limit.text.split()) <= 75
    assert limit.text.endswith(".")
    assert not limit.title.endswith(".")


@pytest.mark.parametrize("limit", ENTRIES, ids=lambda limit: limit.name)
def test_sources_exist_in_the_papers(limit: Limit) -> None:
    """Sections, tables and headings that are named stand in the paper's text."""
    folder = os.environ.get("CXR_PAPERS")
    if not folder:
        pytest.skip("CXR_PAPERS is not set: the papers' texts are not at hand.")
    files = {"cohen2020": "2020-03-covid", "cohen2020b": "2020-12-pros"}
    for source in limit.sources:
        path = next(Path(folder).glob(f"{files[source.reference]}*"))
        text = path.read_text("utf-8")
        for number in re.findall(r"\d+(?:\.\d+)?", source.section):
            start = rf"Table {number}[:.]" if "Table" in source.section else rf"{number}\.? [A-Z]"
            assert re.search(rf"^{start}", text, re.MULTILINE), source
        if not re.search(r"\d", source.section):
            assert re.search(rf"^{source.section}$", text, re.MULTILINE), source
