"""What the image adds, and the unaltered score beside: planted truth, pairs, and no entry."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxrlib.baselines.evaluation import LocoSettings, compare_results, run_loco
from cxrlib.baselines.features import (
    SHORTCUTS,
    Features,
    add_features,
    features_from_matrix,
    load_features,
)
from cxrlib.baselines.runs import (
    RunSpec,
    compare_runs,
    compare_unaltered,
    compute_image_adds,
    list_runs,
    make_run,
)
from cxrlib.baselines.runs.image_adds import ADDS_COLUMNS, BEYOND
from cxrlib.baselines.runs.unaltered import UNALTERED_COLUMNS
from cxrlib.baselines.tasks import find_task
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort
from tests.run_cohort_factory import PLACES, make_outside

SURVIVAL = find_task("survival")
SPEC = RunSpec(SURVIVAL, "outside", LocoSettings(n_resamples=200))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load 120 X-rays in three regions; view, source, age and sex know little of survival."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, object]] = [
        {
            "patientid": f"p{i:03d}",
            "offset": 1 + i % 6,
            "survival": "YN"[rng.integers(2)],
            "view": ("PA", "AP")[rng.integers(2)],
            "sex": "MF"[rng.integers(2)],
            "age": int(rng.integers(30, 80)),
            "location": PLACES[i // 40],
            "doi": f"10.1000/{i}",
            "url": f"https://site{rng.integers(6)}.example/{i}",
        }
        for i in range(120)
    ]
    images = {f"image{i}.png": draw_image(i) for i in range(1, len(rows) + 1)}
    root = make_cohort(tmp_path_factory.mktemp("adds") / "c", rows, images=images)
    return load_cohort(root)


def make_age(cohort: Cohort, seed: int) -> Features:
    """Give what the shortcuts know already: age, with a little noise."""
    age = cohort.table["age"].fillna(50).to_numpy(dtype=float)
    noise = np.random.default_rng(seed).normal(size=(len(age), 1))
    return features_from_matrix(
        age[:, None] + noise, list(cohort.table["image_id"]), ["age"], name="outside"
    )


def test_image_adds_nothing_that_shortcuts_know(cohort: Cohort, tmp_path: Path) -> None:
    """Features that repeat a shortcut add about 0, and every interval holds it."""
    found = []
    for seed in range(4):
        run = make_run(cohort, Store(tmp_path), SPEC, features=make_age(cohort, seed))
        table = compute_image_adds(run, Store(tmp_path)).table
        pooled = table[(table["fold"] == "pooled") & (table["beyond"] == "all shortcuts")].iloc[0]
        assert pooled["low"] <= 0 <= pooled["high"]
        found.append(pooled["difference"])
    assert abs(np.mean(found)) < 0.05


def test_image_adds_what_only_it_knows(cohort: Cohort, tmp_path: Path) -> None:
    """Features that see the label add to every baseline."""
    features = make_outside(cohort, noise=0.2)
    run = make_run(cohort, Store(tmp_path), SPEC, features=features)
    adds = compute_image_adds(run, Store(tmp_path))
    assert tuple(adds.table.columns) == ADDS_COLUMNS
    pooled = adds.table[adds.table["fold"] == "pooled"].set_index("beyond")
    assert (pooled["difference"] > 0.2).all()
    assert (pooled["low"] > 0).all()
    np.testing.assert_allclose(pooled["together"] - pooled["alone"], pooled["difference"])
    words = adds.describe("auroc")
    assert len(words) == len(BEYOND)
    assert words[0].startswith("Beyond all shortcuts these features add to the score: AUROC +0.")
    named = replace(adds, but=" but the other recorded columns").describe("auroc")
    assert named[0].startswith("Beyond all shortcuts but the other recorded columns these features")
    assert named[1] == words[1]
    assert words[1].startswith("Beyond age and sex these features add to the score: AUROC +0.")


def test_image_adds_is_the_paired_difference_of_two_evaluations(
    cohort: Cohort, tmp_path: Path
) -> None:
    """Done by hand: both evaluated on the run's rows, compared in pairs."""
    store, features = Store(tmp_path), make_outside(cohort)
    run = make_run(cohort, store, SPEC, features=features)
    rows = run.result.rows
    shortcuts = [load_features(name, rows, store) for name in SHORTCUTS]
    both, alone = (
        run_loco(rows, add_features(parts), SPEC.settings)
        for parts in ([run.result.features, *shortcuts], shortcuts)
    )
    table = compute_image_adds(run, store).table
    ours = table[table["beyond"] == "all shortcuts"]["difference"].to_numpy(dtype=float)
    np.testing.assert_array_equal(ours, compare_results(both, alone)["difference"])


def test_image_adds_is_kept_and_not_in_the_run_log(cohort: Cohort, tmp_path: Path) -> None:
    """Nobody asked for these runs: they are read again, and counted nowhere."""
    store, features = Store(tmp_path), make_outside(cohort)
    run = make_run(cohort, store, SPEC, features=features)
    first = compute_image_adds(run, store).table
    n_files = len(store.list_files("runs"))
    assert compute_image_adds(run, store).table.equals(first)
    assert len(store.list_files("runs")) == n_files
    assert [entry.id for entry in list_runs(store, cohort.fingerprint, SURVIVAL)] == [run.id]


def test_image_adds_takes_the_image_part_of_a_sum(cohort: Cohort, tmp_path: Path) -> None:
    """Of shortcuts alone there is no image part."""
    store = Store(tmp_path)
    run = make_run(cohort, store, replace(SPEC, features="view+age-sex"))
    with pytest.raises(SelectionError, match="do not use the image"):
        compute_image_adds(run, store)


def test_compare_unaltered_pairs_the_same_test_images(cohort: Cohort, tmp_path: Path) -> None:
    """Without anything taken away it refuses; erased, it is the difference of two runs."""
    store, features = Store(tmp_path), make_outside(cohort, noise=0.5)
    run = make_run(cohort, store, SPEC, features=features)
    with pytest.raises(SelectionError, match="Nothing was taken away"):
        compare_unaltered(run, store)
    erase = replace(SPEC, settings=replace(SPEC.settings, erase="view"))
    erased = make_run(cohort, store, erase, features=features)
    assert erased.id != run.id
    found = compare_unaltered(erased, store)
    assert tuple(found.table.columns) == UNALTERED_COLUMNS
    by_hand = compare_results(erased.result, run.result)
    np.testing.assert_array_equal(found.table["difference"], by_hand["difference"])
    np.testing.assert_allclose(found.table["unaltered"], found.table["unaltered_all"])
    assert found.describe("auroc").startswith("View erased: AUROC 0.")
    assert "differ: view erased; nothing" in " ".join(compare_runs(erased, run).remarks)


def test_compare_unaltered_of_matched_images_is_on_the_matched_ones(
    cohort: Cohort, tmp_path: Path
) -> None:
    """The unaltered model is scored on the images that matching left, and on all."""
    store, features = Store(tmp_path), make_outside(cohort, noise=0.5)
    match = replace(SPEC, settings=replace(SPEC.settings, match="view"))
    run = make_run(cohort, store, match, features=features)
    found = compare_unaltered(run, store)
    assert len(run.predictions) < len(found.result.predictions)
    row = found.table[found.table["fold"] == "pooled"].iloc[0]
    np.testing.assert_allclose(row["altered"] - row["unaltered"], row["difference"])
    assert "on the same matched test images" in found.describe("auroc")
