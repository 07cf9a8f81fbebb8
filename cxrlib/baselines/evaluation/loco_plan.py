"""The plan of an evaluation: rows in order, folds, features as the models see them; and the models.

Nothing of it depends on the labels beyond which folds there are, so that a null distribution
fits one plan to many permutations of the labels.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation.estimators import is_own
from cxrlib.baselines.evaluation.folds import Fold, Labels, list_idle_guards, make_folds
from cxrlib.baselines.evaluation.groupings import parse_hold_out
from cxrlib.baselines.evaluation.models import (
    MLP_SEEDS,
    Design,
    Fit,
    Model,
    choose_model,
    fit_model,
    make_design,
    refuse_training,
)
from cxrlib.baselines.evaluation.own_estimators import name_estimator
from cxrlib.baselines.evaluation.penalties import MOST_FOLDS
from cxrlib.baselines.evaluation.protocols import LocoSettings
from cxrlib.baselines.evaluation.scores import list_metrics
from cxrlib.baselines.evaluation.shortcut_removal import (
    Trace,
    erase_trace,
    match_folds,
    read_trace,
    read_values,
)
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
    model : Model
    folds : tuple of Fold
    notes : tuple of str
        What a reader must know before any score.
    repeats : tuple of LocoPlan
        The same with the persons dealt anew; () where nothing is dealt again.
    trace : Trace or None
        What is erased from the features.
    unmatched : tuple of Fold
        The folds as they were before the classes were matched, which other labels match otherwise.
    """

    rows: TaskRows
    features: Features
    matrix: np.ndarray
    settings: LocoSettings
    labels: Labels
    persons: np.ndarray
    model: Model
    folds: tuple[Fold, ...]
    notes: tuple[str, ...]
    repeats: tuple["LocoPlan", ...] = ()
    trace: Trace | None = None
    unmatched: tuple[Fold, ...] = ()
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
        """Seeds of the models: linear ones and neighbours need none."""
        if self.model.method == "mlp":
            return MLP_SEEDS
        return (self.settings.seed,) if self.model.is_random else (0,)

    def design(self, fold: Fold) -> Design:
        """Give the features of a fold as the model sees them."""
        if fold.name in self._designs:
            return self._designs[fold.name]
        protocol = self.settings.protocol
        train, test = self.matrix[fold.train], self.matrix[fold.test]
        if self.trace is not None:
            of_train, of_test = (self.trace.take(places) for places in (fold.train, fold.test))
            train, test = erase_trace(train, test, of_train, of_test)
        design = make_design(
            train,
            test,
            is_standardised=protocol.is_standardised,
            # Others do not depend on inner products alone; without a penalty nothing is won.
            reduces=protocol.reduces and self.model.is_penalised,
        )
        # Fifty thousand pixels of every fold would fill the memory, and are fitted but once.
        if self.model.method != "mlp":
            self._designs[fold.name] = design
        return design

    def erase(self, train: np.ndarray) -> "LocoPlan":
        """Erase from all features what some training images teach of the shortcut; then as plain.

        Parameters
        ----------
        train : ndarray of int
            Places, some perhaps several times.
        """
        if self.trace is None:
            return self
        _, left = erase_trace(self.matrix[train], self.matrix, self.trace.take(train), self.trace)
        return replace(self, matrix=left, trace=None, _designs={})

    def match(self, y: np.ndarray) -> "LocoPlan":
        """Match the classes of labels anew, where they are matched at all.

        Parameters
        ----------
        y : ndarray of float, shape (n_images,)
            Such as permuted ones: which images are left depends on the labels.
        """
        if not self.settings.match:
            return self
        repeats = tuple(each.match(y) for each in self.repeats)
        name = self.settings.match
        folds = match_folds(
            self.unmatched,
            read_values(self.rows.table, name),
            replace(self.labels, y=y),
            self.persons,
            name=name,
            seed=self.settings.seed,
            fewest_persons=self.settings.protocol.fewest_persons,
            refuse=lambda train: refuse_training(self.model.method, y[train]),
        )
        return replace(self, folds=folds, repeats=repeats, _designs={})


def take_estimator(settings: LocoSettings, estimator: Any) -> LocoSettings:  # noqa: ANN401
    """Return the settings with the name of a reader's estimator, where there is one."""
    if estimator is None or is_own(settings.model):
        return settings
    return replace(settings, estimator=name_estimator(estimator))


