"""Spread over seeds: aligned as it should be, kept by all that matters, only where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from cxrlib.errors import ProjectionError
from cxrlib.maps import (
    ProjectionSettings,
    Spread,
    compute_projection,
    compute_spread,
    load_spread,
    seed_stability,
)
from cxrlib.maps.seed_stability import align_map, spread_key
from cxrlib.storage import Store
from tests.course_tables import make_embeddings

SETTINGS = ProjectionSettings(n_neighbors=5, n_components=2)


@pytest.fixture
def fast_maps(monkeypatch):
    """Draw maps at once: the same places turned, shifted and scaled by the seed, with noise."""
    drawn = []

    def fit(features, settings, effective):
        drawn.append(settings.seed)
        rng = np.random.default_rng(settings.seed)
        angle = settings.seed
        turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
        places = features[:, :2] @ turn * (1 + settings.seed) + 10 * settings.seed
        return (places + 0.01 * settings.seed * rng.normal(size=places.shape)).astype(np.float32)

    monkeypatch.setattr("cxrlib.maps.projection._fit_umap", fit)
    return drawn


def make_images(n=40):
    """Make embeddings of random images."""
    values = np.random.default_rng(0).normal(size=(n, 3))
    return make_embeddings([f"i{k}" for k in range(n)], values)


@pytest.mark.parametrize("mirror", [1, -1])
def test_alignment_undoes_turn_mirror_shift_and_scale(mirror):
    """What is the same map comes to lie on it; noise stays."""
    rng = np.random.default_rng(0)
    onto = rng.normal(size=(50, 2)) + 4
    turn = np.array([[0.6, -0.8], [0.8, 0.6]]) @ np.diag([1, mirror])
    assert align_map(3.5 * onto @ turn - 9, onto) == pytest.approx(onto, abs=1e-9)


def test_an_unrelated_map_is_not_shrunk_to_look_near():
    """It keeps the size of the map it is laid onto."""
    rng = np.random.default_rng(1)
    onto, other = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    aligned = align_map(other, onto)
    assert np.linalg.norm(aligned - aligned.mean(axis=0)) == pytest.approx(
        np.linalg.norm(onto - onto.mean(axis=0))
    )
    assert np.allclose(align_map(np.ones((5, 2)), onto[:5]), onto[:5].mean(axis=0))


def test_alignment_is_the_best_turn():
    """No other turn, of many, brings the maps nearer."""
    rng = np.random.default_rng(2)
    onto = rng.normal(size=(30, 2))
    other = onto @ np.array([[0, 1], [-1, 0]]) + 0.5 * rng.normal(size=(30, 2))
    best = np.linalg.norm(align_map(other, onto) - onto)
    centred = other - other.mean(axis=0)
    centred *= np.linalg.norm(onto - onto.mean(axis=0)) / np.linalg.norm(centred)
    for angle in np.linspace(0, 2 * np.pi, 200):
        for mirror in (1, -1):
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            turned = centred @ (turn @ np.diag([1, mirror])) + onto.mean(axis=0)
            assert np.linalg.norm(turned - onto) >= best - 1e-9


def test_spread_is_what_maps_differ_by(fast_maps, tmp_path):
    """Maps that are one but for turn, size and a little noise: the noise is left."""
    images, store = make_images(), Store(tmp_path)
    spread = compute_spread(images, SETTINGS, store, n_seeds=4)
    shown = compute_projection(images, SETTINGS, store)
    assert spread.seeds == (1, 2, 3, 4)
    assert spread.image_ids == shown.image_ids
    assert spread.shown == pytest.approx(shown.coordinates)
    apart = np.linalg.norm(spread.places - spread.shown, axis=2)
    assert spread.typical == pytest.approx(np.median(apart, axis=0))
    assert 0 < spread.typical.max() < 0.1


def test_spread_is_kept_and_found_again(fast_maps, tmp_path):
    """Nothing is drawn twice; images in another order, or fewer, get their own places."""
    images, store = make_images(), Store(tmp_path)
    assert load_spread(images, SETTINGS, store, n_seeds=3) is None
    first = compute_spread(images, SETTINGS, store, n_seeds=3)
    assert sorted(fast_maps) == [0, 1, 2, 3]
    again = compute_spread(images, SETTINGS, store, n_seeds=3)
    assert len(fast_maps) == 4
    assert np.array_equal(first.places, again.places)
    order = np.arange(40)[::-1]
    turned = replace(
        images,
        image_ids=tuple(images.image_ids[i] for i in order),
        sha256s=tuple(images.sha256s[i] for i in order),
        embedding=images.embedding[order],
        outputs=images.outputs[order],
    )
    other = load_spread(turned, SETTINGS, store, n_seeds=3)
    assert np.array_equal(other.places, first.places[:, order])
    compute_spread(images, SETTINGS, store, n_seeds=5)
    assert sorted(fast_maps) == [0, 1, 2, 3, 4, 5]


def test_the_key_names_all_that_matters():
    """Another seed, setting, number of seeds or image: another spread."""
    images = make_images()
    keys = {
        spread_key(images, SETTINGS, 10),
        spread_key(images, SETTINGS, 5),
        spread_key(images, replace(SETTINGS, seed=3), 10),
        spread_key(images, replace(SETTINGS, min_dist=0.1), 10),
        spread_key(make_images(39), SETTINGS, 10),
    }
    assert len(keys) == 5


def test_stopped_work_goes_on_where_it_stopped(fast_maps, tmp_path):
    """Maps drawn before are kept; the spread appears only when all are there."""
    images, store = make_images(), Store(tmp_path)

    def stop(stage, done, total):
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        compute_spread(images, SETTINGS, store, n_seeds=4, on_progress=stop)
    assert fast_maps == [0, 1, 2]
    assert load_spread(images, SETTINGS, store, n_seeds=4) is None
    steps = []
    compute_spread(images, SETTINGS, store, n_seeds=4, on_progress=lambda *step: steps.append(step))
    assert fast_maps == [0, 1, 2, 3, 4]
    assert steps == [("Computing maps", done, 5) for done in range(6)]


@pytest.mark.parametrize("damage", ["columns", "nan", "images", "other map"])
def test_a_damaged_spread_is_computed_anew(damage, fast_maps, tmp_path):
    """Passed over with words in the log, never an exception."""
    images, store = make_images(), Store(tmp_path)
    compute_spread(images, SETTINGS, store, n_seeds=3)
    key = spread_key(images, SETTINGS, 3)
    table = store.read_table(seed_stability.KIND, key)
    if damage == "columns":
        table = table.drop(columns="x_2")
    elif damage == "nan":
        table.loc[3, "y_1"] = np.nan
    elif damage == "images":
        table = table.iloc[1:]
    else:
        table["x"] = table["x"] + 1
    store.write_table(seed_stability.KIND, key, table, info={})
    assert load_spread(images, SETTINGS, store, n_seeds=3) is None
    assert isinstance(compute_spread(images, SETTINGS, store, n_seeds=3), Spread)
    assert load_spread(images, SETTINGS, store, n_seeds=3) is not None


def test_what_has_no_seed_has_no_spread(tmp_path):
    """Principal components, and numbers of seeds that make no sense."""
    images, store = make_images(), Store(tmp_path)
    with pytest.raises(ProjectionError, match="by method 'pca' has no seed"):
        compute_spread(images, ProjectionSettings(method="pca"), store)
    for n_seeds in (0, 1, 51):
        with pytest.raises(ProjectionError, match="use 2 to 50"):
            load_spread(images, SETTINGS, store, n_seeds=n_seeds)
