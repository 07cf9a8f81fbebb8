"""A report as one HTML page: sections of text, tables and figures that opens anywhere.

It fetches nothing. All texts are shown as they stand: markup in them is escaped.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from cxrlib.charts.maps import FONT, POLICY, format_table_cells, frame_table
from cxrlib.charts.style import PALETTES, TEXT_SIZE
from cxrlib.number_text import NOTHING
from cxrlib.short_repr import short_repr

SHORT, LONG = 18, 40  # signs of a cell
# Pixels: fonts of the reader's machine can be wider than those of the program's own pages.
WIDER = 32


@dataclass(frozen=True)
class PageTable:
    """Hold a table of a report.

    Parameters
    ----------
    table : DataFrame
        Its columns' names are the headings; numbers stand at the right, missing ones as a dash.
    caption : str
        What it shows, and what the numbers mean.
    """

    table: pd.DataFrame
    caption: str = ""
    __repr__ = short_repr


@dataclass(frozen=True)
class PageFigure:
    """Hold a figure of a report.

    Parameters
    ----------
    figure : Figure
        In the light theme, of a height of its own.
    caption : str
    description : str
        The text alternative.
    """

    figure: go.Figure
    caption: str = ""
    description: str = ""


@dataclass(frozen=True)
class Section:
    """Hold one part of a report, each kind of content in this order.

    Parameters
    ----------
    title : str
    paragraphs : tuple of str
    points : tuple of str
        Shown as a list.
    figures : tuple of PageFigure
    tables : tuple of PageTable
    code : str
        A command line.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    figures: tuple[PageFigure, ...] = ()
    tables: tuple[PageTable, ...] = ()
    code: str = ""


def make_report_html(
    sections: Sequence[Section],
    *,
    title: str,
    subtitle: str,
    notice: str,
    origin: Sequence[str],
) -> str:
    """Return a report as an HTML document.

    Parameters
    ----------
    sections : sequence of Section
    title, subtitle : str
    notice : str
        Stands at the top, below each figure and at the end.
    origin : sequence of str
        Where it comes from, a line each, in small type at the end.

    Returns
    -------
    str
        The document, in the light theme: it is made to be printed as well.
    """
    palette = PALETTES["light"]
    n_before = 0
    parts = []
    for number, section in enumerate(sections, start=1):
        parts.append(_format_section(section, number, n_before, notice))
        n_before += len(section.figures)
    contents = "".join(
        f'<li><a href="#part-{number}">{html.escape(section.title)}</a></li>'
        for number, section in enumerate(sections, start=1)
    )
    return _PAGE.format(
        policy=POLICY,
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        notice=html.escape(notice),
        contents=contents,
        body="\n".join(parts),
        origin="<br>\n".join(map(html.escape, origin)),
        page=palette.page,
        ink=palette.ink,
        quiet=palette.quiet,
        grid=palette.grid,
        font=FONT,
        size=TEXT_SIZE + 2,
        small=TEXT_SIZE,
    )


def _format_section(section: Section, number: int, n_before: int, notice: str) -> str:
    figures = [
        _format_figure(figure, n_before + n, notice) for n, figure in enumerate(section.figures)
    ]
    points = "".join(f"<li>{html.escape(point)}</li>\n" for point in section.points)
    parts = [
        f'<section id="part-{number}">',
        f"<h2>{html.escape(section.title)}</h2>",
        *(f"<p>{html.escape(text)}</p>" for text in section.paragraphs),
        f"<ul>\n{points}</ul>" if points else "",
        *figures,
        *map(_format_table, section.tables),
        f"<pre>{html.escape(section.code)}</pre>" if section.code else "",
        "</section>",
    ]
    return "\n".join(filter(None, parts))


