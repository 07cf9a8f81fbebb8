"""From a cohort to its map: which images, and what the cache is asked for."""

from pathlib import Path

import pytest

from cxrlib.cohort import load_cohort
from cxrlib.embedding import compute_embeddings
from cxrlib.embedding.extractors import load_extractor
from cxrlib.errors import ProjectionError, SelectionError
from cxrlib.maps import (
    MappedCohort,
    ProjectionSettings,
    compute_map,
    explain_no_map,
    explain_off_map,
    find_maps,
    load_map,
    select_for_map,
)
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort

PCA = ProjectionSettings(method="pca")


def test_map_takes_frontal_xrays_with_a_file(mapped_cohort: MappedCohort) -> None:
    """Of thirteen rows, ten are left: no CT, no lateral, no row without a file."""
    assert len(mapped_cohort.projection.image_ids) == 10
    assert mapped_cohort.mapped.n_images == 10
    assert set(mapped_cohort.mapped.table["view"]) == {"AP"}
    removed = sum(sum(step.removed.values()) for step in mapped_cohort.mapped.steps)
    assert mapped_cohort.cohort.n_images - removed == mapped_cohort.mapped.n_images


def test_embeddings_map_and_table_speak_of_the_same_images(mapped_cohort: MappedCohort) -> None:
    """The three parts hold the same images."""
    ids = set(mapped_cohort.projection.image_ids)
    assert ids == set(mapped_cohort.embeddings.image_ids)
    assert ids == set(mapped_cohort.mapped.table["image_id"])


def test_selecting_for_the_map_again_changes_nothing(mapped_cohort: MappedCohort) -> None:
    """The selection is the same on its own result."""
    again = select_for_map(mapped_cohort.mapped, PCA)
    assert again.table["image_id"].tolist() == mapped_cohort.mapped.table["image_id"].tolist()


def test_a_map_is_found_again_and_only_for_its_settings(small_root: Path, tmp_path: Path) -> None:
    """What was computed is loaded by name and by preference; other settings find nothing."""
    store = Store(tmp_path)
    cohort = load_cohort(small_root, store=store)
    with pytest.raises(ProjectionError, match="python -m cxrlib map --data"):
        load_map(cohort, store, settings=PCA)
    extractor = load_extractor("texture")
    compute_embeddings(cohort, extractor, store, n_workers=1)
    made = compute_map(cohort, extractor.info, store, settings=PCA)
    assert [info.name for info in find_maps(cohort, store, settings=PCA)] == ["texture"]
    for names in (("texture",), (extractor.info.key,)):
        assert find_maps(cohort, store, settings=PCA, names=names) == [extractor.info]
    assert find_maps(cohort, store, settings=PCA, names=("densenet121-untrained",)) == []
    for name in ("auto", "texture", extractor.info.key):
        loaded = load_map(cohort, store, settings=PCA, extractor=name)
        assert loaded.projection.key == made.projection.key
        assert loaded.projection.coordinates.tolist() == made.projection.coordinates.tolist()
    with pytest.raises(ProjectionError, match="densenet121-untrained"):
        load_map(cohort, store, settings=PCA, extractor="densenet121-untrained")
    with pytest.raises(ProjectionError):
        load_map(cohort, store, settings=ProjectionSettings(method="pca", features="embedding"))


def test_too_few_distinct_images_are_said_before_anything_is_computed(tmp_path: Path) -> None:
    """Copies, CTs and images without a finding count for nothing; a third image makes a map."""
    rows: list[dict[str, object]] = [{}, {}, {}, {"modality": "CT"}, {"finding": "todo"}]
    images = {f"image{i}.png": draw_image(max(i, 2)) for i in range(1, 6)}
    few = make_cohort(tmp_path / "few", rows, images=images)
    assert "there are 2." in explain_no_map(load_cohort(few))
    images["image1.png"] = draw_image(1)
    enough = make_cohort(tmp_path / "enough", rows, images=images)
    assert explain_no_map(load_cohort(enough)) == ""


def test_an_image_off_the_map_has_its_reason(tmp_path: Path) -> None:
    """The first step that leaves an image out is named; an id of nobody is refused."""
    rows: list[dict[str, object]] = [
        {"modality": "CT", "view": "L"},
        {"view": "L"},
        {"finding": "todo"},
        {"finding": ""},
        {},
        {},
    ]
    images = {f"image{i}.png": draw_image(i) for i in range(1, 6)}
    cohort = load_cohort(make_cohort(tmp_path / "cohort", rows, images=images))
    assert [explain_off_map(cohort, f"image{i}.png") for i in range(1, 7)] == [
        "its modality is CT",
        "its view is L",
        "its finding is todo",
        "its finding is not recorded",
        "it was not embedded by the map's extractor",
        "it has no file",
    ]
    with pytest.raises(SelectionError, match="'nobody'"):
        explain_off_map(cohort, "nobody")
