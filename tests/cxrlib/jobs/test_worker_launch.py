"""Starting a worker: not again at once where it fails, and its log goes nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cxrlib.errors import StoreError
from cxrlib.jobs import JobQueue, worker_launch
from cxrlib.jobs.worker_launch import is_worker_alive, worker_lock
from cxrlib.system import run_module


@pytest.fixture
def book(tmp_path: Path) -> Iterator[JobQueue]:
    """Give the book of an empty cache; forget what was started for it."""
    book = JobQueue(tmp_path / "cache")
    yield book
    worker_launch._launches.pop(str(book.cache), None)


def test_a_worker_that_cannot_start_is_not_started_again_at_once(
    book: JobQueue, monkeypatch
) -> None:
    """A broken installation does not start a process a second; a sentence says it."""
    monkeypatch.setattr(
        worker_launch, "run_module", lambda *_: run_module("cxrlib", "no-such-command")
    )
    book.keep_worker()
    launch = worker_launch._launches[str(book.cache)]
    launch.process.wait(timeout=60)
    book.keep_worker()
    assert worker_launch._launches[str(book.cache)] is launch
    (problem,) = book.list_problems()
    assert "ended at once with code 2: see worker.log" in problem
    monkeypatch.setattr(worker_launch, "PAUSE", 0.0)
    assert book.list_problems() == []


def test_a_log_that_is_a_link_is_not_written_through(book: JobQueue, tmp_path: Path) -> None:
    """A cache from anybody must not make the worker write into files elsewhere."""
    book.folder.mkdir(parents=True)
    (tmp_path / "precious").write_text("as it was")
    (book.folder / "worker.log").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError, match="No worker could be started"):
        book.keep_worker()
    assert (tmp_path / "precious").read_text() == "as it was"


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    """A log that is long is begun anew by the next worker; a short one goes on."""
    log = tmp_path / "worker.log"
    for size, kept in ((5, 5), (worker_launch.MAX_LOG_BYTES + 1, 0)):
        log.write_bytes(b"x" * size)
        with worker_launch._open_log(log) as file:
            file.write(b"new")
        assert log.read_bytes() == b"x" * kept + b"new"


def test_a_worker_is_known_by_its_lock(book: JobQueue) -> None:
    """Looking neither makes the lock's file nor takes the lock from anybody."""
    assert not is_worker_alive(book.cache)
    assert not book.folder.exists()
    book.folder.mkdir(parents=True)
    with worker_lock(book.folder):
        assert is_worker_alive(book.cache)
    assert not is_worker_alive(book.cache)
