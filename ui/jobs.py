"""Jobs on screen: progress where the result will appear, a button to start, one to cancel."""

import streamlit as st

from cxrlib.jobs import Job, JobBook, JobRequest, describe_job
from ui.resources import find_cache
from ui.text import show_text

__all__ = ["ACTIVE", "offer_job", "open_book", "show_job"]

ACTIVE = ("waiting", "running", "cancelling")
POLL = 1.0  # seconds between two looks at a job's record


def open_book() -> JobBook:
    """Open the book of jobs that all servers on this cache share."""
    return JobBook(find_cache())


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
        What the button says.
    """
    job = open_book().read(request.id)
    if job is not None and job.state in ACTIVE:
        _watch_job(request.id)
        return
    if job is not None and job.state in ("failed", "died", "cancelled"):
        show_text(describe_job(job))
        button = "Resume" if job.state != "failed" else "Try again"
    st.button(
        button,
        key=f"start-{request.id}",
        type="primary" if primary else "secondary",
        on_click=_submit,
        args=(request, label),
    )


def _submit(request: JobRequest, label: str) -> None:
    """Hand a job in, and see that somebody works on it."""
    book = open_book()
    book.submit(request, label=label)
    book.keep_worker()


@st.fragment(run_every=POLL)
def _watch_job(job_id: str) -> None:
    """Look at a job's record every second; when it has ended, run the page again."""
    book = open_book()
    job = book.read(job_id)
    if job is None or job.state not in ACTIVE:
        st.rerun()
    else:
        book.keep_worker()
        show_job(job, place="offer")


def show_job(job: Job, *, place: str, label: str = "") -> None:
    """Show a job that waits or runs: its progress in words, a bar, a button to cancel.

    Parameters
    ----------
    job : Job
    place : str
        Where on the page it stands, since a job may stand in two places.
    label : str
        What it does, where the page does not say so already.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        show_text(describe_job(job), lead=f"{label}:" if label else "")
        st.button(
            "Cancel",
            key=f"cancel-{place}-{job.id}",
            on_click=_cancel,
            args=(job.id,),
            disabled=job.state == "cancelling",
        )
    st.progress(min(job.done / job.total, 1.0) if job.total else 0.0)


def _cancel(job_id: str) -> None:
    open_book().cancel(job_id)
