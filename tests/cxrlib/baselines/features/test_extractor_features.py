"""Feature sets of extractors: each image gets its own numbers, read from the store once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxrlib.baselines.features.extractor_features import (
    DEFAULT_EXTRACTOR,
    FOUR_OUTPUTS,
    list_extractor_choices,
    load_extractor_features,
)
from cxrlib.baselines.tasks import PAPER_TASKS, take_rows
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.embedding.extractors.densenet import OUTPUT_NAMES
from cxrlib.errors import SelectionError
from cxrlib.storage import EmbeddingStore, Store
from tests.feature_rows import N_FEATURES, describe_network, embed, make_task_cohort, take

UNTRAINED = "densenet121-untrained"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a small cohort with rows of the ICU task."""
    return make_task_cohort(tmp_path_factory.mktemp("extractors") / "cohort")


def test_each_image_has_its_own_numbers(cohort: Cohort, tmp_path: Path) -> None:
    """Whatever the construction, a row holds what was stored of that image, column by column."""
    store, info, rows = Store(tmp_path), describe_network(), take(cohort)
    truth = embed(cohort, store, info)
    expected = {
        "intermediate": (range(N_FEATURES), 0),
        "outputs": (range(18), 1),
        "4-outputs": ([OUTPUT_NAMES.index(name) for name in FOUR_OUTPUTS], 1),
        "lung-opacity": ([OUTPUT_NAMES.index("Lung Opacity")], 1),
    }
    shuffled = replace(rows, table=rows.table.sample(frac=1, random_state=3))
    for construction, (columns, part) in expected.items():
        for given in (rows, shuffled):
            features = load_extractor_features(f"{UNTRAINED}:{construction}", given, store)
            assert features.image_ids == tuple(given.table["image_id"])
            values = np.stack([truth[each][part][list(columns)] for each in features.image_ids])
            np.testing.assert_array_equal(features.matrix, values.astype(np.float64))
            assert features.n_parameters == len(columns) + 1
            assert "untrained control" in features.title
            assert not features.missing


def test_the_papers_network_needs_no_name(cohort: Cohort, tmp_path: Path) -> None:
    """Sets of the paper's network go by the construction alone; unchecked weights come last."""
    store, rows = Store(tmp_path), take(cohort)
    checked = describe_network(DEFAULT_EXTRACTOR, note="")
    embed(cohort, store, describe_network(DEFAULT_EXTRACTOR, note="weights not verified"), seed=1)
    assert "weights not verified" in load_extractor_features("outputs", rows, store).title
    other = replace(checked, weights_sha256="cd" * 32)
    truth = embed(cohort, store, other, seed=2)
    features = load_extractor_features("outputs", rows, store)
    assert features.title == "18 outputs of DenseNet-121"
    np.testing.assert_array_equal(features.matrix[0], truth[features.image_ids[0]][1])
    names = [choice.name for choice in list_extractor_choices(cohort, store)]
    assert "outputs" in names
    assert any(name.endswith(":outputs") and "abab" in name for name in names)
    unchecked = next(name for name in names if name.endswith(":outputs") and "abab" in name)
    assert "not verified" in load_extractor_features(unchecked, rows, store).title


def test_two_checked_weights_must_be_told_apart(cohort: Cohort, tmp_path: Path) -> None:
    """Which of several weights is meant is asked, never guessed."""
    store, rows = Store(tmp_path), take(cohort)
    for weights in ("ab" * 32, "cd" * 32):
        embed(cohort, store, describe_network(weights_sha256=weights))
    with pytest.raises(SelectionError, match=r"2 different weights of .*cdcd.*:outputs"):
        load_extractor_features(f"{UNTRAINED}:outputs", rows, store)


def test_images_that_are_not_embedded_are_named(cohort: Cohort, tmp_path: Path) -> None:
    """Half a cohort embedded: the other half is missing with its reason."""
    store, rows = Store(tmp_path), take(cohort)
    embed(cohort, store, describe_network(), places=slice(0, 10))
    features = load_extractor_features(f"{UNTRAINED}:outputs", rows, store)
    ids = rows.table["image_id"].tolist()
    assert (features.image_ids, tuple(features.missing)) == (tuple(ids[:10]), tuple(ids[10:]))
    assert set(features.missing.values()) == {"not embedded yet"}


def test_new_embeddings_are_seen_at_once(cohort: Cohort, tmp_path: Path) -> None:
    """What is kept in memory gives way when the store grows."""
    store, rows, info = Store(tmp_path), take(cohort), describe_network()
    embed(cohort, store, info, places=slice(0, 5))
    name = f"{UNTRAINED}:outputs"
    assert len(load_extractor_features(name, rows, store).image_ids) == 5
    embed(cohort, store, info, places=slice(5, None))
    assert len(load_extractor_features(name, rows, store).image_ids) == len(rows.table)


