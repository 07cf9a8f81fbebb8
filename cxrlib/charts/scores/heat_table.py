"""Heat table: the scores of all feature sets in all held-out groups, coloured by how good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    format_fold,
    format_held_out,
    format_interval,
    format_metric,
    format_score,
    is_number,
)
from cxrlib.charts.scores.legend import EDGE, NARROW, Look, draw_key, measure_key, wrap_name
from cxrlib.charts.scores.score_rows import ScoreAxis
from cxrlib.charts.scores.series import (
    SUMMARIES,
    Series,
    describe_cell,
    list_folds,
    make_axis,
    read_classes,
    read_scores,
)
from cxrlib.charts.style import (
    PALETTES,
    STILL,
    TEXT_SIZE,
    Palette,
    Parts,
    Theme,
    contrast,
    make_empty,
    make_figure,
    mix,
    quote_text,
    text_width,
)
from cxrlib.cohort import UNKNOWN
from cxrlib.number_text import format_units

#: Pixels: of a line of text, of a cell with a number, of one with its interval below.
LINE, CELL, HIGH_CELL = 20, 30, 46
#: With more groups than this they are the rows, and feature sets the columns.
MOST_COLUMNS = 7
#: Letters of a line of a feature set's name at the left, of a group's, of a slanted name over a
#: column; with fewer in a line than HEAD they are slanted.
NAME, GROUP, SLANTED, HEAD = 24, 34, 26, 9
#: Width of a letter there, in pixels.
LETTER = 7.2
SLANT = -45
#: Share of a place that a cell takes, and how far the means stand apart.
WIDE, APART = 0.96, 0.2
#: Series whose mean, or pooled score where there is none, is in the text alternative.
MOST_TOLD = 12
#: Palest and darkest shade, as opacities.
PALEST, DARKEST = 0.08, 0.85


#: The key.
BETTER = "stronger colour: better", Look("ramp")
WORSE = "worse than chance", Look("ramp", tone="quiet")
OUT = "not estimable", Look("hatch", tone="quiet")


@dataclass(frozen=True)
class _Cell:
    """Hold a cell: its middle, its score, how it looks, its hover and customdata."""

    x: float
    y: float
    score: Cells
    tone: str
    shade: float
    words: str
    data: tuple[str, str]

    @property
    def is_scored(self) -> bool:
        return is_number(self.score.get("value"))


def plot_score_table(
    series: Sequence[Series],
    metric: str,
    *,
    folds: pd.DataFrame | None = None,
    hold_out: str = "region",
    chance: Mapping[str, float] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Plot the scores of feature sets in held-out groups as a coloured table.

    The better a score, the stronger the colour; below chance it is grey. Cells that are not
    estimable are hatched. Many groups become the rows.

    Parameters
    ----------
    series : sequence of Series
    metric : str
        A metric of `cxrlib.charts.scores.make_axis`.
    folds : DataFrame, optional
        With fold, n_positive, n_negative.
    hold_out : str, default "region"
    chance : mapping, optional
        Fold to chance where it differs.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Cells carry the series' key and the fold as customdata.
    """
    palette = PALETTES[theme]
    tables = [read_scores(each.scores, metric) for each in series]
    groups = _list_groups(tables)
    if not groups:
        return make_empty("There are no scores to show.", theme, height=160)
    is_turned = len(groups) > MOST_COLUMNS
    axis = make_axis(metric, _list_values(tables))
    maker = _CellMaker(metric, axis, hold_out, read_classes(folds), chance or {})
    along = [place + APART * (fold in SUMMARIES) for place, fold in enumerate(groups)]
    across = [float(place) for place in range(len(series))]
    cells = [
        maker.make(each, fold, table.get(fold), (down, right) if is_turned else (right, down))
        for down, each, table in zip(across, series, tables, strict=True)
        for right, fold in zip(along, groups, strict=True)
    ]
    # Not with minus signs: they would take two cells.
    has_intervals = not is_turned and axis.low == 0
    heads = [_format_head(fold, hold_out) for fold in groups]
    names = [each.name for each in series]
    if is_turned:
        layout = _lay_out(heads, names, palette, letters=GROUP, is_high=False)
        x, y = across, along
    else:
        layout = _lay_out(names, heads, palette, letters=NAME, is_high=has_intervals)
        x, y = along, across
    layout["xaxis"] |= {"tickvals": x, "range": [-0.5, x[-1] + 0.5]}
    layout["yaxis"] |= {"tickvals": y, "range": [y[-1] + 0.5, -0.5]}
    margin = layout["margin"]
    key = draw_key(_list_key(cells), margin["t"] - EDGE, margin["l"], palette)
    layout["shapes"], layout["annotations"] = key
    scored = [cell for cell in cells if cell.is_scored]
    traces = [
        _draw_cells(scored, {"color": [_paint(cell, palette) for cell in scored]}),
        _draw_cells([cell for cell in cells if not cell.is_scored], _hatch(palette)),
        _draw_numbers(cells, palette, with_interval=has_intervals),
    ]
    return make_figure(traces, layout, theme)