def _format_figure(figure: PageFigure, number: int, notice: str) -> str:
    """Format a figure; the first of a page brings Plotly along."""
    height = figure.figure.layout.height or 420
    fluid = go.Figure(figure.figure)
    right = fluid.layout.margin.r or 0
    fluid.update_layout(autosize=True, margin_r=right + WIDER)
    chart = fluid.to_html(
        full_html=False,
        include_plotlyjs=number == 0,
        include_mathjax=False,
        default_height=f"{height}px",
        config={"displaylogo": False, "responsive": True},
        div_id=f"figure-{number}",
    )
    told = figure.caption
    told += "" if not told or told.endswith((".", "?")) else "."
    caption = " ".join(filter(None, (told, notice)))
    label = html.escape(figure.description or figure.caption)
    return (
        f'<figure><div class="wide"><div class="chart" role="img" aria-label="{label}">{chart}'
        "</div></div>"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _format_table(part: PageTable) -> str:
    table = part.table
    right = [
        pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
        for kind in table.dtypes
    ]
    columns = [
        _format_numbers(table.iloc[:, place]) if is_right else _format_texts(table.iloc[:, place])
        for place, is_right in enumerate(right)
    ]
    kinds = ["n" if is_right else "" for is_right in right]
    head = format_table_cells([str(name) for name in table], kinds, "th scope='col'")
    rows = [
        format_table_cells(row, _list_kinds(row, kinds), "td") for row in zip(*columns, strict=True)
    ]
    return frame_table(head, rows, part.caption)


def _list_kinds(texts: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Say how cells are set: short ones unbroken, long ones with room for some words a line."""
    return [
        kind or ("s" if len(text) <= SHORT else "t" if len(text) > LONG else "")
        for text, kind in zip(texts, kinds, strict=True)
    ]


def _format_texts(column: pd.Series) -> list[str]:
    if pd.api.types.is_bool_dtype(column.dtype):
        return ["yes" if value else "no" for value in column]
    return [NOTHING if pd.isna(value) or value == "" else str(value) for value in column]


def _format_numbers(column: pd.Series) -> list[str]:
    """Format whole numbers with their thousands parted, and two decimals where one has some."""
    values = column.to_numpy(dtype="float64", na_value=math.nan)
    known = [float(value) for value in values if math.isfinite(value)]
    n_decimals = 0 if all(value.is_integer() for value in known) else 2
    return [
        # Adding nought makes of a negative one that is rounded to it a plain 0.
        f"{round(value, n_decimals) + 0.0:,.{n_decimals}f}".replace("-", "−")
        if math.isfinite(value)
        else NOTHING
        for value in values
    ]


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{title}</title>
<style>
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1100px; padding: 0 clamp(16px, 3vw, 40px) 32px;
  background: {page}; color: {ink}; font: {size}px/1.5 {font}; overflow-wrap: anywhere; }}
.notice {{ margin: 0; padding: 12px 0; font-size: {small}px; font-weight: 600; }}
header {{ border-bottom: 1px solid {grid}; }}
h1 {{ margin: 28px 0 0; font-size: 30px; line-height: 1.2; font-weight: 650; }}
.subtitle {{ margin: 6px 0 20px; font-size: 18px; color: {quiet}; }}
h2 {{ margin: 40px 0 8px; font-size: 21px; font-weight: 600; }}
p, li {{ max-width: 46em; }}
p {{ margin: 0 0 10px; }}
a {{ color: inherit; }}
nav ol {{ columns: 2; margin: 0; padding-left: 1.4em; font-size: {small}px; color: {quiet}; }}
figure {{ margin: 16px 0; min-width: 0; }}
.chart {{ min-width: 640px; }}
figcaption, caption {{ font-size: {small}px; color: {quiet}; text-align: left; }}
caption {{ padding-bottom: 6px; max-width: 60em; }}
.wide {{ overflow-x: auto; margin: 16px 0; }}
table {{ border-collapse: collapse; font-size: {small}px; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 5px 24px 5px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid {grid}; overflow-wrap: normal; }}
thead th {{ color: {quiet}; font-weight: 600; vertical-align: bottom; }}
.n {{ text-align: right; }}
.s {{ white-space: nowrap; }}
.t {{ min-width: 15em; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-size: {small}px; padding: 12px;
  border: 1px solid {grid}; }}
footer {{ margin-top: 36px; border-top: 1px solid {grid}; }}
.origin {{ max-width: none; font-size: {small}px; color: {quiet}; }}
@media (max-width: 700px) {{ nav ol {{ columns: 1; }} }}
@media print {{ section {{ break-inside: auto; }} figure, tr {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<header><p class="notice">{notice}</p></header>
<main>
<h1>{title}</h1>
<p class="subtitle">{subtitle}</p>
<nav aria-label="Contents"><ol>{contents}</ol></nav>
{body}
</main>
<footer>
<p class="notice">{notice}</p>
<p class="origin">{origin}</p>
</footer>
</body>
</html>
"""
