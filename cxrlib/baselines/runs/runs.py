"""Runs: a task, a feature set and settings on a cohort, made once, kept, listed in the run log.

A run is known by everything that can change its digits. Made again by the same id, it is read from
the store or, where that is damaged, computed to the same digits. Beside it stand the shortcuts on
the very same rows. Nothing that was made leaves the run log (`cxrlib.baselines.runs.run_log`).
"""

import functools
import hashlib
import json
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation import (
    DIFFERENCE_COLUMNS,
    MEAN,
    READ_COLUMNS,
    SCORE_COLUMNS,
    Kept,
    LocoResult,
    LocoSettings,
    analyse_sensitivity,
    compare_results,
    describe_grouping,
    format_held_out,
    is_slow,
    keep_shared,
    list_groups,
    list_versions,
    run_loco,
    take_estimator,
)
from cxrlib.baselines.features import (
    COLUMNS,
    FILE_ENDINGS,
    SHORTCUTS,
    Features,
    are_features_at_hand,
    describe_missing,
    has_other_columns,
    load_features,
    match_features,
    need_pictures,
)
from cxrlib.baselines.runs.label_checks import check_evaluable, describe_labels_and_groups
from cxrlib.baselines.runs.run_log import (
    RUNS,
    RunCounts,
    count_runs,
    list_runs,
    read_record,
    write_entry,
)
from cxrlib.baselines.runs.run_record import RunRecord, format_record, settle
from cxrlib.baselines.runs.run_spec import RunSpec
from cxrlib.baselines.tasks import TaskRows, narrow_rows, take_rows
from cxrlib.cohort import Cohort
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.html_repr import format_html
from cxrlib.number_text import format_units
from cxrlib.selection import check_selection
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

#: Raised when the same settings give other digits: every stored run is then made anew.
RUN_VERSION = 2
ID_DIGITS = 12


@dataclass(frozen=True, eq=False)
class Run:
    """Hold a run with its shortcuts and its place in the run log.

    Parameters
    ----------
    id : str
        12 hexadecimal digits, see `make_run_id`.
    spec : RunSpec
    result : LocoResult
        Folds, predictions, scores and notes; its rows are those that have features.
    shortcuts : dict of str to LocoResult
        The same of each shortcut, on the same rows.
    refused : dict of str to str
        Shortcuts that could not be run, with the reason.
    guarded : LocoResult or str
        The same with each source in training or in test, or why there is none.
    versions : dict of str to str
        Package to version.
    made : float
        When it was first made, seconds since 1970.
    seconds : float
        What the run itself took, then.
    n_runs_before, n_runs : int
        Runs that had been made on this cohort and task before it, and that have been made up to
        now, this one included.
    was_stored : bool
        Whether it was read, not computed.
    counts : RunCounts
        Runs made up to now, also of this outcome by other definitions and of the cohort.
    estimator : object, optional
        A reader's own that was fitted; None where it is not at hand.
    """

    id: str
    spec: RunSpec
    result: LocoResult
    shortcuts: dict[str, LocoResult]
    refused: dict[str, str]
    guarded: LocoResult | str
    versions: dict[str, str]
    made: float
    seconds: float
    n_runs_before: int
    n_runs: int
    was_stored: bool
    counts: RunCounts
    estimator: Any = None
    __repr__ = short_repr

    @property
    def folds(self) -> pd.DataFrame:
        """What was held out, and why some of it was not scored."""
        return self.result.folds

    @property
    def predictions(self) -> pd.DataFrame:
        """What was predicted of each image held out."""
        return self.result.predictions

    @property
    def scores(self) -> pd.DataFrame:
        """Scores of each held-out group, their mean, and pooled."""
        return self.result.scores

    @property
    def flow(self) -> pd.DataFrame:
        """The way from all rows to those of the run."""
        return self.result.rows.flow

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of it, in sentences."""
        return self.result.notes

    def check_sensitivity(self, metric: str = "") -> pd.DataFrame:
        """Set the score over all groups beside the same under stricter assumptions.

        See `cxrlib.baselines.evaluation.analyse_sensitivity`; by default of the task's first score.
        """
        metric = metric or str(self.scores["metric"].iloc[0])
        return analyse_sensitivity(self.result, self.guarded, metric)

    @property
    def shortcut_scores(self) -> pd.DataFrame:
        """Scores of the shortcuts with ``features`` and ``title``; a refused one has its reason."""
        tables = {name: each.scores for name, each in self.shortcuts.items()}
        return _gather(self, tables, SCORE_COLUMNS)


def describe_run_count(n_runs: int) -> str:
    """Say how many runs were made; `RunCounts.describe` counts other definitions too.

    Examples
    --------
    >>> describe_run_count(27)
    '27 runs were made on this cohort and task.'
    """
    return RunCounts(n_runs).describe()


# ---- the id


def make_run_id(
    spec: RunSpec,
    rows: TaskRows,
    features: Features,
    versions: Mapping[str, str] | None = None,
) -> str:
    """Name a run by all that can change its digits.

    Parameters
    ----------
    spec : RunSpec
        Of the task its definition counts, not what it is called on screen; of the features not
        the file they lie in.
    rows : TaskRows
        With the cohort's fingerprint (metadata, annotations and the files' contents) and what was
        derived of it: persons, places and labels.
    features : Features
        Name, columns, the numbers themselves, and which images have them.
    versions : mapping, optional
        By default those of this machine.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    task = {name: value for name, value in asdict(spec.task).items() if name != "title"}
    matter = {
        "run": RUN_VERSION,
        "cohort": rows.cohort.fingerprint,
        "rows": _hash_rows(rows),
        "task": task,
        "features": features.key,
        "settings": asdict(spec.settings),
        # Values of other columns can come from a file of labels.
        **({"groups": _list_sorted_groups(rows, spec)} if ":" in spec.settings.hold_out else {}),
        # Once predictions were averaged over dealings in place of scores.
        **({"averaged": "scores"} if spec.settings.is_repeated else {}),
        "where": spec.where,
        "versions": dict(list_versions() if versions is None else versions),
    }
    text = json.dumps(matter, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:ID_DIGITS]


