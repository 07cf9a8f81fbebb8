"""A map beside the paper's Figure 3: what is said must hold of the map that is shown."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxrlib.cohort import PAPER_PATIENTS, load_cohort
from cxrlib.maps import (
    MappedCohort,
    ProjectionSettings,
    compare_with_paper,
    explain_difference,
    select_for_map,
)
from cxrlib.maps.paper_figure import COLUMNS


def test_table_tells_what_this_map_is(mapped_cohort: MappedCohort) -> None:
    """Give each line a text on both sides, and this map's own numbers."""
    table = compare_with_paper(mapped_cohort, density="none")
    assert tuple(table.columns) == COLUMNS
    assert table.map(lambda cell: isinstance(cell, str) and bool(cell.strip())).all(axis=None)
    lines = table.set_index("what")
    assert lines["this_map"]["Images of the collection"] == "10: AP 10"
    assert lines["this_map"]["Projection"] == "first two principal components"
    assert lines["this_map"]["Background"] == "none"
    assert lines["this_map"]["Package versions"].startswith("numpy ")
    assert "465" in lines["figure_3"]["Images of the collection"]
    assert "1,767" in lines["figure_3"]["Other images mapped with them"]


def test_paper_lines_are_its_default_settings(mapped_cohort: MappedCohort) -> None:
    """Say of the paper what the defaults of a map are, which follow it."""
    figure = compare_with_paper(mapped_cohort, density="").set_index("what")["figure_3"]
    paper = ProjectionSettings()
    assert figure["Views"] == ", ".join(paper.views)
    assert figure["Projection"] == (
        f"UMAP with {paper.n_neighbors} neighbours, minimum distance {paper.min_dist}, first two "
        f"of {paper.n_components} components, seed {paper.seed}"
    )


def test_only_what_holds_of_the_map_is_said(mapped_cohort: MappedCohort) -> None:
    """Leave the extractor or the settings out where they are the paper's."""
    said = " ".join(explain_difference(mapped_cohort))
    assert "The paper used a network" in said
    assert "differ from the paper's" in said
    info = replace(mapped_cohort.extractor, name="densenet121-res224-all")
    alike = replace(
        mapped_cohort,
        embeddings=replace(mapped_cohort.embeddings, info=info),
        projection=replace(mapped_cohort.projection, settings=ProjectionSettings()),
    )
    said = " ".join(explain_difference(alike))
    assert "The paper used a network" not in said
    assert "differ from the paper's" not in said
    assert "465 images" in said


def test_real_patients_are_on_a_map_by_the_paper_settings(real_root: Path) -> None:
    """Find the three patients and as many images as the real collection has for a map."""
    mapped = select_for_map(load_cohort(real_root), ProjectionSettings())
    pairs = set(zip(mapped.table["patient_id"], mapped.table["image_id"], strict=True))
    assert pairs.issuperset(PAPER_PATIENTS.items())
    assert mapped.n_images == pytest.approx(686, abs=15)
