"""What the demo plants is found by an evaluation, and what leaks there is kept from leaking."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    CORRECTED,
    MEAN,
    POOLED,
    PUBLISHED,
    LocoResult,
    LocoSettings,
    run_loco,
)
from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.baselines.tasks import TaskRows, find_task, take_rows
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.storage import Store
from cxrlib.synthetic.records import simulate_courses
from tests.cohort_factory import draw_image, make_cohort

# As most would do it: images are parted at random, whoever and whatever else is in them.
UNGUARDED = LocoSettings(replace(CORRECTED, guards=()), n_resamples=0)
N_SPLITS, N_PARTS = 5, 10


@dataclass(frozen=True, eq=False)
class Demo:
    """Hold the ICU task of the demo, with what is planted in its images."""

    rows: TaskRows
    hospital: np.ndarray
    severity: np.ndarray


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Simulate the demo as it is written for a reader, without its images."""
    root = tmp_path_factory.mktemp("demo")
    simulated = simulate_courses(seed=20200918, n_patients=250)
    pd.DataFrame(simulated.rows).to_csv(root / "metadata.csv", index=False)
    cohort = load_cohort(root, inspect_images=False)
    rows = take_rows(cohort, find_task("icu-stay"), need_file=False)
    shots = {task.filename: task.shot for task in simulated.tasks}
    names = cohort.table.set_index("image_id")["filename"][rows.table["image_id"]]
    taken = [shots[name] for name in names]
    hospitals = np.array([shot.patient.hospital.name for shot in taken])
    return Demo(rows, hospitals, np.array([np.mean(shot.zone_severity) for shot in taken]))


def give(rows: TaskRows, matrix: np.ndarray) -> Features:
    """Make features of a matrix in the order of the rows."""
    return features_from_matrix(matrix.reshape(len(rows.table), -1), list(rows.table["image_id"]))


def part_at_random(rows: TaskRows, seed: int) -> TaskRows:
    """Hold out random parts of the images in place of regions."""
    parts = np.random.default_rng(seed).permutation(len(rows.table)) % N_PARTS
    return replace(rows, table=rows.table.assign(region=[f"part {part}" for part in parts]))


def find(result: LocoResult, fold: str, column: str = "value") -> float:
    """Find the AUROC of a group."""
    scores = result.scores[(result.scores["fold"] == fold) & (result.scores["metric"] == "auroc")]
    return float(scores[column].iloc[0])


def test_the_planted_shortcut_is_strong_until_a_region_is_held_out(demo: Demo) -> None:
    """The hospital tells the outcome where images of it were seen, and nothing elsewhere."""
    found = []
    for seed in range(N_SPLITS):
        # Something else is measured in each image: an unknown hospital alone ranks nothing.
        noise = np.random.default_rng([1, seed]).normal(size=len(demo.hospital))
        features = give(demo.rows, np.c_[pd.get_dummies(demo.hospital), noise])
        split = run_loco(part_at_random(demo.rows, seed), features, UNGUARDED)
        found.append(find(split, POOLED))
        held_out = run_loco(demo.rows, features, LocoSettings(n_resamples=200))
        for fold in (MEAN, POOLED):
            low, high = find(held_out, fold, "low"), find(held_out, fold, "high")
            assert low <= 0.5 <= high, (seed, fold)
    assert np.mean(found) >= 0.9


def test_the_planted_severity_holds_in_both(demo: Demo) -> None:
    """How ill the lungs are tells the outcome wherever the model was trained."""
    features = give(demo.rows, demo.severity)
    assert find(run_loco(demo.rows, features, LocoSettings(n_resamples=0)), MEAN) >= 0.75
    assert find(run_loco(demo.rows, features, LocoSettings(n_resamples=0)), POOLED) >= 0.75
    for seed in range(N_SPLITS):
        split = run_loco(part_at_random(demo.rows, seed), features, UNGUARDED)
        assert find(split, POOLED) >= 0.75


# ---- from files to folds

PLACES = ("Rome, Italy", "Wuhan, China", "Milan, Italy", "Beijing, China")


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Write a cohort with an image under two ids and an article over two regions."""
    base = tmp_path_factory.mktemp("leaking")
    rows = [
        {
            "patientid": f"p{i}",
            "offset": 3,
            "location": PLACES[i % 4],
            "went_icu": "Y" if i % 8 < 4 else "N",
            "in_icu": "N",
            "intubation_present": "N",
            "url": f"https://site{i}.example.org/case",
        }
        for i in range(48)
    ]
    rows[1]["url"] = rows[2]["url"] = "https://doi.org/10.1000/shared"
    images = {f"image{i}.png": draw_image(i) for i in range(1, 49)}
    images["image5.png"] = images["image4.png"]  # p3 in China, and again p4 in Italy
    root = make_cohort(base / "cohort", rows, images=images)
    return load_cohort(root, store=Store(base / "cache"))


def test_a_duplicate_and_a_shared_article_are_kept_on_one_side(leaking: Cohort) -> None:
    """Each costs either region one training image; as published nothing is taken out."""
    rows = take_rows(leaking, find_task("icu-stay"))
    assert len(rows.table) == 48
    features = give(rows, np.random.default_rng(0).normal(size=(48, 3)))
    corrected = run_loco(rows, features, LocoSettings(n_resamples=0)).folds.set_index("fold")
    assert corrected["guarded_by"].to_dict() == dict.fromkeys(
        ("Asia", "Europe"), "person 1, article 1"
    )
    assert corrected["n_train_images"].tolist() == [22, 22]
    published = run_loco(rows, features, LocoSettings(PUBLISHED, n_resamples=0)).folds
    assert published["n_guarded"].tolist() == [0, 0]
    assert published["n_sharing_person"].tolist() == [1, 1]
    assert published["n_sharing_article"].tolist() == [1, 1]


def test_what_leaks_teaches_nothing(leaking: Cohort) -> None:
    """The other copy's features matter to its region as published, and not when corrected."""
    rows = take_rows(leaking, find_task("icu-stay"))
    matrix = np.random.default_rng(1).normal(size=(48, 3))
    spoilt = matrix.copy()
    spoilt[(rows.table["patient_id"] == "p4").to_numpy()] += 9

    def predict(values: np.ndarray, settings: LocoSettings) -> np.ndarray:
        predictions = run_loco(rows, give(rows, values), settings).predictions
        return predictions.loc[predictions["fold"] == "Asia", "value"].to_numpy()

    corrected = LocoSettings(n_resamples=0)
    np.testing.assert_array_equal(predict(matrix, corrected), predict(spoilt, corrected))
    published = LocoSettings(PUBLISHED, n_resamples=0)
    assert (predict(matrix, published) != predict(spoilt, published)).all()