def test_embeddings_are_read_once(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six sets of an extractor cost one reading of its embeddings."""
    store, rows = Store(tmp_path), take(cohort)
    embed(cohort, store, describe_network())
    read, n_readings = EmbeddingStore.read, []

    def count(self: EmbeddingStore, *args: object) -> object:
        n_readings.append(1)
        return read(self, *args)

    monkeypatch.setattr(EmbeddingStore, "read", count)
    for construction in ("outputs", "intermediate", "4-outputs", "outputs"):
        load_extractor_features(f"{UNTRAINED}:{construction}", rows, store)
    list_extractor_choices(cohort, store)
    assert len(n_readings) == 1


def test_what_cannot_be_had_says_what_to_do(cohort: Cohort, tmp_path: Path) -> None:
    """Without embeddings of the cohort there is advice, not a crash."""
    store, rows = Store(tmp_path), take(cohort)
    with pytest.raises(SelectionError, match=r"'outputs' needs embeddings .* none.*--weights"):
        load_extractor_features("outputs", rows, store)
    with pytest.raises(SelectionError, match="There is no extractor 'magic'"):
        load_extractor_features("magic:outputs", rows, store)
    info = describe_network()
    with EmbeddingStore(store).open_writer(info) as writer:  # of another cohort's image
        writer.append(["0" * 64], np.zeros((1, N_FEATURES)), np.zeros((1, 18)))
    with pytest.raises(SelectionError, match=r"None of the task's .* embedded"):
        load_extractor_features(f"{UNTRAINED}:outputs", rows, store)
    nobody = replace(rows, table=rows.table.iloc[:0])
    assert load_extractor_features(f"{UNTRAINED}:outputs", nobody, store).matrix.shape == (0, 18)


def test_outputs_an_extractor_lacks_are_not_offered(cohort: Cohort, tmp_path: Path) -> None:
    """Texture has no lung opacity; the list leaves it out and asking for it says why."""
    store, rows = Store(tmp_path), take(cohort)
    info = ExtractorInfo("texture", "Texture", "", "texture-v1", 2, ("Brightness",))
    embed(cohort, store, info)
    assert load_extractor_features("texture:outputs", rows, store).columns == ("Brightness",)
    with pytest.raises(SelectionError, match=r"needs Lung Opacity, Pneumonia.*texture:outputs"):
        load_extractor_features("texture:4-outputs", rows, store)
    names = {choice.name for choice in list_extractor_choices(cohort, store)}
    assert "texture:outputs" in names
    assert "texture:4-outputs" not in names


def test_an_older_preprocessing_is_not_shown_as_todays(cohort: Cohort, tmp_path: Path) -> None:
    """Embeddings of an earlier version of the preprocessing stay in the store, unused."""
    store, rows = Store(tmp_path), take(cohort)
    embed(cohort, store, replace(describe_network(), preprocessing="xrv-224-v0"))
    with pytest.raises(SelectionError, match="the cache has none"):
        load_extractor_features(f"{UNTRAINED}:outputs", rows, store)


def test_an_image_whose_file_went_bad_has_no_numbers(tmp_path: Path) -> None:
    """An embedding from a time when the file was fine does not count, as on maps."""
    cohort, store = make_task_cohort(tmp_path / "cohort"), Store(tmp_path / "cache")
    embed(cohort, store, describe_network())
    table = cohort.table.copy()
    table.loc[3, ["file_status", "file_reason"]] = ["unreadable", "the file is empty"]
    rows = take(cohort)
    features = load_extractor_features(
        f"{UNTRAINED}:outputs", replace(rows, cohort=replace(cohort, table=table)), store
    )
    assert features.missing == {str(table.loc[3, "image_id"]): "the file is empty"}


def test_the_collections_rows_have_numbers(real_root: Path, tmp_path: Path) -> None:
    """Every image of the seven tasks that has a file gets its row of a made-up embedding."""
    cohort, store = load_cohort(real_root, inspect_images=False), Store(tmp_path)
    embed(cohort, store, describe_network())
    n_images = {}
    for task in PAPER_TASKS:
        rows = take_rows(cohort, task)
        features = load_extractor_features(f"{UNTRAINED}:outputs", rows, store)
        assert features.image_ids == tuple(rows.table["image_id"])
        n_images[task.name] = len(features.image_ids)
    assert list(n_images.values()) == [159, 154, 55, 45, 37, 89, 89]
