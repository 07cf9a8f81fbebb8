"""Leave one region out: how well a label is predicted in a place the model has not seen.

Each group of images (a region, sub-region, country or site) is predicted by a model trained on
the others, after Cohen et al. 2020b, section 5, by the protocol chosen. Do not read a score
without its interval, its counts, and the scores that shortcuts reach on the same images.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.features import Features, describe_missing, match_features
from cxrlib.folds import GUARDS, HOLD_OUTS, Fold, Labels, make_folds
from cxrlib.intervals import name_units
from cxrlib.models import MLP_SEEDS, Design, Fit, Method, choose_method, fit_model, make_design
from cxrlib.protocols import (
    CORRECTED,
    PROTOCOLS,
    PUBLISHED,
    LocoSettings,
    Protocol,
    find_protocol,
)
from cxrlib.resampling import draw_weights, find_interval
from cxrlib.scores import METRICS, ROUNDING, compute_score, list_metrics, sum_pairs
from cxrlib.task_rows import TaskRows

__all__ = [
    "CORRECTED",
    "DIFFERENCE_COLUMNS",
    "FOLD_COLUMNS",
    "HOLD_OUTS",
    "MEAN",
    "METRICS",
    "POOLED",
    "PREDICTION_COLUMNS",
    "PROTOCOLS",
    "PUBLISHED",
    "SCORE_COLUMNS",
    "LocoPlan",
    "LocoResult",
    "LocoSettings",
    "Predictions",
    "Protocol",
    "compare_results",
    "compute_values",
    "find_protocol",
    "plan_loco",
    "predict_folds",
    "run_loco",
    "score_seeds",
]

MEAN, POOLED = "mean", "pooled"

FOLD_COLUMNS = (
    "fold",
    "n_train_images",
    "n_train_persons",
    "n_images",
    "n_persons",
    "n_positive",
    "n_negative",
    "n_positive_persons",
    "n_negative_persons",
    "n_guarded",
    "guarded_by",
    "n_sharing_person",
    "n_sharing_article",
    "n_sharing_source",
    "events_per_parameter",
    "is_tested",
    "is_scored",
    "reason",
)

PREDICTION_COLUMNS = ("image_id", "person_id", "fold", "y", "value", "chosen", "seed")

SCORE_COLUMNS = (
    "fold",
    "metric",
    "value",
    "sd",
    "low",
    "high",
    "n_images",
    "n_persons",
    "n_folds",
    "n_used",
    "n_dropped",
    "reason",
)

DIFFERENCE_COLUMNS = (
    "fold",
    "metric",
    "difference",
    "low",
    "high",
    "n_used",
    "n_dropped",
    "reason",
)

ShouldStop = Callable[[], bool]
Predictions = Mapping[str, tuple[Fit, ...]]
"""By fold, what the models say of its test images: one of each seed."""


@dataclass(frozen=True, eq=False)
class LocoPlan:
    """Hold an evaluation up to the point where labels come in.

    Parameters
    ----------
    rows : TaskRows
        Those with features, in the order of their image ids: an answer does not depend on the
        order of the rows.
    features : Features
    settings : LocoSettings
    labels : Labels
    persons : ndarray of int
        The code of each image's person.
    method : {"logistic", "linear", "mlp"}
    folds : tuple of Fold
    designs : mapping of str to Design
        The features of each tested fold as the model sees them.
    notes : tuple of str
    """

    rows: TaskRows
    features: Features
    settings: LocoSettings
    labels: Labels
    persons: np.ndarray
    method: Method
    folds: tuple[Fold, ...]
    designs: Mapping[str, Design]
    notes: tuple[str, ...]

    @property
    def tested(self) -> tuple[Fold, ...]:
        """Folds whose images are predicted."""
        return tuple(fold for fold in self.folds if fold.is_tested)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Scores of the task."""
        return list_metrics(self.rows.task.kind, self.rows.task.event)


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


