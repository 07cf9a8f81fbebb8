"""Learning curve: the score within groups of models trained on fewer persons."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.baselines.evaluation.fold_scores import draw_scores, pool_draws, refuse_pooled
from cxrlib.baselines.evaluation.folds import Fold
from cxrlib.baselines.evaluation.loco_plan import LocoPlan, plan_loco, predict_folds
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.score_text import Cells, format_metric, is_number, read_reason
from cxrlib.baselines.evaluation.scores import POOLED_METRICS
from cxrlib.errors import SelectionError

LEARNING_COLUMNS = (
    *("share", "repeat", "n_train_persons", "n_train_images", "metric", "value", "low", "high"),
    *("n_images", "n_persons", "reason"),
)
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Shares of the training persons of each group."""
N_REPEATS = 10
HALF_WIDTH = 0.10
_NOT_TESTED = "No group could be tested with so few training persons."


def compute_learning_curve(
    result: LocoResult,
    *,
    n_repeats: int = N_REPEATS,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Train on a share of the training persons of each group, and score the same test images.

    Persons are drawn without replacement from each class, and a larger share holds a smaller one.
    Where the classes of a run are matched those who are drawn are matched anew.
    Where persons are dealt into groups several times the groups are those of the first dealing.

    Parameters
    ----------
    result : LocoResult
    n_repeats : int, default 10
        Draws of each share but the whole.
    on_progress, should_stop : callable, optional

    Returns
    -------
    DataFrame
        A row a share with ``repeat`` 0, the mean over repeats with the 95 % interval of a pooled
        score (persons drawn among those tested), then a row each repeat, with `LEARNING_COLUMNS`.
        ``n_train_persons`` is the mean over groups. ``reason`` says why there is no score.

    Raises
    ------
    SelectionError
        For pixels, whose networks take hours, or fewer repeats than one.
    RunStoppedError
        When `should_stop` said so.
    """
    if n_repeats < 1:
        raise SelectionError(f"n_repeats is {n_repeats}: give a whole number from 1.")
    refuse_pixels(result)
    plan = replace(plan_loco(result.rows, result.features, result.settings), repeats=())
    done, n = 0, len(SHARES) * n_repeats
    rows = []
    for share in SHARES:
        fits: dict[str, list[Fit]] = {fold.name: [] for fold in plan.tested}
        sizes = []
        for repeat in range(1 if share == 1 else n_repeats):
            part = _take_share(plan, share, repeat)
            # Of few persons no two may match.
            if len(part.tested) == len(plan.tested):
                for name, found in predict_folds(part, should_stop=should_stop).items():
                    fits[name] += found
                sizes.append(_count_training(part))
            done += 1 if share < 1 else n_repeats
            if on_progress is not None:
                on_progress("Training on fewer persons", done, n)
        rows += list(_score_share(result, share, fits, sizes))
    return pd.DataFrame(rows, columns=list(LEARNING_COLUMNS))


def refuse_pixels(result: LocoResult) -> None:
    """Refuse to train networks on pixels again and again."""
    if result.features.kind == "pixels":
        raise SelectionError(
            "Not available for pixels: training hundreds of networks would take hours. Choose "
            "another feature set."
        )


def _take_share(plan: LocoPlan, share: float, repeat: int) -> LocoPlan:
    """Keep a share of the training persons of each fold."""
    if share == 1:
        return plan
    tested = {fold.name for fold in plan.tested}
    whole = [fold for fold in plan.unmatched if fold.name in tested]
    folds = tuple(_thin(plan, fold, share, repeat) for fold in whole)
    return replace(plan, folds=folds, unmatched=folds, _designs={}).match(plan.labels.y)


def _thin(plan: LocoPlan, fold: Fold, share: float, repeat: int) -> Fold:
    """Keep a share of the training persons of a fold, of each class alike."""
    persons = plan.persons[fold.train]
    rng = np.random.default_rng([plan.settings.seed, repeat, len(fold.test)])
    order = rng.permutation(np.unique(persons))
    # A person with images of both counts with the ill.
    label = pd.Series(plan.labels.y[fold.train]).groupby(persons).max()[order].to_numpy()
    strata = [label == 1, label != 1] if plan.labels.is_class else [np.ones(len(order), bool)]
    kept = np.concatenate(
        [order[stratum][: int(np.ceil(share * stratum.sum()))] for stratum in strata]
    )
    return replace(fold, train=fold.train[np.isin(persons, kept)])


def _count_training(plan: LocoPlan) -> tuple[float, float]:
    """Count training persons and images, the mean over folds."""
    trained = [(len(set(plan.persons[fold.train])), len(fold.train)) for fold in plan.tested]
    persons, images = np.mean(trained, axis=0).tolist() if trained else (0.0, 0.0)
    return persons, images


def _score_share(
    result: LocoResult, share: float, fits: dict[str, list[Fit]], sizes: list[tuple[float, float]]
) -> Iterator[dict[str, object]]:
    """Give the rows of a share."""
    settings = result.settings
    n_persons, n_images = np.mean(sizes, axis=0).tolist() if sizes else (np.nan, np.nan)
    cases = [
        replace(case, fits=tuple(fits[name]), train_size=share * case.train_size, dealings=())
        for name, case in read_cases(result).items()
        if fits[name]
    ]
    draws = [draw_scores(case, settings.n_resamples, settings.seed) for case in cases]
    paired = [place for place, each in enumerate(draws) if each.pairs[1] > 0]
    scored = [cases[place] for place in paired]
    row: dict[str, object] = {
        "share": share,
        "repeat": 0,
        "n_train_persons": n_persons,
        "n_train_images": n_images,
        "metric": POOLED_METRICS[result.rows.task.kind],
        "n_images": sum(len(case.y) for case in scored),
        "n_persons": len({person for case in scored for person in case.persons}),
    }
    few = refuse_pooled([draws[place] for place in paired]) if paired else _NOT_TESTED
    if few:
        yield row | {"reason": few}
        return
    estimate = pool_draws([draws[place] for place in paired])
    cells = estimate.to_cells() if settings.n_resamples else {"reason": ""}
    yield (
        row
        | {"value": estimate.value}
        | {name: cells[name] for name in ("low", "high", "reason") if name in cells}
    )
    for repeat in range(len(scored[0].fits) if share < 1 else 0):
        alone = [draw_scores(replace(c, fits=(c.fits[repeat],)), 0, 0) for c in scored]
        yield row | {"repeat": repeat + 1, "value": pool_draws(alone).value, "reason": ""}


def describe_learning_curve(table: pd.DataFrame, half_width: float = HALF_WIDTH) -> str:
    """Say how many more persons would narrow the interval of the score to a half width.

    An extrapolation: the variance is scaled by the number of persons tested.

    Parameters
    ----------
    table : DataFrame
        Result of `compute_learning_curve`.
    half_width : float, default 0.10

    Returns
    -------
    str
        Sentences.
    """
    n_more, row = count_more_persons(table, half_width), _read_last(table)
    if n_more is None:
        reason = read_reason(row) or "the score has no interval."
        return f"How many more persons ±{half_width:.2f} would need is not estimable: {reason}"
    reach, n = (float(row["high"]) - float(row["low"])) / 2, int(row["n_persons"])
    now = f"The interval of the {format_metric(str(row['metric']))} is ±{reach:.2f} with {n:,}"
    if n_more == 0:
        return f"{now} persons tested, within ±{half_width:.2f} already."
    return (
        f"{now} persons tested. For ±{half_width:.2f} about {n_more:,} more like them would be "
        "needed. This is an extrapolation: it assumes the same score, groups and share of classes, "
        "and a variance that falls as persons are added."
    )


def count_more_persons(table: pd.DataFrame, half_width: float = HALF_WIDTH) -> int | None:
    """Count the persons that are missing for an interval of a half width; None if not estimable.

    Parameters
    ----------
    table : DataFrame
        Result of `compute_learning_curve`.
    half_width : float, default 0.10

    Raises
    ------
    SelectionError
        Unless the half width is above 0.
    """
    if not half_width > 0:
        raise SelectionError(f"Half width {half_width!r} cannot be reached. Give one above 0.")
    row = _read_last(table)
    if not (is_number(row.get("low")) and is_number(row.get("high"))):
        return None
    reach, n = (float(row["high"]) - float(row["low"])) / 2, int(row["n_persons"])
    return max(int(np.ceil(n * (reach / half_width) ** 2)) - n, 0)


def _read_last(table: pd.DataFrame) -> Cells:
    """Return the row of all training persons."""
    return table[table["repeat"] == 0].to_dict("records")[-1]
