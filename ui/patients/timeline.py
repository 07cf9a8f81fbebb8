"""The timeline on the patients page: thumbnails at their day; a click shows one in the viewer."""

from collections.abc import Collection
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
    find_sides,
    lab_table,
    lay_out_timeline,
    timeline_table,
)
from cxrlib.reports import describe_pictures, pictures_for_export, placeholders
from cxrlib.storage import Store
from ui.images.image_route import image_url
from ui.patients.choice import choose_image, make_turn_key
from ui.session.current_cohort import current_entry
from ui.session.resources import find_cache
from ui.widgets.figure import show_figure
from ui.widgets.origin import Origin
from ui.widgets.table import show_table

__all__ = ["show_timeline"]

KEY = "timeline"
CAPTION = (
    "Each image at its recorded day. ICU and intubation are recorded per image, not as periods."
)


def show_timeline(
    cohort: Cohort, rows: pd.DataFrame, pair: Pair, *, kept: Collection[str], origin: Origin
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
    origin : Origin
    """
    # Another pair is another chart: a mark clicked before can be clicked again.
    key = make_turn_key(KEY, str(rows["patient_id"].iloc[0]), pair)
    slug, theme = current_entry().slug, st.context.theme.type or "light"

    timeline = lay_out_timeline(rows, kept=kept, chosen=pair.image_ids)
    readable = rows.loc[rows["file_status"] == "ok", "image_id"]
    addresses = {image_id: image_url(slug, image_id, "thumb") for image_id in readable}

    draw = partial(plot_timeline, timeline, selected=pair.image_ids, badges=find_sides(rows, pair))

    def draw_for_paper(*, theme: Theme = "light") -> go.Figure:
        pictures = pictures_for_export(cohort, Store(find_cache()), rows)
        left_out = placeholders(cohort, rows, pictures)
        return draw(theme=theme, pictures=pictures, left_out=left_out)

    def remember_click() -> None:
        chosen = st.session_state[key].selection.points
        custom = chosen[0].get("customdata") if chosen else None
        image_id = custom[0] if isinstance(custom, list | tuple) and custom else custom
        if isinstance(image_id, str) and image_id in set(rows["image_id"]):
            choose_image(rows, image_id)

    show_figure(
        draw(theme=theme, pictures=addresses),
        key=key,
        alt=describe_timeline(timeline),
        numbers=partial(timeline_table, timeline),
        caption=CAPTION,
        **origin.saved_as(
            "timeline", f"Patient: {timeline.patient_id}", *describe_pictures(cohort, rows)
        ),
        heading=f"Patient {timeline.patient_id}: images by day",
        draw=draw_for_paper,
        on_select=remember_click,
        selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False},
        is_wide=True,
    )
    _show_values(rows, origin)


def _show_values(rows: pd.DataFrame, origin: Origin) -> None:
    """Show laboratory values by day, where there are any."""
    values = lab_table(rows)
    if values.empty:
        return
    with st.expander("Laboratory values by day, as recorded"):
        show_table(values, key="laboratory", **origin.saved_as("values"))
