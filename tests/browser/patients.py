"""Use the patients page in a browser as a reader would, and fail on what goes wrong.

``python -m tests.browser.patients --out look`` serves a page with nothing but the list of
patients and walks through it; the real collection's patients need CXR_DATA.
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, sync_playwright

from tests.browser.look import CHROMIUM_FLAGS, THEMES, Findings, find_chromium, open_page
from tests.browser.server import ROOT, served_script

APP = Path(__file__).with_name("patients_app.py")
READ_CONTRAST = (Path(__file__).parent / "read_contrast.js").read_text()
SIZES = {"laptop": (1366, 900), "narrow": (820, 1100), "projector": (1920, 1080)}
MOST_LINES = 60  # drawn at a time, however many there are
SCROLL = """box => new Promise(resolve => {
    const times = [];
    let before = performance.now();
    const step = () => {
        const now = performance.now();
        times.push(now - before);
        before = now;
        box.scrollTop += 900;
        if (times.length < 90) requestAnimationFrame(step);
        else resolve(times.slice(5).sort((a, b) => a - b)[80]);
    };
    requestAnimationFrame(step);
})"""


class Walk:
    """Hold a list of patients on a page, and what is found wrong with it."""

    def __init__(self, page: Page, findings: Findings) -> None:
        self.page, self.findings = page, findings
        self.list = page.locator(".cxr-patients").first
        self.lines = self.list.locator(".lines .line")
        self.box = self.list.locator(".box")
        self.search = self.list.locator("input")
        self.list.wait_for()
        self.rest()

    def check(self, right: bool, what: str) -> None:
        """Keep a finding unless something is right."""
        if not right:
            self.findings.add(f"patients: {what}")

    def rest(self) -> None:
        """Wait until the script has run and the list has settled."""
        self.page.wait_for_timeout(350)
        self.page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState"
            " === 'notRunning'"
        )
        self.page.wait_for_timeout(150)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(40)

    def shown(self) -> str:
        """Read which patient the page shows."""
        self.rest()
        return self.page.get_by_text("Shown: ").first.inner_text().removeprefix("Shown: ")

    def chosen(self) -> Locator:
        """Find the chosen line."""
        return self.list.locator(".line[aria-selected='true']")

    def active(self) -> int:
        """Return the place that arrows have led to, from 0; -1 for none."""
        name = self.box.get_attribute("aria-activedescendant")
        return -1 if name is None else int(name.removeprefix("at"))

    def number(self) -> str:
        """Read how many patients there are."""
        return self.list.locator(".number").inner_text()

    def is_seen(self, line: Locator) -> bool:
        """Tell whether a line stands within the list's box."""
        inner, outer = line.bounding_box(), self.box.bounding_box()
        return bool(
            inner
            and outer
            and inner["y"] >= outer["y"] - 1
            and inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1
        )

    def find(self, words: str) -> None:
        """Search."""
        self.search.fill(words)
        self.page.wait_for_timeout(120)


def check_shown(walk: Walk) -> None:
    """Check that it stands in its place, is readable and draws few lines."""
    n = walk.lines.count()
    walk.check(0 < n <= MOST_LINES, f"{n} lines drawn")
    wide = walk.list.evaluate("list => list.scrollWidth - list.clientWidth")
    walk.check(wide <= 0, f"{wide} pixels wider than its place")
    walk.check(walk.chosen().count() == 1, "no line is chosen")
    walk.check(walk.is_seen(walk.chosen()), "the chosen line is out of sight")
    cut = walk.list.evaluate(
        """list => [...list.querySelectorAll('.lines :is(.images, .days, .outcome, .flags)')]
            .filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)"""
    )
    walk.check(not cut, f"cut off: {cut[:5]}")
    uneven = walk.list.evaluate(
        """list => {
            const [head, line] = ['.head', '.lines .line'].map(at => list.querySelector(at));
            return ['images', 'flags'].filter(name => Math.abs(
                head.querySelector(`.${name}`).getBoundingClientRect().right
                - line.querySelector(`.${name}`).getBoundingClientRect().right) > 1);
        }"""
    )
    walk.check(not uneven, f"heads do not stand over their columns: {uneven}")
    for line in walk.page.evaluate(READ_CONTRAST):
        walk.check(False, f"contrast {line}")


