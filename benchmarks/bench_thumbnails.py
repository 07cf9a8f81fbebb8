"""Compare making thumbnails with one process that does the same with Pillow alone.

Both take the same X-rays and write one greyscale JPEG file each, of the first channel, at
most 512 pixels a side. The reference is what one would write with Pillow's documentation at
hand: open, take the first channel, ``thumbnail``, save. Ours also checks that each file is
the one the cohort was loaded with, and seals what it writes. Runs alternate and medians are
compared. Beside the ratio it prints the processor time of both and the busiest share of the
cores that ours reached: where all are busy, the cores are the limit.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.cohorts import find_real_root, make_cohort
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.display import THUMBNAIL_SIDE, compute_thumbnails, read_thumbnail
from cxrlib.storage import Store
from cxrlib.system import count_cores

SIZE = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
Times = tuple[float, float]


def make_with_pillow(paths: list[Path], folder: Path) -> None:
    """Make thumbnails one after the other."""
    for i, path in enumerate(paths):
        with Image.open(path) as image:
            grey = image if image.mode == "L" else image.getchannel(0)
            grey.thumbnail(SIZE, Image.Resampling.LANCZOS)
            grey.save(folder / f"{i}.jpg", quality=90)


def measure(run: Callable[[Path], None]) -> Times:
    """Return the seconds and the seconds of processor time that a run takes."""
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        run(Path(folder))
        return time.perf_counter() - wall, time.process_time() - processor


def compare_pixels(cohort: Cohort, paths: list[Path]) -> list[float]:
    """Return the mean difference of each thumbnail from Pillow's, grey levels."""
    differences = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_with_pillow(paths, folder)
        store = Store(folder / "cache")
        compute_thumbnails(cohort, store)
        for i, sha256 in enumerate(cohort.table["sha256"]):
            (folder / "ours.jpg").write_bytes(read_thumbnail(store, sha256) or b"")
            with Image.open(folder / "ours.jpg") as ours, Image.open(folder / f"{i}.jpg") as theirs:
                both = [np.asarray(x.resize(theirs.size), dtype=float) for x in (ours, theirs)]
            differences.append(float(np.abs(both[0] - both[1]).mean()))
    return differences


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=851)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cohort, paths = make_images(Path(folder), arguments.images)
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            theirs.append(measure(lambda folder: make_with_pillow(paths, folder)))
            ours.append(measure(lambda folder: check(compute_thumbnails(cohort, Store(folder)))))
        differences = compare_pixels(cohort, paths)
    report(ours, theirs, differences)


def make_images(folder: Path, n_images: int) -> tuple[Cohort, list[Path]]:
    """Take the real collection's X-rays, or generate some."""
    root = find_real_root() or make_cohort(folder / "c", n_images, real_root=None)
    cohort = load_cohort(root, store=Store(folder / "index")).select_xrays().select_with_file()
    first = cohort.table.index < n_images
    cohort = cohort.select(cohort.table["is_xray"] & first, "as many as asked for")
    return cohort, [cohort.image_path(image_id) for image_id in cohort.table["image_id"]]


def check(made: object) -> None:
    """Stop if a thumbnail is missing: the times would not compare."""
    assert len(made.failed) == 0, made.failed  # type: ignore[attr-defined]


def report(ours: list[Times], theirs: list[Times], differences: list[float]) -> None:
    """Print times, ratio and differences."""
    n_images = len(differences)
    medians = {}
    for name, times in {"Ours": ours, "Pillow, one process": theirs}.items():
        medians[name] = tuple(statistics.median(column) for column in zip(*times, strict=True))
        each = ", ".join(f"{wall:.2f}" for wall, _ in times)
        print(
            f"{name}: {each} s for {n_images} images; processor {medians[name][1]:.2f} s "
            f"({1000 * medians[name][1] / n_images:.1f} ms an image)"
        )
    (wall, processor), (reference, alone) = medians.values()
    cores = count_cores()
    print(f"Ratio: {reference / wall:.2f} (at least 3, or what {cores} cores allow).")
    print(f"Ratio of processor times: {alone / processor:.2f}; times {cores} cores is the limit.")
    print(f"Cores busy while ours ran: {processor / wall:.2f} of {cores}.")
    print(
        f"Mean difference from Pillow's: {np.mean(differences):.2f} grey levels, "
        f"at most {max(differences):.2f} in one image."
    )
    print(f"Load {os.getloadavg()[0]:.1f} (all processes).")


if __name__ == "__main__":
    main()
