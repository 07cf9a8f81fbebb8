"""A run beside the same under stricter assumptions."""

import pandas as pd

from cxrlib.baselines.evaluation import format_metric, format_score, is_number, read_reason
from cxrlib.number_text import NOTHING
from ui.baselines.cached import load_sensitivity
from ui.baselines.run_view import RunView
from ui.widgets.details import show_details
from ui.widgets.table import show_table
from ui.widgets.text import show_text

__all__ = ["show_sensitivity"]

DETAILS = (
    "The verdict at the top is that of the strictest check with an interval.",
    "Bootstrap over patients: other patients of the same groups and sources. Bootstrap over "
    "sources: other sources. Prediction: another group of the kind that was held out.",
    "Patients of one source resemble each other, so a run counts on more than it has where few "
    "sources stand behind many patients.",
)


def show_sensitivity(view: RunView) -> None:
    """Show what the score becomes when its assumptions are made stricter."""
    table = load_sensitivity(view.run, view.metric)
    show_text("Does the answer hold under stricter assumptions? Each line changes one of them.")
    if table.empty:
        show_text("There is no score over all groups to check.")
        return
    rows = [
        {
            "check": cells["title"],
            format_metric(str(cells["metric"])): format_score(float(cells["value"])),
            "95 % interval": f"{format_score(cells['low'])} to {format_score(cells['high'])}"
            if is_number(cells["low"])
            else NOTHING,
            "images": int(cells["n_images"]) if is_number(cells["n_images"]) else None,
            "persons": int(cells["n_persons"]) if is_number(cells["n_persons"]) else None,
            "reason": read_reason(cells),
        }
        for cells in table.to_dict("records")
    ]
    show_table(
        pd.DataFrame(rows),
        key="baseline_sensitivity",
        numbers=table,
        **view.saved_as("sensitivity"),
    )
    show_details("", DETAILS)