def check_steps(walk: Walk) -> None:
    """Go to the next patient and back by key, from anywhere but where something is written."""
    first = walk.shown()
    walk.page.locator("body").press("n")
    second = walk.shown()
    walk.check(second != first, "n does not lead to the next patient")
    walk.check(walk.chosen().locator(".patient bdi").first.inner_text() == second, "not marked")
    walk.page.locator("body").press("p")
    walk.check(walk.shown() == first, "p does not lead back")
    walk.list.get_by_role("button", name="Next patient").click()
    walk.check(walk.shown() == second, "the button does not lead to the next patient")
    walk.list.get_by_role("button", name="Previous patient").click()
    walk.check(walk.shown() == first, "the button does not lead back")
    runs = walk.page.locator(".runs").inner_text()
    words = walk.page.get_by_label("Something to write in")
    words.click()
    words.press_sequentially("npjk")
    walk.rest()
    walk.check(
        walk.page.locator(".runs").inner_text() == runs, "writing n leads to another patient"
    )
    words.fill("")
    words.blur()
    walk.rest()


def check_fast_steps(walk: Walk) -> None:
    """Of many steps in a row all count, and few run the page."""
    first = walk.shown()
    before = int(walk.page.locator(".runs").inner_text().split()[-1])
    for _ in range(8):
        walk.page.keyboard.press("n")
    walk.rest()
    walk.rest()
    after = int(walk.page.locator(".runs").inner_text().split()[-1])
    walk.check(after - before <= 4, f"8 fast steps ran the page {after - before} times")
    for _ in range(8):
        walk.page.keyboard.press("p")
    walk.check(walk.shown() == first, "8 steps on and 8 back do not lead back")


def check_keys(walk: Walk) -> None:
    """Reach the list by Tab; move in it, choose by Enter."""
    shown = walk.shown()
    walk.search.focus()
    for _ in range(12):
        walk.press("Tab")
        if walk.box.evaluate("box => box.getRootNode().activeElement === box"):
            break
    else:
        walk.check(False, "Tab does not reach the list")
    walk.press("Home")
    walk.check(walk.active() == 0, "Home is not the first")
    walk.press("ArrowDown", "ArrowDown", "ArrowUp")
    walk.check(walk.active() == 1, "arrows do not move")
    walk.press("PageDown")
    down = walk.active()
    walk.check(down > 3, "Page Down does not move")
    walk.press("PageUp")
    walk.check(walk.active() == 1, "Page Up does not come back")
    walk.press("End")
    last = int(walk.lines.first.get_attribute("aria-setsize") or 0) - 1
    walk.check(walk.active() == last, f"End is {walk.active()}, not {last}")
    walk.check(walk.is_seen(walk.list.locator(".line.active")), "the last is out of sight")
    walk.check(walk.shown() == shown, "moving alone runs the page")
    walk.press("Enter")
    text = walk.list.locator(".line.active .patient bdi").first.text_content()
    walk.check(walk.shown().split() == (text or "").split(), f"Enter shows {walk.shown()[:40]!r}")
    focused = walk.box.evaluate("box => box.getRootNode().activeElement === box")
    walk.check(focused, "Enter takes the focus away")


def check_search(walk: Walk, words: str, *, find: str) -> None:
    """Find by several words; Enter shows the first; Escape takes the search back."""
    whole = walk.number()
    walk.find(words)
    walk.check(" of " in walk.number(), f"{words!r} leaves {walk.number()!r}")
    found = walk.lines.first.inner_text()
    walk.check(find.casefold() in found.casefold(), f"{words!r} finds {found!r}")
    walk.press("Enter")
    name = walk.lines.first.locator(".patient bdi").first.inner_text()
    walk.check(walk.shown() == name, f"Enter shows {walk.shown()!r}, not {name!r}")
    walk.check(walk.search.input_value() == words, "a run takes the search away")
    walk.press("Escape")
    walk.check(walk.number() == whole, f"Escape leaves {walk.number()!r}")
    walk.check(walk.is_seen(walk.chosen()), "the chosen is out of sight after a search")
    walk.find("no patient has these words")
    walk.check(
        walk.list.get_by_text("No patient matches all").is_visible(), "nothing found, no word"
    )
    walk.list.get_by_role("button", name="Clear the search").click()
    walk.check(walk.number() == whole, "the search is not cleared")


def check_sort(walk: Walk) -> None:
    """Sort by each order and turn it round; the chosen stays chosen and in sight."""
    orders = walk.list.get_by_label("Sort by")
    shown = walk.shown()
    for name in ("images", "days", "views", "region", "outcome", "flags"):
        orders.select_option(name)
        walk.check(walk.is_seen(walk.chosen()), f"by {name} the chosen is out of sight")
        walk.box.evaluate("box => { box.scrollTop = 0; }")
        walk.page.wait_for_timeout(150)
        first = walk.lines.filter(has=walk.page.locator(f".{name}")).first.inner_text()
        walk.check(bool(first), f"no line by {name}")
    numbers = walk.list.evaluate(
        """list => [...list.querySelectorAll('.lines .line')]
            .map(line => [Number(line.dataset.at), line.querySelector('.flags').textContent])
            .filter(([at]) => at < 9).sort(([a], [b]) => a - b).map(([, text]) => Number(text))"""
    )
    walk.check(numbers == sorted(numbers, reverse=True), f"by flags {numbers}")
    walk.list.locator(".turn").click()
    orders.select_option("patient")
    walk.check(walk.shown() == shown, "sorting shows another patient")


