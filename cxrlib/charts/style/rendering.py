"""Figures as SVG and PNG without a page: drawn by a Chrome of this machine, through kaleido.

A process of its own does it (`cxrlib.charts.style.chrome_process`). Nothing is fetched: the chart
code is that of the plotly package.
"""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

import plotly.graph_objects as go
import psutil

from cxrlib.charts.style.chrome_process import ANSWERS
from cxrlib.charts.style.paper import Imprint, label_svg, put_on_paper
from cxrlib.errors import ReportError
from cxrlib.system import PACKAGE_FOLDER, require_package, run_module

FIGURE_KINDS = ("svg", "png")
WIDTH = 900  # pixels of a figure that was on no screen; labels are placed for about that
PNG_SCALE = 2
TIMEOUT = 60  # seconds, with Chrome's start
GRACE = 10  # seconds more, for the process to start and to end its Chrome


def find_chrome() -> Path:
    """Find a Chrome, Chromium or Edge: named by ``BROWSER_PATH``, or installed as usual.

    Raises
    ------
    ReportError
        If there is none; the message says what to do.
    """
    for name in ("choreographer", "kaleido"):
        require_package(name, "SVG and PNG", ReportError)
    from choreographer.browsers.chromium import Chromium

    found = Chromium.find_browser(skip_local=False)
    if found and Path(found).is_file() and os.access(found, os.X_OK):
        return Path(found)
    named = os.environ.get("BROWSER_PATH")
    where = f"BROWSER_PATH {named!r} is not one" if named else "none was found"
    raise ReportError(
        f"SVG and PNG need Chrome or Chromium, and {where}. Install one (on Debian: "
        "apt-get install chromium), or choose a file name that ends in .html, or save the figure "
        "from the dashboard."
    )


def render_figure(
    figure: go.Figure,
    kind: str,
    imprint: Imprint,
    *,
    description: str = "",
    width: float = WIDTH,
) -> bytes:
    """Draw a figure for paper as SVG, or as PNG at twice its size in pixels.

    Takes two seconds or so, mostly for Chrome to start.

    Parameters
    ----------
    figure : Figure
        Drawn in the light theme.
    kind : {"svg", "png"}
    imprint : Imprint
        The words below it.
    description : str, optional
        The text alternative; an SVG carries it.
    width : float, default 900
        In pixels.

    Raises
    ------
    ReportError
        If there is no Chrome, or it does not draw.
    """
    if kind not in FIGURE_KINDS:
        raise ReportError(
            f"A figure cannot be written as {kind!r}: it can be {' or '.join(FIGURE_KINDS)}."
        )
    drawn = _draw(put_on_paper(figure, imprint, width=width), kind, find_chrome())
    if kind == "png":
        return drawn
    return label_svg(drawn.decode(), title=imprint.heading, description=description).encode()


def _draw(figure: go.Figure, kind: str, chrome: Path) -> bytes:
    """Let Chrome draw a figure; raises ReportError where it does not."""
    options = {
        "format": kind,
        "width": figure.layout.width,
        "height": figure.layout.height,
        "scale": PNG_SCALE if kind == "png" else 1,
    }
    request = {"options": options, "chrome": str(chrome), "timeout": TIMEOUT}
    head = json.dumps(request).removesuffix("}")
    started = time.monotonic()
    answer = _ask(f'{head}, "figure": {figure.to_json()}}}'.encode())
    kind_of_answer, drawn = answer[:1], answer[1:]
    if kind_of_answer == ANSWERS["drawn"]:
        return drawn
    if kind_of_answer == ANSWERS["failed"]:
        raise ReportError(_failed(chrome, drawn.decode("utf-8", "replace")))
    late = time.monotonic() - started >= TIMEOUT
    raise ReportError(
        _failed(chrome, f"no answer within {TIMEOUT} s" if late else "it ended before that")
    )


def _ask(request: bytes) -> bytes:
    """Send a request to a process of its own; nothing where it ended without an answer."""
    process = subprocess.Popen(
        run_module("cxrlib.charts.style.chrome_process"),
        cwd=PACKAGE_FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        return process.communicate(request, timeout=TIMEOUT + GRACE)[0]
    except subprocess.TimeoutExpired:
        return b""
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with the Chrome that it may have left."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.communicate()


def _failed(chrome: Path, reason: str) -> str:
    return (
        f"{str(chrome)!r} did not draw the figure: {reason}. Name another Chrome by BROWSER_PATH, "
        "or choose a file name that ends in .html."
    )
