"""Two images of a patient side by side: which they are, what tells them apart, their record."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.display import explain_misfit
from cxrlib.errors import CxrError
from cxrlib.patients import (
    SIDES,
    Pair,
    PairFacts,
    choose_pair,
    compare_pair,
    describe_pair,
    name_sides,
)
from ui.images.image_panel import list_facts, write_facts
from ui.images.pictures import describe_day, make_picture
from ui.images.viewer import Picture, show_viewer
from ui.patients.choice import SWAP, forget_pair, name_turn, set_pair, swap_pair
from ui.session.current_cohort import current_entry
from ui.widgets.text import show_alert, show_heading, show_quiet, show_text

__all__ = ["name_images", "show_pair"]

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
    sides = name_sides(rows, pair)
    show_heading(_name_comparison(pair, sides))
    if pair.current is None:
        show_alert(f"Nothing to show: {pair.words}.")
        return
    if len(rows) > 1:
        show_quiet("Click an image above, or choose below, by key too: Tab, then arrows and Enter.")
    _choose_images(rows, pair, sides)
    shown = pair.image_ids
    ids = rows["image_id"].tolist()
    records = {name: rows.iloc[ids.index(name)] for name in shown}
    facts = compare_pair(rows, pair.prior, pair.current) if pair.prior is not None else None
    if facts is None:
        show_quiet(f"{pair.words[0].upper()}{pair.words[1:]}.")
    else:
        _show_comparison(facts)
    own_sides = sides[-len(shown) :]
    pictures = _make_pictures(cohort, [records[name] for name in shown], own_sides)
    if pictures:
        show_viewer(pictures, key="pair_viewer", height=HEIGHT)
    columns = st.columns(len(shown), gap="medium")
    for column, name, side in zip(columns, shown, own_sides, strict=True):
        with column:
            _show_record(cohort, records[name], side)


def _name_comparison(pair: Pair, sides: tuple[str, str]) -> str:
    """Name what follows: only what is known to be earlier is called a prior."""
    if pair.prior is None:
        return "One image"
    return "Compared with a prior" if sides == SIDES else "Two images side by side"


def _choose_images(rows: pd.DataFrame, pair: Pair, sides: tuple[str, str]) -> None:
    """Let the reader choose the two images, swap them, or take the default pair again."""
    names, patient_id = name_images(rows), str(rows["patient_id"].iloc[0])
    ids = list(names)
    left, right = (side.capitalize() for side in sides)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choose_one(left, "left", [None, *ids], pair.prior, pair, names, patient_id)
        _choose_one(right, "right", ids, pair.current, pair, names, patient_id)
        st.button(
            "Swap",
            key=SWAP,
            icon=":material/swap_horiz:",
            on_click=swap_pair,
            args=(pair,),
            disabled=pair.prior is None,
        )
        if pair.rule == "chosen":
            st.button(_name_default(rows), key="default_pair", on_click=forget_pair)


def _name_default(rows: pd.DataFrame) -> str:
    """Name the button that leads back to the pair a patient opens on."""
    default = choose_pair(rows)
    has_prior = default.prior is not None and name_sides(rows, default) == SIDES
    return "Latest with its prior" if has_prior else "As opened"


def _choose_one(
    label: str,
    side: str,
    options: Sequence[str | None],
    chosen: str | None,
    pair: Pair,
    names: dict[str, str],
    patient_id: str,
) -> None:
    """Let the reader choose one of the two images."""
    # Another pair, from a click or a link, is another widget.
    key = name_turn(f"pair_{side}", patient_id, pair)

    def take() -> None:
        picked = st.session_state[key]
        if side == "left":
            set_pair(str(pair.current), picked)
        else:
            set_pair(str(picked), None if pair.prior == picked else pair.prior)

    offered = [each for each in options if side == "right" or each != pair.current]
    st.selectbox(
        label,
        offered,
        index=offered.index(chosen),
        format_func=lambda name: NO_IMAGE if name is None else names[name],
        key=key,
        on_change=take,
        width=225,
    )


def name_images(rows: pd.DataFrame) -> dict[str, str]:
    """Name a patient's images: day, view, and which of several of that day and view.

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
        f"{describe_day(day).capitalize()}, {'view –' if pd.isna(view) else view}"
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


def _show_comparison(facts: PairFacts) -> None:
    """Say what tells the two apart; what spoils the comparison stands in a banner."""
    if facts.banner:
        show_alert(" ".join(facts.banner))
    show_text(describe_pair(facts))


def _name_image(record: pd.Series, side: str) -> str:
    view = "view not recorded" if pd.isna(record["view"]) else record["view"]
    return f"{side}: {describe_day(record['offset'])}, {view}"


def _make_pictures(cohort: Cohort, records: list[pd.Series], sides: Sequence[str]) -> list[Picture]:
    """Make the pictures; one that cannot be shown is named in its place."""
    pictures = []
    for record, side in zip(records, sides, strict=True):
        try:
            pictures.append(
                make_picture(
                    cohort,
                    current_entry().slug,
                    record,
                    caption=_name_image(record, side),
                )
            )
        except CxrError as error:
            show_alert(str(error))
    return pictures


def _show_record(cohort: Cohort, record: pd.Series, side: str) -> None:
    """Show what is recorded of one image: state, source and licence among it."""
    words = _name_image(record, side)
    show_quiet(f"{words[:1].upper()}{words[1:]}")
    if record["file_status"] == "ok" and (
        misfit := explain_misfit(cohort, str(record["image_id"]))
    ):
        show_quiet(misfit)
    st.html(write_facts(list_facts(record), links=not cohort.is_synthetic))
