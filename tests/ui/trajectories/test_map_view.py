"""Where the reader had zoomed to outlives a redraw, on the same map only."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from ui.trajectories.map_view import KEY, find_view, keep_view


@pytest.fixture
def session(monkeypatch):
    """Give a session of its own."""
    state = {}
    monkeypatch.setattr("ui.trajectories.map_view.st.session_state", state)
    return state


def make_figure(name="density"):
    """Make a figure that shows 0 to 10 on both axes."""
    figure = go.Figure(go.Scatter(x=np.arange(10), y=np.arange(10), name=name))
    return figure.update_layout(xaxis_range=[0, 10], yaxis_range=[0, 10])


def zoom(session, values, map_key="umap-1"):
    """Send a range as the listener does."""
    session[KEY] = {"view": {"map": map_key, "range": values}}


def test_redraw_opens_where_the_reader_was(session):
    """Draw a figure that differs on the range that was sent."""
    assert keep_view(make_figure(), "umap-1", ["density"]).layout.xaxis.range == (0, 10)
    zoom(session, [2, 3, 4, 6])
    moved = keep_view(make_figure("no density"), "umap-1", ["no density"]).layout
    assert (moved.xaxis.range, moved.yaxis.range) == ((2, 3), (4, 6))


def test_zoom_alone_draws_nothing_anew(session):
    """Leave a figure that is the same but for the view as it was drawn."""
    first = keep_view(make_figure(), "umap-1", ["density"]).to_json()
    zoom(session, [2, 3, 4, 6])
    assert keep_view(make_figure(), "umap-1", ["density"]).to_json() == first


def test_another_map_is_shown_whole(session):
    """Forget the range where the map is another."""
    keep_view(make_figure(), "umap-1", ["density"])
    zoom(session, [2, 3, 4, 6])
    assert keep_view(make_figure(), "umap-2", ["density"]).layout.xaxis.range == (0, 10)


@pytest.mark.parametrize(
    "values", [None, [1, 2, 3], [3, 2, 1, 2], ["1", 2, 3, 4], [0, math.inf, 0, 1], "0123"]
)
def test_range_that_is_none_shows_the_whole_map(session, values):
    """Take what the browser sends for a range only if it is one."""
    zoom(session, values)
    assert find_view("umap-1") is None
