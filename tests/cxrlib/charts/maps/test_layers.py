"""Layers over and under a drawn map: under the points, over the density, never clicked."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.maps import add_reference, plot_map, ring_chosen
from cxrlib.charts.maps.layers import MOST_RINGS
from cxrlib.maps import MappedCohort, estimate_density, map_points
from tests.figures import assert_valid


@pytest.fixture
def points(mapped_cohort: MappedCohort) -> pd.DataFrame:
    """Give the small cohort's images on its map."""
    return map_points(mapped_cohort.mapped.table, mapped_cohort.projection)


@pytest.mark.parametrize("with_density", [True, False])
def test_a_cloud_lies_under_the_points(points: pd.DataFrame, with_density: bool) -> None:
    """And over the density; nothing of it can be clicked or is in the key."""
    density = estimate_density(points[["x", "y"]].to_numpy()) if with_density else None
    figure = plot_map(points, density)
    names = [trace.name for trace in figure.data]
    add_reference(figure, np.zeros((4, 2)), theme="dark", name="<b>other")
    assert_valid(figure)
    place = [trace.name for trace in figure.data].index("<b>other")
    assert [trace.name for trace in figure.data if trace.name != "<b>other"] == names
    assert place == int(with_density)
    cloud = figure.data[place]
    assert (cloud.hoverinfo, cloud.showlegend, cloud.customdata) == ("skip", False, None)


def test_chosen_images_are_ringed(points: pd.DataFrame) -> None:
    """A ring an image, at its place; ids that are not there draw nothing."""
    ids = points["image_id"].iloc[:3].tolist()
    figure = ring_chosen(plot_map(points, None), points, ids)
    assert_valid(figure)
    assert figure.data[-1].x.tolist() == points["x"].iloc[:3].astype(np.float32).tolist()
    assert figure.data[-1].marker.symbol == "circle-open"
    n_traces = len(plot_map(points, None).data)
    assert len(ring_chosen(plot_map(points, None), points, ["no such"]).data) == n_traces


def test_very_many_have_dots(points: pd.DataFrame) -> None:
    """Rings of thousands would hide the map."""
    many = pd.DataFrame({"image_id": [f"i{n}" for n in range(MOST_RINGS + 1)], "x": 0.0, "y": 0.0})
    figure = ring_chosen(plot_map(points, None), many, many["image_id"].tolist())
    assert figure.data[-1].marker.symbol == "circle"
