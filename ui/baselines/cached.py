"""Feature sets, rows and runs of the baselines page, each loaded once."""

import functools

import pandas as pd
import streamlit as st

from cxrlib.baselines.features import FeatureChoice, list_feature_sets, need_pictures
from cxrlib.baselines.runs import (
    BOOK,
    KEPT,
    NOTES,
    Run,
    RunCounts,
    RunEntry,
    RunSpec,
    count_runs,
    find_run,
    list_runs,
    make_run,
)
from cxrlib.baselines.tasks import Task, TaskRows, list_task_columns, take_rows
from cxrlib.cohort import Cohort
from cxrlib.selection import Selection
from cxrlib.storage import Store
from ui.session.resources import find_cache, time_changes, time_computed

__all__ = [
    "count_runs_of",
    "list_choices",
    "load_columns",
    "load_entries",
    "load_rows",
    "load_run",
    "load_sensitivity",
    "run_now",
]


def list_choices(cohort: Cohort) -> tuple[FeatureChoice, ...]:
    """List the feature sets of a cohort, read again when embeddings were computed."""
    return _list_choices(cohort, time_computed())


@functools.lru_cache(maxsize=8)
def _list_choices(cohort: Cohort, changed: tuple[int, ...]) -> tuple[FeatureChoice, ...]:
    return list_feature_sets(cohort, Store(find_cache()))


def load_rows(cohort: Cohort, spec: RunSpec) -> TaskRows:
    """Take the rows that a run can use: with features of one's own, those without a picture too."""
    need_file = need_pictures(spec.features, Store(find_cache()))
    as_published = spec.settings.protocol.name == "published"
    return _load_rows(cohort, spec.task, spec.selection, need_file, as_published)


@functools.lru_cache(maxsize=64)
def _load_rows(
    cohort: Cohort, task: Task, selection: Selection, need_file: bool, as_published: bool
) -> TaskRows:
    return take_rows(
        cohort, task, selection=selection, need_file=need_file, as_published=as_published
    )


def load_run(cohort: Cohort, spec: RunSpec) -> Run | None:
    """Read a run that was made before, None where it was not."""
    return _load_run(cohort, spec, time_computed(), time_changes(find_cache() / BOOK))


@functools.lru_cache(maxsize=64)
def _load_run(
    cohort: Cohort, spec: RunSpec, changed: tuple[int, ...], booked: tuple[int, ...]
) -> Run | None:
    return find_run(cohort, Store(find_cache()), spec)


def run_now(cohort: Cohort, spec: RunSpec) -> Run:
    """Make a run while the reader waits: a second or two."""
    with st.spinner("Training and testing, each group held out once …"):
        return make_run(cohort, Store(find_cache()), spec)


@functools.lru_cache(maxsize=64)
def load_sensitivity(run: Run, metric: str) -> pd.DataFrame:
    """Compute the sensitivity analysis of a run once for all sessions."""
    return run.check_sensitivity(metric)


def load_entries(cohort: Cohort, task: Task | None = None) -> tuple[RunEntry, ...]:
    """List the runs that were made on a cohort, by default of all tasks, oldest first."""
    cache = find_cache()
    return _load_entries(cohort, task, time_changes(cache / BOOK, cache / KEPT, cache / NOTES))


@functools.lru_cache(maxsize=64)
def _load_entries(
    cohort: Cohort, task: Task | None, changed: tuple[int, ...]
) -> tuple[RunEntry, ...]:
    return tuple(list_runs(Store(find_cache()), cohort.fingerprint, task))


def count_runs_of(cohort: Cohort, task: Task) -> RunCounts:
    """Count the runs of a cohort and task, of its outcome, and of the cohort."""
    return _count_runs(cohort, task, time_changes(find_cache() / BOOK))


@functools.lru_cache(maxsize=64)
def _count_runs(cohort: Cohort, task: Task, changed: tuple[int, ...]) -> RunCounts:
    return count_runs(Store(find_cache()), cohort.fingerprint, task)


#: What can be predicted in a cohort, listed once for all sessions.
load_columns = functools.lru_cache(maxsize=8)(list_task_columns)
