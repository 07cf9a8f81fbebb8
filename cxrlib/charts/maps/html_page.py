"""The map as a page of its own: one HTML file that opens anywhere and fetches nothing."""

import html
import math
from collections.abc import Sequence
from datetime import date

import pandas as pd
import plotly.graph_objects as go

from cxrlib.charts.style import PALETTES, TEXT_SIZE, Theme
from cxrlib.number_text import NOTHING

#: Fonts that are on the reader's machine.
FONT = 'system-ui, "Segoe UI", "Liberation Sans", sans-serif'
MAP_QUESTION = "Where do patients move?"


def map_html(
    figure: go.Figure,
    *,
    caption: str,
    notice: str,
    description: str = "",
    theme: Theme = "light",
    title: str = "Map of chest X-rays",
    today: date | None = None,
    stops: pd.DataFrame | None = None,
    story: Sequence[str] = (),
) -> str:
    """Return a figure as an HTML document that asks nothing of the network.

    Parameters
    ----------
    figure : Figure
        Result of `plot_map`; it fills the page's width and most of the window's height.
    caption : str
        The first line stands beside the figure; the others, where it comes from, at the end in
        small type.
    notice : str
        Written at the top and at the end.
    description : str, optional
        The text alternative, from `describe_map`.
    theme : {"light", "dark"}, default "light"
        The figure's theme: its colours are fixed, so the page's are as well.
    title : str
        Names the cohort, under the page's question.
    today : date, optional
        Written at the end unless the caption says it; by default today's.
    stops : DataFrame, optional
        The paths day by day, shown as a table.
    story : sequence of str, optional
        Paragraphs beside the figure: who the patients are and how they went.

    Returns
    -------
    str
        The document. All texts are shown as they stand: markup in them is escaped.
    """
    palette = PALETTES[theme]
    about, *origin = caption.split("\n")
    written = (today or date.today()).isoformat()
    if written not in caption:
        origin.append(f"Written on {written}")
    return _PAGE.format(
        policy=POLICY,
        theme=theme,
        question=MAP_QUESTION,
        title=html.escape(title),
        page=palette.page,
        ink=palette.ink,
        quiet=palette.quiet,
        grid=palette.grid,
        font=FONT,
        size=TEXT_SIZE + 2,
        small=TEXT_SIZE,
        height=figure.layout.height or 620,
        notice=html.escape(notice),
        story=_story(story),
        description=html.escape(description or title),
        chart=_chart(figure),
        about=html.escape(about),
        stops="" if stops is None or stops.empty else _table(stops),
        origin="<br>\n".join(html.escape(line) for line in origin),
    )


def _chart(figure: go.Figure) -> str:
    """Return the figure as a part of a page, as large as the room it is given."""
    fluid = go.Figure(figure).update_layout(height=None, autosize=True)
    return fluid.to_html(
        full_html=False,
        include_plotlyjs=True,
        include_mathjax=False,
        default_height="100%",
        config={"displaylogo": False, "scrollZoom": True, "responsive": True},
        div_id="map",
    )


def _story(story: Sequence[str]) -> str:
    """Return paragraphs under a heading, nothing where there is none."""
    if not story:
        return ""
    told = "".join(f"<p>{html.escape(each)}</p>\n" for each in story)
    return f"<h2>The paths in words</h2>\n{told}"


def _table(stops: pd.DataFrame) -> str:
    """Return a table, numbers to the right, a dash where nothing is recorded."""
    numeric = [pd.api.types.is_numeric_dtype(stops[name]) for name in stops]
    columns = [
        _numbers(stops[name]) if right else [_cell(value) for value in stops[name]]
        for name, right in zip(stops, numeric, strict=True)
    ]
    kinds = ["n" if right else "" for right in numeric]
    head = format_table_cells([_heading(name) for name in stops], kinds, "th scope='col'")
    lines = [format_table_cells(row, kinds, "td") for row in zip(*columns, strict=True)]
    return f"<h2>The paths, day by day</h2>\n{frame_table(head, lines)}"


