"""The plan of an evaluation: rows in order, folds, features as the models see them; and the models.

Nothing of it depends on the labels beyond which folds there are, so that a null distribution
fits one plan to many permutations of the labels.
"""

import functools
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation.folds import Fold, Labels, make_folds
from cxrlib.baselines.evaluation.models import (
    MLP_SEEDS,
    Design,
    Fit,
    Method,
    choose_method,
    fit_model,
    make_design,
    refuse_training,
)
from cxrlib.baselines.evaluation.protocols import LocoSettings
from cxrlib.baselines.evaluation.scores import list_metrics
from cxrlib.baselines.features import Features, describe_missing, match_features
from cxrlib.baselines.tasks import TaskRows
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

_SHARED = {"person": "a person", "article": "an article", "source": "a source"}

Kept = MutableMapping[tuple[str, int], Fit]
"""Fits by fold and seed, kept somewhere so that what was stopped goes on."""
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
    matrix : ndarray of float, shape (n_images, n_columns)
        Of the features, in the order of the rows.
    settings : LocoSettings
    labels : Labels
    persons : ndarray of int
        The code of each image's person.
    method : {"logistic", "linear", "mlp"}
    folds : tuple of Fold
    notes : tuple of str
        What a reader must know before any score.
    """

    rows: TaskRows
    features: Features
    matrix: np.ndarray
    settings: LocoSettings
    labels: Labels
    persons: np.ndarray
    method: Method
    folds: tuple[Fold, ...]
    notes: tuple[str, ...]
    _designs: dict[str, Design] = field(default_factory=dict, repr=False)
    __repr__ = short_repr

    @property
    def tested(self) -> tuple[Fold, ...]:
        """Folds whose images are predicted."""
        return tuple(fold for fold in self.folds if fold.is_tested)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Scores of the task."""
        return list_metrics(self.rows.task.kind, self.rows.task.event)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the models: the linear ones need none."""
        return MLP_SEEDS if self.method == "mlp" else (0,)

    def design(self, fold: Fold) -> Design:
        """Give the features of a fold as the model sees them."""
        if fold.name in self._designs:
            return self._designs[fold.name]
        protocol = self.settings.protocol
        design = make_design(
            self.matrix[fold.train],
            self.matrix[fold.test],
            is_standardised=protocol.is_standardised,
            # A network does not depend on inner products alone; without a penalty nothing is won.
            reduces=protocol.reduces and self.method == "logistic",
        )
        # Fifty thousand pixels of every fold would fill the memory, and are fitted but once.
        if self.method != "mlp":
            self._designs[fold.name] = design
        return design


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
    folds = make_folds(
        kept.table,
        labels,
        hold_out=settings.hold_out,
        guards=settings.guards,
        fewest_persons=settings.protocol.fewest_persons,
        refuse=lambda train: refuse_training(method, y[train]),
    )
    persons = pd.factorize(kept.table["person_id"])[0]
    notes = (
        *_describe_rows(matched, matrix),
        *_describe_sharing(folds, settings),
        *_describe_persons(folds, persons, settings.hold_out),
    )
    return LocoPlan(kept, matched, matrix, settings, labels, persons, method, folds, notes)


def _order_rows(rows: TaskRows, features: Features) -> tuple[TaskRows, np.ndarray]:
    """Take the rows with features in the order of their image ids, and the features."""
    table = rows.table[rows.table["image_id"].isin(features.image_ids)]
    if table.empty:
        raise SelectionError(
            f"Task {rows.task.title!r} has no images. {_describe_empty_step(rows)}Widen the days "
            "or views, or remove filters."
        )
    table = table.sort_values("image_id", kind="stable").reset_index(drop=True)
    matrix = np.asarray(features.take(list(table["image_id"])), dtype=float)
    if not np.isfinite(matrix).all():
        place, column = np.argwhere(~np.isfinite(matrix))[0]
        raise SelectionError(
            f"Feature {features.columns[column]!r} of image {table['image_id'][place]!r} is "
            f"{matrix[place, column]}: features must be finite numbers. Leave the image out, or "
            "give a value."
        )
    return replace(rows, table=table), matrix


def _describe_empty_step(rows: TaskRows) -> str:
    """Say at which step of the flow no image is left, and why; "" where the flow does not say."""
    for step in rows.flow.to_dict("records"):
        if step["n_images"] == 0:
            return f"The step {step['title']!r} left none ({step['reasons']}). "
    return ""


def _describe_rows(features: Features, matrix: np.ndarray) -> tuple[str, ...]:
    """Note which images have no features, and which features say nothing."""
    notes = [describe_missing(features)] if features.missing else []
    n_constant = int((np.ptp(matrix, axis=0) == 0).sum())
    if n_constant and features.kind != "prevalence":
        notes.append(
            f"{n_constant:,} of {format_units(matrix.shape[1], 'feature')} "
            f"{'is' if n_constant == 1 else 'are'} constant and "
            f"{'carries' if n_constant == 1 else 'carry'} no information."
        )
    return tuple(notes)


def _describe_sharing(folds: Sequence[Fold], settings: LocoSettings) -> tuple[str, ...]:
    """Note what training and test images share all the same."""
    notes = []
    for guard, what in _SHARED.items():
        numbers = {fold.name: fold.shared[guard] for fold in folds if fold.is_tested}
        shown = ", ".join(f"{name} {number}" for name, number in numbers.items() if number)
        if shown and guard not in settings.guards:
            notes.append(f"Training images that share {what} with held-out images (kept): {shown}.")
    return tuple(notes)


def _describe_persons(folds: Sequence[Fold], persons: np.ndarray, hold_out: str) -> tuple[str, ...]:
    """Note persons with images in several groups."""
    groups: Counter[int] = Counter()
    for fold in folds:
        groups.update(set(persons[fold.test].tolist()))
    n_several = sum(number > 1 for number in groups.values())
    if not n_several:
        return ()
    return (
        f"{format_units(n_several, 'person')} {'has' if n_several == 1 else 'have'} images of more "
        f"than one {hold_out}; the bootstrap draws them separately in each.",
    )


def predict_folds(
    plan: LocoPlan,
    y: np.ndarray | None = None,
    *,
    should_stop: ShouldStop | None = None,
    kept: Kept | None = None,
) -> Predictions:
    """Fit a model for each tested fold, and predict its images.

    Parameters
    ----------
    plan : LocoPlan
    y : ndarray of float, shape (n_images,), optional
        Other labels in the order of ``plan.rows``, such as permuted ones.
    should_stop : callable, optional
        Asked before each fit.
    kept : mutable mapping, optional
        Fits by fold and seed: what is in it is not fitted again, what is fitted is put into it.

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
        # Not needed where all fits are kept; pixels take long.
        design = functools.cache(functools.partial(plan.design, fold))
        for seed in plan.seeds:
            if should_stop is not None and should_stop():
                raise RunStoppedError("The evaluation was stopped.")
            fit = None if kept is None else kept.get((fold.name, seed))
            if fit is None:
                fit = fit_model(
                    *(design(), labels[fold.train], plan.method),
                    seed=seed,
                    extended_iterations=plan.settings.protocol.is_standardised,
                )
                if kept is not None:
                    kept[fold.name, seed] = fit
            fits.append(fit)
        found[fold.name] = tuple(fits)
    return found


def describe_fits(predictions: Predictions) -> tuple[str, ...]:
    """Note which models were not fitted to the end."""
    names = [name for name, fits in predictions.items() if not all(f.is_converged for f in fits)]
    if not names:
        return ()
    return (
        f"The model did not converge with {', '.join(names)} held out: its predictions depend on "
        "where it stopped.",
    )
