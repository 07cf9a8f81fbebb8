"""Checks of Plotly figures that were made without being checked."""

import json
from typing import Any

import plotly.graph_objects as go


def read_json(figure: go.Figure) -> Any:
    """Return a figure as the browser gets it, numbers to nine digits: Plotly wraps angles."""
    return json.loads(
        figure.to_json(validate=False), parse_float=lambda text: float(f"{float(text):.9g}")
    )


def assert_valid(figure: go.Figure) -> None:
    """Build a figure again with every property checked: nothing may be refused or changed."""
    spec = figure.to_plotly_json()
    assert read_json(figure) == read_json(go.Figure(spec["data"], spec["layout"]))
