"""What a model goes by: standardised coefficients, or what the score loses without a feature.

Both ask the model for predictions only. A model is linear if its predictions are the sum of what
each feature alone changes; of others each feature is permuted among the test images.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats, Progress, ShouldStop
from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    FoldDraws,
    measure_size,
    pool_draws,
    refuse_pooled,
)
from cxrlib.baselines.evaluation.folds import Fold
from cxrlib.baselines.evaluation.intervals import subtract_estimates
from cxrlib.baselines.evaluation.learning_curve import refuse_pixels
from cxrlib.baselines.evaluation.loco_plan import LocoPlan, plan_loco, predict_folds
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.protocols import describe_too_few
from cxrlib.baselines.evaluation.resampling import (
    count_persons,
    find_student,
    resample_persons,
    weigh_images,
)
from cxrlib.baselines.evaluation.scores import MEAN, sum_pairs
from cxrlib.errors import SelectionError

IMPORTANCE_COLUMNS = (
    *("feature", "kind", "fold", "value", "low", "high", "n_same_sign", "n_folds"),
    *("n_images", "n_persons", "reason"),
)
COEFFICIENT, PERMUTATION = "coefficient", "permutation"
N_REFITS = 100
N_PERMUTED = 10
MOST_BOUNDED = 20
"""Features, the most important first, whose loss by permutation has an interval."""

_MOST_CELLS = 20_000_000  # of a matrix that is predicted at once
_ROUNDING = 1e-5


def compute_importance(
    result: LocoResult,
    *,
    n_refits: int = N_REFITS,
    n_permuted: int = N_PERMUTED,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Measure what the models of a run go by.

    Parameters
    ----------
    result : LocoResult
    n_refits : int, default 100
        Of linear models, on resampled training persons, for intervals.
    n_permuted : int, default 10
        Permutations of each feature among the test images of a group, of other models.
    on_progress, should_stop : callable, optional

    Returns
    -------
    DataFrame
        By feature, the most important first, with `IMPORTANCE_COLUMNS`: a row "mean" and a row a
        tested group. ``kind`` "coefficient" is the change of the log-odds of the class that is
        looked for (or of the predicted number) by one standard deviation of the training images,
        with a 95 % interval over refits. "permutation" is what the pooled score loses, with a
        95 % interval over the persons tested, of the first 20 features. ``n_same_sign`` counts
        the groups whose own value has the sign of the mean.

    Raises
    ------
    SelectionError
        For pixels, where no group is tested, where persons are dealt several times, or numbers
        that are too small.
    RunStoppedError
        When `should_stop` said so.
    """
    for name, value, least in (("n_refits", n_refits, 0), ("n_permuted", n_permuted, 1)):
        if value < least:
            raise SelectionError(f"{name} is {value}: give a whole number from {least}.")
    refuse_pixels(result)
    plan = plan_loco(result.rows, result.features, result.settings)
    if not plan.tested:
        raise SelectionError("No group was tested, so there is no model to explain.")
    if plan.repeats:
        raise SelectionError(
            "Scores are means over several dealings of the persons, each with its own models, so "
            "no one model can be explained. Deal them once, such as persons:5."
        )
    slopes = _find_slopes(plan, should_stop)
    if slopes is not None:
        rows = _list_coefficients(result, plan, slopes, n_refits, on_progress, should_stop)
    else:
        rows = _list_losses(result, plan, n_permuted, on_progress, should_stop)
    return pd.DataFrame(list(rows), columns=list(IMPORTANCE_COLUMNS))


def _predict(
    plan: LocoPlan, fold: Fold, points: Floats, should_stop: ShouldStop | None, train: np.ndarray
) -> Fit:
    """Fit the model of a fold, and predict any points."""
    places = np.arange(len(points)) + len(plan.matrix)
    asked = replace(fold, train=train, test=places)
    matrix = np.vstack([plan.matrix, points])
    part = replace(plan, matrix=matrix, folds=(asked,), _designs={})
    fits = predict_folds(part, should_stop=should_stop)[fold.name]
    return fits[0]


# ---- coefficients


def _measure_columns(plan: LocoPlan, fold: Fold) -> tuple[Floats, Floats]:
    """Measure mean and standard deviation of features over the training images."""
    train = plan.matrix[fold.train]
    return train.mean(axis=0), train.std(axis=0)


def _probe(plan: LocoPlan, fold: Fold) -> tuple[Floats, Floats]:
    """Make points: the mean image, then that with one feature a step up; and the steps."""
    centre, spread = _measure_columns(plan, fold)
    steps = np.where(spread > 0, spread, 1.0)
    return np.vstack([centre, centre + np.diag(steps)]), steps


