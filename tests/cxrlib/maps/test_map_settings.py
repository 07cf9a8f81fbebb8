"""Choices of a map: which extractors there are, which settings fit, which job makes it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.jobs.job_kinds import check_parameters, run_work
from cxrlib.maps import (
    MapChoice,
    MapExtractor,
    MappedCohort,
    ProjectionSettings,
    describe_settings,
    explain_unusable,
    list_map_extractors,
    load_map,
    plan_map,
)
from cxrlib.maps.map_settings import smoothing_unit
from cxrlib.storage import Store

PAPER = ProjectionSettings()


@pytest.fixture(scope="module")
def cohort(small_root: Path) -> Cohort:
    """Give the small cohort: ten AP images with a file, one L."""
    return load_cohort(small_root)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (PAPER, ""),  # the paper's are made with fewer neighbours, which the map says
        (replace(PAPER, n_neighbors=9), ""),
        (replace(PAPER, method="pca", seed=7), ""),
        (replace(PAPER, n_neighbors=10), "10 neighbours are too many for 10 distinct images"),
        (replace(PAPER, seed=1), "Choose 9 neighbours or fewer, more views, or PCA"),
        (replace(PAPER, views=()), "A map needs at least one view"),
        (replace(PAPER, views=("L",), method="pca"), "there is 1."),
        (replace(PAPER, views=("AP", "L"), n_neighbors=10), ""),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    cohort: Cohort, settings: ProjectionSettings, words: str
) -> None:
    """Say what is wrong and what would do; nothing where a map can be made."""
    said = explain_unusable(cohort, settings)
    assert words in said
    assert bool(said) == bool(words)


def test_extractors_are_those_embedded_or_at_hand(mapped_cohort: MappedCohort) -> None:
    """List what can be mapped, by its key where it is embedded, under titles of their own."""
    empty = list_map_extractors(mapped_cohort.cohort, Store(Path("/nonexistent-cache")))
    assert {"texture", "densenet121-untrained"} <= {each.name for each in empty}
    assert all(each.key == each.name and not each.is_embedded for each in empty)
    assert len({each.title for each in empty}) == len(empty)


@pytest.mark.parametrize(
    ("is_embedded", "is_at_hand", "kind", "asked"),
    [
        (True, True, "map", "texture-key"),
        (True, False, "map", "texture-key"),
        (False, True, "prepare", "texture"),
        (False, False, "map", "texture-key"),  # whose weights are elsewhere: what is there
    ],
)
def test_job_embeds_only_what_is_missing(is_embedded, is_at_hand, kind, asked) -> None:
    """Ask for the map alone where nothing else is missing, or can be made."""
    extractor = MapExtractor("texture-key", "texture", "Texture", is_embedded, is_at_hand)
    found, parameters = plan_map(extractor, replace(PAPER, seed=3))
    assert (found, parameters["extractor"]) == (kind, asked)
    full = check_parameters(kind, {"data": ".", **parameters})
    assert full["settings"]["seed"] == 3


def test_planned_job_makes_the_chosen_map(small_root: Path, tmp_path: Path) -> None:
    """Make a map of every choice by its job, and find it by the same choice."""
    store = Store(tmp_path)
    cohort = load_cohort(small_root, store=store)
    for settings in (
        replace(PAPER, method="pca"),
        replace(PAPER, method="pca", features="embedding", views=("AP", "L")),
    ):
        extractor = next(e for e in list_map_extractors(cohort, store) if e.name == "texture")
        kind, parameters = plan_map(extractor, settings)
        done = run_work(
            kind,
            {"data": str(small_root), **parameters},
            tmp_path,
            lambda *_: None,
            lambda: False,
        )
        choice = MapChoice(str(done["extractor"]), settings)
        mapped = load_map(cohort, store, settings=choice.settings, extractor=choice.extractor)
        assert mapped.projection.settings == settings
        assert set(mapped.mapped.table["view"]) == set(settings.views) & {"AP", "L"}
    assert kind == "map"  # the second time nothing is to be embedded


def test_settings_are_said() -> None:
    """Name what matters to the method, and no more."""
    assert describe_settings(PAPER) == (
        "outputs of PA, AP, AP Supine; UMAP, 30 neighbours, minimum distance 0.5, seed 0"
    )
    pca = replace(PAPER, method="pca", features="embedding", views=("L",))
    assert describe_settings(pca) == "embedding of L; PCA"


def test_smoothing_follows_the_spread_of_components(mapped_cohort: MappedCohort) -> None:
    """Keep the paper's unit on a UMAP; grow with the map where the unit is the features'."""
    pca = mapped_cohort.projection
    unit = smoothing_unit(pca)
    larger = replace(pca, coordinates=pca.coordinates * np.float32(50))
    assert smoothing_unit(larger) == pytest.approx(50 * unit, rel=0.06)
    assert smoothing_unit(replace(larger, settings=PAPER)) == 1.0
    assert smoothing_unit(replace(pca, coordinates=pca.coordinates * 0)) == 1.0
