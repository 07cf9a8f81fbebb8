"""What the place costs a run, and what each change from the published protocol does to it."""

import functools
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import load_shift, walk_protocol
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import describe_score_steps, describe_shift, plot_score_steps, plot_shift
from cxrlib.cohort import CohortEntry
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from ui.baselines.run_button import make_request
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.chart import show_chart
from ui.widgets.text import show_quiet, show_text

__all__ = ["show_shift", "show_walk"]


def show_shift(entry: CohortEntry, run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Compare models from outside and from inside each group on the same images: a job."""
    show_text(
        "Is it the place, or the number of examples? The same test images are predicted by models "
        "trained outside and inside the group, from equally many images of each class."
    )
    if run.result.features.kind == "pixels":
        show_quiet("Not offered for pixels: hundreds of networks would take hours.")
        return
    store = Store(find_cache())
    shift = load_shift(run.result.rows, run.result.features, run.spec.settings, store)
    if shift is None:
        offer_job(
            make_request("shift", entry, run.spec),
            label=f"The shift alone: {run.spec.task.title}, {run.spec.features}",
            button="Compare models from outside and inside",
        )
        return
    hold_out = run.spec.settings.hold_out
    show_chart(
        partial(plot_shift, shift.table, shift.repeats, hold_out=hold_out),
        key="shift",
        alt=describe_shift(shift.table, hold_out=hold_out),
        heading=f"What it costs to come from another {hold_out}",
        caption="Share of pairs, tested together, that are ranked rightly: inside less outside. "
        "Thin marks: repeats with other draws of training images. Intervals: 95 %, resamples of "
        "the tested persons, models as they are.",
        numbers=shift.table,
        provenance=provenance,
        stem=stem,
    )


@functools.lru_cache(maxsize=16)
def _walk(run: Run, metric: str) -> pd.DataFrame:
    return walk_protocol(run.result.rows, run.result.features, run.spec.settings, metric)


def show_walk(run: Run, metric: str, *, provenance: Sequence[str], stem: str) -> None:
    """Show how the number changes from the published protocol to the corrected one."""
    try:
        with st.spinner("Evaluating once a change …"):
            table = _walk(run, metric)
    except SelectionError as error:
        show_quiet(str(error))
        return
    hold_out = run.spec.settings.hold_out
    show_chart(
        partial(plot_score_steps, table, hold_out=hold_out),
        key="walk",
        alt=describe_score_steps(table, hold_out=hold_out),
        heading="From the published to the corrected number",
        caption="Each step is a whole evaluation with one more change. The order is fixed; another "
        "would share the changes out differently. Intervals: 95 %, resamples of persons.",
        numbers=table,
        provenance=provenance,
        stem=stem,
    )
