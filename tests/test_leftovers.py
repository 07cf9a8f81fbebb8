"""A session ends whatever its tests left running, says what it was, and has failed."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.leftovers import SLOW_TIMEOUT

ROOT = Path(__file__).resolve().parents[1]

THREAD = """
import threading
def test_it():
    threading.Thread(target=threading.Event().wait, name="waits").start()
"""
ORPHAN = """
import subprocess
def test_it(tmp_path):
    subprocess.run(["sh", "-c", f"sleep 600 & echo $! > {tmp_path.parent.parent}/pid"], check=True)
"""
NOTHING = """
import subprocess, threading
def test_it():
    threading.Thread(target=lambda: None).start()
    subprocess.Popen(["true"]).wait()
"""
STUCK = """
import time
def test_it():
    time.sleep(600)
"""


def run_session(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a session of one test, with little patience."""
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", "tests.leftovers", "-c", os.devnull]
    return subprocess.run(
        [*command, f"--rootdir={folder}", f"--basetemp={folder}/temp", *options, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CXR_TEST_GRACE": "0.7"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_thread_that_stays_is_named_and_does_not_hang_the_session(tmp_path: Path) -> None:
    """The summary says since which test; then Python is ended by force, with the stacks."""
    session = run_session(tmp_path, THREAD)
    assert session.returncode == 1
    assert "thread 'waits', since test_it.py::test_it" in session.stdout
    assert "1 passed" in session.stdout
    assert "in _shutdown" in session.stderr


def test_a_process_that_stays_is_named_and_ended(tmp_path: Path) -> None:
    """Also one whose parent has ended."""
    session = run_session(tmp_path, ORPHAN)
    assert session.returncode == 1
    pid = int((tmp_path / "pid").read_text())
    assert f"process {pid}: sleep 600" in session.stdout
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_has_ended_is_not_held_against_a_session(tmp_path: Path) -> None:
    """Threads and processes are welcome while they last."""
    session = run_session(tmp_path, NOTHING)
    assert session.returncode == 0, session.stdout
    assert "left running" not in session.stdout


def test_a_test_that_never_ends_is_failed(tmp_path: Path) -> None:
    """A limit on each test is set where the project's tests are."""
    session = run_session(tmp_path, STUCK, "--timeout=1")
    assert session.returncode == 1
    assert "Timeout (>1.0s)" in session.stdout


def test_limits_are_set(pytestconfig: pytest.Config) -> None:
    """A test fails by its own limit before the session is ended with it."""
    assert 0 < float(pytestconfig.getini("timeout")) < SLOW_TIMEOUT
    assert pytestconfig.getini("faulthandler_timeout") > float(pytestconfig.getini("timeout"))
    assert pytestconfig.getini("faulthandler_exit_on_timeout")
