"""Labels of one's own from a file: read in this session's memory, attached to the cohort in use."""

import functools
from collections.abc import Mapping

import streamlit as st

from cxrlib.cohort import Cohort, LabelFile, attach_labels, keep_label_file, read_label_bytes
from cxrlib.errors import CxrError
from cxrlib.storage import Store
from cxrlib.uploads import are_uploads_allowed
from ui.session.current_cohort import current_entry
from ui.session.resources import find_cache
from ui.widgets.text import show_alert, show_quiet

__all__ = [
    "attach_own_labels",
    "choose_label_file",
    "keep_for_job",
    "name_labels",
    "show_own_labels",
]

MAX_MEGABYTES = 8
LABELS = "own_labels"  # in the session's state, by cohort: the file read, and its bytes
PROBLEM = "own_labels_problem"  # in the session's state: why the last one could not be used
TURN = "own_labels_turn"  # in the session's state: a new number is a new, empty widget


def _find() -> tuple[LabelFile, bytes] | None:
    found: Mapping[str, tuple[LabelFile, bytes]] = st.session_state.get(LABELS, {})
    return found.get(current_entry().slug)


def name_labels() -> str:
    """Name the label file of this session's cohort; "" where there is none."""
    found = _find()
    return "" if found is None else found[0].name


def attach_own_labels(cohort: Cohort) -> Cohort:
    """Attach the labels of this session, where there are some.

    Raises
    ------
    SelectionError
        If they cannot be attached, as those of a column that a second cohort has too.
    """
    found = _find()
    return cohort if found is None else _attach(cohort, found[0])


#: Once a file: a cohort is a key of all that is computed of it.
_attach = functools.lru_cache(maxsize=16)(attach_labels)


def keep_for_job(name: str) -> dict[str, str]:
    """Keep the label file of a run for its job, which reads the cohort anew; {} for none."""
    found = _find()
    if not name or found is None:
        return {}
    labels, data = found
    return {"labels": keep_label_file(data, labels.name, Store(find_cache()))}


def show_own_labels(cohort: Cohort) -> None:
    """Show which labels are attached and which ids match nothing, or why a file was refused."""
    if problem := st.session_state.pop(PROBLEM, ""):
        show_alert(problem)
    if (found := _find()) is not None:
        note = next((each.note for each in cohort.extra if each.name in found[0].text), "")
        show_quiet(f"{note} Choose one of its columns under “Predict”.")
        st.button("Remove these labels", key="own_labels_remove", on_click=_forget)


def choose_label_file(cohort: Cohort) -> None:
    """Let the reader add the columns of a file to what can be predicted, in this session."""
    if _find() is not None:
        return
    if not are_uploads_allowed():
        show_quiet("Labels from a file: use the command line, loco --labels FILE.")
        return
    turn = st.session_state.get(TURN, 0)
    file = st.file_uploader(
        "Labels from a file",
        type=["csv", "parquet"],
        key=f"own_labels_{turn}",
        max_upload_size=MAX_MEGABYTES,
        help="A column image_id or patient_id, and one column per label. The file is kept in this "
        "session; a job keeps a copy on the server, and runs of it are stored for all its users.",
    )
    if file is None:
        return
    st.session_state[TURN] = turn + 1
    try:
        _take(cohort, file.name, file.getvalue())
    except CxrError as error:
        st.session_state[PROBLEM] = str(error)
    st.rerun()


def _take(cohort: Cohort, name: str, data: bytes) -> None:
    """Read a file and keep it for this session; raises where it cannot be attached."""
    labels = read_label_bytes(data, name)
    _attach(cohort, labels)
    st.session_state.setdefault(LABELS, {})[current_entry().slug] = (labels, data)


def _forget() -> None:
    st.session_state.get(LABELS, {}).pop(current_entry().slug, None)
