"""The timeline of one patient: thumbnails at their day, dated facts as points per image."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from cxrlib.charts.palette import Theme
from cxrlib.timeline import Timeline

__all__ = ["plot_timeline"]


def plot_timeline(
    timeline: Timeline,
    *,
    theme: Theme = "light",
    pictures: Mapping[str, str] | None = None,
    left_out: Mapping[str, str] | None = None,
    selected: Sequence[str] = (),
) -> go.Figure:
    """Plot the timeline of one patient.

    Parameters
    ----------
    timeline : Timeline
    theme : {"light", "dark"}
    pictures : mapping of str to str
        Address or data: URI of each image's thumbnail.
    left_out : mapping of str to str, optional
        Why an image has no picture here, such as its licence; a file that cannot be read says
        so by itself.
    selected : sequence of str
        Image ids shown in the viewer, left and right.

    Returns
    -------
    Figure
        As high as `timeline.height`. Marks and thumbnails carry the image id as customdata.
    """
    raise NotImplementedError
