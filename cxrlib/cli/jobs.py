"""The commands ``jobs`` and ``work``: list, cancel, resume and run jobs."""

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
from cxrlib.jobs import KILL_AFTER, Job, JobQueue, JobRequest, describe_job

__all__ = ["register"]

JobOption = Annotated[str | None, typer.Option(metavar="ID", help="Id of a job, as listed.")]


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
    """List the jobs of a cache, newest first; cancel or resume one."""
    with reported_errors():
        if cancel is not None and resume is not None:
            raise typer.BadParameter("Give --cancel or --resume, not both.")
        queue = JobQueue(cache)
        if cancel is not None:
            shown = [_cancel(queue, cancel)]
        elif resume is not None:
            shown = [_resume(queue, resume)]
        else:
            shown = queue.list()
        _print_jobs(shown, form)
        for problem in queue.list_problems():
            typer.echo(visible(problem), err=True)


def work(cache: CacheOption = DEFAULT_CACHE) -> None:
    """Run the jobs of a cache one by one; stop after two minutes without a job."""
    from cxrlib.jobs import Worker, become_worker

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr, force=True
    )
    with reported_errors():
        become_worker()
        if not Worker(cache).run():
            typer.echo("Another worker is already running the jobs of this cache.", err=True)


def _cancel(queue: JobQueue, job_id: str) -> Job:
    """Cancel a job and wait until it has stopped or was killed."""
    job = queue.cancel(job_id)
    deadline = time.monotonic() + 2 * KILL_AFTER
    while job.state == "cancelling" and time.monotonic() < deadline:
        time.sleep(0.2)
        job = queue.read(job_id) or job
    return job


def _resume(queue: JobQueue, job_id: str) -> Job:
    """Start an ended job again, and make sure that a worker runs it."""
    job = queue.read(job_id)
    if job is None:
        raise SelectionError(f"There is no job {job_id!r} here. List them without --resume.")
    job = queue.submit(JobRequest(job.kind, job.parameters), label=job.label)
    queue.keep_worker()
    return job


def _print_jobs(shown: list[Job], form: Format) -> None:
    """Print jobs to standard output, a line each or as JSON."""
    if form is Format.json:
        typer.echo(json.dumps([asdict(job) for job in shown], indent=2))
        return
    for job in shown:
        typer.echo(visible(f"{job.id}  {job.label}: {describe_job(job)}"))
    if not shown:
        typer.echo("No jobs yet.", err=True)
