"""Time leave-one-region-out beside the plain loop of the notebooks, and the bootstrap alone.

Features are drawn by chance: their number matters here, not what they say. The plain loop is the
published evaluation and no more: no counts, no intervals, no pooled score, and one set of scores.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.cohorts import find_real_root
from cxrlib.baselines.evaluation import (
    PUBLISHED,
    LocoSettings,
    compute_score,
    draw_weights,
    one_thread,
    plan_loco,
    predict_folds,
    run_loco,
)
from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.baselines.tasks import PAPER_TASKS, TaskRows, take_rows
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.synthetic.records import simulate_courses
from cxrlib.system import count_cores
from tests.published_loop import run_published_loop

SETS = {"intermediate": 1024, "18 outputs": 18, "4 outputs": 4, "lung opacity": 1, "prevalence": 0}
LIMIT_TASK, LIMIT_ALL, LIMIT_DRAWS, LIMIT_NULL = 2.0, 10.0, 2.0, 60.0  # seconds
LIMIT_FOREST = 60.0  # seconds a task

Given = list[tuple[TaskRows, list[Features]]]


def load(folder: Path) -> Cohort:
    """Load the real collection's records, or the demo's."""
    real = find_real_root()
    if real is not None:
        return load_cohort(real, inspect_images=False)
    rows = pd.DataFrame(simulate_courses(seed=1, n_patients=250).rows)
    rows.to_csv(folder / "metadata.csv", index=False)
    return load_cohort(folder, inspect_images=False)


def draw(cohort: Cohort) -> Given:
    """Draw the linear feature sets of each task that the cohort has rows for."""
    rng = np.random.default_rng(0)
    given = []
    for task in PAPER_TASKS:
        rows = take_rows(cohort, task, need_file=False)
        names = list(rows.table["image_id"])
        if not names:
            continue
        matrices = [rng.normal(size=(len(names), n)) for n in SETS.values()]
        matrices[-1] = np.ones((len(names), 1))
        given.append((rows, [features_from_matrix(each, names) for each in matrices]))
    return given


def run_ours(given: Given, settings: LocoSettings) -> None:
    """Run each task and set."""
    for rows, sets in given:
        for features in sets:
            run_loco(rows, features, settings)


def run_plain(given: Given) -> None:
    """Run each task and set by the plain loop."""
    for rows, sets in given:
        for features in sets:
            run_published_loop(
                rows.table["region"].to_numpy(dtype=object),
                rows.table["y"].to_numpy(dtype=float),
                features.matrix,
                is_class=rows.task.kind == "classes",
                is_network=False,
            )


def run_permutation_null(given: Given, settings: LocoSettings, n: int = 200) -> None:
    """Fit 18 outputs to permuted labels of the first task; C is chosen anew where it is chosen."""
    rows, sets = given[0]
    plan = plan_loco(rows, sets[1], settings)
    rng = np.random.default_rng(0)
    for _ in range(n):
        predict_folds(plan, rng.permutation(plan.labels.y))


def draw_scores(n_images: int = 160, n: int = 1000) -> None:
    """Draw persons a thousand times, and score AUROC and AUPRC of each."""
    rng = np.random.default_rng(0)
    y = (rng.random(n_images) < 0.5).astype(float)
    value = rng.normal(size=n_images)
    weights = draw_weights(np.arange(n_images), n, seed=0)
    for metric in ("auroc", "auprc"):
        compute_score(y, value, value > 0, metric, weights=weights)


def measure(works: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Time calls in turn, so that other work slows all alike; give median seconds."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if number:  # the first imports
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    """Time a task, all tasks, the bootstrap and the null, beside the plain loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        cohort = load(Path(name))
        given = draw(cohort)
    bare, whole = LocoSettings(PUBLISHED, n_resamples=0), LocoSettings(PUBLISHED)
    first = given[:1]
    fixed, chosen = LocoSettings(estimator="paper"), LocoSettings()

    def run_limited() -> None:
        with one_thread():
            run_plain(given)

    seconds = measure(
        {
            "a task": lambda: run_ours(first, whole),
            "all": lambda: run_ours(given, whole),
            "all, no intervals": lambda: run_ours(given, bare),
            "all, corrected, C = 1": lambda: run_ours(given, fixed),
            "all, corrected, C chosen": lambda: run_ours(given, chosen),
            "a task, forest": lambda: run_ours(first, LocoSettings(estimator="forest")),
            "plain loop": lambda: run_plain(given),
            "plain loop, one thread": run_limited,
            "1,000 draws": draw_scores,
            "200 permutations, C = 1": lambda: run_permutation_null(given, fixed),
            "200 permutations, C chosen": lambda: run_permutation_null(given, chosen),
        },
        arguments.rounds,
    )
    plain = seconds["plain loop"]
    print(f"{cohort.name}: {len(given)} tasks, linear sets: {', '.join(SETS)}.")
    for name, each in seconds.items():
        print(f"{name:28} {1000 * each:8.0f} ms, {each / plain:6.2f} of the plain loop over all")
    kept = (
        seconds["a task"] <= LIMIT_TASK
        and seconds["all, corrected, C chosen"] <= LIMIT_ALL
        and seconds["a task, forest"] <= LIMIT_FOREST
        and seconds["1,000 draws"] <= LIMIT_DRAWS
        and seconds["200 permutations, C chosen"] <= LIMIT_NULL
    )
    print(
        f"limits {LIMIT_TASK:.0f} s a task, {LIMIT_ALL:.0f} s all, {LIMIT_FOREST:.0f} s a task by "
        f"forest, {LIMIT_DRAWS:.0f} s 1,000 draws, {LIMIT_NULL:.0f} s 200 permutations: "
        f"{'kept' if kept else 'NOT KEPT'}"
    )
    print(f"Cores: {count_cores()}, load {os.getloadavg()[0]:.1f}.")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
