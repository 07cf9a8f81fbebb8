"""One progress line on a terminal, a few lines in a log."""

import sys
import time
from typing import TextIO

QUICK = 1.0  # seconds: a log says nothing of a stage that was over at once
LOG_INTERVAL = 10.0  # seconds between lines where the output is not a terminal
DOWNLOAD = "Downloading"  # stages so called count bytes


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
        self._first = 0
        self._started = 0.0
        self._said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take a stage's name and its counts; write if it is time to."""
        now = time.monotonic()
        # What stands in brackets, such as a p so far, changes within a stage.
        if stage.partition(" (")[0] != self._stage.partition(" (")[0]:
            self._stage, self._started, self._said = stage, now, now
            # A download that goes on begins with what came before: that is not its rate.
            self._first = done if stage.startswith(DOWNLOAD) else 0
        finished = done >= total and (total > 0 or not done)  # of 0 means: nobody knows
        interactive = self.stream.isatty()
        if not finished and now - self._said < (0.2 if interactive else LOG_INTERVAL):
            return
        self._said = now
        if finished and not interactive and now - self._started < QUICK:
            return
        line = describe_progress(stage, done, total, now - self._started, first=self._first)
        self.stream.write(f"\r\033[K{line}" if interactive else f"{line}\n")
        if interactive and finished:
            self.stream.write("\n")
        self.stream.flush()


def describe_progress(stage: str, done: int, total: int, seconds: float, *, first: int = 0) -> str:
    """Put a stage's progress in words.

    Parameters
    ----------
    stage : str
        What is done; a stage "Downloading ..." counts bytes, any other things.
    done, total : int
        A total of 0 with something done is a total that nobody knows.
    seconds : float
        Since the stage began.
    first : int
        What had been done then.

    Examples
    --------
    >>> describe_progress("Embedding", 50, 200, 5.0)
    'Embedding: 50 of 200 (10 a second, 15 s left)'
    >>> describe_progress("Embedding", 0, 200, 0.0)
    'Embedding: 0 of 200'
    >>> describe_progress("Downloading weights", 12_000_000, 28_400_000, 2.0)
    'Downloading weights: 12.0 of 28.4 MB (6.0 MB a second, 3 s left)'
    >>> describe_progress("Downloading weights", 12_000_000, 0, 2.0)
    'Downloading weights: 12.0 MB (6.0 MB a second)'
    """
    if stage.startswith(DOWNLOAD):
        return _describe_download(stage, done, total, seconds, first)
    if done <= 0 or seconds <= 0:
        return f"{stage}: {done:,} of {total:,}"
    rate = done / seconds
    if done >= total:
        return f"{stage}: {done:,} of {total:,} in {seconds:.0f} s"
    left = (total - done) / rate
    shown = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
    return f"{stage}: {done:,} of {total:,} ({shown} a second, {left:.0f} s left)"


def _describe_download(stage: str, done: int, total: int, seconds: float, first: int) -> str:
    """Put a download's progress in words: megabytes, a second, seconds left."""
    size = f"{done / 1e6:,.1f}" + (f" of {total / 1e6:,.1f} MB" if total else " MB")
    rate = (done - first) / seconds if seconds > 0 else 0.0
    if rate <= 0:
        return f"{stage}: {size}"
    if done >= total > 0:
        return f"{stage}: {size} in {seconds:.0f} s"
    left = f", {(total - done) / rate:.0f} s left" if total else ""
    return f"{stage}: {size} ({rate / 1e6:.1f} MB a second{left})"