@dataclass(frozen=True)
class _CellMaker:
    """Make cells of a metric."""

    metric: str
    axis: ScoreAxis
    hold_out: str
    classes: Mapping[str, tuple[int, int]]
    chance: Mapping[str, float]

    def make(self, series: Series, fold: str, row: Cells | None, at: tuple[float, float]) -> _Cell:
        """Make the cell of a series and a fold; `at` is its middle."""
        row = {"reason": "no score"} if row is None else row
        level = self.chance.get(fold, self.axis.line)
        tone, shade = _shade(row, self.axis, level, is_error=self.metric == "mae")
        words = describe_cell(
            series, fold, row, self.metric, self.hold_out, self.classes, self.chance
        )
        return _Cell(*at, row, tone, shade, words, (series.key or series.name, fold))


def _list_groups(tables: Sequence[Mapping[str, Cells]]) -> list[str]:
    """List the folds without the one that only trains: no set can have a score there."""
    return [fold for fold in list_folds(tables) if fold != UNKNOWN]


def _list_values(tables: Sequence[Mapping[str, Cells]]) -> list[float]:
    return [
        float(row["value"])
        for table in tables
        for row in table.values()
        if is_number(row.get("value"))
    ]


def _shade(
    row: Cells, axis: ScoreAxis, chance: float | None, *, is_error: bool
) -> tuple[str, float]:
    """Return the tone and the shade, 0 to 1, of a score: from chance to the best or the worst."""
    if not is_number(row.get("value")):
        return "accent", 0.0
    value = float(row["value"])
    if is_error:
        return "accent", float(np.clip(1 - value / axis.high, 0, 1))
    if chance is None:
        return "accent", float(np.clip((value - axis.low) / (axis.high - axis.low), 0, 1))
    reach = max(axis.high - chance, 1e-9)
    return ("accent" if value >= chance else "quiet", float(min(abs(value - chance) / reach, 1)))


def _paint(cell: _Cell, palette: Palette) -> str:
    ink = str(getattr(palette, cell.tone))
    return mix(ink, palette.page, PALEST + (DARKEST - PALEST) * cell.shade)


def _hatch(palette: Palette) -> Parts:
    """Return the bar of what is not estimable: often most of the table, so it is faint."""
    pattern = {"shape": "/", "fgcolor": palette.grid, "size": 7, "solidity": 0.2}
    return {"color": palette.page, "pattern": pattern}


def _draw_cells(cells: Sequence[_Cell], marker: Parts) -> Parts:
    """Draw cells as bars: unlike those of a heat map they can be clicked and hatched."""
    return {
        "type": "bar",
        "x": [cell.x for cell in cells],
        "y": [WIDE] * len(cells),
        "base": [cell.y - WIDE / 2 for cell in cells],
        "width": WIDE,
        "marker": {"line": {"width": 0}, **marker},
        "hoverinfo": "text",
        "hovertext": ["<br>".join(map(quote_text, cell.words.split("\n"))) for cell in cells],
        "customdata": [list(cell.data) for cell in cells],
        **STILL,
    }


