"""Learning curve: the pooled score against the number of training persons."""

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    format_metric,
    format_score,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.line_chart import (
    Axes,
    Line,
    Look,
    Mark,
    format_bounded,
    make_reference,
    plot_lines,
)
from cxrlib.charts.style import PALETTES, Theme


def plot_learning_curve(
    table: pd.DataFrame, *, hold_out: str = "region", theme: Theme = "light"
) -> go.Figure:
    """Plot the mean score of each share of the training persons with its interval, and repeats.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.compute_learning_curve`.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    palette = PALETTES[theme]
    means = table[(table["repeat"] == 0) & table["value"].notna()]
    repeats = table[(table["repeat"] > 0) & table["value"].notna()]
    if means.empty:
        return plot_lines([], Axes("", ""), theme=theme)
    most = float(means["n_train_persons"].max()) * 1.04
    metric = format_metric(str(table["metric"].iloc[0]))
    rows = means.to_dict("records")
    lines = [
        make_reference("chance", (0, most), (0.5, 0.5), palette),
        Line(
            "a repeat, other persons drawn",
            Look(palette.quiet, symbol="line-ew-open"),
            marks=[
                Mark(
                    row["n_train_persons"], row["value"], f"a repeat: {format_score(row['value'])}"
                )
                for row in repeats.to_dict("records")
            ],
        ),
        Line(
            f"{metric} within {hold_out}, mean over repeats",
            Look(palette.accent, "solid", "square", 2.5),
            means["n_train_persons"].tolist(),
            means["value"].tolist(),
            marks=[_mark(row) for row in rows],
        ),
    ]
    title = "Training persons, mean over held-out groups"
    axes = Axes(title, metric[:1].upper() + metric[1:], (0, most))
    return plot_lines(lines, axes, theme=theme)


def _mark(row: Cells) -> Mark:
    words = f"{row['n_train_persons']:.0f} training persons\n{_format(row)}"
    return Mark(row["n_train_persons"], row["value"], words, row["low"], row["high"])


def _format(row: Cells) -> str:
    return format_bounded(row["value"], row["low"], row["high"])


def describe_learning_curve_figure(table: pd.DataFrame, *, hold_out: str = "region") -> str:
    """Describe what `plot_learning_curve` shows: its text alternative."""
    rows = table[table["repeat"] == 0].to_dict("records")
    parts = [
        f"{row['n_train_persons']:.0f} persons {_format(row)}"
        for row in rows
        if is_number(row["value"])
    ]
    metric = format_metric(str(rows[0]["metric"]))
    told = "; ".join(parts) or f"not estimable ({read_reason(rows[0])})"
    return f"{metric} within {hold_out} by number of training persons: {told}."
