"""The images behind a score: sorted by error, each with its patient and its place on the map."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import rank_images, write_score
from cxrlib.baselines.runs import Run
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.number_text import NOTHING, name_units
from ui.baselines.controls import ALL_GROUPS
from ui.images.image_panel import show_image_panel
from ui.widgets.choice import choose_one
from ui.widgets.page_link import show_page_link
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_quiet

__all__ = ["show_images"]

TITLES = {
    "image_id": "image",
    "patient_id": "patient",
    "fold": "held out",
    "offset": "day",
    "label": "recorded",
    "predicted": "predicted",
}


def show_images(cohort: Cohort, run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show the test images of a held-out group, the furthest off first; one opens beside them."""
    folds = [ALL_GROUPS, *run.folds["fold"]]
    fold = choose_one("fold", "Test images of", folds, is_menu=True, width=340)
    try:
        table = rank_images(run.result, None if fold == ALL_GROUPS else fold)
    except SelectionError as error:
        show_alert(str(error))
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chosen = show_table(
            _write(table),
            key=f"baseline_images_{run.id[:1]}",
            provenance=provenance,
            file_stem=f"{stem}-images",
            numbers=table,
            selection_mode="single-row",
            on_select="rerun",
            height=420,
        )
        show_quiet(_explain(run, table))
    rows = chosen["selection"]["rows"]
    place = rows[0] if rows and rows[0] < len(table) else 0
    with right:
        _show_image(cohort, str(table["image_id"].iloc[place]))


def _write(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.copy()
    shown["offset"] = [
        NOTHING if pd.isna(day) else f"day {day:g}" for day in table["offset"].astype(float)
    ]
    for name in ("predicted", "error"):
        shown[name] = table[name].map(write_score)
    # What is compared stands first: names of files are long.
    order = ["fold", "patient_id", "offset", "view", "label", "predicted", "error", "source"]
    return shown[[*order, "image_id"]].rename(columns=TITLES)


def _explain(run: Run, table: pd.DataFrame) -> str:
    count = f"{name_units(len(table), 'test image')}, the furthest off first. "
    if run.spec.task.kind == "number":
        return count + f"Recorded and predicted in {run.spec.task.unit or 'the unit of the score'}."
    return count + (
        f"Predicted: the model's share for {run.spec.task.positive!r}, which nothing calibrates: "
        "never a probability of disease. Over an error of 0.5 the predicted class is wrong."
    )


def _show_image(cohort: Cohort, image_id: str) -> None:
    """Show an image with its record, and the way to its place on the map."""
    row = cohort.table[cohort.table["image_id"] == image_id].iloc[0]

    def above() -> None:
        show_page_link(
            "trajectories",
            "Show on the map",
            asked={"patient": str(row["patient_id"]), "image": image_id},
            icon=":material/timeline:",
        )

    show_image_panel(cohort, row, above=above)
