"""Progress: seldom in a log, in place on a terminal."""

import io

import pytest

from cxrlib.system import ProgressLine, progress_line


class Terminal(io.StringIO):
    """Claim to be a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a clock that stands still until told."""
    now = [0.0]
    monkeypatch.setattr(progress_line.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_few_lines(clock: list[float]) -> None:
    """A thousand steps of a tenth of a second give a line each ten seconds, and the last."""
    log = io.StringIO()
    line = ProgressLine(log)
    for done in range(1, 1001):
        clock[0] = done / 10
        line("Embedding", done, 1000)
    lines = log.getvalue().splitlines()
    assert 9 <= len(lines) <= 11
    assert lines[-1] == "Embedding: 1,000 of 1,000 in 100 s"


def test_a_log_says_nothing_of_what_was_over_at_once(clock: list[float]) -> None:
    """A stage that took no time leaves no line."""
    log = io.StringIO()
    line = ProgressLine(log)
    line("Hashing", 0, 10)
    line("Hashing", 10, 10)
    assert log.getvalue() == ""


def test_a_remark_that_changes_begins_no_stage(clock: list[float]) -> None:
    """What stands in brackets is news of the same stage: its rate counts from the beginning."""
    log = io.StringIO()
    line = ProgressLine(log)
    for done in range(101):
        clock[0] = done / 10
        line(f"Drawing permutations (p so far {done})", done, 200)
    assert log.getvalue().splitlines() == [
        "Drawing permutations (p so far 100): 100 of 200 (10 a second, 10 s left)"
    ]


def test_a_terminal_is_written_in_place(clock: list[float]) -> None:
    """Each report overwrites the last; the end is a line of its own."""
    screen = Terminal()
    line = ProgressLine(screen)
    for done in range(4):
        clock[0] = float(done)
        line("Embedding", done, 3)
    assert screen.getvalue().startswith("\r")
    assert screen.getvalue().count("\n") == 1


def test_a_download_counts_megabytes(clock: list[float]) -> None:
    """Bytes are shown in MB; what came in an earlier run is not counted as speed."""
    screen = Terminal()
    line = ProgressLine(screen)
    for second, done in enumerate((50_000_000, 52_000_000, 54_000_000)):
        clock[0] = float(second)
        line("Downloading the collection", done, 100_000_000)
    last = screen.getvalue().split("\r\033[K")[-1]
    assert last == ("Downloading the collection: 54.0 of 100.0 MB (2.0 MB a second, 23 s left)")


def test_a_download_of_unknown_size_does_not_end_at_once(clock: list[float]) -> None:
    """Without a size the line stays the same one, and no time left is invented."""
    screen = Terminal()
    line = ProgressLine(screen)
    for done in range(1, 4):
        clock[0] = float(done)
        line("Downloading the collection", done * 1_000_000, 0)
    assert "\n" not in screen.getvalue()
    assert "left" not in screen.getvalue()
