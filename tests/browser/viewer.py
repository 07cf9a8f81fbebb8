"""Use the viewer in a browser as a radiologist would, and fail on what goes wrong.

``python -m tests.browser.viewer --out look`` serves a page with nothing but the viewer, in its
scenes, themes and widths; `visit_viewer` walks through one that stands on any page.
"""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser.look import CHROMIUM_FLAGS, THEMES, Findings, find_chromium, open_page
from tests.browser.server import ROOT, served_script

APP = Path(__file__).with_name("viewer_app.py")
READ_CONTRAST = (Path(__file__).parent / "read_contrast.js").read_text()
SIZES = {"laptop": (1366, 900), "narrow": (412, 900)}

READ_VIEWER = """async viewer => {
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    await frame(); // what was asked for is drawn
    const box = element => {
        const {x, y, width, height} = element.getBoundingClientRect();
        return {x, y, width, height};
    };
    return {
        stages: [...viewer.querySelectorAll('.stage')].map(stage => ({
            ground: box(stage),
            picture: box(stage.querySelector('.picture')),
            ready: stage.querySelector('.picture').naturalWidth > 0,
            filter: getComputedStyle(stage.querySelector('.film')).filter,
            words: stage.querySelector('.words').innerText,
            hint: stage.querySelector('.hint.shown')?.textContent || '',
            boxes: [...stage.querySelectorAll('.line')].map(box),
            mask: stage.querySelector('.mask').hidden ? null : box(stage.querySelector('.mask')),
        })),
        zoomed: viewer.querySelector('.zoomed').textContent,
        sliders: [...viewer.querySelectorAll('input')].map(input => Number(input.value)),
        overflow: viewer.scrollWidth - viewer.clientWidth,
        nameless: [...viewer.querySelectorAll('button, input, [tabindex]')]
            .filter(e => e.checkVisibility() && !(e.getAttribute('aria-label')
                || e.innerText.trim() || e.labels?.[0]?.innerText.trim()))
            .map(e => e.outerHTML.slice(0, 80)),
        small: [...viewer.querySelectorAll('button')]
            .filter(e => e.checkVisibility() && Math.min(e.offsetWidth, e.offsetHeight) < 24)
            .map(e => e.outerHTML.slice(0, 80)),
    };
}"""
SCROLLED = "() => document.querySelector('.stMain').scrollTop"