def plan_loco(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings,
    *,
    estimator: Any = None,  # noqa: ANN401 (any object with fit)
) -> LocoPlan:
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
    settings = take_estimator(settings, estimator)
    model = choose_model(settings.model, task.kind, features.kind, estimator)
    deal = functools.partial(
        make_folds,
        kept.table,
        labels,
        hold_out=settings.hold_out,
        guards=settings.guards,
        fewest_persons=settings.protocol.fewest_persons,
        refuse=lambda train: refuse_training(model.method, y[train]),
    )
    folds = deal()
    persons = pd.factorize(kept.table["person_id"])[0]
    notes = (
        *model.notes,
        *_describe_rows(matched, matrix),
        *_describe_sharing(folds, settings),
        *_describe_persons(folds, persons, settings.group),
        *_describe_dealing(kept.table, settings),
    )
    plan = LocoPlan(
        *(kept, matched, matrix, settings, labels, persons, model, folds),
        notes=(*notes, *settings.removal_method),
        trace=read_trace(kept, settings.erase),
        unmatched=folds,
    )
    dealings = (deal(repeat=r) for r in range(1, parse_hold_out(settings.hold_out).n_repeats))
    again = (replace(plan, folds=each, unmatched=each, _designs={}) for each in dealings)
    return replace(plan, repeats=tuple(again)).match(y)


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


def _describe_persons(folds: Sequence[Fold], persons: np.ndarray, group: str) -> tuple[str, ...]:
    """Note persons with images in several groups."""
    groups: Counter[int] = Counter()
    for fold in folds:
        groups.update(set(persons[fold.test].tolist()))
    n_several = sum(number > 1 for number in groups.values())
    if not n_several:
        return ()
    return (
        f"{format_units(n_several, 'person')} {'has' if n_several == 1 else 'have'} images of more "
        f"than one {group}; the bootstrap draws them separately in each.",
    )


def _describe_dealing(table: pd.DataFrame, settings: LocoSettings) -> tuple[str, ...]:
    """Note what parts of the persons are, and what cannot be kept apart between them."""
    grouping = parse_hold_out(settings.hold_out)
    if grouping.kind != "persons":
        return ()
    notes = [
        f"Persons are dealt into {grouping.n_parts} parts with equal shares of the labels; all "
        "images of a person are in one part. Training and test are of the same places, so this is "
        "no test of other places."
    ]
    if grouping.n_repeats > 1:
        notes.append(
            f"Scores are means over {grouping.n_repeats} dealings: images are compared within "
            "the parts of each, where one model has predicted them. A resample draws each person "
            "once for all dealings. Counts, and figures of single images, are of the first."
        )
    idle = set(list_idle_guards(table, settings.hold_out)) & set(settings.guards)
    for guard in sorted(idle):
        notes.append(f"All images are of one {guard}, which is in training and test alike.")
    return tuple(notes)


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
                    *(design(), labels[fold.train], plan.model),
                    persons=plan.persons[fold.train],
                    seed=seed,
                    extended_iterations=plan.settings.protocol.is_standardised,
                )
                if kept is not None:
                    kept[fold.name, seed] = fit
            fits.append(fit)
        found[fold.name] = tuple(fits)
    return found


def predict_dealings(
    plan: LocoPlan,
    y: np.ndarray | None = None,
    *,
    should_stop: ShouldStop | None = None,
    kept: Kept | None = None,
) -> tuple[Predictions, ...]:
    """Predict as `predict_folds` in each dealing of the persons; elsewhere there is but one."""
    first = predict_folds(plan, y, should_stop=should_stop, kept=kept)
    again = (predict_folds(each, y, should_stop=should_stop) for each in plan.repeats)
    return (first, *again)


def describe_fits(dealings: Sequence[Predictions]) -> tuple[str, ...]:
    """Note what was chosen inside the training images, and which models are not at their end."""
    predictions = dealings[0]
    names = [name for name, fits in predictions.items() if not all(f.is_converged for f in fits)]
    notes = list(_describe_choices({name: fits[0] for name, fits in predictions.items()}))
    if names:
        notes.append(
            f"The model did not converge with {', '.join(names)} held out: its predictions depend "
            "on where it stopped."
        )
    return tuple(notes)


def _describe_choices(fits: Mapping[str, Fit]) -> Iterator[str]:
    """Say which penalty was chosen with each group held out, and where it could not be."""
    chosen = {name: fit for name, fit in fits.items() if fit.n_folds}
    if chosen:
        settings = ", ".join(f"{name} {fit.setting}" for name, fit in chosen.items())
        yield (
            f"Chosen by up to {MOST_FOLDS} folds of persons within the training images, by what is "
            f"held out: {settings}."
        )
    fewer = {name: fit.n_folds for name, fit in chosen.items() if fit.n_folds < MOST_FOLDS}
    if fewer:
        shown = ", ".join(f"{name} {number}" for name, number in fewer.items())
        yield (
            f"Fewer than {MOST_FOLDS} such folds, since one would lack a class or a person: "
            f"{shown}."
        )
    unchosen = {name: fit for name, fit in fits.items() if fit.setting and not fit.n_folds}
    if unchosen:
        none = [f"{name} ({fit.setting})" for name, fit in unchosen.items()]
        yield (
            "Too few persons of a class to choose a penalty inside the training images with "
            f"{', '.join(none)} held out: the default was used."
        )
