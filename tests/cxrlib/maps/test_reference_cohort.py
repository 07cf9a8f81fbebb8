"""A second cohort behind a map: placed by its neighbours, counted nowhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding import compute_embeddings, load_embeddings
from cxrlib.embedding.extractors import load_extractor
from cxrlib.errors import ProjectionError
from cxrlib.jobs.job_kinds import run_work
from cxrlib.maps import (
    MappedCohort,
    compute_map,
    describe_reference,
    fit_reference,
    load_fitted,
    place_reference,
    select_for_map,
)
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, Store]:
    """Embed eight X-rays of another cohort: two are the first one's, one is of a side view."""
    folder = tmp_path_factory.mktemp("reference")
    images = {f"other{i}.png": draw_image(100 + i) for i in range(8)}
    images["other0.png"], images["other1.png"] = draw_image(1), draw_image(2)
    rows = [{"filename": name, "view": "AP"} for name in images]
    rows[7] |= {"view": "L"}
    root = make_cohort(folder / "cohort", rows, images=images)
    store = Store(folder / "cache")
    cohort = load_cohort(root, store=store)
    compute_embeddings(cohort, load_extractor("texture"), store, n_workers=0)
    return cohort, store


def test_each_goes_to_the_weighted_mean_of_its_nearest(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """As worked out image by image; what the map has already is left out and counted."""
    cloud = place_reference(mapped_cohort, *reference, k=3)
    assert (cloud.n_images, cloud.n_shared, cloud.n_missing) == (5, 2, 0)
    cohort, store = reference
    found = load_embeddings(cohort, mapped_cohort.extractor, store)
    own = mapped_cohort.embeddings
    expected = []
    for row in range(2, 7):
        apart = np.linalg.norm(own.outputs.astype(float) - found.outputs[row], axis=1)
        near = np.argsort(apart)[:3]
        ids = [own.image_ids[i] for i in near]
        places = [mapped_cohort.projection.image_ids.index(image_id) for image_id in ids]
        weights = 1 / apart[near]
        coordinates = mapped_cohort.projection.coordinates[places].astype(float)
        expected.append(weights @ coordinates / weights.sum())
    np.testing.assert_allclose(
        sorted(map(tuple, cloud.places)), sorted(map(tuple, expected)), rtol=1e-5
    )
    low, high = (f(mapped_cohort.projection.coordinates, axis=0) for f in (np.min, np.max))
    assert (cloud.places >= low - 1e-6).all()
    assert (cloud.places <= high + 1e-6).all()


def test_far_is_told_against_images_of_other_persons(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """As worked out image by image; where all images are one person's nothing can be called far."""
    cohort, store = reference
    own = mapped_cohort.embeddings
    table = mapped_cohort.mapped.table.set_index("image_id").loc[list(own.image_ids)]
    numbers = own.outputs.astype(float)
    # Two images of each person are alike: with them among the neighbours all else would be far.
    persons = np.arange(len(table)) // 2
    numbers[1::2] = numbers[: len(numbers) // 2 * 2 : 2][: len(numbers[1::2])] + 1e-3
    paired = replace(own, outputs=numbers.astype(np.float32))
    mapped = _with_persons(replace(mapped_cohort, embeddings=paired), table, persons)
    found = load_embeddings(
        select_for_map(cohort, mapped_cohort.projection.settings), own.info, store
    )
    new = [row for row, sha256 in enumerate(found.sha256s) if sha256 not in own.sha256s]
    apart = np.linalg.norm(found.outputs[new][:, None].astype(float) - numbers, axis=2).min(axis=1)
    between = np.linalg.norm(numbers[:, None] - numbers, axis=2)
    between[persons[:, None] == persons] = np.inf
    limit = np.quantile(between.min(axis=1), 0.95)
    expected = float((apart > limit).mean())
    assert expected < 1
    assert place_reference(mapped, cohort, store, k=1).share_far == pytest.approx(expected)
    alone = _with_persons(mapped, table, np.zeros(len(table), dtype=int))
    assert place_reference(alone, cohort, store, k=1).share_far == 0


def _with_persons(
    mapped: MappedCohort, table: pd.DataFrame, persons: NDArray[np.int_]
) -> MappedCohort:
    """Give a map's images other persons."""
    table = table.assign(person_id=[f"q{person}" for person in persons]).reset_index()
    return replace(mapped, mapped=replace(mapped.mapped, table=table))


def test_the_order_of_rows_changes_nothing(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """Neither the reference's nor the map's."""
    cohort, store = reference
    turned = replace(cohort, table=cohort.table.iloc[::-1].reset_index(drop=True))
    one, two = (place_reference(mapped_cohort, each, store) for each in (cohort, turned))
    np.testing.assert_array_equal(one.places, two.places)
    assert one.share_far == two.share_far


def test_it_says_what_it_is(mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]) -> None:
    """Projected, not counted, how far off, and what was left out."""
    words = describe_reference(place_reference(mapped_cohort, *reference))
    for part in ("5 images of", "never counted", "projected", "2 images already on the map"):
        assert part in words


def test_a_cohort_that_is_not_embedded_is_told_how(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store], tmp_path: Path
) -> None:
    """The message holds the command."""
    with pytest.raises(ProjectionError, match="python -m cxrlib embed --data"):
        place_reference(mapped_cohort, reference[0], Store(tmp_path / "empty"))


def test_a_cohort_behind_itself_is_refused(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """All of its images are on the map; one without X-rays has none."""
    store = Store(reference[1].root)
    compute_embeddings(mapped_cohort.cohort, load_extractor("texture"), store, n_workers=0)
    with pytest.raises(ProjectionError, match="on the map already"):
        place_reference(mapped_cohort, mapped_cohort.cohort, store)
    table = reference[0].table
    side = replace(reference[0], table=table[table["view"] == "L"].reset_index(drop=True))
    with pytest.raises(ProjectionError, match="no X-ray for this map"):
        place_reference(mapped_cohort, side, store)


def test_fitted_with_is_the_map_of_both(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """Places are those of a map of all contents; the cohort's table and counts stay its own."""
    cohort, store = reference
    assert load_fitted(mapped_cohort, cohort, store) is None
    compute_embeddings(mapped_cohort.cohort, load_extractor("texture"), store, n_workers=0)
    fitted = fit_reference(mapped_cohort, cohort, store)
    own = mapped_cohort.embeddings
    found = load_embeddings(
        select_for_map(cohort, mapped_cohort.projection.settings), own.info, store
    )
    new = [row for row, sha256 in enumerate(found.sha256s) if sha256 not in own.sha256s]
    both = np.concatenate([own.outputs, found.outputs[new]]).astype(float)
    centred = both - both.mean(axis=0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:2]
    expected = np.abs(centred @ components.T)
    places = np.concatenate([fitted.mapped.projection.coordinates, fitted.cloud.places])
    np.testing.assert_allclose(
        np.sort(np.abs(places), axis=0), np.sort(expected, axis=0), rtol=1e-3, atol=1e-2
    )
    assert fitted.mapped.projection.image_ids == mapped_cohort.projection.image_ids
    assert fitted.mapped.mapped is mapped_cohort.mapped
    assert (fitted.cloud.n_images, fitted.cloud.is_fitted) == (5, True)
    loaded = load_fitted(mapped_cohort, cohort, store)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.cloud.places, fitted.cloud.places)
    assert "mapped together" in describe_reference(loaded.cloud)


def test_nothing_to_fit_is_refused(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """A cohort with itself is the same map."""
    with pytest.raises(ProjectionError, match="adds no image"):
        fit_reference(mapped_cohort, mapped_cohort.cohort, reference[1])


def test_the_job_computes_what_the_page_loads(
    mapped_cohort: MappedCohort, reference: tuple[Cohort, Store]
) -> None:
    """One job of two folders; the map of both is then in the cache, under the same settings."""
    cohort, store = reference
    compute_embeddings(mapped_cohort.cohort, load_extractor("texture"), store, n_workers=0)
    settings = replace(mapped_cohort.projection.settings, views=("AP", "PA"))
    parameters = {
        "data": str(mapped_cohort.cohort.root),
        "reference": str(cohort.root),
        "extractor": "texture",
        "settings": {"method": "pca", "views": ["AP", "PA"]},
    }
    done = run_work("map-with", parameters, store.root, lambda *_: None, lambda: False)
    mapped = compute_map(mapped_cohort.cohort, mapped_cohort.extractor, store, settings=settings)
    fitted = load_fitted(mapped, cohort, store)
    assert fitted is not None
    assert done["n_on_map"] == len(fitted.mapped.projection.image_ids) + fitted.cloud.n_images
