"""Switching patients: server time over all of them, its growth to 10,000, memory over 1,000.

The reference, in the same run, is the same page asked again for the patient that it shows: what
of a switch is the switch. The large cohort is made up: 10,000 patients, 12,000 small images.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from PIL import Image

from benchmarks.bench_pages import find_server
from benchmarks.cohorts import COLUMNS, find_real_root
from benchmarks.session import PageSession
from cxrlib.system import count_cores
from tests.browser.server import ROOT, served

LIMIT = 0.3  # seconds; the 95th percentile over all patients of the real cohort
N_SWITCHES = 1000
N_LARGE = 10_000
N_WARM = 20
VIEWS = ("PA", "AP", "AP Supine", "L")


def list_patients(data: Path) -> list[str]:
    """List the patients with an X-ray, as recorded."""
    table = pd.read_csv(data / "metadata.csv", dtype=str)
    xrays = table[table["modality"].eq("X-ray")]
    return [str(patient).strip() for patient in xrays["patientid"].dropna().unique()]


def make_large(folder: Path, n_patients: int) -> Path:
    """Make a cohort of many patients, every fifth with two images."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for patient in range(n_patients):
        for day in range(2 if patient % 5 == 0 else 1):
            name = f"{patient}-{day}.png"
            pixels = rng.integers(0, 256, (64, 64), np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name, compress_level=0)
            view = VIEWS[patient % len(VIEWS)]
            rows.append([f"p{patient}", 4 * day, "FM"[patient % 2], 50, "", view, "X-ray", name])
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["finding"] = "Pneumonia/Viral/COVID-19"
    table.to_csv(folder / "metadata.csv", index=False)
    return folder


@dataclass(frozen=True)
class Times:
    """Hold seconds of each switch and of asking again for the same, and processor time a run."""

    switches: np.ndarray
    again: np.ndarray
    cpu: float


def time_switches(address: str, patients: list[str], n: int) -> Times:
    """Switch patients n times, and ask again for every fifth."""
    switches: list[float] = []
    again: list[float] = []
    server = find_server(address)
    before = 0.0
    with PageSession(address, "patients") as session:
        for number in range(N_WARM + n):
            run = session.follow_link({"patient": patients[number % len(patients)]})
            if session.exceptions:
                raise RuntimeError(f"{patients[number % len(patients)]!r}: {session.exceptions}")
            if number < N_WARM:
                before = sum(server.cpu_times()[:2])
                continue
            switches.append(run.seconds)
            if number % 5 == 0:
                again.append(session.run().seconds)
        spent = sum(server.cpu_times()[:2]) - before
    return Times(np.array(switches), np.array(again), spent / (len(switches) + len(again)))


def report_times(name: str, times: Times) -> float:
    """Print a line; return the 95th percentile in seconds."""
    p50, p95 = np.percentile(times.switches, [50, 95])
    again = np.median(times.again)
    print(
        f"{name:28} {len(times.switches):5} switches: p50 {1000 * p50:4.0f} ms, p95 "
        f"{1000 * p95:4.0f} ms, fastest {1000 * times.switches.min():4.0f} ms; same patient again "
        f"p50 {1000 * again:4.0f} ms, ratio {p50 / again:.2f}; processor {1000 * times.cpu:.0f} ms "
        "a run",
        flush=True,
    )
    return float(p95)


def measure_memory(address: str, patients: list[str], n: int) -> None:
    """Print the server's memory after a tenth of n switches and after all of them."""
    server = find_server(address)
    time_switches(address, patients, n // 10)
    before = server.memory_info().rss
    time_switches(address, patients, n - n // 10)
    after = server.memory_info().rss
    print(
        f"memory after {n // 10} switches {before / 2**20:.0f} MiB, after {n} "
        f"{after / 2**20:.0f} MiB: ratio {after / before:.3f}"
    )


def main() -> None:
    """Measure the real cohort where CXR_DATA names it, else the demo; and a large one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "cache")
    parser.add_argument("--switches", type=int, default=N_SWITCHES, help="for the memory; 0: none")
    parser.add_argument("--patients", type=int, default=N_LARGE, help="large cohort; 0: none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = find_real_root()
        data, label = (real, "real cohort") if real else (arguments.cache / "demo", "demo")
        patients = list_patients(data)
        with served(real, cache=arguments.cache, log=folder / "server.log") as address:
            p95 = report_times(label, time_switches(address, patients, len(patients)))
            if arguments.switches:
                measure_memory(address, patients, arguments.switches)
        if arguments.patients:
            large = make_large(folder / "large", arguments.patients)
            with served(large, cache=folder / "cache", log=folder / "large.log") as address:
                times = time_switches(address, list_patients(large), 100)
                report_times(f"{arguments.patients:,} patients", times)
    kept = p95 <= LIMIT
    print(f"limit p95 {1000 * LIMIT:.0f} ms: {'kept' if kept else 'NOT KEPT'}")
    load = os.getloadavg()[0]
    print(f"Cores: {count_cores()}, load {load:.1f}, {psutil.virtual_memory().percent:.0f} % RAM.")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
