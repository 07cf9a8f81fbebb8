"""Walk through the baselines page: its opening run, each part, a task turned, a run pressed."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.look import Findings, check_page, wait_until_drawn
from ui.baselines.controls import FOREST, SECTIONS

__all__ = ["visit_baselines"]

# Run at once here: the network on pixels and permutations are jobs.
QUICK = ("task", "figures", "test images", "protocols", "influence")
# Tables and texts, or what a job computes.
WITHOUT_CHART = (
    *("sensitivity", "permutation test", "runs", "report", "test images", "region shift", "paper"),
)

# Where the first mark of the forest stands, which a click opens, and of which group it is.
FIND_MARK = """() => {
  const plot = document.querySelector('.st-key-forest .js-plotly-plot');
  const {_size: size, xaxis, yaxis} = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const trace = plot._fullData.find(each => each.customdata);
  return {
    x: box.left + size.l + xaxis.d2p(trace.x[0]),
    y: box.top + size.t + yaxis.d2p(trace.y[0]),
    fold: trace.customdata[0][1],
  };
}"""


def visit_baselines(
    page: Page, address: str, findings: Findings, take: Callable[[str], None]
) -> None:
    """Open the page, look at each part by link, turn the task, follow a faulty link.

    Parameters
    ----------
    page : Page
    address : str
        Of the server.
    findings : Findings
    take : callable
        Takes a picture under the page's name and what is appended to it.
    """
    page.goto(f"{address}/baselines")
    _wait_for_run(page)
    check_page(page, findings)
    take("")
    width = (page.viewport_size or {"width": 0})["width"]
    for section in SECTIONS if width == 1366 else QUICK:
        page.get_by_test_id("stButtonGroup").get_by_text(section, exact=True).last.click()
        page.wait_for_timeout(800)
        _wait_for_run(page)
        check_page(page, findings, needs_chart=section not in WITHOUT_CHART)
        page.evaluate("() => document.querySelector('.st-key-baseline_part').scrollIntoView()")
        page.wait_for_timeout(400)
        take(f"-{section.replace(' ', '-')}")
    if width == 1366:
        _open_a_mark(page, findings)
        take("-mark")
        _follow_the_link(page, findings)
    _turn_the_task(page, findings)
    take("-opacity")
    page.goto(f"{address}/baselines?task=there-is-no-such-task")
    wait_until_drawn(page)
    if "there-is-no-such-task" not in page.inner_text(".stApp"):
        findings.add("an unknown task in the address is not reported")


def _wait_for_run(page: Page) -> None:
    """Wait until an answer stands there: the first run of a server takes a few seconds."""
    page.get_by_text("made on this cohort and task").first.wait_for()
    wait_until_drawn(page)


def _open_a_mark(page: Page, findings: Findings) -> None:
    """Click the first mark of the forest: its test images come into view."""
    page.get_by_test_id("stButtonGroup").get_by_text(FOREST, exact=True).last.click()
    page.locator(".st-key-forest .js-plotly-plot").wait_for()
    wait_until_drawn(page)
    # The forest is taller than a screen: into the middle of it with the mark, not with the chart.
    page.evaluate("() => document.querySelector('.stMain').scrollTo(0, 0)")
    page.wait_for_timeout(400)
    below = page.evaluate(FIND_MARK)["y"] - 400
    page.evaluate("y => document.querySelector('.stMain').scrollTo(0, Math.max(y, 0))", below)
    page.wait_for_timeout(400)
    mark = page.evaluate(FIND_MARK)
    page.mouse.click(mark["x"], mark["y"])
    page.get_by_text("largest errors first").wait_for()
    wait_until_drawn(page)
    page.wait_for_timeout(1500)  # it scrolls
    if f"fold={mark['fold']}" not in page.url:
        findings.add(f"the group of the mark is not in the address: {page.url}")
    top = page.locator(".st-key-baseline_part").bounding_box()
    if top is None or not 0 <= top["y"] < 300:
        findings.add(f"a click on a mark does not bring its test images into view: {top}")
    check_page(page, findings, needs_chart=False)


def _follow_the_link(page: Page, findings: Findings) -> None:
    """Open the address in another browser: the same answer, the same part, no run more."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    other = context.new_page()
    other.goto(page.url)
    _wait_for_run(other)
    other.get_by_text("largest errors first").wait_for()
    if _read_answer(other) != _read_answer(page):
        findings.add("a link opens another answer")
    context.close()


def _read_answer(page: Page) -> str:
    """Read the numbers that answer, with what the best shortcut reaches."""
    return page.locator(".cxr-answer").first.inner_text()


def _turn_the_task(page: Page, findings: Findings) -> None:
    """Turn to a task of numbers, and press Run where it was not run before."""
    page.get_by_text("Opacity (0-6)", exact=True).first.click()
    page.wait_for_timeout(800)
    wait_until_drawn(page)
    run = page.get_by_role("button", name="Run", exact=True)
    if run.count():
        run.first.click()
    page.locator(".cxr-answer").get_by_text("correlation").first.wait_for()
    wait_until_drawn(page)
    if "task=opacity" not in page.url:
        findings.add(f"the task is not in the address: {page.url}")
    check_page(page, findings, needs_chart=False)  # of the part shown last
