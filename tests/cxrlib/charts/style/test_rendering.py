"""Figures by a Chrome of this machine: what they hold, and what is said where there is none."""

import contextlib
import io
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import plotly.graph_objects as go
import psutil
import pytest
from PIL import Image

from cxrlib.charts.style import Imprint, chart_template, find_chrome, render_figure, rendering
from cxrlib.errors import ReportError

FIGURE = go.Figure(
    go.Scatter(x=[1, 2], y=[1, 2], mode="markers"),
    layout={"template": chart_template("light"), "height": 300},
)
IMPRINT = Imprint("Where?", "A caption.", ("For research and teaching.", "Cohort: x"))


@pytest.fixture
def chrome() -> Path:
    """Give a Chrome, or skip."""
    try:
        return find_chrome()
    except ReportError as error:
        pytest.skip(str(error))


def make_browser(path: Path, command: str) -> str:
    """Write a program in a Chrome's place."""
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    return str(path)


def test_without_a_chrome_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what to install, and another way."""
    monkeypatch.setattr("choreographer.browsers.chromium.Chromium.find_browser", lambda **_: None)
    with pytest.raises(ReportError, match=r"apt-get install chromium.*\.html") as caught:
        render_figure(FIGURE, "svg", IMPRINT)
    assert "\n" not in str(caught.value)


def test_a_browser_path_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where BROWSER_PATH leads nowhere, the message says so."""
    monkeypatch.setenv("BROWSER_PATH", "/no/such/chrome")
    with pytest.raises(ReportError, match="BROWSER_PATH '/no/such/chrome' is not one"):
        find_chrome()


def test_a_kind_that_is_none_is_refused() -> None:
    """Only SVG and PNG are written."""
    with pytest.raises(ReportError, match="'pdf'"):
        render_figure(FIGURE, "pdf", IMPRINT)


def test_a_chrome_that_ends_at_once_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program that is no Chrome is named, and what to do."""
    monkeypatch.setenv("BROWSER_PATH", make_browser(tmp_path / "broken", "exit 3"))
    with pytest.raises(ReportError, match=r"broken' did not draw the figure: it ended"):
        render_figure(FIGURE, "svg", IMPRINT)


def test_a_chrome_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Chrome without an answer is given up after a while, and leaves no process behind."""
    command = f"echo $$ > {tmp_path}/pid; exec sleep 300"
    monkeypatch.setenv("BROWSER_PATH", make_browser(tmp_path / "hangs", command))
    monkeypatch.setattr(rendering, "TIMEOUT", 10)
    with pytest.raises(ReportError, match="no answer within 10 s"):
        render_figure(FIGURE, "svg", IMPRINT)
    with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
        psutil.Process(int((tmp_path / "pid").read_text())).wait(timeout=60)


def test_a_failed_drawing_leaves_no_thread_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A thread of kaleido's that waits for a dead Chrome would keep this process from ending."""
    before, children = set(threading.enumerate()), set(psutil.Process().children(recursive=True))
    monkeypatch.setenv("BROWSER_PATH", make_browser(tmp_path / "broken", "exit 3"))
    with pytest.raises(ReportError):
        render_figure(FIGURE, "svg", IMPRINT)
    assert set(threading.enumerate()) <= before
    assert set(psutil.Process().children(recursive=True)) <= children


def test_a_drawing_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even the process that draws does not answer, it is given up."""
    monkeypatch.setattr(rendering, "find_chrome", lambda: Path("/no/chrome"))
    monkeypatch.setattr(rendering, "run_module", lambda _: ["sleep", "300"])
    monkeypatch.setattr(rendering, "TIMEOUT", 0.5)
    monkeypatch.setattr(rendering, "GRACE", 0.5)
    with pytest.raises(ReportError, match=r"no answer within 0\.5 s"):
        render_figure(FIGURE, "svg", IMPRINT)


@pytest.mark.slow
def test_an_svg_holds_its_words_as_text(chrome: Path) -> None:
    """Text stays text, the description is there, nothing is fetched from anywhere."""
    drawn = render_figure(FIGURE, "svg", IMPRINT, description="Two points.", width=640)
    written = drawn.decode()
    root = ET.fromstring(written)  # noqa: S314
    assert root.get("width") == "640"
    assert root.find("{*}desc").text == "Two points."
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("A caption." in text and "Cohort: x" in text for text in texts)
    assert "<script" not in written
    assert not [v for e in root.iter() for k, v in e.attrib.items() if v.startswith("http")]


@pytest.mark.slow
def test_a_png_is_twice_as_large_and_not_empty(chrome: Path) -> None:
    """A PNG has two pixels a side for each of the figure's, on white."""
    image = Image.open(io.BytesIO(render_figure(FIGURE, "png", IMPRINT, width=640)))
    assert image.width == 1280
    assert image.height > 600
    assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    assert len(image.convert("RGB").getcolors(100_000)) > 10
