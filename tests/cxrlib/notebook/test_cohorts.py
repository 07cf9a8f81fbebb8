"""Cohorts of a notebook: which folder, which cache, which images."""

from pathlib import Path

import pytest

import cxrlib as cxr
from cxrlib import synthetic
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import CohortError, SelectionError
from cxrlib.storage import Store, find_default_cache
from tests.small_demo import stand_in


def test_load_cohort_gives_what_the_library_loads(demo: Cohort, demo_root: Path) -> None:
    """The same table and fingerprint, and it knows its cache."""
    plain = load_cohort(demo_root)
    assert plain.cache is None
    assert demo.fingerprint == plain.fingerprint
    assert demo.table.equals(plain.table)
    assert demo.cache is not None
    assert any(demo.cache.iterdir())
    assert demo.select_frontal().cache == demo.cache


def test_load_cohort_rejects_a_missing_folder() -> None:
    """The message says what to give."""
    with pytest.raises(CohortError, match="no folder"):
        cxr.load_cohort("no/such/folder")


def test_load_demo_keeps_it_in_the_cache_of_the_environment(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the commands do: CXR_CACHE, or the cache that is named."""
    stand_in(monkeypatch, demo_root, tmp_path / "environment")
    assert cxr.load_demo().cache == tmp_path / "environment"
    assert cxr.load_demo(cache=tmp_path / "named").cache == tmp_path / "named"


def test_load_demo_generates_the_demo_of_the_commands(
    tmp_path: Path, demo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same folder, of the same seed and size."""
    asked = []

    def generate(folder: Path, **options: object) -> Path:
        asked.append((folder, {k: v for k, v in options.items() if k != "on_progress"}))
        return demo_root

    monkeypatch.setattr(synthetic, "generate_demo", generate)
    cxr.load_demo(cache=tmp_path)
    assert asked == [(tmp_path / "demo", {"n_patients": 250})]


def test_load_cohort_falls_back_to_the_default_cache(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither an argument nor the environment names one."""
    monkeypatch.delenv("CXR_CACHE", raising=False)
    monkeypatch.setattr("cxrlib.notebook.cohorts.find_default_cache", lambda: tmp_path / "d")
    assert cxr.load_cohort(demo_root).cache == tmp_path / "d"
    assert find_default_cache().name in {"cache", "cxrlib"}


def test_select_images_keeps_what_filters_choose(demo: Cohort) -> None:
    """As ``--where``; the steps count the rest."""
    chosen = cxr.select_images(demo, "view=AP; day=..3")
    assert (chosen.table["view"] == "AP").all()
    assert (chosen.table["offset"] <= 3).all()
    assert 0 < chosen.n_images < demo.n_images
    assert sum(chosen.steps[-1].removed.values()) > 0
    assert cxr.select_images(demo, "").n_images == demo.n_images


@pytest.mark.parametrize("where", ["view=XX", "colour=red"])
def test_select_images_names_what_there_is(demo: Cohort, where: str) -> None:
    """A wrong filter or value is refused."""
    with pytest.raises(SelectionError, match=r"The cohort has|Did you mean"):
        cxr.select_images(demo, where)


def test_cohort_shows_hostile_text_as_text(demo: Cohort) -> None:
    """Counts, the notice, few rows; markup in the metadata stays text."""
    table = demo.table.copy()
    table["finding"] = "<script>alert(1)</script>"
    hostile = Cohort(
        **{
            **{name: getattr(demo, name) for name in demo.__dataclass_fields__},
            "table": table,
            "name": "<img src=x>",
        }
    )
    page = hostile._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert f"{demo.n_images} images of 36 patients" in page
    assert cxr.NOTICE in page
    assert page.count("<tr") <= 30


def test_store_of_a_cohort_is_reused(demo: Cohort, demo_root: Path) -> None:
    """A second start reads nothing anew: what was hashed lies in the cache."""
    before = {path: path.stat().st_mtime_ns for path in demo.cache.rglob("*") if path.is_file()}
    again = cxr.load_cohort(demo_root, cache=Store(demo.cache).root)
    assert again.fingerprint == demo.fingerprint
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
