"""The data page's jobs: each extractor's state with a button for what is missing, and the list."""

import contextlib
import functools
from collections.abc import Callable, Iterable
from html import escape

import streamlit as st

from cxrlib.cohort import Cohort, CohortEntry
from cxrlib.display import list_thumbnails
from cxrlib.embedding.extractors import describe_stale, list_plugin_problems
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES
from cxrlib.errors import StoreError
from cxrlib.jobs import Job, JobRequest, describe_job
from cxrlib.maps import ExtractorState, explain_no_map, list_extractor_states
from cxrlib.storage import EmbeddingStore, Store
from ui.session.job_offers import offer_map
from ui.session.jobs import kept_trouble, offer_job, open_queue, show_job, show_trouble, submit_job
from ui.session.resources import find_cache, time_changes
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = ["show_extractors", "show_jobs", "show_thumbnails"]

ACTIVE_JOBS = "active_jobs"  # in the session's state: those of which the whole page knows
SIGNS = {
    "ready": "●",
    "no map": "◐",
    "incomplete": "◐",
    "not computed": "○",
    "weights missing": "○",
}


def show_extractors(entry: CohortEntry, cohort: Cohort) -> None:
    """Show every extractor with its state and a button for what is missing."""
    st.subheader("Image features", anchor=False)
    if reason := _explain_no_map(cohort):
        show_text(reason)
    states = _list_states(cohort, _time_cache())
    offered = [s for s in states if s.ready != "weights missing" or WEIGHTS_FILES[s.name].sha256]
    for state in offered:
        _show_extractor(entry, state, can_map=not reason)
    for problem in _list_troubles(_time_cache()):
        show_alert(problem)
    others = [state for state in states if state not in offered]
    if others:
        with st.expander(f"{len(others)} more networks (weights not on this machine)"):
            for state in others:
                show_text(state.advice, lead=f"{state.title}:")


def show_thumbnails(entry: CohortEntry, cohort: Cohort) -> None:
    """Show how many thumbnails there are, with a button to make them all."""
    wanted = _list_contents(cohort)
    n_made = len(wanted & list_thumbnails(Store(find_cache())))
    words, deed = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with words:
        sign = "●" if n_made == len(wanted) else "◐" if n_made else "○"
        st.html(
            f"<p class='cxr-text'><span aria-hidden='true'>{sign}</span> "
            f"<strong>Thumbnails</strong>: {n_made:,} of {len(wanted):,} distinct images; the rest "
            "are made when first viewed</p>"
        )
    if n_made < len(wanted):
        with deed:
            request = JobRequest("thumbnails", {"data": str(entry.path)})
            offer_job(request, label=f"Thumbnails of {entry.title}", button="Make all thumbnails")


def _show_extractor(entry: CohortEntry, state: ExtractorState, *, can_map: bool) -> None:
    """Show one extractor as a line: name and state at the left, a button at the right."""
    name = state.title
    is_outside = state.info is not None and state.info.is_outside
    if state.info is not None and not state.is_at_hand and not is_outside:  # one of several
        name = f"{name}, weights {state.info.weights_sha256[:8]}"
    line = (
        f"<p class='cxr-text'><span aria-hidden='true'>{SIGNS[state.ready]}</span> "
        f"<strong>{escape(name)}</strong>: {escape(_describe(state))}</p>"
    )
    if state.ready == "ready":
        st.html(line)
        return
    words, deed = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with words:
        st.html(line)
    with deed:
        if state.ready == "weights missing":
            request = JobRequest("weights", {"extractor": state.name})
            size = WEIGHTS_FILES[state.name].n_bytes / 1e6
            button = f"Download weights ({size:.0f} MB)"
            offer_job(request, label=f"Weights of {state.title}", button=button)
            with st.popover("Without internet", type="tertiary"):
                show_text(state.advice)
        elif state.advice:
            show_text(state.advice)
        elif not can_map:
            show_quiet("No map is possible.")
        elif state.info is not None and not state.is_at_hand:  # embedded: a map needs no weights
            request = JobRequest("map", {"data": str(entry.path), "extractor": state.info.key})
            offer_job(request, label=f"Map of {entry.title} by {name}", button="Compute the map")
        else:
            offer_map(entry, state.name, title=state.title)


