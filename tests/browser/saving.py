"""Save a figure and a table in a browser as a reader would, and judge the files."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image
from playwright.sync_api import Page

from cxrlib import NOTICE
from tests.browser.look import Findings

#: Where each mark of the chart stands, in pixels of the drawing: on screen and in the file.
READ_MARKS = """root => [...root.querySelectorAll('.scatterlayer .trace .points path.point')]
    .filter(mark => getComputedStyle(mark).display !== 'none')
    .map(mark => mark.getAttribute('transform').match(/-?[0-9.]+/g).slice(0, 2).map(Number))"""
#: How far the words below reach beyond a picture that is shown alone, in pixels.
READ_OVERFLOW = """() => {
    const frame = document.documentElement.getBoundingClientRect();
    const texts = [...document.querySelectorAll('.gtitle, .g-gtitle text')];
    return Math.max(0, ...texts.map(text => {
        const box = text.getBoundingClientRect();
        return Math.max(box.right - frame.right, frame.left - box.left, box.bottom - frame.bottom);
    }));
}"""


def visit_saving(page: Page, findings: Findings) -> None:
    """Hide a series and zoom in, save the first figure each way, and look at the files.

    Parameters
    ----------
    page : Page
        With a figure of `ui.widgets.figure.show_figure` and a table of
        `ui.widgets.table.show_table`.
    """
    page.locator(".js-plotly-plot .legendtoggle").first.click()
    page.locator(".js-plotly-plot").first.hover()
    page.locator('[data-title="Zoom in"]').first.click(force=True)
    page.wait_for_timeout(1500)
    chart = page.locator(".js-plotly-plot").first.element_handle()
    seen = chart.evaluate(READ_MARKS)
    page.get_by_role("button", name="Save", exact=True).first.click()
    svg = download(page, "Figure (SVG)")
    check_svg(page, svg.read_text(), seen, findings)
    check_png(download(page, "Figure (PNG)"), findings)
    check_csv(download(page, "Numbers (CSV)"), findings)
    page.get_by_role("button", name="Save", exact=True).first.click()
    check_table(page, findings)
    if chart.evaluate(READ_MARKS) != seen:
        findings.add("saving moved the figure on the screen")
    check_keys(page, findings)


def check_keys(page: Page, findings: Findings) -> None:
    """Save by keyboard alone: into the menu by Tab, a file by Enter, out again by Escape."""
    page.keyboard.press("Escape")
    button = page.get_by_role("button", name="Save", exact=True).first
    button.focus()
    for key in ("Enter", "Tab", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
        page.wait_for_timeout(500)
    focused = page.evaluate("() => document.activeElement.innerText")
    if "Numbers (CSV)" not in focused:
        findings.add(f"the keyboard does not reach a menu's buttons, but {focused[:60]!r}")
        return
    with page.expect_download():
        page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    if not button.evaluate("button => button === document.activeElement"):
        findings.add("Escape does not lead from a menu back to its button")


def download(page: Page, name: str) -> Path:
    """Press a button of the menu and give the file."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return Path(waiting.value.path())


def check_svg(page: Page, text: str, seen: list[list[float]], findings: Findings) -> None:
    """Judge an SVG: marks where they were seen, light colours, words that fit and describe."""
    root = ET.fromstring(text)  # noqa: S314
    words = "".join("".join(each.itertext()) for each in root.iter())
    for wanted in (NOTICE, "fingerprint", "Filters: "):
        if wanted not in words:
            findings.add(f"a saved figure lacks {wanted!r}")
    if not root.findtext("{*}desc"):
        findings.add("a saved figure has no text alternative")
    if re.search(r"17, ?21, ?27|#11151b", text, re.IGNORECASE):
        findings.add("a saved figure has the dark page's ground")
    other = page.context.new_page()
    other.set_viewport_size({"width": round(float(root.get("width", "0"))), "height": 1200})
    other.set_content(f"<body style='margin: 0'>{text}</body>")
    drawn = other.locator("svg").first.element_handle().evaluate(READ_MARKS)
    if (overflow := other.evaluate(READ_OVERFLOW)) > 1:
        findings.add(f"words of a saved figure reach {overflow:.0f} px beyond it")
    other.close()
    pairs = list(zip(seen, drawn, strict=False))  # their numbers are judged below
    apart = [max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in pairs]
    if len(seen) != len(drawn) or not seen or max(apart) > 1:
        findings.add(
            f"a saved figure is not as seen: {len(seen)} marks became {len(drawn)}, "
            f"up to {max(apart, default=0):.1f} px apart"
        )


def check_png(path: Path, findings: Findings) -> None:
    """Judge a PNG: white at its edge, not empty."""
    image = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
    if image.getpixel((1, 1)) != (255, 255, 255) or len(image.getcolors(1_000_000) or "x" * 9) < 9:
        findings.add(f"a saved PNG of {image.size} is dark or empty")


def check_csv(path: Path, findings: Findings) -> None:
    """Judge the numbers: header lines first, then rows."""
    lines = path.read_text().splitlines()
    header = [line for line in lines if line.startswith("# ")]
    if header[:1] != [f"# {NOTICE}"] or not any("fingerprint" in line for line in header):
        findings.add(f"saved numbers do not say where they come from: {header[:2]}")
    if len(lines) < len(header) + 2:
        findings.add("saved numbers have no rows")


def check_table(page: Page, findings: Findings) -> None:
    """Look for Streamlit's own button above a table, which saves it without a header."""
    table = page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    table.hover()
    page.wait_for_timeout(500)
    if page.locator('button[aria-label^="Search"]').count() == 0:
        findings.add("a table's own buttons are not where they were: look at Streamlit's names")
    for button in page.locator('button[aria-label^="Download as CSV"]').all():
        if button.is_visible():
            findings.add("a table offers a CSV without its header")
