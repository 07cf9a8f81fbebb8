"""Whom the patients page shows, and which two images: chosen, linked to, or the default."""

from collections.abc import Callable, Container
from dataclasses import replace

import pandas as pd
import streamlit as st

from cxrlib.patients import Pair, choose_pair, pair_image
from ui.session.shown_patient import PARAMETERS, Shown, make_pair_parameters
from ui.widgets.address import PageAddress, report_unknown

__all__ = [
    "choose_image",
    "choose_patient",
    "find_pair",
    "find_shown",
    "forget_pair",
    "make_turn_key",
    "swap_pair",
    "update_address",
]

SHOWN = "shown_patient"  # in the session's state
LEFT = "left_patient"  # in the session's state: what a switch of cohort left in the address
TURN = "pair_turn"  # in the session's state: the last pair, and its number
N_TURNS = 8  # what an earlier one held is forgotten before its name comes again
ADDRESS = PageAddress("written_patient", PARAMETERS)
SWAP = "swap_pair"  # key of a button that this page always shows


def find_shown(
    slug: str, table: pd.DataFrame, patients: Container[str], choose_opening: Callable[[], str]
) -> Shown:
    """Return what to show: what a link or the browser's Back asks for, else what was shown last.

    Parameters
    ----------
    slug : str
        Of the cohort in use.
    table : DataFrame
        Of the cohort. An address that names an image and no patient asks for the image's.
    patients : container of str
        Ids of the cohort.
    choose_opening : callable
        Chooses the patient to open on; called only where nothing else says whom to show.
    """
    kept = st.session_state.get(SHOWN)
    asked = ADDRESS.read()
    patient_id = asked.get("patient") or _find_owner(table, asked.get("image"))
    # An address that this page wrote says nothing new, or is of the cohort that was shown before.
    is_left = st.session_state.get(LEFT) == (slug, asked)
    if ADDRESS.is_new() and not is_left and patient_id in patients:
        return Shown(slug, str(patient_id), asked.get("image"), asked.get("prior"))
    if not isinstance(kept, Shown) or kept.slug != slug or kept.patient_id not in patients:
        # The browser has put the new cohort beside the other one's patient: Back leads there.
        st.session_state[LEFT] = (slug, asked)
        return Shown(slug, choose_opening())
    return kept


def _find_owner(table: pd.DataFrame, image_id: str | None) -> str | None:
    """Find the patient of an X-ray."""
    if image_id is None:
        return None
    own = table.loc[table["is_xray"] & (table["image_id"] == image_id), "patient_id"]
    return None if own.empty else str(own.iloc[0])


def report_patient(patients: Container[str]) -> None:
    """Report that the address asks for a patient whom the cohort does not have."""
    report_unknown("patient", patients.__contains__, most=1)


def update_address(shown: Shown) -> None:
    """Keep what is shown in the address, and in the session for when the reader comes back."""
    st.session_state[SHOWN] = shown
    pair = make_pair_parameters(shown)
    if st.session_state.get(LEFT) == (shown.slug, {"patient": shown.patient_id, **pair}):
        del st.session_state[LEFT]  # chosen in this cohort too
    # A link by an image names the patient too; Back would stop at it on the way back.
    if ADDRESS.read() == pair != {} or _is_way_back():
        ADDRESS.settle()
    else:
        ADDRESS.write({"patient": shown.patient_id, **pair})


def _is_way_back() -> bool:
    """Tell whether the browser's Back has led to the address the page was opened with.

    That names nobody. Written to, it would lead forward again, and Back never further. Where
    the reader comes from another page, Streamlit has forgotten the button.
    """
    names_nobody = not {"patient", "image"} & ADDRESS.read().keys()
    return ADDRESS.is_new() and names_nobody and SWAP in st.session_state


def choose_patient(shown: Shown, patient_id: str) -> Shown:
    """Turn to another patient, and to that patient's default pair."""
    return shown if patient_id == shown.patient_id else Shown(shown.slug, patient_id)


def find_pair(shown: Shown, rows: pd.DataFrame) -> tuple[Shown, Pair]:
    """Find the two images to put side by side; report an image of the address that is none of them.

    Parameters
    ----------
    shown : Shown
    rows : DataFrame
        The patient's X-rays.

    Returns
    -------
    Shown
        Without images that the patient does not have.
    Pair
    """
    own = set(rows["image_id"])
    for name in PARAMETERS[1:]:
        report_unknown(name, own.__contains__, most=1)
    image_id = shown.image_id if shown.image_id in own else None
    if image_id is None:
        return replace(shown, image_id=None, prior_id=None), choose_pair(rows)
    prior_id = shown.prior_id if shown.prior_id in own - {image_id} else None
    return replace(shown, prior_id=prior_id), Pair(image_id, prior_id, "chosen")


def make_turn_key(name: str, patient_id: str, pair: Pair) -> str:
    """Make the key of a widget that is another one for another pair: "timeline_3".

    Streamlit keeps the key of every widget it ever met, its callback and all that this holds:
    the names are few, and used in turn.

    Parameters
    ----------
    name : str
        The same at each run.
    patient_id : str
    pair : Pair
        What is shown in this run.
    """
    asked = (patient_id, *pair.image_ids)
    last, turn = st.session_state.get(TURN, (None, 0))
    if asked != last:
        turn = (turn + 1) % N_TURNS
        st.session_state[TURN] = (asked, turn)
    return f"{name}_{turn}"


def choose_image(rows: pd.DataFrame, image_id: str) -> None:
    """Show an image beside its prior, or beside one that was shown last.

    Parameters
    ----------
    rows : DataFrame
        The patient's X-rays.
    image_id : str
    """
    shown = st.session_state[SHOWN]
    before = choose_pair(rows) if shown.image_id is None else Pair(*_images(shown), "chosen")
    pair = pair_image(rows, image_id, (before.current, before.prior))
    set_pair(str(pair.current), pair.prior)


def _images(shown: Shown) -> tuple[str | None, str | None]:
    return shown.image_id, shown.prior_id


def set_pair(image_id: str, prior_id: str | None) -> None:
    """Show two images side by side, from the next run on."""
    st.session_state[SHOWN] = replace(st.session_state[SHOWN], image_id=image_id, prior_id=prior_id)
    # A second choice may come before the address of the first has reached the browser.
    ADDRESS.settle()


def swap_pair(pair: Pair) -> None:
    """Show the two images the other way round."""
    if pair.current is not None and pair.prior is not None:
        set_pair(pair.prior, pair.current)


def forget_pair() -> None:
    """Show the default pair again."""
    st.session_state[SHOWN] = replace(st.session_state[SHOWN], image_id=None, prior_id=None)
    ADDRESS.settle()
