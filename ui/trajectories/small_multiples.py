"""Small copies of the map, each coloured by another column."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cxrlib.charts.maps import describe_multiples, plot_multiples
from cxrlib.reports import points_table
from ui.session.resources import Current
from ui.trajectories.surface_controls import choose_panels, load_colouring
from ui.widgets.figure import show_figure
from ui.widgets.origin import saved_today

__all__ = ["show_multiples"]

HEADING = "Side-by-side maps"


def show_multiples(
    current: Current, is_kept: NDArray[np.bool_], *, provenance: Sequence[str]
) -> None:
    """Show the map once a chosen column, on the same axes.

    Parameters
    ----------
    current : Current
    is_kept : ndarray of bool, shape (n_points,)
        What the filters keep.
    provenance : sequence of str
    """
    st.subheader(HEADING, anchor=False)
    chosen = choose_panels(current)
    if not chosen:
        return
    points = current.marks[is_kept]
    colourings = [load_colouring(current, by).take(is_kept) for by in chosen]
    draw = partial(plot_multiples, points, colourings)
    show_figure(
        draw,
        key="multiples",
        alt=describe_multiples(points, colourings),
        numbers=lambda: points_table(points),
        caption="The same map in several colours. Shape shows the state; hollow grey marks are "
        "not recorded.",
        **saved_today("maps", provenance),
        heading=HEADING,
    )
