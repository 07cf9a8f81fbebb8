"""The address: what a link asks for, and what of it this page can show."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.widgets.text import show_alert

__all__ = ["PageAddress", "base_path", "report_unknown", "reports_in", "set_parameters"]

MOST_NAMED = 10  # values of one parameter
_PLACE: ContextVar[DeltaGenerator | None] = ContextVar("reports_place", default=None)


def base_path() -> str:
    """Give the path below which the dashboard is served: "", or one that begins with a slash."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


@contextlib.contextmanager
def reports_in(place: DeltaGenerator) -> Iterator[None]:
    """Show in a container, and not where the controls stand, what `report_unknown` reports."""
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)


def report_unknown(key: str, is_known: Callable[[str], bool], *, most: int | None = None) -> None:
    """Show which values of the address this page cannot use: Streamlit drops them silently.

    Call it before the widget that is bound to the key.

    Parameters
    ----------
    key : str
        Name of the parameter.
    is_known : callable
        Whether the page has a value.
    most : int, optional
        How many values can be used at once.
    """
    with _PLACE.get() or contextlib.nullcontext():
        _report_unknown(key, is_known, most)


def _report_unknown(key: str, is_known: Callable[[str], bool], most: int | None) -> None:
    asked = [value for value in st.query_params.get_all(key) if value]
    unknown = [value for value in asked if not is_known(value)]
    if unknown:
        names = ", ".join(repr(value[:60]) for value in unknown[:MOST_NAMED])
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        show_alert(
            f"The address asks for {key} {names}{more}, which this page does not have. "
            "Choose below, or check the address."
        )
    if most is not None and len(asked) - len(unknown) > most:
        show_alert(
            f"The address asks for {len(asked) - len(unknown)} values of {key}; the first {most} "
            "are shown."
        )


def set_parameters(asked: Mapping[str, Sequence[str]]) -> None:
    """Put parameters into the address, an empty one takes its parameter out.

    All in one message: each is a step of the browser's history, and Back would stop at an address
    between two screens, of which none was ever seen. What a widget is bound to, Streamlit writes
    itself and lets nobody else: also a widget of the page the reader comes from, until this run
    ends; the next one then writes it.

    Parameters
    ----------
    asked : mapping
        Values by parameter.
    """
    with contextlib.suppress(st.errors.StreamlitAPIException):
        st.query_params.update(asked)


@dataclass(frozen=True)
class PageAddress:
    """Tell requests of a link or of the browser's Back from what a page wrote by itself.

    Parameters
    ----------
    key : str
        In the session's state: what the page last left in the address.
    names : tuple of str
        The parameters; none that a widget is bound to.
    """

    key: str
    names: tuple[str, ...]

    def read(self) -> dict[str, str]:
        """Read the parameters that have a value: what was taken out in this run is empty."""
        return {name: st.query_params[name] for name in self.names if st.query_params.get(name)}

    def is_new(self) -> bool:
        """Tell whether the address says other than the page left in it."""
        return self.read() != st.session_state.get(self.key, {})

    def settle(self) -> None:
        """Take the address as it is for this page's own."""
        st.session_state[self.key] = self.read()

    def write(self, values: Mapping[str, str]) -> None:
        """Put these values into the address, and no others of its names."""
        if self.read() != values:
            set_parameters({name: [values[name]] if name in values else [] for name in self.names})
        self.settle()
