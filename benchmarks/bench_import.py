"""The import of 100,000 rows with linked images, beside a plain pandas script that does less.

The source is made: a table of films joined with one of patients, and a small file for each film.
The plain script reads both tables whole, merges them, renames columns, maps values, asks of each
file whether it is there and writes the table; it checks no cell, keeps no extra column and reports
nothing. Both run in processes of their own, by turns; the peak memory is that of the process.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from cxrlib.importing import Importer, NamedMapping, parse_mapping

MOST_SECONDS, MOST_MB = 60.0, 1024.0
PER_FOLDER = 1000
MAPPING = """
[[table]]
file = "films.csv"

[[table]]
file = "patients.csv"
by = ["patient"]

[images]
file = "png/{folder}/{film}"
endings = [".png"]

[columns]
patientid = "patient"
sex = { from = "gender", values = { "1" = "M", "2" = "F" } }
age = { from = "months", factor = 0.0833333333 }
offset = { from = "taken", days_since_first = "%Y%m%d" }
view = "position"
finding = { labels = ["edema", "effusion", "mass"] }
modality = { constant = "X-ray" }
clinical_notes = "report"
"""


def make_source(root: Path, n_rows: int) -> None:
    """Write the tables and one small file for each film."""
    films = pd.DataFrame({"film": [f"f{i:06}" for i in range(n_rows)]})
    number = pd.Series(range(n_rows))
    films["folder"] = (number // PER_FOLDER).map("d{:03}".format)
    films["patient"] = (number // 3).map("p{:06}".format)
    films["taken"] = (20200101 + number % 28).astype(str)
    films["position"] = number.map(lambda i: ("PA", "AP", "LATERAL")[i % 3])
    for label, every in (("edema", 2), ("effusion", 3), ("mass", 7)):
        films[label] = (number % every == 0).astype(int)
    films["report"] = number.map(lambda i: f"Film {i}, no acute disease, lines in place. " * 4)
    for i in range(12):
        films[f"setting {i}"] = (number * (i + 1)) % 97
    films.to_csv(root / "films.csv", index=False)
    patient = pd.Series(range(n_rows // 3 + 1))
    patients = pd.DataFrame({"patient": patient.map("p{:06}".format)})
    patients["gender"], patients["months"] = patient % 2 + 1, 240 + patient % 800
    patients.to_csv(root / "patients.csv", index=False)
    for folder, names in films.groupby("folder")["film"]:
        (root / "png" / str(folder)).mkdir(parents=True)
        for name in names:
            (root / "png" / str(folder) / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n")


def import_ours(source: Path, target: Path) -> None:
    """Import as the command does."""
    named = NamedMapping("bench.toml", MAPPING, parse_mapping(MAPPING, "bench.toml"))
    report = Importer(source, named).run(target)
    assert report.is_complete


def import_plainly(source: Path, target: Path) -> None:
    """Do by pandas, all in memory, what a person would write for this source alone."""
    films = pd.read_csv(source / "films.csv", dtype=str)
    films = films.merge(pd.read_csv(source / "patients.csv", dtype=str), how="left", on="patient")
    out = pd.DataFrame({"patientid": films["patient"]})
    out["filename"] = films["folder"] + "/" + films["film"] + ".png"
    out["sex"] = films["gender"].map({"1": "M", "2": "F"})
    out["age"] = films["months"].astype(float) * 0.0833333333
    taken = pd.to_datetime(films["taken"], format="%Y%m%d")
    out["offset"] = (taken - taken.groupby(films["patient"]).transform("min")).dt.days
    out["view"], out["clinical_notes"] = films["position"], films["report"]
    labels = ("edema", "effusion", "mass")
    names = [films[label].map({"1": f"{label}, ", "0": ""}) for label in labels]
    out["finding"] = (names[0] + names[1] + names[2]).str.removesuffix(", ")
    assert all((source / "png" / name).is_file() for name in out["filename"])
    target.mkdir()
    out.to_csv(target / "metadata.csv", index=False)
    (target / "images").symlink_to(source / "png")


def measure(work: Callable[[Path, Path], None], source: Path, target: Path) -> tuple[float, float]:
    """Run in a process of its own; give processor seconds, without imports, and peak memory, MB."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, source, target, send))
    process.start()
    seconds, peak = receive.recv()
    process.join()
    return seconds, peak


def _work(work: Callable[[Path, Path], None], source: Path, target: Path, send: object) -> None:
    start = time.process_time()  # others work on the machine
    work(source, target)
    seconds = time.process_time() - start
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    send.send((seconds, peak))  # type: ignore[attr-defined]


def main() -> None:
    """Print seconds and memory of both, and their ratio, as JSON; fail beyond the limits."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        source.mkdir()
        make_source(source, chosen.rows)
        times: dict[str, list[float]] = {"ours": [], "plain": []}
        peaks: dict[str, float] = {}
        for i in range(chosen.rounds):
            for name, work in (("ours", import_ours), ("plain", import_plainly)):
                seconds, peak = measure(work, source, Path(folder, f"{name}{i}"))
                times[name].append(seconds)
                peaks[name] = max(peak, peaks.get(name, 0.0))
    medians = {name: statistics.median(found) for name, found in times.items()}
    result = {
        "rows": chosen.rows,
        "processor_seconds": {name: round(seconds, 2) for name, seconds in medians.items()},
        "ratio": round(medians["ours"] / medians["plain"], 2),
        "peak_mb": {name: round(peak) for name, peak in peaks.items()},
        "load": os.getloadavg()[0],
    }
    print(json.dumps(result, indent=1))
    assert medians["ours"] <= MOST_SECONDS, medians
    assert peaks["ours"] <= MOST_MB, peaks


if __name__ == "__main__":
    main()
