"""Two evaluations on the images that both predict: what is scored of different rows, compared.

Models stay as they were trained, each on its own images; only the test images are narrowed. So
what is left out changes a score by the images it is of, never by what was learnt.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    FoldDraws,
    average_draws,
    draw_scores,
    pool_draws,
    refuse_pooled,
)
from cxrlib.baselines.evaluation.folds import Labels, refuse_score, refuse_test
from cxrlib.baselines.evaluation.loco_result import SCORE_COLUMNS, LocoResult, read_cases
from cxrlib.baselines.evaluation.scores import MEAN, POOLED, POOLED_METRICS, list_metrics
from cxrlib.baselines.tasks import narrow_rows

_NO_IMAGE = "None of its images is in both runs."


def keep_shared(first: LocoResult, second: LocoResult) -> tuple[LocoResult, LocoResult]:
    """Keep the images that two evaluations have in common.

    Returns
    -------
    tuple of LocoResult
        The first and the second on the images that are in the rows of both; of these, those that
        both predict are scored. Values and reasons are computed anew, intervals are not.
    """
    rows = [set(result.rows.table["image_id"]) for result in (first, second)]
    tested = [set(result.predictions["image_id"]) for result in (first, second)]
    if rows[0] == rows[1] and tested[0] == tested[1]:
        return first, second
    shared, both = rows[0] & rows[1], tested[0] & tested[1]
    return keep_images(first, shared, both), keep_images(second, shared, both)


def keep_images(
    result: LocoResult, image_ids: Collection[str], tested: Collection[str]
) -> LocoResult:
    """Keep some images of an evaluation, and score the predictions that are left.

    Parameters
    ----------
    result : LocoResult
    image_ids : collection of str
        Rows to keep.
    tested : collection of str
        Predictions to keep.

    Returns
    -------
    LocoResult
        Its scores have no intervals.
    """
    ids = result.rows.table["image_id"]
    reasons = [None if each in image_ids else "not in both runs" for each in ids]
    narrowed = replace(
        result,
        rows=narrow_rows(result.rows, reasons, step="in both runs", title="In both runs"),
        predictions=result.predictions[
            result.predictions["image_id"].isin(set(tested))
        ].reset_index(drop=True),
    )
    cases = read_cases(narrowed)
    folds = _count_folds(result, cases)
    return replace(narrowed, folds=folds, scores=_score(result, folds, cases))


def _count_folds(result: LocoResult, cases: dict[str, FoldCase]) -> pd.DataFrame:
    """Count what is left to test of each group; what trained stays as it was."""
    task = result.rows.task
    counts = []
    for fold in result.folds.to_dict("records"):
        case = cases.get(str(fold["fold"]))
        y, persons = (np.empty(0), np.empty(0)) if case is None else (case.y, case.persons)
        reason = str(fold["reason"])
        if not reason:
            labels = Labels(y, task.kind == "classes", task.positive, task.negative)
            reason = _refuse(str(fold["fold"]), persons, labels, result)
        count: dict[str, object] = {"n_images": len(y), "n_persons": len(set(persons))}
        for name, value in (("positive", 1), ("negative", 0)):
            is_it = y == value
            count[f"n_{name}"] = int(is_it.sum())
            count[f"n_{name}_persons"] = len(set(persons[is_it]))
        is_tested = bool(fold["is_tested"]) and case is not None
        state = {"is_tested": is_tested, "is_scored": not reason, "reason": reason}
        counts.append({str(name): cell for name, cell in fold.items()} | count | state)
    return pd.DataFrame(counts, columns=list(result.folds.columns))


def _refuse(name: str, persons: np.ndarray, labels: Labels, result: LocoResult) -> str:
    """Say why what is left of a group has no score, or nothing."""
    if not len(labels.y):
        return _NO_IMAGE
    reason = refuse_test(name, np.arange(len(labels.y)), labels)
    fewest = result.settings.protocol.fewest_persons
    return reason or refuse_score(persons, labels.y, labels, fewest)


def _score(result: LocoResult, folds: pd.DataFrame, cases: dict[str, FoldCase]) -> pd.DataFrame:
    """Score what is left, row by row as the evaluation has them; without intervals."""
    draws = {name: draw_scores(case, 0, result.settings.seed) for name, case in cases.items()}
    reasons = dict(zip(folds["fold"], folds["reason"], strict=True))
    former = result.scores[result.scores["value"].isna()]
    keys = zip(former["fold"], former["metric"], strict=True)
    unscored = dict(zip(keys, former["reason"], strict=True))
    task, rows, means = result.rows.task, [], []
    for metric in list_metrics(task.kind, task.event):
        scored = []
        for fold in folds["fold"]:
            reason = reasons[fold] or unscored.get((fold, metric), "")
            parts = {} if reason else {fold: draws[fold]}
            value = np.nan if reason else float(draws[fold].by_seed[metric].mean())
            if not reason and np.isnan(value):
                reason = "Constant on the images of both runs: no score."
            elif not reason:
                scored.append(fold)
            rows.append(_make_row(fold, metric, value, reason, parts, cases))
        means.append(_average(result, metric, {name: draws[name] for name in scored}, cases))
    paired = {name: each for name, each in draws.items() if each.pairs[1] > 0}
    rows = [*rows, *means, _pool(result, paired, cases)]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _average(
    result: LocoResult, metric: str, parts: dict[str, FoldDraws], cases: dict[str, FoldCase]
) -> dict[str, object]:
    """Give the row of a mean over groups."""
    needed = result.settings.protocol.fewest_folds
    if len(parts) < needed:
        reason = f"{len(parts)} groups with a score on the images of both: a mean needs {needed}."
        return _make_row(MEAN, metric, np.nan, reason, parts, cases)
    estimate, _ = average_draws(list(parts.values()), metric)
    return _make_row(MEAN, metric, estimate.value, "", parts, cases)


def _pool(
    result: LocoResult, parts: dict[str, FoldDraws], cases: dict[str, FoldCase]
) -> dict[str, object]:
    """Give the row of the pairs within groups."""
    metric = POOLED_METRICS[result.rows.task.kind]
    reason = "" if parts else "No group has two images with different labels in both runs."
    if parts and result.settings.protocol.fewest_persons:
        reason = refuse_pooled(list(parts.values()))
    value = np.nan if reason else pool_draws(list(parts.values())).value
    return _make_row(POOLED, metric, value, reason, parts, cases)


def _make_row(
    fold: str,
    metric: str,
    value: float,
    reason: str,
    parts: dict[str, FoldDraws],
    cases: dict[str, FoldCase],
) -> dict[str, object]:
    """Give a row of the table of scores."""
    of = [cases[name] for name in parts]
    return {
        "fold": fold,
        "metric": metric,
        "value": value,
        **dict.fromkeys(("sd", "low", "high"), np.nan),
        "n_images": sum(len(case.y) for case in of),
        "n_persons": len({person for case in of for person in case.persons}),
        "n_folds": len(of),
        "n_used": 0,
        "n_dropped": 0,
        "reason": reason,
    }
