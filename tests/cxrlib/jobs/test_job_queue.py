"""The book of jobs: one record a request, whoever asks, whatever became of worker and disk."""

import json
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cxrlib.errors import SelectionError, StoreError
from cxrlib.jobs import Job, JobQueue, JobRequest, describe_job, format_job, job_queue
from cxrlib.system import ProcessMark, mark_process

HERE = mark_process()
GONE = replace(HERE, started=HERE.started - 60)
ELSEWHERE = ProcessMark(1, 1.0, "f" * 16)


@pytest.fixture
def book(tmp_path: Path) -> JobQueue:
    """Give the book of a cache that is not there yet."""
    return JobQueue(tmp_path / "cache")


def ask(book: JobQueue, name: str = "a") -> Job:
    """Ask for the embedding of a folder; nobody does it."""
    request = JobRequest("embed", {"data": f"/{name}", "extractor": "texture"})
    return book.submit(request, label=f"Embed {name}")


def change(book: JobQueue, job: Job, **fields: object) -> Job:
    """Change a record behind everyone's back."""
    job = replace(job, **fields)
    (book.folder / f"{job.id}.json").write_bytes(format_job(job))
    return job


def test_equal_requests_have_one_id(tmp_path: Path, monkeypatch) -> None:
    """Defaults, the order of names and a relative path make no other request."""
    monkeypatch.chdir(tmp_path)
    full = {"device": "auto", "extractor": "texture", "data": str(tmp_path / "c")}
    one, other = (
        JobRequest("embed", {"data": "c", "extractor": "texture"}),
        JobRequest("embed", full),
    )
    assert one == other
    assert one.id == other.id
    assert len(one.id) == 16
    assert JobRequest("embed", {**full, "device": "cpu"}).id != one.id
    assert JobRequest("prepare", full).id != one.id


def test_the_same_request_is_one_job_in_every_book(book: JobQueue) -> None:
    """Two servers on one cache see one record; a second request changes nothing."""
    other = JobQueue(book.cache)
    job = ask(book)
    assert job.state == "waiting"
    assert ask(other) == job
    assert other.read(job.id) == job
    assert [each.id for each in other.list()] == [job.id]


def test_first_come_first_served(book: JobQueue, monkeypatch) -> None:
    """Jobs are taken in the order of asking even if the clock goes back; the list is reversed."""
    now = time.time()
    asked = []
    for i, name in enumerate("abc"):
        monkeypatch.setattr(job_queue.time, "time", lambda i=i: now - 3600 * i)
        asked.append(ask(book, name))
    assert [job.n_before for job in asked] == [0, 1, 2]
    assert [job.id for job in book.list()] == [job.id for job in reversed(asked)]
    taken = [book.take(HERE) for _ in "abcd"]
    assert [job and job.id for job in taken] == [*(job.id for job in asked), None]


def test_a_job_is_taken_once(book: JobQueue, monkeypatch) -> None:
    """Many who take and ask at once neither lose a job nor do one twice."""
    monkeypatch.setattr(job_queue, "LOCK_TIMEOUT", 120.0)  # a slow disk, and eight who queue
    with ThreadPoolExecutor(8) as pool:
        orders = [job.order for job in pool.map(lambda i: ask(book, str(i % 12)), range(48))]
        taken = list(pool.map(lambda _: JobQueue(book.cache).take(HERE), range(24)))
    assert set(orders) == set(range(1, 13))
    ids = [job.id for job in taken if job is not None]
    assert len(ids) == len(set(ids)) == 12


def test_progress_and_end_are_written(book: JobQueue) -> None:
    """A running job says how far it is; done keeps the result; asked again it waits again."""
    first = ask(book)
    job = book.take(HERE)
    assert job is not None
    book.report(replace(job, stage="Embedding images", done=3, total=9, rate=2.0, seconds_left=3.0))
    shown = book.read(job.id)
    assert describe_job(shown) == "Embedding 3 of 9 images, 2.0 a second, 3 s left"
    assert ask(book) == shown
    ended = book.finish(job, "done", result={"n_computed": 9})
    assert ended.state == "done"
    assert ended.result == {"n_computed": 9}
    assert book.report(job) is None
    again = ask(book)
    assert (again.state, again.result, again.created) == ("waiting", {}, first.created)


def test_a_waiting_job_is_cancelled_at_once_and_resumed(book: JobQueue) -> None:
    """What has not begun has nothing to stop."""
    job = ask(book)
    assert book.cancel(job.id).state == "cancelled"
    assert book.take(HERE) is None
    assert book.cancel(job.id).state == "cancelled"
    assert ask(book).state == "waiting"
    assert book.take(HERE).id == job.id


def test_a_running_job_is_asked_to_stop(book: JobQueue) -> None:
    """Cancelling shows until the worker says that it has stopped."""
    ask(book)
    job = book.take(HERE)
    assert book.cancel(job.id).state == "cancelling"
    assert book.report(replace(job, done=1)).state == "cancelling"
    assert book.finish(job, "cancelled").state == "cancelled"