class Walk:
    """Hold a viewer on a page, and what is found wrong with it."""

    def __init__(self, page: Page, findings: Findings) -> None:
        self.page, self.findings = page, findings
        self.viewer: Locator = page.locator(".cxr-viewer").first
        self.stage = self.viewer.locator(".stage").first
        self.viewer.wait_for()
        page.wait_for_timeout(1500)

    def read(self) -> dict:
        """Read where everything is, once it stands."""
        self.page.wait_for_timeout(250)
        return self.viewer.evaluate(READ_VIEWER)

    def check(self, right: bool, what: str) -> None:
        """Keep a finding unless something is right."""
        if not right:
            self.findings.add(f"viewer: {what}")

    def at(self, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
        """Return a place on the first image's ground, in fractions, as a place on the screen."""
        ground = self.read()["stages"][0]["ground"]
        return ground["x"] + x * ground["width"], ground["y"] + y * ground["height"]

    def keys(self, *keys: str) -> dict:
        """Press keys on the first image and read."""
        self.stage.focus()
        for key in keys:
            self.page.keyboard.press(key)
        return self.read()

    def reset(self) -> dict:
        """Press the key that resets all."""
        return self.keys("0")


def is_near(first: dict, second: dict, by: float = 1.5) -> bool:
    """Tell whether two rectangles are the same but for some pixels."""
    return all(abs(first[side] - second[side]) <= by for side in first)


def check_shown(walk: Walk) -> None:
    """Check that the pictures are there, whole, and that every control has a name."""
    now = walk.read()
    for stage in now["stages"]:
        walk.check(stage["ready"], f"a picture is not there: {stage['words']!r}")
        inside = stage["picture"]["width"] <= stage["ground"]["width"] + 1
        walk.check(inside, f"a picture is not whole at first: {stage}")
    walk.check(not now["nameless"], f"controls without a name: {now['nameless']}")
    walk.check(not now["small"], f"controls under 24 pixels: {now['small']}")
    walk.check(now["overflow"] <= 0, f"{now['overflow']} pixels wider than its place")
    for line in walk.page.evaluate(READ_CONTRAST):
        walk.check(False, f"contrast {line}")


def check_wheel(walk: Walk) -> None:
    """Leave the wheel to the page until a click; then zoom so that what is pointed at stays."""
    page = walk.page
    page.mouse.move(*walk.at())
    before = page.evaluate(SCROLLED)
    page.mouse.wheel(0, 60)
    now = walk.read()
    walk.check(now["zoomed"] == "100 %", "the wheel zooms before a click")
    walk.check("Ctrl" in now["stages"][0]["hint"], "the wheel's use is not said")
    page.mouse.wheel(0, -60)
    page.wait_for_timeout(300)
    place = walk.at(0.4, 0.6)
    page.mouse.click(*place)
    old = walk.read()["stages"][0]["picture"]
    for _ in range(4):
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(60)
    now = walk.read()
    new = now["stages"][0]["picture"]
    walk.check(new["width"] > 1.5 * old["width"], "the wheel does not zoom after a click")
    walk.check(page.evaluate(SCROLLED) == before, "the page scrolls while the wheel zooms")
    for i, (start, size) in enumerate((("x", "width"), ("y", "height"))):
        held = [(place[i] - r[start]) / r[size] for r in (old, new)]
        walk.check(abs(held[0] - held[1]) < 0.01, f"what is pointed at moves: {held}")
    page.mouse.dblclick(*place)
    walk.check(walk.read()["zoomed"] == "100 %", "a double click does not reset")
    page.keyboard.press("Escape")
    page.mouse.wheel(0, -100)
    walk.check(walk.read()["zoomed"] == "100 %", "Esc does not give the wheel back")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    walk.check(walk.read()["zoomed"] != "100 %", "Ctrl and wheel do not zoom")
    walk.reset()


def check_drag(walk: Walk) -> None:
    """Move with the left button; set brightness and contrast with the right one and with Shift."""
    page = walk.page
    old = walk.keys("+", "+", "+", "+")["stages"][0]["picture"]
    drag(page, walk.at(), (30, -20))
    new = walk.read()["stages"][0]["picture"]
    moved = [new["x"] - old["x"], new["y"] - old["y"]]
    walk.check(np.allclose(moved, [30, -20], atol=2), f"a drag by 30, -20 moves by {moved}")
    drag(page, walk.at(), (3000, 3000))
    new, whole = walk.read()["stages"][0]["picture"], walk.reset()["stages"][0]["picture"]
    kept = new["x"] <= whole["x"] + 1 and new["y"] <= whole["y"] + 1
    walk.check(kept, f"a drag takes the picture from its place: {whole} became {new}")
    drag(page, walk.at(), (50, -25), button="right")
    walk.check(walk.read()["sliders"] == [10, 20], f"a right drag sets {walk.read()['sliders']}")
    walk.reset()
    page.keyboard.down("Shift")
    drag(page, walk.at(), (50, -25))
    page.keyboard.up("Shift")
    walk.check(walk.read()["sliders"] == [10, 20], "Shift and drag do not set the window")
    walk.reset()


def drag(page: Page, start: tuple[float, float], by: tuple[float, float], **options: str) -> None:
    """Press, move in steps, let go."""
    page.mouse.move(*start)
    page.mouse.down(**options)  # type: ignore[arg-type]
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=5)
    page.mouse.up(**options)  # type: ignore[arg-type]


def check_keys(walk: Walk) -> None:
    """Do everything by keys."""
    now = walk.keys("Shift+ArrowUp", "Shift+ArrowRight", "Shift+ArrowRight", "i", "+", "ArrowLeft")
    walk.check(now["sliders"] == [5, 10], f"keys set {now['sliders']}")
    walk.check("invert" in now["stages"][0]["filter"], "I does not invert")
    walk.check(now["zoomed"] == "125 %", f"+ zooms to {now['zoomed']}")
    now = walk.keys("?")
    walk.check(walk.viewer.locator(".help").is_visible(), "? shows no keys")
    walk.page.keyboard.press("Escape")
    walk.check(not walk.viewer.locator(".help").is_visible(), "Esc does not close the keys")
    now = walk.reset()
    walk.check(now["sliders"] == [0, 0] and now["zoomed"] == "100 %", "0 does not reset")
    walk.check(now["stages"][0]["filter"] == "none", "0 does not reset the filter")


def check_touch(walk: Walk) -> None:
    """Scroll the page with one finger; zoom with two; then move with one."""
    page = walk.page
    touch = Touch(page)
    x, y = walk.at()
    touch.draw([[(x, y)], [(x, y - 40)], [(x, y - 80)], [(x, y - 120)]])
    walk.check(page.evaluate(SCROLLED) > 30, "a finger on the whole picture does not scroll")
    walk.check(walk.read()["zoomed"] == "100 %", "a finger on the whole picture zooms")
    page.evaluate("() => document.querySelector('.stMain').scrollTo(0, 0)")
    x, y = walk.at()
    touch.draw([[(x - d, y), (x + d, y)] for d in (40, 50, 60, 70, 80)])
    now = walk.read()
    width = now["stages"][0]["picture"]["width"] / walk.reset()["stages"][0]["picture"]["width"]
    walk.check(abs(width - 2) < 0.1, f"a pinch to twice the distance zooms {width:.2f} times")
    before = walk.keys("+", "+", "+", "+")["stages"][0]["picture"]
    touch.draw([[(x, y)], [(x + 10, y + 10)], [(x + 20, y + 20)]])
    after = walk.read()["stages"][0]["picture"]
    walk.check(after["y"] - before["y"] > 5, "a finger does not move the zoomed picture")
    walk.check(page.evaluate(SCROLLED) == 0, "a finger scrolls while it moves the picture")
    walk.reset()


