"""How far a map tells what is near: against slow references, and in cases known by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.manifold import trustworthiness

from cxrlib.embedding import lay_out_feature_space
from cxrlib.maps import (
    Spread,
    compute_trajectories,
    describe_faithfulness,
    describe_spread,
    describe_steps,
    faithfulness,
    measure_faithfulness,
    measure_steps,
    measure_typical,
)
from cxrlib.maps.faithfulness import compare_neighbours
from tests.course_tables import make_embeddings, make_table


class Map:
    """Hold places of images, as a projection does."""

    def __init__(self, image_ids, coordinates):
        self.image_ids = tuple(image_ids)
        self.coordinates = np.asarray(coordinates, dtype=np.float32)


def slow_measures(vectors, places, k):
    """Count intruders, lost ones and kept ones, image by image."""
    n = len(vectors)
    worse, lost, kept = 0, 0, 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_space = sorted(others, key=lambda j: np.linalg.norm(vectors[i] - vectors[j]))
        by_map = sorted(others, key=lambda j: np.linalg.norm(places[i] - places[j]))
        worse += sum(by_space.index(j) + 1 - k for j in by_map[:k] if j not in by_space[:k])
        lost += sum(by_map.index(j) + 1 - k for j in by_space[:k] if j not in by_map[:k])
        kept += len(set(by_space[:k]) & set(by_map[:k]))
    scale = 2 / (n * k * (2 * n - 3 * k - 1))
    return 1 - scale * worse, 1 - scale * lost, kept / (n * k)


@pytest.mark.parametrize("seed", range(3))
def test_measures_agree_with_slow_references(seed):
    """One of our own, and scikit-learn's trustworthiness; continuity is that of the swap."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(70, 6))
    places = vectors[:, :2] + 0.3 * rng.normal(size=(70, 2))
    found = compare_neighbours(vectors, places, ks=(5, 15))
    for row in found.to_dict("records"):
        k = row["k"]
        slow = slow_measures(vectors, places, k)
        measured = (row["trustworthiness"], row["continuity"], row["kept"])
        assert measured == pytest.approx(slow, abs=1e-12)
        assert row["trustworthiness"] == pytest.approx(
            trustworthiness(vectors, places, n_neighbors=k), abs=1e-12
        )
        assert row["continuity"] == pytest.approx(
            trustworthiness(places, vectors, n_neighbors=k), abs=1e-12
        )


def test_a_true_map_and_a_map_of_chance():
    """The numbers themselves, turned and stretched, are wholly kept; random places are chance."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 2))
    turned = 7 * vectors @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + 3
    true = compare_neighbours(vectors, turned)
    assert true[["trustworthiness", "continuity", "kept"]].to_numpy() == pytest.approx(1)
    chance = compare_neighbours(rng.normal(size=(400, 5)), rng.normal(size=(400, 2)))
    for name in ("trustworthiness", "continuity"):
        assert chance[name].to_numpy() == pytest.approx(chance["chance"].to_numpy(), abs=0.02)
    assert chance["kept"].to_numpy() == pytest.approx(chance["kept_chance"].to_numpy(), abs=0.02)


def test_order_and_copies_change_nothing():
    """Shuffled images, and each image twice, as files of the same content come."""
    rng = np.random.default_rng(1)
    vectors, places = rng.normal(size=(90, 4)), rng.normal(size=(90, 2))
    order = rng.permutation(np.repeat(np.arange(90), 2))
    first = compare_neighbours(vectors, places, ks=(5, 20))
    pd.testing.assert_frame_equal(
        first, compare_neighbours(vectors[order], places[order], ks=(5, 20))
    )


def test_few_images_are_not_estimable():
    """No image, one, two, and just too few; the reason says how many are needed."""
    for n in (0, 1, 2, 30):
        found = compare_neighbours(
            np.arange(3.0 * n).reshape(n, 3), np.arange(2.0 * n).reshape(n, 2)
        )
        assert found["trustworthiness"].isna().all()
        assert found["reason"][0] == f"needs 31 distinct images on the map, there are {n}"
    assert "not estimable" in describe_faithfulness(found.assign(numbers="standardised"))
    enough = compare_neighbours(np.arange(93.0).reshape(31, 3), np.arange(62.0).reshape(31, 2))
    assert enough["reason"].tolist() == [
        "",
        "needs 61 distinct images on the map, there are 31",
    ]


def test_of_very_many_images_some_are_measured(monkeypatch):
    """The measures are near those of all."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(900, 3))
    everything = compare_neighbours(vectors, vectors[:, :2])
    monkeypatch.setattr(faithfulness, "MOST_DISTANCES", 900 * 300)
    some = compare_neighbours(vectors, vectors[:, :2])
    assert some["n_measured"].tolist() == [300, 300]
    for name in ("trustworthiness", "continuity", "kept"):
        assert some[name].to_numpy() == pytest.approx(everything[name].to_numpy(), abs=0.02)


