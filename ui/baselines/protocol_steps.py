"""How each change from the published to the corrected protocol moves the score of a run."""

import functools
from functools import partial

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import walk_protocol
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import describe_protocol_steps, plot_protocol_steps
from cxrlib.errors import SelectionError
from ui.baselines.run_view import RunView, show_details
from ui.widgets.chart import show_chart
from ui.widgets.text import show_quiet

__all__ = ["show_protocol_steps"]


@functools.lru_cache(maxsize=16)
def _load_steps(run: Run, metric: str) -> pd.DataFrame:
    return walk_protocol(run.result.rows, run.result.features, run.spec.settings, metric)


def show_protocol_steps(view: RunView) -> None:
    """Show how the score changes from the published protocol to the corrected one."""
    try:
        with st.spinner("Evaluating each step …"):
            table = _load_steps(view.run, view.metric)
    except SelectionError as error:
        show_quiet(str(error))
        return
    show_chart(
        partial(plot_protocol_steps, table, hold_out=view.hold_out),
        key="walk",
        alt=describe_protocol_steps(table, hold_out=view.hold_out),
        heading="From the published to the corrected score",
        caption="Each step adds one change and evaluates again. "
        "95 % intervals, bootstrap over patients.",
        numbers=table,
        provenance=view.provenance,
        stem=view.stem,
    )
    show_details("The order of the steps is fixed. In another order the changes would differ.")