def _find_slopes(plan: LocoPlan, should_stop: ShouldStop | None) -> list[Floats] | None:
    """Find what one standard deviation of each feature changes, by fold; None if not linear."""
    found = []
    for fold in plan.tested:
        own = plan.erase(fold.train)
        points, steps = _probe(own, fold)
        test = own.matrix[fold.test]
        value = _predict(own, fold, np.vstack([points, test]), should_stop, fold.train).value
        middle, changes = value[0], value[1 : len(points)] - value[0]
        expected = middle + (test - points[0]) @ (changes / steps)
        off = np.abs(expected - value[len(points) :]).max()
        if off > _ROUNDING * (1 + np.abs(value).max()):
            return None
        found.append(np.where(own.matrix[fold.train].std(axis=0) > 0, changes, 0.0))
    return found


def _list_coefficients(
    result: LocoResult,
    plan: LocoPlan,
    slopes: list[Floats],
    n_refits: int,
    on_progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Iterator[dict[str, object]]:
    """Give the rows of linear models."""
    sign = -1.0 if result.rows.task.event == "negative" else 1.0
    by_fold = sign * np.array(slopes)
    drawn = sign * _refit(plan, n_refits, on_progress, should_stop)
    units = count_persons(plan.labels.y, plan.persons, is_class=plan.labels.is_class)
    few = describe_too_few(units.fewest, is_class=plan.labels.is_class)
    counts: dict[str, object] = {"n_images": len(plan.matrix), "n_persons": units.n}
    mean = by_fold.mean(axis=0)
    for column in np.argsort(-np.abs(mean), kind="stable").tolist():
        cells: dict[str, object] = {"reason": few}
        if not few and mean[column] == 0 and not drawn[:, column].any():
            cells = {"reason": "No interval: the feature is constant or never used."}
        elif not few and n_refits:
            cells = find_student(float(mean[column]), drawn[:, column], units.n_independent)
        yield from _lay_out(plan, COEFFICIENT, column, by_fold[:, column], mean, cells, counts)


def _refit(
    plan: LocoPlan, n: int, on_progress: Progress | None, should_stop: ShouldStop | None
) -> Floats:
    """Fit all models again on resampled persons: mean coefficients, shape (n, n_columns)."""
    times = resample_persons(plan.persons, n, plan.settings.seed, "importance")
    found = np.full((n, plan.matrix.shape[1]), np.nan)
    for place, drawn in enumerate(times):
        slopes = []
        for fold in plan.tested:
            train = np.repeat(fold.train, drawn[plan.persons[fold.train]])
            y = plan.labels.y[train]
            if len(y) == 0 or y.min() == y.max():
                slopes.append(np.full(plan.matrix.shape[1], np.nan))
                continue
            own = plan.erase(train)
            points, _ = _probe(own, fold)
            value = _predict(own, fold, points, should_stop, train).value
            spread = own.matrix[fold.train].std(axis=0)
            slopes.append(np.where(spread > 0, value[1:] - value[0], 0.0))
        found[place] = np.mean(slopes, axis=0)
        if on_progress is not None:
            on_progress("Fitting on resampled persons", place + 1, n)
    return found


def _lay_out(
    plan: LocoPlan,
    kind: str,
    column: int,
    by_fold: Floats,
    means: Floats,
    cells: dict[str, object],
    counts: dict[str, object],
) -> Iterator[dict[str, object]]:
    """Give the rows of a feature: the mean with its interval, then each fold."""
    row = {"feature": plan.features.columns[column], "kind": kind, "n_folds": len(by_fold)}
    mean = float(means[column])
    bounds = {name: cells.get(name, np.nan) for name in ("low", "high")}
    same = int((np.sign(by_fold) == np.sign(mean)).sum())
    first = {"fold": MEAN, "value": mean, "n_same_sign": same, "reason": cells.get("reason", "")}
    yield row | counts | bounds | first
    for fold, value in zip(plan.tested, by_fold.tolist(), strict=True):
        own = {"n_images": len(fold.test), "n_persons": len(set(plan.persons[fold.test]))}
        yield row | own | {"fold": fold.name, "value": value, "reason": ""}


# ---- permutations


def _list_losses(
    result: LocoResult,
    plan: LocoPlan,
    n_permuted: int,
    on_progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Iterator[dict[str, object]]:
    """Give the rows of models that are not linear."""
    cases = list(read_cases(result).values())
    fits = _permute(plan, n_permuted, on_progress, should_stop)
    n_columns = plan.matrix.shape[1]
    plain = [np.ones((1, len(case.y))) for case in cases]
    base = [_count_pairs(case, case.fits, w) for case, w in zip(cases, plain, strict=True)]
    paired = [place for place, each in enumerate(base) if each.pairs[1] > 0]
    few = refuse_pooled([base[place] for place in paired]) if paired else "No group has pairs."
    if few:
        raise SelectionError(f"There is no pooled score that could be lost. {few}")
    by_fold = np.full((len(cases), n_columns), np.nan)
    pooled = np.empty(n_columns)
    for column in range(n_columns):
        own = [
            _count_pairs(case, fits[case.name][column], w)
            for case, w in zip(cases, plain, strict=True)
        ]
        for place in paired:
            before, after = (each[place].pairs for each in (base, own))
            by_fold[place, column] = (before[0] - after[0]) / before[1]
        pooled[column] = _pool(base, paired) - _pool(own, paired)
    counts: dict[str, object] = {
        "n_images": sum(len(cases[place].y) for place in paired),
        "n_persons": len({p for place in paired for p in cases[place].persons}),
    }
    settings = result.settings
    weights = [
        weigh_images(case.persons, settings.n_resamples, settings.seed, case.name) for case in cases
    ]
    order = np.argsort(-pooled, kind="stable").tolist()
    for rank, column in enumerate(order):
        cells: dict[str, object] = {"reason": f"No interval: only the first {MOST_BOUNDED} have."}
        if rank < MOST_BOUNDED:
            cells = _bound_loss(cases, weights, paired, fits, column)
        yield from _lay_out(plan, PERMUTATION, column, by_fold[:, column], pooled, cells, counts)


def _permute(
    plan: LocoPlan, n: int, on_progress: Progress | None, should_stop: ShouldStop | None
) -> dict[str, list[tuple[Fit, ...]]]:
    """Predict test images with one feature permuted among them: by fold and feature, n fits."""
    n_columns = plan.matrix.shape[1]
    found: dict[str, list[tuple[Fit, ...]]] = {fold.name: [] for fold in plan.tested}
    for done, fold in enumerate(plan.tested):
        rng = np.random.default_rng([plan.settings.seed, done])
        own = plan.erase(fold.train)
        test = own.matrix[fold.test]
        most = max(_MOST_CELLS // max(test.size * n, 1), 1)
        for start in range(0, n_columns, most):
            columns = range(start, min(start + most, n_columns))
            points = np.tile(test, (len(columns) * n, 1)).reshape(len(columns), n, *test.shape)
            for place, column in enumerate(columns):
                for repeat in range(n):
                    points[place, repeat, :, column] = rng.permutation(test[:, column])
            flat = points.reshape(-1, n_columns)
            fit = _predict(own, fold, flat, should_stop, fold.train)
            value, chosen = (
                each.reshape(len(columns), n, len(test)) for each in (fit.value, fit.chosen)
            )
            for place in range(len(columns)):
                pairs = zip(value[place], chosen[place], strict=True)
                found[fold.name].append(tuple(Fit(v, c, is_converged=True) for v, c in pairs))
            if on_progress is not None:
                at = done * n_columns + columns.stop
                on_progress("Permuting features", at, n_columns * len(plan.tested))
    return found


def _count_pairs(case: FoldCase, fits: tuple[Fit, ...], weights: Floats) -> FoldDraws:
    """Count the pairs ranked rightly, the mean over fits, by resample."""
    is_class = case.kind == "classes"
    pairs = np.mean(
        [sum_pairs(case.y, case.rank(fit), weights, is_class=is_class) for fit in fits], axis=0
    )
    size = measure_size(case.y, is_class=is_class)
    return FoldDraws(
        *({}, {}, pairs[:, 0], pairs[:, 1:], case.counts, case.event, size, case.train_size)
    )


def _pool(draws: list[FoldDraws], paired: list[int]) -> float:
    concordant, pairs = np.sum([draws[place].pairs for place in paired], axis=0)
    return float(concordant / pairs)


def _bound_loss(
    cases: list[FoldCase],
    weights: list[Floats],
    paired: list[int],
    fits: dict[str, list[tuple[Fit, ...]]],
    column: int,
) -> dict[str, object]:
    """Bound what the pooled score loses, by the same resamples of both."""
    before, after = (
        pool_draws([_count_pairs(cases[p], of(cases[p]), weights[p]) for p in paired])
        for of in (lambda case: case.fits, lambda case: fits[case.name][column])
    )
    return subtract_estimates(before, after)
