"""Start the worker of a cache: at most one, and not again at once where it cannot start."""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import BinaryIO

import filelock

from cxrlib.errors import StoreError
from cxrlib.jobs.job_record import FOLDER
from cxrlib.system import PACKAGE_FOLDER, describe_write_error, run_module

LOCK_FILE = "_worker.lock"
LOG_FILE = "worker.log"
MAX_LOG_BYTES = 1 << 20
PAUSE = 30.0  # seconds before another try where a worker ended before it came to work


class _Launch:
    """Remember a worker that this process started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.worked = False
        self.ended: float | None = None

    def code(self) -> int | None:
        """Return the exit code, None while it runs."""
        code = self.process.poll()
        if code is not None and self.ended is None:
            self.ended = time.monotonic()
        return code

    def has_failed(self) -> bool:
        """Tell whether it ended with an error before it came to work, a short while ago."""
        if self.worked or not self.code() or self.ended is None:
            return False
        return time.monotonic() - self.ended < PAUSE


_launches: dict[str, _Launch] = {}
_launching = threading.Lock()


def worker_lock(folder: Path) -> filelock.BaseFileLock:
    """Give the lock that the worker holds as long as it lives, by the folder of jobs."""
    return filelock.FileLock(folder / LOCK_FILE)


def is_worker_alive(cache: Path) -> bool:
    """Tell whether a worker holds the lock of a cache."""
    folder = Path(cache).absolute() / FOLDER
    if not (folder / LOCK_FILE).exists():
        return False
    lock = worker_lock(folder)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return True
    lock.release()
    return False


def launch_worker(cache: Path) -> None:
    """Start a worker process unless one is alive, starting, or failed a moment ago.

    Raises
    ------
    StoreError
        If the cache cannot be written or the process not be started.
    """
    with _launching:
        try:
            last = _launches.get(str(cache))
            if is_worker_alive(cache):
                if last is not None:
                    last.worked = True
                return
            if last is not None and (last.code() is None or last.has_failed()):
                return
            _launches[str(cache)] = _Launch(_start_process(cache))
        except OSError as error:
            raise StoreError(
                f"No worker could be started for the cache {str(cache)!r}: "
                f"{describe_write_error(error)}. To start one by hand: python -m cxrlib work "
                f"--cache {str(cache)!r}"
            ) from error


def describe_launch(cache: Path) -> str:
    """Describe that the worker this process started ended at once, or give ""."""
    with _launching:
        last = _launches.get(str(Path(cache).absolute()))
        if last is None or not last.has_failed():
            return ""
        return (
            f"The worker ended at once with code {last.process.returncode}: see {LOG_FILE} in the "
            f"folder {FOLDER!r} of the cache. It is started again in half a minute."
        )


def _start_process(cache: Path) -> subprocess.Popen[bytes]:
    """Start a worker that outlives this process."""
    with _open_log(cache / FOLDER / LOG_FILE) as file:
        return subprocess.Popen(
            run_module("cxrlib", "work", "--cache", str(cache)),
            cwd=PACKAGE_FOLDER,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl+C on the server is not for the worker
        )


def _open_log(path: Path) -> BinaryIO:
    """Open a log to append to, emptied where it is long; never through a link out of the cache."""
    too_long = path.is_file() and path.stat().st_size > MAX_LOG_BYTES
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    flags |= os.O_TRUNC if too_long else os.O_APPEND
    return os.fdopen(os.open(path, flags, 0o644), "ab")
