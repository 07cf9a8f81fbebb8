"""What a task without images lacks in a cohort, and buttons for what can be done about it."""

from collections.abc import Iterator
from dataclasses import replace

import streamlit as st

from cxrlib.baselines.runs import RunSpec
from cxrlib.cohort import Cohort
from ui.baselines.controls import ask
from ui.widgets.lack import show_lack

__all__ = ["offer_ways_on"]

PLACES = ("region", "sub-region", "country")
PERSONS = "persons:5"
#: Columns behind labels that have no column of the form of their own name.
READ_OFF = {"covid-19": "finding", "viral": "finding"}


def offer_ways_on(cohort: Cohort, spec: RunSpec) -> None:
    """Show which columns a task or what it holds out lacks, and offer to do without."""
    task, hold_out = spec.task, spec.settings.hold_out
    needed = [READ_OFF.get(task.column, task.column), "view"]
    needed += ["finding"] * task.needs_finding + ["offset"] * task.has_window
    needed += ["location"] * (hold_out in PLACES)
    for column in dict.fromkeys(needed):
        show_lack(cohort, column)
    with st.container(horizontal=True, gap="small"):
        for label, wider in _list_ways(cohort, spec):
            st.button(label, key=f"way_{label}", on_click=ask, args=(wider,))


def _list_ways(cohort: Cohort, spec: RunSpec) -> Iterator[tuple[str, RunSpec]]:
    """Give what would do without a lacking column, as a button's words and the changed run."""
    task, lacking = spec.task, cohort.lacking
    if task.has_window and "offset" in lacking:
        any_day = replace(task, after=None, before=None, with_day_0=False)
        yield "Use images of any day", replace(spec, task=any_day)
    if task.needs_finding and "finding" in lacking:
        yield (
            "Use images without a diagnosis",
            replace(spec, task=replace(task, needs_finding=False)),
        )
    if spec.settings.hold_out in PLACES and "location" in lacking:
        persons = replace(spec.settings, hold_out=PERSONS)
        yield "Hold out parts of the persons", replace(spec, settings=persons)
