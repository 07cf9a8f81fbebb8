"""Use one server from two browsers at once, as two people would, and restart it meanwhile.

``python -m tests.browser.two_browsers --out look`` lets one browser start an embedding job on
the data page, checks that both see it, cancels it in the other, restarts the server, resumes
the job, kills its worker, resumes it again and waits for its map. Then links copied from one
browser are opened in the other, which must show the same screen. Every step leaves a picture
of both.

The cache is a copy, so that the job is new and nothing of yours is touched.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.browser.look import (
    CHROMIUM_FLAGS,
    PAGE_TIMEOUT,
    Findings,
    choose,
    click_point,
    find_chromium,
    open_page,
    wait_until_drawn,
    watch_requests,
)
from tests.browser.server import ROOT, find_free_port, served

JOB = "DenseNet-121"  # the network's title holds it; its embeddings of the demo are new
JOB_TIMEOUT = 600  # seconds
PROGRESS = re.compile(r"Embedding (\d+) of (\d+) images")
SIZE = (1366, 1300)  # the jobs stand below the extractors


@dataclass
class Walk:
    """Hold the two browsers and what was found out with them."""

    first: Page
    second: Page
    out: Path
    findings: Findings = field(default_factory=Findings)
    n_pictures: int = 0

    @property
    def both(self) -> dict[str, Page]:
        """The two by name."""
        return {"first": self.first, "second": self.second}

    def take(self, step: str) -> None:
        """Take a picture of both."""
        self.n_pictures += 1
        self.findings.where = f"two browsers, {step}"
        for name, page in self.both.items():
            page.screenshot(path=self.out / f"two-{self.n_pictures:02}-{step}-{name}.png")
            for exception in page.query_selector_all('[data-testid="stException"]'):
                self.findings.add(f"exception in the {name}: {exception.inner_text()[:300]}")

    def expect(self, what: str, is_so: bool) -> None:
        """Note what is not as it should be."""
        sys.stdout.write(f"{'ok    ' if is_so else 'FAILED'} {what}\n")
        sys.stdout.flush()
        if not is_so:
            self.findings.add(what)

    def wait_both(self, what: str, pattern: str, *, timeout: float = 60) -> None:
        """Wait until both show words in the page."""
        for name, page in self.both.items():
            self.expect(f"{what} ({name})", wait_for_words(page, pattern, timeout=timeout))


def wait_for_words(page: Page, pattern: str, *, timeout: float = 60) -> bool:
    """Wait until the page shows words that match; tell whether it did."""
    return wait_until(lambda: re.search(pattern, read_main(page)) is not None, timeout=timeout)


def wait_until(is_so: Callable[[], bool], *, timeout: float) -> bool:
    """Ask again and again; a page that is just being redrawn counts as not yet."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if is_so():
                return True
        except Error:
            pass
        time.sleep(0.2)
    return False


def read_main(page: Page) -> str:
    """Return what the page says, without the sidebar."""
    return page.locator('[data-testid="stMain"]').inner_text()


def read_progress(page: Page) -> tuple[int, int]:
    """Return how many images of how many this run has embedded as the page says."""
    found = PROGRESS.search(read_main(page))
    return (int(found[1]), int(found[2])) if found else (0, 0)


# ---- the cache and the worker


def copy_cache(source: Path, target: Path) -> None:
    """Copy what the demo needs, but no job and no network's embeddings."""

    def leave_out(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).name
        return [n for n in names if n == "jobs" or (inside == "embeddings" and "densenet" in n)]

    if source.is_dir():
        shutil.copytree(source, target, ignore=leave_out)


def read_jobs(cache: Path) -> list[dict[str, object]]:
    """Read the records of the jobs, the one that was changed last first."""
    paths = sorted((cache / "jobs").glob("*.json"), key=lambda path: -path.stat().st_mtime)
    return [json.loads(path.read_text()) for path in paths]


def find_worker(cache: Path) -> psutil.Process | None:
    """Find the process that runs the job."""
    pids = [job["pid"] for job in read_jobs(cache) if job["state"] == "running"]
    return psutil.Process(pids[0]) if pids and isinstance(pids[0], int) else None


