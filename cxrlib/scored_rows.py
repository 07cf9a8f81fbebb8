"""The last step of a task's flow: images of held-out groups that have a score of their own."""

from cxrlib.baselines.evaluation.folds import name_groups
from cxrlib.baselines.evaluation.loco import LocoResult
from cxrlib.baselines.tasks.task_rows import TaskRows, narrow_rows

__all__ = ["keep_scored"]


def keep_scored(result: LocoResult) -> TaskRows:
    """Keep the images that some held-out group's own score rests on, and count the others.

    The others are not wasted: they train, and where both classes are there they count in the
    pooled score.

    Parameters
    ----------
    result : LocoResult

    Returns
    -------
    TaskRows
        With one step more, "scored"; what went is counted by group.
    """
    scored = result.folds.loc[result.folds["is_scored"].astype(bool), "fold"]
    kept = set(scored)
    groups = name_groups(result.rows.table, result.settings.hold_out)
    noun = result.settings.hold_out
    reasons = [None if name in kept else f"no score of {noun} {name}" for name in groups]
    return narrow_rows(
        result.rows, reasons, step="scored", title=f"In a {noun} with a score of its own"
    )
