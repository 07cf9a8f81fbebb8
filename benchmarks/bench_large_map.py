"""The trajectories page at 100,000 images: processor time of a run, the figure's size, exports.

The cohort is the demo many times over, its numbers jittered, laid out by PCA; nothing of it lies
on disk but its embeddings. The page runs as it stands, without a browser. Every run changes what
its line names, and is set beside the same page on the demo, which was warm before.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

import ui.session.resources
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding import EmbeddingSet, lay_out_feature_space, load_embeddings
from cxrlib.maps import (
    MappedCohort,
    ProjectionSettings,
    compute_map,
    encode_parquet,
    export_map,
    find_story,
    map_points,
    measure_faithfulness,
)
from cxrlib.patients import path_shares
from cxrlib.storage import EmbeddingStore, Store
from cxrlib.system import count_cores
from ui.session.resources import Current

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS, MOST_MB = 2.5, 15.0
SOURCES = 20  # copies of the demo that share each source
SETTINGS = ProjectionSettings(method="pca")
#: What a reader changes: a widget's key, then values by turns.
CHANGES: dict[str, tuple[Any, ...]] = {
    "colour": ("view", "age", "state"),
    "density": ("ICU", "tube", "ICU or tube"),
    "surface": ("share", "density"),
    "large": (True, False),
    "belief": ("Step lengths", "Map quality", "Neighbours"),
}


def multiply(cohort: Cohort, n_copies: int) -> Cohort:
    """Repeat a cohort's rows, each copy with patients, persons, files and some sources its own."""
    tables = []
    for copy in range(n_copies):
        table = cohort.table.copy()
        for column in ("image_id", "patient_id", "person_id"):
            table[column] = f"{copy}-" + table[column].astype(str)
        for column in ("article", "source"):
            table[column] = table[column] + f"/{copy // SOURCES}"
        table["sha256"] = [hashlib.sha256(name.encode()).hexdigest() for name in table["image_id"]]
        tables.append(table)
    joined = pd.concat(tables, ignore_index=True)
    joined["row"] = np.arange(2, len(joined) + 2)
    return replace(
        cohort, table=joined, duplicates=cohort.duplicates.iloc[:0], planted={}, appearance=None
    )


def store_numbers(cohort: Cohort, found: EmbeddingSet, n_copies: int, store: Store) -> None:
    """Store jittered embeddings for all copies; the rows of the demo are in the set's order."""
    rng = np.random.default_rng(0)
    ids = pd.Index(cohort.table["image_id"])
    sha256s = cohort.table["sha256"].to_numpy(dtype=object)
    with EmbeddingStore(store).open_writer(found.info, images_a_part=50_000) as writer:
        for copy in range(n_copies):
            rows = ids.get_indexer(pd.Index([f"{copy}-{name}" for name in found.image_ids]))
            jittered = [
                (numbers + rng.normal(0, 0.3, numbers.shape) * numbers.std(axis=0)).astype("f4")
                for numbers in (found.embedding, found.outputs)
            ]
            writer.append(sha256s[rows].tolist(), *jittered)


def load_as_current(mapped: MappedCohort) -> Current:
    """Hold a map as the server does."""
    points = map_points(mapped.mapped.table, mapped.projection)
    return Current(mapped, points, find_story(mapped.cohort.table, mapped.projection, planted={}))


def time_once(work: Callable[[], Any]) -> tuple[Any, float]:
    """Time a call in seconds of processor time: other work on the machine slows the clock's."""
    started = time.process_time()
    found = work()
    return found, time.process_time() - started


# ---- the page