@pytest.fixture
def walk():
    """Give table, space and map of a patient: days 0, 2 (two images) and 5, and an undated one."""
    rows = [("a", "p", 0, "PA"), ("b", "p", 2, "PA"), ("c", "p", 2, "AP"), ("d", "p", 5, "PA")]
    rows += [("e", "p", None, "PA"), ("f", "q", 1, "PA"), ("lateral", "q", 1, "L")]
    values = np.array([[0, 0], [1, 0], [3, 0], [2, 4], [9, 9], [5, 5], [-7, 3]], dtype=float)
    table = make_table(rows, survival="unclear").assign(state_reasons="")
    embeddings = make_embeddings([row[0] for row in rows], values)
    places = [[0, 0], [2, 2], [4, 2], [3, 5], [1, 1], [9, 9]]
    return table, lay_out_feature_space(table, embeddings), Map("abcdef", places), values


def test_steps_are_between_the_means_of_days(walk):
    """On the map and in the numbers alike, each against its typical distance."""
    table, space, projection, values = walk
    paths = compute_trajectories(table, projection, ["p", "q"])
    steps = measure_steps(paths, space, projection)
    spread = values.std(axis=0)
    expected = [
        np.sqrt(np.mean((np.array(move) / spread) ** 2)) for move in ([2.0, 0.0], [0.0, 4.0])
    ]
    found = steps.table
    assert found["in_space"].to_numpy() == pytest.approx(expected)
    assert found["on_map"].to_numpy() == pytest.approx([np.hypot(3, 2), 3])
    assert found[["day_from", "day_to"]].to_numpy().tolist() == [[0, 2], [2, 5]]
    pairs = [
        np.hypot(*(projection.coordinates[i] - projection.coordinates[j]))
        for i in range(6)
        for j in range(i)
    ]
    assert steps.typical_map == pytest.approx(np.median(pairs))
    assert found["map_relative"].to_numpy() == pytest.approx(found["on_map"] / np.median(pairs))
    assert found["seeds_low"].isna().all()
    assert "Patient p, day 0 to 2:" in describe_steps(steps)


def test_steps_over_seeds(walk):
    """The shortest and the longest of the same step on maps by other seeds."""
    table, space, projection, _ = walk
    shown = projection.coordinates.astype(float)
    spread = Spread(
        projection.image_ids, shown, np.stack([shown, 2 * shown, shown[:, ::-1]]), (1, 2, 3)
    )
    steps = measure_steps(
        compute_trajectories(table, projection, ["p"]), space, projection, spread=spread
    )
    assert steps.n_seeds == 3
    assert steps.table["seeds_low"].to_numpy() == pytest.approx(steps.table["map_relative"])
    assert steps.table["seeds_high"].to_numpy() == pytest.approx(2 * steps.table["map_relative"])
    assert "with other seeds" in describe_steps(steps)
    assert "3 other seeds" in describe_spread(spread, steps.typical_map)


def test_maps_of_nothing_have_no_steps(walk):
    """No path, a path of one day, a map of one image, a map of images that space lacks."""
    table, space, projection, _ = walk
    assert measure_steps([], space, projection).table.empty
    one = measure_steps(compute_trajectories(table, projection, ["q"]), space, projection)
    assert describe_steps(one) == "No step to measure: a step needs images of two recorded days."
    for lonely in (Map("a", [[1, 1]]), Map("z", [[1, 1]])):
        assert np.isnan(measure_typical(space, lonely)).all()
        assert measure_faithfulness(space, lonely)["reason"].ne("").all()


def test_a_space_and_its_map_are_matched_by_image(walk):
    """Images off the map do not count; the order of the map does not matter."""
    _, space, projection, _ = walk
    turned = Map(projection.image_ids[::-1], projection.coordinates[::-1])
    first = measure_faithfulness(space, projection, ks=(2,))
    pd.testing.assert_frame_equal(first, measure_faithfulness(space, turned, ks=(2,)))
    assert first["n_images"].item() == 6
    both = measure_faithfulness(space, projection, raw=projection.coordinates, ks=(2,))
    assert both["numbers"].tolist() == ["as mapped", "standardised"]
    assert both["kept"][0] == 1
    assert describe_faithfulness(both).startswith(
        "Compared with the features the map was made from."
    )
    assert measure_typical(space, turned) == pytest.approx(measure_typical(space, projection))
