"""The limitations of the collection and uses to avoid, always in reach."""

from html import escape

import streamlit as st

from cxrlib.literature import LIMITS, NOT_FOR, Limit

__all__ = ["show_limits"]


def show_limits(*, is_synthetic: bool) -> None:
    """Show a button that opens the limitations; the page does not change.

    Parameters
    ----------
    is_synthetic : bool
        Whether the cohort is synthetic: the limitations are those of the collection it imitates.
    """
    with st.popover(
        "Limitations, and what not to use this for", type="tertiary", icon=":material/info:"
    ):
        if is_synthetic:
            st.html(
                "<p class='cxr-quiet'>This cohort is synthetic. The limitations are those of the "
                "collection it imitates; most are built into it on purpose.</p>"
            )
        st.html(_make_list("Limitations of the collection", LIMITS))
        st.html(_make_list("What not to use this program for", NOT_FOR))


def _make_list(title: str, limits: tuple[Limit, ...]) -> str:
    """Make a list of limitations as HTML, each with its source in the papers."""
    items = "".join(
        f"<dt>{escape(limit.title)}</dt><dd>{escape(limit.text)} "
        f"<span class='cxr-source'>{escape(limit.source_line)}</span></dd>"
        for limit in limits
    )
    return f"<h3 class='cxr-heading'>{escape(title)}</h3><dl class='cxr-limits'>{items}</dl>"
