"""The images selected on the map: counted, compared with the rest, shown, saved."""

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cxrlib.cohort import STATE_TITLES, Cohort
from cxrlib.errors import SelectionError
from cxrlib.maps import (
    MOST_IN_ADDRESS,
    ChosenImages,
    chosen_table,
    compare_chosen,
    describe_chosen,
    describe_rows,
    encode_parquet,
    export_map,
    find_rows,
    format_rows,
    read_clicked,
)
from cxrlib.number_text import NOTHING, format_units
from cxrlib.selection import Selection
from cxrlib.summary import Comparison, TableLayout, lay_out_frame
from ui.images.montage import show_montage
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection, load_selected
from ui.session.resources import Current
from ui.trajectories.image_beside import remember_click
from ui.widgets.address import PageAddress
from ui.widgets.choice import choose_part
from ui.widgets.dense_table import show_dense_table
from ui.widgets.figure import CONFIG
from ui.widgets.group_table import lay_out_groups
from ui.widgets.origin import Origin
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.table import show_table
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = [
    "CHART_CONFIG",
    "SELECTION_MODE",
    "find_selected",
    "keep_tool",
    "lay_out_outputs",
    "offer_parquet",
    "remember_selection",
    "show_selection",
]

Mode = Literal["points", "box", "lasso"]
SELECTION_MODE: tuple[Mode, ...] = ("points", "box", "lasso")
"""Of the map's chart, as `st.plotly_chart` takes it."""
CHART_CONFIG: dict[str, Any] = {
    "doubleClick": "autosize",
    "modeBarButtonsToRemove": [
        button
        for button in CONFIG["modeBarButtonsToRemove"]  # type: ignore[attr-defined]
        if button not in ("select2d", "lasso2d")
    ],
}
"""Of the map's chart: with the buttons that other charts go without."""

ROWS = "rows"  # in the address
ADDRESS = PageAddress("map_chosen_written", (ROWS,))
CHOSEN, OF = "map_chosen", "map_chosen_of"  # in the session's state
TOOL = "map_tool"
TYPED, REMARKS = "map_rows_typed", "map_rows_remarks"
PARTS = ("Compare with the rest", "Outputs", "Images", "List")
TALL = 640


COLUMNS = {
    "row": st.column_config.NumberColumn("Row", format="%d"),
    "image_id": "Image",
    "patient_id": "Patient",
    "person_id": "Person",
    "offset": st.column_config.NumberColumn("Day", format="%g"),
    "view": "View",
    "state": "State",
    "state_reasons": "Reasons",
    "in_icu": "In ICU",
    "intubation_present": "Intubated",
    "survival": "Survived",
    "finding": "Finding",
    "region": "Region",
    "country": "Country",
    "source": "Source",
    "license": "Licence",
    "x": st.column_config.NumberColumn("x, map units", format="%.2f"),
    "y": st.column_config.NumberColumn("y, map units", format="%.2f"),
}


# ---- the selection


def remember_selection() -> None:
    """Keep the images lassoed or boxed on the chart "map"; a single click shows an image.

    Give it to the chart as ``on_select``.
    """
    state = st.session_state["map"].selection
    tool = "lasso" if state.lasso else "select" if state.box else ""
    if not tool:
        remember_click()
        return
    st.session_state[TOOL] = tool
    if found := read_clicked(state.points):
        st.session_state[CHOSEN] = found


def keep_tool(figure: go.Figure) -> go.Figure:
    """Keep the lasso active: a figure that changes is drawn anew, without it.

    The bar of tools is vertical: with two more of them it would cover the legend.
    """
    figure.update_layout(modebar_orientation="v")
    if tool := st.session_state.get(TOOL):
        figure.update_layout(dragmode=tool)
    return figure


def find_selected(current: Current) -> tuple[str, ...]:
    """Return the selected images, and keep few of them in the address.

    Call it before the map is drawn, once a run: it reads a link, and reports what is not there.
    """
    _follow_cohort()
    _follow_rows(current)
    chosen: tuple[str, ...] = st.session_state.get(CHOSEN, ())
    if not chosen:
        return ()
    points = current.points
    rows = points.loc[points["image_id"].isin(set(chosen)), "row"]
    is_short = 0 < len(rows) <= MOST_IN_ADDRESS
    ADDRESS.write({ROWS: format_rows(rows.tolist())} if is_short else {})
    return chosen