def measure_page(data: Path, cache: Path, current: Current | None, rounds: int) -> dict[str, float]:
    """Give seconds of each kind of change, the median of some, and what is sent, in MB."""
    found: dict[str, float] = {}
    with ExitStack() as stack:
        # Only the map counts: made-up copies have no files that the cohort could be loaded of.
        stack.enter_context(
            patch.dict(os.environ, {"CXR_DATA": str(data), "CXR_CACHE": str(cache)})
        )
        if current is not None:
            for name, value in (("_load_cohort", current.cohort), ("_load_map", current)):
                stack.enter_context(
                    patch.object(ui.session.resources, name, lambda *_, value=value: value)
                )
        page = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=600)
        found["first run"] = time_once(page.run)[1]
        found["the same again"] = statistics.median(
            time_once(page.run)[1] for _ in range(max(rounds, 2))
        )
        found |= {key: measure_change(page, key, values) for key, values in CHANGES.items()}
        assert not page.exception, page.exception
        chart = next(each for each in page.get("plotly_chart") if "map" in each.proto.id)
        found["figure, MB"] = len(chart.proto.spec) / 1e6
        found["all that is sent, MB"] = sum(n.proto.ByteSize() for n in page.main if n.proto) / 1e6
    return found


def measure_change(page: AppTest, key: str, values: tuple[Any, ...]) -> float:
    """Give the median of runs that each set a widget to another value, the first not counted."""
    times = []
    for value in (*values, *values):
        page.session_state[key] = value
        times.append(time_once(page.run)[1])
        assert not page.exception, page.exception
    return statistics.median(times[len(values) :])


# ---- the library's parts


def measure_parts(mapped: MappedCohort, embeddings: EmbeddingSet) -> dict[str, float]:
    """Give seconds of what the page shows on demand, nothing remembered."""
    table = mapped.cohort.table
    space, laid_out = time_once(lambda: lay_out_feature_space(table, embeddings))
    patients = list(load_as_current(mapped).patients[:3])
    shares = time_once(lambda: [path_shares(table, space, p) for p in patients])
    raw = mapped.embeddings.outputs
    faithful = time_once(lambda: measure_faithfulness(space, mapped.projection, raw=raw))
    exported, neighbours = time_once(lambda: export_map(mapped))
    return {
        "space of all images": laid_out,
        "neighbours, three patients": shares[1],
        "faithfulness of the map": faithful[1],
        "table with neighbours": neighbours,
        "its Parquet": time_once(lambda: encode_parquet(exported, ["bench"]))[1],
    }


def main() -> None:
    """Measure; end with an error where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=ROOT / "cache", help="that holds the demo")
    parser.add_argument("--no-parts", action="store_true", help="the page alone")
    arguments = parser.parse_args()
    demo = load_cohort(arguments.cache / "demo", store=Store(arguments.cache))
    info = next(
        i for i in EmbeddingStore(Store(arguments.cache)).list_extractors() if i.name == "texture"
    )
    own = load_embeddings(demo, info, Store(arguments.cache))
    n_mapped = compute_map(demo, info, Store(arguments.cache), settings=SETTINGS).mapped.n_images
    small = measure_page(arguments.cache / "demo", arguments.cache, None, arguments.rounds)
    n_copies = -(-arguments.images // n_mapped)
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        cohort = multiply(demo, n_copies)
        store_numbers(cohort, own, n_copies, store)
        mapped, seconds = time_once(lambda: compute_map(cohort, info, store, settings=SETTINGS))
        current = load_as_current(mapped)
        print(f"{mapped.mapped.n_images:,} images on the map (by PCA in {seconds:.1f} s).")
        large = measure_page(arguments.cache / "demo", Path(name), current, arguments.rounds)
        for what, value in large.items():
            print(f"{what:32} {value:8.2f}, demo {small[what]:6.2f}: {value / small[what]:5.1f} x")
        if not arguments.no_parts:
            parts = measure_parts(mapped, load_embeddings(cohort, info, store))
            for what, value in parts.items():
                print(f"{what:32} {value:8.2f} s")
    slowest = max(large[key] for key in ("the same again", *CHANGES))
    kept = slowest <= MOST_SECONDS and large["figure, MB"] <= MOST_MB
    load = os.getloadavg()[0]
    print(f"limits {MOST_SECONDS} s, {MOST_MB:g} MB: {'kept' if kept else 'NOT KEPT'}")
    print(f"Cores: {count_cores()}, load {load:.1f}.")
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
