"""The image beside the map: clicked, stepped to, named in the address, or the story's."""

from collections.abc import Container, Sequence

import pandas as pd
import streamlit as st

from cxrlib.charts.maps import describe_out
from cxrlib.cohort import Cohort
from cxrlib.maps import Trajectory
from cxrlib.selection import find_all_reasons
from ui.images.image_panel import show_image_panel
from ui.session.filters import current_selection
from ui.session.resources import Current
from ui.trajectories.patient_controls import MAX_PATIENTS
from ui.widgets.address import PageAddress
from ui.widgets.text import show_alert, show_quiet

__all__ = ["find_shown_image", "remember_click", "show_map_image", "show_which_image"]

SHOWN = "shown_image"  # in the session's state
ADDRESS = PageAddress("written_image", ("image",))
_STEP = "step-Previous"  # a button that Streamlit forgets on other pages


def remember_click(chart: str = "map") -> None:
    """Keep which image was clicked on a chart; a click beside the points changes nothing."""
    chosen = st.session_state[chart].selection.points
    if chosen:
        custom = chosen[0].get("customdata")
        image_id = custom[0] if isinstance(custom, list | tuple) else custom
        if isinstance(image_id, str):
            _show(image_id)


def find_shown_image(
    points: pd.DataFrame, left_out: pd.DataFrame, paths: Sequence[Trajectory]
) -> str | None:
    """Return the image to show, and keep a chosen one in the address.

    That is the one clicked or stepped to, else the one the address names, else the last of the
    path chosen last. A chosen one that the filters leave out is remembered until another is
    chosen: `show_map_image` names it, and it is back when the filters let it.
    """
    known = set(points["image_id"])
    on_map = known | set(left_out["image_id"])
    _follow_address(on_map)
    chosen = str(st.session_state.get(SHOWN))
    ADDRESS.write({"image": chosen} if chosen in on_map else {})
    if chosen in known:
        return chosen
    for path in reversed(paths) if _is_changed(paths) else paths:
        images = [image for stop in path.stops for image in stop.images] or list(path.undated)
        if images:
            return images[-1].image_id
    return None


def _follow_address(known: Container[str]) -> None:
    """Show what the address names where a link or the browser's Back has changed it.

    An address that this page wrote itself says nothing new. One without an image does only if
    this page was shown before: another page leaves the image out.
    """
    if not ADDRESS.is_new():
        return
    asked = ADDRESS.read().get("image")
    if asked in known:
        st.session_state[SHOWN] = asked
    elif asked is None and _STEP in st.session_state:
        st.session_state.pop(SHOWN, None)


def _is_changed(paths: Sequence[Trajectory]) -> bool:
    """Tell whether the reader has changed the choice of patients, which is in the address then."""
    return bool(paths) and "patient" in st.query_params


def show_which_image(current: Current, image_ids: Container[str]) -> None:
    """Show below another chart of images that a click shows one, and which of them it is now."""
    shown = str(st.session_state.get(SHOWN))
    if shown not in image_ids:
        show_quiet("Click a point to see its image beside the map.")
        return
    row = current.find_point(shown)
    where = "is not on the map" if row is None else "is shown beside the map, above"
    show_quiet(f"Image {shown[:60]!r} {where}.")


def show_map_image(
    current: Current, points: pd.DataFrame, left_out: pd.DataFrame, image_id: str | None
) -> None:
    """Show the panel: the way through the patient's images, the image, its record."""
    _show_left_out(current.cohort, left_out)
    row = None if image_id is None else current.find_point(image_id)
    if image_id is None or row is None:
        show_quiet("Click an image on the map to see it here.")
        return
    own = points[points["patient_id"] == row["patient_id"]].sort_values(
        "offset", kind="stable", na_position="last"
    )
    out = left_out.loc[left_out["patient_id"] == row["patient_id"], "offset"]
    show_image_panel(current.cohort, row, above=lambda: _show_steps(own, image_id, out))


def _show_left_out(cohort: Cohort, left_out: pd.DataFrame) -> None:
    """Report that the image asked for, by a link or a click, is left out, and by which filter."""
    asked = str(st.session_state.get(SHOWN))
    if asked not in set(left_out["image_id"]):
        return
    row = cohort.table["image_id"] == asked
    reasons = find_all_reasons(cohort, current_selection())[row].iloc[0].dropna()
    show_alert(f"The filters leave image {asked[:60]!r} out: {', '.join(map(str, reasons))}.")


def _show_steps(own: pd.DataFrame, image_id: str, out: pd.Series) -> None:
    """Offer the patient's other images and path; show which of the order is known."""
    ids = own["image_id"].tolist()
    place = ids.index(image_id)
    patient_id = str(own["patient_id"].iloc[0])
    chosen = st.session_state.get("patient", [])
    with st.container(horizontal=True, vertical_alignment="center"):
        _step_button(_STEP, "Previous", ids[place - 1] if place else None)
        _step_button("step-Next", "Next", ids[place + 1] if place + 1 < len(ids) else None)
        if patient_id not in chosen and len(chosen) < MAX_PATIENTS:
            st.button("Draw the path", on_click=_add_patient, args=(patient_id,))
    order = _describe_order(own, place)
    words = f"Image {place + 1} of {len(ids)} of this patient on the map{order}."
    if len(out):
        note = describe_out(out)
        words += f" {note[0].upper()}{note[1:]}."
    if patient_id not in chosen and len(chosen) >= MAX_PATIENTS:
        words += f" {MAX_PATIENTS} paths is the maximum: remove one to draw this patient's."
    show_quiet(words)


def _describe_order(own: pd.DataFrame, place: int) -> str:
    """Describe what is not known of an image's order among a patient's images."""
    day = own["offset"].iloc[place]
    if pd.isna(day):
        return "; day not recorded, so its order is unknown"
    same = int((own["offset"] == day).sum())
    return f"; one of {same} of that day, in no known order" if same > 1 else ""


def _step_button(key: str, label: str, image_id: str | None) -> None:
    """Show a button that leads to another image; at an end it stays in place, without effect."""
    st.button(
        label,
        key=key,
        on_click=_show,
        args=(image_id,),
        disabled=image_id is None,
    )


def _show(image_id: str) -> None:
    st.session_state[SHOWN] = image_id
    # A second click may come before the address of the first has reached the browser.
    ADDRESS.settle()


def _add_patient(patient_id: str) -> None:
    st.session_state["patient"] = [*st.session_state.get("patient", []), patient_id]