def check_scrolling(walk: Walk) -> None:
    """Scroll far: frames stay short, few lines are drawn."""
    slow = walk.box.evaluate(SCROLL)
    walk.check(slow < 100, f"95 % of frames take up to {slow:.0f} ms while scrolling")
    n = walk.lines.count()
    walk.check(n <= MOST_LINES, f"{n} lines are left after scrolling")


def visit_real(walk: Walk, take: Callable[[str], None]) -> None:
    """Walk through the real collection's patients."""
    walk.check(walk.shown() == "318", f"opens on {walk.shown()}")
    check_search(walk, "spain survived", find="survived")
    walk.find("19")
    walk.check(walk.lines.first.locator("bdi").first.inner_text() == "19", "19 is not first")
    take("-found")
    walk.press("Escape")
    for patient in ("19", "318", "178", "205", "332"):
        walk.list.get_by_role("button", name=f"Patient {patient},", exact=False).click()
        walk.check(walk.shown() == patient, f"{patient} of the paper shows {walk.shown()}")
    walk.list.get_by_label("Sort by").select_option("region")
    walk.page.wait_for_timeout(200)
    take("-region")
    walk.list.get_by_label("Sort by").select_option("patient")


def visit_odd(walk: Walk, take: Callable[[str], None]) -> None:
    """Choose every odd id, one after the other; none becomes markup."""
    title = walk.page.title()
    n = int(walk.lines.first.get_attribute("aria-setsize") or 0)
    walk.box.focus()
    walk.press("Home", "Enter")
    seen = [walk.shown()]
    for _ in range(n - 1):
        walk.press("n")
        seen.append(walk.shown())
    walk.check(len(set(seen)) == n, f"{len(set(seen))} of {n} odd ids can be shown")
    walk.check(walk.page.title() == title, "an id ran as code")
    walk.check(walk.list.locator(".lines :is(img, b)").count() == 0, "an id became markup")
    take("-end")


def visit(page: Page, kind: str, findings: Findings, take: Callable[[str], None]) -> None:
    """Walk through the patients of a kind."""
    walk = Walk(page, findings)
    check_shown(walk)
    take("")
    if kind == "real":
        visit_real(walk, take)
    if kind == "odd":
        visit_odd(walk, take)
        return
    check_steps(walk)
    check_fast_steps(walk)
    check_keys(walk)
    take("-keys")
    check_sort(walk)
    check_scrolling(walk)
    take("-scrolled")


def take_picture(page: Page, stem: Path, step: str) -> None:
    """Take a picture of a step."""
    page.screenshot(path=f"{stem}{step}.png")


def main() -> None:
    """Walk through in each theme and width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    parser.add_argument("--kind", choices=("real", "many", "odd"), help="only these patients")
    parser.add_argument("--quick", action="store_true", help="one theme and width only")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    findings = Findings()
    data = os.environ.get("CXR_DATA")
    kinds = ("real", "many", "odd") if data else ("many", "odd")
    looks = [(theme, width) for theme in THEMES for width in SIZES]
    served = served_script(APP, log=out / "patients.log", data=Path(data) if data else None)
    with served as address, sync_playwright() as playwright:
        chromium = find_chromium()
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for kind in [arguments.kind] if arguments.kind else kinds:
            for theme, width in looks[: 1 if arguments.quick else None]:
                findings.where = f"{kind} {theme} {width}"
                page = open_page(browser, "about:blank", theme=theme, size=SIZES[width])
                page.set_default_timeout(40_000)
                page.on("pageerror", lambda error: findings.add(f"error: {error}"))
                page.goto(f"{address}/?kind={kind}")
                stem = f"patients-{kind}-{theme}-{width}"
                try:
                    visit(page, kind, findings, functools.partial(take_picture, page, out / stem))
                except Error as error:
                    findings.add(f"could not be walked through: {str(error)[:300]}")
                    take_picture(page, out / stem, "-failed")
                page.context.close()
        browser.close()
    print("\n".join(findings.failures) or "The list of patients does what it should.")  # noqa: T201
    sys.exit(bool(findings.failures))


if __name__ == "__main__":
    main()
