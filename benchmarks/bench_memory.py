"""Compare peak memory at 5,000 images with that at 1,000: it must not grow.

Each size runs in a process of its own; the resident memory of it and of all its children is
summed up fifty times a second (Linux only). Images are generated, small and all different.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

from benchmarks.cohorts import make_cohort
from cxrlib.cohort import load_cohort
from cxrlib.embedding import compute_embeddings
from cxrlib.embedding.extractors import load_extractor
from cxrlib.storage import Store

SIDE = 128  # pixels


def embed(root: Path, cache: Path, extractor: str) -> None:
    """Embed a cohort into an empty store."""
    store = Store(cache)
    cohort = load_cohort(root, store=store)
    report = compute_embeddings(cohort, load_extractor(extractor, device="auto"), store)
    assert report.n_computed == len(cohort.table), report.failed


def read_tree_memory(pid: int) -> int:
    """Sum up the resident memory of a process and its descendants, bytes."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = (task / "children").read_text().split()
            total += sum(read_tree_memory(int(child)) for child in children)
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended between two looks
    return total


def measure_peak(folder: Path, n_images: int, extractor: str) -> int:
    """Return the peak memory of embedding n images, bytes."""
    root = make_cohort(folder / str(n_images), n_images, real_root=None, side=SIDE)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=embed, args=(root, folder / f"cache{n_images}", extractor))
    process.start()
    peak = 0
    while process.is_alive():
        peak = max(peak, read_tree_memory(process.pid or 0))
        time.sleep(0.02)
    assert process.exitcode == 0
    return peak


def main() -> None:
    """Measure both sizes and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=5000)
    parser.add_argument("--extractor", default="texture")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = (arguments.small, arguments.large)
        peaks = [measure_peak(Path(folder), n, arguments.extractor) for n in sizes]
    for n_images, peak in zip(sizes, peaks, strict=True):
        print(f"{n_images:,} images with {arguments.extractor}: peak {peak / 1e6:.0f} MB")
    print(f"Ratio: {peaks[1] / peaks[0]:.3f} (at most 1.1).")


if __name__ == "__main__":
    main()
