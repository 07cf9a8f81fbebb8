"""Protocol steps: from the published to the corrected score, one change at a time.

Which of the changes moves a number is not known beforehand, and depends on their order: that of
the walk is fixed. Each step is a whole evaluation.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.estimators import describe_estimator, is_slow
from cxrlib.baselines.evaluation.loco import run_loco
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.baselines.evaluation.protocols import CORRECTED, PUBLISHED, LocoSettings
from cxrlib.baselines.evaluation.scores import METRICS, POOLED, list_metrics
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows
from cxrlib.errors import SelectionError

PROTOCOL_STEP_COLUMNS = (
    *("step", "words", "fold", "metric", "value", "low", "high"),
    *("n_images", "n_persons", "change", "reason"),
)


def compute_protocol_steps(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings | None = None,
    metric: str | None = None,
) -> pd.DataFrame:
    """Evaluate by the published protocol, then change it bit by bit to the corrected one.

    Changes that cannot matter are left out: what ranks the images of a number, the row space of
    features that are fewer than the images.

    Parameters
    ----------
    rows : TaskRows
    features : Features
    settings : LocoSettings, optional
        What is held out, seed and resamples; with ``is_strict`` the guard by site is the last
        step. Of its protocol only the model is looked at: under the corrected one the walk leads
        to that, unless it is slow.
    metric : str, optional
        Of the task; the first one by default. The pooled score is always there.

    Returns
    -------
    DataFrame
        A row a step and score, with `PROTOCOL_STEP_COLUMNS`: ``words`` says what changed,
        ``change`` is the value less that of the step before, NaN where one of them is not
        estimable; ``reason`` says why not.

    Raises
    ------
    SelectionError
        If there is no such score; for pixels, whose networks take minutes a step.
    """
    metric = _check(rows, features, metric)
    wanted = settings or LocoSettings()
    steps, before = [], None
    for number, (words, each) in enumerate(_list_steps(rows, features, wanted)):
        result = run_loco(rows, features, each)
        step = _take(result, metric)
        previous = step["fold"].map(before) if before is not None else np.nan
        step = step.assign(step=number, words=words, change=step["value"] - previous)
        before = step.set_index("fold")["value"]
        steps.append(step)
    return pd.concat(steps, ignore_index=True)[list(PROTOCOL_STEP_COLUMNS)]


def _check(rows: TaskRows, features: Features, metric: str | None) -> str:
    """Return the score that is meant, or refuse."""
    if features.kind == "pixels":
        raise SelectionError(
            "Each step fits the network on pixels anew, which takes minutes. Choose another "
            "feature set."
        )
    known = list_metrics(rows.task.kind, rows.task.event)
    if metric is not None and metric not in known:
        raise SelectionError(f"There is no score {metric[:60]!r}. There are {', '.join(known)}.")
    return metric or METRICS[rows.task.kind][0]


def _list_steps(
    rows: TaskRows, features: Features, wanted: LocoSettings
) -> Iterator[tuple[str, LocoSettings]]:
    """Give the settings of each step, with what changed."""
    is_class = rows.task.kind == "classes"
    settings = replace(wanted, protocol=PUBLISHED, is_strict=False, estimator="")
    yield "As published", settings

    def change(**changes: object) -> LocoSettings:
        nonlocal settings
        settings = replace(settings, protocol=replace(settings.protocol, **changes))  # type: ignore[arg-type]
        return settings

    if is_class:
        yield "Ranked on decision values, not on the predicted class", change(ranking="value")
    yield "Features standardised within each fold", change(is_standardised=True)
    reduced = change(reduces=True)
    if len(features.columns) > len(rows.table) // 2:
        yield "Wide features reduced without loss (predictions unchanged)", reduced
    model = find_last_model(wanted)
    if model != settings.model:
        words = describe_estimator(model, task_kind=rows.task.kind, hold_out=wanted.hold_out)
        # By another name: as published it takes the paper's model only.
        protocol = replace(settings.protocol, name=f"{PUBLISHED.name}, changed")
        settings = replace(settings, protocol=protocol, estimator=model)
        yield f"Another model: {words}", settings
    yield "No person in both training and test", change(guards=("person",))
    yield "No article in both training and test", change(guards=CORRECTED.guards)
    if not is_class:
        yield (
            "A constant prediction has no correlation (before: 0)",
            change(counts_constant=False),
        )
    # From here on it is the corrected protocol, name included.
    settings = replace(settings, protocol=CORRECTED, estimator=model)
    yield (
        f"No score below {CORRECTED.fewest_persons} persons in the smaller class, no mean of fewer "
        f"than {CORRECTED.fewest_folds} groups",
        settings,
    )
    if wanted.is_strict:
        yield "No source in both training and test", replace(settings, is_strict=True)


def find_last_model(wanted: LocoSettings) -> str:
    """Find the model that a walk leads to: that of a corrected run, but for slow ones."""
    is_last = wanted.protocol == CORRECTED and not is_slow(wanted.model)
    return wanted.model if is_last else CORRECTED.estimator


def _take(result: LocoResult, metric: str) -> pd.DataFrame:
    """Take one score of a step, and the pooled one."""
    scores = result.scores
    return scores[(scores["metric"] == metric) | (scores["fold"] == POOLED)]
