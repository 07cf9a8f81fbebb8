"""Cohorts by name: slugs, the demo, no path in an address."""

import os
import re
from pathlib import Path

import pytest

from cxrlib.cohort import find_entry, join_paths, list_entries, split_paths
from cxrlib.errors import SelectionError

DEMO = Path("/cache/demo")


def test_the_demo_is_always_there() -> None:
    """Alone it is the only one; beside named cohorts it stands last; named, it keeps its place."""
    assert [entry.slug for entry in list_entries([], DEMO)] == ["demo"]
    assert [entry.slug for entry in list_entries([Path("/a/lungs")], DEMO)] == ["lungs", "demo"]
    named = list_entries([DEMO, Path("/a/lungs")], DEMO)
    assert [(entry.slug, entry.is_demo) for entry in named] == [("demo", True), ("lungs", False)]


def test_a_folder_called_demo_does_not_take_the_demos_name() -> None:
    """A link to the demo leads to the demo on every server."""
    entries = list_entries([Path("/mine/demo")], DEMO)
    assert [(entry.slug, entry.is_demo) for entry in entries] == [("demo-2", False), ("demo", True)]


@pytest.mark.parametrize("name", ["a b", "ÄÖ", "..", "x/../../etc", "<b>", "a" * 200, "-", "%2e"])
def test_slugs_are_safe_in_an_address(name: str) -> None:
    """Whatever a folder is called, its slug is letters, digits and hyphens."""
    for entry in list_entries([Path("/base") / name], DEMO):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.slug)
        assert len(entry.slug) <= 43


def test_the_same_folder_twice_counts_once(tmp_path: Path) -> None:
    """Two paths to one folder are one cohort; two folders of one name are two."""
    assert len(list_entries([tmp_path, tmp_path], DEMO)) == 2
    slugs = [e.slug for e in list_entries([Path("/a/x"), Path("/b/x"), Path("/c/x")], DEMO)]
    assert slugs == ["x", "x-2", "x-3", "demo"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    """The message helps; it shows no path."""
    with pytest.raises(SelectionError, match=r"no cohort 'there'.*It has lungs, demo") as caught:
        find_entry(list_entries([Path("/secret/lungs")], DEMO), "there")
    assert "/secret" not in str(caught.value)


def test_paths_travel_in_one_variable() -> None:
    """What was joined is split again; a path that cannot be joined is refused."""
    paths = [Path("/a b/c"), Path("/d")]
    assert split_paths(join_paths(paths)) == paths
    assert split_paths("") == []
    with pytest.raises(SelectionError, match="Rename it"):
        join_paths([Path(f"/a{os.pathsep}b")])
