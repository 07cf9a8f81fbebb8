"""The timeline on the patients page: thumbnails at their day, a click puts one into the viewer."""

from collections.abc import Collection, Sequence
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cxrlib.charts.patients import plot_timeline
from cxrlib.charts.style import Theme
from cxrlib.cohort import Cohort
from cxrlib.patients import (
    Pair,
    describe_timeline,
    lab_table,
    lay_out_timeline,
    name_sides,
    timeline_table,
)
from cxrlib.reports import pictures_for_export, placeholders, tell_pictures
from cxrlib.storage import Store
from ui.images.image_route import image_url
from ui.patients.choice import choose_image, name_turn
from ui.session.current_cohort import current_entry
from ui.session.resources import find_cache
from ui.widgets.figure import show_figure
from ui.widgets.table import show_table

__all__ = ["show_timeline"]

KEY = "timeline"


def show_timeline(
    cohort: Cohort,
    rows: pd.DataFrame,
    pair: Pair,
    *,
    kept: Collection[str],
    provenance: Sequence[str],
    stem: str,
) -> None:
    """Show a patient's images along days.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        The patient's X-rays.
    pair : Pair
        The two images in the viewer.
    kept : collection of str
        Images of the current selection; others are faint.
    provenance : sequence of str
    stem : str
        Of the files' names.
    """
    # Another pair is another chart: a mark clicked before can be clicked again.
    key = name_turn(KEY, str(rows["patient_id"].iloc[0]), pair)
    slug, theme = current_entry().slug, st.context.theme.type or "light"
    badges = name_sides(rows, pair)
    timeline = lay_out_timeline(rows, kept=kept, chosen=pair.image_ids)
    readable = rows.loc[rows["file_status"] == "ok", "image_id"]
    addresses = {image_id: image_url(slug, image_id, "thumb") for image_id in readable}

    def draw_for_paper(*, theme: Theme = "light") -> go.Figure:
        pictures = pictures_for_export(cohort, Store(find_cache()), rows)
        return plot_timeline(
            timeline,
            theme=theme,
            pictures=pictures,
            left_out=placeholders(cohort, rows, pictures),
            selected=pair.image_ids,
            badges=badges,
        )

    def remember_click() -> None:
        chosen = st.session_state[key].selection.points
        custom = chosen[0].get("customdata") if chosen else None
        image_id = custom[0] if isinstance(custom, list | tuple) and custom else custom
        if isinstance(image_id, str) and image_id in set(rows["image_id"]):
            choose_image(rows, image_id)

    show_figure(
        plot_timeline(
            timeline,
            theme=theme,
            pictures=addresses,
            selected=pair.image_ids,
            badges=badges,
        ),
        key=key,
        alt=describe_timeline(timeline),
        numbers=partial(timeline_table, timeline),
        caption=describe_picture(timeline.clock),
        provenance=[
            *provenance,
            f"Patient: {timeline.patient_id}",
            *tell_pictures(cohort, rows),
        ],
        file_stem=f"{stem}-timeline",
        heading=f"Patient {timeline.patient_id}: images by day",
        draw=draw_for_paper,
        on_select=remember_click,
        selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False},
        is_wide=True,
    )
    _show_values(rows, provenance=provenance, stem=stem)


def describe_picture(clock: str) -> str:
    """Say how to read the timeline, and how not; without a day there is no day 0."""
    zero = f"; day 0 is {clock}" if clock else ""
    return (
        f"Each image at its day{zero}. In the ICU and tube in place are recorded per "
        "image: points, never periods."
    )


def _show_values(rows: pd.DataFrame, *, provenance: Sequence[str], stem: str) -> None:
    """Show laboratory values by day, where there are any."""
    values = lab_table(rows)
    if values.empty:
        return
    with st.expander("Laboratory values by day, as recorded"):
        show_table(values, key="laboratory", provenance=provenance, file_stem=f"{stem}-values")