def _draw_numbers(cells: Sequence[_Cell], palette: Palette, *, with_interval: bool) -> Parts:
    """Write the numbers over the cells, in black or white."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": [cell.x for cell in cells],
        "y": [cell.y for cell in cells],
        "text": [_format_cell(cell, with_interval=with_interval) for cell in cells],
        "textfont": {
            "size": TEXT_SIZE,
            "color": [
                max("#000000", "#FFFFFF", key=lambda ink: contrast(ink, _paint(cell, palette)))
                if cell.is_scored
                else palette.quiet
                for cell in cells
            ],
        },
        "hoverinfo": "skip",
    }


def _format_cell(cell: _Cell, *, with_interval: bool) -> str:
    row = cell.score
    if not cell.is_scored:
        return "–"
    number = format_score(float(row["value"]))
    if not with_interval or not (is_number(row.get("low")) and is_number(row.get("high"))):
        return number
    return f"{number}<br>{'-'.join(format_score(float(row[end])) for end in ('low', 'high'))}"


def _format_head(fold: str, hold_out: str) -> str:
    return {"mean": "Mean", "pooled": "Pooled"}.get(fold) or format_fold(fold, hold_out)


def _list_key(cells: Sequence[_Cell]) -> list[tuple[str, Look]]:
    """Explain shades, as far as they are there."""
    tones = {cell.tone for cell in cells if cell.is_scored}
    key = [entry for entry in (BETTER, WORSE) if entry[1].tone in tones]
    return [*key, OUT] if not all(cell.is_scored for cell in cells) else key


def _lay_out(
    rows: Sequence[str], columns: Sequence[str], palette: Palette, *, letters: int, is_high: bool
) -> Parts:
    """Lay out the table: the names of rows at the left, those of columns above."""
    is_high = is_high or any(len(name) > letters for name in rows)
    names = [wrap_name(name, letters, 1 + is_high) for name in rows]
    high = HIGH_CELL if is_high else CELL
    left = EDGE + 10 + round(max(text_width(line) for lines in names for line in lines))
    letters = int((NARROW - left - EDGE) / (len(columns) + APART) / LETTER)
    is_level = letters >= HEAD
    right, head = EDGE, 0
    if is_level:
        heads = [wrap_name(name, letters, 3) for name in columns]
        head = LINE * max(map(len, heads))
    else:
        heads = [wrap_name(name, SLANTED, 1) for name in columns]
        longest = max(text_width(line) for lines in heads for line in lines)
        head = round(0.75 * longest) + LINE // 2
        # How far each reaches beyond its own column, at a width that all figures have.
        reach = (0.75 * text_width(lines[0]) - 40 * at for at, lines in enumerate(heads[::-1]))
        right = round(max(EDGE, *reach))
    top = EDGE + measure_key([BETTER, WORSE, OUT]) + head + EDGE
    shared = {"fixedrange": True, "ticks": "", "tickfont": {"color": palette.ink}}
    return {
        "height": top + high * len(rows) + EDGE + 4,
        "margin": {"l": left, "r": right, "t": top, "b": EDGE + 4, "autoexpand": False},
        "barmode": "overlay",
        "dragmode": False,
        "clickmode": "event+select",
        "showlegend": False,
        "xaxis": {
            **shared,
            "side": "top",
            "ticktext": ["<br>".join(map(quote_text, lines)) for lines in heads],
            "tickangle": 0 if is_level else SLANT,
            "ticklabeloverflow": "allow",
        },
        "yaxis": {
            **shared,
            "ticktext": ["<br>".join(map(quote_text, lines)) for lines in names],
            "ticklabelstandoff": 6,
        },
    }


def describe_score_table(series: Sequence[Series], metric: str, *, hold_out: str = "region") -> str:
    """Describe what `plot_score_table` shows: its text alternative.

    Parameters
    ----------
    series, metric, hold_out
        As of `plot_score_table`.

    Returns
    -------
    str
        Plain text.
    """
    tables = [read_scores(each.scores, metric) for each in series]
    groups = [fold for fold in list_folds(tables) if fold not in SUMMARIES]
    if not groups:
        return f"An empty table: there is no {format_metric(metric)} to show."
    cells = [table.get(fold, {}).get("value") for table in tables for fold in groups]
    n_out = sum(not is_number(value) for value in cells)
    parts = []
    for each, table in list(zip(series, tables, strict=True))[:MOST_TOLD]:
        summaries = (table.get(fold, {}) for fold in SUMMARIES)
        scored = [
            f"{name} {format_interval(row)}"
            for name, row in zip(SUMMARIES, summaries, strict=True)
            if is_number(row.get("value"))
        ]
        parts.append(f"{each.name} {scored[0] if scored else 'not estimable'}")
    rest = f"; and {len(series) - MOST_TOLD:,} more" if len(series) > MOST_TOLD else ""
    return (
        f"A table of {format_metric(metric)}, {format_units(len(series), 'feature set')} by "
        f"{format_held_out(len(groups), hold_out)}; {n_out:,} of {len(cells):,} cells are not "
        f"estimable. {'; '.join(parts)}{rest}."
    )