class Touch:
    """Fingers on a page."""

    def __init__(self, page: Page) -> None:
        self.page, self.devices = page, page.context.new_cdp_session(page)

    def draw(self, places: list[list[tuple[float, float]]]) -> None:
        """Put fingers down, move them from place to place, lift them."""
        for step, fingers in enumerate(places):
            kind = "touchMove" if step else "touchStart"
            points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers)]
            self.devices.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            self.page.wait_for_timeout(50)
        self.devices.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        self.page.wait_for_timeout(300)


def check_focus(walk: Walk) -> None:
    """See each stop of the Tab key."""
    walk.stage.focus()
    walk.page.keyboard.press("Shift+Tab")
    for _ in range(12):
        walk.page.keyboard.press("Tab")
        seen = walk.viewer.evaluate("""viewer => {
            const focus = viewer.getRootNode().activeElement;
            if (!focus) return null;
            const own = getComputedStyle(focus), after = getComputedStyle(focus, '::after');
            const ring = s => parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none';
            const seen = ring(own) || parseFloat(after.borderTopWidth) >= 2;
            return [seen, focus.outerHTML.slice(0, 90)];
        }""")
        if seen:
            walk.check(seen[0], f"the focus is not seen on {seen[1]}")


def check_overlays(walk: Walk) -> None:
    """Find boxes and masks on the picture at any zoom."""
    for keys in (("b", "m"), ("+", "+", "ArrowLeft", "ArrowDown")):
        now = walk.keys(*keys)["stages"][0]
        walk.check(len(now["boxes"]) == 2, "B shows no boxes")
        walk.check(now["mask"] is not None, "M shows no mask")
        if now["mask"]:
            walk.check(is_near(now["mask"], now["picture"]), f"the mask is off: {now}")
    walk.keys("0", "b", "m")


def visit_viewer(
    page: Page, findings: Findings, take: Callable[[str], None] = lambda step: None
) -> None:
    """Walk through the first viewer on a page that is open already.

    Parameters
    ----------
    page : Page
    findings : Findings
        Gets what is wrong.
    take : callable
        Takes a picture, given the step's name.
    """
    walk = Walk(page, findings)
    walk.stage.scroll_into_view_if_needed()
    check_shown(walk)
    if not walk.read()["stages"][0]["ready"]:
        return  # said already
    check_wheel(walk)
    check_drag(walk)
    check_keys(walk)
    take("-viewer")


# ---- scenes of their own


def look_at_one(walk: Walk, take: Callable[[str], None]) -> None:
    """Walk through one picture, run the script again, show another."""
    visit_viewer(walk.page, walk.findings)
    check_focus(walk)
    check_touch(walk)
    check_overlays(walk)
    before = walk.keys("+", "+", "i", "Shift+ArrowUp", "b")
    take("")
    walk.page.get_by_role("button", name="Run again").click()
    walk.page.wait_for_timeout(1200)
    after = walk.read()
    walk.check(after["stages"] == before["stages"], "a run of the script loses what was set")
    walk.page.get_by_role("button", name="Other images").click()
    walk.page.wait_for_timeout(1500)
    other = walk.read()
    walk.check(other["zoomed"] == "100 %", "another picture is not shown whole")
    walk.check(other["sliders"] == [0, 0], "another picture keeps the window")
    walk.check(bool(other["stages"][0]["boxes"]), "another picture loses the choice of overlays")
    walk.keys("b", "f")
    walk.page.wait_for_timeout(500)
    height = walk.read()["stages"][0]["ground"]["height"]
    walk.check(height > 0.8 * walk.page.viewport_size["height"], "F does not fill the screen")
    walk.check("Not for diagnosis" in walk.viewer.inner_text(), "full screen lacks the notice")
    take("-full")
    walk.page.keyboard.press("f")


