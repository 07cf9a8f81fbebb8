"""Real worker processes: done, cancelled, killed, stopped, starved, alone on their cache.

What must be under way is held there by a file (`held_worker`): no test hopes to be fast enough.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from cxrlib.errors import CohortError
from cxrlib.jobs import (
    Job,
    JobQueue,
    JobRequest,
    Worker,
    describe_job,
    job_queue,
    worker,
    worker_launch,
)
from cxrlib.jobs.job_kinds import KINDS, Kind, Work
from cxrlib.jobs.worker_launch import is_worker_alive
from cxrlib.system import PACKAGE_FOLDER, count_cores, is_alive, run_module
from tests.cohort_factory import make_cohort

#: More than are prepared ahead: then the processes that prepare have always more to do.
N_IMAGES = 48 + 8 * count_cores()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort that is embedded in a moment."""
    return make_cohort(tmp_path_factory.mktemp("small") / "cohort", [{}] * 4)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of several batches."""
    rows = [{"patientid": f"p{i}"} for i in range(N_IMAGES)]
    return make_cohort(tmp_path_factory.mktemp("large") / "cohort", rows)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[JobQueue]:
    """Give the book of an empty cache; end the workers started for it."""
    book = JobQueue(tmp_path / "cache")
    yield book
    launch = worker_launch._launches.pop(str(book.cache), None)
    if launch is not None:
        launch.process.kill()
        launch.process.wait()


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the file that holds work while it is there; workers started meanwhile heed it."""
    gate = tmp_path / "gate"
    gate.touch()

    def run_held(*arguments: str) -> list[str]:
        return run_module("tests.held_worker", str(gate), *arguments)

    monkeypatch.setattr(worker_launch, "run_module", run_held)
    return gate


def ask(book: JobQueue, root: Path) -> Job:
    """Ask for a cohort's embedding by texture."""
    request = JobRequest("embed", {"data": str(root), "extractor": "texture"})
    return book.submit(request, label="Embed")


def wait_for(
    book: JobQueue, job: Job, is_there: Callable[[Job], object], seconds: float = 120
) -> Job:
    """Poll a job as a page does, until it is as wanted."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        book.keep_worker()
        found = book.read(job.id)
        assert found is not None
        if is_there(found):
            return found
        if found.is_finished:
            break
        time.sleep(0.1)
    raise AssertionError(f"{found}, {book.list_problems()}, {read_log(book)}")


def is_ended(job: Job) -> bool:
    """Tell whether a job has ended."""
    return job.is_finished


def start(book: JobQueue, root: Path) -> Job:
    """Ask for an embedding and wait until it is held after its first batch."""
    job = wait_for(book, ask(book, root), lambda job: job.stage == "Embedding images" and job.done)
    assert job.state == "running"
    assert 0 < job.done < job.total
    book.keep_worker()  # it is known now to have come to work
    return job


def stop(pid: int) -> None:
    """Let a process stand still; it may do something more until it does."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 60
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
        time.sleep(0.01)


def read_log(book: JobQueue) -> str:
    """Read what the worker said."""
    return (book.folder / "worker.log").read_text()


def run_here(book: JobQueue, monkeypatch, run: Callable[..., dict]) -> None:
    """Do one job of a kind of our own in this process."""

    def start(work: Work) -> dict:
        return run(work.parameters, work.cache, work.on_progress, work.should_stop)

    monkeypatch.setitem(KINDS, "demo", Kind(start, {}))
    book.submit(JobRequest("demo"), label="Demo")
    worker = Worker(book.cache)
    job = book.take(worker.mark)
    assert job is not None
    worker.run_job(job)


def read_when(book: JobQueue, done: int) -> Job:
    """Read the only job when so much of it is noted as done."""
    deadline = time.monotonic() + 60
    while book.list()[0].done < done and time.monotonic() < deadline:
        time.sleep(0.02)
    return book.list()[0]


