"""One progress line on a terminal, a few lines in a log."""

import sys
import time
from typing import TextIO

QUICK = 1.0  # seconds: a log says nothing of a stage that was over at once
LOG_INTERVAL = 10.0  # seconds between lines where the output is not a terminal


class ProgressLine:
    """Say how far a stage is, how fast it goes and how long it will still take.

    Parameters
    ----------
    stream : TextIO, optional
        Where to write; standard error unless told, so that results stay alone on
        standard output.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._stage = ""
        self._started = 0.0
        self._said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take a stage's name and its counts; write if it is time to."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._said = stage, now, now
        finished = done >= total
        interactive = self.stream.isatty()
        if not finished and now - self._said < (0.2 if interactive else LOG_INTERVAL):
            return
        self._said = now
        if finished and not interactive and now - self._started < QUICK:
            return
        line = describe_progress(stage, done, total, now - self._started)
        self.stream.write(f"\r\033[K{line}" if interactive else f"{line}\n")
        if interactive and finished:
            self.stream.write("\n")
        self.stream.flush()


def describe_progress(stage: str, done: int, total: int, seconds: float) -> str:
    """Put a stage's progress in words.

    Examples
    --------
    >>> describe_progress("Embedding", 50, 200, 5.0)
    'Embedding: 50 of 200 (10 a second, 15 s left)'
    >>> describe_progress("Embedding", 0, 200, 0.0)
    'Embedding: 0 of 200'
    """
    if done <= 0 or seconds <= 0:
        return f"{stage}: {done:,} of {total:,}"
    rate = done / seconds
    if done >= total:
        return f"{stage}: {done:,} of {total:,} in {seconds:.0f} s"
    left = (total - done) / rate
    shown = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
    return f"{stage}: {done:,} of {total:,} ({shown} a second, {left:.0f} s left)"