@contextmanager
def held_still(cache: Path) -> Iterator[None]:
    """Let the process that runs the job do nothing for a while."""
    worker = find_worker(cache)
    if worker is not None:
        worker.suspend()
    try:
        yield
    finally:
        if worker is not None:
            with suppress(psutil.NoSuchProcess):  # who does not stop in time is ended
                worker.resume()


def kill_worker(cache: Path) -> bool:
    """Kill the process that runs the job, as a lack of memory would; tell whether there was one."""
    worker = find_worker(cache)
    if worker is not None:
        worker.kill()
    return worker is not None


def stop_workers(cache: Path) -> None:
    """Stop the worker of this cache, which would wait two minutes for more."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "work" in words and str(cache) in words:
            process.terminate()


# ---- the walk


def walk_job(walk: Walk, port: int, cache: Path) -> None:
    """Start, cancel, restart, resume, kill and finish one job, seen by both."""
    log = walk.out / "two-server.log"
    with served(None, cache=cache, log=log, port=port) as address:
        for page in walk.both.values():
            page.goto(f"{address}/data")
            wait_until_drawn(page)
        walk.take("nothing-runs")
        offer(walk.first).click()
        walk.wait_both("both see the job that the first one started", PROGRESS.pattern, timeout=180)
        walk.take("started-by-first")
        enough = wait_until(lambda: read_progress(walk.second)[0] > 20, timeout=120)
        walk.expect("progress moves in the second, which asked for nothing", enough)
        with held_still(cache):  # a fast machine would be done before the click
            n_images = read_progress(walk.second)[1]
            walk.second.get_by_role("button", name="Cancel").last.click()
            wait_until(lambda: read_jobs(cache)[0]["state"] != "running", timeout=30)
        walk.wait_both("both see that the second one cancelled", r"cancelled\. Resume it")
        walk.take("cancelled-by-second")
    done = count_embedded(walk.first)
    walk.expect(f"what was embedded is kept ({done} images)", done > 0)
    with served(None, cache=cache, log=log, port=port) as address:
        # The first leaves its page open: it finds the new server by itself.
        walk.second.goto(f"{address}/data")
        wait_until_drawn(walk.second)
        walk.wait_both("after the restart both still see the cancelled job", "cancelled. Resume it")
        walk.take("server-restarted")
        offer(walk.first, "Resume").click()
        walk.wait_both("both see it resumed", PROGRESS.pattern, timeout=180)
        walk.take("resumed-by-first")
        left = read_progress(walk.second)[1]
        walk.expect(f"{left} images are left of {n_images}", left == n_images - done)
        walk.expect("there is a worker to kill", kill_worker(cache))
        walk.wait_both("both see that the worker is gone", r"stopped unexpectedly: .* Resume it\.")
        walk.take("worker-killed")
        walk.second.get_by_role("button", name="Resume").last.click()
        walk.wait_both("it runs again", r"Embedding \d|Computing the map", timeout=180)
        walk.wait_both("both see it done", r"done in ", timeout=JOB_TIMEOUT)
        walk.take("done")
        walk_links(walk, address)


def offer(page: Page, words: str = "Compute the map") -> object:
    """Find the button that starts or resumes the network's job."""
    return page.get_by_role("button", name=words).first


def count_embedded(page: Page) -> int:
    """Return how many images the data page says the network has embedded; others have all or 0."""
    counts = re.findall(r"([1-9][\d,]*) of \d[\d,]* images embedded", read_main(page))
    return min((int(count.replace(",", "")) for count in counts), default=0)


LINKS: dict[str, str] = {
    "filters": "/trajectories?view=AP&view=PA&sex=F&density=none",
    "patients": "/trajectories?patient=12&smoothing=0.5&large=true",
    "data": "/data?view=AP",
    "wrong": "/trajectories?view=Sideways&patient=nobody&image=%3Cb%3Eno%3C%2Fb%3E&cohort=nowhere",
}


