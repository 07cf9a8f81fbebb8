"""The record of a job, as JSON that anyone may have written, and in words."""

import json
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from cxrlib.number_text import format_units
from cxrlib.storage import FINITE, JSON, Count, Quantity, parse_json
from cxrlib.system import ProcessMark, describe_stage, format_seconds

#: Of the cache, where records lie, the worker's lock and its log.
FOLDER = "jobs"
STATES = ("waiting", "running", "cancelling", "cancelled", "done", "failed", "died")
#: States that only a new request changes.
FINISHED = ("cancelled", "done", "failed", "died")
#: Raised when a record means something else; records of a higher version are left alone.
RECORD_VERSION = 1


@dataclass(frozen=True)
class Job:
    """Hold a job; times are seconds since 1970, by the wall clock.

    Parameters
    ----------
    id, kind, parameters
        As requested.
    label : str
        What it does, in words for the screen.
    state : str
        One of `STATES`.
    stage : str
        What is being done, in words: "Embedding images".
    done, total : int
        Of the stage; a total of 0 says that it cannot be counted.
    rate : float or None
        Done a second in this stage.
    seconds_left : float or None
        Of this stage.
    error : str
        Why it failed or died.
    result : dict
        What it gave, once done.
    pid, process_started, machine
        The worker that runs or ran it, as in `cxrlib.system.ProcessMark`.
    created, started, updated, finished : float or None
        When it was first asked for, last begun, last heard of, last ended.
    n_before : int
        Jobs that run or wait before this waiting one.
    order : int
        Grows with each request: the queue's order, whatever the clock says.
    again : bool
        Whether it was asked for again while it was being cancelled.
    cancel_asked : float or None
    """

    __pydantic_config__ = FINITE

    id: str
    kind: str
    parameters: dict[str, JSON]
    label: str
    state: str
    stage: str = ""
    done: Count = 0
    total: Count = 0
    rate: Quantity | None = None
    seconds_left: Quantity | None = None
    error: str = ""
    result: dict[str, JSON] = field(default_factory=dict)
    pid: Count = 0
    process_started: Quantity = 0.0
    machine: str = ""
    created: Quantity = 0.0
    started: Quantity | None = None
    updated: Quantity = 0.0
    finished: Quantity | None = None
    n_before: Count = 0
    order: Count = 0
    again: bool = False
    cancel_asked: Quantity | None = None

    @property
    def is_finished(self) -> bool:
        """Whether only a new request can change it."""
        return self.state in FINISHED

    @property
    def worker(self) -> ProcessMark:
        """The worker that runs or ran it."""
        return ProcessMark(self.pid, self.process_started, self.machine)

    @property
    def seconds(self) -> float | None:
        """How long it ran or has been running; never negative, whatever the clock does."""
        if self.started is None:
            return None
        end = self.updated if self.finished is None else self.finished
        return max(0.0, end - self.started)


class NewerRecordError(ValueError):
    """Report a record that a newer version has written."""


@dataclass(frozen=True)
class _Versioned:
    version: Annotated[int, Ge(1)]


# In the order of a file.
_FIELDS = (
    *("id", "kind", "label", "state", "stage", "error", "machine", "done", "total", "pid", "order"),
    *("process_started", "created", "updated", "rate", "seconds_left", "started", "finished"),
    *("cancel_asked", "parameters", "result", "again"),
)


def format_job(job: Job) -> bytes:
    """Format a job as JSON, without its place in the queue."""
    fields = {name: getattr(job, name) for name in _FIELDS}
    text = json.dumps({"version": RECORD_VERSION, **fields}, indent=1, allow_nan=False)
    return text.encode()


def parse_job(data: bytes, job_id: str) -> Job:
    """Read a job from JSON that anyone may have written; raises ValueError where it is damaged."""
    if parse_json(_Versioned, data).version > RECORD_VERSION:
        raise NewerRecordError(
            f"Record {job_id + '.json'!r} of a job was written by a newer version of this program "
            "and is left alone. Use that version, or delete the file."
        )
    job = parse_json(Job, data)
    if job.id != job_id or job.state not in STATES:
        raise ValueError(f"its id or its state is not right: {job.state[:20]!r}")
    # Infinity somewhere in them could not be written again.
    json.dumps([job.parameters, job.result], allow_nan=False)
    return job


# ---- in words


def describe_job(job: Job) -> str:
    """Describe how a job is doing.

    Examples
    --------
    >>> from dataclasses import replace
    >>> job = Job("0" * 16, "embed", {}, "Embed", "running", "Embedding images", 212, 851)
    >>> describe_job(replace(job, rate=24.1, seconds_left=26.7))
    'Embedding 212 of 851 images, 24 a second, 27 s left'
    >>> describe_job(replace(job, state="waiting", n_before=1))
    'waiting for 1 other job'
    """
    if job.state == "running":
        left = job.seconds_left
        return describe_stage(job.stage, job.done, job.total, rate=job.rate, seconds_left=left)
    if job.state == "failed":
        return f"failed: {_end_sentence(job.error)}"
    if job.state == "died":
        return f"stopped unexpectedly: {_end_sentence(job.error)} Resume it."
    waiting = "waiting to start"
    if job.n_before:
        waiting = f"waiting for {format_units(job.n_before, 'other job')}"
    words = {
        "waiting": waiting,
        "cancelling": "stopping, then starting again" if job.again else "stopping",
        "cancelled": "cancelled. Resume it to continue where it stopped.",
    }
    took = "" if job.seconds is None else f" in {format_seconds(job.seconds)}"
    return words.get(job.state, f"done{took}")


def _end_sentence(error: str) -> str:
    """End an error with a full stop."""
    return error if error.endswith((".", "!", "?")) else f"{error}."