def _describe(state: ExtractorState) -> str:
    """Describe an extractor's state, with its denominators."""
    if state.ready == "weights missing":
        return "weights not on this machine"
    verb = "embedded"
    if state.info is not None and state.info.is_outside:
        verb = "have a row (also without a picture)"
    embedded = f"{state.n_embedded:,} of {state.n_images:,} images {verb}"
    if state.ready == "not computed":
        return embedded
    if state.n_on_map:
        return f"{embedded}; {state.n_on_map:,} of {state.n_for_map:,} images on the map"
    return f"{embedded}; no map yet"


@functools.lru_cache(maxsize=8)
def _explain_no_map(cohort: Cohort) -> str:
    """Explain once for all sessions why a cohort can have no map, "" where it can."""
    return explain_no_map(cohort)


@functools.lru_cache(maxsize=8)
def _list_contents(cohort: Cohort) -> frozenset[str]:
    """List once for all sessions the contents that can have a thumbnail."""
    return frozenset(cohort.select_xrays().select_with_file().table["sha256"].dropna())


@functools.lru_cache(maxsize=16)
def _list_states(cohort: Cohort, changed: tuple[int, ...]) -> list[ExtractorState]:
    """List the extractors' states; ``changed`` makes new embeddings and maps count."""
    return list_extractor_states(cohort, Store(find_cache()))


@functools.lru_cache(maxsize=4)
def _list_troubles(changed: tuple[int, ...]) -> tuple[str, ...]:
    """List what is wrong with extractors of other packages, and which embeddings are outdated."""
    stored = EmbeddingStore(Store(find_cache())).list_extractors()
    stale = [words for info in stored if (words := describe_stale(info))]
    return (*list_plugin_problems(), *dict.fromkeys(stale))


def _time_cache() -> tuple[int, ...]:
    """Give the times of change of what tells an extractor's state."""
    cache = find_cache()
    folders = [cache / "maps", cache / "embeddings"]
    if folders[1].is_dir():
        folders += sorted(path for path in folders[1].iterdir() if path.is_dir())
    return time_changes(*folders)


def show_jobs() -> None:
    """Show the jobs of this cache, the newest first."""
    st.subheader("Jobs", anchor=False)
    st.session_state[ACTIVE_JOBS] = _list_active(_read_jobs())
    _show_list()


def _read_jobs() -> list[Job]:
    """List the jobs; none where their folder cannot be read, which `list_problems` says."""
    with contextlib.suppress(StoreError):  # the router is not there when a fragment looks anew
        return open_queue().list()
    return []


def _list_active(jobs: Iterable[Job]) -> list[str]:
    """List the jobs that wait or run."""
    return sorted(job.id for job in jobs if not job.is_finished)


@st.fragment(run_every=2.0)
def _show_list() -> None:
    """Show running jobs with progress and ended ones as a line; refreshed by itself."""
    show_trouble()
    jobs, problems = _read_jobs(), open_queue().list_problems()
    if _list_active(jobs) != st.session_state.get(ACTIVE_JOBS):
        st.rerun()  # somebody else started or cancelled one: the lines above say so too
    for problem in problems:
        show_alert(problem)
    if not jobs and not problems:
        show_quiet("No jobs yet.")
    for job in jobs:
        if not job.is_finished:
            show_job(job, place="list", label=job.label)
    ended = [job for job in jobs if job.is_finished]
    for job in ended[:10]:
        _show_ended(job)


def _show_ended(job: Job) -> None:
    """Show a job that has ended: how it ended, buttons to resume and to remove it."""
    words, deed = st.columns([3, 2], vertical_alignment="center")
    with words:
        show_text(describe_job(job), lead=f"{job.label}:")
    with deed, st.container(horizontal=True):
        if job.state != "done":
            _show_button("Resume job", f"resume-{job.id}", _resume, job)
        _show_button("Remove job", f"forget-{job.id}", _forget, job)


def _show_button(label: str, key: str, act: Callable[[Job], None], job: Job) -> None:
    """Show a button of a job in the list; several have its label."""
    st.button(label, key=key, on_click=act, args=(job,), help=f"{label} {job.id}")


def _resume(job: Job) -> None:
    with kept_trouble():  # a record of another version may ask for what this one cannot do
        submit_job(JobRequest(job.kind, job.parameters), label=job.label)


def _forget(job: Job) -> None:
    with kept_trouble():
        open_queue().forget(job.id)
