"""An uploaded X-ray beside the most similar images of the cohort.

Streamlit holds an uploaded file in memory for as long as a session lasts. Here it is dropped as
soon as it was read: what stays in the session are its numbers, a picture and its place.
"""

from functools import lru_cache

import pandas as pd
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxrlib.errors import CxrError
from cxrlib.uploads import (
    Placed,
    Reference,
    Upload,
    are_uploads_allowed,
    describe_placed,
    embed_upload,
    list_upload_notes,
    measure_reference,
    place_upload,
)
from ui.images.pictures import describe_day, describe_row, make_picture
from ui.images.viewer import Picture, show_viewer
from ui.session.current_cohort import current_entry
from ui.session.resources import Current
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = ["show_upload"]

UPLOAD = "uploaded_xray"  # in the session's state: what was computed
PLACED = "placed_xray"  # in the session's state: on which map, and where
PROBLEM = "upload_problem"  # in the session's state: why the last one could not be used
TURN = "upload_turn"  # in the session's state: a new number is a new, empty widget
MAX_MEGABYTES = 100
HEIGHT = 420  # of the black surround, pixels
PROMISE = (
    "One frontal chest X-ray as PNG, JPEG or DICOM. The file is read in this server's memory and "
    "never stored; a picture and its features are kept until you remove them or your session "
    "ends, some minutes after you close the page. Do not upload images that you may not show "
    "here, or that have a name burnt into the picture."
)


def show_upload(current: Current) -> Placed | None:
    """Offer to upload an X-ray to the map, and show an uploaded one beside its nearest images.

    Call it before the map is drawn, in a container below it: what it returns belongs on the map.

    Parameters
    ----------
    current : Current

    Returns
    -------
    Placed or None
        Where the map is to mark it. None where there is none, and on a server that was not
        started with ``--allow-uploads``, which shows nothing of all this.
    """
    if not are_uploads_allowed():
        return None
    upload = st.session_state.get(UPLOAD)
    if current.extractor.is_outside:
        show_quiet(
            "An uploaded X-ray cannot be put on this map: its features come from outside and "
            "cannot be computed here."
        )
        return None
    with st.expander("Upload an X-ray to this map", expanded=upload is not None):
        if upload is None:
            _ask(current)
            return None
        st.button("Remove this X-ray", key="remove_upload", on_click=_forget)
        if upload.info.key != current.extractor.key:
            show_text(
                f"The X-ray was processed by {upload.info.title}, but this map uses "
                f"{current.extractor.title}. Remove the X-ray and upload it again."
            )
            return None
        placed = _place(upload, current)
        _show_placed(placed, current)
    return placed


def _ask(current: Current) -> None:
    """Show the widget; an uploaded file is read, dropped, and the page runs again."""
    show_quiet(PROMISE)
    if problem := st.session_state.get(PROBLEM):
        show_alert(problem)
    turn = st.session_state.get(TURN, 0)
    file = st.file_uploader(
        "A chest X-ray as PNG, JPEG or DICOM",
        key=f"upload_{turn}",
        max_upload_size=MAX_MEGABYTES,
    )
    if file is None:
        return
    try:
        with st.spinner("Processing the X-ray. The first one takes some seconds longer."):
            st.session_state[UPLOAD] = embed_upload(file.getvalue(), current.extractor)
        st.session_state.pop(PROBLEM, None)
    except CxrError as error:
        st.session_state[PROBLEM] = str(error)
    finally:
        _drop(file.file_id)
        st.session_state[TURN] = turn + 1
    st.rerun()


def _drop(file_id: str) -> None:
    """Take an upload's bytes out of Streamlit's memory, which keeps them as long as a session."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)


def _forget() -> None:
    for name in (UPLOAD, PLACED, PROBLEM):
        st.session_state.pop(name, None)


@lru_cache(maxsize=4)
def _find_reference(current: Current) -> Reference:
    """Measure a map's own images once for all sessions; nothing of an upload is in it."""
    return measure_reference(current.mapped)


def _place(upload: Upload, current: Current) -> Placed:
    """Place an upload once a map; the place is kept in the session, not in the server."""
    key = current.mapped.projection.key
    known = st.session_state.get(PLACED)
    if known is None or known[0] != key:
        placed = place_upload(upload, current.mapped, _find_reference(current))
        known = st.session_state[PLACED] = (key, placed)
    placed_before: Placed = known[1]
    return placed_before


def _show_placed(placed: Placed, current: Current) -> None:
    """Show an upload beside one of its nearest images; no state and no outcome of any."""
    words = describe_placed(placed)
    if placed.is_far:
        show_alert(words)
    else:
        show_text(words)
    rows = [current.find_point(str(name)) for name in placed.neighbours["image_id"]]
    names = [
        f"{rank}. {describe_row(row)}" for rank, row in enumerate(rows, start=1) if row is not None
    ]
    chosen = st.selectbox("Compare with", range(len(names)), format_func=names.__getitem__)
    pictures = [_draw_upload(placed.upload)]
    row = rows[chosen or 0]
    if row is not None:
        try:
            pictures.append(
                make_picture(
                    current.cohort,
                    current_entry().slug,
                    row,
                    caption=f"{describe_row(row)}: nearest image {(chosen or 0) + 1}",
                )
            )
        except CxrError as error:
            show_alert(str(error))
    show_viewer(pictures, key="upload_viewer", height=HEIGHT)
    st.dataframe(
        tabulate_neighbours(placed, rows), hide_index=True, width="stretch", key="upload_near"
    )
    for note in list_upload_notes(placed):
        show_quiet(note)


def _draw_upload(upload: Upload) -> Picture:
    return Picture(
        url=upload.picture_url,
        alt="The uploaded X-ray",
        caption="Your upload; not part of the cohort",
        width=upload.picture_size[0],
        height=upload.picture_size[1],
    )


def tabulate_neighbours(placed: Placed, rows: list[pd.Series | None]) -> pd.DataFrame:
    """Tabulate an upload's nearest images for the screen."""
    near = placed.neighbours
    days = ["–" if row is None else describe_day(row["offset"]) for row in rows]
    return pd.DataFrame(
        {
            "Rank": range(1, len(near) + 1),
            "Image": near["image_id"],
            "Patient": near["patient_id"],
            "Day": days,
            "View": near["view"].fillna("–"),
            "Source": near["source"].fillna("–"),
            "Distance": near["distance"].map("{:.3g}".format),
            "Weight, %": (100 * near["weight"]).map("{:.0f}".format),
        }
    )
