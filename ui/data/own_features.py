"""Feature sets of one's own on the data page: which are stored; where uploads are allowed, a form.

A server that was not started with --allow-uploads lists the sets and takes nothing: what is stored
there is stored for everybody.
"""

import streamlit as st

from cxrlib.baselines.features import add_feature_set, read_table_bytes
from cxrlib.cohort import Cohort
from cxrlib.embedding import OwnSet, list_own_sets, remove_own_set
from cxrlib.errors import CxrError
from cxrlib.number_text import format_units
from cxrlib.storage import Store
from cxrlib.uploads import are_uploads_allowed
from ui.session.jobs import kept_trouble
from ui.session.resources import find_cache
from ui.widgets.text import show_alert, show_quiet, show_text

__all__ = ["show_own_features"]

MAX_MEGABYTES = 64
MOST_SETS = 50  # that visitors can fill the disk with
TOLD = "own_features_told"  # in the session's state: what became of the last file
TURN = "own_features_turn"  # in the session's state: a new number is a new, empty form


def show_own_features(cohort: Cohort) -> None:
    """Show the stored sets; let a reader add or remove one where the server takes files."""
    st.subheader("Feature sets of your own", anchor=False)
    is_allowed = are_uploads_allowed()
    found = list_own_sets(Store(find_cache()))
    for own in found:
        _show_set(own, is_allowed=is_allowed)
    if not found:
        show_quiet("None stored.")
    for is_error, words in st.session_state.pop(TOLD, []):
        show_alert(words, "error" if is_error else "warning") if is_error else show_text(words)
    if is_allowed:
        _show_form(cohort)
    else:
        show_quiet(
            "Add one on the command line: python -m cxrlib features add FILE --name NAME --data DIR"
        )


def _show_set(own: OwnSet, *, is_allowed: bool) -> None:
    """Show a stored set with what is known of its origin."""
    words, deed = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with words:
        rows = f"{own.n_usable:,} of {format_units(own.n_images, 'row')} usable"
        show_text(f"{format_units(len(own.columns), 'column')}; {rows}.", lead=f"{own.name}:")
        with st.expander("Origin"):
            for sentence in own.origin:
                show_quiet(sentence)
    if is_allowed:
        with deed:
            st.button(
                "Remove set", key=f"remove_set_{own.name}", on_click=_remove, args=(own.name,)
            )


def _remove(name: str) -> None:
    with kept_trouble():
        remove_own_set(Store(find_cache()), name)


def _show_form(cohort: Cohort) -> None:
    """Take a file and a name; the bytes are dropped as soon as they were read."""
    turn = st.session_state.get(TURN, 0)
    with (
        st.expander("Add a file of features"),
        st.form(f"own_features_{turn}", border=False),
    ):
        show_quiet(
            "Parquet or CSV with a column image_id and one column of numbers per feature; or a "
            ".npy array with a text file of its image ids, one a line. It is stored for all users "
            "of this server."
        )
        file = st.file_uploader(
            "Features", type=["parquet", "csv", "npy"], max_upload_size=MAX_MEGABYTES
        )
        ids = st.file_uploader("Image ids (.npy only)", type=["txt"], max_upload_size=8)
        name = st.text_input("Name", max_chars=40)
        if not st.form_submit_button("Store this set") or file is None:
            return
        of_ids = None if ids is None else ids.getvalue()
        st.session_state[TOLD] = _add(cohort, name.strip(), file.name, file.getvalue(), of_ids)
        st.session_state[TURN] = turn + 1
    st.rerun()


def _add(
    cohort: Cohort, name: str, file_name: str, data: bytes, ids: bytes | None
) -> list[tuple[bool, str]]:
    """Store a set; return what to tell, and whether it is an error."""
    store = Store(find_cache())
    if len(list_own_sets(store)) >= MOST_SETS:
        return [(True, f"This server stores {MOST_SETS} sets at most. Remove one first.")]
    try:
        table = read_table_bytes(data, file_name, ids)
        added = add_feature_set(table, name, cohort, store)
    except CxrError as error:
        return [(True, str(error))]
    images = format_units(added.n_matched, "image")
    return [
        (False, f"Stored {name}: {images} of this cohort have features."),
        *((False, note) for note in added.notes),
    ]
