"""Identify a process, and tell whether it is alive: its number may be another's by now."""

import functools
import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Start times are read twice from a clock of whole seconds.
SAME_START = 1.5  # seconds


@dataclass(frozen=True)
class ProcessMark:
    """Identify a process so that no other is ever taken for it.

    Parameters
    ----------
    pid : int
    started : float
        When it started, in seconds after the machine did: the wall clock may be set back.
    machine : str
        Where the number means something, as `make_machine_key` gives it.
    """

    pid: int
    started: float
    machine: str


def mark_process(pid: int | None = None) -> ProcessMark:
    """Mark a process of this machine, by default this one.

    Raises
    ------
    psutil.Error
        If there is no such process.
    """
    process = psutil.Process(pid)
    return ProcessMark(process.pid, _started(process), make_machine_key())


def is_alive(mark: ProcessMark) -> bool | None:
    """Tell whether a process is alive, None where that cannot be told from here.

    A process that has ended and that nobody has asked after yet (a zombie) is not alive.
    """
    if mark.machine != make_machine_key():
        return None
    return _find(mark) is not None


def end_process(mark: ProcessMark, *, wait: float = 5.0) -> bool:
    """Kill a worker and everything it started; tell whether it ended.

    A mark comes from a record that anybody may have written: a process whose command line is
    no worker's is left alone, and the worker that was meant counts as gone.

    Parameters
    ----------
    mark : ProcessMark
        On another machine nothing is done.
    wait : float, default 5
        Most seconds to wait for its end.
    """
    process = _find(mark)
    if process is None or not _is_worker(process):
        return mark.machine == make_machine_key()
    try:
        doomed = [*process.children(recursive=True), process]
    except psutil.Error:
        doomed = [process]
    for each in reversed(doomed):  # the parent first: it could start others
        try:
            each.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(doomed, timeout=wait)
    return is_alive(mark) is False


@functools.cache
def make_machine_key() -> str:
    """Make a key of this machine or container since its start, in which process ids are unique."""
    parts = [platform.node()]
    # Linux: a restart gives another boot id; a container has process ids of its own.
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 (it names no path)
    except OSError:
        pass
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _find(mark: ProcessMark) -> psutil.Process | None:
    """Find the living process of a mark on this machine."""
    if mark.machine != make_machine_key() or mark.pid <= 0:
        return None
    try:
        process = psutil.Process(mark.pid)
        same = abs(_started(process) - mark.started) <= SAME_START
        ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except (psutil.Error, OverflowError, ValueError):
        return None
    return process if same and not ended else None


def _is_worker(process: psutil.Process) -> bool:
    """Tell whether a process was started as a worker, ``python -m cxrlib work`` or the like."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "work" in words and any("cxrlib" in word for word in words)


def _started(process: psutil.Process) -> float:
    """Return when a process started, in seconds after the machine.

    psutil adds the machine's start by the wall clock, which moves when the clock is set;
    taken off again, it does not matter.
    """
    return process.create_time() - psutil.boot_time()
