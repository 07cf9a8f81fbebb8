"""Make rows of tasks for tests, without a cohort on disk."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.baselines.tasks import Task, TaskRows

CLASSES = Task("formed", "Went", "classes", "went_icu", "went", "stayed", "positive")
NUMBER = Task("formed", "Extent", "number", "geographic_mean", "", "", "")

REGIONS = ("Americas", "Asia", "Europe", "Oceania", "Unknown")


def make_rows(table: pd.DataFrame, task: Task = CLASSES) -> TaskRows:
    """Make rows of a table with image_id, region and y; what else is missing is made up.

    Every image is of a person, an article and a site of its own unless the table says otherwise.
    """
    names = [f"{i:04d}" for i in range(len(table))]
    made: dict[str, Any] = {
        "row": range(2, len(table) + 2),
        "image_id": [f"image{name}" for name in names],
        "person_id": [f"person{name}" for name in names],
        "article": [f"doi{name}" for name in names],
        "source": [f"site{name}" for name in names],
        "sub_region": [f"{region} proper" for region in table["region"]],
        "country": [f"{region} land" for region in table["region"]],
    }
    full = table.assign(**{name: cells for name, cells in made.items() if name not in table})
    full["patient_id"] = full["person_id"]
    cohort: Any = SimpleNamespace(table=full)
    return TaskRows(task, cohort, full.reset_index(drop=True), pd.DataFrame(), ())


def draw_rows(
    seed: int = 0, *, task: Task = CLASSES, n_persons: int = 24, n_each: int = 1
) -> TaskRows:
    """Draw rows of persons in five regions, one of them unknown, with labels by chance."""
    rng = np.random.default_rng(seed)
    lines = []
    for region in REGIONS:
        for person in range(n_persons):
            y = float(rng.random() < 0.4) if task.kind == "classes" else rng.normal(4, 2)
            for _ in range(n_each):
                line = {"region": region, "y": y, "person_id": f"{region}{person}"}
                lines.append(line)
    return make_rows(pd.DataFrame(lines), task)


def draw_features(rows: TaskRows, n_columns: int = 4, seed: int = 0, **changes: Any) -> Features:
    """Draw features by chance."""
    rng = np.random.default_rng([seed, n_columns])
    matrix = rng.normal(size=(len(rows.table), n_columns))
    return features_from_matrix(matrix, list(rows.table["image_id"]), **changes)
