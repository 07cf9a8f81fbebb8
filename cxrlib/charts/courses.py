"""One patient's outputs over time, and the persons whose courses are near."""

import plotly.graph_objects as go

from cxrlib.charts.palette import Theme
from cxrlib.courses import Noise, OutputCourse
from cxrlib.neighbours import Courses

__all__ = ["plot_course", "plot_near"]


def plot_course(
    course: OutputCourse,
    noise: Noise | None = None,
    *,
    theme: Theme = "light",
    selected: tuple[str, ...] = (),
) -> go.Figure:
    """Plot outputs over days, with the difference within a day as a bar at the side."""
    raise NotImplementedError


def plot_near(courses: Courses, *, theme: Theme = "light") -> go.Figure:
    """Plot the nearest persons on a strip with the distances of random other persons."""
    raise NotImplementedError
