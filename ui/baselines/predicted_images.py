"""The test images of a run, sorted by error, each with its patient and its place on the map."""

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import format_score, rank_images
from cxrlib.baselines.runs import Run
from cxrlib.cohort import JoinedCohort
from cxrlib.errors import SelectionError
from cxrlib.number_text import NOTHING, format_units
from ui.baselines.controls import ALL_GROUPS
from ui.baselines.run_view import RunView
from ui.baselines.second_cohort import find_tested_entry
from ui.images.image_panel import show_image_panel
from ui.widgets.choice import choose_one
from ui.widgets.details import show_details
from ui.widgets.page_link import show_page_link
from ui.widgets.table import show_table
from ui.widgets.text import show_alert

__all__ = ["show_image_list", "show_test_images"]

# What is compared comes first: names of files are long.
TITLES = {
    "fold": "held out",
    "patient_id": "patient",
    "offset": "day",
    "view": "view",
    "label": "recorded",
    "predicted": "predicted",
    "error": "error",
    "source": "source",
    "image_id": "image",
}


def show_test_images(view: RunView) -> None:
    """Show the test images of a held-out group, largest errors first; one opens beside them."""
    run = view.run
    folds = [ALL_GROUPS, *run.folds["fold"]]
    fold = choose_one("fold", "Test images of", folds, is_menu=True, width=340)
    try:
        table = rank_images(run.result, None if fold == ALL_GROUPS else fold)
    except SelectionError as error:
        show_alert(str(error))
        return
    caption = (
        f"{format_units(len(table), 'test image')}, largest errors first. "
        "Select a row to see the image."
    )
    show_image_list(view, table, name="images", caption=caption, details=_describe_columns(run))


def show_image_list(
    view: RunView, table: pd.DataFrame, *, name: str, caption: str, details: str
) -> None:
    """Show a list of test images; the one that is selected opens beside it.

    Parameters
    ----------
    view : RunView
    table : DataFrame
        With the columns of `cxrlib.baselines.evaluation.rank_images`, a row at least.
    name : str
        Of the list, for its file.
    caption, details : str
    """
    run = view.run
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chosen = show_table(
            _lay_out(table),
            key=f"baseline_{name}_{run.id[:1]}",
            numbers=table,
            selection_mode="single-row",
            on_select="rerun",
            height=420,
            **view.saved_as(name),
        )
        show_details(caption, [details])
    rows = chosen["selection"]["rows"]
    place = rows[0] if rows and rows[0] < len(table) else 0
    with right:
        _show_image(run, str(table["image_id"].iloc[place]))


def _lay_out(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.copy()
    shown["offset"] = [
        NOTHING if pd.isna(day) else f"day {day:g}" for day in table["offset"].astype(float)
    ]
    for name in ("predicted", "error"):
        shown[name] = table[name].map(format_score)
    return shown[list(TITLES)].rename(columns=TITLES)


def _describe_columns(run: Run) -> str:
    task = run.spec.task
    if task.kind == "number":
        return f"Recorded and predicted values are in {task.unit or 'the unit of the score'}."
    return (
        f"“Predicted” is the model's uncalibrated output for {task.positive!r}, not a probability "
        "of disease. An error above 0.5 means that the predicted class is wrong."
    )


def _show_image(run: Run, image_id: str) -> None:
    """Show an image with its record, and the way to its place on the map."""
    cohort = run.result.rows.cohort
    if isinstance(cohort, JoinedCohort):
        _show_second(cohort, run.spec.settings.hold_out, image_id)
        return
    row = cohort.table[cohort.table["image_id"] == image_id].iloc[0]

    def above() -> None:
        show_page_link(
            "trajectories",
            "Show on the map",
            asked={"patient": str(row["patient_id"]), "image": image_id},
            icon=":material/timeline:",
        )

    show_image_panel(cohort, row, above=above)


def _show_second(cohort: JoinedCohort, hold_out: str, image_id: str) -> None:
    """Show an image of the second cohort, as that has it; its map is another."""
    entry, second = find_tested_entry(cohort, hold_out), cohort.parts[1]
    if entry is None or image_id not in cohort.second_ids:
        return
    own = second.table["image_id"] == cohort.second_ids[image_id]
    show_image_panel(second, second.table[own].iloc[0], slug=entry.slug)
