"""Server time of every page and its main actions: p50, p95 and the fastest of 50.

Beside it stands the processor time that the server used for a run, on average: on a machine
that others use too, it says more than the clock.

Server time is one run of the script on a warm server, from sending the widget's message to
``script_finished``, measured by a client of the WebSocket (``benchmarks/session.py``). Every
action changes something each time, so that no cached answer is measured. A bare Streamlit page
with one slider says what of it is Streamlit itself and this client.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil

from benchmarks.cohorts import find_real_root
from benchmarks.session import PageSession, Run
from benchmarks.widgets import select_points
from cxrlib.system import count_cores
from tests.browser.server import ROOT, served, served_script

BARE = "import streamlit as st\nst.slider('Number', 0.0, 3.0, 1.0, key='number')\n"
N_WARM = 5
FILTER_LIMIT = 0.3  # seconds; the 95th percentile on the real cohort
RUN_LIMIT = 2.0  # a run of a task, or anything else on the baselines page
MAP_LIMIT = 0.3  # seconds; likewise, of the map of the trajectories page
COHORT_LIMIT = 1.0  # seconds; likewise, of the cohort page

Act = Callable[[PageSession, int], Run]


@dataclass(frozen=True)
class Action:
    """Hold one thing a reader does on a page.

    Parameters
    ----------
    page : str
        Path of the page.
    name : str
        In words.
    act : callable
        Does it once; takes the session and a running number, from which each time differs.
    limit : float
        Seconds that the 95th percentile must keep; none by default.
    """

    page: str
    name: str
    act: Act
    limit: float = math.inf


def change_patient(session: PageSession, number: int) -> Run:
    """Choose two other patients."""
    options = session.find_widget("patient").options
    start = (2 * number) % (len(options) - 1)
    return session.set_widget("patient", options[start : start + 2])


def change_colour(session: PageSession, number: int) -> Run:
    """Go through what the points can be coloured by: records and outputs."""
    options = session.find_widget("colour").options
    return session.set_widget("colour", options[number % len(options)])


def change_state(session: PageSession, number: int) -> Run:
    """Go through the definitions of a bad image."""
    options = session.find_widget("density").options
    return session.set_widget("density", options[number % len(options)])


def change_surface(session: PageSession, number: int) -> Run:
    """Draw share and density in turn."""
    return session.set_widget("surface", [("density", "share")[number % 2]])


def change_view(session: PageSession, number: int) -> Run:
    """Draw the shade within another view."""
    options = session.find_widget("within").options
    return session.set_widget("within", options[number % len(options)])


def change_smoothing(session: PageSession, number: int) -> Run:
    """Move the slider by one step."""
    return session.set_widget("smoothing", [round(0.2 + 0.1 * (number % 29), 1)])


def click_image(session: PageSession, number: int) -> Run:
    """Click another point of the map."""
    ids = list_points(session)
    return session.set_widget("map", select_points([ids[(7 * number) % len(ids)]]))


def filter_views(session: PageSession, number: int) -> Run:
    """Filter by another set of views."""
    options = session.find_widget("view").options
    chosen = number % (2 ** len(options) - 1) + 1  # each bit stands for an option
    return session.set_widget("view", [o for bit, o in enumerate(options) if chosen >> bit & 1])


def filter_country(session: PageSession, number: int) -> Run:
    """Filter by two other countries."""
    options = session.find_widget("country").options
    return session.set_widget("country", [options[(number + i) % len(options)] for i in (0, 7)])


def filter_ages(session: PageSession, number: int) -> Run:
    """Filter by another range of ages."""
    stops = session.find_widget("age").options
    low = 1 + number % 20
    return session.set_widget("age", [stops[low], stops[-2 - (3 * number) % 20]])


def filter_flags(session: PageSession, number: int) -> Run:
    """Leave out other flagged images, while two filters are set."""
    if not number:
        session.set_widget("view", session.find_widget("view").options[:3])
        session.set_widget("sex", session.find_widget("sex").options[:2])
    options = session.find_widget("without").options
    start = number % len(options)
    return session.set_widget("without", options[start : start + 1 + number % 3])


def change_unit(session: PageSession, number: int) -> Run:
    """Count images, patients, persons in turn."""
    options = session.find_widget("unit").options
    return session.set_widget("unit", [options[number % len(options)]])


def change_section(session: PageSession, number: int) -> Run:
    """Go through the parts of the cohort page."""
    options = session.find_widget("section").options
    return session.set_widget("section", [options[number % len(options)]])


def change_detail(session: PageSession, number: int) -> Run:
    """Go through the parts of the baselines page; what takes long there is a job."""
    options = [name for name in session.find_widget("detail").options if name != "feature sets"]
    return session.set_widget("detail", [options[number % len(options)]])


def change_task(session: PageSession, number: int) -> Run:
    """Turn to another of the papers' tasks: its card and flow; nothing is run."""
    options = session.find_widget("baseline_task").options[:7]
    return session.set_widget("baseline_task", [options[number % len(options)]])


