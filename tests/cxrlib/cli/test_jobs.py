"""The commands for jobs: listed, cancelled, resumed; names are shown as harmless text."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cxrlib.cli import app
from cxrlib.jobs import JobQueue, JobRequest
from cxrlib.system import mark_process


@pytest.fixture
def book(tmp_path: Path) -> JobQueue:
    """Give a book with one waiting job."""
    book = JobQueue(tmp_path / "cache")
    book.submit(JobRequest("demo"), label="Demo\x1b[2J cohort")
    return book


def run(book: JobQueue, *arguments: str) -> Result:
    """Run the command in this process."""
    environment = {"CXR_DATA": "", "CXR_CACHE": ""}
    return CliRunner().invoke(
        app, ["jobs", "--cache", str(book.cache), *arguments], env=environment
    )


def test_jobs_are_listed_as_text_and_json(book: JobQueue) -> None:
    """One line a job, control characters written out; JSON has every field."""
    (job,) = book.list()
    shown = run(book)
    assert shown.exit_code == 0
    words = f"{job.id}  Demo\\x1b[2J cohort: waiting to start\n"
    assert shown.stdout == words
    (fields,) = json.loads(run(book, "--format", "json").stdout)
    assert fields["id"] == job.id
    assert fields["state"] == "waiting"


def test_an_empty_list_is_said(tmp_path: Path) -> None:
    """Nothing on standard output but an empty list, and no folder is made by looking."""
    book = JobQueue(tmp_path / "none")
    assert json.loads(run(book, "--format", "json").stdout) == []
    assert "No jobs yet." in run(book).stderr
    assert not book.cache.exists()


def test_a_job_is_cancelled_and_resumed(book: JobQueue, monkeypatch) -> None:
    """Both say how the job is afterwards; a resume sees that a worker is there."""
    kept: list[Path] = []
    monkeypatch.setattr(JobQueue, "keep_worker", lambda self: kept.append(self.cache))
    (job,) = book.list()
    assert "cancelled" in run(book, "--cancel", job.id).stdout
    assert book.read(job.id).state == "cancelled"
    assert "waiting" in run(book, "--resume", job.id).stdout
    assert book.read(job.id).label == job.label
    assert kept == [book.cache]


def test_cancelling_waits_for_the_end(book: JobQueue, monkeypatch) -> None:
    """A worker that does not stop is ended while the command waits."""
    from cxrlib.jobs import job_queue

    killed = []
    monkeypatch.setattr(job_queue, "KILL_AFTER", 0.3)
    monkeypatch.setattr(job_queue, "end_process", lambda mark: killed.append(mark) or True)
    job = book.take(mark_process())
    assert "cancelled" in run(book, "--cancel", job.id).stdout
    assert killed == [job.worker]


@pytest.mark.parametrize("option", ["--cancel", "--resume"])
def test_an_unknown_job_is_named(book: JobQueue, option: str) -> None:
    """One line says so; what cannot be done has exit code 1."""
    result = run(book, option, "0" * 16)
    assert result.exit_code == 1
    assert "There is no job '0000000000000000'" in result.stderr


def test_two_deeds_at_once_are_not_understood(book: JobQueue) -> None:
    """Cancel and resume together make no sense."""
    assert run(book, "--cancel", "a", "--resume", "b").exit_code == 2


def test_damaged_records_are_named_beside_the_list(book: JobQueue) -> None:
    """The list goes on; standard error has the sentence."""
    (book.folder / f"{'1' * 16}.json").write_text("{")
    result = run(book)
    assert result.exit_code == 0
    assert "1111111111111111.json" in result.stderr