def test_asked_again_while_stopping_it_waits_again(book: JobQueue) -> None:
    """Cancel, then resume before it has stopped: it stops and goes on; cancel undoes that."""
    ask(book)
    job = book.take(HERE)
    book.cancel(job.id)
    assert ask(book).again
    assert not book.cancel(job.id).again
    assert ask(book).again
    assert book.finish(job, "cancelled").state == "waiting"
    assert book.take(HERE).state == "running"


def test_a_dead_worker_is_noticed(book: JobQueue) -> None:
    """Its job has died, with words; what was being cancelled is cancelled; both resume."""
    for name in "ab":
        ask(book, name)
    first, second = book.take(GONE), book.take(GONE)
    change(book, second, state="cancelling", cancel_asked=time.time())
    newest, oldest = book.list()
    assert (oldest.id, oldest.state) == (first.id, "died")
    gone = f"stopped unexpectedly: the worker process {GONE.pid} ended (out of memory?). Resume it."
    assert describe_job(oldest) == gone
    assert newest.state == "cancelled"
    assert ask(book, "a").state == ask(book, "b").state == "waiting"
    assert not ask(book, "a").error


def test_submit_notices_a_dead_worker_too(book: JobQueue) -> None:
    """A resume does not come back with a job that only seems to run."""
    job = ask(book)
    book.take(GONE)
    assert ask(book).state == "waiting"
    assert book.read(job.id).state == "waiting"


def test_a_living_worker_keeps_its_job(book: JobQueue, monkeypatch) -> None:
    """Neither silence nor a clock that jumps takes a job from a process that is alive."""
    ask(book)
    job = book.take(HERE)
    for hours in (-5, 5):
        monkeypatch.setattr(job_queue.time, "time", lambda hours=hours: job.updated + 3600 * hours)
        assert book.read(job.id).state == "running"


def test_another_machine_is_judged_by_its_silence(book: JobQueue) -> None:
    """Process numbers mean nothing there: its jobs die after two silent minutes."""
    ask(book)
    job = book.take(ELSEWHERE)
    assert book.read(job.id).state == "running"
    change(book, job, updated=time.time() - 200)
    assert book.list()[0].state == "died"


def test_a_late_worker_does_not_take_a_job_back(book: JobQueue) -> None:
    """Its job was given to another meanwhile: what it reports is not written."""
    ask(book)
    late = book.take(ELSEWHERE)
    change(book, late, updated=time.time() - 200)
    ask(book)
    job = book.take(HERE)
    assert book.report(late) is None
    assert book.finish(late, "done") is None
    assert book.read(job.id).worker == HERE


def test_a_worker_that_lost_its_job_and_took_it_again_is_told_apart(book: JobQueue) -> None:
    """The same worker and the same job, asked for twice, are two runs."""
    ask(book)
    first = book.take(HERE)
    change(book, first, state="died")
    ask(book)
    second = book.take(HERE)
    assert book.finish(first, "done") is None
    assert book.finish(second, "done").state == "done"


def test_forget_only_what_has_ended(book: JobQueue) -> None:
    """A running job keeps its record."""
    job = ask(book)
    with pytest.raises(SelectionError, match=r"waiting.*Cancel it first"):
        book.forget(job.id)
    book.cancel(job.id)
    book.forget(job.id)
    assert book.list() == []
    with pytest.raises(SelectionError, match="There is no job"):
        book.forget(job.id)


@pytest.mark.parametrize("job_id", ["", "..", "../../etc/passwd", "a\x00b", "A" * 16, "é" * 16])
def test_an_id_that_is_none_names_nothing(book: JobQueue, job_id: str) -> None:
    """Ids may come from anywhere: none leads out of the folder."""
    assert book.read(job_id) is None
    with pytest.raises(SelectionError, match="There is no job"):
        book.cancel(job_id)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version": 1}', b"\x00" * 100])
def test_a_damaged_record_is_passed_over(book: JobQueue, data: bytes) -> None:
    """The others are listed, a sentence says which is damaged, and asking again mends it."""
    job, other = ask(book, "a"), ask(book, "b")
    (book.folder / f"{job.id}.json").write_bytes(data)
    assert [each.id for each in book.list()] == [other.id]
    assert book.read(job.id) is None
    (problem,) = book.list_problems()
    assert f"{job.id}.json" in problem
    assert "damaged" in problem
    assert ask(book, "a").state == "waiting"
    assert book.list_problems() == []


def test_what_is_no_file_is_passed_over(book: JobQueue) -> None:
    """A pipe, a folder, a link into nowhere and a huge file neither block nor break the list."""
    job = ask(book)
    os.mkfifo(book.folder / f"{'1' * 16}.json")
    (book.folder / f"{'2' * 16}.json").mkdir()
    (book.folder / f"{'3' * 16}.json").symlink_to("/nowhere")
    with (book.folder / f"{'4' * 16}.json").open("wb") as file:
        file.truncate(1 << 30)
    (book.folder / "notes.json").write_text("{}")
    assert [each.id for each in book.list()] == [job.id]
    assert len(book.list_problems()) == 3