def test_a_worker_does_what_is_asked_and_goes_on_after_a_failure(
    book: JobQueue, small: Path, tmp_path: Path
) -> None:
    """A job that cannot be done says why; the next is done by the same process, once."""
    bad = ask(book, tmp_path / "nowhere")
    good = ask(book, small)
    other = JobQueue(book.cache)
    done = wait_for(other, good, is_ended)
    assert (done.state, done.result["n_computed"]) == ("done", 4)
    failed = book.read(bad.id)
    assert failed.state == "failed"
    assert describe_job(failed).startswith("failed: There is no folder")
    assert failed.pid == done.pid == worker_launch._launches[str(book.cache)].process.pid
    again = wait_for(book, ask(book, small), is_ended)
    assert (again.result["n_computed"], again.result["n_cached"]) == (0, 4)


def test_a_cancelled_job_stops_soon_and_goes_on_when_resumed(
    book: JobQueue, large: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was computed before the cancelling is not computed again."""
    job = start(book, large)
    assert describe_job(job).startswith("Embedding ")
    monkeypatch.setattr(job_queue, "KILL_AFTER", 300)  # it stops by itself
    assert book.cancel(job.id).state == "cancelling"
    cancelled = wait_for(book, job, is_ended)
    assert cancelled.state == "cancelled"
    gate.unlink()
    resumed = wait_for(book, ask(book, large), is_ended)
    assert resumed.state == "done"
    assert resumed.pid == cancelled.pid
    assert resumed.result["n_cached"] >= cancelled.done > 0
    assert resumed.result["n_cached"] + resumed.result["n_computed"] == N_IMAGES


def test_a_killed_worker_is_noticed_and_its_job_resumed(
    book: JobQueue, large: Path, gate: Path
) -> None:
    """As the system does where memory runs out: said in words, and another worker takes over."""
    job = start(book, large)
    family = psutil.Process(job.pid).children(recursive=True)
    assert family
    os.kill(job.pid, signal.SIGKILL)
    died = wait_for(book, job, is_ended)
    assert died.state == "died"
    assert f"process {job.pid} ended" in died.error
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    resumed = wait_for(book, ask(book, large), lambda job: job.state != "waiting")
    assert resumed.state == "running"
    assert resumed.pid != job.pid


@pytest.mark.slow
def test_a_worker_that_does_not_stop_is_killed(
    book: JobQueue, large: Path, gate: Path, monkeypatch
) -> None:
    """A process that hears nothing (stopped here) loses its job to whoever cancels."""
    monkeypatch.setattr(job_queue, "KILL_AFTER", 1.0)
    job = start(book, large)
    stop(job.pid)
    book.cancel(job.id)
    cancelled = wait_for(JobQueue(book.cache), job, is_ended)
    assert cancelled.state == "cancelled"
    assert is_alive(job.worker) is False


def test_starved_of_memory_the_job_fails_and_the_worker_lives(
    book: JobQueue, large: Path, gate: Path
) -> None:
    """The system ends a process that prepares images: the job says so, the worker goes on."""
    job = start(book, large)
    preparing = [
        child
        for child in psutil.Process(job.pid).children()
        if any("spawn_main" in word for word in child.cmdline())
    ]
    preparing[0].kill()
    gate.unlink()
    failed = wait_for(book, job, is_ended)
    assert failed.state == "failed"
    assert "Too little memory" in failed.error
    assert is_alive(job.worker)


@pytest.mark.slow
def test_a_worker_told_to_end_says_so(book: JobQueue, large: Path, gate: Path) -> None:
    """A machine that shuts down tells first: the job has died, with words, and can be resumed."""
    job = start(book, large)
    os.kill(job.pid, signal.SIGTERM)
    ended = wait_for(book, job, is_ended)
    assert (
        describe_job(ended) == "stopped unexpectedly: the worker was ended from outside. Resume it."
    )


def test_one_worker_a_cache(book: JobQueue, small: Path) -> None:
    """A second one ends by itself, and a server sees that one is at work."""
    assert not is_worker_alive(book.cache)
    wait_for(book, ask(book, small), is_ended)
    assert is_worker_alive(book.cache)
    second = subprocess.run(
        run_module("cxrlib", "work", "--cache", str(book.cache)),
        cwd=PACKAGE_FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Another worker" in second.stderr
    assert is_worker_alive(book.cache)


def test_a_worker_ends_when_nobody_wants_it(tmp_path: Path) -> None:
    """Without a job and without a server's sign it ends; signs keep it."""
    book = JobQueue(tmp_path)
    book.folder.mkdir()
    sign = book.folder / job_queue.WANTED_FILE
    started = time.monotonic()
    for i in range(1, 4):
        sign.touch()
        os.utime(sign, ns=(i, i))  # any change is a sign: clocks may be set back
        assert Worker(tmp_path, idle_seconds=0.5, warm=False).run()
    assert time.monotonic() - started >= 1.5


def test_a_worker_ends_with_its_cache(book: JobQueue, large: Path, gate: Path) -> None:
    """Deleted under it, the cache gets no more jobs from the old worker and a new one works."""
    job = start(book, large)
    stop(job.pid)  # else it may write while the folder is emptied
    shutil.rmtree(book.cache)
    os.kill(job.pid, signal.SIGCONT)
    assert book.list() == []
    worker_launch._launches[str(book.cache)].process.wait(timeout=60)
    assert not book.folder.exists()
    assert ask(book, large).state == "waiting"
    assert wait_for(book, job, lambda job: job.state == "running").pid != job.pid


def test_too_little_memory_is_a_failure_in_words(tmp_path: Path, monkeypatch) -> None:
    """An allocation that is refused ends the job, not the worker."""

    def run(*_: object) -> dict:
        raise MemoryError

    book = JobQueue(tmp_path)
    run_here(book, monkeypatch, run)
    assert book.list()[0].error == "there was not enough memory"


def test_an_unexpected_error_is_named_and_not_swallowed(tmp_path: Path, monkeypatch) -> None:
    """The record names it, the log has it whole, and the process ends by it."""

    def run(*_: object) -> dict:
        raise KeyError("offset")

    book = JobQueue(tmp_path)
    with pytest.raises(KeyError):
        run_here(book, monkeypatch, run)
    (job,) = book.list()
    assert job.state == "failed"
    assert "KeyError ('offset')" in job.error


@pytest.mark.parametrize("remark", ["", " (p so far 0.0{})"])
def test_progress_is_written_while_a_job_runs(remark: str, tmp_path: Path, monkeypatch) -> None:
    """Others read how far it is, its rate and the time left, with no call of theirs."""
    monkeypatch.setattr(worker, "REPORT_INTERVAL", 0.05)
    book = JobQueue(tmp_path)
    seen: list[Job] = []
    called: list[float] = []

    def run(parameters, cache, on_progress, should_stop) -> dict:
        for done in range(1, 13):
            called.append(time.monotonic())
            on_progress(f"Embedding images{remark.format(done)}", done, 20)
            called.append(time.monotonic())
            time.sleep(0.15)
        seen.append(read_when(book, done))
        return {}

    run_here(book, monkeypatch, run)
    (job,) = seen
    assert job.state == "running"
    shortest, longest = called[-2] - called[1], called[-1] - called[0]
    assert 11 / longest <= job.rate <= 11 / shortest
    assert job.seconds_left == pytest.approx((20 - job.done) / job.rate)
    (ended,) = book.list()
    assert (ended.state, ended.done, ended.rate) == ("done", 12, None)


def test_progress_in_numbers_of_numpy_is_written(tmp_path: Path, monkeypatch) -> None:
    """Work may count with NumPy: the watch goes on, and the record is read as any other."""
    monkeypatch.setattr(worker, "REPORT_INTERVAL", 0.05)
    book = JobQueue(tmp_path)
    seen: list[Job] = []

    def run(parameters, cache, on_progress, should_stop) -> dict:
        on_progress("Counting", np.int64(3), np.int32(7))
        seen.append(read_when(book, 3))
        return {}

    run_here(book, monkeypatch, run)
    assert [(job.done, job.total) for job in (*seen, *book.list())] == [(3, 7), (3, 7)]


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path, monkeypatch) -> None:
    """Progress that cannot be written stops no work; its end is written when there is room."""
    monkeypatch.setattr(worker, "REPORT_INTERVAL", 0.05)
    book = JobQueue(tmp_path)
    full = [True]
    real = os.fsync

    def fsync(number: int) -> None:
        if full:
            full.clear()
            raise OSError(28, "No space left on device")
        real(number)

    def run(parameters, cache, on_progress, should_stop) -> dict:
        monkeypatch.setattr(os, "fsync", fsync)
        return {"n": 1}

    run_here(book, monkeypatch, run)
    (job,) = book.list()
    assert (job.state, job.result) == ("done", {"n": 1})


