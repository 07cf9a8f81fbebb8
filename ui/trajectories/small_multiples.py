"""Small copies of the map, each coloured by another column."""

from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from cxrlib.charts.maps import describe_multiples, plot_multiples
from cxrlib.reports import points_table
from ui.session.resources import Current
from ui.trajectories.surface_controls import choose_panels, load_colouring
from ui.widgets.figure import show_figure

__all__ = ["show_multiples"]

HEADING = "Side-by-side maps"


def show_multiples(
    current: Current,
    is_kept: NDArray[np.bool_],
    *,
    provenance: Sequence[str],
    remarks: DeltaGenerator | None = None,
) -> None:
    """Show the map once a chosen column, on the same axes.

    Parameters
    ----------
    current : Current
    is_kept : ndarray of bool, shape (n_points,)
        What the filters keep.
    provenance : sequence of str
    remarks : DeltaGenerator, optional
        A container for what the address asks for in vain; here by default.
    """
    st.subheader(HEADING, anchor=False)
    chosen = choose_panels(current, remarks=remarks)
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
        provenance=provenance,
        file_stem=f"maps-{date.today().isoformat()}",
        heading=HEADING,
    )