def test_a_damaged_record_is_written_anew_by_its_worker(book: JobQueue) -> None:
    """The worker knows its job: damage on disk does not stop it; a deleted record does."""
    ask(book)
    job = book.take(HERE)
    path = book.folder / f"{job.id}.json"
    path.write_text("{")
    assert book.report(replace(job, done=2)).done == 2
    assert book.read(job.id).done == 2
    path.unlink()
    assert book.report(job) is None
    assert book.finish(job, "done") is None


def test_a_newer_record_is_left_alone(book: JobQueue) -> None:
    """It is named, not listed, not taken and not written over."""
    job = ask(book)
    path = book.folder / f"{job.id}.json"
    text = json.dumps({"version": 99, "state": "resting"})
    path.write_text(text)
    assert book.list() == []
    assert book.take(HERE) is None
    assert "newer version" in book.list_problems()[0]
    with pytest.raises(StoreError, match="newer version"):
        ask(book)
    assert path.read_text() == text


def test_a_deleted_cache_is_an_empty_one(book: JobQueue) -> None:
    """Under a running server: the list is empty, the worker is told, and asking works again."""
    ask(book)
    job = book.take(HERE)
    shutil.rmtree(book.cache)
    assert book.list() == []
    assert book.list_problems() == []
    assert book.read(job.id) is None
    assert book.report(job) is None
    assert book.finish(job, "done") is None
    assert not book.cache.exists()
    assert ask(book).state == "waiting"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Reading gives nothing, and each change says in words why it cannot be."""
    (tmp_path / "file").write_text("")
    book = JobQueue(tmp_path / "file" / "cache")
    assert book.list() == []
    assert book.list_problems() == []
    for attempt in (lambda: ask(book), book.keep_worker):
        with pytest.raises(StoreError, match="a file is where a folder should be"):
            attempt()


def test_a_full_disk_is_named_and_leaves_the_old_record(book: JobQueue, monkeypatch) -> None:
    """A record is replaced whole or not at all; nothing half written stays."""
    job = ask(book)

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="no space left"):
        book.cancel(job.id)
    assert book.read(job.id) == job
    assert list(book.folder.glob(".*.tmp")) == []


def test_a_death_that_cannot_be_written_is_shown_all_the_same(book: JobQueue, monkeypatch) -> None:
    """A cache that may only be read still says that a job has died."""
    ask(book)
    job = book.take(GONE)

    def fail(number: int) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", fail)
    assert book.read(job.id).state == "died"
    assert [each.state for each in book.list()] == ["died"]


def test_a_book_in_use_for_long_is_named(book: JobQueue, monkeypatch) -> None:
    """Who holds the lock for ever does not hang a page."""
    monkeypatch.setattr(job_queue, "LOCK_TIMEOUT", 0.2)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with JobQueue(book.cache)._changing():
            held.set()
            done.wait(120)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    try:
        with pytest.raises(StoreError, match="in use by another process"):
            ask(book)
    finally:
        done.set()
        thread.join()
    assert ask(book).state == "waiting"


def test_old_records_go(book: JobQueue, monkeypatch) -> None:
    """The oldest that ended are deleted, and what a killed writer left half written."""
    monkeypatch.setattr(job_queue, "MAX_FINISHED", 3)
    for name in "abcdef":
        book.cancel(ask(book, name).id)
    (book.folder / ".x.json-1.tmp").write_text("{")
    ask(book, "g")
    assert [job.label for job in book.list()] == [f"Embed {name}" for name in "gfed"]
    assert list(book.folder.glob(".*.tmp")) == []


def test_a_worker_that_stopped_in_time_is_not_killed_at_its_next_job(
    book: JobQueue, monkeypatch
) -> None:
    """Between a look and the kill it may have ended this job and taken another."""
    killed: list[ProcessMark] = []
    monkeypatch.setattr(job_queue, "end_process", lambda mark: killed.append(mark) or True)
    late = replace(ask(book), state="cancelling", cancel_asked=1.0, order=1)
    late = change(
        book, replace(late, pid=HERE.pid, process_started=HERE.started), machine=HERE.machine
    )
    change(book, late, state="cancelled", cancel_asked=None, finished=2.0)
    assert book._settle(late).state == "cancelled"
    assert killed == []
    change(book, late)
    assert book._settle(late).state == "cancelled"
    assert killed == [HERE]


def test_an_overdue_worker_is_killed(book: JobQueue, monkeypatch) -> None:
    """A job that does not stop in time loses its worker; before that it only waits."""
    killed = []
    monkeypatch.setattr(job_queue, "end_process", lambda mark: killed.append(mark) or True)
    ask(book)
    job = book.take(HERE)
    book.cancel(job.id)
    assert book.read(job.id).state == "cancelling"
    assert killed == []
    change(book, book.read(job.id), cancel_asked=time.time() - 11)
    assert book.read(job.id).state == "cancelled"
    assert killed == [HERE]
