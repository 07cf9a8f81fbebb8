"""The commands ``jobs`` and ``work``: look at long work, cancel it, resume it, do it."""

import json
import logging
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer

from cxrlib.cli.messages import reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, Format, FormatOption
from cxrlib.errors import SelectionError
from cxrlib.jobs import KILL_AFTER, Job, JobBook, JobRequest, describe_job

__all__ = ["register"]

JobOption = Annotated[str | None, typer.Option(metavar="ID", help="A job, by the id listed.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(jobs)
    app.command()(work)


def jobs(
    cancel: JobOption = None,
    resume: JobOption = None,
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """List the jobs of a cache, the last asked for first; cancel or resume one."""
    with reported_errors():
        if cancel is not None and resume is not None:
            raise typer.BadParameter("Give --cancel or --resume, not both.")
        book = JobBook(cache)
        if cancel is not None:
            shown = [_cancel(book, cancel)]
        elif resume is not None:
            shown = [_resume(book, resume)]
        else:
            shown = book.list()
        _write_jobs(shown, form)
        for problem in book.list_problems():
            typer.echo(visible(problem), err=True)


def work(cache: CacheOption = DEFAULT_CACHE) -> None:
    """Do the jobs of a cache, one by one; end after two minutes without any."""
    from cxrlib.jobs import Worker, become_worker

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr, force=True
    )
    with reported_errors():
        become_worker()
        if not Worker(cache).run():
            typer.echo("Another worker does the jobs of this cache already.", err=True)


def _cancel(book: JobBook, job_id: str) -> Job:
    """Cancel a job and wait until it has stopped, or was ended because it did not."""
    job = book.cancel(job_id)
    deadline = time.monotonic() + 2 * KILL_AFTER
    while job.state == "cancelling" and time.monotonic() < deadline:
        time.sleep(0.2)
        job = book.read(job_id) or job
    return job


def _resume(book: JobBook, job_id: str) -> Job:
    """Ask again for a job that ended, and see that somebody does it."""
    job = book.read(job_id)
    if job is None:
        raise SelectionError(f"There is no job {job_id!r} here. List them without --resume.")
    job = book.submit(JobRequest(job.kind, job.parameters), label=job.label)
    book.keep_worker()
    return job


def _write_jobs(shown: list[Job], form: Format) -> None:
    """Write jobs to standard output, a line each or as JSON."""
    if form is Format.json:
        typer.echo(json.dumps([asdict(job) for job in shown], indent=2))
        return
    for job in shown:
        typer.echo(visible(f"{job.id}  {job.label}: {describe_job(job)}"))
    if not shown:
        typer.echo("No jobs.", err=True)