def test_a_job_taken_away_is_stopped(tmp_path: Path, monkeypatch) -> None:
    """Whose record is deleted is to stop, as if cancelled; a result is nobody's then."""
    monkeypatch.setattr(worker, "REPORT_INTERVAL", 0.05)
    book = JobQueue(tmp_path)
    told: list[bool] = []

    def run(parameters, cache, on_progress, should_stop) -> dict:
        (job,) = book.list()
        (book.folder / f"{job.id}.json").unlink()
        deadline = time.monotonic() + 60
        while not should_stop() and time.monotonic() < deadline:
            time.sleep(0.01)
        told.append(should_stop())
        raise CohortError("It was stopped.")

    run_here(book, monkeypatch, run)
    assert told == [True]
    assert book.list() == []


def test_a_worker_of_an_older_program_ends(tmp_path: Path, monkeypatch) -> None:
    """An update must not leave jobs to a process that still runs the code of before."""
    book = JobQueue(tmp_path)
    old = Worker(tmp_path, warm=False)
    job = book.submit(JobRequest("demo"), label="Demo")
    monkeypatch.setattr(
        worker, "_stamp_code", lambda: frozenset([("cxrlib/images/image_files.py", 1)])
    )
    assert old.run()
    assert book.read(job.id).state == "waiting"


