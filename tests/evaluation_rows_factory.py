"""Rows of a task and feature sets without a cohort on disk, for tests of evaluations."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd

from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.baselines.tasks import TaskRows, find_task
from cxrlib.baselines.tasks.task_rows import ROW_COLUMNS
from cxrlib.cohort import Cohort

REGIONS = ("Americas", "Asia", "Europe")


def make_rows(
    y: Sequence[float] | np.ndarray,
    *,
    region: Sequence[str],
    person: Sequence[str] | None = None,
    task: str = "icu-stay",
    **columns: object,
) -> TaskRows:
    """Make the rows of a task: an image each, a person each unless said.

    Parameters
    ----------
    y : sequence of float
        Labels.
    region : sequence of str
    person : sequence of str, optional
    task : str
    **columns
        Further columns of the table, such as age or article.
    """
    n_images = len(y)
    names = [f"i{place:04d}" for place in range(n_images)]
    filled: dict[str, object] = {
        **dict.fromkeys(ROW_COLUMNS, ""),
        "image_id": names,
        "row": np.arange(2, n_images + 2),
        "person_id": names if person is None else list(person),
        "region": list(region),
        "sub_region": list(region),
        "country": list(region),
        "view": "PA",
        "offset": 1.0,
        "age": 50.0,
        "y": np.asarray(y, dtype=float),
    } | columns
    table = pd.DataFrame(filled, columns=list(ROW_COLUMNS))
    table["patient_id"] = table["person_id"]
    cohort = cast(Cohort, SimpleNamespace(table=table, name="made", fingerprint="0" * 64))
    return TaskRows(find_task(task), cohort, table, pd.DataFrame(), ())


def make_features(rows: TaskRows, matrix: np.ndarray, name: str = "made") -> Features:
    """Give each row of a task its row of a matrix."""
    return features_from_matrix(matrix, rows.table["image_id"].tolist(), name=name)


def draw_rows(
    seed: int, *, n_images: int = 90, n_persons: int = 70, task: str = "icu-stay"
) -> tuple[TaskRows, np.random.Generator]:
    """Draw rows of three regions in which a person has one region and one label."""
    rng = np.random.default_rng(seed)
    person = rng.permutation(np.arange(n_images) % n_persons)
    region = np.arange(n_persons) % 3
    y = rng.integers(0, 2, n_persons).astype(float)
    if task != "icu-stay":
        y = rng.integers(0, 9, n_persons).astype(float)
    rows = make_rows(
        y[person],
        region=[REGIONS[region[p]] for p in person],
        person=[f"p{p:03d}" for p in person],
        task=task,
    )
    return rows, rng


def shuffle_rows(rows: TaskRows, seed: int) -> TaskRows:
    """Put the same rows in another order."""
    order = np.random.default_rng(seed).permutation(len(rows.table))
    table = rows.table.iloc[order].reset_index(drop=True)
    return TaskRows(rows.task, rows.cohort, table, rows.flow, rows.steps)
