"""A further part of a run, which the dashboard and the report show alike."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from cxrlib.short_repr import short_repr

INTERVALS = "95 % intervals, bootstrap over patients."


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class ReportPart:
    """Hold a further part of a run, such as a null distribution that was computed.

    Parameters
    ----------
    name : str
        Of its file, without the ending: letters, digits and "-".
    title : str
        Of its section.
    words : tuple of str
        Paragraphs, the first a caption of one line.
    table : DataFrame
        Goes into its file whole.
    draw : callable, optional
        Draws its figure as ``draw(theme=...)``.
    description : str
        The figure's text alternative.
    shown : DataFrame, optional
        What the page of a report shows of the table; all of it by default.
    """

    name: str
    title: str
    words: tuple[str, ...]
    table: pd.DataFrame
    draw: Callable[..., go.Figure] | None = None
    description: str = ""
    shown: pd.DataFrame | None = None
    __repr__ = short_repr
