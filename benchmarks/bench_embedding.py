"""Compare embedding end to end with torchxrayvision's dataset and DataLoader.

Both take the same files, the same DenseNet-121 with the same (untrained) weights and the
same cores, each in a process of its own as its users would run it. The reference is
torchxrayvision's COVID19_Dataset with XRayCenterCrop and XRayResizer(224) in a DataLoader;
its best of several settings counts, with torch's threads spinning while they wait (torch's
default) and sleeping (what this library sets). Runs alternate, because a machine's speed
changes with time; medians are compared. Loading the network is left out on both sides.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.cohorts import FRONTAL, find_real_root, make_cohort
from cxrlib.system import count_cores

SETTINGS = [(0, 16), (2, 16)]  # DataLoader's workers and batch size
Result = tuple[float, np.ndarray, np.ndarray]


def serve_reference(connection: Connection, root: Path) -> None:
    """Embed with torchxrayvision's own pieces, once for each setting that comes in."""
    import torch
    import torchxrayvision as xrv
    from torchvision.transforms import Compose

    from cxrlib.embedding.extractors.densenet import make_untrained_state

    network = xrv.models.DenseNet(weights=None)
    network.load_state_dict(make_untrained_state())
    network.eval()

    def run(n_workers: int, batch_size: int) -> Result:
        started = time.perf_counter()
        dataset = xrv.datasets.COVID19_Dataset(
            imgpath=str(root / "images"),
            csvpath=str(root / "metadata.csv"),
            views=list(FRONTAL),
            transform=Compose([xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)]),
        )
        loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, num_workers=n_workers)
        found = []
        with torch.inference_mode():
            for batch in loader:
                embedding = network.features2(torch.as_tensor(batch["img"]))
                found.append((embedding, network.classifier(embedding)))
        seconds = time.perf_counter() - started
        embedding, outputs = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
        return seconds, embedding, outputs

    serve(connection, run)


def serve_ours(connection: Connection, root: Path) -> None:
    """Embed with this library into an empty store, as often as asked."""
    from cxrlib.cohort import load_cohort
    from cxrlib.embedding import compute_embeddings, load_embeddings
    from cxrlib.embedding.extractors import load_extractor
    from cxrlib.storage import Store

    cohort = load_cohort(root)
    extractor = load_extractor("densenet121-untrained", device="cpu")

    def run() -> Result:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            started = time.perf_counter()
            report = compute_embeddings(cohort, extractor, store)
            seconds = time.perf_counter() - started
            assert report.n_computed == len(cohort.table), report.failed
            found = load_embeddings(cohort, extractor.info, store)
        return seconds, found.embedding, found.outputs

    serve(connection, run)


def serve(connection: Connection, run: Callable[..., Result]) -> None:
    """Answer each tuple of arguments with a result, until None comes."""
    while (arguments := connection.recv()) is not None:
        connection.send(run(*arguments))


class Served:
    """A serving process that is called like a function."""

    def __init__(self, target: Callable[[Connection, Path], None], root: Path, policy: str) -> None:
        self._connection, there = multiprocessing.Pipe()
        before = os.environ.pop("OMP_WAIT_POLICY", None)
        if policy:
            os.environ["OMP_WAIT_POLICY"] = policy
        process = multiprocessing.get_context("spawn").Process(target=target, args=(there, root))
        process.start()
        os.environ.pop("OMP_WAIT_POLICY", None)
        if before is not None:
            os.environ["OMP_WAIT_POLICY"] = before

    def __call__(self, *arguments: int) -> Result:
        """Run once."""
        self._connection.send(arguments)
        result: Result = self._connection.recv()
        return result

    def stop(self) -> None:
        """End the process."""
        self._connection.send(None)


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sleeping-only",
        action="store_true",
        help="leave the spinning reference out: the only fair one on a busy machine",
    )
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = make_cohort(Path(folder) / "c", arguments.images, real_root=find_real_root())
        ours = Served(serve_ours, root, "")
        references = {"sleeping": Served(serve_reference, root, "PASSIVE")}
        if not arguments.sleeping_only:
            references["spinning"] = Served(serve_reference, root, "")
        for _ in range(arguments.rounds):
            mine = ours()
            seconds.setdefault("ours", []).append(mine[0])
            for policy, reference in references.items():
                for n_workers, batch_size in SETTINGS:
                    theirs = reference(n_workers, batch_size)
                    name = f"torchxrayvision, {n_workers} workers, {policy}"
                    seconds.setdefault(name, []).append(theirs[0])
            shown = ", ".join(f"{values[-1]:.1f}" for values in seconds.values())
            print(f"round: {shown} s", file=sys.stderr, flush=True)
        for served in (ours, *references.values()):
            served.stop()
    report(seconds, mine, theirs, arguments.images)


def report(seconds: dict[str, list[float]], mine: Result, theirs: Result, n_images: int) -> None:
    """Print times, ratio and differences."""
    for name, values in seconds.items():
        each = ", ".join(f"{1000 * value / n_images:.1f}" for value in values)
        print(f"{name}: {each} ms an image")
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    best = min(value for name, value in medians.items() if name != "ours")
    print(f"Ratio to the best of torchxrayvision: {best / medians['ours']:.2f} (at least 1.7).")
    pairs = zip(mine[1:], theirs[1:], strict=True)
    embedding, outputs = (np.abs(a - b).max() / np.abs(b).mean() for a, b in pairs)
    print(f"Largest difference over mean: {embedding:.1e}, outputs {outputs:.1e} (at most 1e-4).")
    print(f"Cores: {count_cores()}, load {os.getloadavg()[0]:.1f} (all processes).")


if __name__ == "__main__":
    main()
