"""The process that draws a figure by a Chrome: a figure comes in, a picture goes out, by pipes.

It is a process of its own because kaleido, where its Chrome does not answer, leaves threads that
wait on pipes for ever: a process that had started it could never end.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from typing import Any

#: What the first byte of the answer says of the rest: a picture, or why there is none.
ANSWERS = {"drawn": b"D", "closed": b"C", "failed": b"F"}

#: kaleido lets Chrome reach the network; a proxy where nobody listens keeps it at home.
NOWHERE = "http://127.0.0.1:9"


async def draw(request: dict[str, Any]) -> bytes:
    """Start Chrome, draw, and see to it that Chrome is gone.

    Parameters
    ----------
    request : dict
        figure (as a dict), options (format, width, height, scale), chrome (a path) and timeout
        (seconds).
    """
    from kaleido import Kaleido

    # Mathematics would be typeset by code from the network.
    browser = Kaleido(
        path=request["chrome"],
        mathjax=False,
        timeout=request["timeout"],
        proxy_server=NOWHERE,
    )
    try:
        async with asyncio.timeout(request["timeout"]), browser:
            return bytes(await browser.calc_fig(request["figure"], request["options"]))
    finally:
        # kaleido starts Chrome through a wrapper that leads a group, and ends the wrapper alone.
        if process := getattr(browser, "subprocess", None):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answer(request: dict[str, Any]) -> bytes:
    """Draw, or say in a line why not."""
    from kaleido.errors import BrowserClosedError, BrowserFailedError, JavascriptError, KaleidoError

    try:
        return ANSWERS["drawn"] + asyncio.run(draw(request))
    except (BrowserClosedError, BrowserFailedError, TimeoutError):
        return ANSWERS["closed"]
    except (JavascriptError, KaleidoError) as error:
        return ANSWERS["failed"] + " ".join(str(error).split())[:200].encode()


def _main() -> None:
    """Keep standard output for the answer: libraries print."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for name in ("kaleido", "choreographer"):  # they tell of each step and of Chrome's own noise
        logging.getLogger(name).setLevel(logging.CRITICAL)
    target.write(answer(json.load(sys.stdin)))
    target.flush()
    os._exit(0)  # without waiting for threads that may never end


if __name__ == "__main__":
    _main()
