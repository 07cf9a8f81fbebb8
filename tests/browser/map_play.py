"""Play the paths on the map in a browser as a reader would, by mouse and by key.

``python -m tests.browser.map_play --cache cache`` serves the demo cohort, steps and plays its
paths, clicks an image on the way, asks for less motion, and takes pictures into ``look``.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, expect, sync_playwright  # noqa: A004

from tests.browser.look import (
    CHROMIUM_FLAGS,
    FIND_POINT,
    THEMES,
    Findings,
    find_chromium,
    open_page,
    wait_until_drawn,
)
from tests.browser.server import ROOT, served

#: How many points each part of a path has, as drawn now; 1 stands for none.
READ_PARTS = """() => document.querySelector('.js-plotly-plot').data
    .filter(trace => trace.meta?.role === 'path').map(trace => trace.x.length)"""
#: Labels of days that are shown.
READ_LABELS = """() => (document.querySelector('.js-plotly-plot').layout.annotations ?? [])
    .filter(note => /^day /.test(note.name ?? '') && note.visible !== false).length"""
MARK = "() => { document.querySelector('.js-plotly-plot').dataset.old = 'yes'; }"
IS_NEW = "() => document.querySelector('.js-plotly-plot')?.dataset.old !== 'yes'"
DRAWING = 30_000  # milliseconds, on a busy machine


def visit_player(page: Page, findings: Findings) -> None:
    """Step, play, click and go back to the whole paths.

    Parameters
    ----------
    page : Page
        The trajectories page, drawn, with paths of two days or more.
    """
    player = page.locator(".cxr-play")
    whole, labels = page.evaluate(READ_PARTS), page.evaluate(READ_LABELS)
    player.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    wait_for(page, f"() => ({READ_PARTS})().join() !== '{','.join(map(str, whole))}'")
    first = page.evaluate(READ_PARTS)
    if sum(first) >= sum(whole) or page.evaluate(READ_LABELS) >= labels:
        findings.add("the first day shows as much as the whole paths")
    page.keyboard.press(".")
    expect(player.locator(".words")).to_contain_text("2 of ", timeout=DRAWING)
    page.keyboard.press(",")
    wait_for(page, f"() => ({READ_PARTS})().join() === '{','.join(map(str, first))}'")
    click_image(page, findings)
    wait_for(page, f"() => ({READ_PARTS})().join() === '{','.join(map(str, first))}'")
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for(page, f"() => ({READ_PARTS})().join() === '{','.join(map(str, whole))}'")
    page.get_by_role("button", name="Play", exact=True).wait_for()  # it has stopped at the end
    page.get_by_role("button", name="Show all days").click()
    expect(player.locator(".day")).to_have_text("all days", timeout=DRAWING)
    page.wait_for_timeout(500)
    if page.evaluate(READ_PARTS) != whole or page.evaluate(READ_LABELS) != labels:
        findings.add("the whole paths are not back")
    page.emulate_media(reduced_motion="reduce")
    try:
        player.get_by_role("button", name="Play", exact=True).wait_for(state="hidden", timeout=5000)
    except TimeoutError:
        findings.add("paths can be played where less motion is asked for")
    page.emulate_media(reduced_motion="no-preference")


def click_image(page: Page, findings: Findings) -> None:
    """Click an image while a day is shown: the chart comes anew, and shows that day again."""
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    page.evaluate(MARK)
    place = page.evaluate(FIND_POINT)
    page.mouse.click(place["x"], place["y"])
    try:
        wait_for(page, IS_NEW)
    except TimeoutError:  # Playwright's own
        findings.add("a click on an image does nothing while a day is shown")


def wait_for(page: Page, condition: str) -> None:
    """Wait until a condition holds in the browser."""
    page.wait_for_function(condition, timeout=DRAWING)


def main() -> None:
    """Run the walk; exit with 1 where something is amiss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "cache")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    findings = Findings()
    log = options.out / "map-play.log"
    with served(options.data, cache=options.cache, log=log) as address, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        for theme in THEMES:
            findings.where = theme
            page = open_page(browser, f"{address}/trajectories", theme=theme, size=(1366, 900))
            page.on("pageerror", lambda error: findings.add(f"an error in the page: {error}"))
            wait_until_drawn(page)
            visit_player(page, findings)
            page.screenshot(path=options.out / f"map-play-{theme}.png")
        browser.close()
    for failure in findings.failures:
        sys.stderr.write(f"{failure}\n")
    sys.exit(bool(findings.failures))


if __name__ == "__main__":
    main()
