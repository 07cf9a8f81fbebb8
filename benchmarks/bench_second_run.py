"""Measure a second run over an unchanged cohort: nothing is read again, nothing computed."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.cohorts import find_real_root, make_cohort
from cxrlib.cohort import load_cohort
from cxrlib.embedding import compute_embeddings, load_embeddings
from cxrlib.embedding.extractors import load_extractor
from cxrlib.storage import Store


def main() -> None:
    """Embed once, then time loading the cohort, finding nothing to do, and loading."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = make_cohort(Path(folder) / "c", arguments.images, real_root=find_real_root())
        store = Store(Path(folder) / "cache")
        extractor = load_extractor("texture")
        started = time.perf_counter()
        compute_embeddings(load_cohort(root, store=store), extractor, store)
        first = time.perf_counter() - started
        times = []
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            cohort = load_cohort(root, store=store)
            report = compute_embeddings(cohort, extractor, store)
            load_embeddings(cohort, extractor.info, store)
            times.append(time.perf_counter() - started)
            assert (report.n_computed, report.n_cached) == (0, arguments.images)
    second = 1000 * statistics.median(times) / arguments.images
    print(f"First run: {1000 * first / arguments.images:.2f} ms an image (texture).")
    print(f"Second run: {second:.3f} ms an image, cohort included (at most 1).")


if __name__ == "__main__":
    main()
