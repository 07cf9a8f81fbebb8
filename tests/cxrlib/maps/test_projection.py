"""The map, its cache and its invariances; UMAP itself runs in the slow tests only."""

import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import sklearn.decomposition

from cxrlib.errors import ProjectionError
from cxrlib.maps import ProjectionSettings, compute_projection, projection as module
from cxrlib.maps.projection import load_projection, projection_key
from cxrlib.storage import ExtractorInfo, Store

INFO = ExtractorInfo("toy", "Toy", "", "toy-v1", 6, ("one", "two", "three"))
PCA = ProjectionSettings(method="pca")
UMAP = ProjectionSettings()


@dataclass(frozen=True)
class Images:
    """Stand in for an EmbeddingSet."""

    image_ids: tuple
    sha256s: tuple
    embedding: np.ndarray
    outputs: np.ndarray
    info: ExtractorInfo = INFO

    def take(self, rows):
        """Give some of the images, in that order."""
        return replace(
            self,
            image_ids=tuple(self.image_ids[row] for row in rows),
            sha256s=tuple(self.sha256s[row] for row in rows),
            embedding=self.embedding[rows],
            outputs=self.outputs[rows],
        )


def make_images(n_images=60):
    """Make images in two groups that lie far apart in every feature."""
    rng = np.random.default_rng(3)
    group = np.repeat([0.0, 9.0], [n_images - n_images // 2, n_images // 2])[:, np.newaxis]
    return Images(
        image_ids=tuple(f"image-{row}.png" for row in range(n_images)),
        sha256s=tuple(f"{value:064x}" for value in rng.permutation(n_images)),
        embedding=(rng.normal(size=(n_images, 6)) + group).astype(np.float32),
        outputs=(rng.normal(size=(n_images, 3)) + group).astype(np.float32),
    )


@pytest.fixture
def images():
    """Give 60 images in two groups."""
    return make_images()


@pytest.fixture
def store(tmp_path):
    """Give an empty store."""
    return Store(tmp_path / "cache")


@pytest.fixture
def counted(monkeypatch):
    """Count how often a map is really computed."""
    calls = []
    fit = module._fit_pca
    monkeypatch.setattr(module, "_fit_pca", lambda features: calls.append(1) or fit(features))
    return calls


def test_pca_equals_scikit_learn(images):
    """Give scikit-learn's principal components, up to their sign."""
    ours = compute_projection(images, PCA).coordinates
    theirs = sklearn.decomposition.PCA(2, svd_solver="full").fit_transform(images.outputs)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-4)


def test_planted_groups_come_apart(images):
    """Put the two planted groups on different sides of the first component."""
    x = compute_projection(images, PCA).coordinates[:, 0]
    assert np.sign(x[:30]).sum() * np.sign(x[30:]).sum() == -900


def test_row_order_changes_nothing(images):
    """Give each image the same place whatever the order of the rows."""
    order = np.random.default_rng(0).permutation(60)
    there = compute_projection(images, PCA)
    back = compute_projection(images.take(order), PCA)
    assert back.key == there.key
    assert back.image_ids == tuple(there.image_ids[row] for row in order)
    assert np.array_equal(back.coordinates, there.coordinates[order])


def test_copies_share_a_place_and_weigh_nothing(images):
    """Place a content once: copies of an image sit on it and move no other."""
    rows = [*range(60), 5, 5, 5]
    there, copied = (compute_projection(each, PCA) for each in (images, images.take(rows)))
    assert copied.key == there.key
    assert np.array_equal(copied.coordinates[:60], there.coordinates)
    assert np.array_equal(copied.coordinates[60], there.coordinates[5])


def test_key_carries_everything_that_matters(images):
    """Change the key with contents, extractor, features, views and UMAP's settings."""
    settings = [
        UMAP,
        replace(UMAP, seed=1),
        replace(UMAP, n_neighbors=15),
        replace(UMAP, min_dist=0.1),
        replace(UMAP, n_components=2),
        replace(UMAP, features="embedding"),
        replace(UMAP, views=("PA",)),
        PCA,
    ]
    keys = [projection_key(images, each) for each in settings]
    keys.append(projection_key(images.take(range(59)), UMAP))
    keys.append(projection_key(replace(images, info=replace(INFO, name="other")), UMAP))
    assert len(set(keys)) == len(keys)


def test_key_leaves_out_what_does_not_matter(images):
    """Keep the key where names change, or a UMAP setting changes under PCA."""
    renamed = replace(images, image_ids=tuple(f"x{row}" for row in range(60)))
    assert projection_key(renamed, UMAP) == projection_key(images, UMAP)
    assert projection_key(images, replace(PCA, seed=5)) == projection_key(images, PCA)


def test_key_changes_with_versions(images, monkeypatch):
    """Change the key when a package behind the method is another version."""
    before = projection_key(images, UMAP)
    monkeypatch.setattr(module, "version", lambda name: "0.0.0")
    assert projection_key(images, UMAP) != before


def test_second_time_comes_from_the_store(images, store, counted):
    """Compute once; load afterwards, in any order of rows, with the same numbers."""
    assert load_projection(images, PCA, store) is None
    first = compute_projection(images, PCA, store)
    second = compute_projection(images.take(range(59, -1, -1)), PCA, store)
    assert len(counted) == 1
    assert np.array_equal(second.coordinates, first.coordinates[::-1])
    loaded = load_projection(images, PCA, store)
    assert loaded.settings == PCA
    assert (loaded.key, loaded.versions, loaded.effective) == (
        first.key,
        first.versions,
        first.effective,
    )


def test_store_holds_coordinates_only(images, store):
    """Keep a table of hashes and coordinates, and the settings as JSON: no reducer."""
    made = compute_projection(images, PCA, store)
    table = store.read_table("maps", made.key)
    assert list(table) == ["image_sha256", "x", "y"]
    info = store.read_info("maps", made.key)
    assert info["settings"]["method"] == "pca"
    assert info["extractor"]["name"] == "toy"
    assert info["versions"] == made.versions


def test_loading_imports_nothing_heavy(images, store):
    """Load a map without UMAP, scikit-learn or torch: the dashboard starts in seconds."""
    code = (
        "import sys, cxrlib.maps.projection, cxrlib.maps.density, cxrlib.maps.trajectories\n"
        "from cxrlib.maps.projection import ProjectionSettings, _versions\n"
        "_versions('umap')\n"
        "heavy = {'umap', 'sklearn', 'torch', 'numba', 'skimage'} & set(sys.modules)\n"
        "print(*sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_few_images_say_what_was_used():
    """Record fewer neighbours where there are fewer images than asked for."""
    made = compute_projection(make_images(12), PCA)
    assert made.effective == {"n_neighbors": 11, "n_contents": 12}
    assert made.remark == "", "PCA has no neighbours to speak of"
    assert "11 neighbours were used" in replace(made, settings=UMAP).remark


def test_description_names_what_the_method_uses(images):
    """Say the neighbours really used, seed and packages; of PCA no setting that it lacks."""
    pca = compute_projection(images, PCA)
    assert pca.describe() == f"first two principal components; numpy {np.__version__}"
    umap = replace(pca, settings=UMAP, versions={"umap-learn": "0.5.12", "numpy": "2.4.6"})
    assert umap.describe() == (
        "UMAP with 30 neighbours, minimum distance 0.5, first two of 3 components, seed 0; "
        "umap-learn 0.5.12, numpy 2.4.6"
    )
    flat = replace(umap, settings=replace(UMAP, n_components=2, seed=7, min_dist=0.25))
    assert "minimum distance 0.25, two components, seed 7;" in flat.describe()
    few = replace(compute_projection(make_images(6), PCA), settings=UMAP)
    assert few.describe().startswith(
        "UMAP with 5 neighbours (30 asked for, but 6 distinct images), minimum distance 0.5,"
    )


def test_fewer_than_three_images_are_refused(images):
    """Refuse two distinct images, however many copies there are."""
    with pytest.raises(ProjectionError, match=r"3 or more distinct images .* there are 2\."):
        compute_projection(images.take([0, 1, 1, 0]), PCA)


def test_no_images_are_refused(images):
    """Refuse an empty set with a sentence, not an exception from numpy."""
    with pytest.raises(ProjectionError, match="there are 0"):
        compute_projection(images.take([]), PCA)


def test_values_that_are_not_finite_are_named(images):
    """Name the first image whose features are not finite."""
    images.outputs[7, 1] = np.nan
    with pytest.raises(ProjectionError, match=r"1 of 60 .* 'image-7.png'"):
        compute_projection(images, PCA)


def test_constant_features_are_refused(images):
    """Refuse to lay out images that all have the same features."""
    with pytest.raises(ProjectionError, match="the same outputs"):
        compute_projection(replace(images, outputs=np.ones((60, 3), np.float32)), PCA)


def test_one_feature_is_laid_out_on_a_line(images):
    """Lay images with a single output out on a line."""
    made = compute_projection(replace(images, outputs=images.outputs[:, :1]), PCA)
    assert not made.coordinates[:, 1].any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "tsne"}, "'tsne'"),
        ({"features": "pixels"}, "'pixels'"),
        ({"n_neighbors": 1}, "n_neighbors=1"),
        ({"n_components": 1}, "n_components=1"),
        ({"min_dist": 1.5}, "min_dist=1.5"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_settings_without_sense_are_named(images, change, words):
    """Name the setting that makes no sense, and its range."""
    with pytest.raises(ProjectionError, match=words):
        compute_projection(images, replace(UMAP, **change))


@pytest.mark.slow
def test_umap_is_repeatable_and_keeps_groups_apart(images):
    """Give the same UMAP for the same seed, another for another, and keep groups apart."""
    first, second = (compute_projection(images, UMAP) for _ in range(2))
    shuffled = compute_projection(images.take(np.arange(59, -1, -1)), UMAP)
    other = compute_projection(images, replace(UMAP, seed=1))
    assert np.array_equal(first.coordinates, second.coordinates)
    assert np.array_equal(first.coordinates, shuffled.coordinates[::-1])
    assert not np.array_equal(first.coordinates, other.coordinates)
    squared = ((first.coordinates[:, np.newaxis] - first.coordinates) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    nearest = squared.argmin(axis=1)
    assert ((nearest < 30) == (np.arange(60) < 30)).mean() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("n_images", [3, 4, 5, 6, 7, 12])
def test_umap_takes_few_images(n_images):
    """Lay out as few as three images, with as many neighbours as there are others."""
    made = compute_projection(make_images(n_images), UMAP)
    assert made.coordinates.shape == (n_images, 2)
    assert np.isfinite(made.coordinates).all()
    assert made.effective["n_neighbors"] == n_images - 1
    assert made.remark


@pytest.mark.slow
def test_umap_takes_groups_without_neighbours_between(images):
    """Lay out ten groups whose images have neighbours in their own group only, and copies."""
    rng = np.random.default_rng(1)
    centres = np.repeat(rng.normal(size=(10, 3)) * 100, 6, axis=0)
    outputs = (centres + rng.normal(size=(60, 3))).astype(np.float32)
    outputs[:6] = outputs[0]
    made = compute_projection(replace(images, outputs=outputs), replace(UMAP, n_neighbors=3))
    assert np.isfinite(made.coordinates).all()


@pytest.mark.parametrize("change", ["columns", "text", "nan", "rows", "twice", "info"])
def test_damaged_map_is_computed_anew(images, store, caplog, change):
    """A stored map that lacks anything is not shown with wrong places."""
    settings = ProjectionSettings(method="pca")
    first = compute_projection(images, settings, store)
    table, info = store.read_table("maps", first.key), store.read_info("maps", first.key)
    if change == "columns":
        table = table.drop(columns="x")
    elif change == "text":
        table = table.astype({"x": "str"})
    elif change == "nan":
        table.loc[0, "y"] = np.nan
    elif change == "rows":
        table = table.iloc[1:]
    elif change == "twice":
        table = pd.concat([table, table])
    else:
        info = {"effective": 5}
    store.write_table("maps", first.key, table, info=info)
    assert load_projection(images, settings, store) is None
    assert "is damaged" in caplog.text
    again = compute_projection(images, settings, store)
    np.testing.assert_array_equal(again.coordinates, first.coordinates)
    assert load_projection(images, settings, store) is not None