def switch_page(session: PageSession, number: int) -> Run:
    """Go to the data page and come back, which counts."""
    session.open_page("data")
    return session.open_page("trajectories")


def list_points(session: PageSession) -> list[str]:
    """List the image ids that stand on the map."""
    spec = json.loads(session.find_widget("map").proto.spec)
    return [point[0] for trace in spec["data"] for point in trace.get("customdata") or []]


ACTIONS = [
    Action("cohort", "nothing changed", lambda session, number: session.run(), COHORT_LIMIT),
    Action("cohort", "other unit", change_unit, COHORT_LIMIT),
    Action("cohort", "other section", change_section, COHORT_LIMIT),
    Action("cohort", "filter: views", filter_views, COHORT_LIMIT),
    Action("trajectories", "nothing changed", lambda session, number: session.run()),
    Action("trajectories", "other patients", change_patient, MAP_LIMIT),
    Action("trajectories", "other colour", change_colour, MAP_LIMIT),
    Action("trajectories", "other bad state", change_state, MAP_LIMIT),
    Action("trajectories", "share or density", change_surface, MAP_LIMIT),
    Action("trajectories", "shade in other view", change_view, MAP_LIMIT),
    Action("trajectories", "other smoothing", change_smoothing, MAP_LIMIT),
    Action("trajectories", "other image", click_image),
    Action("trajectories", "filter: views", filter_views, FILTER_LIMIT),
    Action("trajectories", "filter: countries", filter_country, FILTER_LIMIT),
    Action("trajectories", "filter: ages", filter_ages, FILTER_LIMIT),
    Action("trajectories", "filter: flags", filter_flags, FILTER_LIMIT),
    Action("trajectories", "back from data", switch_page),
    Action("baselines", "nothing changed", lambda session, number: session.run(), RUN_LIMIT),
    Action("baselines", "other part", change_detail, RUN_LIMIT),
    Action("baselines", "other task", change_task, RUN_LIMIT),
    Action("data", "nothing changed", lambda session, number: session.run()),
    Action("data", "filter: views", filter_views, FILTER_LIMIT),
    Action("data", "jobs looked at", lambda session, number: session.poll()),
]


@dataclass(frozen=True)
class Measured:
    """Hold the runs of one action, and what they cost the server's processor each, seconds."""

    runs: list[Run]
    cpu: float


def find_server(address: str) -> psutil.Process:
    """Find the process that listens at an address of this machine."""
    port = urlsplit(address).port
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN
        if listens and tuple(connection.laddr)[1] == port:
            return psutil.Process(connection.pid)
    raise RuntimeError(f"No server of this machine listens at {address}.")


