"""Rows of a task in a small cohort, and made-up embeddings of it, for tests of feature sets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cxrlib.baselines.tasks import Task, TaskRows, find_task, take_rows
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.embedding.extractors.densenet import OUTPUT_NAMES
from cxrlib.images import PREPROCESSING
from cxrlib.storage import EmbeddingStore, Store
from tests.cohort_factory import make_cohort

N_FEATURES = 30
VIEWS = ("PA", "AP")
PLACES = ("Wuhan, China", "Rome, Italy", "Boston, United States", "")
DOIS = ("10.1000/a", "10.1000/b", "")
N_IMAGES = 24


def make_icu_rows() -> list[dict[str, object]]:
    """Make metadata of images of the ICU task, of several regions, views and sources."""
    return [
        {
            "patientid": f"p{i}",
            "offset": 1 + i % 6,
            "view": VIEWS[i % 2],
            "location": PLACES[i % 4],
            "went_icu": "Y" if i % 3 else "N",
            "in_icu": "N" if i % 3 == 0 else "",
            "sex": ("M", "F", "")[i % 3],
            "age": "" if i % 5 == 4 else 30 + i,
            "temperature": 38 if i % 4 == 0 else "",
            "url": f"https://site{i % 3}.org/{i}" if i % 4 else "",
            "doi": DOIS[i % 3],
        }
        for i in range(N_IMAGES)
    ]


def make_task_cohort(root: Path, rows: Sequence[dict[str, object]] | None = None) -> Cohort:
    """Write a cohort with images of the ICU task and load it without looking at the images."""
    metadata = make_icu_rows() if rows is None else rows
    return load_cohort(make_cohort(root, metadata), inspect_images=False)


def take(cohort: Cohort, task: str | Task = "icu-stay") -> TaskRows:
    """Take the rows of a task."""
    return take_rows(cohort, find_task(task) if isinstance(task, str) else task)


def describe_network(name: str = "densenet121-untrained", **changes: str) -> ExtractorInfo:
    """Describe a network as the store knows it."""
    parts = {"label": "DenseNet-121", "weights_sha256": "ab" * 32, "note": "untrained control"}
    parts |= changes
    return ExtractorInfo(
        name=name,
        preprocessing=PREPROCESSING,
        n_features=N_FEATURES,
        output_names=OUTPUT_NAMES,
        **parts,
    )


def embed(
    cohort: Cohort, store: Store, info: ExtractorInfo, *, places: slice = slice(None), seed: int = 0
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Store made-up embeddings of a cohort's images; return embedding and outputs by image id."""
    rng = np.random.default_rng(seed)
    table = cohort.table[cohort.table["sha256"].notna()]
    embedding = rng.normal(size=(len(table), info.n_features)).astype(np.float32)
    outputs = rng.normal(size=(len(table), len(info.output_names))).astype(np.float32)
    with EmbeddingStore(store).open_writer(info) as writer:
        writer.append(table["sha256"].tolist()[places], embedding[places], outputs[places])
    pairs = zip(table["image_id"], embedding, outputs, strict=True)
    return {image_id: (vector, values) for image_id, vector, values in pairs}
