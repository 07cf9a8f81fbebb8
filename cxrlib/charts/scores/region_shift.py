"""Region shift: the same images predicted by models from inside and outside their region."""

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import format_metric
from cxrlib.charts.scores.differences import Gap, describe_gaps, plot_gaps
from cxrlib.charts.style import Theme


def plot_region_shift(
    table: pd.DataFrame,
    repeats: pd.DataFrame | None = None,
    *,
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot how much better a model from the same region is than one from other regions.

    Parameters
    ----------
    table : DataFrame
        Of `cxrlib.baselines.evaluation.RegionShift`: fold, metric, outside, inside,
        difference, low, high, n_images, n_persons, reason.
    repeats : DataFrame, optional
        Of the same: fold, repeat, outside, inside; each is a thin mark.
    hold_out : str, default "region"
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Marks carry the fold as customdata.
    """
    single: dict[str, list[float]] = {}
    if repeats is not None:
        gaps = repeats["inside"].astype(float) - repeats["outside"].astype(float)
        for fold, value in zip(repeats["fold"], gaps, strict=True):
            single.setdefault(str(fold), []).append(float(value))
    rows = table.to_dict("records")
    gap = _make_gap(table, hold_out)
    return plot_gaps(rows, gap, hold_out=hold_out, repeats=single, theme=theme)


def _make_gap(table: pd.DataFrame, hold_out: str) -> Gap:
    metric = format_metric(str(table["metric"].iloc[0])) if len(table) else "score"
    title = f"{metric[:1].upper()}{metric[1:]}, trained inside minus outside the {hold_out}"
    return Gap("inside", "outside", title, "no difference")


def describe_region_shift(table: pd.DataFrame, *, hold_out: str = "region") -> str:
    """Describe what `plot_region_shift` shows: its text alternative."""
    return describe_gaps(table.to_dict("records"), _make_gap(table, hold_out), hold_out=hold_out)
