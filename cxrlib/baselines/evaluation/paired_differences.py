"""Paired differences: two evaluations of the same images over the same resamples."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.fold_scores import (
    FoldDraws,
    average_draws,
    draw_scores,
    pool_draws,
)
from cxrlib.baselines.evaluation.groupings import format_held_out, list_groups
from cxrlib.baselines.evaluation.intervals import subtract_estimates
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.scores import MEAN, POOLED, POOLED_METRICS, list_metrics
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

DIFFERENCE_COLUMNS = (
    *("fold", "metric", "difference", "low", "high", "n_used", "n_dropped", "reason"),
)


_Drawn = Mapping[str, FoldDraws]


def compare_results(first: LocoResult, second: LocoResult) -> pd.DataFrame:
    """Compare two evaluations of the same images: differences of scores over the same resamples.

    Prefer it to looking whether two intervals overlap: both models meet the same people, so that
    their scores rise and fall together.

    Parameters
    ----------
    first, second : LocoResult
        Of one task over the same images, held out alike. Features and protocol may differ; of
        the first come seed and number of resamples.

    Returns
    -------
    DataFrame
        fold, metric, difference (first less second), low, high, n_used, n_dropped, reason: why
        there is no difference or no interval. Groups, then "mean" over those scored in both,
        then "pooled".

    Raises
    ------
    SelectionError
        If they are not of the same images, labels and groups.
    """
    _check_same(first, second)
    settings = first.settings
    cases = [read_cases(result) for result in (first, second)]
    draws = [
        {
            name: draw_scores(case, settings.n_resamples, settings.seed)
            for name, case in each.items()
            if name in cases[0] and name in cases[1]
        }
        for each in cases
    ]
    rows = list(_compare_rows(first, second, (draws[0], draws[1])))
    return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))


def _check_same(first: LocoResult, second: LocoResult) -> None:
    """Refuse to compare what is not of the same images, labels and groups."""
    if first.settings.hold_out != second.settings.hold_out:
        held = [format_held_out(None, each.settings.hold_out) for each in (first, second)]
        raise SelectionError(
            f"One evaluation holds out {held[0]}, the other {held[1]}: a paired difference needs "
            "the same folds."
        )
    tables = [_describe_rows(result) for result in (first, second)]
    if first.rows.task.column != second.rows.task.column or not tables[0].equals(tables[1]):
        raise SelectionError(
            f"The evaluations differ: {format_units(len(tables[0]), 'image')} of task "
            f"{first.rows.task.title!r} and {format_units(len(tables[1]), 'image')} of task "
            f"{second.rows.task.title!r}. A paired difference needs the same images, labels, "
            "persons and groups. Use only images that have both feature sets."
        )


def _describe_rows(result: LocoResult) -> pd.DataFrame:
    """Take what must be the same of each image."""
    table = result.rows.table
    group = list_groups(table, result.settings.hold_out)
    return table[["image_id", "person_id", "y"]].assign(group=group)


def _compare_rows(
    first: LocoResult, second: LocoResult, draws: tuple[_Drawn, _Drawn]
) -> Iterator[dict[str, object]]:
    """Give the rows of the table of differences."""
    reasons = _list_reasons(first) | _list_reasons(second)
    needed = max(result.settings.protocol.fewest_folds for result in (first, second))
    means = []
    for metric in list_metrics(first.rows.task.kind, first.rows.task.event):
        scored = []
        for name in first.folds["fold"]:
            if reason := reasons.get((name, metric), ""):
                yield _make_row(name, metric, reason=reason)
                continue
            scored.append(name)
            both = (each[name].estimate(metric) for each in draws)
            yield _make_row(name, metric, subtract_estimates(*both))
        if len(scored) >= needed:
            both = (average_draws([each[name] for name in scored], metric)[0] for each in draws)
            means.append(_make_row(MEAN, metric, subtract_estimates(*both)))
        else:
            by = format_held_out(len(scored), first.settings.hold_out)
            reason = f"{by} with both scores: a mean needs {needed}."
            means.append(_make_row(MEAN, metric, reason=reason))
    yield from means
    yield _compare_pooled(first, draws, reasons)


def _list_reasons(result: LocoResult) -> dict[tuple[str, str], str]:
    """List why groups have no score, by group and metric."""
    missing = result.scores[result.scores["value"].isna()]
    keys = zip(missing["fold"], missing["metric"], strict=True)
    return dict(zip(keys, missing["reason"], strict=True))


def _compare_pooled(
    first: LocoResult, draws: tuple[_Drawn, _Drawn], reasons: Mapping[tuple[str, str], str]
) -> dict[str, object]:
    """Give the difference of the pairs within groups."""
    metric = POOLED_METRICS[first.rows.task.kind]
    names = [name for name, each in draws[0].items() if each.pairs[1] > 0]
    if not names:
        reason = f"No {first.settings.group} was tested in both."
        return _make_row(POOLED, metric, reason=reason)
    if reason := reasons.get((POOLED, metric), ""):
        return _make_row(POOLED, metric, reason=reason)
    both = (pool_draws([each[name] for name in names]) for each in draws)
    return _make_row(POOLED, metric, subtract_estimates(*both))


def _make_row(
    fold: str, metric: str, cells: Mapping[str, object] | None = None, *, reason: str = ""
) -> dict[str, object]:
    """Give a row of the table of differences."""
    empty = {"difference": np.nan, "low": np.nan, "high": np.nan, "n_used": 0, "n_dropped": 0}
    return {"fold": fold, "metric": metric, **empty, "reason": reason, **(cells or {})}
