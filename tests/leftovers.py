"""End a test session whatever its tests left behind, and say what that was.

A thread that is no daemon keeps Python from ending, and a process that outlives its test keeps
the output open: a session would then hang after its summary, and nothing would say why. This
is a pytest plugin; conftest.py takes it in.
"""

import contextlib
import faulthandler
import os
import threading
import time
import uuid
import weakref
from collections.abc import Iterator

import psutil
import pytest

GRACE = float(os.environ.get("CXR_TEST_GRACE", "10"))  # seconds to end by itself
LAST_GRACE = 3 * GRACE  # seconds from the summary to the end of Python
SLOW_TIMEOUT = 900  # seconds for one slow test; the others have `timeout` of pyproject.toml

#: Processes inherit it: they are known by it even where their parent has ended.
MARK = "CXR_TEST_SESSION"
#: multiprocessing keeps one a process; it ends when its pipe does.
HELPER = "multiprocessing.resource_tracker"

_first_seen: weakref.WeakKeyDictionary[threading.Thread, str] = weakref.WeakKeyDictionary()
_left: list[str] = []
_errors: list[int] = []  # standard error, which pytest puts elsewhere while it captures


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this session will start."""
    os.environ[MARK] = uuid.uuid4().hex
    _errors.append(os.dup(2))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Remember after which test a thread was first there."""
    for thread in list_threads():
        _first_seen.setdefault(thread, nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait a while for threads and processes, end the processes, and fail if any were left."""
    deadline = time.monotonic() + GRACE
    while (list_threads() or list_processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    _left.extend(f"thread {t.name!r}, since {_first_seen.get(t, '?')}" for t in list_threads())
    doomed = list_processes()
    _left.extend(f"process {process.pid}: {_describe(process)}" for process in doomed)
    for process in doomed:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(doomed, timeout=GRACE)
    if _left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was left."""
    if _left:
        terminalreporter.section("left running", red=True)
        for words in _left:
            terminalreporter.line(words)
        terminalreporter.line("Tests must end what they start: the session has failed.")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Let Python end by force, with all stacks, if it does not end by itself."""
    faulthandler.dump_traceback_later(LAST_GRACE, exit=True, file=_errors[-1])


def list_threads() -> list[threading.Thread]:
    """List the threads that Python waits for at its end."""
    return [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    ]


def list_processes() -> list[psutil.Process]:
    """List the processes that this session started and that still run."""
    return [process for process in _find_started() if HELPER not in _describe(process)]


def _find_started() -> Iterator[psutil.Process]:
    """Find children, and orphans by their environment."""
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    mark = os.environ.get(MARK)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.pid in children or (mark and process.environ().get(MARK) == mark):
                yield process


def _describe(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:200] or process.name()
    except psutil.Error:
        return "ended"