def walk_links(walk: Walk, address: str) -> None:
    """Copy links from the first browser and open them in the second."""
    for name, path in LINKS.items():
        walk.first.goto(f"{address}{path}")
        wait_until_drawn(walk.first)
        # What cannot be used leaves the address: a wrong link is opened as it was sent.
        compare_screens(walk, name, f"{address}{path}" if name == "wrong" else walk.first.url)
        if name == "wrong":
            check_reported(walk)
    use_widgets(walk, address)
    compare_screens(walk, "used", walk.first.url)


def check_reported(walk: Walk) -> None:
    """Check that every part of the wrong link is named on screen."""
    said = walk.second.inner_text(".stApp")
    for word in ("Sideways", "nobody", "<b>no</b>", "nowhere"):
        walk.expect(f"{word!r} of the address is reported", word in said)


def use_widgets(walk: Walk, address: str) -> None:
    """Change filters, density and image by hand in the first browser."""
    page = walk.first
    page.goto(f"{address}/trajectories")
    wait_until_drawn(page)
    page.locator(".st-key-view input").first.click()
    page.get_by_role("option", name="AP", exact=True).click()
    page.keyboard.press("Escape")
    wait_until_drawn(page)
    choose(page, "density", "In ICU, intubated or last before death")
    wait_until_drawn(page)
    click_point(page, walk.findings)
    walk.expect("the filter stands in the address", "view=AP" in page.url)
    walk.expect("the image stands in the address", "image=" in page.url)


def compare_screens(walk: Walk, name: str, url: str) -> None:
    """Open a link of the first browser in the second; both must show the same."""
    walk.second.goto(url)
    for page in walk.both.values():
        wait_until_drawn(page)
    walk.take(f"link-{name}")
    there, here = (read_screen(page) for page in walk.both.values())
    walk.expect(f"link {name!r} opens the same screen", there == here)
    if there != here:
        lines = [(a, b) for a, b in zip(there, here, strict=False) if a != b][:3]
        walk.findings.add(f"link {name!r}: {url} differs: {lines}")


READ_CHARTS = """() => [...document.querySelectorAll('.js-plotly-plot')].map(
    chart => JSON.stringify([chart.data.map(t => [t.name, (t.x || []).length]),
                             chart._fullLayout.xaxis.range]))"""


def read_screen(page: Page) -> list[str]:
    """Return what a screen says and draws: its words, its filters, its charts' counts."""
    words = page.inner_text('[data-testid="stAppViewContainer"]').splitlines()
    pictures = page.eval_on_selector_all("img[alt]", "all => all.map(one => one.alt)")
    return [*words, *pictures, *page.evaluate(READ_CHARTS)]


@contextmanager
def opened(browser: Browser, out: Path) -> Iterator[Walk]:
    """Open two windows that share nothing, the second in the dark theme."""
    findings = Findings()
    pages = [open_page(browser, "about:blank", theme="light", size=SIZE) for _ in range(2)]
    for page in pages:
        page.set_default_timeout(PAGE_TIMEOUT)
        watch_requests(page, findings)
    walk = Walk(*pages, out=out, findings=findings)
    try:
        yield walk
    finally:
        for page in pages:
            page.context.close()


def main() -> None:
    """Walk, and fail on what nobody should see."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    parser.add_argument("--cache", type=Path, default=ROOT / "cache", help="is copied")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        cache = Path(folder) / "cache"
        copy_cache(arguments.cache, cache)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        with opened(browser, arguments.out) as walk:
            try:
                walk_job(walk, find_free_port(), cache)
            except Error as error:
                walk.findings.add(f"could not be walked through: {str(error)[:400]}")
                walk.take("failed")
            finally:
                stop_workers(cache)
        browser.close()
    for failure in walk.findings.failures:
        sys.stdout.write(f"FAILED {failure}\n")
    sys.stdout.write(f"{2 * walk.n_pictures} pictures, {len(walk.findings.failures)} failures\n")
    sys.exit(1 if walk.findings.failures else 0)


if __name__ == "__main__":
    main()
