"""Jobs: long work outside the server, with a record on disk that everyone can read.

One JSON file a job lies in ``cache/jobs/``; its name is the hash of the request, so the same
request from any session, server or command line is one job. Records are replaced whole, and
changed under a lock; reading needs none. A worker process (`cxrlib.jobs.worker`) takes jobs one
by one, first come first served. Nothing here is ever unpickled, and a record that was
damaged, deleted or written by a newer version is passed over.
"""

import contextlib
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import filelock

from cxrlib.errors import SelectionError, StoreError
from cxrlib.jobs.job_kinds import check_parameters
from cxrlib.jobs.job_record import (
    FOLDER,
    Job,
    NewerRecordError,
    format_job,
    parse_job,
)
from cxrlib.jobs.worker_launch import describe_launch, launch_worker
from cxrlib.storage import JSON, read_regular, write_whole
from cxrlib.system import (
    ProcessMark,
    describe_read_error,
    describe_write_error,
    end_process,
    is_alive,
)

logger = logging.getLogger(__name__)

WANTED_FILE = "_wanted"
MAX_BYTES = 1 << 20  # of a record
MAX_FINISHED = 50  # records kept; the oldest go
LOCK_TIMEOUT = 10.0  # seconds; the lock is held for milliseconds
KILL_AFTER = 10.0  # seconds that a job has to stop by itself: UMAP cannot be interrupted
SILENT_AFTER = 120.0  # seconds without a sign from another machine's worker
_RECORD_NAME = re.compile(r"[0-9a-f]{16}\.json")


