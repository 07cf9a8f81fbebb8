"""The record of a job: what is known of it, as JSON that anyone may have written, and in words."""

import json
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from cxrlib.storage import FINITE, JSON, Count, Quantity, parse_json
from cxrlib.system import ProcessMark

__all__ = [
    "FINISHED",
    "FOLDER",
    "STATES",
    "Job",
    "NewerRecordError",
    "describe_job",
    "describe_seconds",
    "describe_stage",
    "format_job",
    "parse_job",
]

#: Of the cache, where records lie, the worker's lock and its log.
FOLDER = "jobs"
STATES = ("waiting", "running", "cancelling", "cancelled", "done", "failed", "died")
#: States that only a new request changes.
FINISHED = ("cancelled", "done", "failed", "died")
#: Raised when a record means something else; records of a higher version are left alone.
RECORD_VERSION = 1


@dataclass(frozen=True)
class Job:
    """Hold what is known of a job; times are seconds since 1970, by the wall clock.

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
    """Write a job as JSON; its place in the queue is nobody's record."""
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
    """Say in plain words how a job is doing.

    Examples
    --------
    >>> from dataclasses import replace
    >>> job = Job("0" * 16, "embed", {}, "Embed", "running", "Embedding images", 212, 851)
    >>> describe_job(replace(job, rate=24.1, seconds_left=26.7))
    'Embedding 212 of 851 images, 24 a second, 27 s left'
    >>> describe_job(replace(job, state="waiting", n_before=1))
    'waiting, 1 job before it'
    """
    if job.state == "running":
        return describe_stage(job)
    if job.state == "failed":
        return f"failed: {_end_sentence(job.error)}"
    if job.state == "died":
        return f"died: {_end_sentence(job.error)} Resume it."
    waiting = "waiting for the worker to start it"
    if job.n_before:
        waiting = f"waiting, {job.n_before} job{'s' if job.n_before > 1 else ''} before it"
    words = {
        "waiting": waiting,
        "cancelling": "stopping, then it starts again" if job.again else "stopping",
        "cancelled": "cancelled. Resume it to go on from where it stopped.",
    }
    took = "" if job.seconds is None else f" in {describe_seconds(job.seconds)}"
    return words.get(job.state, f"done{took}")


def describe_stage(job: Job) -> str:
    """Say what a running job does and how far it is."""
    if not job.stage:
        return "starting"
    if job.total <= 0:
        return job.stage
    words = [_count_stage(job.stage, job.done, job.total)]
    if job.rate and not job.stage.startswith("Download"):
        words.append(f"{job.rate:.0f} a second" if job.rate >= 10 else f"{job.rate:.1f} a second")
    elif job.rate:
        words.append(f"{job.rate / 1e6:.1f} MB a second")
    if job.seconds_left is not None and job.done < job.total:
        words.append(f"{describe_seconds(job.seconds_left)} left")
    return ", ".join(words)


def _count_stage(stage: str, done: int, total: int) -> str:
    """Put a stage's counts into its name: "Embedding images" counts images.

    What stands in brackets behind it, such as a p so far, stays there.
    """
    if stage.startswith("Download"):
        return f"{stage}: {done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
    name, bracket, remark = stage.partition(" (")
    verb, _, noun = name.partition(" ")
    if verb.endswith("ing") and noun.isalpha():
        return f"{verb} {done:,} of {total:,} {noun}{bracket}{remark}"
    return f"{stage}: {done:,} of {total:,}"


def describe_seconds(seconds: float) -> str:
    """Say how long something takes, in the unit that fits.

    Examples
    --------
    >>> describe_seconds(42.4), describe_seconds(200), describe_seconds(8000)
    ('42 s', '3 min 20 s', '2 h 13 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _end_sentence(error: str) -> str:
    """End an error with a full stop."""
    return error if error.endswith((".", "!", "?")) else f"{error}."
