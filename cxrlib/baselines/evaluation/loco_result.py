"""The result of an evaluation as tables, and what its scores are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.fold_scores import FoldCase
from cxrlib.baselines.evaluation.groupings import list_groups
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.protocols import LocoSettings
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows, narrow_rows

FOLD_COLUMNS = (
    *("fold", "n_train_images", "n_train_persons", "n_train_positive", "n_train_negative"),
    *("n_images", "n_persons", "n_positive", "n_negative", "n_positive_persons"),
    *("n_negative_persons", "n_guarded", "guarded_by", "n_sharing_person", "n_sharing_article"),
    *("n_sharing_source", "events_per_parameter", "is_tested", "is_scored", "reason"),
)

PREDICTION_COLUMNS = ("image_id", "person_id", "fold", "y", "value", "chosen", "seed")
DEALING = "dealing"
"""One column of predictions more, from 1, where persons are dealt several times."""

SCORE_COLUMNS = (
    *("fold", "metric", "value", "sd", "low", "high"),
    *("n_images", "n_persons", "n_folds", "n_used", "n_dropped", "reason"),
)


@dataclass(frozen=True, eq=False)
class LocoResult:
    """Hold an evaluation.

    Parameters
    ----------
    rows : TaskRows
        The images that took part, in the order of their ids.
    features : Features
    settings : LocoSettings
    folds : DataFrame
        A row a group, the unknown one last, with `FOLD_COLUMNS`. Training counts are those left
        by the guards; ``n_guarded`` are the images they took out and ``guarded_by`` says which;
        ``n_sharing_*`` are images outside the group that share something with it, guarded or
        not. ``events_per_parameter`` divides the training images of the smaller class (of a
        number: all) by the parameters. A tested group is predicted and counts in the pooled
        score; a scored one has a score of its own. ``reason`` says why not.
    predictions : DataFrame
        A row an image of a tested group and seed, with `PREDICTION_COLUMNS`: ``value`` is the
        log-odds of the positive class or the predicted number, ``chosen`` the predicted class (1
        or 0) or the number.
    scores : DataFrame
        A row a group and score, with `SCORE_COLUMNS`; then "mean", over the groups (of the
        network on pixels: over groups and seeds), with the standard deviation ``sd`` (n - 1);
        then "pooled", over pairs of images within groups: the AUROC, or of numbers the
        concordance. ``low`` and ``high`` hold 95 % of the resamples of persons, of which
        ``n_used`` have a score. Where value is NaN ``reason`` says why; else, where low is
        NaN, why there is no interval.
    notes : tuple of str
        What a reader must know of this run.
    """

    rows: TaskRows
    features: Features
    settings: LocoSettings
    folds: pd.DataFrame
    predictions: pd.DataFrame
    scores: pd.DataFrame
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"LocoResult({self.rows.task.to_text()!r}, {self.features.name!r}, "
            f"{self.settings.protocol.name!r}, {len(self.rows.table)} images)"
        )


def read_cases(result: LocoResult, units: pd.Series | None = None) -> dict[str, FoldCase]:
    """Read from the tables of an evaluation what its scores are made of, by group.

    Parameters
    ----------
    result : LocoResult
    units : Series of str, optional
        By image, the source that is drawn in place of the person.
    """
    predictions = result.predictions
    if units is not None:
        predictions = predictions.assign(
            person_id=units.reindex(predictions["image_id"]).to_numpy(dtype=object)
        )
    dealings = [predictions]
    if DEALING in predictions:
        dealings = [part for _, part in predictions.groupby(DEALING, sort=True)]
    unit = "person" if units is None else "source"
    return join_dealings([_read_dealing(result, each, unit) for each in dealings])


def _read_dealing(result: LocoResult, predictions: pd.DataFrame, unit: str) -> dict[str, FoldCase]:
    """Read the groups of one dealing."""
    task, found = result.rows.task, {}
    columns = ["n_train_images", "n_train_positive", "n_train_negative"]
    sizes = {
        fold: float(4 * positive * negative / n if task.kind == "classes" else n)
        for fold, n, positive, negative in result.folds[["fold", *columns]].itertuples(index=False)
        if n
    }
    for name, group in predictions.groupby("fold", sort=False):
        seeds = [each for _, each in group.groupby("seed", sort=True)]
        y, persons = seeds[0]["y"].to_numpy(float), seeds[0]["person_id"].to_numpy()
        fits = tuple(
            Fit(each["value"].to_numpy(float), each["chosen"].to_numpy(float), is_converged=True)
            for each in seeds
        )
        found[str(name)] = FoldCase(
            name=str(name),
            y=y,
            persons=persons,
            fits=fits,
            kind=task.kind,
            event=task.event,
            protocol=result.settings.protocol,
            # A part that only a later dealing could test counts nowhere.
            train_size=sizes.get(str(name), 0.0),
            unit=unit,
        )
    return found


def join_dealings(dealings: Sequence[dict[str, FoldCase]]) -> dict[str, FoldCase]:
    """Join the groups of several dealings of the persons to those of the first, by name."""
    first, *others = dealings
    if not others or not first:  # with no group to score there is nothing to join
        return first
    everyone = np.unique(
        np.concatenate([case.persons for each in dealings for case in each.values()])
    )

    def join(name: str, case: FoldCase) -> FoldCase:
        again = (replace(each[name], everyone=everyone) for each in others if name in each)
        return replace(case, everyone=everyone, dealings=tuple(again))

    return {name: join(name, case) for name, case in first.items()}


def take_first_dealing(predictions: pd.DataFrame) -> pd.DataFrame:
    """Take the predictions of the first dealing of the persons: one an image and seed."""
    if DEALING not in predictions:
        return predictions
    return predictions[predictions[DEALING] == 1]


def keep_scored(result: LocoResult) -> TaskRows:
    """Keep the images that some held-out group's own score rests on, and count the others.

    The others are not wasted: they train, and where both classes are there they count in the
    pooled score.

    Parameters
    ----------
    result : LocoResult

    Returns
    -------
    TaskRows
        With one step more, "scored"; what went is counted by group.
    """
    scored = result.folds.loc[result.folds["is_scored"].astype(bool), "fold"]
    kept = set(scored)
    groups = list_groups(result.rows.table, result.settings.hold_out)
    noun = result.settings.group
    reasons = [None if name in kept else f"no score for {noun} {name}" for name in groups]
    return narrow_rows(result.rows, reasons, step="scored", title=f"In a {noun} with its own score")
