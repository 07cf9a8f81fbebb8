"""Leave one region out: how well a label is predicted in a held-out region.

Each group of images (a region, sub-region, country or site) is predicted by a model trained on
the others, after Cohen et al. 2020b, section 5, by the protocol chosen. Do not read a score
without its interval, its counts, and the scores that shortcuts reach on the same images.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    FoldDraws,
    average_draws,
    draw_scores,
    measure_size,
    pool_draws,
    refuse_pooled,
)
from cxrlib.baselines.evaluation.folds import GUARDS, Fold
from cxrlib.baselines.evaluation.groupings import format_held_out, parse_hold_out
from cxrlib.baselines.evaluation.intervals import Estimate
from cxrlib.baselines.evaluation.loco_plan import (
    Kept,
    LocoPlan,
    Predictions,
    describe_fits,
    plan_loco,
    predict_dealings,
)
from cxrlib.baselines.evaluation.loco_result import (
    DEALING,
    FOLD_COLUMNS,
    PREDICTION_COLUMNS,
    SCORE_COLUMNS,
    LocoResult,
    join_dealings,
    read_cases,
)
from cxrlib.baselines.evaluation.protocols import LocoSettings
from cxrlib.baselines.evaluation.scores import MEAN, POOLED, POOLED_METRICS
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows
from cxrlib.number_text import format_units


def run_loco(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings | None = None,
    *,
    should_stop: ShouldStop | None = None,
    kept: Kept | None = None,
    estimator: Any = None,  # noqa: ANN401 (any object with fit)
) -> LocoResult:
    """Hold each group out once, predict it from the others and score the predictions.

    Parameters
    ----------
    rows : TaskRows
    features : Features
        Images without features are left out and counted in the notes.
    settings : LocoSettings, optional
        The corrected protocol over regions by default.
    should_stop : callable, optional
        Asked between fits.
    kept : mutable mapping, optional
        Fits of an earlier call with the same images, features and settings: they are not done
        again, and new ones are put into it.
    estimator : object, optional
        A reader's own, as scikit-learn has them: copied and fitted anew for each fold. By
        default the model that the settings name.

    Returns
    -------
    LocoResult

    Raises
    ------
    SelectionError
        If no image has features, a feature is not a finite number, pixels are to predict a
        number, or the estimator cannot learn the task or gives no scores.
    RunStoppedError
        When `should_stop` said so.
    """
    settings = settings or LocoSettings()
    plan = plan_loco(rows, features, settings, estimator=estimator)
    predictions = predict_dealings(plan, should_stop=should_stop, kept=kept)
    draws = _draw(plan, predictions, plan.labels.y, settings.n_resamples)
    return LocoResult(
        rows=plan.rows,
        features=plan.features,
        settings=plan.settings,
        folds=_list_folds(plan),
        predictions=_list_predictions(plan, predictions),
        scores=_list_scores(plan, draws),
        notes=(*plan.notes, *describe_fits(predictions)),
    )


# ---- scores


def compute_values(
    plan: LocoPlan, predictions: Sequence[Predictions], y: np.ndarray | None = None
) -> dict[tuple[str, str], float]:
    """Compute every score without intervals: by fold and metric, with the mean and the pooled.

    Parameters
    ----------
    plan : LocoPlan
    predictions : sequence of mappings of str to tuple of Fit
        Of each dealing of the persons.
    y : ndarray of float, shape (n_images,), optional
        Other labels, such as permuted ones.

    Returns
    -------
    dict of (fold, metric) to float
        NaN where it is not estimable.
    """
    draws = _draw(plan, predictions, plan.labels.y if y is None else y, 0)
    table = _list_scores(plan, draws)
    keys = zip(table["fold"], table["metric"], strict=True)
    return dict(zip(keys, table["value"].to_list(), strict=True))


def _draw(
    plan: LocoPlan, predictions: Sequence[Predictions], y: np.ndarray, n: int
) -> dict[str, FoldDraws]:
    """Score the images of each tested fold, and those of n resamples of its persons."""
    pairs = zip((plan, *plan.repeats), predictions, strict=True)
    cases = join_dealings([_list_cases(*pair, y) for pair in pairs])
    return {name: draw_scores(case, n, plan.settings.seed) for name, case in cases.items()}


def _list_cases(plan: LocoPlan, predictions: Predictions, y: np.ndarray) -> dict[str, FoldCase]:
    """List what the scores of each tested fold are made of."""
    task = plan.rows.task
    return {
        fold.name: FoldCase(
            name=fold.name,
            y=y[fold.test],
            persons=plan.persons[fold.test],
            fits=predictions[fold.name],
            kind=task.kind,
            event=task.event,
            protocol=plan.settings.protocol,
            train_size=measure_size(y[fold.train], is_class=plan.labels.is_class),
        )
        for fold in plan.tested
    }


def _score_rows(plan: LocoPlan, draws: Mapping[str, FoldDraws]) -> Iterator[dict[str, object]]:
    """Give the rows of the table of scores."""
    for metric in plan.metrics:
        for fold in plan.folds:
            yield _score_fold(plan, fold, metric, draws)
    for metric in plan.metrics:
        yield _score_mean(plan, metric, draws)
    yield _score_pooled(plan, draws)


def _list_scores(plan: LocoPlan, draws: Mapping[str, FoldDraws]) -> pd.DataFrame:
    """Make the table of scores."""
    return pd.DataFrame(list(_score_rows(plan, draws)), columns=list(SCORE_COLUMNS))


def _score_fold(
    plan: LocoPlan, fold: Fold, metric: str, draws: Mapping[str, FoldDraws]
) -> dict[str, object]:
    """Give the row of a fold."""
    row = _start_row(plan, fold.name, metric, [fold] if fold.is_scored else [])
    row |= _count(plan, [fold])
    if not fold.is_scored:
        return row | {"reason": fold.reason}
    estimate = draws[fold.name].estimate(metric)
    if np.isnan(estimate.value):
        return row | {"reason": _describe_constant(plan, fold)}
    return row | {"value": estimate.value} | _bound(estimate)


def _score_mean(plan: LocoPlan, metric: str, draws: Mapping[str, FoldDraws]) -> dict[str, object]:
    """Give the row of the mean over folds."""
    folds = [
        fold
        for fold in plan.folds
        if fold.is_scored and np.isfinite(draws[fold.name].by_seed[metric]).all()
    ]
    row = _start_row(plan, MEAN, metric, folds)
    needed = plan.settings.protocol.fewest_folds
    if len(folds) < needed:
        by = format_held_out(len(folds), plan.settings.hold_out)
        reason = f"{by} with a score: a mean needs {needed}."
        return row | {"reason": reason}
    estimate, values = average_draws([draws[fold.name] for fold in folds], metric)
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return row | {"value": estimate.value, "sd": sd} | _bound(estimate)


def _score_pooled(plan: LocoPlan, draws: Mapping[str, FoldDraws]) -> dict[str, object]:
    """Give the row of the pairs within folds."""
    folds = [fold for fold in plan.tested if draws[fold.name].pairs[1] > 0]
    metric = POOLED_METRICS[plan.rows.task.kind]
    row = _start_row(plan, POOLED, metric, folds)
    if not folds:
        return row | {"reason": f"No {plan.settings.group} has two images with different labels."}
    pooled = [draws[fold.name] for fold in folds]
    # The paper has no pooled score: its protocol gives what can be computed.
    # Nor does a test on one cohort pool anything: its own score answers, if it has one.
    is_single = parse_hold_out(plan.settings.hold_out).kind == "cohort"
    reason = refuse_pooled(pooled) if plan.settings.protocol.fewest_persons else ""
    reason = folds[0].reason if is_single else reason
    if reason:
        return row | {"reason": reason}
    estimate = pool_draws(pooled)
    return row | {"value": estimate.value} | _bound(estimate)


def _start_row(plan: LocoPlan, name: str, metric: str, folds: list[Fold]) -> dict[str, object]:
    """Begin a row of the table of scores."""
    return {
        "fold": name,
        "metric": metric,
        **dict.fromkeys(("value", "sd", "low", "high"), np.nan),
        **_count(plan, folds),
        "n_folds": len(folds),
        "n_used": 0,
        "n_dropped": 0,
        "reason": "",
    }


def _count(plan: LocoPlan, folds: list[Fold]) -> dict[str, object]:
    """Count the test images and persons of folds."""
    places = np.concatenate([fold.test for fold in folds]) if folds else np.arange(0)
    return {"n_images": len(places), "n_persons": len(set(plan.persons[places]))}


def _bound(estimate: Estimate) -> dict[str, object]:
    """Give the interval of a score as cells, nothing where no resamples were asked for."""
    return estimate.to_cells() if len(estimate.resampled) else {}


def _describe_constant(plan: LocoPlan, fold: Fold) -> str:
    """Say why a scored fold has no score."""
    if np.ptp(plan.labels.y[fold.test]) == 0:
        images = format_units(len(fold.test), "image")
        return f"{images}, all with the same value: a score needs two values."
    return "The model predicts the same value for all images, so there is no correlation."


def score_seeds(result: LocoResult) -> pd.DataFrame:
    """Score each seed of the models on its own, as Tables 10 to 14 list the network on pixels.

    Returns
    -------
    DataFrame
        fold, metric, seed, value; a row a scored fold, score and seed.
    """
    lines = []
    scored = set(result.folds.loc[result.folds["is_scored"], "fold"])
    seeds = sorted(set(result.predictions["seed"]))
    for name, case in read_cases(result).items():
        if name not in scored:
            continue
        once = draw_scores(replace(case, dealings=()), 0, 0)
        for metric, values in once.by_seed.items():
            for seed, value in zip(seeds, values.tolist(), strict=True):
                lines.append({"fold": name, "metric": metric, "seed": seed, "value": value})
    return pd.DataFrame(lines, columns=["fold", "metric", "seed", "value"])


# ---- tables of folds and predictions


def _list_folds(plan: LocoPlan) -> pd.DataFrame:
    """Make the table of folds."""
    return pd.DataFrame([_describe_fold(plan, fold) for fold in plan.folds], columns=FOLD_COLUMNS)


def _describe_fold(plan: LocoPlan, fold: Fold) -> dict[str, object]:
    """Give the row of a fold."""
    persons = plan.persons[fold.test]
    by_class = _count_classes(plan, fold)
    n_events = len(fold.train)
    if plan.labels.is_class:
        n_events = min(by_class["n_train_positive"], by_class["n_train_negative"])
    removed = {guard: number for guard, number in fold.removed.items() if number}
    return {
        "fold": fold.name,
        "n_train_images": len(fold.train),
        "n_train_persons": len(set(plan.persons[fold.train])),
        "n_images": len(fold.test),
        "n_persons": len(set(persons)),
        **by_class,
        "n_guarded": sum(removed.values()),
        "guarded_by": ", ".join(f"{guard} {number}" for guard, number in removed.items()),
        **{f"n_sharing_{guard}": fold.shared[guard] for guard in GUARDS},
        "events_per_parameter": n_events / plan.features.n_parameters,
        "is_tested": fold.is_tested,
        "is_scored": fold.is_scored,
        "reason": fold.reason,
    }


def _count_classes(plan: LocoPlan, fold: Fold) -> dict[str, int]:
    """Count the images and persons of each class; 0 where there are no classes."""
    y, persons = plan.labels.y, plan.persons
    counts = {}
    for name, label in (("positive", 1), ("negative", 0)):
        chosen = (y == label) & plan.labels.is_class
        counts[f"n_train_{name}"] = int(chosen[fold.train].sum())
        counts[f"n_{name}"] = int(chosen[fold.test].sum())
        counts[f"n_{name}_persons"] = len(set(persons[fold.test][chosen[fold.test]]))
    return counts


def _list_predictions(plan: LocoPlan, predictions: Sequence[Predictions]) -> pd.DataFrame:
    """Make the table of predictions, with the dealing where there are several."""
    if not plan.repeats:
        return _list_dealing(plan, predictions[0])
    pairs = zip((plan, *plan.repeats), predictions, strict=True)
    tables = [
        _list_dealing(*pair).assign(**{DEALING: number}) for number, pair in enumerate(pairs, 1)
    ]
    return pd.concat(tables, ignore_index=True)


def _list_dealing(plan: LocoPlan, predictions: Predictions) -> pd.DataFrame:
    """Make the table of predictions of one dealing."""
    pieces = []
    for fold in plan.tested:
        rows = plan.rows.table.iloc[fold.test]
        for seed, fit in zip(plan.seeds, predictions[fold.name], strict=True):
            pieces.append(
                pd.DataFrame(
                    {
                        "image_id": rows["image_id"].to_numpy(),
                        "person_id": rows["person_id"].to_numpy(),
                        "fold": fold.name,
                        "y": plan.labels.y[fold.test],
                        "value": fit.value,
                        "chosen": fit.chosen,
                        "seed": seed,
                    }
                )
            )
    if not pieces:
        return pd.DataFrame(columns=list(PREDICTION_COLUMNS))
    return pd.concat(pieces, ignore_index=True)
