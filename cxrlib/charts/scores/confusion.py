"""Sensitivity and specificity of each held-out group at a threshold."""

import math

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import POOLED, Cells, is_number, read_reason
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.line_chart import format_bounded, name_all
from cxrlib.charts.scores.score_rows import ScoreAxis, ScoreMark, ScoreRow, plot_score_rows
from cxrlib.charts.style import Theme
from cxrlib.number_text import format_units

RATES = (
    ("sensitivity", "Sensitivity", "found", "missed", Look("square")),
    ("specificity", "Specificity", "passed", "false_alarms", Look("pentagon", tone="ink", size=13)),
)


def plot_confusion(
    table: pd.DataFrame, *, hold_out: str = "region", theme: Theme = "light"
) -> go.Figure:
    """Plot sensitivity and specificity with their intervals, by group and in all.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.confuse`.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    rows: list[ScoreRow] = []
    below = []
    for row in table.to_dict("records"):
        name = name_all(str(row["fold"]), hold_out)
        if read_reason(row):
            below.append(ScoreRow(name, reason=f"{_format_cells(row)}: {read_reason(row)}"))
            continue
        counts = format_units(int(row["n_persons"]), "person")
        is_apart = row["fold"] == POOLED and bool(rows)
        rows.append(ScoreRow(name, numbers=(counts,), is_heading=True, is_apart=is_apart))
        rows += [_make_row(row, *rate) for rate in RATES]
    axis = ScoreAxis("Share of images, 95 % interval", 0.0, 1.0)
    return plot_score_rows(rows, axis, below=below, theme=theme)


def _make_row(row: Cells, rate: str, title: str, right: str, wrong: str, look: Look) -> ScoreRow:
    numbers = (_format_rate(row, rate), _count(row, right, wrong))
    if not is_number(row[rate]):
        return ScoreRow(title, reason="no image", is_indented=True)
    ends = {
        end: float(row[f"{rate}_{end}"]) if is_number(row[f"{rate}_{end}"]) else math.nan
        for end in ("low", "high")
    }
    words = "\n".join((title, *numbers))
    mark = ScoreMark(float(row[rate]), look, words, ends["low"], ends["high"])
    return ScoreRow(title, (mark,), numbers, is_indented=True)


def _format_rate(row: Cells, rate: str) -> str:
    return format_bounded(row[rate], row[f"{rate}_low"], row[f"{rate}_high"])


def _count(row: Cells, right: str, wrong: str) -> str:
    return f"{int(row[right]):,} of {format_units(int(row[right]) + int(row[wrong]), 'image')}"


def _format_cells(row: Cells) -> str:
    return f"found {_count(row, 'found', 'missed')}, passed {_count(row, 'passed', 'false_alarms')}"


def describe_confusion(table: pd.DataFrame, *, hold_out: str = "region") -> str:
    """Describe what `plot_confusion` shows: its text alternative."""
    parts = []
    for row in table.to_dict("records"):
        name = name_all(str(row["fold"]), hold_out)
        if read_reason(row):
            parts.append(f"{name} {_format_cells(row)}, no rates ({read_reason(row)})")
            continue
        rates = ", ".join(
            f"{rate} {_format_rate(row, rate)} ({_count(row, right, wrong)})"
            for rate, _, right, wrong, _ in RATES
        )
        parts.append(f"{name} {rates}")
    return f"Sensitivity and specificity by held-out {hold_out}: {'; '.join(parts)}."
