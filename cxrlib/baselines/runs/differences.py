"""Paired differences in words: which of a table stands for the whole run, and how it is written."""

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation import (
    MEAN,
    POOLED,
    Cells,
    LocoResult,
    choose_headline,
    format_interval,
    name_group,
)


def find_headline(table: pd.DataFrame, metric: str) -> Cells | str:
    """Find the difference that stands for a run: of the mean over groups, or else of the pooled.

    Parameters
    ----------
    table : DataFrame
        fold, metric, difference and reason.
    metric : str

    Returns
    -------
    mapping or str
        The row, or the reason why there is none.
    """
    rows = table[(table["fold"] == POOLED) | (table["metric"] == metric)]
    fold = choose_headline(rows.assign(value=rows["difference"]), metric)
    if fold:
        found = rows[(rows["fold"] == fold) & rows["difference"].notna()]
        return found.to_dict("records")[0]
    reasons = [reason for reason in rows["reason"] if reason]
    return str(reasons[-1]) if reasons else "no group has both scores."


def format_change(row: Cells) -> str:
    """Write a difference with its sign and its interval.

    Examples
    --------
    >>> format_change({"difference": 0.04, "low": -0.01, "high": 0.09})
    '+0.04 (−0.01 to 0.09)'
    """
    cells: Cells = {**row, "value": row["difference"]}
    words = format_interval(cells, with_sd=False)
    return f"+{words}" if round(float(row["difference"]), 2) > 0 else words


def format_over(row: Cells, hold_out: str) -> str:
    """Say whether a row is of the mean over groups or pooled; of one cohort it is neither.

    Examples
    --------
    >>> format_over({"fold": "pooled"}, "region")
    'pooled'
    """
    if row["fold"] == MEAN:
        return "mean"
    return "on the cohort tested" if name_group(hold_out) == "cohort" else "pooled"


def look_up_scores(result: LocoResult, table: pd.DataFrame) -> list[float]:
    """Give the score of an evaluation for each row of a table of differences; NaN for none."""
    keys = zip(result.scores["fold"], result.scores["metric"], strict=True)
    values = dict(zip(keys, result.scores["value"].astype(float), strict=True))
    pairs = zip(table["fold"], table["metric"], strict=True)
    return [values.get(pair, np.nan) for pair in pairs]
