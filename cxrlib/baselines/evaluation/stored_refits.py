"""Learning curves and importances in the store: both fit the models of a run many times."""

import logging
from collections.abc import Callable
from typing import Literal

import pandas as pd

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.baselines.evaluation.evaluation_key import make_evaluation_key
from cxrlib.baselines.evaluation.importance import IMPORTANCE_COLUMNS, compute_importance
from cxrlib.baselines.evaluation.learning_curve import LEARNING_COLUMNS, compute_learning_curve
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.errors import SelectionError
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

Refit = Literal["learning-curve", "importance"]
REFITS: tuple[Refit, ...] = ("learning-curve", "importance")
"""What fits the models of a run again."""

KIND = "refits"
#: Raised when the same run gives other numbers: every stored table is then made anew.
REFIT_VERSION = 2
_COLUMNS = {"learning-curve": LEARNING_COLUMNS, "importance": IMPORTANCE_COLUMNS}
_COMPUTE: dict[Refit, Callable[..., pd.DataFrame]] = {
    "learning-curve": compute_learning_curve,
    "importance": compute_importance,
}


def load_refit(result: LocoResult, of: Refit, store: Store) -> pd.DataFrame | None:
    """Load a learning curve or importances from the store, None where they were not computed."""
    key = make_refit_key(result, of)
    table = store.read_table(KIND, key)
    if table is None or (tuple(table.columns) == _COLUMNS[of] and len(table)):
        return table
    logger.warning("The stored %s %s cannot be used. Compute it again.", of, key)
    return None


def compute_refit(
    result: LocoResult,
    of: Refit,
    store: Store,
    *,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Load a learning curve or importances from the store, or compute and keep them.

    Raises
    ------
    SelectionError
        If it is neither, or as `compute_learning_curve` and `compute_importance`.
    RunStoppedError
        When `should_stop` said so.
    """
    known = load_refit(result, of, store)
    if known is not None:
        return known
    table = _COMPUTE[of](result, on_progress=on_progress, should_stop=should_stop)
    info = {"task": result.rows.task.to_text(), "features": result.features.name}
    store.write_table(KIND, make_refit_key(result, of), table, info=info)
    return table


def make_refit_key(result: LocoResult, of: Refit) -> str:
    """Name a learning curve or importances in the store: all that their numbers depend on.

    Raises
    ------
    SelectionError
        If it is neither.
    """
    if of not in REFITS:
        raise SelectionError(f"There is no {of[:60]!r}. There are {', '.join(REFITS)}.")
    return make_evaluation_key(of, result.rows, result.features, result.settings, (REFIT_VERSION,))