@pytest.mark.slow
def test_umap_is_interrupted_by_ending_the_worker(book: JobQueue, small: Path, gate: Path) -> None:
    """A map cannot be asked to stop: its worker ends, the cancelled job says so."""
    gate.unlink()
    wait_for(book, ask(book, small), is_ended)
    gate.touch()
    request = JobRequest("map", {"data": str(small), "extractor": "texture"})
    job = book.submit(request, label="Map")
    job = wait_for(book, job, lambda job: job.stage == "Computing the map")
    book.cancel(job.id)
    assert wait_for(book, job, is_ended).state == "cancelled"
    assert is_alive(job.worker) is False


@pytest.mark.slow
def test_an_idle_worker_warms_up_before_anyone_asks(book: JobQueue, small: Path) -> None:
    """UMAP has compiled itself when the first map is asked for; it then takes seconds."""
    large = make_cohort(small.parent / "more", [{"patientid": f"p{i}"} for i in range(60)])
    wait_for(book, ask(book, large), is_ended)
    deadline = time.monotonic() + 600
    while not (warm := re.search(r"Warm after (\d+) s", read_log(book))):
        assert time.monotonic() < deadline
        book.keep_worker()
        time.sleep(0.2)
    request = JobRequest("map", {"data": str(large), "extractor": "texture"})
    done = wait_for(book, book.submit(request, label="Map"), is_ended)
    assert done.state == "done"
    assert done.seconds < 1 + int(warm[1])  # it would take as long again