def look_at_pair(walk: Walk, take: Callable[[str], None]) -> None:
    """Two move together until they are parted."""
    check_shown(walk)
    now = walk.keys("+", "+", "ArrowLeft", "Shift+ArrowUp")
    shares = [s["picture"]["width"] for s in now["stages"]]
    first = walk.reset()
    shares = [
        share / s["picture"]["width"] for share, s in zip(shares, first["stages"], strict=True)
    ]
    walk.check(abs(shares[0] - shares[1]) < 0.01, f"two do not zoom together: {shares}")
    now = walk.keys("l", "+", "i")
    grown = [
        s["picture"]["width"] / f["picture"]["width"]
        for s, f in zip(now["stages"], first["stages"], strict=True)
    ]
    walk.check(grown[0] > 1.2 and abs(grown[1] - 1) < 0.01, f"parted, they still move: {grown}")
    walk.check(now["stages"][1]["filter"] == "none", "parted, both are inverted")
    take("")
    walk.keys("l", "0", "b", "m")
    take("-overlays")


def look_at_broken(walk: Walk, take: Callable[[str], None]) -> None:
    """One that cannot be had says why; the other is there."""
    first, second = walk.read()["stages"]
    walk.check("cannot be shown" in first["words"], f"no words for what is missing: {first}")
    walk.check("ok" in first["words"], f"the server's words are not shown: {first['words']}")
    walk.check(second["ready"], "the other picture is missing too")
    hint = walk.keys("m")["stages"][0]["hint"]
    walk.check("mask cannot be shown. ok" in hint, f"no words for a missing mask: {hint!r}")
    take("")
    walk.keys("?")
    take("-keys")


def look_at_greys(walk: Walk, take: Callable[[str], None]) -> None:
    """Measure on sixteen greys that what is seen is the line that the sliders say."""
    for brightness, contrast, inverted in [
        *((0, 0, False), (40, 0, False), (-40, 0, True), (0, 50, False), (0, -50, False)),
        *((30, 60, True), (-60, 80, False), (60, -70, False), (-80, -40, True), (100, 100, False)),
    ]:
        walk.reset()
        for name, value in (("Brightness", brightness), ("Contrast", contrast)):
            walk.viewer.get_by_role("slider", name=name).fill(str(value))
        if inverted:
            walk.keys("i")
        seen = read_greys(walk)
        slope = 2 ** (contrast / 50)
        line = slope * (np.arange(16) / 15 - 0.5 + brightness / 200) + 0.5
        expected = np.clip(line, 0, 1)
        expected = 255 * (1 - expected if inverted else expected)
        off = np.abs(seen - expected).max()
        walk.check(off <= 4, f"{brightness}, {contrast}, {inverted}: {off:.0f} of 255 off")


def read_greys(walk: Walk) -> np.ndarray:
    """Read the sixteen greys from a screenshot."""
    place = walk.read()["stages"][0]["picture"]
    shot = Image.open(io.BytesIO(walk.page.screenshot())).convert("L")
    y = round(place["y"] + place["height"] / 2)
    columns = place["x"] + (np.arange(16) + 0.5) / 16 * place["width"]
    return np.array([shot.getpixel((round(x), y)) for x in columns], dtype=float)


def look_at_panel(walk: Walk, take: Callable[[str], None]) -> None:
    """In a side panel everything has its place."""
    check_shown(walk)
    check_overlays(walk)
    walk.keys("b", "m")
    take("")
    walk.keys("b", "m", "?")
    take("-keys")


SCENES: dict[str, Callable[[Walk, Callable[[str], None]], None]] = {
    "one": look_at_one,
    "pair": look_at_pair,
    "panel": look_at_panel,
    "broken": look_at_broken,
    "greys": look_at_greys,
}


def look_at_viewer(browser: Browser, address: str, out: Path, *, label: str) -> list[str]:
    """Walk through every scene in each theme and width; return what is wrong."""
    findings = Findings()
    for scene, look in SCENES.items():
        for theme in THEMES:
            for width, size in SIZES.items():
                findings.where = f"{label} viewer {scene} {theme} {width}"
                stem = out / f"{label}-viewer-{scene}-{theme}-{width}"
                page = open_page(browser, f"{address}/?scene={scene}", theme=theme, size=size)
                page.on("pageerror", lambda error: findings.add(f"script: {error}"))

                def take(step: str, page: Page = page, stem: Path = stem) -> None:
                    page.screenshot(path=f"{stem}{step}.png")

                look(Walk(page, findings), take)
                page.context.close()
    return findings.failures


def main() -> None:
    """Look at the demo, or at a cohort of your own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    parser.add_argument("--data", type=Path, help="a cohort folder instead of the demo")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    label = "own" if arguments.data else "demo"
    with (
        sync_playwright() as playwright,
        served_script(
            APP, log=arguments.out / f"{label}-viewer.log", data=arguments.data
        ) as address,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        failures = look_at_viewer(browser, address, arguments.out, label=label)
        browser.close()
    for failure in failures:
        sys.stdout.write(f"FAILED {failure}\n")
    sys.stdout.write(f"{len(failures)} failures\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
