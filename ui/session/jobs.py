"""Jobs on screen: progress in place of the result, buttons to start and to cancel."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from cxrlib.errors import CxrError
from cxrlib.jobs import Job, JobQueue, JobRequest, describe_job
from ui.session.resources import find_cache
from ui.widgets.text import show_alert, show_text

__all__ = [
    "kept_trouble",
    "offer_job",
    "open_queue",
    "show_job",
    "show_trouble",
    "submit_job",
]

TROUBLE = "job_trouble"  # in the session's state
POLL = 1.0  # seconds between two looks at a job's record


def open_queue() -> JobQueue:
    """Open the queue of jobs that all servers on this cache share."""
    return JobQueue(find_cache())


def offer_job(request: JobRequest, *, label: str, button: str, primary: bool = False) -> None:
    """Offer a job by a button; while it runs show its progress there instead.

    Whoever asked for it, in whichever session or server: the same request is one job. When it
    ends, the page runs again and shows the result.

    Parameters
    ----------
    request : JobRequest
    label : str
        What the job does, in words: "Map of lungs by texture".
    button : str
        Label of the button.
    """
    show_trouble()
    job = open_queue().read(request.id)
    if job is not None and not job.is_finished:
        _watch_job(request.id)
        return
    if job is not None and job.state != "done":
        ended = describe_job(job)
        show_text(ended[0].upper() + ended[1:])
        button = "Resume job"  # as in the list of jobs
    st.button(
        button,
        key=f"start-{request.id}",
        type="primary" if primary else "secondary",
        on_click=_submit,
        args=(request, label),
    )


def _submit(request: JobRequest, label: str) -> None:
    submit_job(request, label=label)


def submit_job(request: JobRequest, *, label: str) -> None:
    """Submit a job and make sure that a worker runs it; for a widget's callback.

    `show_trouble` shows what prevents it, such as a full disk.
    """
    with kept_trouble():
        queue = open_queue()
        queue.submit(request, label=label)
        queue.keep_worker()


@contextlib.contextmanager
def kept_trouble() -> Iterator[None]:
    """Keep a known error of a callback: what a callback shows is lost with the next run."""
    try:
        yield
    except CxrError as error:
        st.session_state[TROUBLE] = str(error)


def show_trouble() -> None:
    """Show once why a button did nothing."""
    if words := st.session_state.pop(TROUBLE, ""):
        show_alert(words, "error")


@st.fragment(run_every=POLL)
def _watch_job(job_id: str) -> None:
    """Look at a job's record every second; when it has ended, run the page again."""
    show_trouble()
    queue = open_queue()
    job = queue.read(job_id)
    if job is None or job.is_finished:
        st.rerun()
    with kept_trouble():
        queue.keep_worker()
    show_job(job, place="offer")


def show_job(job: Job, *, place: str, label: str = "") -> None:
    """Show a job that waits or runs: its progress in words, a bar, a button to cancel.

    Parameters
    ----------
    job : Job
    place : str
        Part of the button's key: a job can be in two places of a page.
    label : str
        What it does, where the page does not say so already.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        show_text(describe_job(job), lead=f"{label}:" if label else "")
        st.button(
            "Cancel job",
            help=f"Cancel job {job.id}",  # several buttons have this label
            key=f"cancel-{place}-{job.id}",
            on_click=_cancel,
            args=(job.id,),
            disabled=job.state == "cancelling",
        )
    st.progress(min(job.done / job.total, 1.0) if job.total else 0.0)


def _cancel(job_id: str) -> None:
    with kept_trouble():
        open_queue().cancel(job_id)
