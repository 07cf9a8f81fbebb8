"""The limits of the collection and the uses that are not served, always in reach."""

from html import escape

import streamlit as st

from cxrlib.literature import LIMITS, NOT_FOR, Limit

__all__ = ["show_limits"]


def show_limits(*, is_synthetic: bool) -> None:
    """Show a button that opens the limits; the page stays as it is.

    Parameters
    ----------
    is_synthetic : bool
        Whether the cohort is made up: the limits are those of the collection it is made after.
    """
    with st.popover("Limits and uses not served", type="tertiary", icon=":material/info:"):
        if is_synthetic:
            st.html(
                "<p class='cxr-quiet'>This cohort is synthetic. The limits are those of the "
                "collection whose form it has; most were built into it on purpose.</p>"
            )
        st.html(_write("What the collection cannot tell", LIMITS))
        st.html(_write("What this program must not be used for", NOT_FOR))


def _write(title: str, limits: tuple[Limit, ...]) -> str:
    """Write limits as a list, each with its source in the papers."""
    items = "".join(
        f"<dt>{escape(limit.title)}</dt><dd>{escape(limit.text)} "
        f"<span class='cxr-source'>{escape(limit.source_line)}</span></dd>"
        for limit in limits
    )
    return f"<h3 class='cxr-heading'>{escape(title)}</h3><dl class='cxr-limits'>{items}</dl>"