def format_table_cells(texts: Sequence[str], kinds: Sequence[str], tag: str) -> str:
    """Write the cells of one row, escaped, each with the class that says how it is set."""
    end = tag.split(maxsplit=1)[0]
    return "".join(
        f"<{tag}{f' class={kind}' if kind else ''}>{html.escape(text)}</{end}>"
        for text, kind in zip(texts, kinds, strict=True)
    )


def frame_table(head: str, lines: Sequence[str], caption: str = "") -> str:
    """Put rows of cells into a table that scrolls by itself where the page is narrow.

    Parameters
    ----------
    head : str
    lines : sequence of str
        As `format_table_cells` writes them.
    caption : str
        Plain text.
    """
    rows = "\n".join(f"<tr>{line}</tr>" for line in lines)
    words = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{words}\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _numbers(column: pd.Series) -> list[str]:
    """Return numbers with as many decimals as one of them needs, two at most."""
    values = column.to_numpy(dtype="float64", na_value=float("nan"))
    known = [float(value) for value in values if math.isfinite(value)]
    n_decimals = max((_decimals(value) for value in known), default=0)
    return [
        f"{value:,.{n_decimals}f}".replace("-", "−") if math.isfinite(value) else NOTHING
        for value in values
    ]


def _decimals(value: float) -> int:
    """Count the decimals a number needs, two at most."""
    return next((n for n in (0, 1) if math.isclose(value, round(value, n))), 2)


def _cell(value: object) -> str:
    """Return a value as text, a dash where there is none."""
    is_blank = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    return NOTHING if is_blank else str(value)


def _heading(name: object) -> str:
    """Return a column's name as words: n_images is "Images", patient_id is "Patient"."""
    words = str(name).removeprefix("n_").removesuffix("_id").replace("_", " ")
    return words[:1].upper() + words[1:]


#: Lets the browser run what is in a file and fetch nothing. Plotly's WebGL marks compile their
#: drawing functions at run time, hence "unsafe-eval".
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{theme}">
<title>{question} {title}</title>
<style>
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1400px; padding: 0 clamp(16px, 3vw, 40px) 32px;
  background: {page}; color: {ink}; font: {size}px/1.5 {font}; overflow-wrap: anywhere; }}
.notice {{ margin: 0; padding: 12px 0; font-size: {small}px; font-weight: 600; }}
header {{ border-bottom: 1px solid {grid}; }}
h1 {{ margin: 28px 0 0; font-size: 32px; line-height: 1.2; font-weight: 650; }}
.title {{ margin: 6px 0 20px; font-size: 19px; color: {quiet}; }}
h2 {{ margin: 36px 0 8px; font-size: 21px; font-weight: 600; }}
p {{ max-width: 50em; margin: 0 0 10px; }}
.map {{ height: clamp({height}px, 82vh, 1000px); min-width: 0; }}
@media (min-width: 1100px) {{
  .beside {{ display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 3fr); gap: 32px; }}
  aside h2:first-child {{ margin-top: 8px; }}
}}
.about {{ font-size: {small}px; color: {quiet}; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: {small}px; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 5px 28px 5px 0; text-align: left; border-bottom: 1px solid {grid}; }}
thead th {{ color: {quiet}; font-weight: 600; vertical-align: bottom; }}
th, td {{ overflow-wrap: normal; }}
.n {{ text-align: right; }}
footer {{ margin-top: 36px; border-top: 1px solid {grid}; }}
.origin {{ max-width: none; font-size: {small}px; color: {quiet}; }}
@media print {{ .map {{ height: {height}px; }} }}
</style>
</head>
<body>
<header><p class="notice">{notice}</p></header>
<main>
<h1>{question}</h1>
<p class="title">{title}</p>
<div class="beside">
<div class="map" role="img" aria-label="{description}">{chart}</div>
<aside>
{story}<h2>About this map</h2>
<p class="about">{about}</p>
</aside>
</div>
{stops}
</main>
<footer>
<p class="notice">{notice}</p>
<p class="origin">{origin}</p>
</footer>
</body>
</html>
"""
