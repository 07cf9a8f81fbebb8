"""A button that saves a file, which is made when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

__all__ = ["Saving", "offer_saving"]


@dataclass(frozen=True)
class Saving:
    """Hold one thing that a button or a menu saves.

    Parameters
    ----------
    label : str
        "Page (HTML)".
    file : str
        Its name.
    mime : str
    make : callable
        Returns its bytes; called when it is asked for.
    """

    label: str
    file: str
    mime: str
    make: Callable[[], bytes | str]


def offer_saving(saving: Saving, *, key: str, **style: Any) -> None:  # noqa: ANN401
    """Show the button; a click runs nothing of the page.

    Parameters
    ----------
    saving : Saving
    key : str
    **style
        Of `st.download_button`, where it is not to be a quiet one with an arrow.
    """
    st.download_button(
        saving.label,
        data=saving.make,
        file_name=saving.file,
        mime=saving.mime,
        key=key,
        on_click="ignore",
        **{"type": "tertiary", "icon": ":material/download:", **style},
    )
