"""Decision curve: net benefit of acting on predictions, on all images, and on none."""

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import POOLED, Cells, format_score, read_reason
from cxrlib.charts.scores.line_chart import (
    Axes,
    Line,
    Look,
    Mark,
    format_bounded,
    name_all,
    plot_lines,
)
from cxrlib.charts.style import PALETTES, Theme

_TOLD = (0.1, 0.2, 0.3, 0.5)


def plot_net_benefit(
    table: pd.DataFrame,
    fold: str = POOLED,
    *,
    event: str = "the class",
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot the net benefit of a group, or of all test images together.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.compute_net_benefit`.
    fold : str, default "pooled"
    event : str
        Words of the class that is looked for.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    palette, own = PALETTES[theme], _take(table, fold)
    name = name_all(fold, hold_out)
    if own.empty:
        return plot_lines([], Axes("", ""), theme=theme)
    x = own["threshold"].tolist()
    band = list(own[["threshold", "low", "high"]].itertuples(index=False, name=None))
    marks = [
        Mark(row["threshold"], row["model"], _format_row(row))
        for row in own[own["threshold"].round(2).isin(_TOLD)].to_dict("records")
    ]
    lines = [
        Line(
            f"{name}: act where the model says so",
            Look(palette.accent, "solid", "square", 3.0),
            x,
            own["model"].tolist(),
            marks=marks,
            band=band,
        ),
        Line("act on all images", Look(palette.ink, "dash"), x, own["treat_all"].tolist()),
        Line("act on none", Look(palette.quiet, "dot"), x, own["treat_none"].tolist()),
    ]
    most = max(own["treat_all"].max(), own["model"].max(), own["high"].max(), 0.05)
    axes = Axes(
        f"Threshold on the probability of {event!r}",
        "Net benefit per image",
        (0, float(own["threshold"].max()) + 0.01),
        (-0.3 * most, 1.06 * most),
    )
    return plot_lines(lines, axes, theme=theme)


def _take(table: pd.DataFrame, fold: str) -> pd.DataFrame:
    return table[(table["fold"] == fold) & table["model"].notna()].astype({"model": float})


def _format_row(row: Cells) -> str:
    benefit = format_bounded(row["model"], row["low"], row["high"])
    return (
        f"Threshold {format_score(row['threshold'])}\nnet benefit {benefit}\n"
        f"of acting on all {format_score(row['treat_all'])}"
    )


def describe_net_benefit(
    table: pd.DataFrame, fold: str = POOLED, *, hold_out: str = "region"
) -> str:
    """Describe what `plot_net_benefit` shows: its text alternative."""
    own = _take(table, fold)
    name = name_all(fold, hold_out)
    if own.empty:
        rows = table[table["fold"] == fold].to_dict("records")
        reason = read_reason(rows[0]) if rows else "no such group"
        return f"Net benefit of {name}: not estimable ({reason})."
    told = own[own["threshold"].round(2).isin(_TOLD)].to_dict("records")
    parts = [_format_row(row).replace("\n", ", ") for row in told]
    return f"Decision curve, {name}. {'. '.join(parts)}."
