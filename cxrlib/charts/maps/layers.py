"""Layers over or under a drawn map: a reference cohort, the selected images."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.style import PALETTES, SILENT, Parts, Theme, make_trace, use_webgl

CLOUD_SIZE, CLOUD_OPACITY = 6.0, 0.8
RING_SIZE = 13.0
#: More rings than these hide the map; the chosen are then marked by a dot in the middle.
MOST_RINGS = 100


def add_reference(
    figure: go.Figure, places: NDArray[np.floating], *, theme: Theme = "light", name: str = ""
) -> go.Figure:
    """Draw a reference cohort's images under a map's points, over its density.

    Parameters
    ----------
    figure : Figure
        Result of `cxrlib.charts.maps.plot_map`; changed and returned.
    places : ndarray of shape (n_images, 2)
    theme : {"light", "dark"}
    name : str
        Of the layer.
    """
    palette = PALETTES[theme]
    webgl = use_webgl(len(places)) or any(trace.type == "scattergl" for trace in figure.data)
    x, y = np.asarray(places, dtype=np.float32).T
    line = {"width": 1, "color": palette.quiet}
    cross = make_trace(
        "markers",
        x,
        y,
        layer="scattergl" if webgl else "scatter",
        name=name or "reference",
        marker={"symbol": "x-thin", "size": CLOUD_SIZE, "opacity": CLOUD_OPACITY, "line": line},
        **SILENT,
    )
    is_mark = ["markers" in (getattr(trace, "mode", None) or "") for trace in figure.data]
    first = is_mark.index(True) if True in is_mark else len(is_mark)
    figure.add_trace(cross)
    *traces, last = figure.data
    figure.data = (*traces[:first], last, *traces[first:])
    return figure


def ring_chosen(
    figure: go.Figure,
    points: pd.DataFrame,
    image_ids: Collection[str],
    *,
    theme: Theme = "light",
    scale: float = 1.0,
) -> go.Figure:
    """Ring the selected images of a map; of very many only their middles are marked.

    Parameters
    ----------
    figure : Figure
        Changed and returned.
    points : DataFrame
        image_id, x and y.
    image_ids : collection of str
    theme : {"light", "dark"}
    scale : float, default 1.0
        As the map's.
    """
    own = points["image_id"].isin(set(image_ids)).to_numpy(dtype=bool)
    if not own.any():
        return figure
    palette = PALETTES[theme]
    webgl = any(trace.type == "scattergl" for trace in figure.data)
    marker: Parts = {"symbol": "circle", "size": 3.0 * scale, "color": palette.accent}
    if int(own.sum()) <= MOST_RINGS:
        line = {"width": 1.5 * scale, "color": palette.accent}
        marker |= {"symbol": "circle-open", "size": RING_SIZE * scale, "line": line}
    x, y = (points[axis].to_numpy(dtype=np.float32)[own] for axis in "xy")
    layer = "scattergl" if webgl else "scatter"
    ring = make_trace("markers", x, y, layer=layer, name="selected", marker=marker, **SILENT)
    return figure.add_trace(ring)
