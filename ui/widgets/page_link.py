"""A link to another page of the dashboard, which opens there what is meant, for anybody."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

__all__ = ["show_page_link"]

PAGES = Path(__file__).resolve().parents[2] / "pages"


def show_page_link(
    name: str, label: str, *, asked: Mapping[str, str], icon: str, tip: str | None = None
) -> None:
    """Show a link to a page, with the same cohort and filters and what is asked for.

    A link, no button that switches pages: such a button may write no parameter that a widget is
    bound to, and the cohort would often be missing in the address. With a link Streamlit keeps
    what widgets are bound to by itself; named once more it would stand there twice.

    Parameters
    ----------
    name : str
        Of the page, as in its address.
    label : str
        Plain words; no text of a file or an address.
    asked : mapping
        Parameters of that page; none that a widget of this page or of the sidebar is bound to.
    icon : str
    tip : str, optional
    """
    page = st.Page(PAGES / f"{name}.py", url_path=name)
    st.page_link(page, label=label, icon=icon, help=tip, query_params=asked)
