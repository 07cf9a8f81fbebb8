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


def test_progress_line_writes_few_lines_to_a_log(clock: list[float]) -> None:
    """A thousand steps of a tenth of a second give a line each ten seconds, and the last."""
    log = io.StringIO()
    line = ProgressLine(log)
    for done in range(1, 1001):
        clock[0] = done / 10
        line("Embedding", done, 1000)
    lines = log.getvalue().splitlines()
    assert 9 <= len(lines) <= 11
    assert lines[-1] == "Embedding: 1,000 of 1,000 in 1 min 40 s"


def test_progress_line_leaves_out_quick_stages_in_a_log(clock: list[float]) -> None:
    """A stage that took no time leaves no line."""
    log = io.StringIO()
    line = ProgressLine(log)
    line("Hashing", 0, 10)
    line("Hashing", 10, 10)
    assert log.getvalue() == ""


def test_progress_line_keeps_its_stage_when_a_remark_changes(clock: list[float]) -> None:
    """What stands in brackets is news of the same stage: its rate counts from the beginning."""
    log = io.StringIO()
    line = ProgressLine(log)
    for done in range(101):
        clock[0] = done / 10
        line(f"Drawing permutations (p so far {done})", done, 200)
    assert log.getvalue().splitlines() == [
        "Drawing 100 of 200 permutations (p so far 100), 10 a second, 10 s left"
    ]


def test_progress_line_overwrites_itself_on_a_terminal(clock: list[float]) -> None:
    """Each report overwrites the last; the end is a line of its own."""
    screen = Terminal()
    line = ProgressLine(screen)
    for done in range(4):
        clock[0] = float(done)
        line("Embedding", done, 3)
    assert screen.getvalue().startswith("\r")
    assert screen.getvalue().count("\n") == 1


def test_progress_line_counts_megabytes_of_a_download(clock: list[float]) -> None:
    """Bytes are shown in MB; what came in an earlier run is not counted as speed."""
    screen = Terminal()
    line = ProgressLine(screen)
    for second, done in enumerate((50_000_000, 52_000_000, 54_000_000)):
        clock[0] = float(second)
        line("Downloading the collection", done, 100_000_000)
    last = screen.getvalue().split("\r\033[K")[-1]
    assert last == "Downloading the collection: 54.0 of 100.0 MB, 2.0 MB a second, 23 s left"


def test_progress_line_goes_on_without_a_total(clock: list[float]) -> None:
    """Without a size the line stays the same one, and no time left is invented."""
    screen = Terminal()
    line = ProgressLine(screen)
    for done in range(1, 4):
        clock[0] = float(done)
        line("Downloading the collection", done * 1_000_000, 0)
    assert "\n" not in screen.getvalue()
    assert "left" not in screen.getvalue()
