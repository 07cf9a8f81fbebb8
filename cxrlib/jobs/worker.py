"""The worker: one process a cache that does the jobs, one by one, and is warm for the next.

It outlives the server that started it, and ends when nobody has wanted it for two minutes.
"""

import contextlib
import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import filelock
import psutil

from cxrlib.errors import CxrError, StoreError
from cxrlib.jobs.job_kinds import WorkStoppedError, run_work, warm_up
from cxrlib.jobs.job_queue import KILL_AFTER, WANTED_FILE, JobQueue
from cxrlib.jobs.job_record import Job
from cxrlib.jobs.worker_launch import LOCK_FILE, LOG_FILE, worker_lock
from cxrlib.storage import JSON
from cxrlib.system import describe_write_error, give_way, mark_process

logger = logging.getLogger(__name__)

IDLE_SECONDS = 120.0
WARM_AFTER = 1.0  # idle seconds
LOOK_INTERVAL = 0.2  # seconds between looks for a job
SCAN_INTERVAL = 5.0  # seconds after which all records are read though nothing seems changed
REPORT_INTERVAL = 0.4  # seconds between writings of progress, and looks for a cancellation


class Worker:
    """Do the jobs of one cache, one by one.

    Parameters
    ----------
    cache : Path
    idle_seconds : float, default 120
        How long to stay without a job and without a sign that a server runs.
    warm : bool, default True
        Whether to prepare for the next map while there is nothing to do.
    """

    def __init__(
        self, cache: Path, *, idle_seconds: float = IDLE_SECONDS, warm: bool = True
    ) -> None:
        self.queue = JobQueue(cache)
        self.mark = mark_process()
        self._idle_seconds = idle_seconds
        self._warm = warm
        self._wanted = self._idle_since = time.monotonic()
        self._sign = 0
        self._lock_number = 0
        self._seen: tuple[int, float] = (0, 0.0)
        self._code = _stamp_code()
        self._is_outdated = False

    def run(self) -> bool:
        """Run jobs until no worker is wanted; return False where another one is running.

        Raises
        ------
        StoreError
            If the cache cannot be written.
        """
        with self._alone() as alone:
            if not alone:
                return False
            while self._is_wanted():
                job = self._look()
                if job is not None:
                    self.run_job(job)
                    self._wanted = self._idle_since = time.monotonic()
                else:
                    self._start_warming()
                    time.sleep(LOOK_INTERVAL)
            return True

    def run_job(self, job: Job) -> None:
        """Do a job that was taken, and write how it ended."""
        logger.info("Job %s (%s) starts.", job.id, job.kind)
        watch = _Watch(self.queue, job)
        state, error = "died", "the worker was ended from outside"
        result: dict[str, JSON] = {}
        try:
            with watch:
                result = run_work(
                    job.kind, job.parameters, self.queue.cache, watch.progress, watch.should_stop
                )
            state, error = "done", ""
        except WorkStoppedError:
            state, error = "cancelled", ""
        except CxrError as problem:
            state, error = "failed", str(problem)
        except MemoryError:
            state, error = "failed", "there was not enough memory"
        except Exception as problem:
            # Not one of ours: what it left behind in this process is not to be trusted.
            logger.error("Job %s failed.\n%s", job.id, traceback.format_exc())
            kind = type(problem).__name__
            state, error = "failed", f"unexpected error {kind} ({problem}), see {LOG_FILE}"
            raise
        finally:
            self._note_end(job, state, error, result)
            logger.info("Job %s is %s.", job.id, state)

    def _note_end(self, job: Job, state: str, error: str, result: dict[str, JSON]) -> None:
        """Write how a job ended; without that record this process must not live on."""
        for pause in (0.2, 1.0, 3.0):
            try:
                self.queue.finish(job, state, error=error, result=result)
            except StoreError as problem:
                logger.warning("The end of job %s is not noted yet. %s", job.id, problem)
                time.sleep(pause)
            else:
                return
        self.queue.finish(job, state, error=error, result=result)

    # ---- between jobs

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Hold the worker's lock; say whether it was free."""
        lock = worker_lock(self.queue.folder)
        try:
            self.queue.folder.mkdir(parents=True, exist_ok=True)
            # A server that looks whether somebody works holds it for an instant.
            lock.acquire(timeout=2.0)
        except filelock.Timeout:
            yield False
            return
        except OSError as error:
            raise StoreError(
                f"The cache folder {str(self.queue.cache)!r} could not be written: "
                f"{describe_write_error(error)}. Fix this or choose another cache folder."
            ) from error
        self._lock_number = _file_number(self.queue.folder / LOCK_FILE)
        try:
            yield True
        finally:
            lock.release()

    def _look(self) -> Job | None:
        """Take the next job; records are read only when the folder has changed."""
        try:
            changed = self.queue.folder.stat().st_mtime_ns
        except OSError:
            return None
        last, when = self._seen
        now = time.monotonic()
        if changed == last and now - when < SCAN_INTERVAL:
            return None
        if _stamp_code() != self._code:
            self._is_outdated = True
            return None
        job = self.queue.take(self.mark)
        # A change within the clock's tick of this look would not be seen: then look again.
        fresh = abs(time.time_ns() - changed) < 1e9
        self._seen = (0 if job is not None or fresh else changed, now)
        return job

    def _is_wanted(self) -> bool:
        """Tell whether a server wants a worker, and this is still its cache and program."""
        if _file_number(self.queue.folder / LOCK_FILE) != self._lock_number:
            logger.warning("The folder of jobs was deleted: the worker ends.")
            return False
        if self._is_outdated:
            logger.warning("The program was changed: the worker ends, a new one takes over.")
            return False
        with contextlib.suppress(OSError):
            sign = (self.queue.folder / WANTED_FILE).stat().st_mtime_ns
            if sign != self._sign:
                self._sign, self._wanted = sign, time.monotonic()
        return time.monotonic() - self._wanted < self._idle_seconds

    def _start_warming(self) -> None:
        """Prepare for the next map, beside whatever comes meanwhile."""
        # Not in the first moment: who cancels may resume, and imports slow a job's start down.
        if self._warm and time.monotonic() - self._idle_since > WARM_AFTER:
            self._warm = False
            threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


