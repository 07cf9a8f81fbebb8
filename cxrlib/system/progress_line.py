"""One progress line on a terminal, a few lines in a log."""

import sys
import time
from typing import TextIO

QUICK = 1.0  # seconds: a log says nothing of a stage that was over at once
LOG_INTERVAL = 10.0  # seconds between lines where the output is not a terminal
DOWNLOAD = "Downloading"  # stages so called count bytes


class ProgressLine:
    """Print how far a stage is, how fast it goes and how long it will still take.

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
        line = self._describe(stage, done, total, now - self._started)
        self.stream.write(f"\r\033[K{line}" if interactive else f"{line}\n")
        if interactive and finished:
            self.stream.write("\n")
        self.stream.flush()

    def _describe(self, stage: str, done: int, total: int, seconds: float) -> str:
        """Describe a stage after so many seconds."""
        rate = (done - self._first) / seconds if seconds > 0 else 0.0
        if rate > 0 and done >= total > 0:
            return f"{describe_stage(stage, done, total)} in {format_seconds(seconds)}"
        left = (total - done) / rate if rate > 0 and total else None
        return describe_stage(stage, done, total, rate=rate, seconds_left=left)


def describe_stage(
    stage: str,
    done: int,
    total: int,
    *,
    rate: float | None = None,
    seconds_left: float | None = None,
) -> str:
    """Describe a stage and its progress.

    Parameters
    ----------
    stage : str
        What is done; a stage "Downloading ..." counts bytes, any other things.
    done, total : int
        A total of 0 is one that nobody knows.
    rate : float, optional
        Done a second.
    seconds_left : float, optional

    Examples
    --------
    >>> describe_stage("Embedding images", 50, 200, rate=10.0, seconds_left=15.0)
    'Embedding 50 of 200 images, 10 a second, 15 s left'
    >>> describe_stage("Downloading weights", 12_000_000, 28_400_000, rate=6e6, seconds_left=3.0)
    'Downloading weights: 12.0 of 28.4 MB, 6.0 MB a second, 3 s left'
    >>> describe_stage("Computing the map", 0, 0)
    'Computing the map'
    """
    is_download = stage.startswith(DOWNLOAD)
    words = [_count_stage(stage, done, total)]
    if rate and is_download:
        words.append(f"{rate / 1e6:.1f} MB a second")
    elif rate and total:
        words.append(f"{rate:.0f} a second" if rate >= 10 else f"{rate:.1f} a second")
    if seconds_left is not None and done < total:
        words.append(f"{format_seconds(seconds_left)} left")
    return ", ".join(words)


def _count_stage(stage: str, done: int, total: int) -> str:
    """Put a stage's counts into its name: "Embedding images" counts images.

    What stands in brackets behind it, such as a p so far, stays there.
    """
    if stage.startswith(DOWNLOAD):
        of = f" of {total / 1e6:,.1f}" if total else ""
        return f"{stage}: {done / 1e6:,.1f}{of} MB"
    if total <= 0:
        return stage or "starting"
    name, bracket, remark = stage.partition(" (")
    verb, _, noun = name.partition(" ")
    if verb.endswith("ing") and noun.isalpha():
        return f"{verb} {done:,} of {total:,} {noun}{bracket}{remark}"
    return f"{stage}: {done:,} of {total:,}"


def format_seconds(seconds: float) -> str:
    """Format a duration in the unit that fits.

    Examples
    --------
    >>> format_seconds(42.4), format_seconds(200), format_seconds(8000)
    ('42 s', '3 min 20 s', '2 h 13 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
