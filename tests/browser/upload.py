"""Upload X-rays in a browser as a visitor would; fail on what goes wrong, and on any trace left.

``python -m tests.browser.upload --out look`` serves the upload panel alone, by CXR_DATA or the
demo, whose map must be in the cache.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from cxrlib.uploads import ALLOW_VARIABLE
from tests.browser.look import (
    CHROMIUM_FLAGS,
    Findings,
    check_page,
    find_chromium,
    open_page,
    wait_until_drawn,
    watch_requests,
)
from tests.browser.server import ROOT, served_script
from tests.cohort_factory import draw_image
from tests.dicom_factory import MARKER, make_dicom

APP = Path(__file__).with_name("upload_app.py")
TABLE = "[data-testid=stDataFrame]"
SIZES = {"laptop": (1366, 900), "narrow": (820, 1100)}


def make_files() -> dict[str, bytes]:
    """Make what is brought: an X-ray of some megabytes, noise, a CT, nothing."""
    source = next((ROOT / "cache" / "demo" / "images").glob("*.png"))
    grey = np.asarray(Image.open(source).convert("L").resize((1500, 1800)), dtype=np.uint16)
    noise = np.random.default_rng(1).integers(0, 16, grey.shape).astype(np.uint16)
    return {
        "xray": make_dicom(
            grey * 16 + noise, BitsStored=12, PhotometricInterpretation="MONOCHROME2"
        ),
        "noise": make_dicom(noise * 4000),
        "ct": make_dicom(draw_image(1), Modality="CT"),
        "nothing": MARKER.encode() * 50,
    }


def bring(page: Page, payload: bytes, sign: str) -> float:
    """Upload a file and wait for the sign of what comes of it, in seconds."""
    started = time.monotonic()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(
        {"name": "SECRET.dcm", "mimeType": "application/dicom", "buffer": payload}
    )
    page.locator(sign).first.wait_for()
    wait_until_drawn(page)
    return time.monotonic() - started


def walk(page: Page, findings: Findings, files: dict[str, bytes], out: Path, name: str) -> None:
    """Bring each file, look at what is shown, and remove it again."""
    wait_until_drawn(page)
    page.get_by_text("Upload an X-ray to this map").click()
    for kind, words in (("nothing", "it is not a PNG"), ("ct", "it is a CT")):
        bring(page, files[kind], f".cxr-alert:has-text('{words}')")
        page.screenshot(path=str(out / f"upload-{kind}-{name}.png"), full_page=True)
    for kind in ("xray", "noise"):
        print(f"{name} {kind}: {bring(page, files[kind], TABLE):.1f} s")  # noqa: T201
        if page.locator(".cxr-viewer canvas, .cxr-viewer img").count() < 2:
            findings.add(f"{kind}: fewer than two pictures")
        check_page(page, findings, needs_chart=False)
        if "SECRET" in page.content():
            findings.add(f"{kind}: the header or the file's name is on the page")
        page.screenshot(path=str(out / f"upload-{kind}-{name}.png"), full_page=True)
        page.get_by_role("button", name="Remove this X-ray").click()
        page.locator("[data-testid=stFileUploader]").wait_for()


def look_for_traces(folder: Path, log: Path, findings: Findings) -> None:
    """Search what the server could write to."""
    for path in [log, *(each for each in folder.rglob("*") if each.is_file())]:
        if b"SECRET" in path.read_bytes():
            findings.add(f"a trace of an upload is in {path.name}")
    if left := [path.name for path in folder.iterdir()]:
        findings.add(f"left in the folder for temporary files: {left}")


def main() -> None:
    """Walk through it in two themes and widths."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=ROOT / "look")
    out = parser.parse_args().out
    out.mkdir(exist_ok=True)
    findings, files = Findings(), make_files()
    with tempfile.TemporaryDirectory() as base:
        temporary, log = Path(base) / "temporary", Path(base) / "log"
        temporary.mkdir()
        os.environ |= {ALLOW_VARIABLE: "1", "TMPDIR": str(temporary)}
        os.environ.setdefault("CXR_CACHE", str(ROOT / "cache"))
        data = Path(os.environ.get("CXR_DATA") or ROOT / "cache" / "demo")
        with served_script(APP, log=log, data=data) as address, sync_playwright() as player:
            os.environ["TMPDIR"] = base
            browser = player.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
            for theme, size in (("light", "laptop"), ("dark", "narrow")):
                findings.where = f"upload {theme} {size}"
                page = open_page(browser, address, theme=theme, size=SIZES[size])
                watch_requests(page, findings)
                walk(page, findings, files, out, f"{theme}-{size}")
            browser.close()
            look_for_traces(temporary, log, findings)
    print("\n".join(findings.failures) or "Nothing wrong was found.")  # noqa: T201
    sys.exit(1 if findings.failures else 0)


if __name__ == "__main__":
    main()