def _follow_cohort() -> None:
    """Forget the images selected in another cohort."""
    slug = current_entry().slug
    if st.session_state.get(OF, slug) != slug:
        _forget()
    st.session_state[OF] = slug


def _follow_rows(current: Current) -> None:
    """Select the images in the address where a link or the browser's Back has changed it."""
    asked = ADDRESS.read()
    if not ADDRESS.is_new():
        return
    if not asked:
        # Another page leaves the rows out; this one's Back to where none were chosen does too.
        if "map" in st.session_state:
            st.session_state.pop(CHOSEN, None)
            ADDRESS.settle()
        return
    read = find_rows(current.points, asked[ROWS])
    for remark in read.remarks:
        show_alert(remark)
    if read.image_ids:
        st.session_state[CHOSEN] = read.image_ids


def _forget() -> None:
    """Clear the selection; from a button's callback or when the cohort changes."""
    for name in (CHOSEN, TOOL, REMARKS):
        st.session_state.pop(name, None)
    ADDRESS.write({})


# ---- on the page


def show_selection(
    current: Current,
    points: pd.DataFrame,
    image_ids: Sequence[str],
    *,
    provenance: Sequence[str],
    filters: Sequence[str],
) -> None:
    """Show the selected images: counts, comparison with the rest, pictures, files.

    Parameters
    ----------
    current : Current
    points : DataFrame
        The map's points that the filters leave.
    image_ids : sequence of str
        As `find_selected` returns them; without any a line tells how to select some.
    provenance : sequence of str
    filters : sequence of str
        In words.
    """
    if not image_ids:
        _offer_rows(current)
        return
    st.subheader("Selected images", anchor=False)
    try:
        chosen = _compare(current, current_selection(), tuple(image_ids))
    except SelectionError as error:
        show_alert(str(error))
        st.button("Clear selection", key="choose_none", on_click=_forget)
        return
    show_text(describe_chosen(chosen))
    _show_link(current, image_ids)
    choice = _describe_choice(current, chosen, filters)
    origin = Origin([*provenance, choice], f"map-chosen-{date.today().isoformat()}")
    parts = [part for part in PARTS if part != "Outputs" or chosen.outputs is not None]
    part = choose_part("chosen", "Selected images", parts)
    if part == parts[0]:
        shares = replace(lay_out_groups(chosen.shares), notes=chosen.shares.notes)
        _show_table(shares, "shares", origin)
    elif part == "Outputs" and chosen.outputs is not None:
        outputs = lay_out_outputs(chosen.outputs, current.extractor.label)
        _show_table(outputs, "outputs", origin)
    elif part == "Images":
        show_montage(
            _take(current, chosen.image_ids), slug=current_entry().slug, key="chosen_sheet"
        )
    else:
        _show_list(current, chosen, origin)


def _offer_rows(current: Current) -> None:
    """Show how images are selected, and let rows be typed: a lasso needs a mouse."""
    st.text_input(
        "Select images",
        key=TYPED,
        placeholder="by lasso or box on the map, or rows of metadata.csv: 12-15,40",
        on_change=_choose_typed,
        args=(current,),
        width=480,
        help="Compares the selected images with the rest of the map: states, views, regions, "
        "sources, outputs. Lasso and box are in the toolbar at the map's upper right.",
    )
    for remark in st.session_state.get(REMARKS, ()):
        show_alert(remark)


def _choose_typed(current: Current) -> None:
    """Select the rows that were typed."""
    read = find_rows(current.points, str(st.session_state[TYPED]), most=None)
    st.session_state[REMARKS] = read.remarks
    if read.image_ids:
        st.session_state[CHOSEN] = read.image_ids


@functools.lru_cache(maxsize=32)
def _compare(current: Current, selection: Selection, image_ids: tuple[str, ...]) -> ChosenImages:
    """Compare once for all sessions."""
    points = current.points
    if not selection.is_empty:
        kept = load_selected(current.cohort, selection).table["image_id"]
        points = points[points["image_id"].isin(set(kept))]
    return compare_chosen(current.cohort, points, image_ids, current.mapped.embeddings)


@functools.lru_cache(maxsize=16)
def _take(current: Current, image_ids: tuple[str, ...]) -> Cohort:
    """Take the selected images as a cohort, the same one run after run."""
    cohort = current.cohort
    return cohort.select(cohort.table["image_id"].isin(set(image_ids)), "selected on the map")