@dataclass(frozen=True)
class JobRequest:
    """Ask for work; equal requests are one job.

    Parameters
    ----------
    kind : str
        One of `cxrlib.jobs.job_kinds.KINDS`.
    parameters : dict
        As JSON can hold them; what is left out gets its default, paths become absolute.

    Raises
    ------
    SelectionError
        If there is no such kind, or the parameters do not fit it.

    Examples
    --------
    >>> JobRequest("demo").id == JobRequest("demo", {}).id
    True
    """

    kind: str
    parameters: dict[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", check_parameters(self.kind, self.parameters))

    @property
    def id(self) -> str:
        """Id of the job: 16 hexadecimal digits of the request's SHA-256."""
        text = json.dumps([self.kind, self.parameters], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


# A class with a method `list` cannot say list[Job] itself.
_Jobs = list[Job]
_Words = list[str]
_Paths = list[Path]


class JobQueue:
    """Keep the records of jobs under one cache; every process opens its own.

    Parameters
    ----------
    cache : Path
        The cache's folder; it need not be there.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = Path(cache).absolute()
        self.folder = self.cache / FOLDER

    def __repr__(self) -> str:
        return f"JobQueue({str(self.cache)!r})"

    # ---- for everyone

    def submit(self, request: JobRequest, *, label: str) -> Job:
        """Ask for work; one that waits or runs already is returned as it is.

        One that ended is asked for again: what it had computed is in the cache, so it goes on
        from there. `keep_worker` makes sure that somebody does it.

        Raises
        ------
        StoreError
            If the record cannot be written.
        """
        self.read(request.id)  # a job whose worker is gone has ended
        with self._changing():
            job = self._read_record(self._path(request.id), keep_newer=True)
            if job is not None and job.state == "cancelling":
                job = self._write(replace(job, again=True))
            elif job is None or job.is_finished:
                others = self._read_all()
                job = self._write(_make_job(request, label, job, others))
                self._tidy(others)
        return self._place(job)

    def read(self, job_id: str) -> Job | None:
        """Read a job; None where there is no readable record of that id."""
        if not re.fullmatch(r"[0-9a-f]{16}", job_id):
            return None
        job = self._read_record(self._path(job_id))
        return None if job is None else self._place(self._settle(job))

    def list(self) -> _Jobs:
        """Read all jobs, newest first; a dead worker's job becomes `died`."""
        jobs = [self._settle(job) for job in self._read_all()]
        placed = [_place(job, jobs) for job in jobs]
        return sorted(placed, key=lambda job: (job.order, job.id), reverse=True)

    def list_problems(self) -> _Words:
        """List the problems of records and of the worker, a sentence each."""
        problems: _Words = []
        try:
            for path in self._list_records():
                self._read_record(path, on_problem=problems.append)
        except StoreError as error:
            problems.append(str(error))
        launch = describe_launch(self.cache)
        return [*problems, launch] if launch else problems

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop, and end its worker if it has not after some seconds.

        A waiting one is cancelled at once; one that ended is returned as it is. This does not
        wait: each later `read` or `list` looks whether the time is up.

        Raises
        ------
        SelectionError
            If there is no such job.
        StoreError
            If the record cannot be written.
        """
        self._find(job_id)
        with self._changing():
            job = self._find_locked(job_id)
            now = time.time()
            if job.state == "waiting":
                job = self._write(replace(job, state="cancelled", updated=now, finished=now))
            elif job.state == "running":
                changed = replace(job, state="cancelling", cancel_asked=now, updated=now)
                job = self._write(changed)
            elif job.state == "cancelling" and job.again:
                job = self._write(replace(job, again=False))
        return self._place(job)

    def forget(self, job_id: str) -> None:
        """Delete the record of a job that ended; what it computed stays.

        Raises
        ------
        SelectionError
            If there is no such job, or it has not ended.
        StoreError
            If the record cannot be deleted.
        """
        self._find(job_id)
        with self._changing():
            job = self._find_locked(job_id)
            if not job.is_finished:
                raise SelectionError(
                    f"Job {job_id!r} is {job.state}: only an ended job can be removed. Cancel it "
                    "first."
                )
            with self._reported("written"):
                self._path(job.id).unlink(missing_ok=True)

    def keep_worker(self) -> None:
        """Start a worker if none is alive, and note that it is wanted.

        To be called again and again (a page's poll does) while a server runs: without the
        sign a worker ends after two idle minutes.

        Raises
        ------
        StoreError
            If the cache cannot be written or no process be started.
        """
        with self._reported("written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / WANTED_FILE).touch()
        launch_worker(self.cache)

    # ---- for the worker

    def take(self, worker: ProcessMark) -> Job | None:
        """Take the job that has waited longest, or None: it is then this worker's."""
        if not any(job.state == "waiting" for job in self._read_all()):
            return None  # most often so: then nothing is locked
        with self._changing():
            waiting = [job for job in self._read_all() if job.state == "waiting"]
            if not waiting:
                return None
            now = time.time()
            job = replace(
                min(waiting, key=lambda job: (job.order, job.id)),
                state="running",
                pid=worker.pid,
                process_started=worker.started,
                machine=worker.machine,
                started=now,
                updated=now,
            )
            return self._write(job)

    def report(self, job: Job) -> Job | None:
        """Write how far a running job is; return its record, None where it is no longer ours.

        Parameters
        ----------
        job : Job
            As `take` gave it, with stage, done, total, rate and seconds_left of now.
        """

        def advance(known: Job) -> Job:
            kept = {name: getattr(known, name) for name in ("state", "again", "cancel_asked")}
            return replace(job, **kept, updated=time.time())

        return self._change_own(job, advance, durable=False)

    def finish(self, job: Job, state: str, *, error: str = "", result: JSON = None) -> Job | None:
        """Write how a job of this worker ended; None where it is no longer ours."""
        return self._change_own(
            job, lambda known: _end(replace(known, result=result or {}), state, error)
        )

    def _change_own(
        self, job: Job, change: Callable[[Job], Job], *, durable: bool = True
    ) -> Job | None:
        """Change the record of a job that this worker runs; None where it is no longer ours."""
        if not self.folder.is_dir():
            return None
        with self._changing():
            known = self._own(job)
            return None if known is None else self._write(change(known), durable=durable)

    def _own(self, job: Job) -> Job | None:
        """Read the record of a job that a worker runs; a damaged one is written anew."""
        path = self._path(job.id)
        known = self._read_record(path)
        if known is None:
            return job if path.exists() else None
        ours = known.worker == job.worker and known.order == job.order
        return known if ours and known.state in ("running", "cancelling") else None

    # ---- what became of a worker

    def _settle(self, job: Job) -> Job:
        """End a job whose worker is gone, or has not stopped in time."""
        if job.state not in ("running", "cancelling"):
            return job
        gone = _is_gone(job)
        if not gone and not _is_overdue(job):
            return job
        try:
            with self._changing():
                known = self._read_record(self._path(job.id)) or job
                if known.worker != job.worker or known.state not in ("running", "cancelling"):
                    return known
                # Under the lock: a worker that has just stopped by itself cannot take the next
                # job meanwhile, and be killed with it. Another machine's worker ends itself.
                if not gone and not (_is_overdue(known) and end_process(known.worker)):
                    return known
                return self._write(_bury(known))
        except StoreError as error:
            # Each look of each page would say so again.
            logger.info("The end of job %s is not noted. %s", job.id, error)
            return _bury(job) if gone else job

    # ---- records

    def _path(self, job_id: str) -> Path:
        return self.folder / f"{job_id}.json"

    def _place(self, job: Job) -> Job:
        """Count the jobs before a waiting one."""
        return _place(job, self._read_all()) if job.state == "waiting" else job

    def _find(self, job_id: str) -> Job:
        """Read a job or raise SelectionError."""
        job = self.read(job_id)
        if job is None:
            raise SelectionError(
                f"There is no job {job_id!r} in the cache {str(self.cache)!r}. List them with: "
                f"python -m cxrlib jobs --cache {str(self.cache)!r}"
            )
        return job

    def _find_locked(self, job_id: str) -> Job:
        """Read a job again, under the lock: another may have changed it."""
        job = self._read_record(self._path(job_id))
        if job is None:
            raise SelectionError(f"Job {job_id!r} was removed meanwhile.")
        return job

    def _list_records(self) -> _Paths:
        try:
            paths = sorted(self.folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._error("read", describe_read_error(error)) from error
        return [path for path in paths if _RECORD_NAME.fullmatch(path.name)]

    def _read_all(self) -> _Jobs:
        jobs = (self._read_record(path) for path in self._list_records())
        return [job for job in jobs if job is not None]

    def _read_record(
        self,
        path: Path,
        *,
        on_problem: Callable[[str], None] | None = None,
        keep_newer: bool = False,
    ) -> Job | None:
        """Read a record; None where it is gone or cannot be used.

        Parameters
        ----------
        path : Path
        on_problem : callable, optional
            Takes the sentence that describes why it cannot be used.
        keep_newer : bool, default False
            Whether to raise StoreError for one of a newer version, as before writing it.
        """
        try:
            return parse_job(read_regular(path, max_bytes=MAX_BYTES), path.stem)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except NewerRecordError as error:
            if keep_newer:
                raise StoreError(str(error)) from error
            reason = str(error)
        except OSError as error:
            reason = (
                f"Record {path.name!r} of a job cannot be read and is ignored: "
                f"{describe_read_error(error)}."
            )
        except ValueError as error:
            reason = (
                f"Record {path.name!r} of a job is damaged and ignored ({error}). Start the job "
                "again or delete the file."
            )
        if on_problem is not None:
            on_problem(reason)
        return None

    def _write(self, job: Job, *, durable: bool = True) -> Job:
        """Replace a record whole; only progress need not outlive a power cut."""
        write_whole(self._path(job.id), format_job(job), durable=durable)
        return job

    def _tidy(self, jobs: _Jobs) -> None:
        """Delete the oldest finished records, and what a killed writer left."""
        ended = sorted((job for job in jobs if job.is_finished), key=lambda job: job.order)
        doomed = [self._path(job.id) for job in ended[: max(0, len(ended) - MAX_FINISHED)]]
        # Records are written under the lock, which is held: what is half written is left over.
        doomed += self.folder.glob(".*.tmp")
        for path in doomed:
            with contextlib.suppress(OSError):
                path.unlink()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the queue's lock; what the system refuses becomes a StoreError."""
        with self._reported("written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / "_book.lock", timeout=LOCK_TIMEOUT)
            try:
                lock.acquire()
            except filelock.Timeout as error:
                raise StoreError(
                    f"The list of jobs in {str(self.folder)!r} has been in use by another process "
                    f"for {LOCK_TIMEOUT:g} seconds. Try again."
                ) from error
            try:
                yield
            finally:
                lock.release()

    @contextlib.contextmanager
    def _reported(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(verb, describe_write_error(error)) from error

    def _error(self, verb: str, reason: str) -> StoreError:
        return StoreError(
            f"The jobs in the cache folder {str(self.cache)!r} could not be {verb}: {reason}. "
            "Fix this or choose another cache folder."
        )


def _make_job(request: JobRequest, label: str, known: Job | None, others: _Jobs) -> Job:
    """Make the record of a request, at the end of the queue."""
    now = time.time()
    return Job(
        id=request.id,
        kind=request.kind,
        parameters=request.parameters,
        label=label,
        state="waiting",
        created=now if known is None else known.created,
        updated=now,
        order=1 + max((other.order for other in others), default=0),
    )


def _place(job: Job, jobs: _Jobs) -> Job:
    """Count the jobs that run or wait before a waiting one."""
    if job.state != "waiting":
        return job
    active = (other for other in jobs if not other.is_finished and other.id != job.id)
    before = [o for o in active if o.state != "waiting" or (o.order, o.id) < (job.order, job.id)]
    return replace(job, n_before=len(before))


def _is_gone(job: Job) -> bool:
    """Tell whether a job's worker is gone; of another machine's, by its silence."""
    alive = is_alive(job.worker)
    if alive is None:
        # Either way: the clock may have been set back, or that machine's may be wrong.
        return abs(time.time() - job.updated) > SILENT_AFTER
    return not alive


def _is_overdue(job: Job) -> bool:
    """Tell whether a job that was asked to stop has had its time, whatever the clock did."""
    asked = job.cancel_asked
    return job.state == "cancelling" and abs(time.time() - (asked or 0.0)) > KILL_AFTER


def _bury(job: Job) -> Job:
    """End a job whose worker is gone."""
    if job.state == "cancelling":
        return _end(job, "cancelled", "")
    return _end(job, "died", f"the worker process {job.pid} ended (out of memory?)")


def _end(job: Job, state: str, error: str) -> Job:
    """Put a job into a finished state, or back into the queue if it was requested again."""
    now = time.time()
    ended = replace(job, again=False, cancel_asked=None, updated=now)
    if job.again and state != "done":
        return replace(ended, state="waiting", done=0, total=0)
    return replace(ended, state=state, error=error, rate=None, seconds_left=None, finished=now)
