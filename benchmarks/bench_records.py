"""Time how long reading records takes: a thousand jobs, two hundred runs and their log.

Runs with any version of the library on the path, so that two can be compared in turns.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlib.baselines.runs import (
    TABLES,
    RunRecord,
    RunSpec,
    format_record,
    list_runs,
    parse_record,
    write_entry,
)
from cxrlib.baselines.tasks import find_task
from cxrlib.jobs import Job, format_job, parse_job
from cxrlib.storage import Store

FINGERPRINT = "c" * 64


def make_jobs(n: int) -> dict[str, bytes]:
    """Write the records of jobs that ended, by id."""
    parameters = {"data": "/cohorts/one", "extractor": "texture", "settings": {"views": ["PA"]}}
    jobs = [
        Job(f"{i:016x}", "prepare", parameters, "Embed and map", "done", "Embedding", 851, 851)
        for i in range(n)
    ]
    return {job.id: format_job(job) for job in jobs}


def make_runs(n: int, n_images: int) -> list[RunRecord]:
    """Make runs of a few hundred predictions each."""
    draw = np.random.default_rng(0)
    spec = RunSpec(find_task("survival"), "outputs").to_dict()
    scores = pd.DataFrame(0.5, index=range(24), columns=list(TABLES["scores"]))
    scores = scores.assign(
        fold=["mean", "pooled", *"abcdefghijkl"][:12] * 2, metric="auroc", reason=""
    )
    predictions = pd.DataFrame(
        {name: draw.normal(size=n_images) for name in TABLES["predictions"]}
    ).assign(image_id="image", person_id="person", fold="Asia", seed=0)
    folds = pd.DataFrame(1, index=range(6), columns=list(TABLES["folds"]))
    tables = {"folds": folds, "predictions": predictions, "scores": scores}
    return [
        RunRecord(
            *(f"{i:012x}", spec, FINGERPRINT, {"numpy": "2"}, 1e9 + i, 0.5, n_images, 90),
            *("18 outputs", (), tables),
        )
        for i in range(n)
    ]


def measure(read: Callable[[], object], n_rounds: int) -> dict[str, float]:
    """Time the first call, and the median of the later ones, in milliseconds."""
    times = []
    for _ in range(n_rounds + 1):
        start = time.perf_counter()
        read()
        times.append(1000 * (time.perf_counter() - start))
    return {"first": round(times[0], 1), "median": round(statistics.median(times[1:]), 1)}


def main() -> None:
    """Print the times as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=15)
    n_rounds = options.parse_args().rounds
    jobs, runs = make_jobs(1000), make_runs(200, 300)
    files = {run.id: format_record(run) for run in runs}
    found = {
        "1000 jobs": measure(
            lambda: [parse_job(each, key) for key, each in jobs.items()], n_rounds
        ),
        "200 runs": measure(
            lambda: [parse_record(data, key) for key, data in files.items()], n_rounds
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for run in runs:
            write_entry(store, run)
        found["log of 200 runs"] = measure(lambda: list_runs(store, FINGERPRINT), n_rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