def _show_link(current: Current, image_ids: Sequence[str]) -> None:
    """Show whether the address holds the selection, and offer to clear it."""
    on_map = sum(current.find_point(image_id) is not None for image_id in image_ids)
    words = (
        "A link to this page includes them."
        if on_map <= MOST_IN_ADDRESS
        else f"{on_map:,} images are too many for a link (maximum {MOST_IN_ADDRESS}). Save the "
        "list instead."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        show_quiet(words)
        st.button("Clear selection", key="choose_none", on_click=_forget, type="tertiary")


def _describe_choice(current: Current, chosen: ChosenImages, filters: Sequence[str]) -> str:
    """Describe the selection in a line of an export."""
    rows = current.points.loc[current.points["image_id"].isin(set(chosen.image_ids)), "row"]
    rest = "the rest of the map" + (" that the filters keep" if filters else "")
    return (
        f"Selected on the map: {format_units(chosen.n_images, 'image')}, "
        f"{describe_rows(rows.tolist())}; compared with {format_units(chosen.n_rest, 'image')}, "
        f"{rest}"
    )


# ---- tables


def _show_table(layout: TableLayout, name: str, origin: Origin) -> None:
    """Show the selected images against the rest."""
    show_dense_table(layout, key=f"chosen_{name}", max_height=TALL, **origin.saved_as(name))


def lay_out_outputs(compared: Comparison, extractor: str) -> TableLayout:
    """Lay out the mean of each output in both groups, and their difference."""
    table = compared.table
    names = ("first", "second", "difference", "low", "high")
    shown = []
    for _, row in table.iterrows():
        digits = _count_digits([float(row[name]) for name in names])
        middle, low, high = (
            _format(float(row[name]), digits, signed=True) for name in ("difference", "low", "high")
        )
        interval = f" ({low} to {high})" if not pd.isna(row["low"]) else f"; {row['reason']}"
        shown.append(
            {
                "title": row["title"],
                "first": _format(float(row["first"]), digits),
                "second": _format(float(row["second"]), digits),
                "difference": f"{middle}{interval}" if middle != NOTHING else row["reason"],
            }
        )
    return lay_out_frame(
        pd.DataFrame(shown, columns=["title", "first", "second", "difference"]),
        title="Outputs",
        unit=f"Mean over images, by {extractor}. Outputs are not probabilities of disease.",
        titles={
            "title": "Output",
            "first": f"{compared.first} ({compared.n_first:,})",
            "second": f"{compared.second} ({compared.n_second:,})",
            "difference": "Difference (95 % interval)",
        },
        right=("first", "second", "difference"),
        notes=compared.notes,
        numbers=table,
    )


def _count_digits(numbers: Sequence[float]) -> int:
    """Count the decimals that three figures of the largest number need."""
    largest = max((abs(number) for number in numbers if math.isfinite(number)), default=0.0)
    return 2 if largest == 0 else min(max(2 - math.floor(math.log10(largest)), 0), 8)


def _format(number: float, digits: int, *, signed: bool = False) -> str:
    if not math.isfinite(number):
        return NOTHING
    text = f"{number:{'+' if signed else ''}.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def _show_list(current: Current, chosen: ChosenImages, origin: Origin) -> None:
    table = chosen_table(current.points, chosen.image_ids)
    show_table(
        table.assign(state=table["state"].map(STATE_TITLES)),
        key="chosen_list",
        numbers=table,
        provenance=origin.provenance,
        file_stem=origin.stem,
        placeholder="–",
        column_config=COLUMNS,
    )
    parquet = offer_parquet(current, chosen.image_ids, origin.provenance)
    offer_saving(parquet, key="chosen_parquet")


def offer_parquet(
    current: Current, image_ids: Sequence[str] | None, provenance: Sequence[str]
) -> Saving:
    """Offer images of the map with their neighbours for FiftyOne and Embedding Atlas.

    Parameters
    ----------
    image_ids : sequence of str, optional
        By default all on the map.
    """
    return Saving(
        "For FiftyOne, Embedding Atlas (Parquet)",
        f"map-{date.today().isoformat()}.parquet",
        "application/vnd.apache.parquet",
        lambda: encode_parquet(export_map(current.mapped, image_ids), provenance),
    )
