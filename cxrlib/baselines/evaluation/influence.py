"""Influence: how a score changes when a person is left out.

The models stay as they are; only what is scored changes. A score that one person moves far is a
score of that person.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.loco_result import (
    LocoResult,
    read_cases,
    take_first_dealing,
)
from cxrlib.baselines.evaluation.scores import MEAN, POOLED, POOLED_METRICS, list_metrics, sum_pairs
from cxrlib.errors import SelectionError

_COLUMNS = (
    *("person_id", "patient_ids", "fold", "n_images", "n_positive"),
    *("score", "without", "change", "reason"),
)
_NO_SCORE = "No score without this person: one class or too few images remain."


def find_influence(result: LocoResult, metric: str | None = None, of: str = POOLED) -> pd.DataFrame:
    """Leave each tested person out of a score in turn, without fitting again.

    Parameters
    ----------
    result : LocoResult
    metric : str, optional
        Of the task; the first one by default. The pooled score has only its own.
    of : str, default "pooled"
        "pooled", "mean", or the name of a held-out group.

    Returns
    -------
    DataFrame
        A row a person, the largest change first: person_id, ``patient_ids`` (the ids recorded),
        ``fold`` (the groups the person's images are in), n_images, ``n_positive`` (missing for
        numbers), ``score`` (with everybody), ``without``, ``change`` (without less with) and
        ``reason``: why there is no change, "" else.

    Raises
    ------
    SelectionError
        If there is no such score or group.
    """
    metric = _check(result, metric, of)
    folds = result.folds["fold"][result.folds["is_tested" if of == POOLED else "is_scored"]]
    names = [name for name in folds if of in (POOLED, MEAN, name)]
    first = take_first_dealing(result.predictions)
    tested = first[first["fold"].isin(names)]
    scores = result.scores[(result.scores["fold"] == of) & (result.scores["metric"] == metric)]
    score, reason = float(scores["value"].iloc[0]), str(scores["reason"].iloc[0])
    persons = np.unique(tested["person_id"].to_numpy(dtype=object).astype(str))
    cases = [case for name, case in read_cases(result).items() if name in names]
    if np.isnan(score):
        without = np.full(len(persons), np.nan)
    elif of == POOLED:
        without = _leave_out_of_pooled(cases, persons)
    else:
        without = _leave_out_of_folds(cases, persons, metric)
    table = _count(result, tested, persons)
    table["score"], table["without"] = score, without
    table["change"] = table["without"] - table["score"]
    table["reason"] = np.where(
        np.isfinite(without), "", _NO_SCORE if np.isfinite(score) else reason
    )
    order = np.lexsort((table["person_id"], -table["change"].abs().fillna(-1.0)))
    return table.iloc[order].reset_index(drop=True)[list(_COLUMNS)]


def _check(result: LocoResult, metric: str | None, of: str) -> str:
    """Return the score that is meant."""
    task = result.rows.task
    if of not in (POOLED, MEAN) and of not in set(result.folds["fold"]):
        known = ", ".join([POOLED, MEAN, *result.folds["fold"]])
        raise SelectionError(f"There is no score of {of[:60]!r}. There are those of {known}.")
    if of == POOLED:
        known_metrics: tuple[str, ...] = (POOLED_METRICS[task.kind],)
    else:
        known_metrics = list_metrics(task.kind, task.event)
    if metric is not None and metric not in known_metrics:
        raise SelectionError(
            f"There is no score {metric[:60]!r} of {of!r}. There are {', '.join(known_metrics)}."
        )
    return metric or known_metrics[0]


def _count(result: LocoResult, tested: pd.DataFrame, persons: NDArray[np.str_]) -> pd.DataFrame:
    """Count the images of each person, and name its patients and groups."""
    images = tested.drop_duplicates("image_id")
    is_class = result.rows.task.kind == "classes"
    patients = result.rows.table.set_index("image_id")["patient_id"]
    by_person = images.assign(
        person_id=images["person_id"].astype(str),
        patient=patients.reindex(images["image_id"]).astype(str).to_numpy(),
    ).groupby("person_id")
    return pd.DataFrame(
        {
            "person_id": persons,
            "patient_ids": by_person["patient"].agg(_join).reindex(persons).to_numpy(),
            "fold": by_person["fold"].agg(_join).reindex(persons).to_numpy(),
            "n_images": by_person.size().reindex(persons).to_numpy(),
            "n_positive": by_person["y"].sum().reindex(persons).to_numpy() if is_class else np.nan,
        }
    )


def _join(values: "pd.Series[str]") -> str:
    return ", ".join(sorted(set(values)))


# ---- leaving out


def _list_all(cases: Sequence[FoldCase]) -> list[FoldCase]:
    """List groups with those of further dealings of the persons."""
    return [each for case in cases for each in (case, *case.dealings)]


def _leave_out(case: FoldCase, persons: NDArray[np.str_]) -> Floats:
    """Weigh images so that row i has all but those of person i, the last row all."""
    mine = case.persons.astype(str)
    return np.vstack([mine[None, :] != persons[:, None], np.ones((1, len(mine)))]).astype(float)


def _leave_out_of_pooled(cases: Sequence[FoldCase], persons: NDArray[np.str_]) -> Floats:
    """Compute the pooled score without each person."""
    sums = np.zeros((2, len(persons) + 1))
    for case in _list_all(cases):
        weights = _leave_out(case, persons)
        for fit in case.fits:
            is_class = case.kind == "classes"
            sums += sum_pairs(case.y, case.rank(fit), weights, is_class=is_class)
    concordant, pairs = sums[:, :-1]
    return np.divide(concordant, pairs, out=np.full(len(persons), np.nan), where=pairs > 0)


def _leave_out_of_folds(
    cases: Sequence[FoldCase], persons: NDArray[np.str_], metric: str
) -> Floats:
    """Compute the mean over groups, and seeds, without each person."""
    by_fold = []
    for case in _list_all(cases):
        weights = _leave_out(case, persons)
        for fit in case.fits:
            scores = case.score(fit, metric, weights)
            # A group without a score of its own does not count with everybody either.
            if np.isfinite(scores[-1]):
                by_fold.append(scores[:-1])
    return np.mean(by_fold, axis=0) if by_fold else np.full(len(persons), np.nan)
