"""Two images of a patient side by side: which they are, how they differ, their record."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.display import describe_misfit
from cxrlib.errors import CxrError
from cxrlib.patients import (
    SIDES,
    Pair,
    choose_pair,
    compare_pair,
    describe_pair,
    find_sides,
)
from ui.images.image_panel import format_facts, list_facts
from ui.images.pictures import describe_day, make_picture
from ui.images.viewer import Picture, show_viewer
from ui.patients.choice import SWAP, forget_pair, make_turn_key, set_pair, swap_pair
from ui.session.current_cohort import current_entry
from ui.widgets.text import show_alert, show_heading, show_quiet, show_text

__all__ = ["list_image_names", "show_pair"]

HEIGHT = 520  # of the black surround, pixels
NO_IMAGE = "no image"


def show_pair(cohort: Cohort, rows: pd.DataFrame, pair: Pair) -> None:
    """Show the viewer with the choice of its two images.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        The patient's X-rays.
    pair : Pair
    """
    sides = find_sides(rows, pair)
    if pair.prior is None:
        show_heading("One image")
    else:
        show_heading("Compared with a prior" if sides == SIDES else "Two images side by side")
    if pair.current is None:
        show_alert("No image of this patient has a readable file.")
        return
    if len(rows) > 1:
        show_quiet("Click an image above, or choose images below.")
    _choose_images(rows, pair, sides)
    shown = pair.image_ids
    ids = rows["image_id"].tolist()
    records = {name: rows.iloc[ids.index(name)] for name in shown}
    facts = compare_pair(rows, pair.prior, pair.current) if pair.prior is not None else None
    if facts is not None:
        if facts.banner:
            show_alert(" ".join(facts.banner))
        show_text(describe_pair(facts))
    elif pair.rule == "one image":
        show_quiet("No other image of this patient has a readable file.")
    own_sides = sides[-len(shown) :]
    pictures = _make_pictures(cohort, [records[name] for name in shown], own_sides)
    if pictures:
        show_viewer(pictures, key="pair_viewer", height=HEIGHT)
    columns = st.columns(len(shown), gap="medium")
    for column, name, side in zip(columns, shown, own_sides, strict=True):
        with column:
            _show_record(cohort, records[name], side)


def _choose_images(rows: pd.DataFrame, pair: Pair, sides: tuple[str, str]) -> None:
    """Let the reader choose the two images, swap them, or take the default pair again."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for side, label in zip(("left", "right"), sides, strict=True):
            _choose_one(rows, pair, side, label.capitalize())
        st.button(
            "Swap images",
            key=SWAP,
            icon=":material/swap_horiz:",
            on_click=swap_pair,
            args=(pair,),
            disabled=pair.prior is None,
        )
        if pair.rule == "chosen":
            st.button(_label_default(rows), key="default_pair", on_click=forget_pair)


def _label_default(rows: pd.DataFrame) -> str:
    """Label the button that leads back to the pair a patient opens on."""
    default = choose_pair(rows)
    has_prior = default.prior is not None and find_sides(rows, default) == SIDES
    return "Back to the latest pair" if has_prior else "Back to the first pair"


def _choose_one(rows: pd.DataFrame, pair: Pair, side: str, label: str) -> None:
    """Let the reader choose one of the two images."""
    # Another pair, from a click or a link, is another widget.
    key = make_turn_key(f"pair_{side}", str(rows["patient_id"].iloc[0]), pair)
    names = list_image_names(rows)
    offered: list[str | None] = list(names)
    if side == "left":
        offered = [None, *(each for each in offered if each != pair.current)]

    def take() -> None:
        picked = st.session_state[key]
        if side == "left":
            set_pair(str(pair.current), picked)
        else:
            set_pair(str(picked), None if pair.prior == picked else pair.prior)

    st.selectbox(
        label,
        offered,
        index=offered.index(pair.prior if side == "left" else pair.current),
        format_func=lambda name: NO_IMAGE if name is None else names[name],
        key=key,
        on_change=take,
        width=225,
    )


def list_image_names(rows: pd.DataFrame) -> dict[str, str]:
    """List the names of a patient's images: day, view, and which of several of that day and view.

    Parameters
    ----------
    rows : DataFrame
        The patient's X-rays, in the order of the record.

    Returns
    -------
    dict of str to str
        By image id, in that order.
    """
    words = [
        f"{describe_day(day).capitalize()}, {'view not recorded' if pd.isna(view) else view}"
        for day, view in zip(rows["offset"], rows["view"], strict=True)
    ]
    names: dict[str, str] = {}
    places: Counter[str] = Counter()
    totals = Counter(words)
    for image_id, status, word in zip(rows["image_id"], rows["file_status"], words, strict=True):
        places[word] += 1
        which = f" ({places[word]} of {totals[word]})" if totals[word] > 1 else ""
        names[str(image_id)] = word + which + ("" if status == "ok" else ": no readable file")
    return names


def _label_image(record: pd.Series, side: str) -> str:
    view = "view not recorded" if pd.isna(record["view"]) else record["view"]
    return f"{side}: {describe_day(record['offset'])}, {view}"


def _make_pictures(cohort: Cohort, records: list[pd.Series], sides: Sequence[str]) -> list[Picture]:
    """Make the pictures; one that cannot be shown is named in its place."""
    pictures = []
    for record, side in zip(records, sides, strict=True):
        try:
            caption = _label_image(record, side)
            pictures.append(make_picture(cohort, current_entry().slug, record, caption=caption))
        except CxrError as error:
            show_alert(str(error))
    return pictures


def _show_record(cohort: Cohort, record: pd.Series, side: str) -> None:
    """Show what is recorded of one image: state, source and licence among it."""
    words = _label_image(record, side)
    show_quiet(f"{words[:1].upper()}{words[1:]}")
    if record["file_status"] == "ok" and (
        misfit := describe_misfit(cohort, str(record["image_id"]))
    ):
        show_quiet(misfit)
    st.html(format_facts(list_facts(record), links=not cohort.is_synthetic))
