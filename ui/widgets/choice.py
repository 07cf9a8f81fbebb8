"""A choice that the address keeps: one widget, and an alert for values it does not have.

Each function reads former labels in the address as today's, reports the values that it cannot use,
shows the widget, and returns the key of what is chosen. The address holds the labels, as on screen.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.state import get_session_state

from ui.widgets.address import report_unknown
from ui.widgets.former_labels import follow_former_labels

__all__ = [
    "BOUND",
    "choose_many",
    "choose_number",
    "choose_one",
    "choose_part",
    "choose_whether",
    "forget_asked",
    "reset_choices",
]

T = TypeVar("T")
N = TypeVar("N", int, float)

#: What keeps a widget's value in the address, and in the session from page to page.
BOUND: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def choose_one(
    key: str,
    label: str,
    options: Mapping[T, str] | Sequence[T],
    *,
    default: T | None = None,
    is_menu: bool = False,
    is_shown: bool = True,
    is_reported: bool = True,
    known: Sequence[str] = (),
    **style: Any,  # noqa: ANN401  (what Streamlit's widgets take besides)
) -> T:
    """Let the reader choose one of some options.

    Parameters
    ----------
    key : str
        Name of the parameter in the address, and of the widget.
    label : str
    options : mapping or sequence
        Label by key; a sequence of keys that are their own labels.
    default : optional
        The first option unless given.
    is_menu : bool
        A menu that opens instead of a row of buttons.
    is_shown : bool
        False where the choice means nothing: only the address is checked, the default returned.
    is_reported : bool
        False where the address holds what was chosen before, and not what a link asks for.
    known : sequence of str
        Further values of which the address may ask without a word.
    **style
        For the widget: width, help, label_visibility, on_change.

    Returns
    -------
    object
        A key of ``options``.
    """
    words = _read_labels(options)
    keys = list(words)
    chosen = keys[0] if default is None else default
    follow_former_labels(key)
    if is_reported:
        report_unknown(key, [*words.values(), *known].__contains__)
    if not is_shown:
        return chosen
    if st.session_state.get(key) not in (None, *keys):  # of another cohort, run or page
        st.session_state[key] = chosen
    style |= BOUND
    if is_menu:
        place = keys.index(chosen)
        picked = st.selectbox(label, keys, place, key=key, format_func=words.__getitem__, **style)
    else:
        picked = st.segmented_control(
            label,
            keys,
            default=chosen,
            required=True,
            key=key,
            format_func=words.__getitem__,
            **style,
        )
    return chosen if picked is None else picked


def choose_part(key: str, label: str, parts: Sequence[str]) -> str:
    """Let the reader choose which part of a page to see; its label is for screen readers."""
    return choose_one(key, label, parts, label_visibility="collapsed")


def choose_many(
    key: str,
    label: str,
    options: Sequence[str],
    *,
    default: Sequence[str] = (),
    is_reported: bool = True,
    **style: Any,  # noqa: ANN401
) -> list[str]:
    """Let the reader choose any of some options.

    Parameters
    ----------
    key, label, is_reported, remarks
        As in `choose_one`.
    options : sequence of str
    default : sequence of str
    **style
        For the widget; of ``max_selections`` in the address the first are shown, and it is said.
    """
    follow_former_labels(key)
    if is_reported:
        report_unknown(key, set(options).__contains__, most=style.get("max_selections"))
    return st.multiselect(label, options, list(default) or None, key=key, **style, **BOUND)


def choose_number(
    key: str,
    label: str,
    bounds: tuple[N, N],
    default: N,
    *,
    is_slider: bool = False,
    is_shown: bool = True,
    **style: Any,  # noqa: ANN401
) -> N:
    """Let the reader choose a number; whole ones where the default is an int.

    Parameters
    ----------
    key, label, is_shown, remarks
        As in `choose_one`.
    bounds : tuple of (number, number)
        The least and the greatest.
    default : number
    is_slider : bool
        A slider instead of a field.
    **style
        For the widget: step, width, help.
    """
    low, high = bounds
    read = type(default)

    def is_known(text: str) -> bool:
        try:
            return low <= read(text) <= high
        except ValueError:
            return False

    report_unknown(key, is_known)
    if not is_shown:
        return default
    widget: Any = st.slider if is_slider else st.number_input
    return read(widget(label, low, high, default, key=key, **style, **BOUND))


def choose_whether(key: str, label: str, **style: Any) -> bool:  # noqa: ANN401
    """Let the reader turn something on."""
    return st.toggle(label, key=key, **style, **BOUND)


def reset_choices(defaults: Mapping[str, object]) -> None:
    """Set choices back to what they are by default; call it from a callback.

    Their parameters leave the address together. Each widget would take out its own else, and
    each time is a step of the browser's history: Back would stop at screens never seen.

    Parameters
    ----------
    defaults : mapping
        By key.
    """
    st.session_state.update(defaults)
    # Streamlit's own: what a widget is bound to, `st.query_params` lets nobody take out.
    with get_session_state().query_params() as parameters:
        gone = [key for key in defaults if parameters.has_param(key)]
        for key in gone[1:]:
            parameters.discard_param_no_forward_msg(key)
        for key in gone[:1]:
            parameters.remove_param(key)


def forget_asked(key: str) -> None:
    """Take a parameter out of the address before its widget reads it: the default is shown."""
    with get_session_state().query_params() as parameters:
        parameters.remove_param(key)
        parameters.set_initial_query_params_from_current()


def _read_labels(options: Mapping[T, str] | Sequence[T]) -> dict[T, str]:
    if isinstance(options, Mapping):
        return dict(options)
    return {each: str(each) for each in options}
