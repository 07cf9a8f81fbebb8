"""The map as a page of its own: one HTML file that opens anywhere and fetches nothing."""

import html
from datetime import date

import plotly.graph_objects as go

from cxrlib.charts.palette import PALETTES, Theme
from cxrlib.charts.template import FONT, TEXT_SIZE

__all__ = ["map_html"]


def map_html(
    figure: go.Figure,
    *,
    caption: str,
    notice: str,
    description: str = "",
    theme: Theme = "light",
    title: str = "Map of chest X-rays",
    today: date | None = None,
) -> str:
    """Return a figure as an HTML document that asks nothing of the network.

    Parameters
    ----------
    figure : Figure
        Result of `plot_map`.
    caption, notice : str
        Written under the figure; lines of the caption stay lines.
    description : str, optional
        The text alternative, from `describe_map`.
    theme : {"light", "dark"}, default "light"
        The figure's theme.
    title : str
        Of the document.
    today : date, optional
        Written at the end; by default today's.
    """
    palette = PALETTES[theme]
    chart = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        include_mathjax=False,
        config={"displaylogo": False, "scrollZoom": True, "responsive": True},
        div_id="map",
    )
    return _PAGE.format(
        theme=theme,
        title=html.escape(title),
        page=palette.page,
        ink=palette.ink,
        quiet=palette.quiet,
        font=FONT,
        size=TEXT_SIZE + 2,
        description=html.escape(description or title),
        chart=chart,
        caption=html.escape(caption),
        notice=html.escape(notice),
        written=(today or date.today()).isoformat(),
    )


#: The policy lets the browser run what is in the file and fetch nothing. Plotly's WebGL marks
#: compile their drawing functions at run time, hence "unsafe-eval".
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{theme}">
<title>{title}</title>
<style>
body {{ margin: 0 auto; max-width: 1400px; padding: 24px 32px; background: {page};
  color: {ink}; font: {size}px/1.5 {font}; }}
figure {{ margin: 0; }}
figcaption {{ margin-top: 12px; max-width: 75em; color: {quiet}; white-space: pre-line; }}
footer {{ margin-top: 12px; }}
</style>
</head>
<body>
<figure>
<div role="img" aria-label="{description}">{chart}</div>
<figcaption>{caption}</figcaption>
</figure>
<footer><strong>{notice}</strong> {written}</footer>
</body>
</html>
"""
