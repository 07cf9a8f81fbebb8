"""Open every page in a browser, take its picture, and fail on what nobody should see.

``python -m tests.browser.look --out look`` starts a fresh server, opens each page by deep
link in two themes and two widths, clicks through it, and writes screenshots. It fails on an
exception on screen, an empty chart, text under the readable contrast, or a request that
leaves the machine.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.browser.server import ROOT, served

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox",  # the container's root user has no sandbox to offer
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-gl=angle",  # WebGL in software: the points are drawn by it
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
WIDTHS = {"laptop": (1366, 900), "projector": (1920, 1080)}
NARROW = {"narrow": (820, 1100)}
THEMES = ("light", "dark")
PAGE_TIMEOUT = 60_000  # milliseconds

SCRIPTS = Path(__file__).parent
READ_CHARTS = (SCRIPTS / "read_charts.js").read_text()
READ_CONTRAST = (SCRIPTS / "read_contrast.js").read_text()
FIND_POINT = (SCRIPTS / "find_point.js").read_text()


@dataclass
class Findings:
    """Collect what went wrong, with the page, theme and width it was seen on."""

    failures: list[str] = field(default_factory=list)
    where: str = ""

    def add(self, what: str) -> None:
        """Keep one finding."""
        self.failures.append(f"{self.where}: {what}")


def find_chromium() -> str:
    """Find a Chromium or Chrome on this machine, or say how to get one."""
    for name in CHROMIUM_NAMES:
        path = shutil.which(name)
        if path:
            return path
    sys.exit("No Chromium found. On Debian or Ubuntu: apt-get install chromium")


def open_page(browser: Browser, url: str, *, theme: str, size: tuple[int, int]) -> Page:
    """Open a new window of a size, in a theme."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.set_default_timeout(PAGE_TIMEOUT)
    page.goto(url)
    return page