def time_server(address: str, act: Callable[[int], Run], n_runs: int) -> Measured:
    """Do something again and again, after a few times that warm up."""
    server = find_server(address)
    for number in range(N_WARM):
        act(number)
    before = server.cpu_times()
    runs = [act(number) for number in range(N_WARM, N_WARM + n_runs)]
    after = server.cpu_times()
    used = after.user + after.system - before.user - before.system
    return Measured(runs, used / n_runs)


def measure(address: str, action: Action, n_runs: int) -> Measured:
    """Do an action again and again in a session of its own.

    Raises
    ------
    RuntimeError
        If an exception stands on the page: a page that fails is fast.
    """
    with PageSession(address, action.page) as session:
        measured = time_server(address, lambda number: action.act(session, number), n_runs)
        if session.exceptions:
            raise RuntimeError(f"{action.page}, {action.name}: {session.exceptions}")
    return measured


def measure_opening(address: str, page: str, n_runs: int) -> Measured:
    """Open a page in new sessions."""

    def open_once(_: int) -> Run:
        with PageSession(address, page) as session:
            return session.first_run

    return time_server(address, open_once, n_runs)


def report(page: str, name: str, measured: Measured, limit: float = math.inf) -> bool:
    """Print a line; return whether the limit is kept."""
    runs = measured.runs
    times = [1000 * run.seconds for run in runs]
    p95 = float(np.percentile(times, 95))
    size = statistics.median(run.n_bytes for run in runs) / 1000
    is_kept = p95 <= 1000 * limit
    words = (
        ""
        if math.isinf(limit)
        else f"  limit {1000 * limit:.0f}: {'kept' if is_kept else 'NOT KEPT'}"
    )
    print(
        f"{page:14} {name:22} {statistics.median(times):6.0f} {p95:6.0f} {min(times):6.0f} "
        f"{1000 * measured.cpu:6.0f} {size:8.0f}{words}",
        flush=True,
    )
    return is_kept


def measure_bare(folder: Path, n_runs: int) -> None:
    """Measure the bare page's slider."""

    def move(session: PageSession, number: int) -> Run:
        return session.set_widget("number", [round(0.1 * (number % 30), 1)])

    script = folder / "bare.py"
    script.write_text(BARE)
    with served_script(script, log=folder / "bare.log") as address:
        report("bare page", "other number", measure(address, Action("", "slider", move), n_runs))


def measure_cohort(address: str, n_runs: int, only: str) -> bool:
    """Measure every page of a server; return whether all limits are kept."""
    chosen = [action for action in ACTIONS if only in f"{action.page} {action.name}"]
    for page in dict.fromkeys(action.page for action in chosen):
        report(page, "opened", measure_opening(address, page, n_runs))
    # Every action is measured, also after one that missed its limit.
    kept = [report(a.page, a.name, measure(address, a, n_runs), a.limit) for a in chosen]
    return all(kept)


def main() -> None:
    """Measure the demo and, with CXR_DATA, the real cohort."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=ROOT / "cache")
    parser.add_argument("--only", default="", help="words that page and action must hold")
    parser.add_argument("--address", help="of a server that runs already, instead of new ones")
    arguments = parser.parse_args()
    print(f"{'page':14} {'action':22} {'p50':>6} {'p95':>6} {'min':>6} {'CPU':>6} {'kB':>8}   (ms)")
    cohorts: dict[str, Path | None] = {"demo": None}
    if (root := find_real_root()) is not None:
        cohorts["real cohort"] = root
    is_kept = True
    with tempfile.TemporaryDirectory() as folder:
        if arguments.address:
            is_kept = measure_cohort(arguments.address, arguments.runs, arguments.only)
        else:
            measure_bare(Path(folder), arguments.runs)
            for name, data in cohorts.items():
                log = Path(folder) / "server.log"
                print(f"-- {name}")
                with served(data, cache=arguments.cache, log=log) as address:
                    is_kept &= measure_cohort(address, arguments.runs, arguments.only)
    print(f"Cores: {count_cores()}, load {os.getloadavg()[0]:.1f} (all processes).")
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
