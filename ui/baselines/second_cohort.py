"""A second cohort of this server to test on: the run then trains on the one in use."""

import functools

from cxrlib.baselines.evaluation import parse_hold_out
from cxrlib.cohort import Cohort, CohortEntry, JoinedCohort, join_cohorts
from cxrlib.errors import CxrError, SelectionError
from cxrlib.storage import Store
from ui.session.current_cohort import current_entry
from ui.session.resources import find_cache, find_cohort, list_cohorts

__all__ = ["find_hold_out", "find_tested_entry", "list_others", "load_tested"]


def list_others() -> list[CohortEntry]:
    """List the cohorts of this server besides the one in use."""
    own = current_entry().slug
    return [entry for entry in list_cohorts() if entry.slug != own]


def find_hold_out(cohort: Cohort, slug: str) -> str:
    """Return what is held out in a test on another cohort; raises where it cannot be used."""
    first = cohort.parts[0] if isinstance(cohort, JoinedCohort) else cohort
    name = _join(first, find_cohort(slug)).test_name
    found = find_tested_entry(cohort, f"cohort:{name}")
    if found is not None and found.slug != slug:
        raise SelectionError(
            f"Two cohorts of this server would be called {name!r} in a run, and {found.title!r} is "
            "the first of them. To test on the other, start the dashboard without the first."
        )
    return f"cohort:{name}"


def load_tested(cohort: Cohort, hold_out: str) -> Cohort:
    """Join the cohort in use with the one that is tested on; the same where none is.

    Raises
    ------
    SelectionError
        If this server has no such cohort.
    """
    entry = find_tested_entry(cohort, hold_out)
    return cohort if entry is None else _join(cohort, find_cohort(entry.slug))


def find_tested_entry(cohort: Cohort, hold_out: str) -> CohortEntry | None:
    """Find the cohort that is tested on; None where none is."""
    grouping = parse_hold_out(hold_out)
    if grouping.kind != "cohort":
        return None
    first = cohort.parts[0] if isinstance(cohort, JoinedCohort) else cohort
    others = list_others()
    for entry in others:
        try:
            second = find_cohort(entry.slug)
        except CxrError:
            continue
        name = second.name if second.name != first.name else f"{second.name} (2)"
        if name == grouping.name:
            return entry
    there = ", ".join(repr(entry.title) for entry in others) or "none"
    raise SelectionError(
        f"This server has no second cohort {grouping.name[:60]!r} to test on. Besides this one it "
        f"has: {there}. Choose what is held out above."
    )


@functools.lru_cache(maxsize=4)
def _join(first: Cohort, second: Cohort) -> JoinedCohort:
    return join_cohorts(first, second, store=Store(find_cache()))