class _Watch:
    """Write a running job's progress, and notice when it is to stop; in a thread of its own."""

    def __init__(self, queue: JobQueue, job: Job) -> None:
        self._queue = queue
        self._job = job
        self._finished = threading.Event()
        self._stop = threading.Event()
        self._changing = threading.Lock()
        self._stage_started = time.monotonic()
        self._done_before = 0
        self._warned = False
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()
        with contextlib.suppress(StoreError):
            self._queue.report(self._job)  # the last word on how far it came

    def progress(self, stage: str, done: int, total: int) -> None:
        """Take a stage and its counts; called often, so it writes nothing."""
        # A number of NumPy's would end the thread that writes it: JSON does not know it.
        done, total = int(done), int(total)
        now = time.monotonic()
        with self._changing:
            # What stands in brackets, such as a p so far, changes within a stage.
            if stage.partition(" (")[0] != self._job.stage.partition(" (")[0]:
                self._stage_started, self._done_before = now, done
            seconds, more = now - self._stage_started, done - self._done_before
            # Not of the first moments: the first images come together.
            rate = more / seconds if more > 0 and seconds > 1.0 else None
            left = None if rate is None else max(0, total - done) / rate
            self._job = replace(
                self._job, stage=stage, done=done, total=total, rate=rate, seconds_left=left
            )

    def should_stop(self) -> bool:
        """Tell whether the job was cancelled."""
        return self._stop.is_set()

    def _watch(self) -> None:
        asked = 0.0
        while not self._finished.wait(REPORT_INTERVAL):
            if not self._stop.is_set() and self._is_to_stop():
                asked = time.monotonic()
                self._stop.set()
            elif self._stop.is_set() and time.monotonic() - asked > KILL_AFTER:
                self._give_up()

    def _is_to_stop(self) -> bool:
        """Write progress; tell whether the job was cancelled or its record taken away."""
        with self._changing:
            job = self._job
        try:
            known = self._queue.report(job)
        except StoreError as error:
            # A full disk may have room again; the work itself says so where it cannot go on.
            if not self._warned:
                logger.warning("Progress is not noted. %s", error)
            self._warned = True
            return False
        return known is None or known.state == "cancelling"

    def _give_up(self) -> None:
        """End this process: the work has not stopped, UMAP for one cannot be interrupted."""
        logger.warning("Job %s did not stop by itself: the worker ends.", self._job.id)
        try:
            self._queue.finish(self._job, "cancelled")
        finally:
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
            logging.shutdown()
            os._exit(1)


def _warm_up() -> None:
    """Warm up; a failure is only logged, the job that needs it will say more."""
    started = time.monotonic()
    try:
        warm_up()
    except (CxrError, ImportError, MemoryError) as error:
        logger.warning("Warming up failed: %s", error)
    else:
        logger.info("Warm after %.0f s.", time.monotonic() - started)


def become_worker() -> None:
    """Make this process a good worker: give way, be the one to go, end when told to."""
    give_way()
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _stamp_code() -> frozenset[tuple[str, int]]:
    """Return what changes with the program: a worker outlives an update of it."""
    stamps = set()
    for path in Path(__file__).parents[1].rglob("*.py"):
        with contextlib.suppress(OSError):
            stamps.add((str(path), path.stat().st_mtime_ns))
    return frozenset(stamps)


def _file_number(path: Path) -> int:
    """Return what tells a file from another of the same name; 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0