DRAWN = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const charts = [...document.querySelectorAll('[data-testid="stPlotlyChart"]')];
    return app && app.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]')
        && charts.every(chart => chart.querySelector('.js-plotly-plot .main-svg'));
}"""


def wait_until_drawn(page: Page) -> None:
    """Wait until the script has run and its charts stand."""
    page.wait_for_selector(".cxr-notice")
    page.wait_for_function(DRAWN)
    page.wait_for_timeout(700)  # images and labels settle


def check_page(page: Page, findings: Findings, *, needs_chart: bool = True) -> None:
    """Check what stands on the screen now."""
    for exception in page.query_selector_all('[data-testid="stException"]'):
        findings.add(f"exception on screen: {exception.inner_text()[:300]}")
    if page.locator(".cxr-notice").count() == 0:
        findings.add("the notice is missing")
    for alert in page.query_selector_all(".cxr-error"):
        findings.add(f"error on screen: {alert.inner_text()[:300]}")
    charts = page.evaluate(READ_CHARTS)
    if needs_chart and not charts:
        findings.add("no chart")
    for chart in charts:
        is_drawn = chart["traces"] and chart["points"]
        if not (is_drawn or chart["words"]) or chart["height"] < 50:
            findings.add(f"empty chart: {chart}")
    for line in page.evaluate(READ_CONTRAST):
        findings.add(f"contrast {line}")
    overflow = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if overflow > 1:
        findings.add(f"the page is {overflow} px wider than the window")


def watch_requests(page: Page, findings: Findings) -> None:
    """Note every request for anything but this machine."""

    def look_at(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in {
            "localhost",
            "127.0.0.1",
        }:
            findings.add(f"outside request: {url[:200]}")

    page.on("request", lambda request: look_at(request.url))
    page.on("websocket", lambda socket: look_at(socket.url))


Visit = Callable[[Page, str, Findings, Callable[[str], None]], None]
"""A walk through one page: page, address, findings, and a function that takes a picture."""


def visit_all(
    browser: Browser, address: str, out: Path, *, sizes: dict[str, tuple[int, int]], label: str
) -> list[str]:
    """Walk through every page in each theme and size."""
    findings = Findings()
    for name, visit in VISITS.items():
        for theme in THEMES:
            for width, size in sizes.items():
                findings.where = f"{label} {name} {theme} {width}"
                stem = f"{label}-{name}-{theme}-{width}"
                page = open_page(browser, "about:blank", theme=theme, size=size)
                watch_requests(page, findings)

                def take(step: str, page: Page = page, stem: str = stem) -> None:
                    page.screenshot(path=out / f"{stem}{step}.png", full_page=False)

                try:
                    visit(page, address, findings, take)
                except Error as error:
                    findings.add(f"could not be walked through: {str(error)[:300]}")
                    take("-failed")
                page.context.close()
    return findings.failures


def visit_trajectories(
    page: Page, address: str, findings: Findings, take: Callable[[str], None]
) -> None:
    """Open the map by deep link, click an image, open a link somebody sent."""
    page.goto(f"{address}/trajectories")
    wait_until_drawn(page)
    check_page(page, findings)
    take("")
    click_point(page, findings)
    take("-clicked")
    from tests.browser.viewer import visit_viewer  # which imports this module

    visit_viewer(page, findings, take)
    check_zoom(page, findings)
    if page.viewport_size == {"width": WIDTHS["laptop"][0], "height": WIDTHS["laptop"][1]}:
        from tests.browser.saving import visit_saving  # which imports this module

        page.goto(f"{address}/trajectories")
        wait_until_drawn(page)
        visit_saving(page, findings)
        take("-saved")
    page.goto(f"{address}/trajectories?patient=there-is-no-such-patient")
    wait_until_drawn(page)
    if "there-is-no-such-patient" not in page.inner_text(".stApp"):
        findings.add("an unknown patient in the address is not reported")
    page.evaluate("() => document.querySelector('.stMain').scrollTo(0, 100000)")
    page.wait_for_timeout(600)
    take("-end")


def check_zoom(page: Page, findings: Findings) -> None:
    """Zoom in and change the density: the map must stay where the reader was."""
    page.locator(".js-plotly-plot").first.hover()
    page.locator('[data-title="Zoom in"]').first.click(force=True)
    page.wait_for_timeout(1500)  # the range is sent a quarter of a second after the last change
    before = page.evaluate(READ_RANGE)
    choose(page, "density", "In ICU, intubated or last before death")
    page.wait_for_timeout(800)
    wait_until_drawn(page)
    after = page.evaluate(READ_RANGE)
    width = before[1] - before[0]
    if abs(after[0] - before[0]) > 0.02 * width or abs(after[1] - before[1]) > 0.02 * width:
        findings.add(f"the zoom was lost: {before} became {after}")


def choose(page: Page, key: str, option: str) -> None:
    """Choose an option of a selectbox by its key."""
    page.locator(f".st-key-{key} input").first.click()
    page.get_by_role("option", name=option, exact=True).click()


READ_RANGE = "() => [...document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range]"


def click_point(page: Page, findings: Findings) -> None:
    """Click the first point that is drawn; the image panel must follow."""
    place = page.evaluate(FIND_POINT)
    page.mouse.move(place["x"] - 3, place["y"])
    page.mouse.move(place["x"], place["y"])
    page.wait_for_timeout(300)
    page.mouse.click(place["x"], place["y"])
    page.wait_for_timeout(800)
    wait_until_drawn(page)
    check_page(page, findings)
    if page.locator(".stage img.picture").count() == 0:
        findings.add("no image stands beside the map after a click")


def visit_data(page: Page, address: str, findings: Findings, take: Callable[[str], None]) -> None:
    """Open the data page by deep link, look at its end, ask for a cohort that is not there."""
    page.goto(f"{address}/data")
    wait_until_drawn(page)
    check_page(page, findings)
    take("")
    page.evaluate("() => document.querySelector('.stMain').scrollTo(0, 100000)")
    page.wait_for_timeout(600)
    take("-end")
    page.goto(f"{address}/data?cohort=there-is-no-such-cohort")
    wait_until_drawn(page)
    if "there-is-no-such-cohort" not in page.inner_text(".stApp"):
        findings.add("an unknown cohort in the address is not reported")


def visit_cohort(page: Page, address: str, findings: Findings, take: Callable[[str], None]) -> None:
    """Open the cohort page, then each of its sections by link."""
    for section in SECTIONS:
        page.goto(f"{address}/cohort?section={section}")
        wait_until_drawn(page)
        check_page(page, findings, needs_chart=section in WITH_CHART)
        take(f"-{section}")


def visit_patients(
    page: Page, address: str, findings: Findings, take: Callable[[str], None]
) -> None:
    """Open the patients page, each of its parts, and walk the list by key."""
    for part in PARTS:
        page.goto(f"{address}/patients?part={part.replace(' ', '%20')}")
        wait_until_drawn(page)
        check_page(page, findings)
        take(f"-{part.replace(' ', '-')}")
    before = page.url
    page.keyboard.press("n")
    page.wait_for_timeout(800)
    wait_until_drawn(page)
    if page.url == before:
        findings.add("the key n does not lead to the next patient")
    page.goto(f"{address}/patients?patient=there-is-no-such-patient")
    wait_until_drawn(page)
    if "there-is-no-such-patient" not in page.inner_text(".stApp"):
        findings.add("an unknown patient in the address is not reported")


def visit_baselines(
    page: Page, address: str, findings: Findings, take: Callable[[str], None]
) -> None:
    """Walk through the baselines page."""
    from tests.browser.baselines import visit_baselines as visit  # which imports this module

    visit(page, address, findings, take)


PARTS = (
    "Measurements over time",
    "Map and similar patients",
    "Clinical notes and data quality",
    "Data and download",
)

# Sections of the cohort page; those that hold a chart of Plotly.
SECTIONS = ("overview", "tables", "ages", "missing", "groups", "images", "quality", "papers")
WITH_CHART = ("overview", "ages", "missing", "groups")

VISITS: dict[str, Visit] = {
    "cohort": visit_cohort,
    "patients": visit_patients,
    "trajectories": visit_trajectories,
    "baselines": visit_baselines,
    "data": visit_data,
}


def main() -> None:
    """Look at the demo, and at a cohort of your own where one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    parser.add_argument("--data", type=Path, help="a cohort folder besides the demo")
    parser.add_argument("--cache", type=Path, default=ROOT / "cache")
    parser.add_argument("--quick", action="store_true", help="the demo at one width only")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    sizes = {"laptop": WIDTHS["laptop"]} if arguments.quick else {**WIDTHS, **NARROW}
    cohorts: dict[str, Path | None] = {"demo": None}
    if arguments.data is not None and not arguments.quick:
        cohorts["own"] = arguments.data
    failures = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        for label, data in cohorts.items():
            log = arguments.out / f"{label}-server.log"
            with served(data, cache=arguments.cache, log=log) as address:
                failures += visit_all(browser, address, arguments.out, sizes=sizes, label=label)
        browser.close()
    for failure in failures:
        sys.stdout.write(f"FAILED {failure}\n")
    pictures = len(list(arguments.out.glob("*.png")))
    sys.stdout.write(f"{pictures} pictures in {arguments.out}, {len(failures)} failures\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
