"""A chart with its caption and a menu that saves it: SVG, PNG, the numbers behind it.

A figure is saved as it is seen, zoom and hidden series included, but drawn for paper: light, on
white, its caption and where it comes from below it. The browser asks, the server draws it (this
part of the page runs alone), the browser writes it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cxrlib.charts.style import (
    FIGURE_KINDS,
    PNG_SCALE,
    Imprint,
    keep_printable,
    lift_reasons,
    put_on_paper,
    read_reasons,
)
from cxrlib.reports import csv_with_header
from ui.widgets.assets import plotly_url
from ui.widgets.component import load_component, read_sent
from ui.widgets.details import show_reasons
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.text import show_quiet

__all__ = ["show_figure"]

SIZES = (100, 8000)  # pixels a side that a browser may ask for
# Saving goes through the menu, whose pictures carry their caption; the others choose nothing.
BUTTONS = ["toImage", "resetScale2d", "select2d", "lasso2d"]
CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": BUTTONS}


@dataclass(frozen=True)
class _Paper:
    """Hold what the menu needs to draw a figure for paper."""

    figure: Callable[[], go.Figure]
    imprint: Imprint
    description: str
    file_stem: str


def show_figure(
    figure: go.Figure | Callable[..., go.Figure],
    *,
    key: str,
    alt: str,
    numbers: pd.DataFrame | Callable[[], pd.DataFrame],
    caption: str,
    provenance: Sequence[str],
    file_stem: str,
    heading: str = "",
    draw: Callable[..., go.Figure] | None = None,
    more: Sequence[Saving] = (),
    config: Mapping[str, Any] | None = None,
    is_wide: bool = False,
    **options: Any,  # noqa: ANN401 (whatever Streamlit takes)
) -> Any:  # noqa: ANN401 (whatever Streamlit gives)
    """Show a chart, its caption and a menu that saves it.

    Reasons under a figure are shown as text below it, where lines break as the page is wide; a
    saved figure has them in itself.

    Parameters
    ----------
    figure : Figure or callable
        Drawn in the page's theme, or what draws it so as ``figure(theme=...)``, and for paper.
    key : str
        Of the chart, as in `st.plotly_chart`.
    alt : str
        Text alternative; an SVG carries it too.
    numbers : DataFrame or callable
        What is drawn, a row a mark.
    caption : str
        Its first line is shown; further lines stay behind "Details". All of it is printed below
        a saved figure.
    provenance : sequence of str
        `cxrlib.reports.list_provenance`, with the filters; printed and on top of the
        numbers.
    file_stem : str
        Of the files' names: "map-2026-01-31".
    heading : str, optional
        Printed above the caption, since a saved figure leaves the page's heading behind.
    draw : callable, optional
        Draws the figure again as ``draw(theme="light")``, for paper, where ``figure`` is none
        to call. Without it a saved figure has the colours of the screen, which a dark page makes
        unreadable on white.
    more : sequence of Saving, optional
        What else the menu saves.
    config : mapping, optional
        Plotly's settings, over those that all charts share.
    is_wide : bool, default False
        Whether it scrolls on a phone, since its words would run into each other.
    options
        Of `st.plotly_chart`.

    Returns
    -------
    PlotlyState or DeltaGenerator
        As `st.plotly_chart` returns it.
    """
    if callable(figure):
        draw, figure = figure, figure(theme=st.context.theme.type or "light")
    place = st.container(key=f"cxr_wide_{key}") if is_wide else st
    result = place.plotly_chart(
        lift_reasons(figure),
        theme=None,
        key=key,
        alt=alt,
        config={**CONFIG, **(config or {})},
        **options,
    )
    title, reasons, _ = read_reasons(figure)
    show_reasons(title, reasons, is_open=not figure.data)

    def make_numbers() -> bytes:
        return csv_with_header(numbers() if callable(numbers) else numbers, provenance)

    imprint = Imprint(heading, caption, tuple(provenance))
    draw_light = (lambda: draw(theme="light")) if draw else (lambda: figure)
    paper = _Paper(draw_light, imprint, alt, file_stem)
    csv = Saving("Numbers (CSV)", f"{file_stem}.csv", "text/csv", make_numbers)
    line, _, details = caption.partition("\n")
    words, menu = st.columns([5, 1], gap="small")
    with words:
        show_quiet(line)
        if details:
            st.html(
                f"<details class='cxr-quiet'><summary>Details</summary>{escape(details)}</details>"
            )
    with menu:
        _show_menu(key, paper, [csv, *more])
    return result


@st.fragment
def _show_menu(key: str, paper: _Paper, savings: Sequence[Saving]) -> None:
    """Show the menu; runs alone when a figure is asked for."""
    own = f"{key}_save"
    asked = read_sent(own, "asked")
    menu = st.popover("Save", type="tertiary", icon=":material/download:", width="content")
    with menu, st.container(gap=None):
        load_component(__file__, _BUTTONS)(
            key=own,
            data={"chart": key, "plotly": plotly_url(), "reply": answer_request(asked, paper)},
            on_asked_change=lambda: None,
            height="content",
        )
        for row, saving in enumerate(savings):
            offer_saving(saving, key=f"{own}_{row}")


_ICON = (
    "<svg viewBox='0 -960 960 960' aria-hidden='true'><path d='M480-320 280-520l56-58 104 104v-326"
    "h80v326l104-104 56 58-200 200ZM240-160q-33 0-56.5-23.5T160-240v-120h80v120h480v-120h80v120"
    "q0 33-23.5 56.5T720-160H240Z'/></svg>"
)
_BUTTONS = (
    "<div class='saves'>"
    f"<button type='button' value='svg'>{_ICON}Figure (SVG)</button>"
    f"<button type='button' value='png'>{_ICON}Figure (PNG)</button>"
    "<span role='status'></span></div>"
)


def answer_request(asked: object, paper: _Paper) -> dict[str, Any] | None:
    """Draw the figure that a browser asks for; None where it asks for nothing sensible.

    Parameters
    ----------
    asked : object
        What the browser sent: ``{"id", "kind", "width", "height"}``, or anything.
    """
    if not isinstance(asked, Mapping) or asked.get("kind") not in FIGURE_KINDS:
        return None
    name, width, height = asked.get("id"), _read_side(asked, "width"), _read_side(asked, "height")
    if not isinstance(name, str) or width is None or height is None:
        return None
    kind: Literal["svg", "png"] = asked["kind"]
    figure = paper.figure()
    high = height + read_reasons(figure)[2]  # which the screen shows beside the figure
    drawn = put_on_paper(figure, paper.imprint, width=width, height=high)
    return {
        "id": name[:64],
        "kind": kind,
        "scale": PNG_SCALE if kind == "png" else 1,
        "file": f"{paper.file_stem}.{kind}",
        "title": keep_printable(paper.imprint.heading),
        "description": keep_printable(paper.description),
        "figure": drawn.to_json(),
    }


def _read_side(asked: Mapping[str, Any], name: str) -> float | None:
    """Read a side in pixels; None where it is none."""
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if SIZES[0] <= value <= SIZES[1] else None
