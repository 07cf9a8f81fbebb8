"""The paper's baselines run again: every task and feature set, beside each printed score.

Nothing is chosen here: tasks, feature sets and protocol are the paper's (2020-12, Tables 5, 6
and 8 to 14). What cannot run keeps its lines and says why. Every run is one like any other: it is
kept, listed in the run log, and shown on the page by its id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.baselines.evaluation import (
    PAPER_SCORE_COLUMNS,
    PUBLISHED,
    LocoSettings,
    compare_class_counts,
    compare_scores,
    describe_score_comparison,
    list_not_run,
)
from cxrlib.baselines.features import list_feature_sets, spell_set_name
from cxrlib.baselines.runs.run_spec import RunSpec
from cxrlib.baselines.runs.runs import make_run
from cxrlib.baselines.tasks import TaskRows, find_task, take_rows
from cxrlib.cohort import Cohort
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.literature import FEATURE_TITLES, MEAN, PUBLISHED_TASKS, find_scores
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr

if TYPE_CHECKING:
    from cxrlib.storage import Store

REPRODUCTION_COLUMNS = (*PAPER_SCORE_COLUMNS, "run")
"""Columns of `Reproduction.scores`: those of a comparison and the id of the run, "" for none."""

STAGE = "Running the paper's baselines"


@dataclass(frozen=True)
class NotRun:
    """Hold a row of the paper's that could not be run.

    Parameters
    ----------
    task, features : str
    reason : str
        In full sentences.
    advice : str
        What to do, where it is known; long, and the same for several.
    """

    task: str
    features: str
    reason: str
    advice: str = ""


@dataclass(frozen=True, eq=False)
class Reproduction:
    """Hold the paper's scores beside ours.

    Parameters
    ----------
    scores : DataFrame
        `REPRODUCTION_COLUMNS`, a line a printed score (seeds averaged).
    counts : DataFrame
        The classes of each task and region beside the paper's: see
        `cxrlib.baselines.evaluation.compare_class_counts`. Of images with a
        readable file.
    not_run : tuple of NotRun
    notes : tuple of str
        What a reader must know, in sentences.
    """

    scores: pd.DataFrame
    counts: pd.DataFrame
    not_run: tuple[NotRun, ...]
    notes: tuple[str, ...]
    __repr__ = short_repr

    def describe(self) -> str:
        """Say in a sentence what became of the printed scores."""
        return describe_score_comparison(self.scores)


def list_published_runs(
    tasks: Sequence[str] = (), features: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """List the pairs of task and feature set that the paper prints scores of, in its order.

    Parameters
    ----------
    tasks, features : sequence of str, optional
        Only these; by default all.

    Raises
    ------
    SelectionError
        If the paper has no such task or feature set, or not the one with the other.

    Examples
    --------
    >>> len(list_published_runs()), list_published_runs(["opacity"], ["outputs"])
    (40, (('opacity', 'outputs'),))
    """
    features = tuple(map(spell_set_name, features))
    for given, known, noun in (
        (tasks, PUBLISHED_TASKS, "task"),
        (features, FEATURE_TITLES, "feature set"),
    ):
        for name in given:
            if name not in known:
                raise SelectionError(
                    f"The paper has no {noun} {name[:60]!r}. It has {', '.join(known)}."
                )
    pairs = tuple(
        dict.fromkeys(
            (task, score.features)
            for task in PUBLISHED_TASKS
            for score in find_scores(task, fold=MEAN)
            if (not tasks or task in tasks) and (not features or score.features in features)
        )
    )
    if not pairs:
        raise SelectionError(
            f"The paper has no scores of {', '.join(features)} for {', '.join(tasks)}: pixels "
            "predict classes only. Choose another feature set or task."
        )
    return pairs


def reproduce_scores(
    cohort: Cohort,
    store: "Store",
    *,
    tasks: Sequence[str] = (),
    features: Sequence[str] = (),
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Reproduction:
    """Run the paper's baselines under the published protocol, beside each printed score.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    store : Store
        Holds the embeddings that the runs need, and keeps the runs: what was run is read.
    tasks, features : sequence of str, optional
        Only these of the paper's; by default all.
    on_progress : callable, optional
        Takes a stage, how many runs are done and how many there are.
    should_stop : callable, optional
        Asked between fits.

    Returns
    -------
    Reproduction
        A synthetic cohort can be run too; it agrees with nothing.

    Raises
    ------
    SelectionError
        If the paper has no such task or feature set.
    RunStoppedError
        When `should_stop` said so; the runs done are kept.
    """
    pairs = list_published_runs(tasks, features)
    every = {name: take_rows(cohort, find_task(name), as_published=True) for name, _ in pairs}
    absent = {each.name: each for each in list_feature_sets(cohort, store) if not each.is_ready}
    tell = on_progress or (lambda *_: None)
    parts: list[pd.DataFrame] = []
    not_run: list[NotRun] = []
    for number, (task, name) in enumerate(pairs):
        tell(STAGE, number, len(pairs))
        if should_stop is not None and should_stop():
            raise RunStoppedError("The reproduction was stopped; finished runs are kept.")
        found: pd.DataFrame | NotRun
        if name in absent:
            found = NotRun(task, name, absent[name].why_not, absent[name].what_to_do)
        else:
            found = _run_pair(cohort, store, task, name, should_stop)
        if isinstance(found, NotRun):
            not_run.append(found)
            found = list_not_run(every[task], name, found.reason).assign(run="")
        parts.append(found)
    tell(STAGE, len(pairs), len(pairs))
    return Reproduction(
        scores=pd.concat(parts, ignore_index=True)[list(REPRODUCTION_COLUMNS)],
        counts=compare_class_counts(every.values()),
        not_run=tuple(not_run),
        notes=tuple(_list_notes(every, not_run)),
    )


def _run_pair(
    cohort: Cohort,
    store: "Store",
    task: str,
    features: str,
    should_stop: ShouldStop | None,
) -> pd.DataFrame | NotRun:
    """Run one row of the paper's and set it beside the printed scores."""
    spec = RunSpec(find_task(task), features, LocoSettings(protocol=PUBLISHED))
    try:
        run = make_run(cohort, store, spec, should_stop=should_stop)
    except SelectionError as error:
        return NotRun(task, features, str(error))
    return compare_scores(run.result).assign(run=run.id)


def _list_notes(every: Mapping[str, TaskRows], not_run: Sequence[NotRun]) -> Iterator[str]:
    """List what has to be said: images without a file, what did not run, what the paper says."""
    steps = {name: rows.flow.iloc[-1] for name, rows in every.items()}
    removed = [
        f"{name} {format_units(int(step['n_removed_images']), 'image')}"
        for name, step in steps.items()
        if step["step"] == "with a file" and step["n_removed_images"]
    ]
    if removed:
        yield f"Left out of all counts and scores, without a readable file: {', '.join(removed)}."
    for reason, advice in dict.fromkeys((each.reason, each.advice) for each in not_run):
        pairs = [f"{each.task} / {each.features}" for each in not_run if each.reason == reason]
        yield " ".join(filter(None, (f"Not run: {', '.join(pairs)}. {reason}", advice)))
    yield from dict.fromkeys(note for name in every for note in PUBLISHED_TASKS[name].notes)