def run_loco(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings | None = None,
    *,
    should_stop: ShouldStop | None = None,
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

    Returns
    -------
    LocoResult

    Raises
    ------
    SelectionError
        If no image has features, a feature is not a finite number, or pixels are to predict a
        number.
    RunStoppedError
        When `should_stop` said so.
    """
    plan = plan_loco(rows, features, settings or LocoSettings())
    predictions = predict_folds(plan, should_stop=should_stop)
    draws = {
        fold.name: _draw_scores(
            _take_case(plan, fold, predictions[fold.name]),
            fold.name,
            plan.settings.n_resamples,
            plan.settings.seed,
        )
        for fold in plan.tested
    }
    return LocoResult(
        rows=plan.rows,
        features=plan.features,
        settings=plan.settings,
        folds=_list_folds(plan),
        predictions=_list_predictions(plan, predictions),
        scores=_list_scores(plan, draws),
        notes=(*plan.notes, *_note_fits(plan, predictions)),
    )


# ---- before the labels


def plan_loco(rows: TaskRows, features: Features, settings: LocoSettings) -> LocoPlan:
    """Put rows in order, make folds and learn their features' scale; fit no model yet.

    Everything that does not depend on the labels beyond which folds there are: a null
    distribution fits the same plan to permuted labels.

    Raises
    ------
    SelectionError
        As `run_loco`.
    """
    matched = match_features(features, rows)
    kept, matrix = _order_rows(rows, matched)
    task = rows.task
    y = kept.table["y"].to_numpy(dtype=float)
    labels = Labels(y, task.kind == "classes", task.positive, task.negative)
    method = choose_method(task.kind, features.kind)
    protocol = settings.protocol
    folds = make_folds(
        kept.table,
        labels,
        hold_out=settings.hold_out,
        guards=settings.guards,
        fewest_persons=protocol.fewest_persons,
    )
    designs = {
        fold.name: make_design(
            matrix[fold.train],
            matrix[fold.test],
            is_standardised=protocol.is_standardised,
            # A network does not depend on inner products alone.
            reduces=protocol.reduces and method != "mlp",
        )
        for fold in folds
        if fold.is_tested
    }
    persons = pd.factorize(kept.table["person_id"])[0]
    notes = _note_rows(matched, matrix)
    return LocoPlan(kept, matched, settings, labels, persons, method, folds, designs, notes)


def _order_rows(rows: TaskRows, features: Features) -> tuple[TaskRows, np.ndarray]:
    """Take the rows with features in the order of their image ids, and the features."""
    table = rows.table[rows.table["image_id"].isin(features.image_ids)]
    if table.empty:
        raise SelectionError(
            f"Task {rows.task.title!r} has no image to predict. Widen the days or views, or take "
            "filters away."
        )
    table = table.sort_values("image_id", kind="stable").reset_index(drop=True)
    matrix = np.asarray(features.take(list(table["image_id"])), dtype=float)
    if not np.isfinite(matrix).all():
        place, column = np.argwhere(~np.isfinite(matrix))[0]
        raise SelectionError(
            f"Feature {features.columns[column]!r} of image {table['image_id'][place]!r} is "
            f"{matrix[place, column]}: features must be finite numbers. Leave the image out, or "
            "give the value."
        )
    return replace(rows, table=table), matrix


def _note_rows(features: Features, matrix: np.ndarray) -> tuple[str, ...]:
    """Note which images have no features, and which features say nothing."""
    notes = [describe_missing(features)] if features.missing else []
    n_constant = int((np.ptp(matrix, axis=0) == 0).sum())
    if n_constant and features.kind != "prevalence":
        notes.append(
            f"{name_units(n_constant, 'feature')} of {matrix.shape[1]:,} "
            f"{'is' if n_constant == 1 else 'are'} the same in all images: nothing is learnt of "
            "that."
        )
    return tuple(notes)


# ---- predictions


def predict_folds(
    plan: LocoPlan, y: np.ndarray | None = None, *, should_stop: ShouldStop | None = None
) -> Predictions:
    """Fit a model for each tested fold, and predict its images.

    Parameters
    ----------
    plan : LocoPlan
    y : ndarray of float, shape (n_images,), optional
        Other labels in the order of ``plan.rows``, such as permuted ones.
    should_stop : callable, optional
        Asked before each fit.

    Returns
    -------
    mapping of str to tuple of Fit
        One of each seed: three for the network on pixels, one else.

    Raises
    ------
    RunStoppedError
        When `should_stop` said so.
    """
    labels = plan.labels.y if y is None else y
    found = {}
    for fold in plan.tested:
        fits = []
        for seed in _list_seeds(plan):
            if should_stop is not None and should_stop():
                raise RunStoppedError("The evaluation was stopped.")
            fits.append(
                fit_model(
                    plan.designs[fold.name],
                    labels[fold.train],
                    plan.method,
                    seed=seed,
                    is_patient=plan.settings.protocol.is_standardised,
                )
            )
        found[fold.name] = tuple(fits)
    return found


def _list_seeds(plan: LocoPlan) -> tuple[int, ...]:
    """List the seeds of the models."""
    return MLP_SEEDS if plan.method == "mlp" else (0,)


def _note_fits(plan: LocoPlan, predictions: Predictions) -> tuple[str, ...]:
    """Note which models were not fitted to the end."""
    names = [name for name, fits in predictions.items() if not all(f.is_converged for f in fits)]
    if not names:
        return ()
    return (
        f"The model did not converge within its iterations with {', '.join(names)} held out: "
        "its numbers depend on where it stopped.",
    )


# ---- scores


def compute_values(
    plan: LocoPlan, predictions: Predictions, y: np.ndarray | None = None
) -> dict[tuple[str, str], float]:
    """Compute every score without intervals: by fold and metric, with the mean and the pooled.

    Parameters
    ----------
    plan : LocoPlan
    predictions : mapping of str to tuple of Fit
    y : ndarray of float, shape (n_images,), optional
        Other labels, such as permuted ones.

    Returns
    -------
    dict of (fold, metric) to float
        NaN where it is not estimable.
    """
    once = {
        fold.name: _draw_scores(_take_case(plan, fold, predictions[fold.name], y), fold.name, 0, 0)
        for fold in plan.tested
    }
    table = _list_scores(plan, once)
    keys = zip(table["fold"], table["metric"], strict=True)
    return dict(zip(keys, table["value"].to_list(), strict=True))


@dataclass(frozen=True, eq=False)
class _Case:
    """Hold what the scores of a fold are made of; ``fits`` are one of each seed."""

    y: np.ndarray
    persons: np.ndarray
    fits: tuple[Fit, ...]
    kind: str
    event: str
    protocol: Protocol

    def rank(self, fit: Fit) -> np.ndarray:
        """Choose what ranks the images."""
        return fit.chosen if self.protocol.ranking == "class" else fit.value

    def score(self, fit: Fit, metric: str, weights: np.ndarray) -> np.ndarray:
        """Compute a score of each resample."""
        event = self.event or "positive"
        ranking = self.rank(fit)
        scores = compute_score(self.y, ranking, fit.chosen, metric, event=event, weights=weights)
        if metric == "correlation" and self.protocol.counts_constant and _is_constant(fit.chosen):
            return np.zeros(len(scores))
        return scores


@dataclass(frozen=True, eq=False)
class _Draws:
    """Hold the scores of a fold: of its images as they are, of each seed, and by resample."""

    by_seed: Mapping[str, np.ndarray]
    resampled: Mapping[str, np.ndarray]
    pairs: np.ndarray
    resampled_pairs: np.ndarray


def _take_case(
    plan: LocoPlan, fold: Fold, fits: tuple[Fit, ...], y: np.ndarray | None = None
) -> _Case:
    """Take what the scores of a fold are made of."""
    labels = plan.labels.y if y is None else y
    task = plan.rows.task
    persons, protocol = plan.persons[fold.test], plan.settings.protocol
    return _Case(labels[fold.test], persons, fits, task.kind, task.event, protocol)


def _draw_scores(case: _Case, name: str, n: int, seed: int) -> _Draws:
    """Score the images of a fold, and those of each resample of its persons."""
    drawn = draw_weights(case.persons, n, seed, name)
    # The first row is the images as they are.
    weights = np.vstack([np.ones((1, len(case.y))), drawn])
    metrics = list_metrics(case.kind, case.event)
    scores = {
        metric: np.array([case.score(fit, metric, weights) for fit in case.fits])
        for metric in metrics
    }
    is_class = case.kind == "classes"
    pairs = np.mean(
        [sum_pairs(case.y, case.rank(fit), weights, is_class=is_class) for fit in case.fits], axis=0
    )
    return _Draws(
        by_seed={metric: scores[metric][:, 0] for metric in metrics},
        resampled={metric: scores[metric][:, 1:].mean(axis=0) for metric in metrics},
        pairs=pairs[:, 0],
        resampled_pairs=pairs[:, 1:],
    )


def _is_constant(values: np.ndarray) -> bool:
    """Tell whether numbers differ by rounding only."""
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def _score_rows(plan: LocoPlan, draws: Mapping[str, _Draws]) -> Iterator[dict[str, object]]:
    """Give the rows of the table of scores."""
    for metric in plan.metrics:
        for fold in plan.folds:
            yield _score_fold(plan, fold, metric, draws)
    for metric in plan.metrics:
        yield _score_mean(plan, metric, draws)
    yield _score_pooled(plan, draws)


def _list_scores(plan: LocoPlan, draws: Mapping[str, _Draws]) -> pd.DataFrame:
    """Make the table of scores."""
    return pd.DataFrame(list(_score_rows(plan, draws)), columns=list(SCORE_COLUMNS))


def _score_fold(
    plan: LocoPlan, fold: Fold, metric: str, draws: Mapping[str, _Draws]
) -> dict[str, object]:
    """Give the row of a fold."""
    row = _start_row(plan, fold.name, metric, [fold] if fold.is_scored else [])
    row |= _count(plan, [fold])
    if not fold.is_scored:
        return row | {"reason": fold.reason}
    drawn = draws[fold.name]
    value = float(drawn.by_seed[metric].mean())
    if np.isnan(value):
        return row | {"reason": _explain_constant(plan, fold, metric)}
    return row | {"value": value} | _bound(drawn.resampled[metric], row)


def _score_mean(plan: LocoPlan, metric: str, draws: Mapping[str, _Draws]) -> dict[str, object]:
    """Give the row of the mean over folds."""
    folds = [
        fold
        for fold in plan.folds
        if fold.is_scored and np.isfinite(draws[fold.name].by_seed[metric]).all()
    ]
    row = _start_row(plan, MEAN, metric, folds)
    needed = plan.settings.protocol.fewest_folds
    if len(folds) < needed:
        by = plan.settings.hold_out
        reason = f"{name_units(len(folds), by)} with a score: a mean needs {needed}."
        return row | {"reason": reason}
    values = np.concatenate([draws[fold.name].by_seed[metric] for fold in folds])
    resampled = np.mean([draws[fold.name].resampled[metric] for fold in folds], axis=0)
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return row | {"value": float(values.mean()), "sd": sd} | _bound(resampled, row)


def _score_pooled(plan: LocoPlan, draws: Mapping[str, _Draws]) -> dict[str, object]:
    """Give the row of the pairs within folds."""
    folds = [fold for fold in plan.tested if draws[fold.name].pairs[1] > 0]
    metric = "auroc" if plan.labels.is_class else "concordance"
    row = _start_row(plan, POOLED, metric, folds)
    if not folds:
        return row | {"reason": f"No {plan.settings.hold_out} has two images to rank."}
    concordant, pairs = np.sum([draws[fold.name].pairs for fold in folds], axis=0)
    sums = np.sum([draws[fold.name].resampled_pairs for fold in folds], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = sums[0] / sums[1]
    return row | {"value": float(concordant / pairs)} | _bound(resampled, row)


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


def _bound(resampled: np.ndarray, row: Mapping[str, object]) -> dict[str, object]:
    """Give the interval of a row."""
    if len(resampled) and row["n_persons"] == 1:
        return {"reason": "No interval: all images are of one person."}
    low, high, n_used, reason = find_interval(resampled)
    n_dropped = len(resampled) - n_used
    return {"low": low, "high": high, "n_used": n_used, "n_dropped": n_dropped, "reason": reason}


def _explain_constant(plan: LocoPlan, fold: Fold, metric: str) -> str:
    """Say why a scored fold has no score."""
    if np.ptp(plan.labels.y[fold.test]) == 0:
        images = name_units(len(fold.test), "image")
        return f"{images}, all with the same number: a score needs two."
    return "The model predicts the same number for all images: there is no correlation."


def score_seeds(result: LocoResult) -> pd.DataFrame:
    """Score each seed of the models on its own, as Tables 10 to 14 list the network on pixels.

    Returns
    -------
    DataFrame
        fold, metric, seed, value; a row a scored fold, score and seed.
    """
    task, protocol = result.rows.task, result.settings.protocol
    lines = []
    scored = set(result.folds.loc[result.folds["is_scored"], "fold"])
    for (name, seed), group in result.predictions.groupby(["fold", "seed"], sort=False):
        if name not in scored:
            continue
        y, value, chosen = (group[c].to_numpy(dtype=float) for c in ("y", "value", "chosen"))
        ranking = chosen if protocol.ranking == "class" else value
        for metric in list_metrics(task.kind, task.event):
            score = compute_score(y, ranking, chosen, metric, event=task.event or "positive")
            lines.append({"fold": name, "metric": metric, "seed": seed, "value": float(score[0])})
    return pd.DataFrame(lines, columns=["fold", "metric", "seed", "value"])


# ---- tables of folds and predictions


def _list_folds(plan: LocoPlan) -> pd.DataFrame:
    """Make the table of folds."""
    return pd.DataFrame([_describe_fold(plan, fold) for fold in plan.folds], columns=FOLD_COLUMNS)


def _describe_fold(plan: LocoPlan, fold: Fold) -> dict[str, object]:
    """Give the row of a fold."""
    y, persons = plan.labels.y[fold.test], plan.persons[fold.test]
    by_class: dict[str, object] = dict.fromkeys(
        ("n_positive", "n_negative", "n_positive_persons", "n_negative_persons"), 0
    )
    n_events = len(fold.train)
    if plan.labels.is_class:
        for name, label in (("positive", 1), ("negative", 0)):
            by_class[f"n_{name}"] = int((y == label).sum())
            by_class[f"n_{name}_persons"] = len(set(persons[y == label]))
        n_positive = int(plan.labels.y[fold.train].sum())
        n_events = min(n_positive, len(fold.train) - n_positive)
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


def _list_predictions(plan: LocoPlan, predictions: Predictions) -> pd.DataFrame:
    """Make the table of predictions."""
    pieces = []
    for fold in plan.tested:
        rows = plan.rows.table.iloc[fold.test]
        for seed, fit in zip(_list_seeds(plan), predictions[fold.name], strict=True):
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


# ---- two evaluations


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
    cases = [_read_cases(result) for result in (first, second)]
    names = [name for name in cases[0] if name in cases[1]]
    draws = [
        {
            name: _draw_scores(case[name], name, settings.n_resamples, settings.seed)
            for name in names
        }
        for case in cases
    ]
    return pd.DataFrame(
        list(_compare_rows(first, second, names, draws)), columns=list(DIFFERENCE_COLUMNS)
    )


def _check_same(first: LocoResult, second: LocoResult) -> None:
    """Refuse to compare what is not of the same images, labels and groups."""
    if first.settings.hold_out != second.settings.hold_out:
        raise SelectionError(
            f"One evaluation holds out by {first.settings.hold_out!r}, the other by "
            f"{second.settings.hold_out!r}: only like folds have a paired difference."
        )
    tables = [result.rows.table[["image_id", "y"]] for result in (first, second)]
    if first.rows.task.column != second.rows.task.column or not tables[0].equals(tables[1]):
        raise SelectionError(
            f"The evaluations are of {name_units(len(tables[0]), 'image')} of task "
            f"{first.rows.task.title!r} and {name_units(len(tables[1]), 'image')} of task "
            f"{second.rows.task.title!r} that are not the same: a paired difference needs the same "
            "images and labels. Take only images that have both feature sets."
        )


def _read_cases(result: LocoResult) -> dict[str, _Case]:
    """Read from a result what its scores are made of."""
    task, found = result.rows.task, {}
    for name, group in result.predictions.groupby("fold", sort=False):
        seeds = [each for _, each in group.groupby("seed", sort=True)]
        fits = tuple(
            Fit(each["value"].to_numpy(float), each["chosen"].to_numpy(float), is_converged=True)
            for each in seeds
        )
        y, persons = seeds[0]["y"].to_numpy(float), seeds[0]["person_id"].to_numpy()
        protocol = result.settings.protocol
        found[str(name)] = _Case(y, persons, fits, task.kind, task.event, protocol)
    return found


def _compare_rows(
    first: LocoResult,
    second: LocoResult,
    names: list[str],
    draws: list[dict[str, _Draws]],
) -> Iterator[dict[str, object]]:
    """Give the rows of the table of differences."""
    reasons = _list_reasons(first) | _list_reasons(second)
    task = first.rows.task
    needed = max(result.settings.protocol.fewest_folds for result in (first, second))
    n_persons = first.predictions.groupby("fold")["person_id"].nunique()
    means = []
    for metric in list_metrics(task.kind, task.event):
        used = []
        for name in first.folds["fold"]:
            if reason := reasons.get((name, metric), ""):
                yield _write_difference(name, metric, reason=reason)
                continue
            values = [float(each[name].by_seed[metric].mean()) for each in draws]
            spread = draws[0][name].resampled[metric] - draws[1][name].resampled[metric]
            used.append((values[0] - values[1], spread))
            yield _write_difference(name, metric, *used[-1], n_persons=int(n_persons[name]))
        if len(used) < needed:
            by = name_units(len(used), first.settings.hold_out)
            reason = f"{by} with both scores: a mean needs {needed}."
            means.append(_write_difference(MEAN, metric, reason=reason))
        else:
            value = float(np.mean([each for each, _ in used]))
            spread = np.mean([each for _, each in used], axis=0)
            means.append(_write_difference(MEAN, metric, value, spread))
    yield from means
    yield _compare_pooled(first, names, draws)


def _list_reasons(result: LocoResult) -> dict[tuple[str, str], str]:
    """List why groups have no score, by group and metric."""
    missing = result.scores[result.scores["value"].isna()]
    return {
        (fold, metric): reason
        for fold, metric, reason in zip(
            missing["fold"], missing["metric"], missing["reason"], strict=True
        )
    }


def _compare_pooled(
    first: LocoResult, names: list[str], draws: list[dict[str, _Draws]]
) -> dict[str, object]:
    """Give the difference of the pairs within groups."""
    metric = "auroc" if first.rows.task.kind == "classes" else "concordance"
    names = [name for name in names if draws[0][name].pairs[1] > 0]
    if not names:
        reason = f"No {first.settings.hold_out} was tested in both."
        return _write_difference(POOLED, metric, reason=reason)
    values, spreads = [], []
    for each in draws:
        concordant, pairs = np.sum([each[name].pairs for name in names], axis=0)
        sums = np.sum([each[name].resampled_pairs for name in names], axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            spreads.append(sums[0] / sums[1])
        values.append(float(concordant / pairs))
    return _write_difference(POOLED, metric, values[0] - values[1], spreads[0] - spreads[1])


def _write_difference(
    fold: str,
    metric: str,
    value: float = np.nan,
    spread: np.ndarray | None = None,
    *,
    n_persons: int = 2,
    reason: str = "",
) -> dict[str, object]:
    """Give a row of the table of differences."""
    row: dict[str, object] = dict.fromkeys(DIFFERENCE_COLUMNS, np.nan)
    row |= {"fold": fold, "metric": metric, "difference": value, "reason": reason}
    row |= {"n_used": 0, "n_dropped": 0}
    return row if spread is None else row | _bound(spread, {"n_persons": n_persons})
