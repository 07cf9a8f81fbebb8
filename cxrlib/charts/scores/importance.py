"""What a model goes by: coefficients, or losses by permutation, the largest first."""

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import MEAN, Cells, format_score, is_number, read_reason
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.line_chart import format_bounded
from cxrlib.charts.scores.score_rows import (
    ScoreAxis,
    ScoreMark,
    ScoreRow,
    make_mark,
    plot_score_rows,
)
from cxrlib.charts.style import Theme

MOST_ROWS = 15
OWN, ALL = Look("line-ns", tone="quiet", size=14), Look("square")
TITLES = {
    "coefficient": "Change per standard deviation",
    "permutation": "Loss of the pooled score",
}


def plot_importance(
    table: pd.DataFrame,
    *,
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot the most important features with intervals, and each held-out group's own value.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.compute_importance`.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    means = table[table["fold"] == MEAN].head(MOST_ROWS).to_dict("records")
    rows = [_make_row(row, table) for row in means]
    ends = [abs(mark.value) for row in rows for mark in row.marks]
    ends += [
        abs(float(row[end])) for row in means for end in ("low", "high") if is_number(row[end])
    ]
    reach = 1.06 * max([*ends, 0.01])
    title = TITLES[str(means[0]["kind"])]
    axis = ScoreAxis(title, -reach, reach, line=0.0, line_name="no effect")
    key = [("mean over groups", ALL), (f"one {hold_out} held out", OWN)]
    return plot_score_rows(rows, axis, key=key, theme=theme)


def _make_row(row: Cells, table: pd.DataFrame) -> ScoreRow:
    name = str(row["feature"])
    own = table[(table["feature"] == name) & (table["fold"] != MEAN)].to_dict("records")
    marks = [
        ScoreMark(
            float(each["value"]),
            OWN,
            f"{name}\nwithout {each['fold']}: {format_score(each['value'])}",
        )
        for each in own
        if is_number(each["value"])
    ]
    numbers = (_format_value(row), _format_signs(row))
    words = "\n".join(filter(None, (name, *numbers, read_reason(row))))
    return ScoreRow(name, (*marks, make_mark(row, ALL, words, ())), numbers)


def _format_value(row: Cells) -> str:
    return format_bounded(row["value"], row["low"], row["high"])


def _format_signs(row: Cells) -> str:
    return f"same sign in {int(row['n_same_sign'])} of {int(row['n_folds'])}"


def describe_importance(table: pd.DataFrame) -> str:
    """Describe what `plot_importance` shows: its text alternative."""
    means = table[table["fold"] == MEAN].head(MOST_ROWS).to_dict("records")
    parts = [f"{row['feature']} {_format_value(row)}, {_format_signs(row)}" for row in means]
    return f"{TITLES[str(means[0]['kind'])]}: {'; '.join(parts)}."
