"""What is here and what is missing: extractor states and the cache's contents."""

import itertools
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.embedding import compute_embeddings
from cxrlib.embedding.extractors import EXTRACTOR_NAMES, ExtractorInfo, load_extractor
from cxrlib.images import PREPROCESSING
from cxrlib.maps import (
    MappedCohort,
    ProjectionSettings,
    compute_map,
    inventory,
    list_cache,
    list_extractor_states,
    list_flow,
    tabulate_flow,
)
from cxrlib.storage import EmbeddingStore, Store


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep weights that happen to be on this machine out of the tests."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_nothing_computed_yet(small_root: Path, tmp_path: Path) -> None:
    """Every extractor is listed once; networks without weights say how to get them."""
    cohort = load_cohort(small_root)
    states = list_extractor_states(cohort, Store(tmp_path))
    assert [state.name for state in states] == list(EXTRACTOR_NAMES)
    by_name = {state.name: state for state in states}
    assert by_name["texture"].ready == "not computed"
    pretrained = by_name["densenet121-res224-all"]
    assert pretrained.ready == "weights missing"
    assert "28,382,008 bytes" in pretrained.advice
    assert str(tmp_path) not in pretrained.advice
    assert pretrained.n_images == 11  # twelve X-rays, one without a file


def test_states_follow_what_is_computed(small_root: Path, tmp_path: Path) -> None:
    """Embedded but not mapped, then mapped, then an image more than is embedded."""
    store = Store(tmp_path / "cache")
    cohort = load_cohort(small_root, store=store)
    texture = load_extractor("texture")
    compute_embeddings(cohort, texture, store, n_workers=0)
    assert find_state(cohort, store).ready == "no map"
    compute_map(cohort, texture.info, store, settings=ProjectionSettings())
    state = find_state(cohort, store)
    assert (state.ready, state.n_embedded, state.n_images) == ("ready", 11, 11)
    assert (state.n_on_map, state.n_for_map) == (10, 10)  # the lateral is not for the map
    part = next((tmp_path / "cache" / "embeddings").glob("*/part-*.parquet"))
    part.unlink()
    assert find_state(cohort, store).ready == "not computed"


def test_weights_that_no_job_knows(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embeddings by a file of one's own are told from those by the file that jobs would use."""
    store, name = Store(tmp_path / "cache"), "densenet121-res224-all"
    cohort = load_cohort(small_root, store=store)
    hashes = cohort.select_xrays().select_with_file().table["sha256"].unique()
    for weights in (b"own", b"official"):
        info = ExtractorInfo(name, "Net", sha256(weights).hexdigest(), PREPROCESSING, 2, ("Out",))
        ones = np.ones((len(hashes) - 1, 2), np.float32)
        with EmbeddingStore(store).open_writer(info) as writer:
            writer.append(hashes[1:].tolist(), ones, ones[:, :1])
    official = tmp_path / "official.pt"
    official.write_bytes(b"official")
    monkeypatch.setattr(inventory, "find_weights", lambda _: official)
    states = [s for s in list_extractor_states(cohort, store) if s.name == name]
    assert {s.ready for s in states} == {"incomplete"}
    by_hash = {s.info.weights_sha256: s for s in states if s.info is not None}
    own, known = (by_hash[sha256(w).hexdigest()] for w in (b"own", b"official"))
    assert (known.is_at_hand, known.advice) == (True, "")
    assert not own.is_at_hand
    assert f"--extractor {name} --weights FILE" in own.advice


def find_state(cohort, store):
    """Find the state of the texture extractor."""
    return next(s for s in list_extractor_states(cohort, store) if s.name == "texture")


def test_flow_adds_up(small_root: Path) -> None:
    """What a step left and what it removed are what the step before left."""
    steps = list_flow(load_cohort(small_root))
    assert steps[0].n_images == 13
    for before, step in itertools.pairwise(steps):
        assert step.n_images + sum(step.removed.values()) == before.n_images


def test_the_flows_table_says_what_went(small_root: Path) -> None:
    """A row a step; what is left and what went make what was there."""
    table = tabulate_flow(list_flow(load_cohort(small_root)))
    assert table["left_out"].iloc[0] == ""
    for (_, before), (_, after) in itertools.pairwise(table.iterrows()):
        went = sum(int(part.split()[0]) for part in after["left_out"].split("; ") if part)
        assert before["n_images"] - went == after["n_images"]


def test_cache_is_listed_with_size_and_age(mapped_cohort: MappedCohort, tmp_path: Path) -> None:
    """Sizes are those on disk; maps and embeddings are named in words; a stranger does no harm."""
    store = Store(tmp_path)
    store.write_table("maps", "odd", mapped_cohort.mapped.table[["image_id"]], info={"settings": 3})
    (tmp_path / "maps" / "broken.parquet").write_bytes(b"no parquet")
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "README.md").write_text(json.dumps({}))
    table = list_cache(store)
    assert set(table["what"]) == {"maps"}
    assert set(table["name"]) == {"odd.parquet", "broken.parquet"}
    assert table.set_index("name").loc["broken.parquet", "n_bytes"] == len(b"no parquet")
    assert list((tmp_path / "maps").glob("*.bad"))  # set aside, as the store does


def test_no_cache_is_an_empty_list(tmp_path: Path) -> None:
    """A cache that was never written, or is deleted, is empty and no error."""
    assert list_cache(Store(tmp_path / "none")).empty


def test_a_map_is_named_by_its_settings(small_root: Path, tmp_path: Path) -> None:
    """Method, features, extractor, number of images and seed tell maps apart."""
    store = Store(tmp_path)
    cohort = load_cohort(small_root, store=store)
    texture = load_extractor("texture")
    compute_embeddings(cohort, texture, store, n_workers=0)
    compute_map(cohort, texture.info, store, settings=ProjectionSettings(method="pca", seed=3))
    names = list_cache(store).set_index("what")["name"]
    assert names["maps"] == "PCA of the outputs of Simple texture (no AI model), 10 images, seed 3"
    assert names["embeddings"] == "Simple texture (no AI model)"
