"""Use the montage in a browser as a reader would, and fail on what goes wrong.

``python -m tests.browser.montage --out look`` serves a page with nothing but these.
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Request, sync_playwright

from tests.browser.look import CHROMIUM_FLAGS, THEMES, Findings, find_chromium, open_page
from tests.browser.server import ROOT, served_script

APP = Path(__file__).with_name("montage_app.py")
READ_CONTRAST = (Path(__file__).parent / "read_contrast.js").read_text()
SIZES = {"laptop": (1366, 900), "narrow": (412, 900)}
FOCUSED = """montage => {
    const tiles = [...montage.querySelectorAll('.tile')];
    return tiles.indexOf(montage.getRootNode().activeElement);
}"""


class Walk:
    """Hold a montage on a page, and what is found wrong with it."""

    def __init__(self, page: Page, findings: Findings) -> None:
        self.page, self.findings = page, findings
        self.montage = page.locator(".cxr-montage").first
        self.tiles = self.montage.locator(".tile")
        self.montage.wait_for()
        page.wait_for_timeout(1500)

    def check(self, right: bool, what: str) -> None:
        """Keep a finding unless something is right."""
        if not right:
            self.findings.add(f"montage: {what}")

    def count(self) -> str:
        """Read which images are shown."""
        return self.montage.locator(".count").inner_text()

    def press(self, *keys: str) -> int:
        """Press keys; return the place of the tile that has the focus then."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(1500 if key.startswith("Page") else 60)
        return self.focused()

    def focused(self) -> int:
        """Return the place of the tile that has the focus, -1 for none."""
        return self.montage.evaluate(FOCUSED)


def check_shown(walk: Walk, asked: list[str]) -> None:
    """Check that a page is there, and that no more was asked for."""
    n_tiles = walk.tiles.count()
    walk.check(0 < n_tiles <= 60, f"{n_tiles} tiles on a page")
    walk.check(len(set(asked)) <= n_tiles, f"{len(set(asked))} images asked for {n_tiles} tiles")
    wide = walk.montage.evaluate("m => m.scrollWidth - m.clientWidth")
    walk.check(wide <= 0, f"{wide} pixels wider than its place")
    for line in walk.page.evaluate(READ_CONTRAST):
        walk.check(False, f"contrast {line}")


def check_keys(walk: Walk) -> None:
    """Move by keys, over the edge of a page and back; one stop of the Tab key."""
    walk.tiles.first.focus()
    walk.check(walk.press("ArrowRight", "ArrowRight", "ArrowLeft") == 1, "arrows do not move")
    down = walk.press("ArrowDown")
    walk.check(down > 1, "down does not move")
    walk.check(walk.press("ArrowUp") == 1, "up does not come back")
    first = walk.count()
    walk.check(walk.press("End") == walk.tiles.count() - 1, "End is not the last")
    if walk.montage.locator(".foot").is_visible():
        walk.press("ArrowRight")
        walk.page.wait_for_timeout(1500)
        walk.check(walk.count() != first, "right of the last is not the next page")
        walk.check(walk.focused() == 0, f"the next page's first has no focus: {walk.focused()}")
        walk.press("ArrowLeft")
        walk.page.wait_for_timeout(1500)
        walk.check(walk.count() == first, "left of the first is not the page before")
        walk.check(walk.focused() == walk.tiles.count() - 1, "not on the last of the page before")
        walk.check(walk.press("PageDown") == 0, "Page Down does not turn")
        walk.check(walk.press("PageUp") == 0 and walk.count() == first, "Page Up does not turn")
    stops = walk.montage.locator(".tile[tabindex='0']").count()
    walk.check(stops == 1, f"{stops} tiles are stops of the Tab key")


def check_opening(walk: Walk) -> None:
    """Open by Enter, see the image beside, close by Esc; the rest of the page does not run."""
    walk.tiles.nth(7).focus()
    walk.page.keyboard.press("Enter")
    walk.page.locator(".cxr-viewer").wait_for()
    walk.page.wait_for_timeout(1500)
    walk.check(walk.focused() == 7, "opening takes the focus")
    is_narrow = walk.page.viewport_size["width"] < 900  # type: ignore[index]
    opened = walk.page.locator(".cxr-viewer") if is_narrow else walk.tiles.nth(7)
    place = opened.bounding_box() or {"y": -1}
    walk.check(0 <= place["y"] < 800, f"what was opened is off the screen: {place}")
    walk.check(walk.tiles.nth(7).get_attribute("aria-pressed") == "true", "not marked as open")
    name = walk.tiles.nth(7).locator(".patient").inner_text()
    heading = walk.page.locator(".cxr-heading").first.inner_text()
    walk.check(name.split()[-1] in heading, f"{name!r} opens {heading!r}")


def check_closing(walk: Walk) -> None:
    """Esc closes; the sheet has all the room again."""
    walk.tiles.nth(7).focus()
    walk.page.keyboard.press("Escape")
    walk.page.locator(".cxr-viewer").wait_for(state="detached")
    walk.check(walk.page.locator(".runs").inner_text() == "Runs: 1", "the whole page ran")


def visit(page: Page, findings: Findings, asked: list[str], take: Callable[[str], None]) -> None:
    """Walk through."""
    walk = Walk(page, findings)
    check_shown(walk, asked)
    take("")
    check_keys(walk)
    check_opening(walk)
    take("-open")
    check_closing(walk)
    walk.montage.get_by_role("button", name="small images").click()
    walk.montage.get_by_label("Order").select_option("state")
    page.wait_for_timeout(1500)
    state = walk.tiles.first.locator(".state path").get_attribute("class")
    walk.check(state == "mark-bad", f"by state the first is {state}")
    take("-small")


def keep_image(asked: list[str], request: Request) -> None:
    """Keep what is asked of the images' route."""
    if "/xray/" in request.url:
        asked.append(request.url)


def take_picture(page: Page, stem: Path, step: str) -> None:
    """Take a picture of a step."""
    page.screenshot(path=f"{stem}{step}.png")


def main() -> None:
    """Walk through in each theme and width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    findings = Findings()
    chosen = os.environ.get("CXR_DATA")
    served = served_script(APP, log=out / "montage.log", data=Path(chosen) if chosen else None)
    with served as address, sync_playwright() as playwright:
        chromium = find_chromium()
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for theme in THEMES:
            for width, size in SIZES.items():
                findings.where = f"{theme} {width}"
                page = open_page(browser, "about:blank", theme=theme, size=size)
                asked: list[str] = []
                page.on("request", functools.partial(keep_image, asked))
                page.on("pageerror", lambda error: findings.add(f"error in the browser: {error}"))
                page.goto(address)
                stem = f"montage-{theme}-{width}"
                visit(page, findings, asked, functools.partial(take_picture, page, out / stem))
                page.context.close()
        browser.close()
    print("\n".join(findings.failures) or "The montage does what it should.")  # noqa: T201
    sys.exit(bool(findings.failures))


if __name__ == "__main__":
    main()
