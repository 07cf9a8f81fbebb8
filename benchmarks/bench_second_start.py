"""Second `make app`: seconds from the command to the first page with its map in a browser.

The first start generates, embeds and maps; this measures a start after that, in a fresh
browser. The reference is a bare Streamlit page started and opened the same way.
"""

import argparse
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.look import CHROMIUM_FLAGS, find_chromium  # noqa: E402
from tests.browser.server import find_free_port  # noqa: E402

BARE = "import streamlit as st\nst.title('A bare page')\n"


def wait_until_healthy(port: int, started: float) -> None:
    """Ask the server until it answers."""
    while time.monotonic() - started < 60:
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2),
        ):
            return
        time.sleep(0.05)
    raise RuntimeError("The server did not start in 60 s.")


def time_start(browser: Browser, command: list[str], port: int, selector: str) -> float:
    """Start a server, open it, wait for an element; return the seconds it took."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    page = browser.new_page()
    try:
        wait_until_healthy(port, started)
        page.goto(f"http://localhost:{port}/")
        page.wait_for_selector(selector, timeout=60_000)
        return time.monotonic() - started
    finally:
        page.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def main() -> None:
    """Measure both in turn, print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    make = shutil.which("make")
    if make is None:
        sys.exit("make is not installed.")
    subprocess.run([make, "install"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "cxrlib", "map"], cwd=ROOT, check=False)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        seconds: dict[str, list[float]] = {"app": [], "bare": []}
        for _ in range(runs):
            port = find_free_port()
            app = [make, "app", f"PORT={port}"]
            seconds["app"].append(time_start(browser, app, port, ".js-plotly-plot .scatterlayer"))
            port = find_free_port()
            plain = [sys.executable, "-m", "streamlit", "run", str(bare)]
            plain += ["--server.port", str(port), "--server.headless", "true"]
            seconds["bare"].append(time_start(browser, plain, port, "h1"))
        browser.close()
    app_median, bare_median = (statistics.median(seconds[name]) for name in ("app", "bare"))
    for name, values in seconds.items():
        shown = ", ".join(f"{value:.1f}" for value in values)
        print(f"{name}: median {statistics.median(values):.1f} s of {runs} starts ({shown})")
    print(f"ratio app / bare Streamlit page: {app_median / bare_median:.2f} (limit: 6 s for app)")
    sys.exit(0 if app_median <= 6 else 1)


if __name__ == "__main__":
    main()
