"""A process is known by number, start and machine: a number alone may be another's by now."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from cxrlib.system import end_process, is_alive, mark_process
from cxrlib.system.process_identity import make_machine_key


@pytest.fixture
def sleeper():
    """Give a process that sleeps, by its command line a worker, and has a child that sleeps."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", code, "cxrlib", "work"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.child = int(process.stdout.readline())
        yield process
        process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.child, signal.SIGKILL)


def test_this_process_is_alive() -> None:
    """A mark of this process is alive, and the same each time."""
    mark = mark_process()
    assert mark.pid == os.getpid()
    assert is_alive(mark)
    assert abs(mark_process().started - mark.started) < 0.1


def test_a_reused_number_is_another_process() -> None:
    """The same number with another start is not the process that was meant."""
    mark = mark_process()
    assert is_alive(replace(mark, started=mark.started - 60)) is False
    assert is_alive(replace(mark, started=mark.started + 60)) is False


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1, 2**62])
def test_a_number_that_is_nobodys_is_not_alive(pid) -> None:
    """Numbers that no process has are told without an error."""
    mark = replace(mark_process(), pid=pid)
    assert is_alive(mark) is False
    assert end_process(mark)


def test_of_another_machine_nothing_can_be_told() -> None:
    """A mark of another machine is neither alive nor dead, and nothing is killed there."""
    mark = replace(mark_process(), machine="0" * 16)
    assert is_alive(mark) is None
    assert not end_process(mark)
    assert make_machine_key() == make_machine_key() != mark.machine


def test_a_set_clock_changes_nothing(monkeypatch) -> None:
    """The wall clock set by hours makes no living process a dead one."""
    mark = mark_process()
    boot = psutil.boot_time()
    for hours in (-5, 5):
        moved = boot + hours * 3600
        monkeypatch.setattr(psutil, "boot_time", lambda moved=moved: moved)
        monkeypatch.setattr(psutil._psplatform, "boot_time", lambda moved=moved: moved)
        assert is_alive(mark)


def test_a_zombie_is_not_alive(sleeper) -> None:
    """A process that was killed and whose end nobody has asked after is not alive."""
    mark = mark_process(sleeper.pid)
    assert is_alive(mark)
    os.kill(sleeper.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while is_alive(mark) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE
    assert is_alive(mark) is False


def test_ending_a_process_ends_its_children(sleeper) -> None:
    """A stopped process and its child are killed; another of the same number is not."""
    mark = mark_process(sleeper.pid)
    child = mark_process(sleeper.child)
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert end_process(replace(mark, started=mark.started - 60))
    assert is_alive(mark)
    assert end_process(mark)
    assert is_alive(mark) is False
    assert not is_alive(child)


@pytest.mark.parametrize("words", [[], ["cxrlib"], ["work"], ["cxrlib", "worker"]])
def test_a_process_that_is_no_worker_is_not_killed(words) -> None:
    """A record may name any process of the user's; its worker counts as gone."""
    command = [sys.executable, "-c", "import time; time.sleep(60)", *words]
    with subprocess.Popen(command) as process:
        try:
            mark = mark_process(process.pid)
            assert end_process(mark)
            assert is_alive(mark)
        finally:
            process.kill()
