"""Figures as SVG and PNG without a page: drawn by a Chrome of this machine, through kaleido.

kaleido is imported here only, when a figure is asked for. Nothing is fetched: the chart code is
that of the plotly package.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from cxrlib.charts.paper import Imprint, name_svg, put_on_paper
from cxrlib.errors import ReportError

__all__ = ["FIGURE_KINDS", "find_chrome", "render_figure", "write_figure"]

FIGURE_KINDS = ("svg", "png")
WIDTH = 900  # pixels of a figure that was on no screen; labels are placed for about that
PNG_SCALE = 2
TIMEOUT = 60  # seconds, with Chrome's start

#: kaleido lets Chrome reach the network; a proxy where nobody listens keeps it at home.
NOWHERE = "http://127.0.0.1:9"


def find_chrome() -> Path:
    """Find a Chrome, Chromium or Edge: named by ``BROWSER_PATH``, or installed as usual.

    Raises
    ------
    ReportError
        If there is none; the message says what to do.
    """
    from choreographer.browsers.chromium import Chromium

    found = Chromium.find_browser(skip_local=False)
    if found and Path(found).is_file() and os.access(found, os.X_OK):
        return Path(found)
    named = os.environ.get("BROWSER_PATH")
    where = f"BROWSER_PATH names {named!r}, which is none" if named else "there is none here"
    raise ReportError(
        f"SVG and PNG are drawn by Chrome or Chromium, and {where}. Install one (on Debian: "
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
    return name_svg(drawn.decode(), title=imprint.heading, description=description).encode()


def write_figure(
    figure: go.Figure, path: Path, imprint: Imprint, *, description: str = "", width: float = WIDTH
) -> None:
    """Write `render_figure` to a file named ``.svg`` or ``.png``.

    Raises
    ------
    ReportError
        If it cannot be drawn or written.
    """
    kind = path.suffix.lstrip(".").lower()
    drawn = render_figure(figure, kind, imprint, description=description, width=width)
    try:
        path.write_bytes(drawn)
    except OSError as error:
        raise ReportError(
            f"{str(path)!r} cannot be written: {error.strerror}. Name a folder that exists and "
            "has room."
        ) from error


def _draw(figure: go.Figure, kind: str, chrome: Path) -> bytes:
    """Let Chrome draw a figure; raises ReportError where it does not."""
    from kaleido.errors import BrowserClosedError, BrowserFailedError, JavascriptError, KaleidoError

    for name in ("kaleido", "choreographer"):  # they tell of each step and of Chrome's own noise
        logging.getLogger(name).setLevel(logging.CRITICAL)
    options: dict[str, Any] = {
        "format": kind,
        "width": figure.layout.width,
        "height": figure.layout.height,
        "scale": PNG_SCALE if kind == "png" else 1,
    }
    started = time.monotonic()
    try:
        # In a thread of its own: a notebook's has an event loop already.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(
                lambda: asyncio.run(_draw_once(figure.to_dict(), options, chrome))
            ).result()
    except (BrowserClosedError, BrowserFailedError, TimeoutError) as error:
        late = time.monotonic() - started >= TIMEOUT
        reason = f"no answer within {TIMEOUT} s" if late else "it ended before that"
        raise ReportError(_failed(chrome, reason)) from error
    except (JavascriptError, KaleidoError) as error:
        raise ReportError(_failed(chrome, " ".join(str(error).split())[:200])) from error


async def _draw_once(figure: dict[str, Any], options: dict[str, Any], chrome: Path) -> bytes:
    """Start Chrome, draw, and see to it that Chrome is gone."""
    from kaleido import Kaleido

    # Mathematics would be typeset by code from the network.
    browser = Kaleido(path=chrome, mathjax=False, timeout=TIMEOUT, proxy_server=NOWHERE)
    try:
        async with asyncio.timeout(TIMEOUT), browser:
            return bytes(await browser.calc_fig(figure, options))
    finally:
        # kaleido starts Chrome through a wrapper that leads a group, and ends the wrapper alone.
        if process := getattr(browser, "subprocess", None):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _failed(chrome: Path, reason: str) -> str:
    return (
        f"{str(chrome)!r} did not draw the figure: {reason}. Name another Chrome by BROWSER_PATH, "
        "or choose a file name that ends in .html."
    )
