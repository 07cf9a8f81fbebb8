"""The record of a job: what is known of it, to and from JSON that anyone may have written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cxrlib.jobs.job_kinds import JSON
from cxrlib.system.process_identity import ProcessMark

__all__ = [
    "FINISHED",
    "JSON_ERRORS",
    "STATES",
    "Job",
    "NewerRecordError",
    "format_job",
    "parse_job",
]

STATES = ("waiting", "running", "cancelling", "cancelled", "done", "failed", "died")
#: States that only a new request changes.
FINISHED = ("cancelled", "done", "failed", "died")
#: Raised when a record means something else; records of a higher version are left alone.
RECORD_VERSION = 1
#: What `parse_job` raises where a record is damaged.
JSON_ERRORS = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


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
        The worker that runs or ran it, as in `cxrlib.system.process_identity.ProcessMark`.
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

    id: str
    kind: str
    parameters: dict[str, JSON]
    label: str
    state: str
    stage: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    error: str = ""
    result: dict[str, JSON] = field(default_factory=dict)
    pid: int = 0
    process_started: float = 0.0
    machine: str = ""
    created: float = 0.0
    started: float | None = None
    updated: float = 0.0
    finished: float | None = None
    n_before: int = 0
    order: int = 0
    again: bool = False
    cancel_asked: float | None = None

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


_TEXT = (str,)
_WHOLE = (int,)
_NUMBER = (int, float)
_MAYBE = (int, float, type(None))
_FIELDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "kind", "label", "state", "stage", "error", "machine"), _TEXT),
    **dict.fromkeys(("done", "total", "pid", "order"), _WHOLE),
    **dict.fromkeys(("process_started", "created", "updated"), _NUMBER),
    **dict.fromkeys(("rate", "seconds_left", "started", "finished", "cancel_asked"), _MAYBE),
    **dict.fromkeys(("parameters", "result"), (dict,)),
    "again": (bool,),
}


def format_job(job: Job) -> bytes:
    """Write a job as JSON; its place in the queue is nobody's record."""
    fields = {name: getattr(job, name) for name in _FIELDS}
    text = json.dumps({"version": RECORD_VERSION, **fields}, indent=1, allow_nan=False)
    return text.encode()


def parse_job(data: bytes, job_id: str) -> Job:
    """Read a job from JSON that anyone may have written; raises one of `JSON_ERRORS`."""
    fields = json.loads(data)
    if not isinstance(fields, dict):
        raise TypeError("it is no JSON object")
    version = fields.get("version")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"its version is {str(version)[:20]!r}")
    if version > RECORD_VERSION:
        raise NewerRecordError(
            f"Record {job_id + '.json'!r} of a job was written by a newer version of this program "
            "and is left alone. Use that version, or delete the file."
        )
    known = {name: fields[name] for name in _FIELDS}
    for name, value in known.items():
        _check_field(name, value)
    if known["id"] != job_id or known["state"] not in STATES:
        raise ValueError(f"its id or its state is not right: {str(known['state'])[:20]!r}")
    # JSON can hold half a surrogate pair, which has no place on a screen.
    json.dumps(known, ensure_ascii=False).encode()
    return Job(**known)


def _check_field(name: str, value: JSON) -> None:
    """Raise where a field's value is of a wrong type or beyond all sense."""
    types = _FIELDS[name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise TypeError(f"its {name!r} is of type {type(value).__name__}")
    # 2**53: what JSON can hold exactly everywhere; a comparison with NaN is false.
    if isinstance(value, (int, float)) and not 0 <= value <= 2**53:
        raise ValueError(f"its {name!r} is out of range")
