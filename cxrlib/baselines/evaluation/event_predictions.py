"""What a run predicts of the class that counts, group by group: what curves and tables are made of.

Where a task has a clinical event (death, say) it is the class that is looked for, also where the
task's positive class is the other one; else it is the positive class.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.fold_scores import (
    FEWEST_POOLED,
    FoldCase,
    draw_scores,
    find_widening,
)
from cxrlib.baselines.evaluation.intervals import Units
from cxrlib.baselines.evaluation.loco_result import (
    LocoResult,
    read_cases,
    take_first_dealing,
)
from cxrlib.baselines.evaluation.models import Fit
from cxrlib.baselines.evaluation.protocols import describe_too_few
from cxrlib.baselines.evaluation.scores import POOLED_METRICS
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr


@dataclass(frozen=True, eq=False)
class EventPredictions:
    """Hold the predictions of the class that is looked for.

    Parameters
    ----------
    name, other : str
        Words of that class and of the other.
    cases : tuple of FoldCase
        One a tested group: ``y`` is 1 of that class, with one fit, the mean over seeds, whose
        ``value`` is the log-odds of it and whose ``chosen`` is the model's decision. Values rank,
        also where the protocol ranks by predicted classes.
    """

    name: str
    other: str
    cases: tuple[FoldCase, ...]
    __repr__ = short_repr


def read_event_predictions(result: LocoResult) -> EventPredictions:
    """Read what a run predicts of the class that is looked for.

    Raises
    ------
    SelectionError
        If the task predicts a number.
    """
    task = result.rows.task
    if task.kind != "classes":
        raise SelectionError(
            f"Task {task.title!r} predicts a number, and this figure is of classes. Look at "
            "predicted against observed instead."
        )
    is_turned = task.event == "negative"
    names = (task.negative, task.positive) if is_turned else (task.positive, task.negative)
    cases = tuple(_turn(case, is_turned=is_turned) for case in read_cases(result).values())
    return EventPredictions(*names, cases)


def list_refused(result: LocoResult) -> list[dict[str, object]]:
    """List the groups that were not tested: fold, n_images, n_persons and the reason."""
    rows = result.folds[~result.folds["is_tested"].astype(bool)]
    columns = ["fold", "n_images", "n_persons", "reason"]
    return [
        {str(name): value for name, value in row.items()}
        for row in rows[columns].to_dict("records")
    ]


def _turn(case: FoldCase, *, is_turned: bool) -> FoldCase:
    """Average the seeds of a group, and turn its classes round if the event is the negative one."""
    value, chosen = case.fits[0].value, case.fits[0].chosen
    if len(case.fits) > 1:
        share = np.mean([to_probability(fit.value) for fit in case.fits], axis=0)
        share = np.clip(share, 1e-12, 1 - 1e-12)
        value, chosen = np.log(share / (1 - share)), (share > 0.5).astype(float)
    y = case.y
    if is_turned:
        y, value, chosen = 1 - y, -value, 1 - chosen
    return replace(
        case,
        y=y,
        fits=(Fit(value, chosen, is_converged=True),),
        event="",
        protocol=replace(case.protocol, ranking="value"),
        dealings=(),
    )


def to_probability(value: Floats) -> Floats:
    """Turn log-odds into probabilities.

    Examples
    --------
    >>> to_probability(np.array([0.0, -1000.0])).tolist()
    [0.5, 0.0]
    """
    return np.asarray(np.exp(-np.logaddexp(0.0, -value)))


def weigh_case(case: FoldCase, result: LocoResult) -> Floats:
    """Weigh the images of a group once, and below as the run's resamples of persons draw them."""
    return case.weigh(result.settings.n_resamples, result.settings.seed)


def refuse_all(cases: Sequence[FoldCase]) -> str:
    """Say why groups together have no estimate, or nothing."""
    if len(cases) < FEWEST_POOLED:
        return f"{format_units(len(cases), 'tested group')}: all together needs {FEWEST_POOLED}."
    persons = count_all(cases)
    return describe_too_few(persons.fewest, is_class=persons.is_class)


def count_all(cases: Sequence[FoldCase]) -> Units:
    """Count the persons of all groups together; who is in two groups is drawn in each."""
    counts = [(each.counts.n, each.counts.n_positive, each.counts.n_negative) for each in cases]
    n, n_positive, n_negative = np.sum(counts, axis=0).tolist() if counts else (0, 0, 0)
    return Units(n, n_positive, n_negative, not cases or cases[0].counts.is_class)


def count_independent(cases: Sequence[FoldCase]) -> int:
    """Count the persons that bound what is known of groups together, as of a pooled score."""
    return sum(case.counts.n_independent for case in cases)


def widen_all(cases: Sequence[FoldCase]) -> float:
    """Find by how much what groups have in common widens an interval, as of a pooled score."""
    if len(cases) < 2:
        return 1.0
    draws = [draw_scores(case, 0, 0) for case in cases]
    pairs = np.array([each.pairs[1] for each in draws])
    metric = POOLED_METRICS[cases[0].kind]
    return find_widening(
        draws, (pairs / pairs.sum()).tolist(), [each.vary(metric) for each in draws]
    )


def refuse_group(case: FoldCase) -> str:
    """Say why a group has no estimate, or nothing."""
    return describe_too_few(case.counts.fewest, is_class=case.counts.is_class)


def average_seeds(result: LocoResult) -> pd.DataFrame:
    """Average over seeds: image_id, person_id, fold, y and value of each test image."""
    by_image = take_first_dealing(result.predictions).groupby(["fold", "image_id"], sort=False)
    table = by_image.agg(
        person_id=("person_id", "first"), y=("y", "first"), value=("value", "mean")
    )
    return table.reset_index()[["image_id", "person_id", "fold", "y", "value"]]
