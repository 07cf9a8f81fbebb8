"""Go back in a browser as a reader would, and fail where Back leads to what was never shown.

``python -m tests.browser.history`` generates two small cohorts whose patients share ids, serves
both, switches between them and resets three filters at once.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, sync_playwright

from tests.browser.look import CHROMIUM_FLAGS, Findings, choose, find_chromium, open_page
from tests.browser.server import ROOT, served

SIZE = (1366, 900)
SEEDS = {"ours": 0, "theirs": 7}
EXTRACTOR = ("--extractor", "texture")
FILTERS = {"view": "AP", "sex": "F", "region": "Europe"}


def main() -> None:
    """Walk, and fail with what was found."""
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        base = Path(folder)
        cohorts = [_make_cohort(base / name, seed) for name, seed in SEEDS.items()]
        for cohort in cohorts:
            _run("map", "--data", str(cohort), "--cache", str(base / "cache"), *EXTRACTOR)
        shared = set.intersection(*map(_list_patients, cohorts))
        log = base / "server.log"
        with served(cohorts, cache=base / "cache", log=log, extractor="texture") as address:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=CHROMIUM_FLAGS
            )
            switch_cohort(
                open_page(browser, f"{address}/patients?cohort=ours", theme="light", size=SIZE),
                findings,
                shared,
            )
            two = "&".join(f"patient={name}" for name in sorted(shared)[:2])
            switch_cohort_of_map(
                open_page(
                    browser, f"{address}/trajectories?cohort=ours&{two}", theme="light", size=SIZE
                ),
                findings,
            )
            query = "&".join(f"{name}={value}" for name, value in FILTERS.items())
            reset_filters(
                open_page(
                    browser, f"{address}/cohort?cohort=ours&{query}", theme="light", size=SIZE
                ),
                findings,
            )
            browser.close()
    sys.exit("\n".join(findings.failures) or 0)


def _make_cohort(folder: Path, seed: int) -> Path:
    _run("demo", str(folder), "--patients", "30", "--seed", str(seed))
    return folder


def _run(*words: str) -> None:
    """Run the command line; 3 says that some images could not be used."""
    answer = subprocess.run(
        [sys.executable, "-m", "cxrlib", *words], cwd=ROOT, check=False, capture_output=True
    )
    if answer.returncode not in (0, 3):
        sys.exit(answer.stderr.decode())


def _list_patients(folder: Path) -> set[str]:
    lines = (folder / "metadata.csv").read_text().splitlines()
    return {line.split(",")[0] for line in lines[1:]}


def _rest(page: Page) -> None:
    """Wait until the script has run."""
    page.wait_for_timeout(700)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState"
        " === 'notRunning'"
    )
    page.wait_for_timeout(400)


def _asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def switch_cohort(page: Page, findings: Findings, shared: set[str]) -> None:
    """Back over a switch of cohort never shows the other cohort's patient of the same id."""
    findings.where = "history, switch of cohort"
    _rest(page)
    opened = _asked(page)["patient"]
    line = next(
        line
        for line in page.locator(".cxr-patients .line").all()
        if (name := line.inner_text().split()[0]) in shared and [name] != opened
    )
    line.click()
    _rest(page)
    left = _asked(page)["patient"]
    choose(page, "cohort", "theirs")
    _rest(page)
    switched = _asked(page)
    if switched["cohort"] != ["theirs"] or switched["patient"] == left:
        findings.add(f"the switch led to {switched}")
    page.go_back()
    _rest(page)
    if _asked(page) == {**switched, "patient": left}:
        findings.add(f"Back shows patient {left} of a cohort in which nobody chose it")


def switch_cohort_of_map(page: Page, findings: Findings) -> None:
    """Nor does the map draw the paths of patients chosen in the other cohort."""
    findings.where = "history, switch of cohort on the map"
    _rest(page)
    left = _asked(page)["patient"]
    choose(page, "cohort", "theirs")
    _rest(page)
    page.go_back()
    _rest(page)
    if _asked(page) == {"cohort": ["theirs"], "patient": left}:
        findings.add(f"Back draws the paths of {left}, whom nobody chose in this cohort")


def reset_filters(page: Page, findings: Findings) -> None:
    """One click on "Reset filters" is one step: Back leads to all of them again."""
    findings.where = "history, reset of filters"
    _rest(page)
    before = page.evaluate("history.length")
    page.get_by_role("button", name="Reset filters").click()
    _rest(page)
    if FILTERS.keys() & _asked(page).keys():
        findings.add(f"the reset left {_asked(page)}")
    if (steps := page.evaluate("history.length") - before) != 1:
        findings.add(f"{steps} steps for one click")
    page.go_back()
    _rest(page)
    if not FILTERS.keys() <= _asked(page).keys():
        findings.add(f"Back led to {_asked(page)}")


if __name__ == "__main__":
    main()