def _list_sorted_groups(rows: TaskRows, spec: RunSpec) -> list[str]:
    table = rows.table.sort_values("image_id", kind="stable")
    return [str(name) for name in list_groups(table, spec.settings.hold_out)]


def _hash_rows(rows: TaskRows) -> str:
    """Hash what an evaluation reads of its rows, whatever their order.

    Persons and places are derived: of a cohort whose images were not looked at, or by another
    version of the rules, they can differ under one fingerprint.
    """
    table = rows.table[list(READ_COLUMNS)].sort_values("image_id", kind="stable")
    text = json.dumps(table.to_numpy(dtype=object).tolist(), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


# ---- making


def make_run(
    cohort: Cohort,
    store: Store,
    spec: RunSpec,
    *,
    features: Features | None = None,
    should_stop: ShouldStop | None = None,
    kept: Kept | None = None,
    estimator: Any = None,  # noqa: ANN401 (any object with fit)
) -> Run:
    """Make a run, or read it where it was made before, and enter it into the run log.

    Parameters
    ----------
    cohort : Cohort
        The whole one: filters are part of `spec`.
    store : Store
    spec : RunSpec
    features : Features, optional
        Numbers from outside; by default the set that `spec` names is loaded.
    should_stop : callable, optional
        Asked between fits.
    kept : mutable mapping, optional
        Fits of the run itself that were done before, see
        `cxrlib.baselines.evaluation.run_loco`.
    estimator : object, optional
        A reader's own, as `cxrlib.baselines.evaluation.run_loco` takes it; the run is known by
        its name, see `cxrlib.baselines.evaluation.take_estimator`.

    Returns
    -------
    Run

    Raises
    ------
    SelectionError
        If the cohort has no such filter values, feature set or rows; the message says what to do.
    StoreError
        If the run cannot be kept.
    """
    spec = replace(spec, settings=take_estimator(spec.settings, estimator))
    rows, features = _load_rows(cohort, store, spec, features)
    record, was_stored = _load_or_compute(
        *(store, spec, rows, features, should_stop, kept), estimator=estimator
    )
    write_entry(store, record)
    return _add_shortcuts(
        *(store, spec, record, rows, features, was_stored, should_stop), estimator=estimator
    )


def find_run(
    cohort: Cohort, store: Store, spec: RunSpec, *, features: Features | None = None
) -> Run | None:
    """Read a run that was made before; None where it was not, or was damaged.

    Nor is a run on numbers from outside found without these: a name does not bring them back.

    For pages that must not wait: of what takes long, such as the network on pixels, a job makes
    the run. Shortcuts are made where they are not stored, but with a slow model: then there is no
    run yet.

    Raises
    ------
    SelectionError
        As `make_run`.
    """
    if features is None and spec.features.casefold().endswith(FILE_ENDINGS):
        return None
    if features is None and spec.features == "pixels":
        rows = take_run_rows(cohort, spec)
        if not are_features_at_hand(spec.features, rows, store):
            return None  # a run that was made has stored them; decoding takes a minute
    rows, features = _load_rows(cohort, store, spec, features)
    record = _read(store, spec, rows, features)
    if record is None:
        return None
    write_entry(store, record)
    # Shortcuts take little to make, but where a model is slow; then a job goes on with them.
    stop = (lambda: True) if is_slow(spec.settings.model) else None
    try:
        return _add_shortcuts(store, spec, record, rows, features, True, stop)
    except RunStoppedError:
        return None


def take_run_rows(
    cohort: Cohort, spec: RunSpec, *, need_file: bool = True, but: Collection[str] = ()
) -> TaskRows:
    """Take the images of a run's task that its filters keep, as its protocol takes them.

    Parameters
    ----------
    cohort : Cohort
    spec : RunSpec
    need_file, but
        As `cxrlib.baselines.tasks.take_rows`.
    """
    return take_rows(
        cohort,
        spec.task,
        selection=check_selection(cohort, spec.selection),
        need_file=need_file,
        but=but,
        as_published=spec.settings.protocol.name == "published",
    )


def _load_rows(
    cohort: Cohort, store: Store, spec: RunSpec, features: Features | None
) -> tuple[TaskRows, Features]:
    """Load what a run is made of: the rows that have features, in the order of a result."""
    if cohort.steps:
        raise SelectionError(
            f"Cohort {cohort.name!r} is filtered ({cohort.steps[-1].label}). A run needs the whole "
            "cohort; give the filters to the run, for example where='view=AP'."
        )
    need_file = features is None and need_pictures(spec.features, store)
    take = functools.partial(take_run_rows, cohort, spec)
    rows = take(need_file=need_file)
    if features is None:
        features = load_features(spec.features, rows, store)
    else:
        features = match_features(features, rows)
    if not need_file:
        # An image with neither picture nor features is one without a file, as with any other set.
        rows = take(but=features.image_ids)
        there = set(rows.table["image_id"])
        lost = {name: why for name, why in features.missing.items() if name in there}
        features = replace(features, missing=lost)
    rows = _keep_with_features(rows, features)
    check_evaluable(rows, spec.settings)
    table = rows.table.sort_values("image_id", kind="stable").reset_index(drop=True)
    return replace(rows, table=table), features


def _add_shortcuts(
    store: Store,
    spec: RunSpec,
    record: RunRecord,
    rows: TaskRows,
    features: Features,
    was_stored: bool,
    should_stop: ShouldStop | None,
    *,
    estimator: Any = None,  # noqa: ANN401
) -> Run:
    """Add the shortcuts and the place in the run log to a run."""
    shortcuts, refused = _run_shortcuts(store, spec, rows, should_stop, estimator)
    result = _to_result(record, rows, features, spec)
    guarded = _run_guarded(store, result, spec, should_stop, estimator)
    entries = list_runs(store, record.fingerprint, spec.task)
    return Run(
        id=record.id,
        spec=spec,
        result=result,
        shortcuts=shortcuts,
        refused=refused,
        guarded=guarded,
        versions=record.versions,
        made=record.made,
        seconds=record.seconds,
        n_runs_before=[entry.id for entry in entries].index(record.id),
        n_runs=len(entries),
        was_stored=was_stored,
        counts=count_runs(store, record.fingerprint, spec.task),
        estimator=estimator,
    )


def _keep_with_features(rows: TaskRows, features: Features) -> TaskRows:
    """Leave out the rows without feature values, as a step of the flow that says why."""
    there = set(features.image_ids)
    reasons = [
        None if image_id in there else features.missing.get(image_id, "no values")
        for image_id in rows.table["image_id"]
    ]
    if all(reason is None for reason in reasons):
        return rows
    return narrow_rows(rows, reasons, step="with features", title="With feature values")


def _load_or_compute(
    store: Store,
    spec: RunSpec,
    rows: TaskRows,
    features: Features,
    should_stop: ShouldStop | None = None,
    kept: Kept | None = None,
    *,
    estimator: Any = None,  # noqa: ANN401
) -> tuple[RunRecord, bool]:
    """Read a run's record; compute and keep it where there is none, or one that does not fit."""
    stored = _read(store, spec, rows, features)
    if stored is not None:
        return stored, True
    versions = list_versions()
    key = make_run_id(spec, rows, features, versions)
    started = time.monotonic()
    result = run_loco(
        *(rows, features, spec.settings), should_stop=should_stop, kept=kept, estimator=estimator
    )
    record = RunRecord(
        id=key,
        spec=spec.to_dict(),
        fingerprint=rows.cohort.fingerprint,
        versions=versions,
        made=time.time(),
        seconds=time.monotonic() - started,
        n_images=rows.n_images,
        n_persons=rows.n_persons,
        features_title=features.title,
        notes=tuple(
            filter(
                None,
                (
                    *describe_labels_and_groups(rows, spec.settings),
                    describe_missing(features),
                    *result.notes,
                ),
            )
        ),
        tables={
            "folds": settle(result.folds),
            "predictions": settle(result.predictions),
            "scores": settle(result.scores),
        },
    )
    store.write_file(RUNS, f"{key}.json", format_record(record))
    return record, False


def _read(store: Store, spec: RunSpec, rows: TaskRows, features: Features) -> RunRecord | None:
    """Read a run's record; None where there is none, or one that does not fit."""
    record = read_record(store, make_run_id(spec, rows, features))
    return record if record is not None and _fits(record, rows, spec) else None


def _fits(record: RunRecord, rows: TaskRows, spec: RunSpec) -> bool:
    """Tell whether a record is of this run: its id says so, but anyone may have written it."""
    labels = dict(zip(rows.table["image_id"], rows.table["y"], strict=True))
    predictions = record.tables["predictions"]
    pairs = zip(predictions["image_id"], predictions["y"], strict=True)
    # The same numbers may lie in another file today.
    is_same = record.spec | {"features": spec.features} == spec.to_dict()
    is_same = is_same and record.fingerprint == rows.cohort.fingerprint
    return is_same and all(labels.get(image_id) == y for image_id, y in pairs)


def _to_result(record: RunRecord, rows: TaskRows, features: Features, spec: RunSpec) -> LocoResult:
    tables = record.tables
    return LocoResult(
        rows=rows,
        features=features,
        settings=spec.settings,
        folds=tables["folds"],
        predictions=tables["predictions"],
        scores=tables["scores"],
        notes=record.notes,
    )


def run_beside(
    run: Run,
    store: Store,
    features: Features,
    *,
    settings: LocoSettings | None = None,
    should_stop: ShouldStop | None = None,
) -> LocoResult:
    """Evaluate other features, or other settings, on the very rows of a run; keep the answer.

    The model is the run's, a reader's own too. It is not entered into the run log: like a shortcut
    it belongs to the run it stands beside.

    Parameters
    ----------
    run : Run
    store : Store
    features : Features
        With numbers of all rows of the run.
    settings : LocoSettings, optional
        By default the run's.
    should_stop : callable, optional
        Asked between fits.

    Raises
    ------
    SelectionError
        If it cannot be evaluated.
    """
    spec = replace(run.spec, features=features.name, settings=settings or run.spec.settings)
    return _evaluate_beside(store, spec, run.result.rows, features, should_stop, run.estimator)


# ---- shortcuts


def _run_shortcuts(
    store: Store,
    spec: RunSpec,
    rows: TaskRows,
    should_stop: ShouldStop | None,
    estimator: Any,  # noqa: ANN401
) -> tuple[dict[str, LocoResult], dict[str, str]]:
    """Run the shortcuts on the rows of a run.

    They depend on rows and settings, not on the features they stand beside: a record of theirs
    serves all feature sets. They are not in the run log, since nobody asked for one of them.
    """
    results: dict[str, LocoResult] = {}
    refused: dict[str, str] = {}
    for name in (*SHORTCUTS, *([COLUMNS] if has_other_columns(rows) else [])):
        of_shortcut = replace(spec, features=name)
        try:
            features = load_features(name, rows, store)
            results[name] = _evaluate_beside(
                store, of_shortcut, rows, features, should_stop, estimator
            )
        except SelectionError as error:
            refused[name] = str(error)
    return results, refused


def _evaluate_beside(
    store: Store,
    spec: RunSpec,
    rows: TaskRows,
    features: Features,
    should_stop: ShouldStop | None,
    estimator: Any,  # noqa: ANN401
) -> LocoResult:
    """Evaluate what belongs to a run and stands in no log; keep the answer."""
    try:
        record, _ = _load_or_compute(
            *(store, spec, rows, features, should_stop), estimator=estimator
        )
    except ValueError as error:
        if estimator is None:
            raise
        # A reader's own may need more columns, or more images, than there are.
        raise SelectionError(f"The model cannot be fitted to it ({error}).") from error
    return _to_result(record, rows, features, spec)


def _run_guarded(
    store: Store,
    result: LocoResult,
    spec: RunSpec,
    should_stop: ShouldStop | None,
    estimator: Any,  # noqa: ANN401
) -> LocoResult | str:
    """Run the same with each source in training or in test; like a shortcut it is in no log."""
    if spec.settings.is_strict:
        return result
    if result.features.kind == "pixels":
        return "Not run: the network on pixels takes minutes. Run it with sources kept apart."
    of_guarded = replace(spec, settings=replace(spec.settings, is_strict=True))
    try:
        return _evaluate_beside(
            store, of_guarded, result.rows, result.features, should_stop, estimator
        )
    except SelectionError as error:  # an estimator of one's own may not be at hand
        return str(error)


def _gather(run: Run, tables: Mapping[str, pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Put tables of the shortcuts below each other; all may be refused."""
    parts = [
        table.assign(features=name, title=run.shortcuts[name].features.title)
        for name, table in tables.items()
    ]
    empty: list[dict[str, Any]] = [
        {"features": name, "title": name, "fold": MEAN, "metric": "", "reason": reason}
        for name, reason in run.refused.items()
    ]
    table = pd.concat([*parts, *([pd.DataFrame(empty)] if empty else [])], ignore_index=True)
    return table.reindex(columns=["features", "title", *columns])


# ---- comparing


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Hold the paired difference of two runs, or why there is none.

    Parameters
    ----------
    first, second : str
        Ids of the runs.
    table : DataFrame or None
        Result of `cxrlib.baselines.evaluation.compare_results`: first minus second; None
        where rows differ.
    reason : str
        Why there is no table, in a sentence; "" where there is one.
    n_first, n_second, n_both : int
        Images of either, and those that both have, which are compared.
    remarks : tuple of str
        What makes the difference mean something else than it seems to.
    """

    first: str
    second: str
    table: pd.DataFrame | None
    reason: str = ""
    remarks: tuple[str, ...] = ()
    n_first: int = 0
    n_second: int = 0
    n_both: int = 0
    __repr__ = short_repr

    def describe_images(self) -> str:
        """Say which images are compared, and of how many.

        Examples
        --------
        >>> RunComparison("a", "b", None, n_first=150, n_second=133, n_both=120).describe_images()
        'On the 120 of 150 and 133 images that both have.'
        """
        if self.n_first == self.n_second == self.n_both:
            return f"On the same {format_units(self.n_both, 'image')}."
        of = f"{self.n_first:,} and {self.n_second:,}"
        return f"On the {self.n_both:,} of {of} images that both have."

    def _repr_html_(self) -> str:
        table = pd.DataFrame() if self.table is None else self.table
        notes = (self.reason or self.describe_images(), *self.remarks)
        return format_html(f"Run {self.first} minus run {self.second}", table, notes=notes)


def compare_runs(first: Run, second: Run) -> RunComparison:
    """Compare two runs image by image, by resamples that draw the same persons for both.

    Parameters
    ----------
    first, second : Run
        Of one cohort and outcome, in the same groups. Days, views, exclusions, filters and
        features may differ: what both have is compared, where their labels agree.

    Returns
    -------
    RunComparison
        Differences by fold and score, first minus second, with 95 % intervals; or the reason why
        the two cannot be compared.
    """
    ours, theirs = (set(run.result.rows.table["image_id"]) for run in (first, second))
    found = RunComparison(
        *(first.id, second.id, None),
        n_first=len(ours),
        n_second=len(theirs),
        n_both=len(ours & theirs),
    )
    reason = _find_mismatch(first, second)
    if reason:
        return replace(found, reason=reason)
    try:
        table = compare_results(*keep_shared(first.result, second.result))
    except SelectionError as error:
        return replace(found, reason=str(error))
    return replace(found, table=table, remarks=tuple(_list_remarks(first, second)))


def compare_shortcuts(run: Run) -> pd.DataFrame:
    """Compare a run with each of its shortcuts, image by image.

    Returns
    -------
    DataFrame
        ``features`` and ``title`` of the shortcut, then the columns of
        `cxrlib.baselines.evaluation.compare_results`: the run minus the shortcut.
    """
    tables = {name: compare_results(run.result, other) for name, other in run.shortcuts.items()}
    return _gather(run, tables, DIFFERENCE_COLUMNS)


def _find_mismatch(first: Run, second: Run) -> str:
    """Say why two runs have no paired difference, "" where they have."""
    if first.result.rows.cohort.fingerprint != second.result.rows.cohort.fingerprint:
        return "The runs use different cohorts, so their images cannot be paired."
    ours, theirs = (run.spec.settings.hold_out for run in (first, second))
    if ours != theirs:
        held = [format_held_out(None, each) for each in (ours, theirs)]
        if held[0] == held[1]:  # parts of the persons, dealt otherwise
            held = [describe_grouping(each).removeprefix("by ") for each in (ours, theirs)]
        return f"One run holds out {held[0]}, the other {held[1]}: no group is in both."
    labels, others = (
        dict(zip(run.result.rows.table["image_id"], run.result.rows.table["y"], strict=True))
        for run in (first, second)
    )
    both = labels.keys() & others.keys()
    if not both:
        return (
            f"The runs have no image in common: {format_units(len(labels), 'image')} and "
            f"{len(others):,}. Choose days, views and filters that overlap."
        )
    n_other = sum(labels[image_id] != others[image_id] for image_id in both)
    if n_other:
        return (
            f"The runs predict different labels for {n_other:,} of the {len(both):,} images that "
            "both have. Choose two runs of one outcome."
        )
    groups, other_groups = (
        dict(zip(run.predictions["image_id"], run.predictions["fold"], strict=True))
        for run in (first, second)
    )
    tested = groups.keys() & other_groups.keys()
    n_moved = sum(groups[image_id] != other_groups[image_id] for image_id in tested)
    if n_moved:
        return (
            f"The runs hold out {n_moved:,} of {len(tested):,} images in other groups: who is in "
            "a group depends on the images of a run or on its files. Choose two runs "
            f"{describe_grouping(ours)} of the same images."
        )
    return ""


def _list_remarks(first: Run, second: Run) -> list[str]:
    """List what makes a difference mean something else than it seems to."""
    ours, theirs = first.spec.settings, second.spec.settings
    remarks = []
    images = [set(run.result.rows.table["image_id"]) for run in (first, second)]
    if images[0] != images[1]:
        remarks.append(
            "Each model is trained on the images of its own run: part of the difference comes from "
            "what it learnt from."
        )
    if ours.protocol != theirs.protocol:
        remarks.append(
            f"The protocols differ ({ours.protocol.name}, {theirs.protocol.name}), so part of the "
            "difference comes from the protocol."
        )
    if ours.model != theirs.model:
        remarks.append(
            f"The models differ: {first.spec.describe_model()}; {second.spec.describe_model()}."
        )
    if ours.is_strict != theirs.is_strict:
        remarks.append(
            "Only one run keeps each source in training or in test: the training images differ."
        )
    if ours.removal != theirs.removal:
        first_words, second_words = (each.removal or "nothing" for each in (ours, theirs))
        remarks.append(f"Shortcuts taken away differ: {first_words}; {second_words}.")
    if ours.seed != theirs.seed:
        remarks.append("The seeds differ; both use the resamples of the first run.")
    return remarks
