"""Calibration in the large: mean prediction minus mean label, by held-out group."""

import math

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import format_held_out
from cxrlib.charts.scores.differences import Gap, describe_gaps, plot_gaps
from cxrlib.charts.style import Theme


def plot_calibration(
    table: pd.DataFrame, *, hold_out: str = "region", unit: str = "", theme: Theme = "light"
) -> go.Figure:
    """Plot how far the mean prediction is from the mean label: left too low, right too high.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.check_calibration`: fold, predicted,
        observed, difference, low, high, n_images, n_persons, reason.
    hold_out : str, default "region"
    unit : str, optional
        Of a number; of classes, shares are compared.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Marks carry the fold as customdata.
    """
    return plot_gaps(
        table.to_dict("records"), _make_gap(unit, hold_out), hold_out=hold_out, theme=theme
    )


def _make_gap(unit: str, hold_out: str) -> Gap:
    pooled = f"All {format_held_out(None, hold_out)} together"
    if unit:
        title = f"Mean predicted minus mean observed ({unit})"
        return Gap("predicted", "observed", title, "as observed", math.inf, pooled)
    title = "Mean predicted probability minus share of positives"
    return Gap("predicted", "observed", title, "as observed", pooled=pooled)


def describe_calibration(table: pd.DataFrame, *, hold_out: str = "region", unit: str = "") -> str:
    """Describe what `plot_calibration` shows: its text alternative."""
    return describe_gaps(table.to_dict("records"), _make_gap(unit, hold_out), hold_out=hold_out)
